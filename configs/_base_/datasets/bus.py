# BUS, also called BUSIS: Zhang et al. 2022, "BUSIS: A benchmark for breast ultrasound image segmentation".
set_name = "bus"
data_root = "{{$ULTRAREF_DATA:data}}/bus"
sets = {set_name: data_root}
made_by = {data_root: f"python tools/dataset_converters/bus.py SRC {data_root}"}
