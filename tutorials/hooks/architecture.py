"""What a model is made of, read off its Keras layers: levels of maps, the ways between, and what is remembered."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

import keras
from keras import layers
from translation import say

PASSED = (layers.ZeroPadding2D, layers.Flatten)  # part of the layer behind them
NAMES = {"Conv2D": "strided convolution", "Conv2DTranspose": "transposed convolution"}


class Map(NamedTuple):
    """The result of one layer: a slice of the drawing.

    Args:
        kind: "image", "learned" (by a layer that has weights), "fixed", "memory" (from the way down), or "logits".
        side: in pixels.
        channels: how many.
    """

    kind: str
    side: int
    channels: int


@dataclass
class Level:
    """Maps of about one side that follow each other.

    Args:
        way: the layer that led here, in words; empty for the first.
        learned: whether that layer has weights.
        patch: whether all this happens to a window that moves over the image.
        maps: in the order of their layers.
        memories: what comes from the way down: "features" or "places", and the number of the level that had them.
    """

    way: str = ""
    learned: bool = False
    patch: bool = False
    maps: list[Map] = field(default_factory=list)
    memories: list[tuple[str, int]] = field(default_factory=list)

    @property
    def side(self):
        """Of the first map, in pixels."""
        return self.maps[0].side

    @property
    def channels(self):
        """Of the last map, but for logits that have one before them."""
        return self.maps[-2 if self.maps[-1].kind == "logits" and len(self.maps) > 1 else -1].channels


def read(model):
    """The levels of a model of convolutions and of layers that halve or double the sides of their maps.

    Remembered is what a layer takes beside its predecessor's result: integers are places, floats are features.
    """
    levels = []
    walk(model.layers, levels, {}, patch=False)
    return levels


def walk(inner, levels, homes, patch):
    """Adds what these layers make to the levels; `homes` has the number of the level that made a tensor."""
    for layer in inner:
        inputs, outputs = keras.tree.flatten(layer.input), keras.tree.flatten(layer.output)
        side = side_of(outputs[0])
        if hasattr(layer, "classifier"):  # which moves over the image
            window = layer.classifier.input_shape
            levels.append(Level("moving window", patch=True, maps=[Map("image", window[1], window[-1])]))
            walk(layer.classifier.layers, levels, {}, patch=True)
            homes |= {id(one): len(levels) for one in inputs}
        elif isinstance(layer, PASSED):
            continue
        if not levels or levels[-1].patch != patch or not 0.6 < side / levels[-1].side < 1.6:
            levels.append(Level(words(layer) if levels else "", bool(layer.weights), patch))
        level, number = levels[-1], len(levels) - 1
        remembered = [one for one in inputs if "int" in one.dtype or homes.get(id(one), number) < number - 1]
        if kind := kind_of(layer, inputs, side, remembered):
            level.way += f" and {words(layer)}" if kind == "memory" else ""
            level.maps.append(Map(kind, side, outputs[0].shape[-1]))
        for tensor in remembered:
            source = next(i for i in reversed(range(number)) if levels[i].side == side)
            level.memories.append(("places" if "int" in tensor.dtype else "features", source))
            if isinstance(layer, layers.Concatenate):
                level.maps.append(Map("memory", side, tensor.shape[-1]))
        homes |= {id(tensor): number for tensor in outputs}


def kind_of(layer, inputs, side, remembered):
    """Which map a layer makes; `None` if it makes none of its own, as activations, joins and 1x1 convolutions."""
    if isinstance(layer, layers.InputLayer):
        return "image"
    if layer.name == "logits":
        return "logits"
    if remembered == inputs:
        return "memory"
    if isinstance(layer, layers.Dense) or getattr(layer, "kernel_size", (1, 1)) != (1, 1):
        return "learned"
    return "fixed" if side != side_of(inputs[0]) and not isinstance(layer, layers.Concatenate) else None


def side_of(tensor):
    """Of maps, in pixels; a vector is one pixel."""
    return tensor.shape[1] if len(tensor.shape) == 4 else 1


def words(layer):
    """The class of a layer in words."""
    name = type(layer).__name__
    return NAMES.get(name) or re.sub(r"\B(?=[A-Z])", " ", name.removesuffix("2D")).lower()


def memory(levels):
    """What a model remembers of its way down, in words."""
    kinds = {kind for level in levels for kind, _ in level.memories}
    return {"places": "where each maximum stood", "features": "the features"}.get("".join(kinds), "nothing")


def describe(levels):
    """A model in a sentence or two, for those who do not see its drawing."""
    sizes = say(", then ").join(
        say("after {way} {side} x {side} pixels, {channels} channels", way=say(level.way), **size_of(level))
        if level.way
        else say("{side} x {side} pixels, {channels} channels", **size_of(level))
        for level in levels
    )
    return say(
        "Maps from the image to the logits: {sizes}. Remembered on the way down: {memory}.",
        sizes=sizes,
        memory=say(memory(levels)),
    )


def size_of(level):
    return {"side": level.side, "channels": level.channels}
