"""TensorFlow without its chatter."""

import contextlib
import logging
import os


def import_tensorflow():
    """Imports TensorFlow quietly. Where Keras computes with another backend, it leaves the GPU to that."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with silence():
        import tensorflow as tf

        if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
            tf.config.set_visible_devices([], "GPU")
        tf.config.list_logical_devices()  # the search for a GPU chatters too
    tf.get_logger().setLevel("ERROR")
    logging.getLogger("absl").setLevel("ERROR")  # TensorFlow Datasets warns of every folder that it does not find


@contextlib.contextmanager
def silence():
    """Sends what comes to stderr to nowhere: some messages heed no setting and go straight to the terminal."""
    with contextlib.ExitStack() as stack:
        stderr = os.dup(2)
        stack.callback(os.close, stderr)
        stack.callback(os.dup2, stderr, 2)
        with open(os.devnull, "w") as devnull:
            os.dup2(devnull.fileno(), 2)
        yield
