"""Pictures, in one visual language: the same colours for pet, background and border everywhere."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from zoo.data import CLASSES

COLOURS = np.array([[230, 159, 0], [0, 114, 178], [204, 121, 167]], "uint8")  # safe for the colour-blind (Okabe, Ito)


def overlay(image, mask, opacity=0.6):
    """Lays the colours of a mask over a photo.

    Args:
        image: uint8 (h, w, 3).
        mask: integers (h, w), class numbers.
        opacity: of the colours, from 0 to 1.

    Returns:
        uint8 (h, w, 3).
    """
    return (opacity * COLOURS[mask] + (1 - opacity) * image).astype("uint8")


def draw_stages(photos, masks, truths=None):
    """Draws a row a photo: the photo, the truth where it is known, and what each stage says.

    Args:
        photos: list of uint8 (h, w, 3).
        masks: dictionary from a stage to its list of masks, integers (h, w).
        truths: list of masks, with `None` where there is none.

    Returns:
        A Matplotlib figure.
    """
    truths = truths or [None] * len(photos)
    columns = (["truth"] if any(truth is not None for truth in truths) else []) + list(masks)
    figure = Figure(figsize=(1.5 * (len(columns) + 1), 1.6 * len(photos) + 0.5), layout="constrained")
    axes = figure.subplots(len(photos), len(columns) + 1, squeeze=False)
    for row, photo in enumerate(photos):
        axes[row, 0].imshow(photo, aspect="auto")
        for column, name in enumerate(columns, start=1):
            mask = truths[row] if name == "truth" else masks[name][row]
            if mask is not None:
                axes[row, column].imshow(overlay(photo, mask), aspect="auto")
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, name in zip(axes[0], ["photo", *columns], strict=True):
        axis.set_title(name.replace("_", "\n"), fontsize=10)
    figure.legend(
        handles=[Patch(color=colour / 255, label=name) for colour, name in zip(COLOURS, CLASSES, strict=True)],
        loc="outside lower center",
        ncols=len(CLASSES),
        frameon=False,
    )
    return figure


def draw_comparison(cards):
    """Draws what the stages score beside what they cost.

    Args:
        cards: dictionary from a stage to its card, as `zoo.saved.cards` gives.

    Returns:
        A Matplotlib figure.
    """
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    bars, points = figure.subplots(1, 2)
    scores = [card["scores"]["at_network_size"] for card in cards.values()]
    rows = np.arange(len(cards))
    for number, name in enumerate(CLASSES):
        ious = [score["iou"][name] for score in scores]
        bars.barh(rows + 0.25 * (number - 1), ious, 0.25, color=COLOURS[number] / 255, label=name)
    means = [score["mean_iou"] for score in scores]
    bars.plot(means, rows, "k|", markersize=18, label="mean")
    bars.set_yticks(rows, [stage.replace("_", " ") for stage in cards])
    bars.invert_yaxis()
    bars.set(xlabel="IoU on the test split", xlim=(0, 1))
    bars.legend(frameon=False)
    multiply_adds = [card["costs"]["multiply_adds"] / 1e6 for card in cards.values()]
    points.scatter(multiply_adds, means, color="black")
    for stage, x, y in zip(cards, multiply_adds, means, strict=True):
        points.annotate(stage.replace("_", " "), (x, y), (5, 3), textcoords="offset points", fontsize=8)
    points.set(xlabel="million multiply-adds for an image", ylabel="mean IoU on the test split", xscale="log")
    points.margins(x=0.25)
    return figure
