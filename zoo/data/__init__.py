"""The data sets, as `tf.data` pipelines."""

import contextlib

import tensorflow as tf

from zoo import backend

if backend.chosen() != "tensorflow":
    # With its first tensor, and some are made below, TensorFlow would take nearly all of the GPU's memory from the
    # backend that computes. Here it only reads data.
    with contextlib.suppress(RuntimeError):  # it has made one already
        tf.config.set_visible_devices([], "GPU")

from zoo.data.augmentation import Augmentation
from zoo.data.contents import look
from zoo.data.dataset import SPLITS, Dataset
from zoo.data.folder import open_folder
from zoo.data.oxford_iiit_pet import BACKGROUND, CLASSES
from zoo.data.pictures import read_image, read_mask
from zoo.data.pipeline import DATASETS, default_dataset, describe, examples, find, load, to_score
from zoo.data.prepared import CorruptDatasetError, DatasetNotFoundError, download
from zoo.data.squeezing import both_sides

__all__ = [
    "BACKGROUND",
    "CLASSES",
    "DATASETS",
    "SPLITS",
    "Augmentation",
    "CorruptDatasetError",
    "Dataset",
    "DatasetNotFoundError",
    "both_sides",
    "default_dataset",
    "describe",
    "download",
    "examples",
    "find",
    "load",
    "look",
    "open_folder",
    "read_image",
    "read_mask",
    "to_score",
]
