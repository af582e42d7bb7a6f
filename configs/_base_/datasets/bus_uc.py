# BUS-UC: Iqbal 2023, "BUS-UC: Breast ultrasound images" (Mendeley Data).
set_name = "bus_uc"
data_root = "{{$ULTRAREF_DATA:data}}/bus_uc"
sets = {set_name: data_root}
made_by = {data_root: f"python tools/dataset_converters/bus_uc.py SRC {data_root}"}
