"""The sides of the networks' frames, which a sample carries."""

from ultraref.errors import UserError


def frame_size(results: dict, network: str, transform: str) -> int:
    """Returns the side of a network's frame in pixels, results["sizes"][network].

    Args:
        results: the dict of a sample.
        network: "coarse" or "sam".
        transform: name of who asks, for the message.

    Raises:
        ValueError: the data set has no such size.
    """
    sizes = results.get("sizes") or {}
    if network not in sizes:
        raise UserError(
            f"{transform}: the data set {results.get('dataset', '')!r} doesn't know the size of the {network} "
            f"network's frame; its sizes are {dict(sizes)}. A run takes them from the model; elsewhere give the data "
            f"set sizes=dict({network}=SIDE_IN_PIXELS)"
        )
    return sizes[network]
