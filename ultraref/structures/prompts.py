"""The prompts of a batch, as SAM's prompt encoder takes them."""

from dataclasses import dataclass, fields, replace

from torch import Tensor

from ultraref.errors import UserError


@dataclass(frozen=True)
class Prompts:
    """The prompts of B images. A field that is None is not given to SAM.

    Attributes:
        points: (B, N, 2) float, (x, y) in pixel-index units of the frame that SAM sees.
        labels: (B, N) float. 1 is foreground and 0 background; a value between mixes the two embeddings.
        box: (B, 4) float, xyxy in the same frame as `points`.
        mask_logits: (B, 1, m, m) float, m being SAM's own mask size.
    """

    points: Tensor | None = None
    labels: Tensor | None = None
    box: Tensor | None = None
    mask_logits: Tensor | None = None

    def __post_init__(self):
        if (self.points is None) != (self.labels is None):
            raise ValueError("Prompts: points and labels go together, but only one of the two was given")

    def merge(self, other: "Prompts") -> "Prompts":
        """Returns these prompts with those of `other` added.

        Raises:
            ValueError: both hold the same kind of prompt.
        """
        mine, theirs = self.as_dict(), other.as_dict()
        twice = sorted(mine.keys() & theirs.keys())
        if twice:
            raise UserError(
                f"two prompt generators both made {' and '.join(twice)}; a list of prompt generators may hold one of each kind"
            )
        return replace(self, **theirs)

    def as_dict(self) -> dict[str, Tensor]:
        """Returns the prompts that are present, by name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) is not None}


@dataclass(frozen=True)
class GivenPrompts:
    """Prompts that a person gave, in place of those that a model would make.

    Attributes:
        rows: (N,) long, ascending: the image of the batch that each decoding is of. Every image has at least one.
        prompts: of the N decodings, in pixel-index units of SAM's frame. Points with a label below 0 are padding.
    """

    rows: Tensor
    prompts: Prompts
