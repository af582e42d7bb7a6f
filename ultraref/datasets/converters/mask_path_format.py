"""The path of an image's mask file, written out from what is known of the image."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Formatter

from ultraref.errors import UserError

# What names a frame: from 0 up, and from 1 up.
FRAME_PARTS = ("frame", "number")


class MaskPathFormat:
    """Writes the path of the mask file of each image, or of each of its frames.

    It goes the way from an image's parts to one path, as Python formats a text: what stands after a colon is a format, {number:04d}, a
    part may hold several folders, and the path may lead anywhere. `PathTemplate` goes the other way, from all paths to the parts of
    those that fit: there a regular expression stands after a colon, and * for what doesn't matter.

    Args:
        text: path below the source folder with named parts in braces, such as "{folder}/{name}_mask.png" or
            "masks/{name}_{frame:04d}.png".
        parts: names of the parts there are. {frame} (from 0 up) and {number} (from 1 up) give each frame a file of its own.

    Attributes:
        text: the template.
        by_frame: whether each frame has a file of its own.

    Raises:
        UserError: the template has an unknown part, or none.
    """

    def __init__(self, text: str, parts: tuple[str, ...]):
        self.text = text
        known = ", ".join(f"{{{name}}}" for name in parts)
        try:
            named = list(_part_names(text))
        except ValueError as error:
            raise UserError(
                f"--masks {text!r} is no template ({error}); it is a path such as '{{folder}}/{{name}}_mask.png', and the parts are {known}"
            ) from error
        strange = [name for name in named if name not in parts]
        if strange or not named:
            what = f"has the unknown part {{{strange[0]}}}" if strange else "names no part"
            raise UserError(f"--masks {text!r} {what}; the parts are {known}")
        self.by_frame = any(name in FRAME_PARTS for name in named)

    def path(self, src: Path, parts: Mapping[str, str], frame: int = 0) -> Path:
        """Returns the path of a frame's mask file, whether it is there or not.

        Args:
            src: the source folder.
            parts: of the image, but for `FRAME_PARTS`.
            frame: from 0 up.

        Raises:
            UserError: a value doesn't fit its format.
        """
        try:
            relative = self.text.format_map({**parts, "frame": frame, "number": frame + 1})
        except ValueError as error:
            raise UserError(f"--masks {self.text!r} can't be filled in: {error}") from error
        return Path(os.path.normpath(src / relative))


def _part_names(text: str) -> Iterator[str]:
    """Yields the names in braces, also those within a format."""
    for _, name, form, _ in Formatter().parse(text):
        if name is not None:
            yield name
            yield from _part_names(form)
