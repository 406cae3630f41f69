"""Oxford-IIIT Pet on this machine: downloaded, found, and whole."""

import os

import tensorflow as tf
import tensorflow_datasets as tfds
from tensorflow_datasets.core.download.download_manager import NonMatchingChecksumError
from tensorflow_datasets.core.download.extractor import ExtractError, UnsafeArchiveError
from tensorflow_datasets.core.download.util import DownloadError

from zoo.errors import first_line

NAME = "oxford_iiit_pet:4.*.*"
FAILED_DOWNLOADS = (DownloadError, NonMatchingChecksumError, ExtractError, UnsafeArchiveError)


class DatasetNotFoundError(FileNotFoundError):
    """The data set is not prepared on this machine."""


class CorruptDatasetError(RuntimeError):
    """A file of the data set is truncated or damaged."""


def is_prepared():
    """Whether TensorFlow Datasets finds the data set on this machine (in `TFDS_DATA_DIR`, if set).

    Raises:
        CorruptDatasetError: if it finds a damaged one.
    """
    return find_builder().is_prepared()


def find_builder():
    """TensorFlow Datasets' description of the data set, from its files if they are on this machine."""
    try:
        return tfds.builder(NAME)
    except ImportError:
        raise  # of TensorFlow Datasets itself, which loads its parts when they are asked for: no fault of the files
    except Exception as error:  # of many classes: an empty `dataset_info.json` gives another than a cut one
        raise CorruptDatasetError(
            f"The description of oxford_iiit_pet (dataset_info.json, features.json and *.labels.txt in its folder in "
            f"{os.environ.get('TFDS_DATA_DIR') or '~/tensorflow_datasets'}) cannot be read: {first_line(error)}. "
            "Delete the folder and run `python -m zoo download` again."
        ) from error


def download() -> str:
    """Downloads and prepares the data set (800 MB) with a progress bar; returns its folder.

    Raises:
        RuntimeError: if TensorFlow Datasets cannot download it, or gets something else.
        OSError: if the network or the disk fails.
    """
    builder = find_builder()
    try:
        builder.download_and_prepare()
    except FAILED_DOWNLOADS as error:
        raise RuntimeError(f"Oxford-IIIT Pet could not be downloaded: {first_line(error)}") from error
    return builder.data_dir


def find_official(official):
    """TensorFlow Datasets' description of an official split that is on this machine."""
    if not is_prepared():
        raise DatasetNotFoundError(
            "The data set oxford_iiit_pet is not on this machine. Either download it (800 MB) with "
            "`python -m zoo download`, or do without it: `--dataset synthetic_pets` draws pets on the fly. "
            "If you have it elsewhere, set TFDS_DATA_DIR to its folder."
        )
    builder = find_builder()
    if official not in builder.info.splits:
        raise CorruptDatasetError(
            f"The data set in {builder.data_dir} must have a split {official!r}. Received: "
            f"{', '.join(builder.info.splits) or 'none'}. Delete it and run `python -m zoo download` again."
        )
    return builder.info.splits[official]


def read_official(official):
    """The examples of an official split, images and masks still encoded."""
    decoders = {name: tfds.decode.SkipDecoding() for name in ("image", "segmentation_mask")}
    plain = tfds.ReadConfig(try_autocache=False)  # `zoo.data.load` keeps what it has squeezed
    return find_builder().as_dataset(split=official, decoders=decoders, read_config=plain)


def fingerprint(files):
    """What changes when one of the files does; a missing one counts as empty."""
    found = [os.stat(path) if os.path.exists(path) else None for path in files]
    return tuple((path, stat and (stat.st_size, stat.st_mtime_ns)) for path, stat in zip(files, found, strict=True))


def check_records(split_info):
    """Reads all records, checksums included, to name the file that is damaged."""
    total = 0
    for path in map(str, split_info.filepaths):
        try:
            total += tf.data.TFRecordDataset(path).reduce(0, lambda count, _: count + 1).numpy()
        except tf.errors.OpError as error:
            raise CorruptDatasetError(
                f"The file {path} of the data set is damaged or missing. Delete its folder and run "
                "`python -m zoo download` again."
            ) from error
    check_count(split_info, total)


def check_count(split_info, total):
    """Refuses a split with fewer or more examples than it should have."""
    if total != split_info.num_examples:
        raise CorruptDatasetError(
            f"The data set in {split_info.filepaths[0].parent} should hold {split_info.num_examples} examples in "
            f"its split {split_info.name!r}. Received: {total}. Delete it and run `python -m zoo download` again."
        )
