# BUS-UCLM: Vallez et al. 2025, "BUS-UCLM: Breast ultrasound lesion segmentation dataset".
set_name = "bus_uclm"
data_root = "{{$ULTRAREF_DATA:data}}/bus_uclm"
sets = {set_name: data_root}
made_by = {data_root: f"python tools/dataset_converters/bus_uclm.py SRC {data_root}"}
