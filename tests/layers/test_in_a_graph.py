"""The layers inside TensorFlow graphs: compiled by XLA, and with sides that are not known before they run."""

import keras
import numpy as np
import pytest
from keras import layers
from keras.ops import convert_to_numpy

from zoo.layers import DenseWindow2D, IndexUnpooling2D, MaxPoolingWithOffsets2D, MaxUnpooling2D, SlidingWindow2D

if keras.backend.backend() != "tensorflow":
    pytest.skip("graphs of TensorFlow", allow_module_level=True)

import tensorflow as tf


def pool_and_unpool():
    images = keras.Input((8, 8, 3))
    values, offsets = MaxPoolingWithOffsets2D(2)(layers.Conv2D(4, 3, padding="same")(images))
    x = layers.Conv2D(4, 3, padding="same")(values)
    x = layers.Concatenate()([MaxUnpooling2D(2)(x, offsets), IndexUnpooling2D(2)(offsets)])
    return keras.Model(images, layers.Conv2D(2, 1)(x))


def look_through(window_layer):
    images = keras.Input((8, 8, 3))
    classifier = keras.Sequential([layers.Conv2D(4, 2), layers.MaxPooling2D(2), layers.Flatten(), layers.Dense(2)])
    return keras.Model(images, window_layer(classifier, 5)(images))


MODELS = {
    "pool and unpool": pool_and_unpool,
    "sliding window": lambda: look_through(SlidingWindow2D),
    "dense window": lambda: look_through(DenseWindow2D),
}


@pytest.mark.parametrize("name", MODELS)
def test_xla_gives_the_same_gradients(name, rng):
    model = MODELS[name]()
    x, y = (tf.constant(rng.normal(size=(2, 8, 8, channels)), "float32") for channels in (3, 2))

    def gradients():
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_mean((model(x) - y) ** 2)
        return tape.gradient(loss, [x, *model.trainable_weights])

    for compiled, eager in zip(tf.function(gradients, jit_compile=True)(), gradients(), strict=True):
        assert np.abs(eager).max() > 0
        np.testing.assert_allclose(compiled, eager, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_trains_under_xla(name, rng):
    """Each pixel's colour tells its class: ten steps learn some of it."""
    model, x = MODELS[name](), rng.uniform(size=(8, 8, 8, 3)).astype("float32")
    model.compile(
        keras.optimizers.Adam(0.03), keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=True
    )
    losses = model.fit(x, x[..., 0] > 0.5, batch_size=8, epochs=10, shuffle=False, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def graph(function, *dtypes):
    """The function as a graph that knows neither height nor width."""
    return tf.function(function, input_signature=[tf.TensorSpec((None, None, None, 3), dtype) for dtype in dtypes])


def test_pooling_leaves_out_what_fills_no_window(rng):
    x = rng.normal(size=(2, 5, 8, 3)).astype("float32")
    pool = MaxPoolingWithOffsets2D((2, 3))
    for left, expected in zip(graph(pool, "float32")(x), pool(x[:, :4, :6]), strict=True):
        np.testing.assert_array_equal(left, expected)


def test_gradient_of_what_fills_no_window_is_zero(rng):
    x = rng.normal(size=(2, 5, 8, 3)).astype("float32")
    pool = MaxPoolingWithOffsets2D((2, 3))

    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(pool(x)[0] ** 2)
        return tape.gradient(loss, x)

    expected = np.zeros_like(x)
    expected[:, :4, :6] = gradient(tf.constant(x[:, :4, :6]))
    np.testing.assert_array_equal(graph(gradient, "float32")(x), expected)


@pytest.mark.parametrize("kind", [SlidingWindow2D, DenseWindow2D])
def test_windows_leave_out_what_fills_no_block(kind, rng):
    """The pixels left out have no logits, but are seen by the patches of their neighbours."""
    x = rng.normal(size=(2, 8, 12, 3)).astype("float32")
    x[:, 6:] = x[:, :, 9:] = 0  # as the padding of the smaller image
    window = kind(keras.Sequential([layers.Flatten(), layers.Dense(4)]), window=6, stride=3)
    expected = convert_to_numpy(window(x[:, :6, :9]))
    logits = graph(window, "float32")(x[:, :8, :11])
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)


def test_traces_leave_no_custom_gradient_behind():
    """TensorFlow keeps for ever each one that it meets while it traces, and the graph around it."""
    from tensorflow.python.framework import ops

    def trace():
        model = pool_and_unpool()
        tf.function(model).get_concrete_function(tf.TensorSpec((1, 8, 8, 3)))
        return len(ops.gradient_registry.list())

    assert trace() == trace()
