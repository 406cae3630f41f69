import keras
import numpy as np
import pytest
from PIL import Image

import zoo
from zoo import prediction


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
    np.testing.assert_array_equal(prediction.read_image(grey), expected)
    np.testing.assert_array_equal(prediction.read_image(grey[..., None]), expected)


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
