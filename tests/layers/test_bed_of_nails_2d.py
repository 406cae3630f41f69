import numpy as np
import pytest
from keras.ops import convert_to_numpy

from zoo.layers import BedOfNails2D, MaxUnpooling2D


@pytest.mark.parametrize("pool_size", [1, 2, (2, 3)])
def test_is_max_unpooling_with_all_offsets_zero(pool_size, rng):
    values = rng.normal(size=(2, 3, 4, 5)).astype("float32")
    nails = BedOfNails2D(pool_size)(values)
    unpooled = MaxUnpooling2D(pool_size)(values, np.zeros(values.shape, "uint8"))
    np.testing.assert_array_equal(convert_to_numpy(nails), convert_to_numpy(unpooled))


def test_equals_a_strided_assignment(rng):
    values = rng.normal(size=(2, 3, 4, 5)).astype("float32")
    expected = np.zeros((2, 3 * 2, 4 * 3, 5), "float32")
    expected[:, ::2, ::3] = values
    np.testing.assert_array_equal(convert_to_numpy(BedOfNails2D((2, 3))(values)), expected)
