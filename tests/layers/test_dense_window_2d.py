import keras
import numpy as np
import pytest
from keras import layers
from keras.ops import convert_to_numpy

from zoo.layers import DenseWindow2D, SlidingWindow2D
from zoo.layers.dense_window_2d import ACTIVATIONS


def assert_equals_sliding(classifier, window, stride, randomize, rng, image_shape=(1, 24, 48, 3)):
    images = rng.uniform(size=image_shape).astype("float32")
    sliding = SlidingWindow2D(classifier, window, stride)
    sliding.build(images.shape)
    randomize(classifier)
    dense = DenseWindow2D(classifier, window, stride)
    expected = convert_to_numpy(sliding(images))
    assert expected.std() > 0.1  # comparing zeros would prove nothing
    np.testing.assert_allclose(convert_to_numpy(dense(images)), expected, rtol=1e-3, atol=1e-3 * expected.std())


@pytest.mark.parametrize("stride", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("window", [32, 33])
def test_equals_sliding_window(window, stride, randomize, rng):
    classifier = keras.Sequential()
    for filters in (4, 5):
        classifier.add(layers.Conv2D(filters, 3, use_bias=False))
        classifier.add(layers.BatchNormalization())
        classifier.add(layers.ReLU())
        classifier.add(layers.MaxPooling2D(2))
    classifier.add(layers.Flatten())
    classifier.add(layers.Dense(3))
    assert_equals_sliding(classifier, window, stride, randomize, rng)


CLASSIFIERS = {
    "no convolution": lambda: [layers.Flatten(), layers.Dense(3)],
    "hidden Dense": lambda: [layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(5, "tanh"), layers.Dense(3)],
    "rectangular kernel": lambda: [layers.Conv2D(4, (1, 4), activation="relu"), layers.Flatten(), layers.Dense(3)],
    "pool 3, then 2": lambda: [layers.MaxPooling2D(3), layers.MaxPooling2D(2), layers.Flatten(), layers.Dense(3)],
    "pool 2, then 3": lambda: [
        *(layers.Conv2D(4, 2), layers.Activation("softplus"), layers.MaxPooling2D(2)),
        *(layers.Conv2D(4, 2), layers.MaxPooling2D(3), layers.Flatten(), layers.Dropout(0.5), layers.Dense(3)),
    ],
    "no Dense": lambda: [
        layers.Conv2D(4, 5, activation="tanh"),
        layers.MaxPooling2D(9),
        layers.Conv2D(3, 1),
        layers.Flatten(),
    ],
}


@pytest.mark.parametrize("stride", [1, 4, 6, 12])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_equals_sliding_window_of_other_classifiers(name, stride, randomize, rng):
    window = 13  # 13 - 5 + 1 = 9 is one pool of "no Dense"
    assert_equals_sliding(keras.Sequential(CLASSIFIERS[name]()), window, stride, randomize, rng, (2, 12, 24, 2))


@pytest.mark.parametrize(("outside", "inside"), [("mixed_bfloat16", "float32"), ("float32", "mixed_bfloat16")])
def test_refuses_a_classifier_of_another_precision(outside, inside):
    classifier = keras.Sequential([layers.Flatten(dtype=outside), layers.Dense(3, dtype=inside, name="decide")])
    with pytest.raises(ValueError, match=r"`classifier` must compute as this layer does.*decide.*computes in"):
        DenseWindow2D(classifier, 8, dtype=outside)


@pytest.mark.parametrize(
    "layer",
    [
        layers.Conv2D(4, 3, padding="same"),
        layers.Conv2D(4, 3, strides=2),
        layers.Conv2D(4, 3, dilation_rate=2),
        layers.Conv2D(4, 3, groups=2),
        layers.DepthwiseConv2D(3),
        layers.MaxPooling2D((2, 3)),
        layers.MaxPooling2D(3, strides=2),
        layers.MaxPooling2D(2, padding="same"),
        layers.AveragePooling2D(2),
        layers.GlobalAveragePooling2D(),
        layers.Dense(4),
        layers.BatchNormalization(axis=1),
        layers.Conv2D(4, 3, data_format="channels_first"),
        layers.Conv2D(4, 3, activity_regularizer="l2"),
        keras.Sequential([layers.ReLU()]),
    ],
    ids=lambda layer: layer.name,
)
def test_refuses_classifier(layer):
    with pytest.raises(ValueError, match=r"`classifier` may hold Conv2D \(valid, stride 1\)"):
        DenseWindow2D(keras.Sequential([layer, layers.Flatten(), layers.Dense(3)]), window=8)


@pytest.mark.skipif(not hasattr(keras.layers.Dense, "quantize"), reason="this Keras quantizes nothing")
def test_refuses_to_answer_once_it_is_quantized(rng):
    classifier = keras.Sequential([layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(3)])
    dense = DenseWindow2D(classifier, window=8, stride=4)
    images = rng.random((1, 16, 16, 3), "float32")
    dense(images)
    classifier.layers[-1].quantize("int8")
    with pytest.raises(ValueError, match="`classifier` must not be quantized"):
        dense(images)


def test_refuses_batch_normalization_of_features_without_places():
    head = [layers.Flatten(), layers.Dense(4), layers.BatchNormalization(), layers.Dense(3)]
    with pytest.raises(ValueError, match=r"BatchNormalization before it.*Received: BatchNormalization"):
        DenseWindow2D(keras.Sequential([layers.Conv2D(4, 3), *head]), window=8)


def test_refuses_other_models():
    images = keras.Input((8, 8, 3))
    model = keras.Model(images, layers.Dense(3)(layers.Flatten()(images)))
    for classifier in (model, layers.Dense(3)):
        with pytest.raises(ValueError, match=r"`classifier` must be a keras.Sequential. Received: <"):
            DenseWindow2D(classifier, window=8)


def test_refuses_more_than_one_decision_a_patch_when_it_is_built():
    classifier = keras.Sequential([layers.Conv2D(3, 3), layers.Flatten()])
    with pytest.raises(ValueError, match=r"one decision a patch.*Received: a map of 6 x 6"):
        DenseWindow2D(classifier, window=8)(keras.Input((16, 16, 3)))


def centre(x):
    return x - keras.ops.mean(x, axis=-1, keepdims=True)


class Loud(layers.ReLU):
    """A subclass that does more than its class."""

    def call(self, x):
        return super().call(x) * 2


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (lambda: layers.Activation("softmax"), "softmax"),
        (lambda: layers.Activation("log_softmax"), "log_softmax"),
        (lambda: layers.Activation("sparsemax"), "sparsemax"),
        (lambda: layers.Activation("glu"), "glu"),
        (lambda: layers.Activation(centre), "centre"),
        (lambda: layers.Conv2D(4, 3, activation="softmax"), "softmax"),
        (lambda: layers.Conv2D(4, 3, activation=centre), "centre"),
        (lambda: layers.Conv2D(4, 3, activation=layers.PReLU()), "PReLU"),
        (lambda: layers.Softmax(), "Softmax"),
        (lambda: layers.PReLU(), "PReLU"),
        (lambda: layers.LayerNormalization(), "LayerNormalization"),
        (lambda: layers.UnitNormalization(), "UnitNormalization"),
        (lambda: layers.GroupNormalization(2), "GroupNormalization"),
        (lambda: layers.Lambda(centre), "Lambda"),
        (lambda: Loud(), "Loud"),
        (lambda: layers.Dropout(0.5, noise_shape=(None, 1, 1, 4)), "Dropout"),
    ],
)
def test_refuses_what_is_not_known_to_be_pointwise(layer, name):
    for classifier in (
        [layer(), layers.Flatten(), layers.Dense(3)],
        [layers.Flatten(), layer(), layers.Dense(3)],
    ):
        with pytest.raises(ValueError, match=rf"`classifier` may hold .*Received: .*{name}"):
            DenseWindow2D(keras.Sequential(classifier), window=8)


@pytest.mark.parametrize(
    "name", [known.__name__ for known in ACTIVATIONS if known is not keras.activations.exponential]
)
def test_equals_sliding_window_with_every_activation(name, randomize, rng):
    head = [layers.Conv2D(4, 3, activation=name), layers.Flatten(), layers.Dense(5, name), layers.Dense(3)]
    assert_equals_sliding(keras.Sequential(head), 5, 4, randomize, rng, (1, 8, 8, 2))
