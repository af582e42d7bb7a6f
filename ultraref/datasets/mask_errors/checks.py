"""Checks of constructor arguments that several errors share."""

from ultraref.errors import UserError


def check_range(name: str, values, lowest: float, highest: float = float("inf"), integer: bool = False) -> tuple:
    """Check a pair (lower bound, upper bound) that parameters are drawn from, both included.

    Args:
        name: The argument's name, for the message.
        values: Two numbers in ascending order.
        lowest: Least value allowed.
        highest: Greatest value allowed.
        integer: Allow whole numbers only.

    Returns:
        The pair as a tuple.

    Raises:
        ValueError: ``values`` is not such a pair.
    """
    kind = "whole numbers" if integer else "numbers"
    message = f"{name} must be two {kind} (low, high) with {lowest} <= low <= high <= {highest}, found {values!r}"
    try:
        low, high = values
        valid = lowest <= low <= high <= highest
    except (TypeError, ValueError) as error:
        raise UserError(message) from error
    if not valid or (integer and (low != int(low) or high != int(high))):
        raise UserError(message)
    return low, high


def check_probability(name: str, value: float) -> float:
    """Check that ``value`` lies in [0, 1] and return it.

    Raises:
        ValueError: It doesn't.
    """
    if not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise UserError(f"{name} must be a probability in [0, 1], found {value!r}")
    return value
