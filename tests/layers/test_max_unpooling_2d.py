import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy

from zoo.layers import IndexUnpooling2D, MaxPoolingWithOffsets2D, MaxUnpooling2D, NearestUnpooling2D


@pytest.mark.parametrize("pool_size", [(2, 2), (2, 3)])
def test_is_nearest_unpooling_times_index_unpooling(pool_size, rng):
    values = rng.normal(size=(2, 3, 4, 5)).astype("float32")
    offsets = rng.integers(0, np.prod(pool_size), values.shape).astype("uint8")
    unpooled = MaxUnpooling2D(pool_size)(values, offsets)
    product = NearestUnpooling2D(pool_size)(values) * IndexUnpooling2D(pool_size)(offsets)
    np.testing.assert_array_equal(convert_to_numpy(unpooled), convert_to_numpy(product))


def test_puts_maxima_back_and_zeros_elsewhere(rng):
    x = rng.normal(size=(2, 6, 8, 3)).astype("float32")
    restored = convert_to_numpy(MaxUnpooling2D(2)(*MaxPoolingWithOffsets2D(2)(x)))
    is_maximum = x == x.reshape(2, 3, 2, 4, 2, 3).max((2, 4)).repeat(2, 1).repeat(2, 2)
    np.testing.assert_array_equal(restored, np.where(is_maximum, x, 0))


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_takes_offsets_of_any_integer_type(dtype):
    values, offsets = np.full((1, 1, 1, 1), 9, "float32"), np.full((1, 1, 1, 1), 2, dtype)
    assert convert_to_numpy(MaxUnpooling2D(2)(values, offsets)).ravel().tolist() == [0, 0, 9, 0]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="graphs of TensorFlow")
def test_in_a_graph_a_value_whose_offset_lies_outside_is_lost(rng):
    import tensorflow as tf

    values = rng.normal(size=(1, 2, 3, 4)).astype("float32")
    lost = tf.function(MaxUnpooling2D(2))(values, tf.fill(values.shape, tf.constant(2 * 2, "uint8")))
    assert not convert_to_numpy(lost).any()


@pytest.mark.parametrize("shape", [(1, 2, 3, 5), (1, 3, 3, 4), (2, 2, 3, 4), (2, 3, 4)])
def test_refuses_values_and_offsets_of_different_shapes(shape):
    with pytest.raises(ValueError, match="`values` and `offsets` of the same shape"):
        MaxUnpooling2D(2)(np.zeros((1, 2, 3, 4), "float32"), np.zeros(shape, "uint8"))


def test_refuses_symbols_of_different_shapes():
    with pytest.raises(ValueError, match="`values` and `offsets` of the same shape"):
        MaxUnpooling2D(2)(keras.Input((None, None, 4)), keras.Input((None, None, 5), dtype="uint8"))
