# The five sets together, for phase 2. Near-duplicates between sets: tools/audit_leakage.py finds them.
set_name = "all"
sets = {name: "{{$ULTRAREF_DATA:data}}/" + name for name in ("busi", "busbra", "bus", "bus_uc", "bus_uclm")}
made_by = {root: f"python tools/dataset_converters/{name}.py SRC {root}" for name, root in sets.items()}
