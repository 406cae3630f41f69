"""What a model scores on a data set."""

import itertools
import os
from collections.abc import Sequence

import keras
import numpy as np
from scipy import ndimage
from tqdm import tqdm

from zoo import data
from zoo.data.dataset import check_groups, check_labels
from zoo.data.modes import GREY
from zoo.data.squeezing import check_positive
from zoo.errors import printable
from zoo.logits import check_model
from zoo.prediction import check_finite, decide, enlarge, images_at_once

PIXELS_AT_ONCE = 1 << 22  # that are counted, in 8 bytes each
CONFUSION_UP_TO = 100  # classes; with 1,000 of them, a card would hold millions of numbers


class Scores:
    """Collects predictions image by image, and sums them up.

    Args:
        classes: names of the classes, by number.
        background: number of the class that is background; all others together are foreground. `None` if none is.
        ignored: a number in truths, such as 255, whose pixels do not count; by default there is none.
    """

    def __init__(self, classes=data.CLASSES, background=data.BACKGROUND, ignored=None):
        self.classes, self.background, self.ignored = classes, background, ignored
        self.confusion = np.zeros((len(classes), len(classes)), "int64")  # rows: truth, columns: prediction
        self.foreground_iou, self.boundary_iou = [], []

    def add(self, truth, predicted):
        """Adds one image: two integer arrays (h, w) of class numbers.

        Raises:
            ValueError: if they differ in shape, or hold a number that is no class, which is named.
        """
        truth, predicted = np.asarray(truth), np.asarray(predicted)
        if truth.ndim != 2 or truth.shape != predicted.shape:
            raise ValueError(
                f"`truth` and `predicted` must be of one shape (h, w). Received: {truth.shape} and {predicted.shape}"
            )
        check_labels(truth, len(self.classes), self.ignored, "`truth`")
        check_labels(predicted, len(self.classes), None, "`predicted`")
        counted = np.full(truth.shape, True) if self.ignored is None else truth != self.ignored
        self.confusion += confusion_matrix(truth[counted], predicted[counted], len(self.classes))
        if self.background is None or not counted.any():
            return
        truth, predicted = (counted & (mask != self.background) for mask in (truth, predicted))
        self.foreground_iou.append(iou(truth, predicted))
        distance = max(1, round(0.02 * np.hypot(*truth.shape)))
        self.boundary_iou.append(iou(*(boundary(mask, distance, counted) for mask in (truth, predicted))))

    def summary(self):
        """The scores of all images so far, each from 0 to 1.

        Returns:
            A dictionary: `mean_iou` (hard, over the classes, over the pixels of all images), `iou` of each class
            (`None` for one that is nowhere, neither true nor predicted), `pixel_accuracy`, `binary_iou` (foreground,
            over the pixels of all images), `binary_iou_per_image` and `boundary_iou` (of the foreground within 2 % of
            the diagonal of its outside; means over the images), and, for up to 100 classes, the `confusion` matrix in
            pixels (rows: truth). Where no class is background, there is no score of the foreground.
        """
        hits = self.confusion.diagonal()
        each = class_ious(self.confusion)
        found = {
            "mean_iou": float(np.nanmean(each)),
            "iou": {name: None if np.isnan(one) else float(one) for name, one in zip(self.classes, each, strict=True)},
            "pixel_accuracy": float(divide(hits.sum(), self.confusion.sum())),
        }
        if self.background is not None:
            true_background = self.confusion[self.background, self.background]
            foreground = np.delete(np.delete(self.confusion, self.background, 0), self.background, 1).sum()
            found |= {
                "binary_iou": float(foreground / union) if (union := self.confusion.sum() - true_background) else 1.0,
                "binary_iou_per_image": float(np.mean(self.foreground_iou)),
                "boundary_iou": float(np.mean(self.boundary_iou)),
            }
        if len(self.classes) <= CONFUSION_UP_TO:
            found["confusion"] = self.confusion.tolist()
        return found


WAYS = ("at_network_size", "at_photo_size", "groups", "with_mirror_image", "grey")


def evaluate(
    model: keras.Model,
    dataset: str | os.PathLike | data.Dataset,
    split: str = "test",
    batch_size: int | None = None,
    ways: Sequence[str] = WAYS,
) -> dict[str, dict]:
    """Scores a model on a data set, at the network's size and at each photo's own.

    Args:
        model: Keras model from images (b, h, w, 3) of a fixed size, in [0, 1], to logits (b, h, w, `dataset.logits`).
        dataset: one of `zoo.data.DATASETS`, the path of a folder (`zoo.data.open_folder`), or a `zoo.data.Dataset`.
        split: one of `zoo.data.SPLITS`.
        batch_size: images in a step; by default 16, and fewer of large ones.
        ways: which of the scores below to take: some of `WAYS`.

    Returns:
        A dictionary of summaries (`Scores.summary`): `at_network_size`, where masks were squeezed
        to the model's size; `at_photo_size`, where logits were enlarged to the mask's. And at the
        network's size: for "groups" one for each of the data set's groups; `with_mirror_image`, where
        the logits are the mean of those for the image and for its mirror image; `grey`, where the
        images have lost their colours.

    Raises:
        ValueError: if an argument is not as above, a logit is not finite, or no pixel of the split counts.
        DatasetNotFoundError, CorruptDatasetError: as `zoo.data.load`.
    """
    ways = tuple(ways)
    if not ways or not set(ways) <= set(WAYS):
        raise ValueError(f"`ways` must be some of {', '.join(WAYS)}. Received: ways={ways!r}")
    dataset = data.find(dataset)
    height, width, channels = check_model(model)
    check_positive("batch_size", batch_size := images_at_once(height, width) if batch_size is None else batch_size)
    if channels != 3 or model.output_shape[-1] != dataset.logits:
        raise ValueError(
            f"`model` must take images of 3 channels, and for the data set {dataset.name} give {dataset.logits} logits "
            f"a pixel. Received: input shape {model.input_shape}, output shape {model.output_shape}"
        )
    examples = data.to_score(dataset, split, (height, width))
    groups = list(dataset.groups(split)) if "groups" in ways else []
    check_groups(dataset, groups, len(examples), WAYS)
    kinds = [way for way in WAYS if way in ways and way != "groups"] + sorted(set(groups))
    scores = {kind: Scores(dataset.classes, dataset.background, dataset.ignored) for kind in kinds}
    each, group_of_each = examples.as_numpy_iterator(), iter(groups)
    batches = iter(lambda: list(itertools.islice(each, batch_size)), [])
    count = -(-len(examples) // batch_size)
    for batch in tqdm(batches, printable(f"evaluate {model.name}"), count, unit="batch", disable=None):
        images, masks, own_masks = zip(*batch, strict=True)
        images = np.stack(images)
        logits = check_finite(model.predict_on_batch(images))
        answers = {"at_network_size": decide(logits)}
        if "with_mirror_image" in ways:
            mirrored = check_finite(model.predict_on_batch(images[:, :, ::-1])[:, :, ::-1])
            answers["with_mirror_image"] = decide(logits + mirrored)
        if "grey" in ways:
            grey = np.repeat((images @ GREY)[..., None], 3, -1)
            answers["grey"] = decide(check_finite(model.predict_on_batch(grey)))
        for way in answers.keys() & scores.keys():
            for mask, answer in zip(masks, answers[way], strict=True):
                scores[way].add(mask, answer)
        if groups:
            for mask, answer in zip(masks, answers["at_network_size"], strict=True):
                scores[next(group_of_each)].add(mask, answer)
        if "at_photo_size" in ways:
            for image_logits, mask in zip(logits, own_masks, strict=True):
                scores["at_photo_size"].add(mask, enlarge(image_logits, mask.shape))
    for kind, found in scores.items():
        if not found.confusion.any():
            raise ValueError(f"The split {split!r} must have a pixel that counts, for {kind}, too. Received: none")
    return {kind: found.summary() for kind, found in scores.items()}


def confusion_matrix(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts pixels: int64 (classes, classes), rows by truth and columns by prediction."""
    truth, predicted, counts = np.ravel(truth), np.ravel(predicted), np.zeros(classes**2, "int64")
    for start in range(0, truth.size, PIXELS_AT_ONCE):
        part = slice(start, start + PIXELS_AT_ONCE)
        pairs = classes * truth[part].astype("int64") + predicted[part].astype("int64")
        counts += np.bincount(pairs, minlength=classes**2)
    return counts.reshape(classes, classes)


def class_ious(confusion: np.ndarray) -> np.ndarray:
    """Intersection over union of each class; NaN for one that is neither true nor predicted anywhere."""
    hits = confusion.diagonal()
    return divide(hits, confusion.sum(0) + confusion.sum(1) - hits)


def iou(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Intersection over union of two boolean arrays; 1 if both are empty."""
    union = np.logical_or(truth, predicted).sum()
    return float(np.logical_and(truth, predicted).sum() / union) if union else 1.0


def boundary(mask: np.ndarray, distance: int, counted: np.ndarray | bool = True) -> np.ndarray:
    """The pixels of a boolean mask within `distance` pixels of its outside: what counts and is not in it, or the frame.

    Reference:
        Cheng et al., Boundary IoU, 2021 (https://arxiv.org/abs/2103.16562).
    """
    inner = ndimage.minimum_filter(mask | ~np.asarray(counted), 2 * distance + 1, mode="constant", cval=False)
    return mask & ~inner


def divide(part: np.ndarray | np.number, whole: np.ndarray | np.number) -> np.ndarray | np.number:
    """The quotient; NaN, without a warning, where nothing is to be divided by."""
    with np.errstate(invalid="ignore"):
        return part / whole
