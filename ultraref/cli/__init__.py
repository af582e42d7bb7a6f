"""The sub-commands of `ultraref`, one a file; the scripts of tools/ are thin wrappers of them.

A file has a docstring, which `--help` shows, `add_arguments(parser)` and `main(args)`, which returns the exit status. At its
top it imports nothing that takes long (torch, MMEngine, OpenCV, NumPy): what a command needs is imported by `main`, when the
arguments have been read. A command that it mentions is written as `python tools/NAME.py`; `commands.spell` turns that
into what the user types.
"""
