"""First, second and third derivatives, backward and forward, against `keras.layers.MaxPooling2D`."""

import keras
import numpy as np
import pytest
from keras import ops
from keras.ops import convert_to_numpy

from zoo.layers import BedOfNails2D, MaxPoolingWithOffsets2D, MaxUnpooling2D, NearestUnpooling2D

BACKEND = keras.backend.backend()


def gradient_of(function):
    """The gradient of a function with one number as its value, as a function that can be differentiated again."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        def gradient(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = function(x)
            return tape.gradient(y, x)

        return gradient
    if BACKEND == "jax":
        import jax

        return jax.grad(function)
    import torch

    return torch.func.grad(function)


def forward(function, x, direction):
    """The derivative along a direction, in forward mode."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        with tf.autodiff.ForwardAccumulator(x, direction) as accumulator:
            y = function(x)
        return accumulator.jvp(y)
    if BACKEND == "jax":
        import jax

        return jax.jvp(function, (x,), (direction,))[1]
    import torch

    return torch.func.jvp(function, (x,), (direction,))[1]


def derivatives(values, x, direction):
    """Of the sum of the cubes of `values(x)`, whose third derivative is not zero either."""

    def cubes(x):
        return ops.sum(values(x) ** 3)

    first = gradient_of(cubes)
    second = gradient_of(lambda x: ops.sum(first(x) ** 2))  # as in a gradient penalty
    found = [first(x), second(x), *(forward(function, x, direction) for function in (cubes, first, second))]
    return [convert_to_numpy(ops.cast(derivative, "float32")) for derivative in found]


def inputs(rng, side, dtype, ties):
    shape = (1, 2 * side, 2 * side, 2)
    x = rng.integers(-1, 2, shape) if ties else rng.permutation(np.prod(shape)).reshape(shape) / 16
    return [ops.convert_to_tensor(array.astype("float32"), dtype) for array in (x, rng.integers(-2, 3, shape))]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("side", [2, 3])
def test_pooling_and_unpooling_as_keras_max_pooling(side, dtype, rng):
    """What unpooling adds is zeros: the cubes of its result have the same sum."""
    x, direction = inputs(rng, side, dtype, ties=False)
    expected = derivatives(keras.layers.MaxPooling2D(side, dtype=dtype), x, direction)
    pool, unpool = MaxPoolingWithOffsets2D(side, dtype=dtype), MaxUnpooling2D(side, dtype=dtype)
    tolerance = {"rtol": 1e-5 if dtype == "float32" else 0.05, "atol": 1e-4}
    for values in (lambda x: pool(x)[0], lambda x: unpool(*pool(x))):
        for derivative, theirs in zip(derivatives(values, x, direction), expected, strict=True):
            assert np.abs(theirs).max() > 0
            np.testing.assert_allclose(derivative, theirs, **tolerance)


@pytest.mark.parametrize("side", [2, 3])
def test_of_ties_the_first_alone_counts(side, rng):
    """Against a loop: the derivatives of a cube at the first maximum of each window, zeros elsewhere."""
    x, direction = inputs(rng, side, "float32", ties=True)
    pool = MaxPoolingWithOffsets2D(side)
    chosen = np.zeros(x.shape, "float32")
    for b, i, j, c in np.ndindex(1, 2, 2, 2):
        window = convert_to_numpy(x)[b, i * side : (i + 1) * side, j * side : (j + 1) * side, c]
        row, column = divmod(int(window.argmax()), side)
        chosen[b, i * side + row, j * side + column, c] = 1
    a, d = convert_to_numpy(x), convert_to_numpy(direction)
    first, second = 3 * a**2, 36 * a**3  # of a^3, and of (3 a^2)^2
    expected = [first, second, (chosen * first * d).sum(), 6 * a * d, 108 * a**2 * d]
    for derivative, theirs in zip(derivatives(lambda x: pool(x)[0], x, direction), expected, strict=True):
        np.testing.assert_allclose(derivative, chosen * theirs if np.ndim(theirs) else theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("layer", [BedOfNails2D, NearestUnpooling2D])
def test_other_unpooling_of_what_was_pooled(layer, rng):
    """Bed of nails keeps the sum of the cubes; nearest unpooling counts it once for each of 4 places."""
    x, direction = inputs(rng, 2, "float32", ties=False)
    pool, unpool, copies = MaxPoolingWithOffsets2D(2), layer(2), 4 if layer is NearestUnpooling2D else 1
    expected = derivatives(keras.layers.MaxPooling2D(2), x, direction)
    found = derivatives(lambda x: unpool(pool(x)[0]), x, direction)
    for power, derivative, theirs in zip((1, 2, 1, 1, 2), found, expected, strict=True):
        np.testing.assert_allclose(derivative, theirs * copies**power, rtol=1e-5)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="graphs of TensorFlow")
@pytest.mark.parametrize("xla", [False, True])
def test_second_derivative_in_a_graph(xla, rng):
    import tensorflow as tf

    x, _ = inputs(rng, 2, "float32", ties=False)

    def penalty(pool):
        first = gradient_of(lambda x: tf.reduce_sum(pool(x) ** 3))
        return gradient_of(lambda x: tf.reduce_sum(first(x) ** 2))

    pool, unpool = MaxPoolingWithOffsets2D(2), MaxUnpooling2D(2)
    found = tf.function(penalty(lambda x: unpool(*pool(x))), jit_compile=xla)(x)
    np.testing.assert_allclose(found, penalty(keras.layers.MaxPooling2D(2))(x), rtol=1e-5)
