import numpy as np
import pytest
from keras.ops import convert_to_numpy

from zoo.layers import IndexUnpooling2D, MaxUnpooling2D


@pytest.mark.parametrize("value", [1, 1.0, -2.5, 0])
def test_is_max_unpooling_of_a_constant(value, rng):
    offsets = rng.integers(0, 6, (2, 3, 4, 5)).astype("uint8")
    constant = np.full(offsets.shape, value, "float32")
    marks = IndexUnpooling2D((2, 3), value)(offsets)
    np.testing.assert_array_equal(*map(convert_to_numpy, (marks, MaxUnpooling2D((2, 3))(constant, offsets))))


@pytest.mark.parametrize("pool_size", [(2, 2), (2, 3), (4, 1)])
def test_equals_a_loop_over_places(pool_size, rng):
    rows, columns = pool_size
    offsets = rng.integers(0, rows * columns, (2, 3, 4, 5)).astype("uint8")
    expected = np.zeros((2, 3 * rows, 4 * columns, 5), "float32")
    for b, i, j, c in np.ndindex(offsets.shape):
        row, column = divmod(int(offsets[b, i, j, c]), columns)
        expected[b, i * rows + row, j * columns + column, c] = 2.5
    np.testing.assert_array_equal(convert_to_numpy(IndexUnpooling2D(pool_size, 2.5)(offsets)), expected)


@pytest.mark.parametrize("value", [True, "1", None, (1, 2), 1j])
def test_refuses_value(value):
    with pytest.raises(ValueError, match=r"`value` must be a number. Received: value="):
        IndexUnpooling2D(2, value)
