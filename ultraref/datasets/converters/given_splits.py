"""A split that someone else decided: which images, or which patients, are for training, validation and testing.

A CSV has a column for the image (name, image, file or filename) or the patient, and one for the part (part, split, set, subset or
fold). A JSON has either the part of each name, or the names of each part; also {"folds": [[names], ...], "test": [names]}. Parts are
train, val and test, or numbers of folds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ultraref.csv_table import read_rows
from ultraref.datasets.converters.given_parts import TRAIN, VALID_FOLD, WORDS
from ultraref.datasets.converters.raw_sample import RawSample, normalise_name
from ultraref.errors import UserError
from ultraref.json_file import parse_json
from ultraref.text_file import read_text

_NAME_COLUMNS, _PATIENT_COLUMNS = ("name", "image", "file", "filename"), ("patient", "case", "patient_id")
_PART_COLUMNS = ("part", "split", "set", "subset", "fold")
_LISTED = 5
# Folders of an image's path that a file may give with its name.
_LONGEST_PATH = 6
# More folds than this are a mistake, such as a column of patients taken for folds.
_MOST_FOLDS = 100


@dataclass(frozen=True)
class GivenSplits:
    """A split as it was given.

    Attributes:
        path: the file, for messages.
        parts: "train", "test" or a fold's number, by key; val is the first fold (`given_parts`).
        by: what the keys are: "name", "patient", or None, where the images of the set decide.
    """

    path: str
    parts: dict[str, str | int]
    by: str | None

    @classmethod
    def read(cls, path: str | Path) -> "GivenSplits":
        """Reads a CSV or a JSON.

        Raises:
            FileNotFoundError: there is none.
            UserError: it is neither, lacks what it must have, names something twice, or a part that is none.
        """
        text = read_text(path, "it is a CSV or a JSON")
        if text.lstrip()[:1] in ("{", "["):
            rows, by = _json_rows(text, path), None
        else:
            rows, by = _csv_rows(path)
        parts: dict[str, str | int] = {}
        for key, part, where in rows:
            part = _part(part, where)
            if parts.setdefault(key, part) != part:
                raise UserError(f"{where}: {key} is in {_told(parts[key])} and in {_told(part)}; it can be in one part")
        if not parts:
            raise UserError(f"{path}: names no image and no patient")
        return cls(str(path), _as_folds(parts, path), by)

    def apply(
        self, samples: Mapping[str, RawSample], normals: Mapping[str, RawSample] | None = None
    ) -> dict[str, str | int]:
        """Returns "train", "test" or the fold of each image, and of each normal that is listed.

        Args:
            samples: the images with a lesion, by name.
            normals: those without one, which may be listed and needn't.

        Raises:
            UserError: images, or their patients, are not listed, or what is listed isn't there; names them.
        """
        stems: dict[str, list[str]] = {}
        for key in self.parts if self.by != "patient" else ():
            stems.setdefault(normalise_name(Path(key).stem), []).append(key)
        found, further = (
            {name: self._key_of(sample, stems.get(name, [])) for name, sample in each.items()}
            for each in (samples, normals or {})
        )
        missing = [name for name, key in found.items() if key is None]
        strange = sorted(set(self.parts) - set(found.values()) - set(further.values()))
        lines = [
            f"{len(names)} {what}: {', '.join(names[:_LISTED])}{', ...' if len(names) > _LISTED else ''}"
            for what, names in (("images of the set are not listed", missing), ("listed are not in the set", strange))
            if names
        ]
        if lines:
            raise UserError(
                f"{self.path} doesn't fit the {len(samples)} images with a lesion: {'; '.join(lines)}. Images go by their name in splits.json, their file's "
                "name or path, patients as the set calls them"
            )
        return {name: self.parts[key] for name, key in {**found, **further}.items() if key is not None}

    def _key_of(self, sample: RawSample, normalised: list[str]) -> str | None:
        """Returns the key that an image is listed under, or None; `normalised` are those whose stem becomes its name."""
        path = sample.image_path
        tails = ["/".join(path.parts[-length:]) for length in range(1, min(len(path.parts), _LONGEST_PATH) + 1)]
        names = [sample.name, *reversed(tails), *(str(Path(tail).with_suffix("")) for tail in reversed(tails))]
        # Of two keys with one stem, in two folders, none can be told to be this image's.
        names += normalised if len(normalised) == 1 else []
        patients = [] if sample.patient is None else [sample.patient]
        own = {"name": names, "patient": patients, None: names + patients}[self.by]
        return next((key for key in own if key in self.parts), None)


def _csv_rows(path) -> tuple[list[tuple[str, str, str]], str]:
    """Returns (key, part, place) of each row, and what the keys are."""
    columns, rows = read_rows(path)
    key_column = next((c for c in (*_NAME_COLUMNS, *_PATIENT_COLUMNS) if c in columns), None)
    part_column = next((c for c in _PART_COLUMNS if c in columns), None)
    if key_column is None or part_column is None:
        raise UserError(
            f"{path}: its columns are {', '.join(columns) or 'none'}; it needs one of {', '.join((*_NAME_COLUMNS, *_PATIENT_COLUMNS))} and "
            f"one of {', '.join(_PART_COLUMNS)}"
        )
    found = []
    for line, cells in rows:
        row = dict(zip(columns, cells))
        if len(cells) != len(columns) or not row[key_column] or not row[part_column]:
            raise UserError(f"{path}, line {line}: is not whole: {','.join(cells)}")
        found.append((row[key_column], row[part_column], f"{path}, line {line}"))
    return found, "name" if key_column in _NAME_COLUMNS else "patient"


def _json_rows(text: str, path) -> list[tuple[str, object, str]]:
    content = parse_json(text, path, "JSON of a split")
    if isinstance(content, dict) and isinstance(content.get("folds"), list):
        content = {
            **{str(number): names for number, names in enumerate(content["folds"])},
            "test": content.get("test", []),
        }
    if not content:
        raise UserError(f"{path}: gives neither the part of each name nor the names of each part")
    if all(isinstance(names, list) for names in content.values()):
        rows = [(name, part, f"{path}: {part}") for part, names in content.items() for name in names]
    else:
        rows = [(name, part, f"{path}: {name}") for name, part in content.items()]
    bad = next((row for row in rows if not isinstance(row[0], str) or not isinstance(row[1], (str, int))), None)
    if bad is not None:
        raise UserError(f"{bad[2]}: {bad[0]!r} and {bad[1]!r} are not a name and a part")
    return rows


def _part(part: str | int, where: str) -> str:
    """Returns a word of `given_parts.WORDS`, or the number of a fold as text."""
    word = str(part).strip().lower().removeprefix("fold").strip(" _-")
    if word in WORDS:
        return next(each for each in WORDS if WORDS[each] == WORDS[word])
    if word.isdecimal() and int(word) <= _MOST_FOLDS:
        return str(int(word))
    raise UserError(f"{where}: the part {part!r} is not known; it is train, val or test, or the number of a fold")


def _as_folds(parts: Mapping[str, str], path) -> dict[str, str | int]:
    """Turns numbers of folds, from 0 or 1, into folds from 0, and val into the first fold."""
    folds = sorted({int(part) for part in parts.values() if part.isdecimal()})
    words = sorted({part for part in parts.values() if WORDS.get(part) in (TRAIN, VALID_FOLD)})
    if folds and words:
        raise UserError(
            f"{path}: has both folds ({folds[0]}, ...) and {' and '.join(words)}; give one of the two, and test"
        )
    if folds and (folds != list(range(folds[0], folds[0] + len(folds))) or folds[0] > 1 or len(folds) == 1):
        raise UserError(
            f"{path}: its folds are {', '.join(map(str, folds))}; they are numbered from 0 or 1 without a gap, at least two"
        )
    return {key: int(part) - folds[0] if part.isdecimal() else WORDS[part] for key, part in parts.items()}


def _told(part: str) -> str:
    return f"fold {part}" if part.isdecimal() else part
