"""The drawings of a stage's model, as the pages show them: with a legend, or small."""

import functools

from zoo import quiet

quiet.import_tensorflow()

import architecture
import diagrams
import windows

import zoo

KINDS = {
    "learned": "by a layer with weights",
    "fixed": "by a layer without weights",
    "memory": "from the way down",
}
LEGEND = """Each slice is the result of a layer: as high as its side, as wide as its channels, whose number stands
above. Remembered on the way down:"""


@functools.cache
def drawn(stage):
    """The levels of a stage's model, and how a small map grows back in it."""
    model = zoo.build(stage)
    return architecture.read(model), windows.grow(model)


def memory(stage):
    """What a stage remembers on its way down, in words."""
    return architecture.memory(drawn(stage)[0])


def figure(stage):
    """The drawing of a stage's model, with what its colours mean and how a small map grows back."""
    levels, grids = drawn(stage)
    keys = "&emsp;".join(f'<span class="zoo-key zoo-{kind}">{words}</span>' for kind, words in KINDS.items())
    steps = {"a small map": windows.EXAMPLE[0, :, :, 0], **{f"after {name}": one for name, one in grids.items()}}
    steps = {title.replace("after features", "features, joined"): values for title, values in steps.items()}
    small = "".join(f"<span>{diagrams.grid(title, values)}{title}</span>" for title, values in steps.items())
    small = f'<p class="zoo-grids-of-ways">{small}</p>' if grids else ""
    return (
        f'<figure class="zoo-architecture">{diagrams.diagram(levels)}<figcaption><p>{keys}</p>'
        f"<p>{LEGEND} <em>{memory(stage)}</em>.</p>{small}</figcaption></figure>"
    )


def sketches(stage):
    """The same, without a word."""
    levels, grids = drawn(stage)
    small = "".join(diagrams.grid(f"a small map after {name}", values) for name, values in grids.items())
    return f'<span class="zoo-sketches">{diagrams.sketch(levels)}{small}</span>'
