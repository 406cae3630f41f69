import math

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from zoo.data import BACKGROUND, Augmentation
from zoo.data.augmentation import augment, change_light, random_transforms, warp


def augmented(images, masks, number, **options):
    changed = augment(images, masks, [3, number], BACKGROUND, Augmentation(**options))
    return [x.numpy() for x in changed]


@pytest.mark.parametrize("jitter", [1.25, 2.0])
def test_masks_move_as_in_scipy(rng, jitter):
    masks = rng.integers(0, 3, (20, 40, 56)).astype("uint8")
    transforms = random_transforms(tf.constant(rng.uniform(-1, 1, (20, 6)), tf.float32), (40, 56), jitter)
    moved = warp(masks[..., None], transforms, "NEAREST", BACKGROUND).numpy()[..., 0]
    for mask, transform, found in zip(masks, transforms.numpy(), moved, strict=True):
        (xx, xy, x), (yx, yy, y) = transform[:6].reshape(2, 3)
        expected = ndimage.affine_transform(mask, [[yy, yx], [xy, xx]], [y, x], order=0, cval=BACKGROUND)
        assert (found == expected).mean() > 0.95  # where a source lies between two pixels, either may win


COS, SIN = math.cos(math.radians(15)), math.sin(math.radians(15))


@pytest.mark.parametrize(
    ("u", "expected"),
    [
        ((0, 0, 0, 0, 0, 0), [1, 0, 0, 0, 1, 0]),  # as it is: exactly between the two sides
        ((-1, 0, 0, 0, 0, 0), [-1, 0, 55, 0, 1, 0]),  # the first column shows the last one, 55
        ((1, 1, 0, 0, 0, 0), [COS, -SIN, 27.5 - 27.5 * COS + 19.5 * SIN, SIN, COS, 19.5 - 27.5 * SIN - 19.5 * COS]),
        ((-1, 1, 0, 0, 0, 0), [-COS, SIN, 27.5 + 27.5 * COS - 19.5 * SIN, SIN, COS, 19.5 - 27.5 * SIN - 19.5 * COS]),
        ((1, 0, 1, 0, 0, 0), [2, 0, -27.5, 0, 2, -19.5]),  # two pixels a step: half as large
        ((1, 0, -1, 0, 0, 0), [0.5, 0, 27.5 / 2, 0, 0.5, 19.5 / 2]),
        ((1, 0, 0, 1, 0, 0), [1.1, 0, -0.1 * 27.5, 0, 1 / 1.1, 0.1 / 1.1 * 19.5]),  # narrower, and higher
        ((1, 0, 0, 0, 1, 1), [1, 0, 0.1 * 56, 0, 1, 0.1 * 40]),
        ((1, 0, 1, 0, 1, -1), [2, 0, 0.6 * 56 - 27.5, 0, 2, -0.6 * 40 - 19.5]),  # half of the side is free
        ((1, 0, -1, 0, 1, 1), [0.5, 0, 0.35 * 56 + 27.5 / 2, 0, 0.5, 0.35 * 40 + 19.5 / 2]),  # a quarter is cut off
    ],
)
def test_transforms_are_those_by_hand(u, expected):
    """Of images of 40 x 56, with the middle (27.5, 19.5). Entries: xx, xy, x0 for x = xx x + xy y + x0, then for y."""
    (transform,) = random_transforms(tf.constant([u], tf.float32), (40, 56), 2.0).numpy()
    np.testing.assert_allclose(transform, [*expected, 0, 0], atol=1e-5)


def test_images_and_masks_move_together():
    masks = np.ones((20, 64, 64), "uint8")
    masks[:, 12:40, 20:50] = 0
    images = np.repeat(np.where(masks == 0, 200, 50)[..., None], 3, -1).astype("uint8")
    for image, mask in zip(*augmented(images, masks, 0, scale_jitter=1.6), strict=True):
        pet = ndimage.binary_erosion(mask == 0, iterations=2)
        rest = ndimage.binary_erosion(mask == 1, iterations=2, border_value=1)
        assert pet.sum() > 50
        assert image[pet].min() > image[rest].max()


def test_what_comes_from_outside_is_black_and_background():
    masks, images = np.zeros((40, 64, 64), "uint8"), np.full((40, 64, 64, 3), 255, "uint8")
    moved, moved_masks = augmented(images, masks, 0, scale_jitter=2)
    assert set(np.unique(moved_masks)) == {0, BACKGROUND}
    for image, mask in zip(moved, moved_masks, strict=True):
        outside = ndimage.binary_erosion(mask == BACKGROUND, iterations=2)
        assert not outside.any() or image[outside].max() < image[mask == 0].min()
    shares = (moved_masks == BACKGROUND).mean((1, 2))
    assert shares.max() > 0.6  # a photo shrunk to half its side fills a quarter
    assert shares.min() < 0.05  # an enlarged one shows a part of itself


def test_light_changes_as_in_a_loop_over_images(rng):
    images = rng.integers(0, 256, (6, 5, 7, 3)).astype("uint8")
    u = rng.uniform(-1, 1, (6, 4)).astype("float32")
    changed = change_light(tf.constant(images), tf.constant(u), Augmentation(grey_share=0.5, light=0.8)).numpy()
    for image, (saturation, contrast, brightness, grey), found in zip(images / 255, u, changed, strict=True):
        luma = (image @ [0.299, 0.587, 0.114])[..., None]
        colours = luma + (image - luma) * (0 if grey < 0 else 1 + 0.4 * 0.8 * saturation)
        expected = colours.mean() + (colours - colours.mean()) * (1 + 0.3 * 0.8 * contrast)
        np.testing.assert_allclose(found, np.clip(expected + 0.15 * 0.8 * brightness, 0, 1), atol=1e-5)


def test_that_share_loses_its_colours():
    images = np.tile(np.array([200, 90, 30], "uint8"), (400, 8, 8, 1))
    changed, _ = augmented(images, np.zeros((400, 8, 8), "uint8"), 0, grey_share=0.25, light=0)
    coloured = np.ptp(changed, axis=-1).max((1, 2)) > 0.01
    assert (~coloured).mean() == pytest.approx(0.25, abs=0.07)


def test_foreground_of_the_image_before_is_pasted_with_its_mask():
    masks = np.full((60, 32, 32), BACKGROUND, "uint8")
    masks[::2, 8:24, 8:24] = 0  # every other image has a pet
    masks[::2, 7, 8:24] = 2
    images = np.where(masks == BACKGROUND, 40, 220)[..., None].repeat(3, -1).astype("uint8")
    plain = augmented(images, masks, 1, light=0)
    pasted = augmented(images, masks, 1, light=0, paste_share=0.5)
    np.testing.assert_array_equal(pasted[1][::2], plain[1][::2])  # the image before an even one has no pet
    chosen = 0
    for number in range(1, 60, 2):
        others = [(pasted[1][number] != BACKGROUND).any()]
        if others[0]:
            chosen += 1
            np.testing.assert_array_equal(pasted[1][number], plain[1][number - 1])  # onto background alone
            on_pet = plain[1][number - 1] != BACKGROUND
            np.testing.assert_array_equal(pasted[0][number][on_pet], plain[0][number - 1][on_pet])
            np.testing.assert_array_equal(pasted[0][number][~on_pet], plain[0][number][~on_pet])
    assert 8 <= chosen <= 22


@pytest.mark.parametrize("options", [{"scale_jitter": 0.5}, {"paste_share": 1.1}, {"grey_share": -1}, {"light": 4}])
def test_bad_arguments_are_named(options):
    with pytest.raises(ValueError, match=f"`{next(iter(options))}` must be from"):
        Augmentation(**options)
