"""Names of the values and colours of a label map, as the user gives them."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ultraref.errors import UserError


@dataclass(frozen=True)
class LabelNames:
    """Names of labels.

    Attributes:
        labels: the labels of each name, as `readers.label_map` writes them: "2", "#ff0000".
    """

    labels: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return list(self.labels)

    @classmethod
    def parse(cls, values: Sequence[str] = (), colours: Sequence[str] = ()) -> "LabelNames":
        """Reads what the command line gives.

        Args:
            values: "nodule=2" or "nodule=2,3": grey values, or numbers of a palette.
            colours: "nodule=#ff0000" or "nodule=255,0,0"; several are given as several items.

        Raises:
            UserError: an item is not of that form, or two names have one label.
        """
        labels: dict[str, set[str]] = {}
        for flag, items, read in (("--class-values", values, _values), ("--class-colours", colours, _colour)):
            for item in items:
                name, sign, text = item.partition("=")
                found = read(text.strip())
                if not name.strip() or not sign or not found:
                    raise UserError(
                        f"{flag} takes {'NAME=NUMBER[,NUMBER]' if read is _values else 'NAME=#RRGGBB or NAME=RED,GREEN,BLUE (0 to 255)'}, "
                        f"but got {item!r}"
                    )
                labels.setdefault(name.strip(), set()).update(found)
        for label in sorted(set().union(*labels.values())):
            owners = [name for name, own in labels.items() if label in own]
            if len(owners) > 1:
                raise UserError(f"the label {label} is given two names, {' and '.join(owners)}")
        return cls({name: frozenset(own) for name, own in labels.items()})

    @staticmethod
    def entry(own: Collection[str], entries: Mapping[str, str], label: str) -> bool:
        """Whether one of a name's labels is the number of the palette's entry of this colour."""
        return any(entries.get(number) == label for number in own)


def _values(text: str) -> set[str]:
    numbers = [number.strip() for number in text.split(",")]
    if not all(re.fullmatch(r"\d{1,5}", number) for number in numbers):
        return set()
    return {str(int(number)) for number in numbers}


def _colour(text: str) -> set[str]:
    if re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        return {text.lower()}
    numbers = [number.strip() for number in text.split(",")]
    if len(numbers) != 3 or not all(re.fullmatch(r"\d{1,3}", number) and int(number) < 256 for number in numbers):
        return set()
    return {"#" + "".join(f"{int(number):02x}" for number in numbers)}
