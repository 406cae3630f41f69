"""A model for images of another size, for files that other programs run."""

from typing import Any

import keras

from zoo.logits import check_model

MAX_SIDE = 2048  # pixels; a U-Net takes 2 GB for one such image


def resize(model: keras.Model, image_size: int | str | None) -> keras.Model:
    """The model for images of another size, in float32, with names for what goes in and out.

    Args:
        model: Keras model from images (b, h, w, c) to logits (b, h, w, classes).
        image_size: side in pixels, up to `MAX_SIDE`; "dynamic" for any; `None` for the model's own.

    Returns:
        A Keras model from `image` to a dictionary with `logits`.

    Raises:
        ValueError: if the model or the size does not fit; it names a side that does.
    """
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
    if resized.name == "image":  # which is the name of what goes in
        resized.name = "network"
    image = keras.Input(resized.input_shape[1:], name="image")
    return keras.Model(image, {"logits": resized(image, training=False)}, name=model.name)  # some layers augment else


def nearest_side(model: keras.Model, side: int, channels: int) -> int | None:
    """The side near to one that does not fit, of images that do; `None` if there is none.

    Of the nearest multiples of 2, 4, 8, ... the first: for the zoo's models, which halve four times, that of 16.
    """
    multiples = (max(1, round(side / factor)) * factor for factor in (2, 4, 8, 16, 32, 64))
    return next((near for near in multiples if near != side and for_images(model, (near, near, channels))), None)


def for_images(model: keras.Model, shape: tuple[int | None, int | None, int]) -> keras.Model | None:
    """The model in float32 for images (height, width, channels), with fresh weights; `None` if they do not fit."""
    try:
        exact = model.__class__.from_config(in_float32(model.get_config()))
        resized = keras.models.clone_model(exact, input_tensors=keras.Input(shape))
    except ValueError:  # from a layer that joins two maps
        return None
    fits = shape == model.input_shape[1:] or resized.output_shape[1:3] == shape[:2]
    return resized if fits else None


def in_float32(config: Any) -> Any:
    """A model's configuration with 32 bits in the place of 16 or 64, which not all runtimes have."""
    if isinstance(config, dict):
        return {key: in_float32(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(map(in_float32, config))
    other = ("mixed_bfloat16", "mixed_float16", "bfloat16", "float16", "float64")
    return "float32" if config in other else config
