# The fold that is held out: --fold of the tools. None, for --fold all, holds none out.
fold = None if "{{$ULTRAREF_FOLD:0}}" == "all" else int("{{$ULTRAREF_FOLD:0}}")
