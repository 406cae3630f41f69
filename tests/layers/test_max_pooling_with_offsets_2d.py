import keras
import numpy as np
import pytest

from zoo.layers import MaxPoolingWithOffsets2D


@pytest.mark.parametrize("pool_size", [(2, 2), (3, 2), (1, 4)])
def test_equals_a_loop_over_windows(pool_size, rng):
    rows, columns = pool_size
    x = rng.integers(-2, 3, (2, 3 * rows, 4 * columns, 5)).astype("float32")  # few numbers, many ties
    values, offsets = MaxPoolingWithOffsets2D(pool_size)(x)
    assert keras.backend.standardize_dtype(offsets.dtype) == "uint8"
    for b, i, j, c in np.ndindex(*values.shape):
        window = x[b, i * rows : (i + 1) * rows, j * columns : (j + 1) * columns, c]
        assert values[b, i, j, c] == window.max()
        assert offsets[b, i, j, c] == window.argmax()  # counts row by row; of equal maxima the first


def test_offset_of_the_last_of_256_places():
    """One byte is enough: the last place is 16 * 16 - 1 = 255."""
    x = np.zeros((1, 16, 16, 1), "float32")
    x[0, 15, 15, 0] = 1
    assert MaxPoolingWithOffsets2D(16)(x)[1] == 255


@pytest.mark.parametrize("shape", [(1, 5, 4, 1), (1, 4, 5, 1), (None, 5, None, 3)])
def test_refuses_sides_that_are_no_multiples(shape):
    with pytest.raises(ValueError, match=r"height and a width that are multiples of \(2, 2\)"):
        MaxPoolingWithOffsets2D(2)(keras.Input(batch_shape=shape))


def test_refuses_arrays_whose_sides_are_no_multiples():
    with pytest.raises(ValueError, match=r"multiples of \(2, 3\)"):
        MaxPoolingWithOffsets2D((2, 3))(np.zeros((1, 6, 4, 1), "float32"))
