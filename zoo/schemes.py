"""How networks shrink and grow, drawn in one way: the figure of the page on what came after."""

import numpy as np
from matplotlib.figure import Figure

from zoo.plots import TINTS


def draw_schemes(schemes):
    """Draws how networks shrink and grow: their maps from left to right, the larger the output stride the lower.

    Args:
        schemes: dictionary from a title to a scheme, `(down, up, memory)`: the output strides, powers of two, of the
            maps on the way down and of those on the way up; and pairs of output strides, of a map on the way down and
            of the one on the way up to which it is handed across.

    Returns:
        A Matplotlib figure.
    """
    figure = Figure(figsize=(2.6 * len(schemes) + 0.6, 2.4), layout="constrained")
    all_axes = figure.subplots(1, len(schemes), squeeze=False, sharey=True)[0]
    for axis, (title, (down, up, memory)) in zip(all_axes, schemes.items(), strict=True):
        levels = np.log2([*down, *up])
        axis.plot(levels, color="black", linewidth=0.8)
        for way, tint in ((range(len(down)), TINTS[1]), (range(len(down), len(levels)), TINTS[0])):
            axis.plot(way, levels[way], "s", color=tint, markeredgecolor="black", markersize=9)
        for start, end in memory:
            first, last = len(down) - 1 - down[::-1].index(start), len(down) + up.index(end)
            arrow = {"arrowstyle": "-|>", "linestyle": "--", "color": "black", "shrinkA": 6, "shrinkB": 6}
            axis.annotate("", (last, levels[last]), (first, levels[first]), arrowprops=arrow)
        axis.set_title(title, fontsize=10)
        axis.set(xticks=[], xlim=(-0.7, len(levels) - 0.3), facecolor="none")
        axis.spines[["top", "right", "bottom"]].set_visible(False)
    all_axes[0].set(ylim=(5.5, -0.5), ylabel="output stride")
    all_axes[0].set_yticks(range(6), [2**level for level in range(6)])
    return figure
