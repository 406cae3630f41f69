"""Models as ONNX files that also give what happens inside them."""

import keras

import zoo
from zoo import exporting, formats, layers, quiet, resizing
from zoo.cards import class_names

DOWN = (keras.layers.MaxPooling2D, layers.MaxPoolingWithOffsets2D, keras.layers.ZeroPadding2D)  # before a stride
UP = (layers.NearestUnpooling2D, layers.BedOfNails2D, layers.MaxUnpooling2D, keras.layers.Conv2DTranspose)


def export(name, path):
    """Writes a stage's model as ONNX, as `zoo.exporting` does, with what happens inside as further outputs.

    On each level, counted from 1 at the photo's resolution: `features_<level>`, which go down; `offsets_<level>`, where
    their maxima stood; `rising_<level>`, what comes up from below; `grown_<level>`, the same after the way up;
    `marks_<level>`, the ones of index unpooling.
    """
    model = zoo.load(name)
    classes = class_names(name)
    description = exporting.input_and_output(resizing.resize(model, None), classes)
    with quiet.silence():
        formats.write_onnx(with_insides(model), path, None, description, classes)


def with_insides(model):
    """The model in float32, whose outputs are a dictionary of its logits and of what `export` names."""
    exact = resizing.for_images(model, model.input_shape[1:])
    exact.set_weights(model.get_weights())
    down = [layer for layer in exact.layers if isinstance(layer, DOWN)]
    up = [layer for layer in exact.layers if isinstance(layer, UP)][::-1]
    if len(up) < len(down):
        raise ValueError(f"`UP` in {__file__} must name the layer by which {model.name} grows.")
    marks = [layer for layer in exact.layers if isinstance(layer, layers.IndexUnpooling2D)][::-1]
    outputs = {"logits": exact.output}
    for level, layer in enumerate(down, start=1):
        outputs[f"features_{level}"] = layer.input
        if isinstance(layer, layers.MaxPoolingWithOffsets2D):
            outputs[f"offsets_{level}"] = layer.output[1]
        values = up[level - 1].input
        outputs[f"rising_{level}"] = values[0] if isinstance(values, list) else values
        outputs[f"grown_{level}"] = up[level - 1].output
        if marks:
            outputs[f"marks_{level}"] = marks[level - 1].output
    if not down and isinstance(last := exact.layers[-1], keras.layers.Conv2D):
        outputs["features_1"] = last.input  # of the stage that stays at the photo's resolution
    return keras.Model(exact.input, outputs, name=model.name)
