"""What the losses share: shape checks, and overlap measured per sample."""

from torch import Tensor

from ultraref.errors import UserError


def check_shape(loss, name: str, tensor: Tensor, expected: tuple) -> None:
    """Checks a tensor's shape, which broadcasting would otherwise stretch into a wrong loss.

    Args:
        loss: The loss, for its name in the message.
        name: The argument's name.
        tensor: The argument.
        expected: The allowed length of each axis; None allows any.

    Raises:
        ValueError: another shape.
    """
    shape = tuple(tensor.shape)
    if len(shape) != len(expected) or any(e is not None and s != e for s, e in zip(shape, expected)):
        allowed = ", ".join("any" if e is None else str(e) for e in expected)
        raise UserError(f"{type(loss).__name__}: `{name}` must have shape ({allowed}), but has {shape}")


def soft_dice(prob: Tensor, target: Tensor, smooth: float) -> Tensor:
    """Dice coefficient of each mask: (2 sum(p t) + smooth) / (sum(p) + sum(t) + smooth).

    Milletari et al., "V-Net", arXiv:1606.04797, with plain sums in the denominator and a smoothing term, which makes it
    1 for an empty prediction of an empty target.

    Args:
        prob: (..., H, W) in [0, 1].
        target: the same or a shape that broadcasts to it, in [0, 1].
        smooth: in pixels of overlap, > 0.

    Returns:
        (...) in (0, 1].
    """
    overlap = (prob * target).sum(dim=(-2, -1))
    total = prob.sum(dim=(-2, -1)) + target.sum(dim=(-2, -1))
    return (2 * overlap + smooth) / (total + smooth)
