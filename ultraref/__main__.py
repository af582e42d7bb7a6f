"""`python -m ultraref`: the command `ultraref`, where its folder isn't on the path."""

import sys

from ultraref.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
