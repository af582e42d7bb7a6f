"""Differentiable maps of the coarse probability that stand before prompt generators and the ROI cropper."""

from abc import ABCMeta, abstractmethod

from torch import Tensor, nn


class BaseProbTransform(nn.Module, metaclass=ABCMeta):
    """Maps probabilities to probabilities, pixel by pixel.

    Contract: the result has the shape of the input, lies in [0, 1], is at least float32, and has finite gradients for
    every probability in [0, 1]. 0 stays 0 and 1 stays 1, so that an empty mask stays empty.
    """

    @abstractmethod
    def forward(self, prob: Tensor) -> Tensor:
        """Maps `prob` (B, 1, H, W) in [0, 1] to the same shape and range."""
