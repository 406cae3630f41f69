"""TensorFlow without its chatter."""

import contextlib
import logging
import os


def import_tensorflow():
    """Imports TensorFlow quietly. Where Keras computes with another backend, it leaves the GPU to that."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # processes may share a GPU
    with silence():
        import tensorflow as tf

        if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
            tf.config.set_visible_devices([], "GPU")
        tf.config.list_logical_devices()  # the search for a GPU chatters too
    tf.get_logger().setLevel("ERROR")
    logging.getLogger("absl").setLevel("ERROR")  # TensorFlow Datasets warns of every folder that it does not find


def import_tensorflow_without_gpu():
    """Imports TensorFlow quietly in a process that uses no GPU: the one that started it may have taken all of it."""
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    import_tensorflow()


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
