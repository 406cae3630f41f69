"""The data sets, as `tf.data` pipelines."""

from zoo.data.augmentation import Augmentation
from zoo.data.oxford_iiit_pet import CorruptDatasetError, DatasetNotFoundError, download
from zoo.data.pictures import read_image, read_mask
from zoo.data.pipeline import BACKGROUND, CLASSES, DATASETS, SPLITS, default_dataset, describe, examples, load, species

__all__ = [
    "BACKGROUND",
    "CLASSES",
    "DATASETS",
    "SPLITS",
    "Augmentation",
    "CorruptDatasetError",
    "DatasetNotFoundError",
    "default_dataset",
    "describe",
    "download",
    "examples",
    "load",
    "read_image",
    "read_mask",
    "species",
]
