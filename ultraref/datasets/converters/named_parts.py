"""What the named parts of a path, or the columns of a table, say of an image."""

import math
import re
from collections.abc import Mapping

from ultraref.datasets.converters.given_parts import part_of
from ultraref.errors import UserError

SIDES = {"l": "left", "left": "left", "r": "right", "right": "right"}
# Names that fill a field of `RawSample`; any other one is an attribute.
KNOWN = ("patient", "study", "side", "video", "frame", "class", "split")


def sample_fields(parts: Mapping[str, str], where: str) -> dict:
    """Returns fields of `RawSample`.

    A study and a video are only known within their patient, so that their names get the patient's in front. A frame is the last number in
    its text. A side that is neither left nor right, and a frame without a number, are attributes.

    Args:
        parts: text by name. Empty text says nothing.
        where: the file or the line of a table, for messages.

    Raises:
        UserError: the split is none that is known, or the pixel spacing no positive number.
    """
    parts = {name: text.strip() for name, text in parts.items() if text and text.strip()}
    attributes = {name: text for name, text in parts.items() if name not in KNOWN}
    fields: dict = {"attributes": attributes}
    for name, field in (("patient", "patient"), ("class", "category")):
        if name in parts:
            fields[field] = parts[name].lower()
    within = [parts[name].lower() for name in ("patient",) if name in parts]
    for name in ("study", "video"):
        if name in parts:
            within.append(parts[name].lower())
            fields[name] = "/".join(within)
    if "side" in parts:
        side = SIDES.get(parts["side"].lower())
        if side is None:
            attributes["side"] = parts["side"]
        else:
            fields["side"] = side
    if "frame" in parts:
        numbers = re.findall(r"\d+", parts["frame"])
        if numbers:
            fields["frame"] = int(numbers[-1])
        else:
            attributes["frame"] = parts["frame"]
    if "split" in parts:
        fields["fold"] = part_of(parts["split"], where)
    return fields


def spacing_of(rows: str, columns: str, where: str) -> tuple[float, float]:
    """Returns millimetres between the centres of pixels, (row, column), of two texts.

    Raises:
        UserError: one of them is no positive number.
    """
    found = []
    for text in (rows, columns):
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (0 < value < math.inf):
            raise UserError(f"{where}: the pixel spacing is {text!r}; it is a positive number of millimetres")
        found.append(value)
    return found[0], found[1]
