"""Hash distance against correlation, to choose thresholds by."""

from ultraref.datasets.audit.audit import Audit


def draw_scatter(outcome: Audit, duplicate_distance: int):
    """Draws each candidate; mirrored ones show where unrelated images lie, as few sets hold mirrored copies.

    Args:
        outcome: an audit.
        duplicate_distance: threshold of the split, drawn beside those of the audit.

    Returns:
        A matplotlib `Figure`, independent of pyplot and its backends.
    """
    from matplotlib.figure import Figure  # slow to import, and only this needs it

    figure = Figure(figsize=(7.0, 4.0), layout="constrained")
    axes = figure.subplots()
    for label, colour, marker, chosen in (
        ("mirrored or turned upside down", "#9aa5b1", "x", [pair for pair in outcome.pairs if pair.flip]),
        ("as they are", "#1f5fa8", "o", [pair for pair in outcome.pairs if not pair.flip]),
    ):
        axes.scatter(
            [pair.distance for pair in chosen],
            [pair.correlation for pair in chosen],
            s=10,
            c=colour,
            marker=marker,
            linewidths=0.7,
            label=f"{label} ({len(chosen)})",
        )
    axes.axvline(duplicate_distance, color="#c0392b", linewidth=1, label=f"split: {duplicate_distance} bits")
    axes.axhline(
        outcome.min_correlation, color="#c0392b", linewidth=1, linestyle="--", label=f"audit: {outcome.min_correlation}"
    )
    axes.set_xlabel("Hamming distance of the 256-bit perceptual hashes")
    axes.set_ylabel("correlation after registration")
    axes.set_ylim(-0.2, 1.03)
    axes.legend(fontsize=7, loc="lower left")
    return figure
