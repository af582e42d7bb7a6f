"""What SAM asks of an image encoder."""

from abc import ABCMeta, abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from ultraref.models.sam.image_embedding import ImageEmbedding
from ultraref.models.sam.image_encoders.pixel_scale import PixelScale


class BaseImageEncoder(nn.Module, metaclass=ABCMeta):
    """Maps an image to SAM's embedding, and owns all that is special about its weights.

    A subclass is registered in MODELS, sets the class attributes, and the others in its constructor. Its class attributes are
    all that SAM, the loading of checkpoints and LoRA know of its layers.

    Attributes:
        anchor: name of a weight in its state dict by which its weights are recognised in a file. No other encoder has it.
        lora_targets: name patterns (`fnmatch`) of the linear layers that LoRA adapts.
        lora_fused_qkv: whether the output of those layers is q, k and v one after another and equally wide, so that LoRA may
            adapt some of them alone.
        image_size: S, side of the input in pixels.
        embedding_size: e, side of the embedding.
        out_channels: C, channels of the embedding.
        pixel_scale: how images are scaled, a `PixelScale`.
    """

    anchor: ClassVar[str]
    lora_targets: ClassVar[tuple[str, ...]]
    lora_fused_qkv: ClassVar[bool] = False

    image_size: int
    embedding_size: int
    out_channels: int
    pixel_scale: PixelScale

    @abstractmethod
    def forward(self, image: Tensor) -> Tensor | ImageEmbedding:
        """Maps normalised images (B, 3, S, S) to embeddings (B, C, e, e), or to an `ImageEmbedding` that has finer maps as well."""

    @abstractmethod
    def describe(self) -> str:
        """Returns the architecture and the image size in words, such as "SAMViT vit_b at 1024 px"."""

    @classmethod
    @abstractmethod
    def guess_arch(cls, state: dict[str, Tensor]) -> str:
        """Names the architecture of weights in a file, as far as their shapes tell.

        Args:
            state: the encoder's part of a state dict, with `anchor` in it.
        """

    def adapt_state(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns weights from a file as this encoder holds them: position embeddings resized to its image size.

        What it can't adapt it leaves as it is; the loading then says what doesn't fit. As it stands here it changes nothing.

        Args:
            state: the encoder's part of a state dict.
        """
        return state

    @property
    def scale(self) -> str:
        """Name of the scale in which the weights want their images."""
        return self.pixel_scale.name

    def normalise(self, image: Tensor, content_size: Tensor | None = None) -> Tensor:
        """Scales whole images as the weights want them.

        Args:
            image: (B, 3, S, S) RGB in [0, 255].
            content_size: (B, 2) integer (height, width) of what is not padding, at the top left; None where nothing is.

        Returns:
            (B, 3, S, S), at least float32; the padding is 0.
        """
        return self.pixel_scale(image, content_size)

    def describe_normalisation(self) -> str:
        """Returns what `normalise` does, with its numbers, in words that differ where its results do."""
        return self.pixel_scale.describe()
