"""Oxford-IIIT Pet through TensorFlow Datasets: photos of cats and dogs with trimaps."""

import functools
import hashlib
import math
import os

import tensorflow as tf

from zoo import quiet
from zoo.data.dataset import Dataset
from zoo.data.prepared import (
    CorruptDatasetError,
    check_count,
    check_records,
    find_official,
    fingerprint,
    read_official,
)
from zoo.errors import first_line

CLASSES = ("pet", "background", "border")
BACKGROUND = CLASSES.index("background")
STORED_LABELS = {1, 2, 3}
VALIDATION_SHARE = 10  # every tenth of the training images, by a hash of the file's name


def examples(split: str) -> tf.data.Dataset:
    """The examples of a split, in a fixed order and as they are stored.

    Args:
        split: "train", "validation", "train+validation" (the official training split), or "test".

    Returns:
        A `tf.data.Dataset` of (image, mask): uint8 (h, w, 3), and int32 (h, w) with 0 for pet,
        1 for background and 2 for border. An example that cannot be read, or whose mask holds another
        label, stops the iteration with a `tf.errors.OpError`, whose message begins with
        `CorruptDatasetError:` and names the example.

    Raises:
        DatasetNotFoundError: if the data set is not prepared; it names the ways out.
        CorruptDatasetError: if a file is truncated or damaged, and it names the file; or if the split is empty.
    """
    return stored(split).map(decode, num_parallel_calls=tf.data.AUTOTUNE)


def describe(split: str) -> dict:
    """What a split holds: a dictionary of the number of `examples`, the `smallest` and the `largest` photo
    (height and width, by area) and the `sha256` of all file names and masks.
    """
    digest, sizes, count = hashlib.sha256(), set(), 0
    names_and_masks = stored(split).map(lambda example: (example["file_name"], decode_mask(example)))
    for name, mask in names_and_masks.as_numpy_iterator():
        digest.update(name + mask.astype("uint8").tobytes())
        sizes.add(mask.shape)
        count += 1
    extremes = {"smallest": min(sizes, key=math.prod), "largest": max(sizes, key=math.prod)}
    return {"examples": count, **extremes, "sha256": digest.hexdigest()}


def species(split: str) -> list[str]:
    """What each of the `examples` shows, in their order: a list of "cats" and "dogs"."""
    return [kind for kind, _ in select(split)]


def stored(split):
    """The examples of a split as TensorFlow Datasets stores them, images and masks still encoded."""
    count = len(select(split))
    dataset = read_official(official_split(split))
    if split in ("train", "validation"):
        dataset = dataset.filter(lambda example: in_validation(example) == (split == "validation"))
    return dataset.apply(tf.data.experimental.assert_cardinality(count))


def select(split):
    """The entries of a split in the `contents` of its official one."""
    official = official_split(split)
    files = tuple(map(str, find_official(official).filepaths))
    entries = [
        entry for entry in contents(official, fingerprint(files)) if split in ("test", "train+validation", entry[1])
    ]
    if not entries:
        raise CorruptDatasetError(
            f"The split {split!r} of oxford_iiit_pet in {os.path.dirname(files[0])} is empty."
            + (" Train with `--split train+validation`, which needs none." if split == "validation" else "")
        )
    return entries


def official_split(split):
    """The split of TensorFlow Datasets that holds one of ours."""
    return "test" if split == "test" else "train"


@functools.lru_cache
def contents(official, files):
    """Reads all records of an official split once a process, so that damage is found before training, not during it.

    Args:
        official: "train" or "test".
        files: their `fingerprint`: what has changed is read again.

    Returns:
        For each example, in their order, "cats" or "dogs", and which of our splits has it: "train",
        "validation" or "test".

    Raises:
        CorruptDatasetError: if a file is damaged or missing; it names the file.
    """
    del files  # only decides whether to read again
    labels = read_official(official).map(lambda example: (example["species"], in_validation(example))).batch(256)
    try:
        with quiet.silence():
            found = [pair for kinds, places in labels.as_numpy_iterator() for pair in zip(kinds, places, strict=True)]
    except (tf.errors.OpError, OSError) as error:
        with quiet.silence():
            check_records(find_official(official))
        raise CorruptDatasetError(f"The split {official!r} of oxford_iiit_pet: {first_line(error)}") from error
    check_count(find_official(official), len(found))
    ours = ("train", "validation") if official == "train" else ("test", "test")
    return [("dogs" if dog else "cats", ours[int(validation)]) for dog, validation in found]


def in_validation(example):
    """The fixed rule that cuts the validation split from the training images."""
    return tf.strings.to_hash_bucket_fast(example["file_name"], VALIDATION_SHARE) == 0


def decode(example):
    """From a stored example to (image, mask)."""
    encoded = [example[name] for name in ("file_name", "image", "segmentation_mask")]
    image, mask = tf.py_function(read_pictures, encoded, (tf.uint8, tf.uint8))
    return tf.ensure_shape(image, (None, None, 3)), tf.cast(tf.ensure_shape(mask, (None, None)), tf.int32)


def decode_mask(example):
    """From a stored example to its mask."""
    mask = tf.py_function(read_mask, [example["file_name"], example["segmentation_mask"]], tf.uint8)
    return tf.cast(tf.ensure_shape(mask, (None, None)), tf.int32)


# These run in Python, which takes half a millisecond longer: an error in a graph would not name the example.


@tf.autograph.experimental.do_not_convert
def read_pictures(name, image, mask):
    """Decodes the image and the mask of an example."""
    image, mask = read_picture(name, image, "photo", channels=3), read_mask(name, mask)
    if image.shape[:2] != mask.shape:
        raise CorruptDatasetError(
            f"The mask of {text(name)} in the data set must be of its photo's size, {tuple(image.shape[:2])}. "
            f"Received: {tuple(mask.shape)}"
        )
    return image, mask


@tf.autograph.experimental.do_not_convert
def read_mask(name, encoded):
    """Decodes a mask. Stored ones hold 1 pet, 2 background, 3 border."""
    mask = read_picture(name, encoded, "mask", channels=1).numpy()[:, :, 0]
    if mask.min() < 1 or mask.max() > len(STORED_LABELS):
        wrong = sorted(set(mask.ravel().tolist()) - STORED_LABELS)
        raise CorruptDatasetError(
            f"The mask of {text(name)} in the data set must hold 1, 2 and 3. Received: {str(wrong)[1:-1]:.60}"
        )
    return mask - 1


def read_picture(name, encoded, kind, channels):
    """Decodes a picture, uint8 (h, w, channels); what cannot be decoded is named."""
    try:
        return tf.io.decode_image(encoded, channels=channels, expand_animations=False)
    except tf.errors.OpError as error:
        raise CorruptDatasetError(
            f"The {kind} of {text(name)} in the data set is damaged: {first_line(error)}"
        ) from error


def text(name):
    """The name of a file, from a tensor."""
    return name.numpy().decode(errors="replace")


DATASET = Dataset("oxford_iiit_pet", CLASSES, examples, describe, BACKGROUND, groups=species)
