"""Where other packages keep their caches when the home folder can't be written, as in a container with a user of its own."""

import os
import stat
import sys
import tempfile
from pathlib import Path

# Below these torch, timm, huggingface_hub, Matplotlib, MMEngine and fontconfig keep theirs, unless a variable of their own is set.
_VARIABLES = {"XDG_CACHE_HOME": ".cache", "XDG_CONFIG_HOME": ".config"}


def use_writable_home() -> None:
    """Gives caches a folder for temporary files where the home folder can't be written, and says so in a line.

    What the user has set is left as it is. Nothing is made unless it is needed.
    """
    home = Path(os.path.expanduser("~"))
    missing = [name for name, folder in _VARIABLES.items() if name not in os.environ and not is_writable(home / folder)]
    if not missing:
        return
    folder = _own_folder()
    for name in missing:
        os.environ[name] = str(folder / _VARIABLES[name].lstrip("."))
    print(
        f"the home folder {home} can't be written; caches of other packages go to {folder}. Set {' and '.join(missing)} to change that",
        file=sys.stderr,
    )


def is_writable(path: Path) -> bool:
    """Whether a folder can be written, or made."""
    # Without a home even in the system's list of users "~" stays as it is, and would become a folder of that name.
    if not path.is_absolute():
        return False
    while not os.path.lexists(path):
        path = path.parent
    return path.is_dir() and os.access(path, os.W_OK | os.X_OK)


def _own_folder() -> Path:
    """A folder of this user alone, the same in the next run."""
    folder = Path(tempfile.gettempdir(), f"ultraref-{os.getuid()}")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        # Anybody may have made it before.
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022:
            return folder
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="ultraref-"))
