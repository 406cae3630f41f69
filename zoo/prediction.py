"""From a photo of any size to a class for every pixel."""

import os

import keras
import numpy as np
from keras import ops
from PIL import Image, ImageOps


def predict(model, image):
    """Gives every pixel of a photo its class.

    The photo is squeezed to the size that the model was trained at, and the logits are enlarged
    to the photo's own size: the models have learned whole pets, not tiles of fur.

    Args:
        model: Keras model from images (b, h, w, 3) in [0, 1], with a fixed height and width, to
            logits (b, h, w, classes).
        image: path of a photo, or an array of shape (h, w), (h, w, 1), (h, w, 3) or (h, w, 4),
            uint8 in [0, 255] or floating point in [0, 1]. Transparency is ignored, and a path's
            orientation tag (EXIF) is heeded.

    Returns:
        NumPy array uint8 (h, w) of class numbers: for the saved models 0 pet, 1 background, 2 border.

    Raises:
        ValueError: if the array is none of these, or the model has no fixed size.
        OSError: if the file is missing, no image, or a broken or huge one.
    """
    size = model.input_shape[1:3]
    if None in size:
        raise ValueError(f"`model` needs a fixed height and width. Received: input shape {model.input_shape}")
    image = read_image(image)
    small = ops.image.resize(image, size, antialias=True, data_format="channels_last")
    small = ops.round(small) / 255  # as the data pipeline rounds
    logits = keras.ops.convert_to_numpy(model.predict_on_batch(ops.convert_to_numpy(small)[None]))[0]
    return enlarge(logits, image.shape[:2])


def enlarge(logits, size):
    """The class of each pixel after logits have grown to another size.

    Args:
        logits: array (h, w, classes).
        size: (height, width) to grow to.

    Returns:
        NumPy array uint8 of shape `size`.
    """
    grown = ops.image.resize(logits, size, data_format="channels_last")
    return ops.convert_to_numpy(ops.argmax(grown, axis=-1)).astype("uint8")


def read_image(image):
    """A path or array, as described in `predict`, as float32 (h, w, 3) from 0 to 255."""
    if isinstance(image, str | os.PathLike):
        try:
            with Image.open(image) as file:
                return np.asarray(ImageOps.exif_transpose(file).convert("RGB"), "float32")
        except FileNotFoundError:
            raise
        except Exception as error:  # the decoders of broken or huge images raise errors of many kinds
            raise OSError(f"{image}: {error}") from error
    image = np.asarray(image)
    if image.ndim == 2:
        image = image[:, :, None]
    if image.ndim != 3 or image.shape[2] not in (1, 3, 4) or not image.size:
        raise ValueError(f"`image` must be of shape (h, w), (h, w, 1), (h, w, 3) or (h, w, 4). Received: {image.shape}")
    if np.issubdtype(image.dtype, np.floating):
        if not (image.min() >= 0 and image.max() <= 1):
            raise ValueError(f"`image` of floating point must lie in [0, 1]. Received: {image.min()} to {image.max()}")
        image = image * np.float32(255)
    elif image.dtype != np.uint8:
        raise ValueError(f"`image` must be uint8 or floating point. Received: {image.dtype}")
    return np.broadcast_to(image[:, :, :3], (*image.shape[:2], 3)).astype("float32")
