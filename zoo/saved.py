"""The saved models: a `.keras` file a stage, and beside it its card, `.json`."""

import inspect
import json
import os
import warnings
import zipfile
from pathlib import Path
from typing import Any

import keras

import zoo.layers  # noqa: F401, registers the custom layers
from zoo.cards import card, cards, cards_of_seeds, find, folder_of_models
from zoo.errors import first_line
from zoo.files import check_file, checksum, write_json, write_whole
from zoo.limits import MOST_BYTES, check_config, check_size_of_weights, limit_weights

__all__ = ["card", "cards", "cards_of_seeds", "folder_of_models", "load", "load_any", "load_file", "save"]

# What newer versions of Keras write of a layer, and older ones do not know. With these values it changes nothing.
ADDED = {
    "optional": False,
    "quantization_config": None,
    "renorm": False,
    "renorm_clipping": None,
    "renorm_momentum": 0.99,
}


def load(stage: str, folder: str | os.PathLike | None = None) -> keras.Model:
    """Loads the trained model of a stage.

    Examples:
        >>> load("unet").output_shape
        (None, 128, 128, 3)

    Args:
        stage: one of `zoo.STAGES`.
        folder: where the saved models are; by default `ZOO_SAVED_MODELS` from the environment,
            else those that came with the package.

    Returns:
        An uncompiled `keras.Model` from images (b, 128, 128, 3), floats in [0, 1], to logits
        (b, 128, 128, 3) for pet, background and border; of another size and other classes where `folder` holds models
        that were trained so.

    Raises:
        ValueError: if there is no such stage, or the file is not the one that its card describes.
        OSError: if the folder has no such model (`FileNotFoundError`), or something else in its place.
    """
    path = find(stage, folder, ".keras")
    if checksum(path) != (known := card(stage, folder)["sha256"]):
        raise ValueError(
            f"{path} has changed since its card was written (its SHA-256 is not {known[:12]}...). "
            f"Restore it (`git checkout {path}`, or install the package again), or load it unchecked with "
            "`zoo.saved.load_file`."
        )
    return load_file(path)


def load_any(name: str) -> keras.Model:
    """Loads what a command line names: a saved stage, or a `.keras` file."""
    return load_file(name) if name.endswith(".keras") else load(name)


def load_file(path: str | os.PathLike) -> keras.Model:
    """Loads any `.keras` file that holds a model from a batch of images to one map of logits.

    Keras itself refuses files of newer versions. From 3.3 on this function opens them, too, unless
    they need what the older version does not have.

    Args:
        path: of the file.

    Returns:
        An uncompiled `keras.Model`.

    Raises:
        ValueError: if the file is damaged, needs layers that are not registered, or holds another kind of model.
        OSError: if it is missing (`FileNotFoundError`), a folder, a fifo or a device.
    """
    check_file(path)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", "Skipping nested container")  # whose weights would stay random
            with zipfile.ZipFile(path) as archive:
                if (size := archive.getinfo("config.json").file_size) > MOST_BYTES:
                    raise ValueError(f"its config.json must have at most {MOST_BYTES:,} bytes. Received: {size:,}")
                config = json.loads(archive.read("config.json"))
                config.pop("compile_config", None)
                check_config(config)
                with limit_weights(os.path.getsize(path)):
                    model = keras.saving.deserialize_keras_object(for_this_keras(config))
                check_size_of_weights(archive, model)
            model.load_weights(path)
    except MemoryError:
        raise  # it is not the file's fault
    except Exception as error:  # of any class: of ZIP, JSON, HDF5, or of the layers that the file asks for
        if type(error).__name__ == "ResourceExhaustedError":  # so does TensorFlow say it
            raise
        raise ValueError(f"{path} cannot be loaded as a Keras model: {first_line(error)}") from error
    shapes = [getattr(model, name, None) for name in ("input_shape", "output_shape")]
    if not all(isinstance(shape, tuple) and len(shape) == 4 and shape[-1] for shape in shapes):
        raise ValueError(
            f"{path} must hold a model from images (b, h, w, channels) to logits (b, h, w, classes). "
            f"Received: input shape {shapes[0]}, output shape {shapes[1]}"
        )
    return model


def for_this_keras(config: Any) -> Any:
    """A model's configuration without what this version of Keras does not know and does not need."""
    if isinstance(config, list):
        return [for_this_keras(value) for value in config]
    if not isinstance(config, dict):
        return config
    config = {name: for_this_keras(value) for name, value in config.items()}
    if keras.__version__.startswith("3.3."):  # which expects lists of tensors, even of one
        for name in {"input_layers", "output_layers"} & config.keys():
            config[name] = [config[name]] if isinstance(config[name][0], str) else config[name]
    initial = config.get("module") == "keras.initializers"  # of no effect, since the weights are loaded
    known = getattr(keras.initializers if initial else keras.layers, str(config.get("class_name")), None)
    if known and isinstance(options := config.get("config"), dict):
        unknown = options.keys() - inspect.signature(known.__init__).parameters.keys()
        unneeded = {name for name in unknown if initial or (name in ADDED and options[name] == ADDED[name])}
        config["config"] = {name: value for name, value in options.items() if name not in unneeded}
    return config


def save(model: keras.Model, card: dict, folder: str | os.PathLike) -> None:
    """Writes a model without its optimiser, and its card.

    Each file is written whole under another name first, and the card comes last: a model with a
    card that fits it is complete.

    Args:
        model: a Keras model with the name of a stage.
        card: dictionary for the card; the stage and the SHA-256 of the file are added.
        folder: where to write `<stage>.keras` and `<stage>.json`; made if missing. Files of these names are replaced.

    Raises:
        ValueError: if a number in the card is not finite.
    """
    folder = Path(folder)
    json.dumps(card, allow_nan=False)  # a card that cannot be written leaves no model without one
    bare = model.__class__.from_config(model.get_config())  # never compiled: else the file would hold the optimiser
    bare.set_weights(model.get_weights())
    with write_whole(folder / f"{model.name}.keras", overwrite=True) as unfinished:
        bare.save(unfinished)
        digest = checksum(unfinished)
    write_json(folder / f"{model.name}.json", {**card, "stage": model.name, "sha256": digest})
