import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import zoo
from zoo import data, evaluation, prediction, resizing

ROOT = pathlib.Path(__file__).parents[1]


@pytest.fixture(scope="module")
def by_colour():
    """A model that needs no training: its classes are red, green and blue, whichever is strongest."""
    return keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Identity()])


@pytest.fixture
def halves():
    """A photo of 60 x 100: red to the left, blue to the right."""
    photo = np.zeros((60, 100, 3), "uint8")
    photo[:, :50, 0] = photo[:, 50:, 2] = 255
    return photo


def is_red_then_blue(classes):
    return (classes[:, :45] == 0).all() and (classes[:, 55:] == 2).all()


def test_classes_come_at_the_photos_own_size(by_colour, halves):
    classes = zoo.predict(by_colour, halves)
    assert classes.shape == (60, 100)
    assert classes.dtype == np.uint8
    assert is_red_then_blue(classes)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "palette.png", "alpha.png", "a.webp"])
def test_files_of_all_kinds(by_colour, halves, tmp_path, name):
    image = Image.fromarray(halves)
    image = {"palette.png": image.quantize(4), "alpha.png": image.convert("RGBA")}.get(name, image)
    image.save(tmp_path / name)
    assert is_red_then_blue(zoo.predict(by_colour, tmp_path / name))
    assert is_red_then_blue(zoo.predict(by_colour, str(tmp_path / name)))


def test_orientation_is_heeded(by_colour, halves, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show the picture rotated by 90 degrees clockwise
    Image.fromarray(np.rot90(halves)).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    assert is_red_then_blue(zoo.predict(by_colour, tmp_path / "turned.jpg"))


@pytest.mark.parametrize(
    "change",
    [
        lambda photo: photo / 255,
        lambda photo: (photo / 255).astype("float16"),
        lambda photo: np.dstack([photo, np.full((60, 100), 9, "uint8")]),
        np.asfortranarray,
    ],
    ids=["float64", "float16", "alpha", "fortran"],
)
def test_arrays_of_all_kinds(by_colour, halves, change):
    assert is_red_then_blue(zoo.predict(by_colour, change(halves)))


def test_grey_pictures_are_read_as_three_equal_channels():
    grey = np.arange(12, dtype="uint8").reshape(3, 4)
    expected = np.stack([grey] * 3, -1).astype("float32")
    np.testing.assert_array_equal(data.read_image(grey), expected)
    np.testing.assert_array_equal(data.read_image(grey[..., None]), expected)


@pytest.mark.parametrize("size", [(1, 500), (500, 1), (1, 1), (3, 2)])
def test_tiny_and_narrow(by_colour, size):
    assert (zoo.predict(by_colour, np.full((*size, 3), [0, 9, 0], "uint8")) == 1).all()


@pytest.mark.slow
def test_fifty_megapixels(by_colour):
    photo = np.zeros((5000, 10000, 3), "uint8")
    photo[:, :5000, 0] = photo[:, 5000:, 2] = 255
    classes = zoo.predict(by_colour, photo)
    assert classes.shape == (5000, 10000)
    assert (classes[::100, :4500] == 0).all()
    assert (classes[::100, 5500:] == 2).all()


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4, 2), "uint8"),
        np.zeros(4, "uint8"),
        np.zeros((0, 4, 3), "uint8"),
        np.full((4, 4, 3), 255.0),
        np.full((4, 4, 3), np.nan),
        np.zeros((4, 4, 3), "int64"),
    ],
    ids=["two channels", "flat", "empty", "floats to 255", "not a number", "int64"],
)
def test_bad_arrays_are_refused(by_colour, image):
    with pytest.raises(ValueError, match="`image` "):
        zoo.predict(by_colour, image)


@pytest.mark.parametrize("name", ["photo.jpg", "photo.webp", "photo.gif"])
def test_a_truncated_file_is_refused(by_colour, tmp_path, rng, name):
    Image.fromarray(rng.integers(0, 256, (256, 256, 3), "uint8")).save(tmp_path / name)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:5000])
    with pytest.raises(OSError, match=name):
        zoo.predict(by_colour, tmp_path / name)


def test_a_broken_orientation_tag_is_refused(by_colour, halves, tmp_path):
    Image.fromarray(halves).save(tmp_path / "photo.png", exif=b"Exif\0\0II*\0")  # cut off within the header
    with pytest.raises(OSError, match=r"photo\.png"):
        zoo.predict(by_colour, tmp_path / "photo.png")


def test_a_broken_file_is_refused(by_colour, tmp_path, rng):
    Image.fromarray(rng.integers(0, 256, (256, 256, 3), "uint8")).save(tmp_path / "photo.png")
    start, _, end = (tmp_path / "photo.png").read_bytes().rpartition(b"IDAT")  # of several pieces, the last
    (tmp_path / "photo.png").write_bytes(start + b"\x00\x00\x00\x00" + end)
    with pytest.raises(OSError, match=r"photo\.png"):
        zoo.predict(by_colour, tmp_path / "photo.png")


def test_a_model_of_any_size_is_refused():
    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Identity()])
    with pytest.raises(ValueError, match="`model` needs a fixed"):
        zoo.predict(model, np.zeros((4, 4, 3), "uint8"))


SIZES = [(300, 401), (60, 100), (1, 500), (500, 1), (3, 2), (96, 160), (700, 900)]


@pytest.mark.parametrize("size", SIZES)
def test_photos_are_squeezed_as_the_training_does_it(size, rng):
    photo = rng.integers(0, 256, (*size, 3), "uint8")
    expected = np.round(tf.image.resize(photo, (96, 160), antialias=True)) / 255
    squeezed = prediction.squeeze(photo, (96, 160, 3))
    wrong = abs(squeezed - expected) > 1e-6
    assert abs(squeezed - expected).max() < 1.01 / 255  # where a value lies between two, either may win
    assert wrong.mean() < 0.01
    assert abs(prediction.squeeze(photo / 255, (96, 160, 3)) - expected).max() < 1.01 / 255


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", [3, 21])
def test_logits_are_enlarged_as_tensorflow_does_it(size, count, rng):
    logits = rng.normal(size=(96, 160, count)).astype("float32")
    expected = tf.image.resize(logits, size).numpy().argmax(-1)
    assert (prediction.enlarge(logits, size) != expected).mean() < 1e-4


def test_grey_is_what_pillow_calls_so(rng):
    photo = rng.integers(0, 256, (32, 32, 3), "uint8")
    expected = np.asarray(Image.fromarray(photo).convert("L"))[..., None] / 255
    assert abs(prediction.squeeze(photo, (32, 32, 1)) - expected).max() <= 1 / 255


def constant_model(*logits):
    """A model that answers every pixel of every photo alike."""
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(len(logits), 1)])
    model.set_weights([np.zeros((1, 1, 3, len(logits))), np.array(logits)])
    return model


def test_one_logit_decides_between_two_classes():
    photo = np.zeros((9, 20, 3), "uint8")
    assert (zoo.predict(constant_model(0.1), photo) == 1).all()
    assert (zoo.predict(constant_model(-0.1), photo) == 0).all()


def test_more_classes_than_a_byte_counts():
    classes = zoo.predict(constant_model(*np.eye(300)[299]), np.zeros((9, 20, 3), "uint8"))
    assert (classes == 299).all()
    assert classes.dtype == np.uint16


def test_a_model_that_has_diverged_is_refused(rng):
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(3, 1)])
    model.layers[0].bias.assign([0, np.nan, 0])
    with pytest.raises(ValueError, match="`model` must give finite logits"):
        zoo.predict(model, rng.random((5, 5, 3)))
    with pytest.raises(ValueError, match="`model` must give finite logits"):
        evaluation.evaluate(model, "synthetic_pets", ways=("at_network_size",))


@pytest.mark.parametrize("outputs", [2, 0])
def test_models_with_other_outputs_are_refused(outputs):
    image = keras.Input((8, 8, 3))
    maps = [keras.layers.Conv2D(3, 1)(image) for _ in range(outputs)] or keras.layers.GlobalMaxPooling2D()(image)
    with pytest.raises(ValueError, match=r"`model` must take images .* alone, and give logits"):
        zoo.predict(keras.Model(image, maps), np.zeros((4, 4, 3), "uint8"))


def nested(*layers):
    """A model within a model within a model, of an image (8, 8, 3)."""
    image, outer = keras.Input((8, 8, 3)), keras.Input((8, 8, 3))
    inner = keras.Model(image, keras.Sequential(layers)(image))
    return keras.Model(outer, inner(outer))


Conv2D, Activation, Softmax = keras.layers.Conv2D, keras.layers.Activation, keras.layers.Softmax


@pytest.mark.parametrize(
    ("layers", "found"),
    [
        ([Conv2D(1, 1, activation="sigmoid")], "sigmoid"),
        ([Conv2D(1, 1), Activation("sigmoid")], "sigmoid"),
        ([Conv2D(1, 1), Activation(keras.ops.sigmoid)], "sigmoid"),
        ([Conv2D(3, 1, activation="softmax")], "softmax"),
        ([Conv2D(3, 1), Softmax()], "softmax"),
        ([Conv2D(3, 1, activation="sigmoid")], "sigmoid"),
        ([Conv2D(1, 1, activation="sigmoid"), Activation("linear", dtype="float32")], "sigmoid"),
        ([Conv2D(1, 1, activation=keras.ops.hard_sigmoid)], "hardsigmoid"),
        ([Conv2D(1, 1, activation="hard_sigmoid"), keras.layers.UpSampling2D(2)], "hardsigmoid"),
        ([Conv2D(1, 1, activation="sigmoid"), keras.layers.ZeroPadding2D(2), keras.layers.Cropping2D(2)], "sigmoid"),
        ([Conv2D(3, 1), Softmax(), keras.layers.Identity(), keras.layers.Dropout(0.5)], "softmax"),
        ([Conv2D(1, 1, activation="sigmoid"), zoo.layers.NearestUnpooling2D(2)], "sigmoid"),
        ([Conv2D(1, 1, activation="sigmoid"), keras.layers.Permute((2, 1, 3)), keras.layers.Resizing(8, 8)], "sigmoid"),
        ([Conv2D(1, 1, activation="softplus"), keras.layers.GaussianNoise(0.1)], "softplus"),
        ([keras.layers.SpectralNormalization(Conv2D(1, 1, activation="sigmoid"))], "sigmoid"),
        ([Conv2D(1, 1, activation="sigmoid"), keras.Sequential([keras.layers.UpSampling2D(2)])], "sigmoid"),
        ([Conv2D(3, 1), Softmax(), keras.Sequential([keras.layers.Dropout(0.5)])], "softmax"),
        ([Conv2D(3, 1), Softmax(), keras.layers.Reshape((4, 16, 3)), keras.layers.AveragePooling2D(2)], "softmax"),
        (
            [
                zoo.layers.SlidingWindow2D(
                    keras.Sequential(
                        [
                            keras.Input((3, 3, 3)),
                            keras.layers.Flatten(),
                            keras.layers.Dense(1, activation="sigmoid"),
                        ]
                    ),
                    3,
                )
            ],
            "sigmoid",
        ),
        *([([Conv2D(3, 1, activation="sparsemax")], "sparsemax")] if hasattr(keras.activations, "sparsemax") else []),
    ],
)
def test_models_that_give_no_logits_are_refused_where_these_are_needed(layers, found):
    photo = np.zeros((4, 4, 3), "uint8")
    for model in (keras.Sequential([keras.Input((8, 8, 3)), *layers]), nested(*layers)):
        with pytest.raises(ValueError, match=f"`model` must give logits, .*Received: the outputs of a {found}"):
            zoo.predict(model, photo, probabilities=True)
        if model.output_shape[-1] == 1:
            with pytest.raises(ValueError, match="`model` must give logits"):
                zoo.predict(model, photo)
            with pytest.raises(ValueError, match="`model` must give logits"):
                resizing.resize(model, None)  # as exports do
        else:  # the largest wins, with and without
            assert zoo.predict(model, photo).shape == (4, 4)


def test_shares_that_are_cut_joined_or_averaged_are_no_logits():
    image = keras.Input((8, 8, 3))
    shares = Conv2D(2, 1, activation="softmax")(image)
    sigmoids = [Conv2D(1, 1, activation="sigmoid")(image) for _ in range(2)]
    average = sigmoids[0]
    for _ in range(60):  # in which there are 2^60 ways back
        average = keras.layers.Average()([average, average])
    (before, total), ops = sigmoids, keras.ops
    for _ in range(60):
        before, total = total, before + total  # in which there are as many ways back as Fibonacci counts
    outputs = [shares[..., 1:], keras.layers.Average()(sigmoids), keras.layers.Maximum()(sigmoids), average, total]
    outputs += [sum(sigmoids[1:], sigmoids[0]), keras.layers.Add()(sigmoids), ops.mean(ops.stack(sigmoids), 0)]
    outputs += [ops.flip(sigmoids[0], 2), ops.repeat(sigmoids[0], 2, 1), ops.max_pool(sigmoids[0], 2)]
    outputs += [ops.squeeze(ops.expand_dims(sigmoids[0], 1), 1), ops.pad(sigmoids[0], [[0, 0], [1, 1], [0, 0], [0, 0]])]
    outputs += [Activation(Activation("sigmoid"))(image[..., :1]), keras.layers.AlphaDropout(0.1)(sigmoids[0])]
    for output in outputs:
        with pytest.raises(ValueError, match="`model` must give logits"):
            zoo.predict(keras.Model(image, output), np.zeros((4, 4, 3), "uint8"))
    both = keras.ops.concatenate([1 - sigmoids[0], sigmoids[0]], -1)
    with pytest.raises(ValueError, match="`model` must give logits"):
        zoo.predict(keras.Model(image, both), np.zeros((4, 4, 3), "uint8"), probabilities=True)


def test_what_a_model_multiplies_again_are_logits():
    image = keras.Input((8, 8, 3))
    gate, plain = Conv2D(1, 1, activation="sigmoid"), Conv2D(1, 1)
    for last in (Conv2D(1, 1), keras.layers.Rescaling(2.0), lambda x: x - 0.5, lambda x: x * plain(image)):
        model = keras.Model(image, keras.layers.Identity()(last(gate(image))))
        assert zoo.predict(model, np.zeros((4, 4, 3), "uint8")).shape == (4, 4)


@pytest.mark.parametrize("pack", [lambda logits: {"logits": logits}, lambda logits: [logits]])
def test_a_model_whose_output_is_packed_is_refused(pack):
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, pack(Conv2D(3, 1)(image)))
    with pytest.raises(ValueError, match=r"`model` must take images .* alone"):
        zoo.predict(model, np.zeros((4, 4, 3), "uint8"))


def test_a_model_that_gives_classes_and_no_logits_is_refused():
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, keras.ops.argmax(Conv2D(3, 1)(image), -1, keepdims=True))
    with pytest.raises(ValueError, match=r"must take and give floating point\. Received: float32 and int32"):
        zoo.predict(model, np.zeros((4, 4, 3), "uint8"))


class Subclassed(keras.Model):
    """A model that is no graph."""

    def __init__(self):
        super().__init__()
        self.convolution = Conv2D(3, 1)

    def call(self, image):
        return self.convolution(image)


def test_the_end_of_a_model_is_that_of_its_own_output():
    image, photo = keras.Input((8, 8, 3)), np.zeros((4, 4, 3), "uint8")
    two = keras.Model(image, [Conv2D(3, 1, activation="softmax")(image), Conv2D(3, 1)(image)])
    outer = keras.Input((8, 8, 3))
    for model in (keras.Model(outer, two(outer)[1]), keras.Model(image, Subclassed()(image))):
        assert zoo.predict(model, photo, probabilities=True).shape == (4, 4, 3)


def test_models_that_take_integers_are_refused():
    layers = [keras.layers.Rescaling(1 / 255), keras.layers.Conv2D(3, 1)]
    model = keras.Sequential([keras.Input((8, 8, 3), dtype="uint8"), *layers])
    with pytest.raises(ValueError, match=r"`model` must take and give floating point. Received: uint8"):
        zoo.predict(model, np.zeros((4, 4, 3), "uint8"))


@pytest.mark.slow
@pytest.mark.skipif(not pathlib.Path("/proc/self/clear_refs").exists(), reason="the system does not tell the peak")
def test_many_classes_of_a_large_photo_stay_within_half_a_gigabyte():
    code = (
        "import numpy as np; from zoo import fresh, prediction;"
        "logits = np.random.default_rng(0).random((128, 128, 150), 'float32');"
        "print(fresh.peak_growth(lambda: lambda: prediction.enlarge(logits, (1500, 2000))) / 1e9)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert float(run.stdout) < 0.5, run.stderr  # where all logits at once would take 1.8


@pytest.mark.slow
def test_photos_of_many_sizes_compile_nothing_on_jax(run_python):
    pytest.importorskip("jax", reason="JAX is not installed (extra `backends`)")
    code = (
        "import keras, numpy as np, logging, zoo, jax; jax.config.update('jax_log_compiles', True);"
        "seen = []; handler = logging.Handler(); handler.emit = seen.append;"
        "logging.getLogger('jax').addHandler(handler);"
        "model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Identity()]);"
        "ask = lambda side: zoo.predict(model, np.zeros((side, 50, 3), 'uint8'));"
        "ask(40); first = len(seen); [ask(side) for side in range(41, 50)];"
        "assert 0 < first == len(seen), (first, len(seen))"
    )
    run_python("jax", "-c", code)
