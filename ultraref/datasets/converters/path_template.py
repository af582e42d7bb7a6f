"""Paths with named parts, such as "{patient}/img/{frame}.png": they find files, name them, and pair images with masks."""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from ultraref.datasets.readers.open_source import SUFFIXES
from ultraref.errors import UserError

_TOKEN = re.compile(
    r"\{(?P<part>[^\W\d]\w*)(?::(?P<expression>[^{}]*))?\}|(?P<folders>\*\*/)|(?P<any>\*)|(?P<text>[^{}*]+)"
)
_ANY_IMAGE = "(?:" + "|".join(map(re.escape, SUFFIXES)) + ")"


def comparable(relative: str) -> str:
    """Returns a path as templates compare it: composed characters (NFC), as macOS stores them decomposed."""
    return unicodedata.normalize("NFC", relative)


@dataclass(frozen=True)
class PathTemplate:
    """A path below a folder, with "/" between folders.

    `{part}` stands for any text without "/", as little of it as fits; `{part:REGEX}` for text that fits the regular expression. The
    same part twice is the same text twice. `*` is any text without "/" that doesn't matter, `**/` any number of folders, and `.*`
    at the end the suffix of any image format. Letter case doesn't matter. `MaskPathFormat` goes the other way, from parts to a path.

    Attributes:
        text: the template.
        flag: the option that gave it, for messages.
    """

    text: str
    flag: str

    def __post_init__(self):
        whole = "".join(match[0] for match in _TOKEN.finditer(self.text))
        if whole != self.text or not self.text:
            raise UserError(
                f"{self.flag} {self.text!r}: is no template; it is a path such as '{{patient}}/img/{{frame}}.png', with parts in "
                "braces ({part} or {part:REGEX}, without braces in the expression) and * for what doesn't matter"
            )
        if self.text.startswith("/") or ".." in self.text.split("/"):
            raise UserError(
                f"{self.flag} {self.text!r}: a template is a path below SRC, without / in front and without .."
            )
        try:
            _ = self._expression
        except re.error as error:
            raise UserError(f"{self.flag} {self.text!r}: an expression in braces isn't regular ({error})") from error

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The names of the parts in order, each once."""
        return tuple(dict.fromkeys(match["part"] for match in _TOKEN.finditer(self.text) if match["part"]))

    @property
    def literal_length(self) -> int:
        """Characters outside parts and wildcards: how narrow the template is."""
        return sum(len(match[0]) for match in _TOKEN.finditer(self.text) if match["text"])

    @property
    def has_wildcard(self) -> bool:
        """Whether there is a `*`, but for the suffix."""
        return "*" in self.text.removesuffix(".*")

    def match(self, relative: str) -> dict[str, str] | None:
        """Returns the parts of a `comparable` path in their order, or None where it doesn't fit."""
        found = self._expression.fullmatch(relative)
        return None if found is None else {name: found[name] for name in self.parts}

    def spells_suffix(self, relative: str) -> bool:
        """Whether the template itself ends in the path's suffix, whatever format that is of."""
        last = self.text.rsplit("/", 1)[-1]
        suffix = "." + relative.rsplit(".", 1)[-1].lower()
        return bool(re.fullmatch(r"\.\w+", suffix)) and last.lower().endswith(suffix)

    def filled(self, parts: Mapping[str, str]) -> str:
        """Returns the template's text with the parts that are known."""
        return "".join(
            parts[match["part"]] if match["part"] in parts else match[0] for match in _TOKEN.finditer(self.text)
        )

    def expression(self, parts: Mapping[str, str]) -> re.Pattern:
        """Returns the regular expression of the paths that have these parts; further ones are its groups."""
        pieces, seen = [], set()
        tokens = list(_TOKEN.finditer(self.text.removesuffix(".*")))
        for match in tokens:
            name = match["part"]
            if name is None:
                pieces.append(
                    "(?:[^/]+/)*" if match["folders"] else "[^/]*" if match["any"] else re.escape(comparable(match[0]))
                )
            elif name in parts:
                pieces.append(re.escape(parts[name]))
            elif name in seen:
                pieces.append(f"(?P={name})")
            else:
                seen.add(name)
                pieces.append(f"(?P<{name}>{'[^/]+?' if match['expression'] is None else match['expression']})")
        if self.text.endswith(".*"):
            pieces.append(_ANY_IMAGE)
        return re.compile("".join(pieces), re.IGNORECASE)

    def literal_ends(self, parts: Mapping[str, str]) -> tuple[str, str]:
        """Returns what every fitting path begins and ends with, in lower case."""
        pieces = [
            parts[match["part"]] if match["part"] in parts else None if match["text"] is None else comparable(match[0])
            for match in _TOKEN.finditer(self.text.removesuffix(".*"))
        ]
        pieces += [None] * self.text.endswith(".*")
        first = next((place for place, piece in enumerate(pieces) if piece is None), len(pieces))
        last = next((place for place, piece in enumerate(pieces[::-1]) if piece is None), len(pieces))
        return "".join(pieces[:first]).lower(), "".join(pieces[len(pieces) - last :]).lower()

    @cached_property
    def _expression(self) -> re.Pattern:
        return self.expression({})


class PathIndex:
    """Paths that are looked up by a template with known parts, without trying each.

    Args:
        paths: `comparable` paths.
    """

    def __init__(self, paths: Iterable[str]):
        self._forward = sorted((path.lower(), path) for path in paths)
        self._backward = sorted((path.lower()[::-1], path) for path in paths)

    def find(self, template: PathTemplate, parts: Mapping[str, str]) -> list[tuple[str, dict[str, str]]]:
        """Returns the paths that fit, sorted, each with the parts that were not known."""
        start, end = template.literal_ends(parts)
        candidates = _beginning(self._forward, start)
        if len(candidates) > 1:
            candidates = min(candidates, _beginning(self._backward, end[::-1]), key=len)
        fits = template.expression(parts).fullmatch
        return sorted((path, match.groupdict()) for path in candidates if (match := fits(path)))


def _beginning(ordered: list[tuple[str, str]], start: str) -> list[str]:
    first = bisect_left(ordered, (start,))
    last = bisect_left(ordered, (start + chr(0x10FFFF),))
    return [path for _, path in ordered[first:last]]
