"""What a run over many files has finished, so that the next call does what is missing."""

import json
from collections.abc import Mapping
from pathlib import Path

from ultraref.apis.inference.files import InputFile
from ultraref.errors import UserError


class Journal:
    """Rows of predictions that are written, one a line, in a file that grows.

    Args:
        path: the file; read where it is there. A last line that a kill cut off is dropped.
        settings: plain values that the results depend on. Those of the file must be the same.

    Attributes:
        rows: row of each finished frame by its name.

    Raises:
        UserError: the file is of other settings, or isn't a journal.
    """

    def __init__(self, path: Path, settings: Mapping):
        self.path = path
        self.rows: dict[str, dict] = {}
        self._sources: dict[str, list] = {}
        begun = self._read(json.loads(json.dumps(settings)))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(path, "a" if begun else "w", encoding="utf-8")  # noqa: SIM115, closed by close()
        except OSError as error:
            raise UserError(f"{path} can't be written: {error.strerror}") from error
        if not begun:
            self._append({"settings": settings})

    def is_done(self, name: str, file: InputFile) -> bool:
        """Whether a frame was finished, from the file as it is now."""
        return name in self.rows and self._sources[name] == fingerprint(file)

    def add(self, row: dict, file: InputFile) -> None:
        """Notes a frame whose files are written."""
        self.rows[row["name"]], self._sources[row["name"]] = row, fingerprint(file)
        self._append({"row": row, "source": self._sources[row["name"]]})

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _append(self, entry: Mapping) -> None:
        self._file.write(json.dumps(entry) + "\n")
        self._file.flush()

    def _read(self, settings: dict) -> bool:
        """Reads what was finished, and returns whether the file can be continued."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return False
        end = content.rfind(b"\n") + 1
        try:
            entries = [json.loads(line) for line in content[:end].splitlines()]
            before = entries[0]["settings"] if entries else None
            for entry in entries[1:]:
                name = entry["row"]["name"]
                self.rows[name], self._sources[name] = entry["row"], entry["source"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise UserError(
                f"{self.path} is no journal of predictions ({error}); remove it, or give another folder"
            ) from error
        if before is None:
            return False
        differing = [key for key in sorted({*before, *settings}) if before.get(key) != settings.get(key)]
        if differing:
            changes = "; ".join(f"{key}: {before.get(key)}, now {settings.get(key)}" for key in differing)
            raise UserError(
                f"{self.path.parent} holds predictions that were made otherwise ({changes}); give another folder, or remove it"
            )
        if end < len(content):
            with open(self.path, "r+b") as file:
                file.truncate(end)
        return True


def fingerprint(file: InputFile) -> list:
    """Size and time of change of a file in nanoseconds: another content has others. And the state of its video, if it is of one."""
    status = file.path.stat()
    return [status.st_size, status.st_mtime_ns, *([file.video_state] if file.video is not None else [])]
