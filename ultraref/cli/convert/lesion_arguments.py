"""Options of converters whose masks or objects may be of several classes, and a look at what would be converted."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ultraref.datasets.converters import Found, LesionChoice

CLASSES = {
    "--classes": {
        "metavar": "NAME[,NAME]",
        "help": "classes that are lesion, united; all others are background. Needed where there are several",
    }
}
DRY_RUN = {"--dry-run": {"action": "store_true", "help": "show five pairs and what is left unpaired; write nothing"}}
MASK_OPTIONS = {
    **CLASSES,
    "--class-values": {
        "nargs": "+",
        "default": [],
        "metavar": "NAME=NUMBER",
        "help": "names of the values of label masks, or of the numbers of their palette: nodule=2 cyst=3,4",
    },
    "--class-colours": {
        "nargs": "+",
        "default": [],
        "metavar": "NAME=COLOUR",
        "help": 'names of the colours of masks: "nodule=#ff0000" or nodule=255,0,0',
    },
    "--inverted-masks": {
        "choices": ("ask", "yes", "no"),
        "default": "ask",
        "help": "where the lesion is black on white: yes turns the masks round, no takes them as they are (default: an error asks)",
    },
}
# Pairs that a dry run shows.
_SHOWN = 5


def split_names(text: str | None) -> list[str] | None:
    """Returns the names of a list separated by commas; None for none."""
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def lesion_choice(args: argparse.Namespace) -> "LesionChoice":
    """Returns what MASK_OPTIONS say."""
    from ultraref.datasets.converters import LabelNames, LesionChoice

    names = LabelNames.parse(args.class_values, args.class_colours)
    return LesionChoice(split_names(args.classes), names, args.inverted_masks, args.skip_bad)


def preview(found: "Found") -> int:
    """Prints the first pairs, what is known of each, and what was left unpaired; returns the exit status."""
    print(f"{len(found.samples)} images with masks; the first:")
    for sample in found.samples[:_SHOWN]:
        known = {
            name: getattr(sample, name)
            for name in ("patient", "study", "side", "video", "frame", "category", "fold", "spacing")
        }
        known = {name: value for name, value in known.items() if value is not None} | dict(sample.attributes)
        print(f"  {sample.name}: {sample.image_path}")
        print(f"    masks: {', '.join(map(str, sample.mask_paths)) or 'drawn from annotations'}")
        if known:
            print("    " + ", ".join(f"{name} {value}" for name, value in known.items()))
    for title, messages in (("defects", found.bad), ("left out", found.left_out)):
        print(f"{title}: {len(messages)}")
        for message in messages:
            print(f"  {message}")
    return 0
