"""What a training makes small."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops


def cross_entropy_and_dice(
    dice_weight: float = 1.0,
    ignored: int | None = None,
    class_weights: Sequence[float] | None = None,
    class_offsets: Sequence[float] | None = None,
) -> Callable[[Any, Any], Any]:
    """The cross-entropy, and beside it the soft Dice loss, which weighs a thin class as much as a wide one.

    Args:
        dice_weight: of the Dice loss.
        ignored: a number in masks whose pixels do not count.
        class_weights: how much a pixel of each class counts in the cross-entropy; by default all the same.
        class_offsets: what is added to the logits of each class before all else; by default nothing. The network
            learns to answer that much less.

    Returns:
        Function from masks (b, h, w) and logits (b, h, w, classes) to a number. A single logit is for class 1, against
        class 0.

    Reference:
        Milletari et al., V-Net, 2016 (https://arxiv.org/abs/1606.04797), for Dice.
    """

    def loss(masks, logits):
        if len(logits.shape) == len(masks.shape):  # Keras takes away the axis of a single logit
            logits = logits[..., None]
        if logits.shape[-1] == 1:  # the other class has the logit 0
            logits = ops.concatenate([ops.zeros_like(logits), logits], -1)
        if class_offsets is not None:
            logits = logits + ops.cast(class_offsets, logits.dtype)
        counted = ops.ones_like(logits[..., 0]) if ignored is None else ops.cast(masks != ignored, logits.dtype)
        labels = masks if ignored is None else ops.where(masks == ignored, 0, masks)
        truth = ops.one_hot(labels, logits.shape[-1], dtype=logits.dtype)
        weights = counted if class_weights is None else counted * ops.sum(truth * ops.array(class_weights), -1)
        each = keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
        cross_entropy = ops.sum(each * weights) / ops.maximum(ops.sum(weights), 1e-6)
        # Not `keras.losses.dice`, whose `axis` Keras 3.3 lacks.
        truth, shares = truth * counted[..., None], ops.softmax(logits) * counted[..., None]
        overlap = ops.sum(truth * shares, axis=(0, 1, 2))  # one for each class
        sizes = ops.sum(truth, axis=(0, 1, 2)) + ops.sum(shares, axis=(0, 1, 2))
        return cross_entropy + dice_weight * ops.mean(1 - 2 * overlap / (sizes + 1e-7))

    return loss


def median_frequency_weights(pixels: Sequence[int] | np.ndarray) -> list[float]:
    """Weights that make a rare class count as much as a common one: the median of the frequencies over each.

    Args:
        pixels: how many pixels each class has; a class without any gets the weight 0.

    Reference:
        Eigen and Fergus, 2015 (https://arxiv.org/abs/1411.4734); SegNet (https://arxiv.org/abs/1511.00561).
    """
    pixels = np.asarray(pixels, "float64")
    present = pixels > 0
    weights = np.zeros(len(pixels), "float32")
    weights[present] = np.median(pixels[present]) / pixels[present]
    return weights.tolist()


def offsets_against(class_weights: Sequence[float]) -> list[float]:
    """Offsets for the loss, so that weights of classes make a network find what is rare and not see it everywhere.

    A weight adds its logarithm to the logits that a network learns. With three quarters of it in the loss already, the
    network's own logits are lower by as much. The share was chosen on CamVid's validation pictures: taken off the
    logits of a U-Net that was trained with the weights alone, it raised the mean IoU from 0.57 to 0.61.

    Args:
        class_weights: as for `cross_entropy_and_dice`; a class with the weight 0 gets the offset 0.

    Reference:
        Menon et al., *Long-tail learning via logit adjustment*, 2020 (https://arxiv.org/abs/2007.07314).
    """
    return [0.75 * math.log(weight) if weight else 0.0 for weight in class_weights]
