"""What a model's own layers make of one small map that was pooled: how it grows back."""

import keras
import numpy as np
from architecture import side_of, words

from zoo.layers import MaxPoolingWithOffsets2D

EXAMPLE = np.array([[1, 3, 2, 0], [5, 2, 2, 7], [4, 4, 6, 1], [0, 4, 8, 3]], "float32")[None, :, :, None]


def grow(model):
    """What the last way up of a model, from half the side, makes of the maxima of `EXAMPLE` and of their places.

    Returns:
        A dictionary from a layer, in words, to an array (4, 4), or to `None` where weights decide. "features" are what
        is joined with that. It is empty for a model that never halves its maps.
    """
    values, places = MaxPoolingWithOffsets2D(2)(EXAMPLE)
    found, grown = {}, set()
    for layer in model.layers[1:]:  # the first is the image
        inputs, (output, *_) = keras.tree.flatten(layer.input), keras.tree.flatten(layer.output)
        if 2 * side_of(inputs[0]) == side_of(output) == side_of(model.output):
            taken = [places if "int" in tensor.dtype else values for tensor in inputs]
            result = None if layer.weights else keras.ops.convert_to_numpy(layer(*taken))[0, :, :, 0]
            found[words(layer)] = result
            grown.add(id(output))
        joined = isinstance(layer, keras.layers.Concatenate) and side_of(output) == side_of(model.output)
        if joined and any(id(tensor) not in grown for tensor in inputs):
            found["features"] = EXAMPLE[0, :, :, 0]
    return found
