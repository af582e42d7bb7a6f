"""Polynomial decay that uses its last step."""

from mmengine.optim import PolyLR

from ultraref.registry import PARAM_SCHEDULERS


@PARAM_SCHEDULERS.register_module()
class FullPolyLR(PolyLR):
    """Step i of T has the rate eta_min + (lr - eta_min) * (1 - i / T)^power, as TransUNet trains (Chen et al. 2021).

    MMEngine's PolyLR divides by T - 1, so that the last step has eta_min, by default a rate of 0: it computes a gradient and changes
    nothing.

    Args:
        *args, **kwargs: those of `PolyLR`.
    """

    def __init__(self, *args, **kwargs):
        # The base class draws the first value from it.
        super().__init__(*args, **kwargs)
        self.total_iters += 1
