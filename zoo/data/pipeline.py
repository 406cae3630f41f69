"""From a data set's name to batches, through tf.data."""

import math

import tensorflow as tf

from zoo.data import oxford_iiit_pet, synthetic_pets

DATASETS = {"oxford_iiit_pet": oxford_iiit_pet, "synthetic_pets": synthetic_pets}
SPLITS = ("train", "validation", "train+validation", "test")
CLASSES = ("pet", "background", "border")
BACKGROUND = CLASSES.index("background")


def load(name, split, image_size=128, batch_size=16, augment=False, seed=0, epochs=(0,), share=(0, 1)):
    """Loads a data set as batches of images and masks.

    Args:
        name: "oxford_iiit_pet" (photos, from disk) or "synthetic_pets" (drawn on the fly).
        split: "train", "validation" (cut from the training images by a fixed rule), both of them as
            "train+validation" (drawn pets: as many scenes, but new ones), or "test".
        image_size: side in pixels to which images and masks are squeezed.
        batch_size: examples in a batch.
        augment: for training: examples in random order, each flipped, turned, scaled, shifted
            and lit at random, and a last batch that is not full is left out.
        seed: with the epoch and the example's number, decides all that is random.
        epochs: the numbers of the epochs to give, one pass after the other.
        share: for training by several processes: the number of this one, counted from 0, and how many there are.
            Each gets its part of every batch, so that all together see what one process would see.

    Returns:
        A `tf.data.Dataset` of (images, masks): float32 (b, h, w, 3) in [0, 1], and int32
        (b, h, w) with 0 for pet, 1 for background and 2 for border.

    Raises:
        ValueError: if an argument is none of the above.
        DatasetNotFoundError, CorruptDatasetError: as `oxford_iiit_pet.examples`.
    """
    for argument, value in {"image_size": image_size, "batch_size": batch_size}.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ValueError(f"`{argument}` must be a positive integer. Received: {argument}={value!r}")

    def squeeze(image, mask):
        # A byte for a class is enough to keep.
        return resize_image(image, image_size), tf.cast(resize_mask(mask, image_size), tf.uint8)

    photos = examples(name, split)
    count = len(photos)
    squeezed = photos.map(squeeze, tf.data.AUTOTUNE).cache()

    def one_epoch(epoch):
        if name == "synthetic_pets":  # every epoch draws new scenes: there is no order to change
            numbered = synthetic_pets.examples(split, epoch).map(squeeze, tf.data.AUTOTUNE).enumerate()
        else:
            numbered = squeezed.enumerate()
            if augment:
                # In this graph alone, so that a seed set for the whole program does not change the order.
                tf.compat.v1.set_random_seed(87654321)  # TensorFlow's own default
                numbered = numbered.shuffle(count, seed=seed * 100_003 + epoch, reshuffle_each_iteration=False)
        if augment:
            key = tf.stack([tf.cast(seed, tf.int64), epoch])
            process, processes = share
            numbered = numbered.take(count // batch_size * batch_size).shard(processes, process)
            batches = numbered.map(
                lambda number, example: augment_example(
                    *example, tf.random.experimental.stateless_fold_in(key, number)
                ),
                tf.data.AUTOTUNE,
            )
        else:
            batches = numbered.map(lambda number, example: (scale(example[0]), example[1]), tf.data.AUTOTUNE)
        batches = batches.batch(batch_size // share[1], drop_remainder=augment)
        return batches.map(lambda images, masks: (images, tf.cast(masks, tf.int32)))

    dataset = tf.data.Dataset.from_tensor_slices(tf.constant(list(epochs), tf.int64)).flat_map(one_epoch)
    batches = count // batch_size if augment else math.ceil(count / batch_size)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(batches * len(epochs)))
    return dataset.prefetch(tf.data.AUTOTUNE)


def examples(name, split):
    """The examples of a data set one by one, at their own sizes.

    Args and raises as for `load`.

    Returns:
        A `tf.data.Dataset` of (image, mask): uint8 (h, w, 3) and int32 (h, w).
    """
    return find(name, split).examples(split)


def describe(name, split):
    """What a split holds: number of examples, sizes, and for photos a fingerprint, as a dictionary.

    Args and raises as for `load`.
    """
    return find(name, split).describe(split)


def species(name, split):
    """What each of the `examples` shows, in their order: a list of words in the plural, such as "cats".

    Args and raises as for `load`.
    """
    return find(name, split).species(split)


def find(name, split):
    """The module of a data set, if it and the split exist."""
    if name not in DATASETS:
        raise ValueError(f"`name` must be one of {', '.join(DATASETS)}. Received: name={name!r}")
    if split not in SPLITS:
        raise ValueError(f"`split` must be one of {', '.join(SPLITS)}. Received: split={split!r}")
    return DATASETS[name]


def default_dataset():
    """The data set for a command that was told none: photos if they are on this machine, else drawn pets."""
    return "oxford_iiit_pet" if oxford_iiit_pet.is_prepared() else "synthetic_pets"


def resize_image(image, image_size):
    """Squeezes an image (h, w, 3) to uint8 (image_size, image_size, 3), with no aliasing."""
    image = tf.image.resize(image, (image_size, image_size), antialias=True)
    return tf.saturate_cast(tf.round(image), tf.uint8)


def resize_mask(mask, image_size):
    """Squeezes a mask (h, w) to (image_size, image_size). Only by nearest neighbour: between two
    class numbers lies no third class.

    Raises:
        ValueError: if the mask has more or fewer axes.
    """
    if len(mask.shape) != 2:
        raise ValueError(f"`mask` must be of shape (h, w). Received: {tuple(mask.shape)}")
    return tf.image.resize(mask[..., None], (image_size, image_size), "nearest")[..., 0]


def scale(image):
    """From uint8 to float32 in [0, 1]."""
    return tf.cast(image, tf.float32) / 255


def augment_example(image, mask, key):
    """Moves image and mask together and changes the light of the image.

    Args:
        image: uint8 (h, w, 3).
        mask: integers (h, w).
        key: integer tensor of shape (2,); the same key gives the same result.

    Returns:
        (image, mask): float32 (h, w, 3) in [0, 1], and integers (h, w). What comes from outside the
        image is black in the image and background in the mask.
    """
    u = tf.random.stateless_uniform([9], key, -1.0, 1.0)
    transform = random_transform(u[:6], tf.shape(mask))
    image = warp(scale(image), transform, "BILINEAR", fill=0.0)
    mask = warp(mask[..., None], transform, "NEAREST", fill=BACKGROUND)[..., 0]
    grey = tf.image.rgb_to_grayscale(image)
    image = grey + (image - grey) * (1 + 0.4 * u[6])  # saturation
    mean = tf.reduce_mean(image)
    image = mean + (image - mean) * (1 + 0.3 * u[7])  # contrast
    return tf.clip_by_value(image + 0.15 * u[8], 0, 1), mask


def random_transform(u, shape):
    """Flip, turn by up to 15 degrees, scale by 0.8 to 1.25, stretch by up to 10 % and shift by up to 10 %.

    Args:
        u: six numbers in [-1, 1].
        shape: (height, width) of the image.

    Returns:
        The first eight entries of the 3x3 matrix from a pixel of the result to one of the image.
    """
    height, width = tf.cast(shape[0], tf.float32), tf.cast(shape[1], tf.float32)
    flip = tf.sign(u[0])
    angle = u[1] * math.radians(15)
    zoom, stretch = tf.pow(1.25, u[2]), tf.pow(1.1, u[3])
    # x and y count from the middle of the image
    xx, xy = flip * zoom * stretch * tf.cos(angle), -flip * zoom * stretch * tf.sin(angle)
    yx, yy = zoom / stretch * tf.sin(angle), zoom / stretch * tf.cos(angle)
    x, y = (width - 1) / 2, (height - 1) / 2
    shift_x, shift_y = 0.1 * width * u[4], 0.1 * height * u[5]
    return tf.stack([xx, xy, x - xx * x - xy * y + shift_x, yx, yy, y - yx * x - yy * y + shift_y, 0.0, 0.0])


def warp(image, transform, interpolation, fill):
    """Applies a transform of `random_transform` to an image or mask (h, w, c)."""
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=image[None],
        transforms=transform[None],
        output_shape=tf.shape(image)[:2],
        fill_value=fill,
        interpolation=interpolation,
        fill_mode="CONSTANT",
    )[0]
