"""One check for all layers: config round trip, symbolic = eager, unknown sides, precision, save and load."""

import inspect
import json

import keras
import numpy as np
import pytest
from keras import layers
from keras.ops import convert_to_numpy

import zoo.layers as zoo_layers

POLICIES = ("float32", "float16", "bfloat16", "mixed_bfloat16")


def classifier():
    return keras.Sequential(
        [
            *(layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU(), layers.MaxPooling2D(2)),
            *(layers.Flatten(), layers.Dropout(0.5), layers.Dense(3)),
        ]
    )


EXAMPLES = {
    "BedOfNails2D": lambda: zoo_layers.BedOfNails2D((2, 3)),
    "DenseWindow2D": lambda: zoo_layers.DenseWindow2D(classifier(), window=9, stride=2),
    "IndexUnpooling2D": lambda: zoo_layers.IndexUnpooling2D((2, 3), value=0.5),
    "MaxPoolingWithOffsets2D": lambda: zoo_layers.MaxPoolingWithOffsets2D((2, 3)),
    "MaxUnpooling2D": lambda: zoo_layers.MaxUnpooling2D((2, 3)),
    "NearestUnpooling2D": lambda: zoo_layers.NearestUnpooling2D((2, 3)),
    "SlidingWindow2D": lambda: zoo_layers.SlidingWindow2D(classifier(), window=9, stride=2),
}


def make_inputs(name):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(2, 4, 6, 3)).astype("float32")
    offsets = rng.integers(0, 2 * 3, features.shape).astype("uint8")
    return {"MaxUnpooling2D": [features, offsets], "IndexUnpooling2D": [offsets]}.get(name, [features])


def symbols(inputs, *unknown):
    """Inputs of a model like these arrays, with `None` at the unknown axes."""
    shapes = [[None if axis in unknown else side for axis, side in enumerate(x.shape)] for x in inputs]
    return [keras.Input(batch_shape=shape, dtype=x.dtype.name) for shape, x in zip(shapes, inputs, strict=True)]


def shapes_and_dtypes(outputs):
    return [(tuple(y.shape), keras.backend.standardize_dtype(y.dtype)) for y in keras.tree.flatten(outputs)]


def assert_all_close(outputs, expected, tolerance):
    for y, y_expected in zip(outputs, keras.tree.flatten(expected), strict=True):
        y_expected = convert_to_numpy(y_expected).astype("float32")
        np.testing.assert_allclose(y.astype("float32"), y_expected, rtol=tolerance, atol=tolerance)


@pytest.fixture(params=POLICIES)
def policy(request):
    """Sets the precision of all layers that the test makes."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield keras.config.dtype_policy()
    keras.config.set_dtype_policy(before)


@pytest.fixture(params=zoo_layers.__all__)
def name(request):
    return request.param


def test_config_round_trip(name):
    layer = EXAMPLES[name]()
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))  # as in a .keras file
    copy = keras.saving.deserialize_keras_object(config)
    assert type(copy) is type(layer)
    assert json.loads(json.dumps(keras.saving.serialize_keras_object(copy))) == config


def test_config_keeps_every_argument(name):
    layer = EXAMPLES[name]()
    arguments = inspect.signature(type(layer)).parameters.keys() - {"classifier", "kwargs"}
    given = {"pool_size": (2, 3), "value": 0.5, "window": 9, "stride": 2}
    config = layer.get_config()
    assert {argument: config.get(argument) for argument in arguments} == {a: given[a] for a in arguments}


def test_symbolic_shape_and_dtype_equal_eager(name, policy):
    layer, inputs = EXAMPLES[name](), make_inputs(name)
    symbolic = shapes_and_dtypes(layer(*symbols(inputs)))
    assert symbolic == shapes_and_dtypes(layer(*inputs))
    for _, dtype in symbolic:
        assert dtype in (policy.compute_dtype, "uint8")


def test_symbolic_dtype_equals_eager_for_integers(name, policy):
    layer, inputs = EXAMPLES[name](), [x.astype("uint8" if x.dtype == "uint8" else "int32") for x in make_inputs(name)]
    assert shapes_and_dtypes(layer(*symbols(inputs))) == shapes_and_dtypes(layer(*inputs))


def test_output_shape_is_computed_without_a_call(name):
    inputs = make_inputs(name)
    expected = [y.shape for y in keras.tree.flatten(EXAMPLES[name]()(*inputs))]
    shapes = EXAMPLES[name]().compute_output_shape(*(x.shape for x in inputs))
    assert ([shapes] if isinstance(shapes[0], int) else list(shapes)) == [tuple(shape) for shape in expected]


@pytest.mark.parametrize("of_one", ["BedOfNails2D", "DenseWindow2D", "NearestUnpooling2D", "SlidingWindow2D"])
def test_runs_in_time_distributed_and_sequential(of_one):
    layer, features = EXAMPLES[of_one](), make_inputs(of_one)[0]
    expected = convert_to_numpy(layer(features))
    steps = layers.TimeDistributed(layer)
    assert steps.compute_output_shape((None, 5, *features.shape[1:])) == (None, 5, *expected.shape[1:])
    np.testing.assert_allclose(convert_to_numpy(steps(features[:, None]))[:, 0], expected, rtol=1e-4, atol=1e-5)
    assert keras.Sequential([layer]).compute_output_shape(features.shape) == expected.shape


def test_offsets_stay_uint8(policy):
    values, offsets = shapes_and_dtypes(EXAMPLES["MaxPoolingWithOffsets2D"]()(*make_inputs("features")))
    assert values == ((2, 2, 2, 3), policy.compute_dtype)
    assert offsets == ((2, 2, 2, 3), "uint8")


@pytest.mark.parametrize("unknown", [(0,), (1,), (2,), (0, 1, 2)])
def test_unknown_batch_and_sides(name, unknown):
    layer, inputs = EXAMPLES[name](), make_inputs(name)
    symbolic = symbols(inputs, *unknown)
    model = keras.Model(symbolic, layer(*symbolic))
    outputs = layer(*inputs)
    for symbol, y in zip(model.outputs, keras.tree.flatten(outputs), strict=True):
        assert symbol.shape == tuple(None if axis in unknown else side for axis, side in enumerate(y.shape))
    predicted = [convert_to_numpy(y) for y in keras.tree.flatten(model(inputs))]
    assert_all_close(predicted, outputs, 1e-6)
    assert_all_close(keras.tree.flatten(model.predict(inputs, verbose=0)), outputs, 1e-5)


def test_saved_model_gives_the_same(name, policy, randomize, tmp_path):
    model, inputs = save_example(name, tmp_path, randomize)
    loaded = keras.saving.load_model(tmp_path / f"{name}.keras")
    assert loaded.layers[-1].dtype_policy.name == policy.name
    outputs = [convert_to_numpy(y) for y in keras.tree.flatten(loaded(inputs))]
    assert_all_close(outputs, model(inputs), 0)


def save_example(name, folder, randomize):
    """Saves a model of nothing but the layer, beside its inputs, where `predict_in_fresh_process` finds them."""
    inputs = make_inputs(name)
    symbolic = symbols(inputs, 0, 1, 2)
    model = keras.Model(symbolic, EXAMPLES[name]()(*symbolic))
    randomize(model)
    model.save(folder / f"{name}.keras")
    np.savez(folder / f"{name}.keras.inputs.npz", *inputs)
    return model, inputs


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_opens_in_a_fresh_process(backend, predict_in_fresh_process, randomize, tmp_path):
    pytest.importorskip(backend)
    saved = {name: save_example(name, tmp_path, randomize) for name in EXAMPLES}
    predicted = predict_in_fresh_process(backend, tmp_path)
    assert predicted.keys() == saved.keys()
    for name, (model, inputs) in saved.items():
        assert_all_close(predicted[name], model(inputs), 1e-5)
