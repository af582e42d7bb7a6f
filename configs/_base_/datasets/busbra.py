# BUS-BRA: Gomez-Flores et al. 2024, "BUS-BRA: A breast ultrasound dataset for assessing CAD systems".
set_name = "busbra"
data_root = "{{$ULTRAREF_DATA:data}}/busbra"
sets = {set_name: data_root}
made_by = {data_root: f"python tools/dataset_converters/busbra.py SRC {data_root}"}
