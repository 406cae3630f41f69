import numpy as np
import pytest
from keras.layers import InputLayer
from keras.ops import convert_to_numpy

from zoo.layers import DenseWindow2D, NearestUnpooling2D, SlidingWindow2D
from zoo.models import build, build_for_training


@pytest.mark.parametrize("options", [{}, {"stride": 2}, {"stride": 8}, {"window": 33, "filters": (4, 5)}])
def test_training_twin_gives_the_same_logits(options, randomize, rng):
    model, twin = (
        builder("sliding_window", image_shape=(32, 48, 3), **options) for builder in (build, build_for_training)
    )
    randomize(model)
    twin.set_weights(model.get_weights())
    images = rng.uniform(size=(1, 32, 48, 3)).astype("float32")
    logits = convert_to_numpy(model(images))
    np.testing.assert_allclose(convert_to_numpy(twin(images)), logits, rtol=1e-3, atol=1e-3 * logits.std())


def test_twins_differ_in_the_layer_alone():
    model, twin = (builder("sliding_window") for builder in (build, build_for_training))
    assert [type(layer) for layer in model.layers] == [InputLayer, SlidingWindow2D, NearestUnpooling2D]
    assert [type(layer) for layer in twin.layers] == [InputLayer, DenseWindow2D, NearestUnpooling2D]


@pytest.mark.parametrize("stride", [2, 4])
def test_each_block_has_one_decision(stride, rng):
    model = build("sliding_window", image_shape=(16, 24, 3), stride=stride)
    logits = convert_to_numpy(model(rng.uniform(size=(1, 16, 24, 3)).astype("float32")))
    corners = logits[:, ::stride, ::stride]
    np.testing.assert_array_equal(logits, corners.repeat(stride, 1).repeat(stride, 2))
    assert len(np.unique(corners[..., 0])) == corners[..., 0].size  # and no two blocks the same


def test_every_pixel_of_a_patch_counts(randomize, rng):
    classifier = build("sliding_window").layers[1].classifier
    randomize(classifier)
    patch = rng.uniform(size=(1, 32, 32, 3)).astype("float32")
    logits = convert_to_numpy(classifier(patch))
    for edge in (np.s_[:, 0], np.s_[:, -1], np.s_[:, :, 0], np.s_[:, :, -1]):
        altered = patch.copy()
        altered[edge] = 1 - altered[edge]
        assert not np.allclose(convert_to_numpy(classifier(altered)), logits)
