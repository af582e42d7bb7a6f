# BUSI: Al-Dhabyani et al. 2020, "Dataset of breast ultrasound images".
set_name = "busi"
data_root = "{{$ULTRAREF_DATA:data}}/busi"
sets = {set_name: data_root}
made_by = {data_root: f"python tools/dataset_converters/busi.py SRC {data_root}"}
