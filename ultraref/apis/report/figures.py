"""Plots as SVG that stands in a page: its text is text, its ids are its own, and it holds no word of a user."""

import io
import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ultraref.apis.report.training_log import TrainingLog

# Distinguishable for the colour-blind, and in print (Okabe and Ito 2008).
COLOURS = {"coarse": "#7a7a7a", "refined": "#d55e00", "sam": "#0072b2"}
GAIN, LOSS = "#0072b2", "#d55e00"
# Inches. At most as wide as a phone's screen shows without shrinking the text.
_SIZE = (4.3, 2.9)
_STYLE = {
    "font.family": "sans-serif",
    "font.size": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#888888",
    "axes.linewidth": 0.7,
    "axes.labelcolor": "#333333",
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    # Text stays text, in the page's own font; ids follow from the content.
    "svg.fonttype": "none",
    "svg.hashsalt": "ultraref",
}


def change_plot(differences: Sequence[float]) -> str:
    """Draws the change of Dice of each image, from the largest loss to the largest gain."""
    values = np.sort(np.asarray(differences))

    def draw(figure) -> None:
        axes = figure.add_subplot()
        places = np.arange(1, len(values) + 1)
        axes.bar(places, values, width=1.0, color=np.where(values < 0, LOSS, GAIN), linewidth=0)
        axes.axhline(0, color="#333333", linewidth=0.7)
        for limit in (-0.01, -0.05):
            axes.axhline(limit, color="#555555", linewidth=0.6, linestyle=(0, (4, 3)))
        axes.set_xlim(0.5, len(values) + 0.5)
        axes.set_xlabel("images, in order of their change")
        axes.set_ylabel("Dice, refined minus coarse")
        axes.grid(axis="x", visible=False)

    return _svg("change", draw)


def quality_plot(coarse: Sequence[float], differences: Sequence[float]) -> str:
    """Draws the change of Dice of each image over its coarse Dice."""

    def draw(figure) -> None:
        axes = figure.add_subplot()
        values = np.asarray(differences)
        axes.axhline(0, color="#333333", linewidth=0.7)
        axes.scatter(coarse, values, s=11, c=np.where(values < 0, LOSS, GAIN), alpha=0.75, linewidths=0)
        axes.set_xlim(-0.02, 1.02)
        axes.set_xlabel("Dice of the coarse mask")
        axes.set_ylabel("Dice, refined minus coarse")

    return _svg("quality", draw)


def reliability_plot(groups: Mapping[str, Mapping]) -> str:
    """Draws the share of lesion pixels over the mean probability of each bin.

    Args:
        groups: by group "probability" and "lesion", a value a bin, None for an empty one; see `CalibrationMeasure`.
    """

    def draw(figure) -> None:
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], color="#555555", linewidth=0.7, linestyle=(0, (4, 3)))
        for group, bins in groups.items():
            pairs = [(p, y) for p, y in zip(bins["probability"], bins["lesion"]) if p is not None and y is not None]
            if pairs:
                axes.plot(*zip(*pairs), color=COLOURS[group], marker="o", markersize=3, linewidth=1.3)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="mean probability", ylabel="share of lesion pixels")

    return _svg("reliability", draw)


def training_plot(log: TrainingLog, number: int) -> str:
    """Draws loss and validation Dice of a training over its epochs.

    Args:
        log: its curves.
        number: of the plot in the page.
    """

    def draw(figure) -> None:
        left, right = figure.subplots(1, 2)
        if log.loss:
            left.plot(*zip(*log.loss), color="#333333", linewidth=1.1)
        left.set(xlabel="epochs", ylabel="training loss")
        for group, values in log.dice.items():
            right.plot(*zip(*values), color=COLOURS[group], linewidth=1.3, marker="o", markersize=2.2)
        right.set(xlabel="epochs", ylabel="validation Dice")
        for axes in (left, right):
            axes.locator_params(axis="both", nbins=5)

    return _svg(f"training{number}", draw, (4.3, 2.3))


def _svg(name: str, draw: Callable, size: tuple[float, float] = _SIZE) -> str:
    """Returns what `draw` draws into a figure, as an element of a page.

    Args:
        name: unique in the page.
        draw: called with the figure.
        size: (width, height) in inches.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    buffer = io.StringIO()
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    # Plots of one page must not use each other's clips and markers.
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'href="#', f'href="#{name}-', text).replace("url(#", f"url(#{name}-")
    # One style for all plots stands in the page's own.
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)
    # The page gives the width; the height follows.
    return re.sub(r' width="[^"]*pt" height="[^"]*pt"', "", text, count=1)
