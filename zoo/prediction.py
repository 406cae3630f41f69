"""From a photo of any size to a class for every pixel."""

import os
from collections.abc import Iterator, Sequence

import keras
import numpy as np
from PIL import Image
from scipy import special

from zoo.data.modes import GREY, strips
from zoo.data.pictures import read_image
from zoo.logits import check_model


def predict(
    model: keras.Model, image: str | os.PathLike | Image.Image | np.ndarray, probabilities: bool = False
) -> np.ndarray:
    """Gives every pixel of a photo its class.

    The photo is squeezed to the size that the model was trained at, and the logits are enlarged
    to the photo's own size: the models have learned whole pets, not tiles of fur.

    Args:
        model: Keras model from images (b, h, w, 3) in [0, 1], or (b, h, w, 1) in grey, with a fixed height and
            width, to logits (b, h, w, classes). A single logit is for class 1, against class 0.
        image: path of a photo, `PIL.Image.Image`, or array of shape (h, w), (h, w, 1), (h, w, 3) or (h, w, 4),
            uint8 in [0, 255] or floating point in [0, 1]. Transparency is ignored, and an orientation tag
            (EXIF) is heeded; `zoo.data.read_image` tells all rules.
        probabilities: whether to give the probability of each class instead.

    Returns:
        NumPy array (h, w) of class numbers: for the saved models 0 pet, 1 background, 2 border. It is
        uint8, or uint16 if there are more than 256 classes. Or float32 (h, w, classes), probabilities
        that sum to 1; a single logit gives two, of class 0 and class 1.

    Raises:
        ValueError: if the array is none of these, or the model has no fixed size, or other inputs or outputs; if it
            ends in a sigmoid or softmax where logits are needed: for `probabilities`, or of a single channel; or if a
            logit is NaN or infinite.
        OSError: if the file is missing, no image, or a broken or huge one.
    """
    check_model(model, probabilities=probabilities)  # before the photo: what fails here is not its fault
    image = read_image(image)
    (logits,) = predict_logits(model, [image])
    if not probabilities:
        return enlarge(logits, image.shape[:2])
    shares = np.empty((*image.shape[:2], max(2, logits.shape[-1])), "float32")
    for rows, strip in enlarged_strips(logits, image.shape[:2]):
        shares[rows] = softmax(strip)
    return shares


def predict_logits(model: keras.Model, images: Sequence[np.ndarray]) -> np.ndarray:
    """The logits of photos, at the size of the model: NumPy array (n, h, w, classes), float32.

    Args:
        model: as for `predict`.
        images: list of arrays (h, w, 3), as `zoo.data.read_image` gives.
    """
    shape = check_model(model)
    logits = model.predict_on_batch(np.stack([squeeze(image, shape) for image in images]))
    return check_finite(np.asarray(logits, "float32"))


def images_at_once(height: int, width: int) -> int:
    """How many images of a network's size go through it together: fewer of large ones, which fill the memory."""
    return max(1, min(16, 16 * 256**2 // (height * width)))


def check_finite(logits: np.ndarray) -> np.ndarray:
    """Refuses logits of a model that has diverged: the class of NaN would be 0."""
    if not np.isfinite(logits).all():
        raise ValueError("`model` must give finite logits. Received: NaN or infinity; its training has diverged")
    return logits


def squeeze(image: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Squeezes a photo as the data pipeline does, with no aliasing, and rounds as it rounds; a strip at a time.

    Args:
        image: array (h, w, 3), as `zoo.data.read_image` gives.
        shape: (height, width, channels) of the result: RGB, or grey if there is one channel.

    Returns:
        NumPy array float32 of this shape, in [0, 1].
    """
    height, width, channels = shape
    small = np.empty((height, width, 3), "float32")
    for plane in range(3):
        narrow = np.empty((len(image), width), "float32")
        for rows in strips(*image.shape[:2]):
            narrow[rows] = resize(image[rows, :, plane], rows.stop - rows.start, width)
        small[..., plane] = resize(narrow, height, width)
    small = np.round(small if image.dtype == np.uint8 else 255 * small) / np.float32(255)
    return small if channels == 3 else small @ GREY[:, None]


def resize(plane: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes numbers (h, w) by a triangle as wide as a new pixel, to float32 (height, width)."""
    plane = Image.fromarray(np.ascontiguousarray(plane, "float32"))
    return np.asarray(plane.resize((width, height), Image.Resampling.BILINEAR))


def enlarge(logits: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The class of each pixel after logits have grown to another size, by bilinear interpolation.

    Args:
        logits: array (h, w, classes), or (h, w, 1) for class 1 against class 0.
        size: (height, width) to grow to.

    Returns:
        NumPy array of shape `size`: uint8, or uint16 if there are more than 256 classes.
    """
    classes = np.empty(size, "uint8" if logits.shape[2] <= 256 else "uint16")
    for rows, strip in enlarged_strips(logits, size):
        classes[rows] = decide(strip)
    return classes


def enlarged_strips(logits: np.ndarray, size: tuple[int, int]) -> Iterator[tuple[slice, np.ndarray]]:
    """Logits that grow as in `enlarge`, a strip (rows, width, classes) at a time: all at once may take gigabytes."""
    logits = np.asarray(logits, "float32")
    above, below, down = neighbours(logits.shape[0], size[0])
    left, right, across = neighbours(logits.shape[1], size[1])
    for rows in strips(size[0], size[1] * logits.shape[2]):
        strip = mix(logits[above[rows]], logits[below[rows]], down[rows, None, None])  # (rows, w, classes)
        yield rows, mix(strip[:, left], strip[:, right], across[:, None])  # (rows, width, classes)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities (..., classes) from logits; from a single one those of class 0 and class 1."""
    if logits.shape[-1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], -1)
    return special.softmax(logits, -1)


def decide(logits: np.ndarray) -> np.ndarray:
    """The class of the largest of logits (..., classes); of a single logit (..., 1), whether it is above 0."""
    return logits.argmax(-1) if logits.shape[-1] > 1 else logits[..., 0] > 0


def neighbours(old: int, new: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each of `new` places along a side: the two of `old` places around it, and how near the second is."""
    places = ((np.arange(new) + 0.5) * (old / new) - 0.5).clip(0, old - 1)
    first = places.astype(int)
    return first, np.minimum(first + 1, old - 1), (places - first).astype("float32")


def mix(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The first, with a share of the second."""
    return first + (second - first) * share
