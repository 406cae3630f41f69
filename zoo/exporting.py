"""Trained models as files that need neither Keras nor this package."""

import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from zoo import data, files, formats, quiet
from zoo.formats import FORMATS
from zoo.prediction import images_at_once, squeeze
from zoo.resizing import resize


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
    any size. The file holds this description, too, a SavedModel in `assets.extra/description.txt`. A model of mixed
    precision is written in float32.

    Examples:
        >>> export(keras.saving.load_model("unet.keras"), ".", "onnx")  # doctest: +SKIP
        PosixPath('unet.onnx')

    Args:
        model: Keras model from images (b, h, w, c), RGB or grey, to logits (b, h, w, classes).
        folder: where to write; made if missing.
        format: "onnx" (from Keras 3.8 on), "litert" (from Keras 3.13 and TensorFlow 2.18 on) or "saved_model".
        image_size: side in pixels of the images that the file takes, up to `zoo.resizing.MAX_SIDE`, "dynamic" for any
            height and width that the model can halve, or `None` for the model's own size.
        quantize_on: for LiteRT: images (n, h, w, c), float32 of the size above. If given, the network
            computes in 8-bit integers, whose ranges are chosen on these images; images and logits
            stay float32, and the size must be fixed.
        name: of the file, without its ending; by default the model's.
        classes: names of the classes, for the description; an ONNX file has them as JSON in its metadata, too.
        overwrite: whether an export of the same name is replaced; it is there until the new one is whole.

    Returns:
        The path of the file or folder, which has `_int8` after its name if quantized.

    Raises:
        ValueError: if an argument is not as above, or a weight is not finite.
        FileExistsError: if the name is taken and may not be replaced: a folder that is no SavedModel never is.
        RuntimeError: if a package for the format is missing, Keras is too old for it, the backend is not TensorFlow,
            or the format lacks what the model does.
    """
    path = Path(folder) / file_name(model.name if name is None else name, format, quantize_on is not None)
    if quantize_on is not None and (format != "litert" or image_size == "dynamic"):
        raise ValueError(
            "Only LiteRT files of a fixed size can be quantized. "
            f"Received: format={format!r}, image_size={image_size!r}"
        )
    check_machine(format)
    if wrong := [weight.path for weight in model.weights if not np.isfinite(weight.numpy()).all()]:
        raise ValueError(f"`model` must have finite weights. Received: NaN or infinity in {', '.join(wrong[:3])}")
    ready = resize(model, image_size)
    count = max(2, ready.output_shape[-1])  # a single logit is for class 1, against class 0
    if classes is not None and len(classes) != count:
        raise ValueError(f"`classes` must name each of {count} classes. Received: {classes}")
    shapes = {np.shape(image) for image in (() if quantize_on is None else quantize_on)}
    if quantize_on is not None and shapes != {ready.input_shape[1:]}:
        raise ValueError(
            f"`quantize_on` must hold at least one image, each {ready.input_shape[1:]}. Received: {shapes or 'none'}"
        )
    refuse_other_folder(path)
    with files.write_whole(path, overwrite) as unfinished, quiet.silence(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the converters' own
        with formats.as_runtime_error():
            FORMATS[format][1](ready, unfinished, quantize_on, input_and_output(ready, classes), classes)
    return path


def check_machine(format: str) -> None:
    """Refuses a format that cannot be written here."""
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(f"Exports need KERAS_BACKEND=tensorflow. Received: {keras.backend.backend()}")
    formats.check_keras(format)
    if format == "onnx":
        formats.require("tf2onnx")


def refuse_other_folder(path: Path) -> None:
    """A folder of something else is never replaced."""
    if path.is_dir() and not (path / "saved_model.pb").exists():
        raise FileExistsError(f"{path} is a folder, and no SavedModel. Move it, or name another folder.")


def file_name(name: str, format: str, quantized: bool = False) -> str:
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
    dataset: str | os.PathLike | data.Dataset,
    image_size: int | str | None = None,
    quantize: bool = False,
    name: str | None = None,
    classes: Sequence[str] | None = None,
    overwrite: bool = False,
) -> dict:
    """As `export`, and holds what was written against the Keras model, on photos of a data set.

    Args:
        dataset: one of `zoo.data.DATASETS`, the path of a folder, or a `zoo.data.Dataset`. The photos are those of its
            validation split, or if it has none, those it is trained on.
        quantize: whether to compute in 8-bit integers, with ranges chosen on such photos.

    All other args as for `export`.

    Returns:
        A dictionary: `path`, `megabytes`, `description` (what goes in and out), `images` (how many were compared),
        the `differences` of the logits, an array, and `agreement`, the share of pixels on whose class both agree.

    Raises:
        ValueError: as `export`, or if a logit is not finite; then nothing is written.
    """
    path = Path(folder) / file_name(model.name if name is None else name, format, quantize)
    check_machine(format)
    files.refuse_taken(path, overwrite)
    refuse_other_folder(path)
    ready = resize(model, image_size)
    height, width, channels = (side or 128 for side in ready.input_shape[1:])
    count = images_at_once(height, width)
    found = data.find(dataset)
    try:
        split = found.examples("validation")
    except ValueError:  # a small folder may have none for it
        split = found.examples("train+validation")
    photos = split.take(4 * count if quantize else count)
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
        "images": len(images[:count]),
        "differences": differences,
        "agreement": agreement,
    }


def input_and_output(model: keras.Model, classes: Sequence[str] | None = None) -> str:
    """What the file takes and gives, in words; `model` is what `resize` returned."""
    height, width, channels = ("any" if side is None else side for side in model.input_shape[1:])
    logits = model.output_shape[-1]
    if logits > 1:
        names = f" ({', '.join(classes)})" if classes else ""
        means = f"one for each class{names}; the largest wins"
    else:
        means = "above 0 for {1}, else {0}".format(*classes or ("class 0", "class 1"))
    return (
        f"image: float32 (batch, {height}, {width}, {channels}), {'grey' if channels == 1 else 'RGB'} in [0, 1]. "
        f"logits: float32 (batch, {height}, {width}, {logits}), {means}."
    )
