import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy

from zoo.models.blocks import convolution, max_pool, pool_with_offsets, transposed_convolution
from zoo.models.unet import grow_and_join, pool_and_keep


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("sides", [(8, 10), (7, 9)])
def test_convolution_pads_one_pixel_on_every_side_as_in_pytorch(strides, sides, randomize, rng):
    torch = pytest.importorskip("torch")
    images = keras.Input((*sides, 3))
    model = keras.Model(images, convolution(images, 4, strides))
    randomize(model)
    kernel, gamma, beta, mean, variance = (torch.tensor(convert_to_numpy(w)) for w in model.weights)

    x = rng.normal(size=(2, *sides, 3)).astype("float32")
    y = torch.nn.functional.conv2d(
        torch.tensor(x).permute(0, 3, 1, 2), kernel.permute(3, 2, 0, 1), stride=strides, padding=1
    )
    epsilon = next(layer.epsilon for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization))
    y = torch.nn.functional.batch_norm(y, mean, variance, gamma, beta, eps=epsilon).relu()
    np.testing.assert_allclose(convert_to_numpy(model(x)), y.permute(0, 2, 3, 1), rtol=1e-4, atol=1e-4)


def test_transposed_convolution_equals_a_loop(randomize, rng):
    """Each value paints its own 2x2 window; windows do not overlap."""
    features = keras.Input((3, 4, 5))
    model = keras.Model(features, transposed_convolution(features, None, 6))
    randomize(model)
    kernel, bias = map(convert_to_numpy, model.weights)  # (2, 2, outputs, inputs), (outputs,)
    x = rng.normal(size=(1, 3, 4, 5)).astype("float32")
    expected = np.empty((1, 6, 8, 6))
    for i, j in np.ndindex(3, 4):
        expected[0, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2] = kernel @ x[0, i, j] + bias
    np.testing.assert_allclose(convert_to_numpy(model(x)), expected, rtol=1e-4, atol=1e-4)


def test_what_the_way_down_remembers(rng):
    x = keras.ops.convert_to_tensor(rng.normal(size=(1, 4, 4, 3)), "float32")
    pooled, nothing = max_pool(x, 3)
    assert nothing is None
    with_offsets, offsets = pool_with_offsets(x, 3)
    assert keras.backend.standardize_dtype(offsets.dtype) == "uint8"
    with_features, features = pool_and_keep(x, 3)
    assert features is x
    for values in (with_offsets, with_features):
        np.testing.assert_array_equal(convert_to_numpy(values), convert_to_numpy(pooled))


def test_unet_joins_the_remembered_features(rng):
    x, features = (rng.normal(size=(1, side, side, 2)).astype("float32") for side in (2, 4))
    joined = convert_to_numpy(grow_and_join(x, features, 3))
    assert joined.shape == (1, 4, 4, 3 + 2)
    np.testing.assert_array_equal(joined[..., 3:], features)
