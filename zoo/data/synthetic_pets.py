"""Pets with trimaps, drawn on the fly: a stand-in that needs no file.

A scene holds one pet (body, head, ears, legs and tail) among cushions, ellipses with furs of
their own. Colours and patterns are drawn alike for pet, cushions and floor, so that a small
patch does not tell them apart: the shape does.
"""

import math

import tensorflow as tf

SIZE = 160  # side of a scene, in pixels
EXAMPLES = {"train": 3000, "validation": 300, "test": 500, "train+validation": 3300}
BORDER = 0.014  # half the width of the border, as a share of the scene's side
CUSHIONS = 4


def examples(split, epoch=0):
    """The scenes of a split. Every epoch draws new ones for training; the other splits stay.

    Args:
        split: "train", "validation", "test", or "train+validation".
        epoch: integer from 0, may be a tensor.

    Returns:
        A `tf.data.Dataset` of (image, mask): uint8 (160, 160, 3), and int32 (160, 160) with
        0 for pet, 1 for background and 2 for border.
    """
    key = tf.stack([tf.constant(list(EXAMPLES).index(split), tf.int64), tf.cast(epoch, tf.int64)])
    key = key if split.startswith("train") else key * [1, 0]
    scenes = tf.data.Dataset.range(EXAMPLES[split])
    return scenes.map(
        lambda index: draw_scene(tf.random.experimental.stateless_fold_in(key, index)),
        num_parallel_calls=tf.data.AUTOTUNE,
    )


def describe(split):
    """What a split holds: a dictionary of the number of `examples`, and the `smallest` and `largest` scene."""
    return {"examples": EXAMPLES[split], "smallest": (SIZE, SIZE), "largest": (SIZE, SIZE)}


def species(split):
    """What each of the `examples` shows, in their order: a list of "drawn pets"."""
    return ["drawn pets"] * EXAMPLES[split]


def draw_scene(key):
    """Draws one scene.

    Args:
        key: integer tensor of shape (2,); the same key gives the same scene.

    Returns:
        (image, mask), as in `examples`.
    """
    keys = tf.random.experimental.stateless_split(key, CUSHIONS + 4)
    steps = tf.linspace(0.0, 1.0, SIZE)
    points = tf.stack(tf.meshgrid(steps, steps), axis=-1)  # (h, w, 2): x to the right, y downwards
    image = draw_fur(keys[0], points)
    for cushion in range(CUSHIONS):
        u = tf.random.stateless_uniform([4], keys[1 + cushion])
        outside = ellipse(points, u[:2], 0.06 + 0.2 * u[2:])
        image = tf.where(outside[..., None] < 0, draw_fur(keys[1 + cushion], points), image)
    outside = pet(keys[-2], points)
    image = tf.where(outside[..., None] < 0, draw_fur(keys[-2], points), image)
    image += tf.random.stateless_normal(image.shape, keys[-1], stddev=0.03)
    mask = tf.where(tf.abs(outside) < BORDER, 2, tf.where(outside < 0, 0, 1))
    return tf.cast(tf.clip_by_value(image, 0, 1) * 255, tf.uint8), mask


def draw_fur(key, points):
    """Stripes of two random colours under a random light: (h, w, 3), about 0 to 1."""
    u = tf.random.stateless_uniform([9], key + 1)
    light = tf.image.resize(tf.random.stateless_uniform([4, 4, 1], key + 2), (SIZE, SIZE), "bicubic")
    angle, frequency = u[0] * math.pi, 10 + 60 * u[1]
    along = points[..., 0] * tf.cos(angle) + points[..., 1] * tf.sin(angle)
    stripe = 0.5 + 0.5 * tf.sin(frequency * along + 4 * light[..., 0])
    return (u[3:6] + stripe[..., None] * u[2] * (u[6:9] - u[3:6])) * (0.6 + 0.4 * light)


def pet(key, points):
    """Signed distance to a pet in a random pose, in sides of the scene; negative inside."""
    u = tf.random.stateless_uniform([12], key)
    scale = 0.9 + 0.7 * u[2]
    points = (points - (0.35 + 0.3 * u[:2])) / scale
    points *= tf.stack([tf.sign(u[3] - 0.5), 1.0])  # looks left or right
    angle = 0.8 * (u[4] - 0.5)
    turn = tf.stack([tf.stack([tf.cos(angle), -tf.sin(angle)]), tf.stack([tf.sin(angle), tf.cos(angle)])])
    points = points @ turn
    head = tf.stack([0.22, -0.2]) + 0.1 * (u[5:7] - 0.5)
    parts = [ellipse(points, [0.0, 0.0], tf.stack([0.25, 0.13 + 0.06 * u[7]])), ellipse(points, head, [0.13, 0.12])]
    parts += [limb(points, head + [side * 0.08, -0.08], head + [side * 0.1, -0.17], 0.03) for side in (-1.0, 1.0)]
    for hip in (-0.17, -0.08, 0.1, 0.18):
        parts.append(limb(points, [hip, 0.08], tf.stack([hip + 0.1 * (u[8] - 0.5), 0.22 + 0.08 * u[9]]), 0.035))
    parts.append(limb(points, [-0.22, -0.03], tf.stack([-0.4, -0.25 + 0.35 * u[10]]), 0.025))
    return tf.reduce_min(tf.stack(parts), axis=0) * scale


def ellipse(points, centre, radii):
    """About the signed distance to an ellipse."""
    return (tf.norm((points - centre) / radii, axis=-1) - 1) * tf.reduce_min(radii)


def limb(points, start, end, radius):
    """Signed distance to a line with round ends."""
    line, ahead = tf.convert_to_tensor(end) - start, points - start
    share = tf.clip_by_value(tf.reduce_sum(ahead * line, -1) / tf.reduce_sum(line * line), 0, 1)
    return tf.norm(ahead - share[..., None] * line, axis=-1) - radius
