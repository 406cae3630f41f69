"""What a folder of pictures and masks holds, told before an hour of training is spent on it."""

import collections
import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from zoo import plots, tables
from zoo.data import pictures
from zoo.data.advice import advise
from zoo.data.contents import MAX_CLASSES, Contents, count_pixels
from zoo.data.masks import read_numbers
from zoo.errors import printable

SHOWN = 20  # numbers that are no class
DRAWN = 12  # pictures


def report(contents: Contents) -> str:
    """Counts, sizes, the pixels of each class by split, everything that is wrong, and what training lacks, as text.

    Args:
        contents: as `zoo.data.look` gives.
    """
    pictures_of = collections.Counter(pair.split for pair in contents.pairs)
    parts = []
    if contents.pairs:
        sizes = collections.Counter(pair.size for pair in contents.pairs)
        smallest, largest = (f"{width} x {height}" for height, width in (f(sizes, key=math.prod) for f in (min, max)))
        found = f"of {len(sizes)} sizes, {smallest} to {largest}" if len(sizes) > 1 else f"of {smallest}"
        parts.append(f"Pictures with masks: {len(contents.pairs)}, {found} pixels.")
        parts.append(tables.format_table(["split", "pictures"], [[s, str(n)] for s, n in pictures_of.items()]))
        parts.append(tables.format_table(["pixels of", *pictures_of], share_rows(contents, list(pictures_of))))
    said = [f"wrong: {problem}" for problem in contents.problems] or [f"advice: {line}" for line in advise(contents)]
    return "\n\n".join([*parts, *(["\n".join(map(printable, said))] if said else [])])


def share_rows(contents: Contents, splits: Sequence[str]) -> list[list[str]]:
    """For each class, for what is ignored, and for the first numbers that are no class, its share of each split."""
    classes = contents.names if len(contents.names) <= MAX_CLASSES else ()  # those are numbers of something else
    names = {**dict(enumerate(classes)), contents.ignored: "ignored"}
    pixels = {split: count_pixels(pair for pair in contents.pairs if pair.split == split) for split in splits}
    others = sorted(set().union(*pixels.values()) - names.keys())
    rows = [(f"{n} {names.get(n, 'no class')}", [n]) for n in sorted([*names, *others[:SHOWN]])]
    if others[SHOWN:]:
        rows.append((f"and {len(others) - SHOWN} more", others[SHOWN:]))
    return [
        [name, *(f"{sum(pixels[s][n] for n in numbers) / pixels[s].total():.2%}" for s in splits)]
        for name, numbers in rows
    ]


def draw(contents: Contents) -> Figure:
    """The first pictures of a folder, each with its mask laid over it.

    Args:
        contents: as `zoo.data.look` gives.

    Returns:
        A Matplotlib figure.
    """
    images = {}
    for pair in contents.pairs[:DRAWN]:
        image, mask = pictures.read_image(pair.image), read_numbers(pair.mask, contents.colours)
        step = -(-max(image.shape) // 400)  # the figure shows no more pixels
        image, mask = image[::step, ::step], mask[::step, ::step]
        counted = (mask >= 0) & (mask < len(contents.names))
        coloured = plots.overlay(image, np.where(counted, mask, 0))
        alike = sum(other.name == pair.name for other in contents.pairs) > 1  # in several splits
        name = f"{pair.split}/{pair.name}" if alike else pair.name
        images[printable(name)] = np.where(counted[..., None], coloured, image)
    figure = plots.draw_images(images)
    if contents.names:
        plots.add_legend(figure, contents.names, loc="outside lower center")
    return figure
