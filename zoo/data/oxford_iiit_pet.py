"""Oxford-IIIT Pet through TensorFlow Datasets: photos of cats and dogs with trimaps."""

import hashlib
import math

import tensorflow as tf
import tensorflow_datasets as tfds

NAME = "oxford_iiit_pet:4.*.*"
VALIDATION_SHARE = 10  # every tenth of the training images, by a hash of the file's name


class DatasetNotFoundError(FileNotFoundError):
    """The data set is not prepared on this machine."""


class CorruptDatasetError(RuntimeError):
    """A file of the data set is truncated or damaged."""


def is_prepared():
    """Whether TensorFlow Datasets finds the data set on this machine (in `TFDS_DATA_DIR`, if set)."""
    return tfds.builder(NAME).is_prepared()


def download():
    """Downloads and prepares the data set (800 MB) with a progress bar; returns its folder."""
    builder = tfds.builder(NAME)
    builder.download_and_prepare()
    return builder.data_dir


def examples(split):
    """The examples of a split, in a fixed order and as they are stored.

    Args:
        split: "train", "validation", "train+validation" (the official training split), or "test".

    Returns:
        A `tf.data.Dataset` of (image, mask): uint8 (h, w, 3), and int32 (h, w) with 0 for pet,
        1 for background and 2 for border.

    Raises:
        DatasetNotFoundError: if the data set is not prepared; it names the ways out.
        CorruptDatasetError: if a file is truncated or damaged; it names the file.
    """
    return stored(split).map(decode, num_parallel_calls=tf.data.AUTOTUNE)


def describe(split):
    """What a split holds: a dictionary of the number of `examples`, the `smallest` and the `largest` photo
    (height and width, by area) and the `sha256` of all file names and masks.
    """
    digest, sizes = hashlib.sha256(), set()
    names_and_masks = stored(split).map(lambda example: (example["file_name"], decode(example)[1]))
    for name, mask in names_and_masks.as_numpy_iterator():
        digest.update(name + mask.astype("uint8").tobytes())
        sizes.add(mask.shape)
    extremes = {"smallest": min(sizes, key=math.prod), "largest": max(sizes, key=math.prod)}
    return {"examples": len(names_and_masks), **extremes, "sha256": digest.hexdigest()}


def species(split):
    """What each of the `examples` shows, in their order: a list of "cats" and "dogs"."""
    return ["dogs" if example["species"] else "cats" for example in stored(split).as_numpy_iterator()]


def stored(split):
    """The examples of a split as TensorFlow Datasets stores them, images and masks still encoded."""
    if not is_prepared():
        raise DatasetNotFoundError(
            "The data set oxford_iiit_pet is not on this machine. Either download it (800 MB) with "
            "`python -m zoo download`, or do without it: `--dataset synthetic_pets` draws pets on the fly. "
            "If you have it elsewhere, set TFDS_DATA_DIR to its folder."
        )
    builder = tfds.builder(NAME)
    official = "test" if split == "test" else "train"
    check_records(builder.info.splits[official])
    decoders = {name: tfds.decode.SkipDecoding() for name in ("image", "segmentation_mask")}
    dataset = builder.as_dataset(split=official, decoders=decoders)
    if split in ("train", "validation"):
        dataset = dataset.filter(lambda example: in_validation(example) == (split == "validation"))
    count = dataset.reduce(0, lambda count, _: count + 1).numpy()
    return dataset.apply(tf.data.experimental.assert_cardinality(count))


def check_records(split_info):
    """Reads all records once, checksums included, so that damage is found before training and not during it."""
    total = 0
    for path in map(str, split_info.filepaths):
        try:
            total += tf.data.TFRecordDataset(path).reduce(0, lambda count, _: count + 1).numpy()
        except (tf.errors.DataLossError, tf.errors.NotFoundError) as error:
            raise CorruptDatasetError(
                f"The file {path} of the data set is damaged or missing. Delete its folder and run "
                "`python -m zoo download` again."
            ) from error
    if total != split_info.num_examples:
        raise CorruptDatasetError(
            f"The data set in {split_info.filepaths[0].parent} should hold {split_info.num_examples} examples in "
            f"its split {split_info.name!r}. Received: {total}. Delete it and run `python -m zoo download` again."
        )


def in_validation(example):
    """The fixed rule that cuts the validation split from the training images."""
    return tf.strings.to_hash_bucket_fast(example["file_name"], VALIDATION_SHARE) == 0


def decode(example):
    """From a stored example to (image, mask). Stored masks hold 1 pet, 2 background, 3 border."""
    image = tf.io.decode_image(example["image"], channels=3, expand_animations=False)
    mask = tf.io.decode_image(example["segmentation_mask"], channels=1, expand_animations=False)
    return image, tf.cast(mask[:, :, 0], tf.int32) - 1
