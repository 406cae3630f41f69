"""TensorFlow and Pillow without their chatter."""

import contextlib
import functools
import importlib.util
import json
import logging
import os
import sys
import threading
import warnings
from pathlib import Path

from zoo import errors

BACKENDS = ("tensorflow", "jax", "torch")
SETTINGS = {"floatx": ("float32", "float16", "float64"), "image_data_format": ("channels_last", "channels_first")}


def import_tensorflow():
    """Imports TensorFlow quietly. Where Keras computes with another backend, it leaves the GPU to that."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # processes may share a GPU
    with silence():
        import tensorflow as tf

        if keras_backend() != "tensorflow":
            tf.config.set_visible_devices([], "GPU")
        tf.config.list_logical_devices()  # the search for a GPU chatters too
    tf.get_logger().setLevel("ERROR")
    logging.getLogger("absl").setLevel("ERROR")  # TensorFlow Datasets warns of every folder that it does not find


def keras_backend():
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


def check_backend():
    """Refuses a backend that the zoo does not run on, or that is not installed.

    Raises:
        ValueError: if it is none of `BACKENDS`.
        RuntimeError: if its package is missing.
    """
    backend = keras_backend()
    source = "KERAS_BACKEND" if os.environ.get("KERAS_BACKEND") else "`backend` in keras.json"
    if backend not in BACKENDS:
        raise ValueError(f"{source} must be one of {', '.join(BACKENDS)}. Received: {backend!r}")
    if importlib.util.find_spec(backend) is None:
        raise RuntimeError(
            f"{source} is {backend}, which is not installed: `pip install {backend}`, or choose another."
        )


def begin(name):
    """What a script of the package does before it imports Keras; its errors are lines, not tracebacks.

    Args:
        name: its `__name__`.
    """
    if name == "__main__":
        errors.explain_uncaught(Path(sys.argv[0]).stem)
        check_backend()
    import_tensorflow()


def import_tensorflow_without_gpu():
    """Imports TensorFlow quietly in a process that uses no GPU: the one that started it may have taken all of it."""
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    import_tensorflow()


def shared(change):
    """Makes a change of the whole process safe among threads: the first one within makes it, the last one undoes it.

    Args:
        change: function that gives a context manager.
    """
    lock, within, entered = threading.Lock(), [], contextlib.ExitStack()

    @functools.wraps(change)
    @contextlib.contextmanager
    def enter():
        with lock:
            if not within:
                entered.enter_context(change())
            within.append(None)  # one for each that is within
        try:
            yield
        finally:
            with lock:
                within.pop()
                if not within:
                    entered.close()

    return enter


@shared
@contextlib.contextmanager
def silence():
    """Sends what comes to stderr to nowhere: some messages heed no setting and go straight to the terminal.

    May be entered again within itself, and by several threads: stderr is back when the last one has left.
    """
    stderr = os.dup(2)
    with open(os.devnull, "w") as devnull:
        os.dup2(devnull.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


@shared
@contextlib.contextmanager
def ignore_pillow():
    """Ignores the warnings of Pillow, and of nothing else: other threads go on. May be entered as `silence`."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield
