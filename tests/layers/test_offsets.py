"""Offsets that are none, and the indices of other libraries."""

import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy

from zoo.layers import (
    IndexUnpooling2D,
    MaxPoolingWithOffsets2D,
    MaxUnpooling2D,
    offsets_from_pytorch,
    offsets_from_tensorflow,
)


def unpool(layer, offsets):
    return layer(offsets) if isinstance(layer, IndexUnpooling2D) else layer(np.ones(offsets.shape, "float32"), offsets)


@pytest.mark.parametrize("kind", [IndexUnpooling2D, MaxUnpooling2D])
class TestRefuses:
    """Both layers that take offsets refuse the same."""

    @pytest.mark.parametrize("dtype", ["float32", "float16", "bool"])
    def test_what_is_no_integer(self, kind, dtype):
        with pytest.raises(ValueError, match=r"needs integer `offsets`.*Received: offsets of (bool|float)"):
            unpool(kind(2), np.zeros((1, 2, 2, 1), dtype))

    def test_symbols_that_are_no_integers(self, kind):
        symbols = [keras.Input((2, 2, 1))] * (1 if kind is IndexUnpooling2D else 2)
        with pytest.raises(ValueError, match="needs integer `offsets`"):
            kind(2)(*symbols)

    @pytest.mark.parametrize(("number", "dtype"), [(4, "int64"), (-1, "int32"), (4, "int32"), (4, "uint8")])
    def test_what_lies_outside_of_its_window(self, kind, number, dtype):
        with pytest.raises(ValueError, match=r"needs `offsets` from 0 to 3, places in a window. Received: "):
            unpool(kind(2), np.full((1, 2, 2, 1), number, dtype))

    def test_offsets_of_another_window(self, kind):
        values, offsets = MaxPoolingWithOffsets2D(3)(keras.Input((6, 6, 1)))
        image = keras.Input((6, 6, 1))
        encoder = keras.Model(image, MaxPoolingWithOffsets2D(3)(image))
        handed_on = keras.layers.Identity()(keras.ops.cast(offsets, "int32"))
        for of_values, of_offsets in ((values, offsets), (values, handed_on), encoder(keras.Input((6, 6, 1)))):
            with pytest.raises(ValueError, match=r"pool_size=\(2, 2\). Received: offsets of pool_size=\(3, 3\)"):
                kind(2)(*([of_offsets] if kind is IndexUnpooling2D else [of_values, of_offsets]))


def test_values_and_offsets_swapped(rng):
    values, offsets = MaxPoolingWithOffsets2D(2)(rng.normal(size=(1, 4, 4, 3)).astype("float32"))
    with pytest.raises(ValueError, match="needs integer `offsets`"):
        MaxUnpooling2D(2)(offsets, values)


@pytest.mark.parametrize("pool_size", [2, (3, 2)])
@pytest.mark.parametrize("with_batch", [False, True])
def test_indices_of_tensorflow(pool_size, with_batch, rng):
    tf = pytest.importorskip("tensorflow")
    x = rng.normal(size=(3, 6, 8, 5)).astype("float32")
    _, argmax = tf.nn.max_pool_with_argmax(x, pool_size, pool_size, "VALID", include_batch_in_index=with_batch)
    _, offsets = MaxPoolingWithOffsets2D(pool_size)(x)
    converted = offsets_from_tensorflow(argmax.numpy(), 6, 8, pool_size)
    assert keras.backend.standardize_dtype(converted.dtype) == "uint8"
    np.testing.assert_array_equal(convert_to_numpy(converted), convert_to_numpy(offsets))


@pytest.mark.parametrize("pool_size", [2, (3, 2)])
def test_indices_of_pytorch(pool_size, rng):
    torch = pytest.importorskip("torch")
    x = rng.normal(size=(3, 6, 8, 5)).astype("float32")
    _, indices = torch.nn.functional.max_pool2d(torch.tensor(x.transpose(0, 3, 1, 2)), pool_size, return_indices=True)
    _, offsets = MaxPoolingWithOffsets2D(pool_size)(x)
    converted = offsets_from_pytorch(indices.numpy(), 8, pool_size)
    assert keras.backend.standardize_dtype(converted.dtype) == "uint8"
    np.testing.assert_array_equal(convert_to_numpy(converted), convert_to_numpy(offsets))


def test_refuses_windows_whose_offsets_do_not_fit_into_a_byte():
    places = np.zeros((1, 1, 1, 1), "int64")
    for convert in (
        lambda: offsets_from_tensorflow(places, 17, 17, 17),
        lambda: offsets_from_pytorch(places, 17, (17, 16)),
    ):
        with pytest.raises(ValueError, match=r"`pool_size` must be .* with at most 256 places"):
            convert()


def test_refuses_indices_that_count_no_places():
    right = np.array([[[[0]]], [[[4]]]])  # of two images of 2 x 2 with one channel
    np.testing.assert_array_equal(convert_to_numpy(offsets_from_tensorflow(right, 2, 2)), np.zeros((2, 1, 1, 1)))
    for wrong in (right - 1, right + [[[[0]]], [[[4]]]], right[:1] + 4):
        with pytest.raises(ValueError, match="Each index must lie in its own window"):
            offsets_from_tensorflow(wrong, 2, 2)
    for convert in (lambda x: offsets_from_tensorflow(x, 2, 2), lambda x: offsets_from_pytorch(x, 2)):
        for wrong in (right + 0.9, right[0], right > 0):
            with pytest.raises(ValueError, match=r"must hold integers and have 4 axes\. Received: (float|int|bool)"):
                convert(wrong)
    with pytest.raises(ValueError, match="`width` must be a positive integer"):
        offsets_from_pytorch(right, 0)
    with pytest.raises(ValueError, match="`height` must be a positive integer"):
        offsets_from_tensorflow(right, 0, 2)
    side = np.int64(2)
    np.testing.assert_array_equal(convert_to_numpy(offsets_from_tensorflow(right, side, side)), np.zeros((2, 1, 1, 1)))
    np.testing.assert_array_equal(convert_to_numpy(offsets_from_pytorch(right[:1].astype("uint8"), 2)), [[[[0]]]])


def test_refuses_indices_of_another_width():
    with pytest.raises(ValueError, match="Each index must lie in its own window"):
        offsets_from_pytorch(np.array([[[[0, 3], [9, 10]]]]), width=5)
