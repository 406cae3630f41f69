"""From a data set's name to batches, through tf.data."""

import math
import os
from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

from zoo.data import oxford_iiit_pet, prepared, synthetic_pets
from zoo.data.augmentation import Augmentation, augment
from zoo.data.dataset import SPLITS, Dataset, check_types
from zoo.data.folder import open_folder
from zoo.data.squeezing import both_sides, check_positive, scale, squeeze

DATASETS = {dataset.name: dataset for dataset in (oxford_iiit_pet.DATASET, synthetic_pets.DATASET)}


def load(
    name: str | os.PathLike | Dataset,
    split: str,
    image_size: int | tuple[int, int] = 128,
    batch_size: int = 16,
    augmentation: Augmentation | None = None,
    seed: int = 0,
    epochs: Sequence[int] = (0,),
    shard: tuple[int, int] = (0, 1),
) -> tf.data.Dataset:
    """Loads a data set as batches of images and masks.

    Unless they are drawn anew, all examples of the split stay in memory once they are squeezed: 4 bytes a pixel, or 7
    where a number in the masks is negative or above 255.

    Args:
        name: "oxford_iiit_pet" (photos, from disk), "synthetic_pets" (drawn on the fly), the path of a folder, as
            `zoo.data.open_folder` takes it, or a `Dataset`.
        split: "train", "validation" (cut from the training images by a fixed rule), both of them as
            "train+validation" (drawn pets: as many scenes, but new ones), or "test".
        image_size: side in pixels, or (height, width), to which images and masks are squeezed.
        batch_size: examples in a batch.
        augmentation: an `Augmentation` for training: examples come in random order, each is changed at
            random, and a last batch that is not full is left out: one must be full. `None` for the examples as
            they are.
        seed: with the epoch and the batch's number, decides all that is random.
        epochs: the numbers of the epochs to give, one pass after the other.
        shard: for training by several processes: the number of this one, counted from 0, and how many there are.
            Each gets its part of every batch, so that all together see what one process would see.

    Returns:
        A `tf.data.Dataset` of (images, masks): float32 (b, h, w, 3) in [0, 1], and int32 (b, h, w) with the
        numbers of the data set's classes. What comes into a changed image from outside of it is black, and in its mask
        background, or, where no class is, the ignored number.

    Raises:
        ValueError: if an argument is none of the above, or a `Dataset` gives other types than it promises.
        DatasetNotFoundError, CorruptDatasetError: as `oxford_iiit_pet.examples`.
        tf.errors.InvalidArgumentError: as batches are read, if a mask does not fit the classes or its image.
    """
    dataset = find(name)
    if dataset.background is None and augmentation is not None and augmentation.paste_share:
        raise ValueError(f"`paste_share` needs a class that is background. Received: {', '.join(dataset.classes)}")
    fill = dataset.ignored if dataset.background is None else dataset.background
    if augmentation is not None and fill is None:
        raise ValueError(
            "`augmentation` needs a data set with a number for `background` or `ignored`: the mask of what comes "
            f"into a changed image from outside of it. Received: {dataset.name!r}, which has neither"
        )
    check_positive("batch_size", batch_size)
    both_sides(image_size)  # refuses what is no size
    check_split(split)
    check_types(dataset, photos := dataset.examples(split))
    count = len(photos)
    if augmentation is not None and count < batch_size:
        raise ValueError(
            f"`batch_size` must be at most {count}, the images of the split {split!r}. Received: {batch_size=}"
        )

    def squeeze_one(image, mask):
        return squeeze(dataset, image, mask, image_size)

    squeezed = photos.map(squeeze_one, tf.data.AUTOTUNE).cache()

    def one_epoch(epoch):
        if dataset.draw:  # every epoch has new scenes: there is no order to change
            squeezed_now = dataset.draw(split, epoch, squeeze_one)
        elif augmentation is None:
            squeezed_now = squeezed
        else:
            # In this graph alone, so that a seed set for the whole program does not change the order.
            tf.compat.v1.set_random_seed(87654321)  # TensorFlow's own default
            squeezed_now = squeezed.shuffle(count, seed=seed * 100_003 + epoch, reshuffle_each_iteration=False)
        batches = squeezed_now.batch(batch_size, drop_remainder=augmentation is not None)
        if augmentation is None:
            return batches.map(lambda images, masks: (scale(images), tf.cast(masks, tf.int32)), tf.data.AUTOTUNE)
        key = tf.stack([tf.cast(seed, tf.int64), epoch])
        process, processes = shard

        def change(number, batch):
            images, masks = augment(*batch, tf.random.experimental.stateless_fold_in(key, number), fill, augmentation)
            return images[process::processes], tf.cast(masks[process::processes], tf.int32)

        return batches.enumerate().map(change, tf.data.AUTOTUNE)

    passes = tf.data.Dataset.from_tensor_slices(tf.constant(list(epochs), tf.int64)).flat_map(one_epoch)
    batches = math.ceil(count / batch_size) if augmentation is None else count // batch_size
    passes = passes.apply(tf.data.experimental.assert_cardinality(batches * len(epochs)))
    return passes.prefetch(tf.data.AUTOTUNE)


def examples(name: str | os.PathLike | Dataset, split: str) -> tf.data.Dataset:
    """The examples of a data set one by one, at their own sizes.

    Args and raises as for `load`.

    Returns:
        A `tf.data.Dataset` of (image, mask): uint8 (h, w, 3) and int32 (h, w).
    """
    check_split(split)
    return find(name).examples(split)


def to_score(name: str | os.PathLike | Dataset, split: str, image_size: int | tuple[int, int]) -> tf.data.Dataset:
    """The examples one by one, each read once: squeezed, and with the mask at its own size, too.

    Args and raises as for `load`.

    Returns:
        A `tf.data.Dataset` of (image, mask, own mask): float32 (h, w, 3) in [0, 1]; int32 (h, w); and (h, w) of uint8,
        or of int32 where a number needs it, since photos may be large.
    """
    dataset = find(name)
    check_split(split)
    both_sides(image_size)
    check_types(dataset, photos := dataset.examples(split))

    def keep_mask(image, mask):
        small, small_mask = squeeze(dataset, image, mask, image_size)
        return scale(small), tf.cast(small_mask, tf.int32), tf.cast(mask, small_mask.dtype)

    return photos.map(keep_mask, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def describe(name: str | os.PathLike | Dataset, split: str) -> dict:
    """What a split holds: number of examples, sizes, and for photos a fingerprint, as a dictionary.

    Args and raises as for `load`.
    """
    check_split(split)
    return find(name).describe(split)


def find(name: str | os.PathLike | Dataset) -> Dataset:
    """The `Dataset` of that name, or in the folder of that path; or one that is a `Dataset` already.

    Raises:
        ValueError: if there is none.
    """
    if isinstance(name, Dataset):
        return name
    if isinstance(name, str | os.PathLike):
        if name in DATASETS:
            return DATASETS[name]
        if os.fspath(name) and Path(name).is_dir():  # "" would be the current one
            return open_folder(name)
    raise ValueError(
        f"`name` must be one of {', '.join(DATASETS)}, or a folder, or a `Dataset`. Received: name={str(name)!r}"
    )


def check_split(split):
    """Refuses what is no split."""
    if split not in SPLITS:
        raise ValueError(f"`split` must be one of {', '.join(SPLITS)}. Received: split={split!r}")


def default_dataset() -> str:
    """The data set for a command that was told none: photos if they are on this machine, else drawn pets."""
    return "oxford_iiit_pet" if prepared.is_prepared() else "synthetic_pets"
