"""Whether a model takes images and gives logits."""

from typing import Any

import keras

# Activations, by their names in small letters. What they give is no logit: above 0 for every pixel, or shares already.
NO_LOGITS = {"exponential", "hardsigmoid", "sigmoid", "softmax", "softplus", "sparsemax", "sparsesigmoid"}
KEEP_VALUES = {  # layers and operations that change none, or choose among them
    *("ActivityRegularization", "AlphaDropout", "Average", "AveragePool", "AveragePooling2D", "Cast", "CenterCrop"),
    *("Clip", "Concatenate", "Cropping2D", "Dropout", "ExpandDims", "Flip", "GaussianNoise", "GetItem", "Identity"),
    *("Max", "MaxPool", "MaxPooling2D", "Maximum", "Mean", "Min", "Minimum", "NearestUnpooling2D", "Pad", "Permute"),
    *("Repeat", "Reshape", "Resize", "Resizing", "Roll", "SpatialDropout2D", "Split", "Squeeze", "Stack", "Take"),
    *("Transpose", "UpSampling2D", "ZeroPadding2D"),
}
SUMS = {"Add", "Divide", "Multiply", "TrueDivide"}  # of shares alone, an ensemble's for one, they are no logits either


def check_model(
    model: keras.Model, any_size: bool = False, probabilities: bool = False
) -> tuple[int | None, int | None, int]:
    """The shape (height, width, channels) of a model's images.

    Args:
        model: Keras model.
        any_size: whether height and width may be `None`.
        probabilities: whether they are asked for: then no model may give them itself, and else none of one channel.

    Raises:
        ValueError: if `predict` cannot use the model, whatever the photo.
    """
    shapes = [getattr(model, name, None) for name in ("input_shape", "output_shape")]
    alone = not isinstance(getattr(model, "output", None), dict | list | tuple)  # whose shape is told as if it were
    if not (alone and all(isinstance(s, tuple) and len(s) == 4 and isinstance(s[-1], int) for s in shapes)):
        raise ValueError(
            "`model` must take images (b, h, w, channels) alone, and give logits (b, h, w, classes) alone. "
            f"Received: input shape {shapes[0]}, output shape {shapes[1]}"
        )
    if None in shapes[0][1:3] and not any_size:
        raise ValueError(f"`model` needs a fixed height and width. Received: input shape {shapes[0]}")
    if shapes[0][3] not in (1, 3):
        raise ValueError(f"`model` must take images of 1 or 3 channels. Received: input shape {shapes[0]}")
    dtypes = model.inputs[0].dtype, model.outputs[0].dtype  # to the first Keras would cast [0, 1] without a word
    if not all("float" in dtype for dtype in dtypes):
        raise ValueError(f"`model` must take and give floating point. Received: {' and '.join(dtypes)}")
    given = sorted(NO_LOGITS & last_activations(model.outputs[0]))
    if given and (probabilities or shapes[1][3] == 1):
        raise ValueError(f"`model` must give logits, without an activation. Received: the outputs of a {given[0]}")
    return shapes[0][1:]


def last_activations(output: Any, above: tuple = (), known: dict | None = None) -> set[str]:
    """The names, in small letters, of the last layers or activations that do more than keep a symbolic tensor's values.

    Args:
        output: of a functional model.
        above: if it lies within an inner model: this model, what it was given, and where it lies itself.
        known: what was found of other tensors.
    """
    known = {} if known is None else known
    found, seen, waiting = set(), set(), [(output, above)]
    while waiting:
        tensor, above = waiting.pop()
        if (id(tensor), id(above)) in seen:
            continue
        seen.add((id(tensor), id(above)))
        operation, node, index = tensor._keras_history
        layer = getattr(operation, "layer", operation)  # of a wrapper
        function = layer
        while getattr(function, "activation", None):  # which may be a layer itself
            function = function.activation
        name = getattr(function, "__name__", type(function).__name__).lower().replace("_", "")
        inner = getattr(operation, "classifier", operation)  # of a layer that runs it over windows
        if isinstance(operation, keras.layers.InputLayer):
            if above:
                model, given, further = above
                waiting.append((given[[id(one) for one in model.inputs].index(id(tensor))], further))
            continue
        given = operation._inbound_nodes[node].input_tensors
        if hasattr(inner, "outputs"):  # which a subclassed model within another one has not
            waiting.append((inner.outputs[index], (inner, given, above)))
        elif type(operation).__name__ in KEEP_VALUES or (type(operation).__name__, name) == ("Activation", "linear"):
            waiting += [(one, above) for one in given]
        elif type(operation).__name__ in SUMS and len(given) > 1:
            for one in given:
                if (id(one), id(above)) not in known:
                    known[id(one), id(above)] = last_activations(one, above, known)
            each = [known[id(one), id(above)] for one in given]
            found |= set.union(*each) if all(one <= NO_LOGITS for one in each) else {name}
        else:
            found.add(name)
    return found
