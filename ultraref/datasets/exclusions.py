"""The exclusion manifest: images that training and testing leave out, with reasons, as `tools/audit_leakage.py` writes."""

import json
from dataclasses import dataclass
from pathlib import Path

from ultraref.datasets.splits import Splits
from ultraref.errors import UserError
from ultraref.json_file import read_json

VERSION = 1


@dataclass(frozen=True)
class Exclusions:
    """What to leave out of each set.

    Attributes:
        splits_hashes: hash of the split that each set had, by the set's name.
        reasons: set -> image -> why it is left out.
    """

    splits_hashes: dict[str, str]
    reasons: dict[str, dict[str, str]]

    def of(self, splits: Splits, path: str | Path) -> dict[str, str]:
        """Returns the reasons by image for one set.

        Args:
            splits: the set's split.
            path: where the manifest was read, for messages.

        Raises:
            ValueError: the manifest doesn't cover the set, or was made for another split of it.
        """
        if splits.dataset not in self.splits_hashes:
            covered = ", ".join(sorted(self.splits_hashes)) or "none"
            raise UserError(
                f"{path}: doesn't cover the set {splits.dataset!r} but {covered}; audit it together with them"
            )
        if self.splits_hashes[splits.dataset] != splits.hash:
            raise UserError(f"{path}: was made for another split of {splits.dataset!r}; run the audit again")
        return self.reasons.get(splits.dataset, {})

    def to_json(self) -> str:
        """Returns the manifest's text."""
        datasets = {
            name: {"splits_hash": value, "images": dict(sorted(self.reasons.get(name, {}).items()))}
            for name, value in sorted(self.splits_hashes.items())
        }
        return json.dumps({"version": VERSION, "datasets": datasets}, indent=1) + "\n"

    @classmethod
    def read(cls, path: str | Path) -> "Exclusions":
        """Reads a manifest.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it is damaged or of another version.
        """
        again = "write it with tools/audit_leakage.py"
        content = read_json(path, "exclusion manifest", hint=again)
        try:
            if content["version"] != VERSION:
                raise UserError(f"{path}: version {content['version']!r}, but this program reads {VERSION}; {again}")
            datasets = content["datasets"]
            hashes = {name: entry["splits_hash"] for name, entry in datasets.items()}
            return cls(hashes, {name: dict(entry["images"]) for name, entry in datasets.items()})
        except (KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{path}: is no exclusion manifest ({error!r}); {again}") from error
