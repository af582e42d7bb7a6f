"""What is said of a gate's calibration: when it is made, when the model is used, and above the table of every test of it."""

import hashlib
import logging
import re
from collections.abc import Collection, Iterable, Mapping

from mmengine.logging import print_log
from torch import nn

from ultraref import provenance

# What a record holds (`ultraref.apis.calibrate_gate`).
_FORM = {
    "n": int,
    "unit": str,
    "images": int,
    "alpha": (int, float),
    "score": str,
    "gate": dict,
    "threshold": str,
    "change": (int, float),
    "accepted": (int, float),
    "harmed": int,
    "sets": list,
    "data_hash": str,
}
PROMISE = (
    "The promise is marginal: an average over calibrations and new cases of the kind that was calibrated on, not for each kind of lesion. It "
    "is void on other scanners, clinics or patients"
)


def data_hash(image_hashes: Iterable[str]) -> str:
    """Returns the sha256 of a collection of images, told by the sha256 of each, in any order."""
    return hashlib.sha256("\n".join(sorted(image_hashes)).encode()).hexdigest()


def describe_calibration(record: Mapping) -> str:
    """Returns the record of a calibration, `meta["calibration"]` of a checkpoint, in words."""
    units = "" if record["unit"] == "image" else f" in {record['n']} units, each a {record['unit']}"
    found = f"score {record['score']!r} of at least {record['threshold']} accepts {record['accepted']:.0%} of them"
    if record["threshold"] == "-inf":
        found = f"the score {record['score']!r} need not leave out any case"
    elif record["threshold"] == "inf":
        found = f"no threshold of the score {record['score']!r} keeps that, so that every coarse mask is kept"
        if record["alpha"] * (record["n"] + 1) < 1:
            found += f"; {record['n']} units are too few for this alpha, which needs {round(1 / record['alpha'] - 1)}"
    return (
        f"Gate calibrated on {record['images']} images of {', '.join(record['sets'])}{units}: at most {record['alpha']:.1%} harmed by more "
        f"than {record['change']} Dice; {found}"
    )


def check_record(record: Mapping) -> None:
    """Checks the form of a record that may come from anywhere.

    Raises:
        ValueError: says what is wrong.
    """
    for key, kind in _FORM.items():
        if not isinstance(record.get(key), kind) or isinstance(record[key], bool):
            raise ValueError(f"{key} is {record.get(key)!r}")
    for key in record:
        if key not in _FORM:
            raise ValueError(f"it has {key!r}, which no record has")
    if not 0 < record["alpha"] < 1 or not 0 <= record["accepted"] <= 1 or not 0 <= record["harmed"] <= record["n"]:
        raise ValueError(
            f"alpha is {record['alpha']}, accepted {record['accepted']}, harmed {record['harmed']} of {record['n']}"
        )
    if not record["sets"] or not all(isinstance(name, str) for name in record["sets"]):
        raise ValueError(f"sets is {record['sets']!r}")
    if not re.fullmatch("[0-9a-f]{64}", record["data_hash"]):
        raise ValueError(f"data_hash is {record['data_hash']!r}")


def log_calibration(model: nn.Module) -> None:
    """Logs what the gate of a model was calibrated on, and what that promises, if it was: when the model is loaded to be used."""
    record = provenance.calibration_of(model)
    if record is not None:
        print_log(f"{describe_calibration(record)}. {PROMISE}.", logger="current", level=logging.INFO)


def calibration_warnings(record: Mapping, sets: Collection[str], image_hashes: Collection[str]) -> list[str]:
    """Returns what speaks against the promise on a test: other sets than the calibration's, or its very images.

    Args:
        record: of the calibration.
        sets: names of the sets that are tested on.
        image_hashes: sha256 of each image that is tested on.
    """
    warnings = []
    others = [name for name in dict.fromkeys(sets) if name not in record["sets"]]
    if others:
        warnings.append(
            f"The gate was calibrated on {', '.join(record['sets'])}: it promises nothing on {', '.join(others)}. Calibrate it there with "
            "tools/calibrate_gate.py"
        )
    if data_hash(image_hashes) == record["data_hash"]:
        warnings.append(
            "These are the images that the gate was calibrated on: the share harmed here is what it was set to, no measurement"
        )
    return warnings
