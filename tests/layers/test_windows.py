"""What all layers with a `pool_size` share: which windows they refuse, and how they take maps apart."""

import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy, convert_to_tensor

from zoo.layers import BedOfNails2D, IndexUnpooling2D, MaxPoolingWithOffsets2D, MaxUnpooling2D, NearestUnpooling2D
from zoo.layers.windows import arrange_windows, pick_at_offsets, put_at_offsets, split_windows

LAYERS = (BedOfNails2D, IndexUnpooling2D, MaxPoolingWithOffsets2D, MaxUnpooling2D, NearestUnpooling2D)


@pytest.mark.parametrize("pool_size", [0, -1, 2.5, True, "2", None, (2,), (2, 3, 4), (2, 0), (2, True)])
@pytest.mark.parametrize("layer", LAYERS)
def test_refuses_pool_size(layer, pool_size):
    with pytest.raises(ValueError, match=r"`pool_size` must be .* Received: pool_size="):
        layer(pool_size)


@pytest.mark.parametrize("pool_size", [(1, 257), (17, 17), 17])
@pytest.mark.parametrize("layer", LAYERS)
def test_only_an_offset_must_fit_into_a_byte(layer, pool_size):
    if layer in (BedOfNails2D, NearestUnpooling2D):
        grown = convert_to_numpy(layer(pool_size)(np.ones((1, 1, 1, 1), "float32")))
        places = layer(pool_size).pool_size
        assert grown.shape == (1, *places, 1)
        assert grown.sum() == (1 if layer is BedOfNails2D else places[0] * places[1])
    else:
        with pytest.raises(ValueError, match=r"`pool_size` must be .*, with at most 256 places in a window"):
            layer(pool_size)


@pytest.mark.parametrize("pool_size", [1, 16, (2, 3), [3, 2], (1, 256)])
@pytest.mark.parametrize("layer", LAYERS)
def test_accepts_up_to_256_places(layer, pool_size):
    rows, columns = layer(pool_size).pool_size
    assert [rows, columns] == (list(pool_size) if isinstance(pool_size, tuple | list) else [pool_size] * 2)


@pytest.mark.parametrize("shape", [(4, 4, 3), (1, 1, 4, 4, 3)])
@pytest.mark.parametrize("layer", LAYERS)
def test_refuses_inputs_of_other_rank(layer, shape):
    inputs = [np.zeros(shape, "float32")] * (2 if layer is MaxUnpooling2D else 1)
    with pytest.raises(ValueError, match="expected ndim=4, found ndim="):
        layer(2)(*inputs)


def test_split_takes_each_place_of_a_window(rng):
    x = rng.normal(size=(2, 4, 9, 5))
    places = split_windows(convert_to_tensor(x, "float64" if keras.backend.backend() != "jax" else "float32"), (2, 3))
    assert len(places) == 2 * 3
    for place, values in enumerate(places):
        row, column = divmod(place, 3)
        np.testing.assert_allclose(convert_to_numpy(values), x[:, row::2, column::3], rtol=1e-6)


@pytest.mark.parametrize("pool_size", [(1, 1), (2, 2), (3, 1), (2, 5)])
def test_arrange_is_the_inverse_of_split(pool_size, rng):
    x = rng.normal(size=(2, 6, 10, 3)).astype("float32")
    restored = arrange_windows(split_windows(convert_to_tensor(x), pool_size), pool_size)
    np.testing.assert_array_equal(convert_to_numpy(restored), x)


def test_put_at_offsets_by_a_loop(rng):
    values = rng.normal(size=(2, 3, 4, 5)).astype("float32")
    offsets = rng.integers(0, 2 * 3, values.shape).astype("uint8")
    expected = np.zeros((2, 3 * 2, 4 * 3, 5), "float32")
    for b, i, j, c in np.ndindex(values.shape):
        row, column = divmod(int(offsets[b, i, j, c]), 3)
        expected[b, i * 2 + row, j * 3 + column, c] = values[b, i, j, c]
    put = put_at_offsets(convert_to_tensor(values), convert_to_tensor(offsets), (2, 3))
    np.testing.assert_array_equal(convert_to_numpy(put), expected)


def test_pick_undoes_put(rng):
    values = rng.normal(size=(2, 3, 4, 5)).astype("float32")
    offsets = convert_to_tensor(rng.integers(0, 2 * 3, values.shape).astype("uint8"))
    put = put_at_offsets(convert_to_tensor(values), offsets, (2, 3))
    np.testing.assert_array_equal(convert_to_numpy(pick_at_offsets(put, offsets, (2, 3))), values)
    outside = convert_to_tensor(np.full(values.shape, 6, "uint8"))
    assert not convert_to_numpy(pick_at_offsets(put, outside, (2, 3))).any()
