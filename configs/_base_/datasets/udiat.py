# UDIAT, "Dataset B": Yap et al. 2018. 163 images, kept for tests: the protocol trains on the five others.
set_name = "udiat"
data_root = "{{$ULTRAREF_DATA:data}}/udiat"
sets = {set_name: data_root}
made_by = {data_root: f"python tools/dataset_converters/udiat.py SRC {data_root}"}
