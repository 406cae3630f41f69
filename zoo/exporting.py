"""Trained models as files that need neither Keras nor this package."""

import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from zoo import data, files, formats, quiet
from zoo.formats import FORMATS
from zoo.prediction import check_model, squeeze

MAX_SIDE = 2048  # pixels; a U-Net takes 2 GB for one such image


def export(
    model: keras.Model,
    folder: str | os.PathLike,
    format: str,
    image_size: int | str | None = None,
    quantize_on: Sequence[np.ndarray] | np.ndarray | None = None,
    name: str | None = None,
    classes: Sequence[str] | None = None,
    overwrite: bool = False,
) -> Path:
    """Writes a model for ONNX Runtime, for LiteRT (built-in operators alone) or as TensorFlow's SavedModel.

    The file takes `image`, images in [0, 1], and gives `logits`, as the Keras model does. The batch may have
    any size. ONNX and LiteRT files hold this description, too. A model of mixed precision is written in float32.

    Examples:
        >>> export(keras.saving.load_model("unet.keras"), ".", "onnx")  # doctest: +SKIP
        PosixPath('unet.onnx')

    Args:
        model: Keras model from images (b, h, w, c), RGB or grey, to logits (b, h, w, classes).
        folder: where to write; made if missing.
        format: "onnx", "litert" or "saved_model".
        image_size: side in pixels of the images that the file takes, up to `MAX_SIDE`, "dynamic" for any
            height and width that the model can halve, or `None` for the model's own size.
        quantize_on: for LiteRT: images (n, h, w, c), float32 of the size above. If given, the network
            computes in 8-bit integers, whose ranges are chosen on these images; images and logits
            stay float32, and the size must be fixed.
        name: of the file, without its ending; by default the model's.
        classes: names of the classes, for the description.
        overwrite: whether an export of the same name is replaced; it is there until the new one is whole.

    Returns:
        The path of the file or folder, which has `_int8` after its name if quantized.

    Raises:
        ValueError: if an argument is not as above, or a weight is not finite.
        FileExistsError: if the name is taken and may not be replaced: a folder that is no SavedModel never is.
        RuntimeError: if a package for the format is missing, or the backend is not TensorFlow.
    """
    path = Path(folder) / file_name(model.name if name is None else name, format, quantize_on is not None)
    if quantize_on is not None and (format != "litert" or image_size == "dynamic"):
        raise ValueError(
            "Only LiteRT files of a fixed size can be quantized. "
            f"Received: format={format!r}, image_size={image_size!r}"
        )
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(f"Exports need KERAS_BACKEND=tensorflow. Received: {keras.backend.backend()}")
    if format == "onnx":
        formats.require("tf2onnx")
    if wrong := [weight.path for weight in model.weights if not np.isfinite(weight.numpy()).all()]:
        raise ValueError(f"`model` must have finite weights. Received: NaN or infinity in {', '.join(wrong[:3])}")
    ready = resize(model, image_size)
    if classes is not None and len(classes) != ready.output_shape[-1]:
        raise ValueError(f"`classes` must name each of {ready.output_shape[-1]} logits. Received: {classes}")
    shapes = {np.shape(image) for image in (() if quantize_on is None else quantize_on)}
    if quantize_on is not None and shapes != {ready.input_shape[1:]}:
        raise ValueError(
            f"`quantize_on` must hold at least one image, each {ready.input_shape[1:]}. Received: {shapes or 'none'}"
        )
    if path.is_dir() and not (path / "saved_model.pb").exists():
        raise FileExistsError(f"{path} is a folder, and no SavedModel. Move it, or name another folder.")
    with files.write_whole(path, overwrite) as unfinished, quiet.silence(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the converters' own
        FORMATS[format][1](ready, unfinished, quantize_on, input_and_output(ready, classes))
    return path


def file_name(name, format, quantized=False):
    """The name of an exported file or folder."""
    if format not in FORMATS:
        raise ValueError(f"`format` must be one of {', '.join(FORMATS)}. Received: format={format!r}")
    if name in ("", ".", "..") or Path(name).name != name:
        raise ValueError(f"`name` must be the name of a file, without a folder. Received: name={name!r}")
    return f"{name}{'_int8' if quantized else ''}{FORMATS[format][0]}"


def export_and_compare(
    model: keras.Model,
    folder: str | os.PathLike,
    format: str,
    dataset: str,
    image_size: int | str | None = None,
    quantize: bool = False,
    name: str | None = None,
    classes: Sequence[str] | None = None,
    overwrite: bool = False,
) -> dict:
    """As `export`, and holds what was written against the Keras model, on photos of a data set's validation split.

    Args:
        dataset: one of `zoo.data.DATASETS`.
        quantize: whether to compute in 8-bit integers, with ranges chosen on photos of the same split.

    All other args as for `export`.

    Returns:
        A dictionary: `path`, `megabytes`, `description` (what goes in and out), `images` (how many were compared),
        the `differences` of the logits, an array, and `agreement`, the share of pixels on whose class both agree.

    Raises:
        ValueError: as `export`, or if a logit is not finite; then nothing is written.
    """
    path = Path(folder) / file_name(model.name if name is None else name, format, quantize)
    files.refuse_taken(path, overwrite)
    ready = resize(model, image_size)
    height, width, channels = (side or 128 for side in ready.input_shape[1:])
    count = max(1, min(16, 16 * 512**2 // (height * width)))  # fewer of large ones
    photos = data.examples(dataset, "validation").take(4 * count if quantize else count)
    images = [squeeze(photo, (height, width, channels)) for photo, _ in photos.as_numpy_iterator()]
    with files.write_whole(path, overwrite) as unfinished:
        export(model, unfinished.parent, format, image_size, images if quantize else None, name, classes)
        differences, agreement = formats.compare(unfinished, ready, images[:count])
        parts = [unfinished, *unfinished.rglob("*")]
        size = sum(part.stat().st_size for part in parts if part.is_file())
    return {
        "path": path,
        "megabytes": size / 1e6,
        "description": input_and_output(ready, classes),
        "images": count,
        "differences": differences,
        "agreement": agreement,
    }


def resize(model, image_size):
    """The model for images of another size, in float32, with names for what goes in and out."""
    if image_size not in (None, "dynamic") and not (isinstance(image_size, int) and 1 <= image_size <= MAX_SIDE):
        raise ValueError(f"`image_size` must be from 1 to {MAX_SIDE} pixels. Received: image_size={image_size!r}")
    shape = check_model(model, any_size=True)
    side = None if image_size == "dynamic" else image_size
    resized = for_images(model, shape if image_size is None else (side, side, shape[2]))
    if resized is None:
        fits = side and nearest_side(model, side, shape[2])
        raise ValueError(
            "`image_size` must be a side that the model can halve on its way down"
            f"{f', such as {fits}' if fits else ''}. Received: image_size={image_size!r}"
        )
    resized.set_weights(model.get_weights())
    image = keras.Input(resized.input_shape[1:], name="image")
    return keras.Model(image, {"logits": resized(image)}, name=model.name)


def nearest_side(model, side, channels):
    """The side near to one that does not fit, of images that do; `None` if there is none.

    Of the nearest multiples of 2, 4, 8, ... the first: for the zoo's models, which halve four times, that of 16.
    """
    multiples = (max(1, round(side / factor)) * factor for factor in (2, 4, 8, 16, 32, 64))
    return next((near for near in multiples if near != side and for_images(model, (near, near, channels))), None)


def for_images(model, shape):
    """The model in float32 for images (height, width, channels), with fresh weights; `None` if they do not fit."""
    try:
        exact = model.__class__.from_config(in_float32(model.get_config()))
        resized = keras.models.clone_model(exact, input_tensors=keras.Input(shape, name="image"))
    except ValueError:  # from a layer that joins two maps
        return None
    fits = shape == model.input_shape[1:] or resized.output_shape[1:3] == shape[:2]
    return resized if fits else None


def in_float32(config):
    """A model's configuration with 32 bits in the place of 16, which the runtimes do not have."""
    if isinstance(config, dict):
        return {key: in_float32(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(map(in_float32, config))
    return "float32" if config in ("mixed_bfloat16", "mixed_float16", "bfloat16", "float16") else config


def input_and_output(model, classes=None):
    """What the file takes and gives, in words; `model` is what `resize` returned."""
    height, width, channels = ("any" if side is None else side for side in model.input_shape[1:])
    logits = model.output_shape[-1]
    names = f" ({', '.join(classes)})" if classes else ""
    means = f"one for each class{names}; the largest wins" if logits > 1 else f"above 0 for class 1{names}"
    return (
        f"image: float32 (batch, {height}, {width}, {channels}), {'grey' if channels == 1 else 'RGB'} in [0, 1]. "
        f"logits: float32 (batch, {height}, {width}, {logits}), {means}."
    )
