"""Whether a step is finished, judged by the content of all that it depends on, and if not, why."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from ultraref.atomic import write_json
from ultraref.json_file import read_json
from ultraref.protocol.file_hashes import FileHashes
from ultraref.protocol.step import Step

# Characters of a value that a reason shows.
_SHOWN = 40
_NOTHING = "nothing"


class Fingerprints:
    """Compares what steps depend on with what their stamps record.

    Args:
        hashes: of files and code.
        code: digest of each file of the package, of the version that runs.
        any_code: a step that another version of the code finished counts as finished.
    """

    def __init__(self, hashes: FileHashes, code: Mapping[str, str], any_code: bool = False):
        self.hashes, self.code, self.any_code = hashes, code, any_code

    def parts(self, step: Step) -> dict[str, dict[str, str | None]]:
        """Returns all that a step's result depends on: `code` by file of the package, `config` by dotted key, and `inputs`,
        the sha256 by file."""
        return {
            "code": dict(self.code),
            "config": dict(step.settings),
            "inputs": {path: self.hashes.of(path) for path in step.inputs},
        }

    def why(self, step: Step) -> str | None:
        """Returns in words why a step isn't finished; None if it is."""
        stamp = read_stamp(step.stamp)
        if not Path(step.result).is_file():
            return "not done yet" if stamp is None else f"{step.result} is gone"
        if stamp is None:
            return None if step.is_kept else f"{step.result} is there, but no protocol made it"
        if step.is_kept and any(self.hashes.of(path) is None for path in step.inputs):
            # Raw images may be deleted when they have been converted.
            return None
        reason = self.difference(stamp["parts"], step)
        if reason is None and self.hashes.of(step.result) != stamp["result"]:
            reason = f"{step.result} isn't what the step left"
        return reason

    def difference(self, before: Mapping, step: Step) -> str | None:
        """Returns in words what a step depends on and is no longer as recorded; None if nothing differs.

        Args:
            before: what `parts` gave.
            step: the step now.
        """
        found = []
        for name, now in self.parts(step).items():
            if name == "code" and self.any_code:
                continue
            old = before.get(name, {})
            found += [_change(name, key, old, now) for key in sorted({*old, *now}) if old.get(key) != now.get(key)]
        if not found:
            return None
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        # A change of the config says most.
        return sorted(found, key=lambda text: not text.startswith("config"))[0] + more

    def write_stamp(self, step: Step, parts: Mapping, seconds: float) -> None:
        """Records that a step is finished.

        Args:
            step: the step.
            parts: what `parts` gave when it began.
            seconds: that it took.
        """
        key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
        content = {"key": key, "parts": parts, "result": self.hashes.of(step.result), "seconds": round(seconds, 1)}
        write_json(step.stamp, content, indent=None)


def seconds_of(step: Step) -> float | None:
    """Returns how long a step took the last time, whatever it depended on then; None if that isn't known."""
    stamp = read_stamp(step.stamp)
    return None if stamp is None else stamp["seconds"]


def read_stamp(path: str | Path | None) -> dict | None:
    """Returns a stamp; None where there is none, or one of a version before protocols."""
    if path is None or not Path(path).is_file():
        return None
    content = read_json(path, "stamp of a step", expect=None, hint="remove it, and the step is done again")
    return content if isinstance(content, dict) and "parts" in content else None


def _change(part: str, key: str, old: Mapping, now: Mapping) -> str:
    if part != "config":
        return f"{'code' if part == 'code' else 'input'} changed: {key}"
    before, after = (_short(values.get(key, _NOTHING)) for values in (old, now))
    return f"config changed: {key} {before} -> {after}"


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
