"""The backend that Keras will compute with, told before Keras is imported."""

import importlib.util
import json
import os
from pathlib import Path

BACKENDS = ("tensorflow", "jax", "torch")
SETTINGS = {"floatx": ("float32", "float16", "float64"), "image_data_format": ("channels_last", "channels_first")}


def chosen():
    """The backend that Keras will take, found as it does, without importing it.

    Keras heeds KERAS_BACKEND, then `keras.json` in KERAS_HOME or `~/.keras`, or in `/tmp/.keras` where nobody may write
    into `~`.

    Raises:
        ValueError: if that file holds what would end Keras itself in a traceback.
    """
    own = os.path.expanduser("~")
    home = os.environ.get("KERAS_HOME", os.path.join(own if os.access(own, os.W_OK) else "/tmp", ".keras"))
    path, settings = Path(home, "keras.json").expanduser(), {}
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} must be a file. Received: a folder, a pipe or a device")
    if path.exists():
        try:
            settings = json.loads(path.read_text())
        except RecursionError:
            raise ValueError(f"{path} must hold a JSON object. Received: too many brackets") from None
        except ValueError:  # what is no JSON is passed over, as Keras does
            pass
    if not isinstance(settings, dict):
        raise ValueError(f"{path} must hold a JSON object. Received: {settings!r:.60}")
    for name, allowed in SETTINGS.items():
        if (value := settings.get(name, allowed[0])) not in allowed:
            raise ValueError(f"`{name}` in {path} must be one of {', '.join(allowed)}. Received: {value!r:.60}")
    if not isinstance(epsilon := settings.get("epsilon", 1e-7), float):
        raise ValueError(f"`epsilon` in {path} must be a number such as 1e-07. Received: {epsilon!r:.60}")
    return os.environ.get("KERAS_BACKEND") or settings.get("backend", "tensorflow")


def check():
    """Refuses a backend that the zoo does not run on, or that is not installed.

    Raises:
        ValueError: if it is none of `BACKENDS`.
        RuntimeError: if its package is missing.
    """
    backend = chosen()
    source = "KERAS_BACKEND" if os.environ.get("KERAS_BACKEND") else "`backend` in keras.json"
    if backend not in BACKENDS:
        raise ValueError(f"{source} must be one of {', '.join(BACKENDS)}. Received: {backend!r}")
    if importlib.util.find_spec(backend) is None:
        raise RuntimeError(
            f"{source} is {backend}, which is not installed: `pip install {backend}`, or choose another."
        )
