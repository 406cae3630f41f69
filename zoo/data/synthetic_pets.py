"""Pets with trimaps, drawn on the fly: a stand-in that needs no file.

A scene holds one pet (body, head, ears, legs and tail) among cushions, ellipses with furs of
their own. Colours and patterns are drawn alike for pet, cushions and floor, so that a small
patch does not tell them apart: the shape does.

To be fast, a few scenes are drawn at once, at half the size, and every pixel is given the fur
of what lies on top there before anything is coloured.
"""

import math

import tensorflow as tf

from zoo.data.dataset import Dataset
from zoo.data.oxford_iiit_pet import BACKGROUND, CLASSES

SIZE = 128  # side of a scene, in pixels
EXAMPLES = {"train": 3000, "validation": 300, "test": 500, "train+validation": 3300}
BORDER = 0.014  # half the width of the border, as a share of the scene's side
CUSHIONS = 4
TOGETHER = 8  # scenes that are drawn at once
HALF = SIZE // 2  # side at which furs and shapes are drawn; they are smooth, and grow to SIZE

STEPS = (tf.range(HALF, dtype=tf.float32) + 0.5) / HALF
POINTS = tf.reshape(tf.stack([*tf.meshgrid(STEPS, STEPS), tf.ones([HALF, HALF])]), [3, -1])  # x to the right, y down, 1
PRODUCTS = tf.reshape(POINTS[:, None] * POINTS, [9, -1])  # of the three with one another
NOISE = tf.random.stateless_normal([4 * TOGETHER, SIZE, SIZE, 3], [0, 0], stddev=0.03 * 255)  # taken from at random
WEIGHTS = tf.image.resize(tf.eye(4)[..., None], (HALF, 4), "bicubic")[..., 0]  # of four values along a side


def examples(split, epoch=0, change=None):
    """The scenes of a split. Every epoch draws new ones for training; the other splits stay.

    Args:
        split: "train", "validation", "test", or "train+validation".
        epoch: integer from 0, may be a tensor.
        change: what happens to a few images (b, 128, 128, 3) and masks (b, 128, 128) at once, before they
            are taken apart: a function that returns changed ones.

    Returns:
        A `tf.data.Dataset` of (image, mask): uint8 (128, 128, 3), and int32 (128, 128) with
        0 for pet, 1 for background and 2 for border.
    """
    key = tf.stack([tf.constant(list(EXAMPLES).index(split), tf.int64), tf.cast(epoch, tf.int64)])
    key = key if split.startswith("train") else key * [1, 0]
    count = EXAMPLES[split]

    def draw(index):
        scenes = draw_scenes(tf.random.experimental.stateless_fold_in(key, index))
        return change(*scenes) if change else scenes

    scenes = tf.data.Dataset.range(math.ceil(count / TOGETHER)).map(draw, tf.data.AUTOTUNE)
    return scenes.unbatch().take(count).apply(tf.data.experimental.assert_cardinality(count))


def describe(split):
    """What a split holds: a dictionary of the number of `examples`, and the `smallest` and `largest` scene."""
    return {"examples": EXAMPLES[split], "smallest": (SIZE, SIZE), "largest": (SIZE, SIZE)}


def species(split):
    """What each of the `examples` shows, in their order: a list of "drawn pets"."""
    return ["drawn pets"] * EXAMPLES[split]


def draw_scenes(key):
    """Draws a few scenes.

    Args:
        key: integer tensor of shape (2,); the same key gives the same scenes.

    Returns:
        (images, masks), `TOGETHER` of them, as in `examples`.
    """
    keys = tf.random.experimental.stateless_split(key, 4)
    cushions = tf.random.stateless_uniform([TOGETHER, CUSHIONS, 4], keys[0])
    cushions = inside(*ellipses(cushions[..., :2], 0.06 + 0.2 * cushions[..., 2:])[:2])  # (b, CUSHIONS, h * w)
    pet = tf.reduce_min(distances(*pets(keys[1])), axis=1, keepdims=True)  # (b, 1, h * w)
    layers = tf.range(1, CUSHIONS + 2)[:, None]  # the floor is layer 0, the pet lies on top
    on_top = tf.reduce_max(tf.where(tf.concat([cushions, pet < 0], 1), layers, 0), axis=1)  # (b, h * w)
    images = enlarge(draw_furs(keys[2], on_top), 3)
    first = tf.random.stateless_uniform([], keys[3], 0, len(NOISE) - TOGETHER + 1, tf.int32)
    images += NOISE[first : first + TOGETHER]
    outside = enlarge(pet, 1)[..., 0]
    masks = tf.where(tf.abs(outside) < BORDER, 2, tf.cast(outside > 0, tf.int32))
    return tf.cast(tf.clip_by_value(images, 0, 255), tf.uint8), masks


def enlarge(pixels, channels):
    """From half the size to the whole: (b, SIZE, SIZE, channels)."""
    return tf.image.resize(tf.reshape(pixels, [TOGETHER, HALF, HALF, channels]), (SIZE, SIZE))


def draw_furs(key, layer):
    """Stripes of two random colours under a random light, other stripes for each layer.

    Args:
        key: integer tensor of shape (2,).
        layer: integers (b, h * w), the number of the fur that is seen at each pixel.

    Returns:
        Colours (b, h * w, 3), about 0 to 255.
    """
    u = tf.random.stateless_uniform([TOGETHER, CUSHIONS + 2, 9], key)
    knots = tf.random.stateless_uniform([TOGETHER, 4, 4], key + 1)
    light = tf.reshape(WEIGHTS @ knots @ tf.transpose(WEIGHTS), [TOGETHER, -1])  # (b, h * w)
    angle, frequency = u[..., :1] * math.pi, 10 + 60 * u[..., 1:2]
    change = u[..., 2:3] * (u[..., 6:9] - u[..., 3:6]) / 2
    furs = tf.concat([frequency * tf.cos(angle), frequency * tf.sin(angle), u[..., 3:6] + change, change], -1)
    here = tf.gather(furs, layer, batch_dims=1)  # (b, h * w, 8)
    wave = here[..., 0] * POINTS[0] + here[..., 1] * POINTS[1] + 4 * light
    return (here[..., 2:5] + tf.sin(wave)[..., None] * here[..., 5:]) * (153 + 102 * light)[..., None]


def pets(key):
    """The parts of pets in random poses, as `distances` takes them."""
    u = tf.random.stateless_uniform([12, TOGETHER, 1], key)

    def places(*pairs):
        return tf.stack([tf.concat([x + 0 * u[0], y + 0 * u[0]], -1) for x, y in pairs], 1)  # (b, pairs, 2)

    head = (0.22 + 0.1 * (u[5] - 0.5), -0.2 + 0.1 * (u[6] - 0.5))
    hips = (-0.17, -0.08, 0.1, 0.18)
    sides = (-1, 1)
    round_parts = ellipses(places((0, 0), head), places((0.25, 0.13 + 0.06 * u[7]), (0.13, 0.12)))
    ears = [(head[0] + 0.08 * side, head[1] - 0.08) for side in sides]
    tips = [(head[0] + 0.1 * side, head[1] - 0.17) for side in sides]
    feet = [(hip + 0.1 * (u[8] - 0.5), 0.22 + 0.08 * u[9]) for hip in hips]
    long_parts = limbs(
        places(*ears, *((hip, 0.08) for hip in hips), (-0.22, -0.03)),
        places(*tips, *feet, (-0.4, -0.25 + 0.35 * u[10])),
        tf.constant([0.03, 0.03, 0.035, 0.035, 0.035, 0.035, 0.025]),
    )
    along, across, length, radius = (tf.concat(parts, 1) for parts in zip(round_parts, long_parts, strict=True))
    # From the scene to the pet: move it, turn it to look left or right, and tilt it.
    size, flip, angle = 0.9 + 0.7 * u[2], tf.where(u[3] < 0.5, -1.0, 1.0), 0.8 * (u[4] - 0.5)
    zero, one = 0 * size, 1 + 0 * size
    move = rows([one / size, zero, -(0.35 + 0.3 * u[0]) / size], [zero, one / size, -(0.35 + 0.3 * u[1]) / size])
    tilt = rows([flip * tf.cos(angle), tf.sin(angle), zero], [-flip * tf.sin(angle), tf.cos(angle), zero])
    to_pet = tilt @ move
    return along @ to_pet, across @ to_pet, length, radius * size


def rows(*first_two):
    """Matrices (b, 3, 3) that map (x, y, 1), from their first two rows."""
    return tf.stack([*(tf.concat(row, -1) for row in first_two), tf.constant([[0.0, 0.0, 1.0]] * TOGETHER)], 1)


def ellipses(centres, radii):
    """Ellipses with centres and radii (b, n, 2), as `distances` takes them: circles of a stretched plane."""
    forms = tf.concat([tf.linalg.diag(1 / radii), -(centres / radii)[..., None]], -1)  # (b, n, 2, 3)
    return forms[..., 0, :], forms[..., 1, :], tf.zeros_like(radii[..., 0]), tf.reduce_min(radii, -1)


def limbs(starts, ends, radius):
    """Lines with round ends from starts to ends (b, n, 2), as `distances` takes them; radius (n,)."""
    line = (ends - starts) / radius[:, None]
    length = tf.norm(line, axis=-1)
    direction = line / length[..., None] / radius[:, None]
    normal = tf.stack([-direction[..., 1], direction[..., 0]], -1)
    along, across = (
        tf.concat([form, -tf.reduce_sum(form * starts, -1, keepdims=True)], -1) for form in (direction, normal)
    )
    return along, across, length, radius + 0 * length


def inside(along, across):
    """Which points lie inside ellipses: booleans (b, n, h * w), from their forms as `distances` takes them."""
    squares = sum(form[..., None] * form[..., None, :] for form in (along, across))  # (b, n, 3, 3)
    return tf.tensordot(tf.reshape(squares, [TOGETHER, -1, 9]), PRODUCTS, 1) < 1


def distances(along, across, length, radius):
    """About the signed distances of all points to shapes, negative inside.

    A shape is a line of some length with round ends of radius 1, in a plane of its own.

    Args:
        along, across: (b, n, 3), the linear forms of (x, y, 1) that give a point's place in that plane:
            along the line, from its start, and across it.
        length: (b, n), of the line.
        radius: (b, n), the shape's own, in sides of the scene.

    Returns:
        Distances (b, n, h * w) in sides of the scene.
    """
    along, across = tf.tensordot(along, POINTS, 1), tf.tensordot(across, POINTS, 1)
    along -= tf.clip_by_value(along, 0.0, length[..., None])
    return (tf.sqrt(along * along + across * across) - 1) * radius[..., None]


DATASET = Dataset("synthetic_pets", CLASSES, examples, describe, BACKGROUND, groups=species, draw=examples)
