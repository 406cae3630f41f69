"""Draws what a model is made of: the same drawing for all, so that the eye finds the difference.

Inline SVG without colours of its own: tutorials/assets/site.css has them, for light and for dark.
"""

import math

from architecture import describe
from translation import say

LEFT, TOP = 68, 42  # of the first map; left of it stand the sizes
ROW = 48  # from a side to half of it
GAP = 14  # between levels
WIDTH = 490
CELL = 20  # of small grids


def diagram(levels):
    """The drawing of a model, with its sizes and channels.

    Args:
        levels: as `architecture.read` gives.
    """
    places = arrange(levels, LEFT)
    text = [label(0, TOP - 11, say("image"), "start")]
    for side in dict.fromkeys(level.side for level in levels):
        text.append(label(0, middle(side, levels) + 5, f"{side} x {side}", "start", "zoo-size"))
    for level, (left, right) in zip(levels, places, strict=True):
        y = middle(level.side, levels)
        text.append(label((left + right) / 2, y - height(level.side) / 2 - 5, level.channels, "middle", "zoo-channels"))
        for kind, source in level.memories:
            y = memory_line(level.side, levels) - 4
            text.append(label((places[source][1] + left) / 2, y, say(kind), "middle", "zoo-remembered"))
    text.append(label(places[-1][1], TOP + height(levels[-1].side) / 2 + 14, "logits", "end"))
    return svg(levels, WIDTH, 0, [*shapes(levels, places), *text])


def sketch(levels):
    """The drawing of a model without a word: its levels, and what is remembered."""
    return svg(levels, WIDTH - LEFT, 20, shapes(levels, arrange(levels, 1)))


def svg(levels, width, top, parts):
    """The element around these parts."""
    bottom = max(middle(level.side, levels) + height(level.side) / 2 for level in levels) + 20
    return (
        f'<svg class="zoo-diagram" viewBox="0 {top} {width} {bottom - top:.0f}" preserveAspectRatio="xMinYMid" '
        f'role="img" aria-label="{describe(levels)}">{"".join(parts)}</svg>'
    )


def arrange(levels, left):
    """Where each level begins and ends, from left to right."""
    places = []
    for level in levels:
        right = left + sum(width(one.channels) + 1 for one in level.maps)
        places.append((left, right))
        left = right + GAP
    return places


def shapes(levels, places):
    """Maps, the ways from level to level, and what is remembered."""
    ways = [way(levels, places, number) for number in range(1, len(levels))]
    maps = [slices(level, place[0], levels) for level, place in zip(levels, places, strict=True)]
    memories = [
        f'<path class="zoo-memory zoo-{kind}" d="M{places[source][1] + 1:.1f} '
        f'{memory_line(level.side, levels):.1f}H{left - 3:.1f}"/>'
        for level, (left, _) in zip(levels, places, strict=True)
        for kind, source in level.memories
    ]
    return [*window(levels, places), *ways, *memories, *maps]


def way(levels, places, number):
    """The arrow to a level from the one before."""
    level, before = levels[number], levels[number - 1]
    left, y, start = places[number][0], middle(level.side, levels), middle(before.side, levels)
    start += math.copysign(height(before.maps[-1].side) / 2 + 2, y - start)
    bend = places[number - 1][1] - 1 - width(before.maps[-1].channels) / 2
    kind = "learned" if level.learned else "fixed"
    return (
        f'<path class="zoo-way zoo-{kind}" d="M{bend:.1f} {start:.1f}V{y:.1f}H{left - 4:.1f}"/>'
        f'<path class="zoo-head" d="M{left - 6:.1f} {y - 3:.1f}l5 3l-5 3z"/>'
    )


def slices(level, x, levels):
    """The maps of a level, each as high as its side and as wide as its channels tell."""
    parts = []
    for one in level.maps:
        wide, high = width(one.channels), height(one.side)
        y = middle(level.side, levels) - high / 2
        parts.append(
            f'<rect class="zoo-{one.kind}" x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}">'
            f"<title>{one.side} x {one.side} x {one.channels}</title></rect>"
        )
        x += wide + 1
    return "".join(parts)


def window(levels, places):
    """A frame around what happens to a window that moves over the image."""
    inside = [number for number, level in enumerate(levels) if level.patch]
    if not inside:
        return []
    left, right = places[inside[0]][0] - 7, places[inside[-1]][1] + 7
    top, bottom = (middle(levels[number].side, levels) for number in (inside[0], inside[-1]))
    title = say("The window, which moves over the image")
    return [
        f'<rect class="zoo-window" x="{left:.1f}" y="{top - ROW / 2 - 16:.1f}" width="{right - left:.1f}" '
        f'height="{bottom - top + ROW / 2 + 28:.1f}"><title>{title}</title></rect>'
    ]


def label(x, y, words, anchor, kind=""):
    """A few words."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{words}</text>'


def middle(side, levels):
    """The height at which a level stands: the smaller its maps, the lower."""
    return TOP + ROW * math.log2(levels[0].side / side)


def memory_line(side, levels):
    """Above the way up, which comes in at the middle."""
    return middle(side, levels) - height(side) / 4


def height(side):
    """Of a map, from its side in pixels."""
    return 3.4 * math.sqrt(side)


def width(channels):
    """Of a map, from its channels."""
    return 1.25 * math.sqrt(channels)


def grid(title, values):
    """A small map whose windows of 2 x 2 have a colour each.

    Args:
        title: what it shows, in words.
        values: array (n, n) whose zeros stay empty, or `None` for one that is learned.
    """
    parts = []
    for row, column in [(row, column) for row in range(4) for column in range(4)]:
        x, y = 1 + CELL * column, 1 + CELL * row
        value = None if values is None else values[row][column]
        tint = f"tint-{row // 2 * 2 + column // 2}" if value else "learned" if values is None else "empty"
        parts.append(f'<rect class="zoo-{tint}" x="{x}" y="{y}" width="{CELL}" height="{CELL}"/>')
        parts.append(label(x + CELL / 2, y + 15, f"{value:g}", "middle") if value else "")
    box = f"0 0 {4 * CELL + 2} {4 * CELL + 2}"
    return f'<svg class="zoo-window-grid" viewBox="{box}" role="img" aria-label="{title}">{"".join(parts)}</svg>'
