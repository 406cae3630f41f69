"""What a data set is."""

import dataclasses
from collections.abc import Callable

import numpy as np
import tensorflow as tf

MOST_LABEL = 1 << 24  # up to which TensorFlow's turning of masks, in floating point, keeps whole numbers
SPLITS = ("train", "validation", "train+validation", "test")


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A data set: its classes, and where its examples come from. Whoever needs classes or examples asks it.

    Args:
        name: for cards and messages.
        classes: their names, by number.
        examples: function from one of `SPLITS` to a `tf.data.Dataset` of (image, mask), one by one and at their own
            sizes: uint8 (h, w, 3) and int32 (h, w). Its `len` must be known.
        describe: function from a split to a dictionary: the number of `examples`, and what tells them from others.
        background: number of the class that is background; all others together are foreground. `None` if none is.
        ignored: number in masks, up to 2^24, whose pixels do not count. `None` if every pixel does; training needs it
            where no class is background, for what comes into a changed image from outside of it.
        groups: function from a split to a word for each example, in their order, such as "cats"; the words get scores
            of their own.
        one_logit: whether a network says with one logit a pixel whether it is class 1, of two classes.
        draw: where each epoch draws its own examples: function from a split, the number of the epoch and a function
            that changes image and mask, of one example or of several, to the changed examples.
    """

    name: str
    classes: tuple[str, ...]
    examples: Callable
    describe: Callable
    background: int | None = None
    ignored: int | None = None
    groups: Callable = lambda split: []
    one_logit: bool = False
    draw: Callable | None = None

    def __post_init__(self):
        """Refuses a background that is no class, and an ignored number that masks would lose."""
        if self.background is not None and not 0 <= self.background < len(self.classes):
            raise ValueError(
                f"`background` must be the number of a class, 0 to {len(self.classes) - 1}, or None. "
                f"Received: background={self.background!r:.60}"
            )
        if self.ignored is not None and abs(self.ignored) > MOST_LABEL:
            raise ValueError(
                f"`ignored` must lie between -{MOST_LABEL:,} and {MOST_LABEL:,}. Received: ignored={self.ignored!r:.60}"
            )

    def __repr__(self):
        """Short, for the functions may hold all files."""
        return f"Dataset({self.name!r}, {len(self.classes)} classes)"

    @property
    def logits(self):
        """How many logits a network gives each pixel."""
        return 1 if self.one_logit else len(self.classes)


def check_types(dataset, examples):
    """Refuses examples of other types or shapes than a `Dataset` promises; a shape may be unknown."""
    image, mask = examples.element_spec
    fits = image.shape.is_compatible_with([None, None, 3]) and mask.shape.is_compatible_with([None, None])
    if image.dtype != tf.uint8 or not mask.dtype.is_integer or not fits:
        raise ValueError(
            f"The data set {dataset.name} must give images of uint8 (h, w, 3) and masks of integers (h, w). "
            f"Received: {image.dtype.name} and {mask.dtype.name}, of shapes {image.shape} and {mask.shape}"
        )


def check_groups(dataset, groups, count, taken):
    """Refuses groups that are fewer than one word for each of `count` examples, or bear names that are `taken`."""
    if groups and (len(groups) < count or set(groups) & set(taken)):
        raise ValueError(
            f"`groups` of the data set {dataset.name} must give each of {count} examples a word, none of "
            f"{', '.join(taken)}. Received: {len(groups)} words, {', '.join(map(str, sorted(set(groups)))):.60}"
        )


def check_labels(mask, num_classes, ignored, name):
    """Raises a `ValueError` that names the numbers of an integer mask that are no class, nor `ignored` (or `None`)."""
    if mask.dtype.kind not in "biu":
        raise ValueError(f"The numbers of {name} must be whole numbers. Received: {mask.dtype}")
    if mask.size and (mask.min() < 0 or mask.max() >= num_classes):
        wrong = [int(label) for label in np.unique(mask) if label != ignored and not 0 <= label < num_classes]
        if wrong:
            allowed = f"0 to {num_classes - 1}" + ("" if ignored is None else f", or {ignored} (ignored)")
            raise ValueError(f"The numbers of {name} must be classes, {allowed}. Received: {str(wrong[:8])[1:-1]}")


def check_example(dataset, image, mask):
    """Within a graph, refuses a mask with a number that is no class, or of another size than its image."""
    numbers = tf.cast(mask, tf.int64)
    known = (numbers >= 0) & (numbers < len(dataset.classes)) | (numbers == (dataset.ignored or 0))
    message = f"masks of {dataset.name} must hold the numbers of its {len(dataset.classes)} classes"
    tf.debugging.assert_equal(tf.reduce_all(known), True, message)
    tf.debugging.assert_equal(tf.shape(image)[:-1], tf.shape(mask), f"masks of {dataset.name} must fit its images")
