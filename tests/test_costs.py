import contextlib
import types
from concurrent.futures.process import BrokenProcessPool

import keras
import pytest
import tensorflow as tf
from keras import layers

import zoo
from zoo import costs, models


def counted_by_tensorflow(model):
    """Half of the operations that TensorFlow's profiler counts in the graph of one image."""
    image = tf.TensorSpec((1, *model.input_shape[1:]))
    graph = tf.function(lambda x: model(x, training=False)).get_concrete_function(image).graph
    names = ["Conv2D", "Conv2DBackpropInput", "DepthwiseConv2dNative", "MatMul"]
    options = tf.compat.v1.profiler.ProfileOptionBuilder(tf.compat.v1.profiler.ProfileOptionBuilder.float_operation())
    return (
        tf.compat.v1.profiler.profile(
            graph, cmd="op", options=options.with_accounted_types(names).with_empty_output().build()
        ).total_float_ops
        / 2
    )


@pytest.mark.parametrize("stage", zoo.STAGES)
def test_multiply_adds_are_half_the_operations_that_tensorflow_counts(stage):
    options = {"stride": 16} if stage == "sliding_window" else {}
    model = zoo.build(stage, image_shape=(32, 32, 3), **options)
    assert costs.multiply_adds(model) == pytest.approx(counted_by_tensorflow(model), rel=0.02)


def within(*inner, shape=(32, 32, 3)):
    """A model that calls these one after the other."""
    x = images = keras.Input(shape)
    for layer in inner:
        x = layer(x)
    return keras.Model(images, x)


def inner(shape=(None, None, 3)):
    return within(layers.Conv2D(4, 3), layers.Conv2D(3, 3, strides=2), shape=shape)


def called_twice():
    return within(*[layers.Conv2D(3, 3)] * 2)


COUNTED = {
    "nested, of any size": lambda: within(inner()),
    "nested twice": lambda: within(within(inner(), shape=(32, 32, 3)), layers.Conv2D(2, 1)),
    "nested and called twice": lambda: within(*[inner()] * 2),
    "Sequential of models": lambda: keras.Sequential([keras.Input((32, 32, 3)), inner(), layers.Conv2D(2, 1)]),
    "Sequential within": lambda: within(keras.Sequential([layers.Conv2D(4, 3), layers.Conv2D(2, 3)])),
    "called twice": called_twice,
    "depthwise": lambda: within(layers.DepthwiseConv2D(3, depth_multiplier=2)),
    "separable": lambda: within(layers.SeparableConv2D(8, 3, strides=2)),
    "grouped": lambda: within(layers.Conv2D(6, 3, groups=3)),
    "dilated": lambda: within(layers.Conv2D(6, 3, dilation_rate=2)),
    "transposed": lambda: within(layers.Conv2DTranspose(6, 3, strides=2, use_bias=False)),
    "Dense on a map": lambda: within(layers.Dense(5)),
    "Dense": lambda: within(layers.Flatten(), layers.Dense(5)),
}


@pytest.mark.parametrize("name", COUNTED)
def test_multiply_adds_of_models_within_models_and_of_all_kinds_of_layers(name):
    model = COUNTED[name]()
    # What the profiler does not know, or counts as if there were no groups, or at every place of the output.
    by_hand = {"Dense on a map": 32 * 32 * 3 * 5, "grouped": 30 * 30 * 9 * 6, "transposed": 32 * 32 * 9 * 3 * 6}
    expected = by_hand.get(name) or counted_by_tensorflow(model)
    assert expected > 0
    assert costs.multiply_adds(model) == pytest.approx(expected, rel=0.02)


def test_a_model_of_any_size_within_one_of_a_fixed_size_counts_as_alone():
    images = keras.Input((32, 32, 3))
    nested = keras.Model(images, zoo.build("unet", image_shape=(None, None, 3))(images))
    assert costs.multiply_adds(nested) == costs.multiply_adds(zoo.build("unet", image_shape=(32, 32, 3)))


def test_time_distributed_counts_each_step():
    each = costs.multiply_adds(inner((32, 32, 3)))
    assert costs.multiply_adds(within(layers.TimeDistributed(inner()), shape=(5, 32, 32, 3))) == 5 * each


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (lambda: layers.TimeDistributed(layers.LSTM(3)), "TimeDistributed|LSTM"),
        (lambda: layers.Lambda(lambda x: x @ x), "Lambda"),
        (lambda: layers.PReLU(), "PReLU"),
        (lambda: keras.ops.image.gaussian_blur, "GaussianBlur"),
        (lambda: layers.EinsumDense("bhwc,cd->bhwd", (32, 32, 4)), "EinsumDense"),
        (lambda: lambda x: keras.ops.matmul(x, x), "Matmul"),
    ],
)
def test_what_cannot_be_counted_is_refused_by_name(layer, name):
    shape = (32, 32, 32) if "Matmul" in name or "Lambda" in name else (32, 32, 3)
    shape = (5, *shape) if "TimeDistributed" in name else shape
    shape = (5, 7, 3) if "LSTM" in name else shape
    with pytest.raises(ValueError, match=f"must have no `({name})`"):
        costs.multiply_adds(within(layer(), shape=shape))


class Squared(layers.Layer):
    """Has no weights, and multiplies."""

    def call(self, x):
        return keras.ops.matmul(x, keras.ops.transpose(x, (0, 1, 3, 2)))


def test_a_layer_of_ones_own_is_refused_and_lora_counts_as_the_kernel():
    with pytest.raises(ValueError, match=r"layers of Keras and of this package\. Received: squared.*, a Squared"):
        costs.multiply_adds(within(Squared(), shape=(32, 32, 3)))
    model = keras.Sequential([keras.Input((32, 32, 3)), layers.Conv2D(8, 3)])
    before = costs.multiply_adds(model)
    model.layers[0].enable_lora(4)
    assert costs.multiply_adds(model) == before == 30 * 30 * 3 * 3 * 3 * 8


def test_unknown_sides_are_refused():
    with pytest.raises(ValueError, match=r"`model` needs fixed sides. Received: conv2d.* with sides"):
        costs.multiply_adds(inner())


@pytest.mark.parametrize("stride", [1, 4])
def test_the_dense_window_counts_what_it_computes_and_not_what_the_sliding_one_does(stride):
    shape = (32, 32, 3)
    dense = zoo.models.build_for_training("sliding_window", image_shape=shape, stride=stride)
    assert costs.multiply_adds(dense) == pytest.approx(counted_by_tensorflow(dense), rel=0.02)
    assert 4 * costs.multiply_adds(dense) < costs.multiply_adds(
        zoo.build("sliding_window", image_shape=shape, stride=stride)
    )


def test_full_convolution_stays_within_twice_the_unet():
    assert costs.multiply_adds(zoo.build("fully_convolutional")) < 2 * costs.multiply_adds(zoo.build("unet"))


def test_milliseconds_are_the_median_after_a_warm_up(monkeypatch):
    """By a clock that the predictions alone move on: three slow ones, then ten of 2 seconds and ten of 4."""
    now, durations = 0, iter([9, 9, 9] + 10 * [2, 4])

    def predict(images):
        nonlocal now
        assert images.shape == (1, 8, 6, 3)
        now += next(durations)

    monkeypatch.setattr(costs, "time", types.SimpleNamespace(perf_counter=lambda: now))
    model = types.SimpleNamespace(input_shape=(None, 8, 6, 3), predict_on_batch=predict)
    assert costs.milliseconds(model) == 3000  # the median of all 23 would be 4000
    assert not list(durations)


@pytest.mark.slow
def test_memory_grows_as_the_widest_feature_map_asks():
    inputs = keras.Input((256, 256, 3))
    x = keras.layers.Conv2D(64, 1)(inputs)
    model = keras.Model(inputs, keras.layers.Conv2D(3, 1)(x))
    needed = 256 * 256 * 64 * 4 / 1e6  # 17 MB in float32
    assert needed * 0.9 < costs.peak_megabytes(model) < needed * 4


@pytest.mark.parametrize(
    "error",
    [BrokenProcessPool("killed"), OSError("no space left"), tf.errors.ResourceExhaustedError(None, None, "no memory")],
)
def test_a_trained_model_is_not_lost_because_its_memory_cannot_be_measured(monkeypatch, error):
    @contextlib.contextmanager
    def process(prepare):
        raise error
        yield

    monkeypatch.setattr(costs.fresh, "process", process)
    assert costs.costs(within(keras.layers.Conv2D(3, 1), shape=(8, 8, 3)))["peak_megabytes"] is None


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_count_the_same(backend, run_python):
    pytest.importorskip(backend)
    options = {"image_shape": (32, 32, 3)}
    expected = costs.multiply_adds(models.build_for_training("sliding_window", **options))
    code = "from zoo import costs, models\n"
    code += f"print(costs.multiply_adds(models.build_for_training('sliding_window', **{options})))"
    assert int(run_python(backend, "-c", code).splitlines()[-1]) == expected
