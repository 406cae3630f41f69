import keras
import numpy as np
import pytest
from keras import layers
from keras.ops import convert_to_numpy

from zoo.layers import DenseWindow2D, SlidingWindow2D


def small_classifier():
    return keras.Sequential([layers.Conv2D(4, 3, activation="relu"), layers.Flatten(), layers.Dense(3)])


@pytest.mark.parametrize(("window", "stride"), [(8, 1), (9, 1), (8, 2), (9, 2), (8, 3), (9, 3), (9, 9), (8, 8), (1, 1)])
def test_equals_a_loop_that_cuts_each_patch(window, stride, rng):
    """The patch of block (i, j) is centred on it: it starts half a window before the block's middle."""
    images = rng.uniform(size=(2, 2 * stride, 3 * stride, 3)).astype("float32")
    padded = np.pad(images, ((0, 0), (window, window), (window, window), (0, 0)))
    classifier = keras.Sequential([layers.Flatten(), layers.Dense(3)])
    logits = convert_to_numpy(SlidingWindow2D(classifier, window, stride)(images))
    assert logits.shape == (2, 2, 3, 3)
    for i, j in np.ndindex(2, 3):
        row, column = (k * stride + stride // 2 - window // 2 + window for k in (i, j))
        patches = padded[:, row : row + window, column : column + window]
        np.testing.assert_allclose(logits[:, i, j], convert_to_numpy(classifier(patches)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", [SlidingWindow2D, DenseWindow2D])
def test_hands_training_to_the_classifier(kind):
    classifier = keras.Sequential([layers.Flatten(), layers.Dropout(0.5), layers.Dense(3)])
    layer, images = kind(classifier, 4), np.ones((1, 4, 4, 1), "float32")
    inference = convert_to_numpy(layer(images, training=False))
    np.testing.assert_array_equal(inference, convert_to_numpy(layer(images)))
    assert (inference != convert_to_numpy(layer(images, training=True))).any()


def test_trains_the_classifier_s_weights():
    sliding = SlidingWindow2D(small_classifier(), 8, 2)
    sliding.build((None, None, None, 3))
    assert [w.shape for w in sliding.trainable_weights] == [(3, 3, 3, 4), (4,), (6 * 6 * 4, 3), (3,)]


@pytest.mark.parametrize("kind", [SlidingWindow2D, DenseWindow2D])
class TestErrors:
    """Both window layers refuse the same."""

    @pytest.mark.parametrize("window", [0, -1, 2.5, True, "8", None, (8, 8)])
    def test_window(self, kind, window):
        with pytest.raises(ValueError, match=r"`window` must be a positive integer. Received: window="):
            kind(small_classifier(), window)

    @pytest.mark.parametrize("stride", [0, -1, 2.5, True, "4", None])
    def test_stride(self, kind, stride):
        with pytest.raises(ValueError, match=r"`stride` must be a positive integer. Received: stride="):
            kind(small_classifier(), 8, stride)

    @pytest.mark.parametrize("classifier", [None, lambda patches: patches, "cnn", keras.layers.Dense])
    def test_classifier_that_is_no_layer(self, kind, classifier):
        with pytest.raises(ValueError, match=r"`classifier` must be .*Received: "):
            kind(classifier, 8)

    def test_stride_that_skips_pixels(self, kind):
        with pytest.raises(ValueError, match=r"`stride` must not exceed `window`. Received: stride=9, window=8"):
            kind(small_classifier(), window=8, stride=9)

    def test_channels_first(self, kind):
        convolution = layers.Conv2D(4, 3, data_format="channels_first")
        with pytest.raises(ValueError, match=r"must be channels_last|may hold Conv2D .*channels.first"):
            kind(keras.Sequential([convolution, layers.Flatten(), layers.Dense(3)]), 8)

    def test_logits_that_are_maps(self, kind):
        with pytest.raises(ValueError, match=r"`classifier` must return logits of shape \(n, k\). Received: \(None, 6"):
            kind(keras.Sequential([layers.Conv2D(4, 3)]), 8)(np.zeros((1, 8, 8, 3), "float32"))

    def test_rank(self, kind):
        with pytest.raises(ValueError, match="expected ndim=4, found ndim=3"):
            kind(small_classifier(), 8)(np.zeros((8, 8, 3), "float32"))

    @pytest.mark.parametrize("shape", [(1, 10, 8, 3), (1, 8, 10, 3), (None, 10, None, 3)])
    def test_sides_that_are_no_multiples(self, kind, shape):
        with pytest.raises(ValueError, match=r"height and a width that are multiples of \(4, 4\)"):
            kind(small_classifier(), 8, 4)(keras.Input(batch_shape=shape))


def test_refuses_channels_first_within_a_wrapper_or_an_operation():
    convolution = keras.layers.Conv2D(4, 3, data_format="channels_first")
    wrapped = keras.layers.SpectralNormalization(convolution)
    image = keras.Input((8, 8, 3))
    pooled = keras.layers.Flatten()(keras.ops.max_pool(image, 2, data_format="channels_first"))
    for classifier in (
        keras.Sequential([wrapped, keras.layers.Flatten(), keras.layers.Dense(3)]),
        keras.Model(image, keras.layers.Dense(3)(pooled)),
    ):
        with pytest.raises(ValueError, match="`classifier` must be channels_last"):
            SlidingWindow2D(classifier, 8)
