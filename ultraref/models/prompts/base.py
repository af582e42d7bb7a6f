"""What makes prompts for SAM: from a coarse mask (generators) or from SAM's image embedding (predictors)."""

from abc import ABCMeta, abstractmethod

from torch import Tensor, nn

from ultraref.structures import Prompts


class BasePromptGenerator(nn.Module, metaclass=ABCMeta):
    """Turns a coarse probability into prompts, differentiably.

    Contract: coordinates are (x, y) or xyxy in pixel-index units of the frame of `prob` (pixel j has its centre at j;
    SAM's prompt encoder adds its own 0.5) and lie in [0, W-1] x [0, H-1]; they are float32, or float64 for a float64
    `prob`. Prompts of one sample don't depend on the others of the batch, and are finite for every mask in [0, 1],
    the empty one included. A generator fills only the fields of `Prompts` that it stands for, so that generators can
    be merged.
    """

    @abstractmethod
    def forward(self, prob: Tensor, mask_size: int) -> Prompts:
        """Makes the prompts.

        Args:
            prob: (B, 1, S, S) probability in [0, 1] in the frame that SAM sees.
            mask_size: side m of SAM's mask prompt.
        """


class BasePromptPredictor(nn.Module, metaclass=ABCMeta):
    """Predicts prompts from the image alone, through SAM's embedding of it.

    Contract: as for a prompt generator; the frame of the coordinates is SAM's input, `image_size` a side.

    Attributes:
        kinds: of prompts that it makes, of "points", "box" and "mask".
    """

    kinds: frozenset[str]

    @abstractmethod
    def forward(self, embedding: Tensor, image_size: int, mask_size: int) -> Prompts:
        """Predicts the prompts.

        Args:
            embedding: (B, C, e, e) SAM's image embedding.
            image_size: side S of SAM's input.
            mask_size: side m of SAM's mask prompt.
        """
