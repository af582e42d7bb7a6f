"""What a decoder is: an encoder's feature maps -> one map at the image's size."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor, nn


class BaseDecoder(nn.Module, ABC):
    """Turns an encoder's feature maps into one map at the size of the image.

    The constructor takes `encoder_channels` and `encoder_reductions`, which `EncoderDecoder` fills in from the encoder,
    and after them the decoder's own options.

    Attributes:
        out_channels: channels of the map that `forward` returns.
    """

    out_channels: int

    @abstractmethod
    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Returns the decoded map.

        Args:
            features: the encoder's maps, finest first: (B, encoder_channels[i], h / encoder_reductions[i],
                w / encoder_reductions[i]).

        Returns:
            (B, out_channels, h, w), h x w being the size of the image.
        """
