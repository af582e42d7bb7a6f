# Made-up images: tools/make_phantoms.py draws them in BUSI's layout.
set_name = "phantoms"
data_root = "{{$ULTRAREF_DATA:data}}/phantoms"
sets = {set_name: data_root}
made_by = {data_root: f"python tools/dataset_converters/busi.py SRC {data_root}"}
