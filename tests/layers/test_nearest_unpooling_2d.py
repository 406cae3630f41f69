import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy

from zoo.layers import NearestUnpooling2D


@pytest.mark.parametrize("pool_size", [1, 2, (2, 3)])
def test_equals_keras_up_sampling(pool_size, rng):
    values = rng.normal(size=(2, 3, 4, 5)).astype("float32")
    expected = keras.layers.UpSampling2D(pool_size, interpolation="nearest")(values)
    np.testing.assert_array_equal(*map(convert_to_numpy, (NearestUnpooling2D(pool_size)(values), expected)))


def test_gradient_sums_over_the_window(gradient, rng):
    upstream = rng.normal(size=(1, 6, 6, 2)).astype("float32")
    to_values = gradient(
        NearestUnpooling2D((2, 3)), keras.ops.ones((1, 3, 2, 2)), keras.ops.convert_to_tensor(upstream)
    )
    expected = upstream.reshape(1, 3, 2, 2, 3, 2).sum((2, 4))
    np.testing.assert_allclose(convert_to_numpy(to_values), expected, rtol=1e-5, atol=1e-6)
