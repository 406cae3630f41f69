"""The drawings of a stage's model, as the pages show them: with a legend, or small."""

import functools

from zoo import quiet

quiet.import_tensorflow()

import architecture
import diagrams
import windows
from translation import say

import zoo


@functools.cache
def drawn(stage):
    """The levels of a stage's model, and how a small map grows back in it."""
    model = zoo.build(stage)
    return architecture.read(model), windows.grow(model)


def memory(stage):
    """What a stage remembers on its way down, in words."""
    return architecture.memory(drawn(stage)[0])


def after(name):
    """The title of what a layer made of the small map, or of the features that are joined with it."""
    return say("features, joined") if name == "features" else say("after {layer}", layer=say(name))


def phrases():
    """The texts that are read off the models."""
    texts = {}
    for stage in zoo.STAGES:
        levels, grids = drawn(stage)
        kinds = [kind for level in levels for kind, _ in level.memories]
        texts |= dict.fromkeys([memory(stage), *(level.way for level in levels if level.way), *grids, *kinds])
    return list(texts)


def figure(stage):
    """The drawing of a stage's model, with what its colours mean and how a small map grows back."""
    levels, grids = drawn(stage)
    kinds = {
        "learned": say("by a layer with weights"),
        "fixed": say("by a layer without weights"),
        "memory": say("from the way down"),
    }
    keys = "&emsp;".join(f'<span class="zoo-key zoo-{kind}">{words}</span>' for kind, words in kinds.items())
    legend = say(
        "Each slice is the result of a layer: as high as its side, as wide as its channels, whose number stands above. "
        "Remembered on the way down: <em>{what}</em>.",
        what=say(memory(stage)),
    )
    steps = {say("a small map"): windows.EXAMPLE[0, :, :, 0], **{after(name): one for name, one in grids.items()}}
    small = "".join(f"<span>{diagrams.grid(title, values)}{title}</span>" for title, values in steps.items())
    small = f'<p class="zoo-grids-of-ways">{small}</p>' if grids else ""
    return (
        f'<figure class="zoo-architecture">{diagrams.diagram(levels)}<figcaption><p>{keys}</p>'
        f"<p>{legend}</p>{small}</figcaption></figure>"
    )


def sketches(stage):
    """The same, without a word."""
    levels, grids = drawn(stage)
    small = "".join(diagrams.grid(after(name), values) for name, values in grids.items())
    return f'<span class="zoo-sketches">{diagrams.sketch(levels)}{small}</span>'
