"""TensorFlow and Pillow without their chatter."""

import contextlib
import functools
import logging
import os
import sys
import threading
import warnings
from pathlib import Path

from zoo import backend, errors


def import_tensorflow():
    """Imports TensorFlow quietly. Where Keras computes with another backend, it leaves the GPU to that."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # processes may share a GPU
    with silence():
        import tensorflow as tf

        if backend.chosen() != "tensorflow":
            tf.config.set_visible_devices([], "GPU")
        tf.config.list_logical_devices()  # the search for a GPU chatters too
    tf.get_logger().setLevel("ERROR")
    logging.getLogger("absl").setLevel("ERROR")  # TensorFlow Datasets warns of every folder that it does not find


def begin(name):
    """What a script of the package does before it imports Keras; its errors are lines, not tracebacks.

    Args:
        name: its `__name__`.
    """
    if name == "__main__":
        errors.explain_uncaught(Path(sys.argv[0]).stem)
        backend.check()
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
    try:
        stderr = os.dup(2)
    except OSError:
        stderr = None
    if stderr is None:  # it is closed
        yield
        return
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
