"""Hashes of files and of the package's code, each computed once as long as the file's size and time don't change."""

import ast
import hashlib
import json
import time
from pathlib import Path

from ultraref.atomic import atomic_file

_PACKAGE = Path(__file__).resolve().parents[1]
# What no result depends on: commands, this runner, the audit, the report, what tests share.
_NO_PART_OF_RESULTS = ("cli", "protocol", "datasets/audit", "apis/report", "testing", "console.py", "download.py")
# A file that is younger may change again without another time.
_SETTLED = 1.0


class FileHashes:
    """sha256 of files, kept in a JSON file between calls.

    Args:
        path: the JSON file; None keeps nothing.
    """

    def __init__(self, path: str | Path | None = None):
        self._path = None if path is None else Path(path)
        self._known: dict[str, list] = {}
        self._is_changed = False
        if self._path is not None and self._path.is_file():
            try:
                self._known = json.loads(self._path.read_text(encoding="utf-8"))
            except ValueError:
                # It only saves time.
                self._known = {}

    def of(self, path: str | Path) -> str | None:
        """Returns the sha256 of a file, of a folder that of all files below it with their names; None where there is neither."""
        path = Path(path).expanduser()
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.is_file())
            listing = "\n".join(f"{file.relative_to(path).as_posix()} {self.of(file)}" for file in files)
            return hashlib.sha256(listing.encode()).hexdigest()
        return self._cached("file", path, _hash_file)

    def of_code(self) -> dict[str, str]:
        """Returns a digest of each file of the package that results depend on. Comments, docstrings and layout don't count."""
        files = sorted(_PACKAGE.rglob("*.py"))
        names = {file.relative_to(_PACKAGE).as_posix(): file for file in files}
        return {
            name: self._cached("code", file, hash_code)
            for name, file in names.items()
            if not any(name == part or name.startswith(f"{part}/") for part in (*_NO_PART_OF_RESULTS, "configs"))
        }

    def save(self) -> None:
        """Keeps what was computed for the next call."""
        if self._path is not None and self._is_changed:
            with atomic_file(self._path, "w", durable=False) as file:
                json.dump(self._known, file)
            self._is_changed = False

    def _cached(self, kind: str, path: Path, compute) -> str | None:
        try:
            status = path.stat()
        except OSError:
            return None
        key = f"{kind}:{path.absolute()}"
        found = self._known.get(key)
        if found is not None and found[:2] == [status.st_size, status.st_mtime_ns]:
            return found[2]
        value = compute(path)
        if time.time() - status.st_mtime > _SETTLED:
            self._known[key] = [status.st_size, status.st_mtime_ns, value]
            self._is_changed = True
        return value


def hash_code(path: Path) -> str:
    """Returns 16 hex digits that depend on what a Python file does, not on its comments, docstrings and layout."""
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:16]


def _hash_file(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
