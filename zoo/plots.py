"""Pictures, in one visual language: the same colours for pet, background and border everywhere."""

import colorsys
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.patches import Patch, Rectangle

from zoo.data import CLASSES
from zoo.data.modes import strips
from zoo.lettering import AS_WRITTEN, add_names, count_letters
from zoo.tables import MOST_CLASSES

COLOURS = np.array([[230, 159, 0], [0, 114, 178], [204, 121, 167]], "uint8")  # safe for the colour-blind (Okabe, Ito)
TINTS = np.array([[86, 180, 233], [230, 159, 0], [0, 158, 115], [204, 121, 167]]) / 255  # of windows in a grid


def palette(count: int) -> np.ndarray:
    """A colour for each of `count` classes, uint8 (count, 3): first `COLOURS`, then hues a golden section apart."""
    hues = [(number * 0.618034 % 1, 0.5 + number % 3 / 4, 1 - number % 2 / 3) for number in range(count - len(COLOURS))]
    further = [np.multiply(255, colorsys.hsv_to_rgb(*hue)) for hue in hues]
    return np.array([*COLOURS, *further], "uint8")[:count]


def overlay(image: np.ndarray, mask: np.ndarray, opacity: float = 0.6) -> np.ndarray:
    """Lays the colours of a mask over a photo.

    Args:
        image: uint8 (h, w, 3).
        mask: integers (h, w), class numbers from 0.
        opacity: of the colours, from 0 to 1.

    Returns:
        uint8 (h, w, 3).

    Raises:
        ValueError: if the mask is not of the image's size, or one of them holds other numbers.
    """
    if image.shape[:2] != mask.shape:
        raise ValueError(f"`mask` must be of the size of `image`, {image.shape[:2]}. Received: {mask.shape}")
    if image.dtype != np.uint8 or mask.dtype.kind not in "iu" or mask.min() < 0:
        found = f"{image.dtype}, {mask.dtype} from {mask.min()} on"
        raise ValueError(f"`image` must be uint8, `mask` integers from 0 on. Received: {found}")
    colours = opacity * palette(int(mask.max()) + 1)
    mixed = np.empty_like(image)
    for rows in strips(*mask.shape):  # floating point for the whole would take 72 bytes a pixel
        mixed[rows] = colours[mask[rows]] + (1 - opacity) * image[rows]
    return mixed


def draw_stages(
    photos: Sequence[np.ndarray],
    masks: dict[str, list[np.ndarray]],
    truths: Sequence[np.ndarray | None] | None = None,
    classes: Sequence[str] = CLASSES,
) -> Figure:
    """Draws a row a photo: the photo, the truth where it is known, and what each stage says.

    Args:
        photos: list of uint8 (h, w, 3).
        masks: dictionary from a stage to its list of masks, integers (h, w).
        truths: list of masks, with `None` where there is none.
        classes: their names, by number.

    Returns:
        A Matplotlib figure.
    """
    truths = truths or [None] * len(photos)
    columns = (["truth"] if any(truth is not None for truth in truths) else []) + list(masks)
    figure = Figure(figsize=(1.5 * (len(columns) + 1), 1.6 * len(photos) + 0.3), layout="constrained")
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
        axis.set_title(textwrap.fill(name.replace("_", " "), 13), fontsize=10, **AS_WRITTEN)
    add_legend(figure, classes, loc="outside lower center")
    return figure


def add_legend(figure: Figure, classes: Sequence[str], **options: Any) -> Legend:
    """Names the colours of the classes, in as many columns as fit; the figure grows by their rows."""
    handles = [Patch(color=colour) for colour in palette(len(classes)) / 255]
    # In points: a patch with what is around it, and letters of 10 points.
    longest = 48 + 6.5 * max(map(count_letters, classes))
    columns = min(len(classes), max(1, int(72 * figure.get_figwidth() / longest)))
    figure.set_figheight(figure.get_figheight() + 0.21 * -(-len(classes) // columns))
    return add_names(figure, handles, classes, ncols=columns, **options)


def draw_legend(classes: Sequence[str]) -> Figure:
    """Draws the colours of the classes with their names, for pictures that have no room for them."""
    figure = Figure(figsize=(9, 0.2))
    add_legend(figure, classes, loc="center")
    return figure


def draw_images(images: dict[str, np.ndarray], columns: int = 4) -> Figure:
    """Draws images side by side, each under its title.

    Args:
        images: dictionary from a title to an image: (h, w, 3) as it is, integers (h, w) as a mask in
            the colours of the classes, floating point (h, w) as a map from low (dark) to high (bright).
        columns: images in a row.

    Returns:
        A Matplotlib figure.
    """
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    figure = Figure(figsize=(2.2 * columns, 2.3 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, (title, image) in zip(axes, images.items(), strict=False):
        image = np.asarray(image)
        if image.ndim == 2 and np.issubdtype(image.dtype, np.integer):
            image = palette(int(image.max()) + 1)[image]
        axis.imshow(image, cmap="viridis", interpolation="nearest")
        axis.set_title(title, fontsize=10, **AS_WRITTEN)
    for axis in axes:
        axis.set_axis_off()
    return figure


def draw_grids(grids: dict[str, np.ndarray], windows: tuple[int, int] = (1, 1)) -> Figure:
    """Draws small arrays of numbers side by side, as one would on paper.

    Cells that belong to one window have one tint in every grid, so that the eye can follow a window
    from the map that was pooled to its value, and back to the map that was unpooled. Zeros are pale
    in floating point; in integers, which are places or classes, they count as much as others.

    Args:
        grids: dictionary from a title to an array (h, w) of numbers.
        windows: (rows, columns) of windows, into which each grid is cut; (1, 1) for no tints.

    Returns:
        A Matplotlib figure.
    """
    grids = {title: np.asarray(grid) for title, grid in grids.items()}
    widths = [grid.shape[1] for grid in grids.values()]
    height = max(grid.shape[0] for grid in grids.values())
    figure = Figure(figsize=(0.5 * (sum(widths) + len(grids)), 0.5 * height + 0.6), layout="constrained")
    all_axes = figure.subplots(1, len(grids), squeeze=False, width_ratios=widths)[0]
    for axis, (title, grid) in zip(all_axes, grids.items(), strict=True):
        integers = np.issubdtype(grid.dtype, np.integer)
        for row, column in np.ndindex(*grid.shape):
            window = [i * count // side for i, count, side in zip((row, column), windows, grid.shape, strict=True)]
            number = window[0] * windows[1] + window[1]
            tint = (*TINTS[number % len(TINTS)], 0.45) if windows != (1, 1) else "none"
            axis.add_patch(Rectangle((column, row), 1, 1, facecolor=tint, edgecolor="black", linewidth=0.8))
            value = grid[row, column]
            alpha = 1 if value or integers else 0.35
            axis.text(column + 0.5, row + 0.5, f"{value:g}", ha="center", va="center", alpha=alpha)
        axis.set(xlim=(0, grid.shape[1]), ylim=(grid.shape[0], 0), aspect="equal", anchor="N")
        axis.set_title(title, fontsize=10)
        axis.set_axis_off()
    return figure


def draw_comparison(cards: dict[str, dict]) -> Figure:
    """Draws what the stages score beside what they cost: each class, or the mean alone if there are many.

    Args:
        cards: dictionary from a stage to its card, as `zoo.saved.cards` gives.

    Returns:
        A Matplotlib figure.
    """
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    bars, points = figure.subplots(1, 2)
    scores = [card["scores"]["at_network_size"] for card in cards.values()]
    rows = np.arange(len(cards))
    classes = list(dict.fromkeys(name for score in scores for name in score["iou"]))
    classes = classes if len(classes) <= MOST_CLASSES else []
    handles, height = [], 0.75 / max(1, len(classes))
    for number, (name, colour) in enumerate(zip(classes, palette(len(classes)) / 255, strict=True)):
        ious = [np.nan if score["iou"].get(name) is None else score["iou"][name] for score in scores]
        handles.append(bars.barh(rows + height * (number - (len(classes) - 1) / 2), ious, height, color=colour))
    means = [score["mean_iou"] for score in scores]
    handles += bars.plot(means, rows, "k|", markersize=18)
    bars.set_yticks(rows, [stage.replace("_", " ") for stage in cards], **AS_WRITTEN)
    bars.invert_yaxis()
    bars.set(xlabel="IoU on the test split", xlim=(0, 1))
    add_names(bars, handles, [*classes, "mean"])
    multiply_adds = [card["costs"]["multiply_adds"] / 1e6 for card in cards.values()]
    points.scatter(multiply_adds, means, color="black")
    for stage, x, y in zip(cards, multiply_adds, means, strict=True):
        points.annotate(stage.replace("_", " "), (x, y), (5, 3), textcoords="offset points", fontsize=8)
    points.set(xlabel="million multiply-adds for an image", ylabel="mean IoU on the test split", xscale="log")
    points.margins(x=0.25)
    return figure
