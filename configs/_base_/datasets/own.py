# Your own folder of images and masks, once tools/dataset_converters/folder.py has converted it. A copy of this file under
# another name, with that name as set_name, is a further set.
set_name = "own"
data_root = "{{$ULTRAREF_DATA:data}}/own"
sets = {set_name: data_root}
made_by = {data_root: f"python tools/dataset_converters/folder.py SRC {data_root}"}
