"""How pictures show names that others gave: as they are."""

import contextlib
import os
import unicodedata
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from matplotlib import font_manager
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend

from zoo import files
from zoo.errors import printable

CHINESE = ("Noto Sans CJK SC", "Noto Sans CJK JP", "WenQuanYi Zen Hei", "Microsoft YaHei", "PingFang SC", "SimHei")
KNOWN = set(font_manager.get_font_names())  # Matplotlib warns of all others

# For Matplotlib's texts: two "$" are no mathematics, and Chinese is no row of boxes where there is a font for it.
AS_WRITTEN = {"parse_math": False, "fontfamily": ["sans-serif", *(font for font in CHINESE if font in KNOWN)]}


def count_letters(name: str) -> int:
    """How many letters are as wide as a name: Chinese ones are twice as wide as others."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in name)


def add_names(drawing: Figure | Axes, handles: Sequence[Artist], names: Sequence[str], **options: Any) -> Legend:
    """Adds a legend with these names. As labels, those that begin with "_" would be left out."""
    legend = drawing.legend(handles, ["?"] * len(handles), frameon=False, **options)
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set(text=printable(name), **AS_WRITTEN)
    return legend


def save(figure: Figure, path: str | os.PathLike, overwrite: bool = False) -> None:
    """Writes a picture, which gets its name when it is whole."""
    with files.write_whole(path, overwrite) as unfinished, allow_boxes():
        figure.savefig(unfinished, dpi=100)


@contextlib.contextmanager
def allow_boxes() -> Iterator[None]:
    """Ignores that Matplotlib warns of letters that no font here has: one sees that they are boxes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from", UserWarning)
        yield
