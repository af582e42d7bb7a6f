"""What SAM's image encoder hands to the mask decoder."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class ImageEmbedding:
    """The embedding of B images.

    Attributes:
        features: (B, C, e, e) float.
        high_resolution: finer maps (B, C_i, e_i, e_i) float, the finest first, for a decoder that reads them, as SAM 2's
            does; empty where the encoder has none.
    """

    features: Tensor
    high_resolution: tuple[Tensor, ...] = ()

    def __getitem__(self, rows: Tensor) -> "ImageEmbedding":
        """Returns the embedding of the images at `rows`, (N,) long, in that order."""
        return ImageEmbedding(self.features[rows], tuple(level[rows] for level in self.high_resolution))
