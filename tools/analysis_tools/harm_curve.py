"""The command `ultraref analyse harm-curve`, as users of MMSegmentation type it."""

import sys

from ultraref.cli.main import run_tool

if __name__ == "__main__":
    sys.exit(run_tool("analysis_tools/harm_curve"))
