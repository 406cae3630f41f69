"""What a model scores on a data set, and what it costs."""

import statistics
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
from scipy import ndimage
from tqdm import tqdm

from zoo import data, fresh, quiet
from zoo.layers import DenseWindow2D, SlidingWindow2D
from zoo.prediction import enlarge


class Scores:
    """Collects predictions image by image, and sums them up.

    Args:
        classes: names of the classes, by number.
        background: number of the class that is background; all others together are foreground.
    """

    def __init__(self, classes=data.CLASSES, background=data.BACKGROUND):
        self.classes, self.background = classes, background
        self.confusion = np.zeros((len(classes), len(classes)), "int64")  # rows: truth, columns: prediction
        self.foreground_iou, self.boundary_iou = [], []

    def add(self, truth, predicted):
        """Adds one image: two integer arrays (h, w) of class numbers."""
        self.confusion += confusion_matrix(truth, predicted, len(self.classes))
        truth, predicted = truth != self.background, predicted != self.background
        self.foreground_iou.append(iou(truth, predicted))
        distance = max(1, round(0.02 * np.hypot(*truth.shape)))
        self.boundary_iou.append(iou(boundary(truth, distance), boundary(predicted, distance)))

    def summary(self):
        """The scores of all images so far, each from 0 to 1.

        Returns:
            A dictionary: `mean_iou` (hard, over the classes, over the pixels of all images), `iou`
            of each class, `pixel_accuracy`, `binary_iou` (foreground, over the pixels of all
            images), `binary_iou_per_image` and `boundary_iou` (of the foreground; means over the
            images), and the `confusion` matrix in pixels (rows: truth).
        """
        hits = self.confusion.diagonal()
        each = class_ious(self.confusion)
        true_background = self.confusion[self.background, self.background]
        foreground = np.delete(np.delete(self.confusion, self.background, 0), self.background, 1).sum()
        return {
            "mean_iou": float(np.nanmean(each)),
            "iou": dict(zip(self.classes, each.tolist(), strict=True)),
            "pixel_accuracy": float(divide(hits.sum(), self.confusion.sum())),
            "binary_iou": float(divide(foreground, self.confusion.sum() - true_background)),
            "binary_iou_per_image": float(np.mean(self.foreground_iou)),
            "boundary_iou": float(np.mean(self.boundary_iou)),
            "confusion": self.confusion.tolist(),
        }


def evaluate(model, dataset, split="test", batch_size=16):
    """Scores a model on a data set, at the network's size and at each photo's own.

    Args:
        model: Keras model from square images (b, h, h, 3) of a fixed size, in [0, 1], to logits (b, h, h, 3).
        dataset: one of `zoo.data.DATASETS`.
        split: one of `zoo.data.SPLITS`.
        batch_size: images in a step.

    Returns:
        A dictionary of summaries (`Scores.summary`): `at_network_size`, where masks were squeezed
        to the model's size; `at_photo_size`, where logits were enlarged to the mask's. And at the
        network's size: one for each of `zoo.data.species`, and `with_mirror_image`, where the
        logits are the mean of those for the image and for its mirror image.

    Raises:
        ValueError: if an argument is not as above.
        DatasetNotFoundError, CorruptDatasetError: as `zoo.data.load`.
    """
    height, width, _ = model.input_shape[1:]
    if height is None or height != width or model.output_shape[-1] != len(data.CLASSES):
        raise ValueError(
            f"`model` must take square images of a fixed size, and give {len(data.CLASSES)} logits a pixel. "
            f"Received: input shape {model.input_shape}, output shape {model.output_shape}"
        )
    species = data.species(dataset, split)
    kinds = ["at_network_size", "at_photo_size", *sorted(set(species)), "with_mirror_image"]
    scores = {kind: Scores() for kind in kinds}
    batches = data.load(dataset, split, height, batch_size)
    photos = zip(species, data.examples(dataset, split).as_numpy_iterator(), strict=True)
    for images, masks in tqdm(batches, desc=f"evaluate {model.name}", unit="batch", disable=None):
        images = images.numpy()  # for any backend
        answers, mirrored = (model.predict_on_batch(x) for x in (images, images[:, :, ::-1]))
        for mask, logits, mirror in zip(masks.numpy(), answers, mirrored[:, :, ::-1], strict=True):
            kind, (_, photo_mask) = next(photos)
            scores["at_network_size"].add(mask, logits.argmax(-1))
            scores["at_photo_size"].add(photo_mask, enlarge(logits, photo_mask.shape))
            scores[kind].add(mask, logits.argmax(-1))
            scores["with_mirror_image"].add(mask, (logits + mirror).argmax(-1))
    return {kind: found.summary() for kind, found in scores.items()}


def confusion_matrix(truth, predicted, classes):
    """Counts pixels: int64 (classes, classes), rows by truth and columns by prediction."""
    pairs = classes * np.asarray(truth, "int64").ravel() + np.asarray(predicted, "int64").ravel()
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def class_ious(confusion):
    """Intersection over union of each class; NaN for one that is neither true nor predicted anywhere."""
    hits = confusion.diagonal()
    return divide(hits, confusion.sum(0) + confusion.sum(1) - hits)


def iou(truth, predicted):
    """Intersection over union of two boolean arrays; 1 if both are empty."""
    union = np.logical_or(truth, predicted).sum()
    return float(np.logical_and(truth, predicted).sum() / union) if union else 1.0


def boundary(mask, distance):
    """The pixels of a boolean mask within `distance` pixels of its outside, the picture's frame included.

    Reference:
        Cheng et al., Boundary IoU, 2021 (https://arxiv.org/abs/2103.16562).
    """
    inner = ndimage.minimum_filter(mask, size=2 * distance + 1, mode="constant", cval=False)
    return mask & ~inner


def divide(part, whole):
    """The quotient; NaN, without a warning, where nothing is to be divided by."""
    with np.errstate(invalid="ignore"):
        return part / whole


def costs(model):
    """What a prediction for one image costs on this machine.

    Returns:
        A dictionary: `parameters`, `multiply_adds`, `milliseconds` and `peak_megabytes`.
    """
    return {
        "parameters": model.count_params(),
        "multiply_adds": multiply_adds(model),
        "milliseconds": milliseconds(model),
        "peak_megabytes": peak_megabytes(model),
    }


def multiply_adds(model):
    """Multiply-adds of all convolutions and dense layers for one image; the model's sides must be fixed.

    Raises:
        ValueError: if there is a `DenseWindow2D`, whose own convolutions are none of the model's layers.
    """
    total = 0
    for layer in model.layers:
        if isinstance(layer, DenseWindow2D):
            raise ValueError(f"`model` must have no `DenseWindow2D`. Received: {layer.name}")
        if isinstance(layer, SlidingWindow2D):
            total += int(np.prod(layer.output.shape[1:3])) * multiply_adds(layer.classifier)
        elif kernels := sum(int(np.prod(weight.shape)) for weight in layer.weights if len(weight.shape) > 1):
            places = layer.input if isinstance(layer, keras.layers.Conv2DTranspose) else layer.output
            total += kernels * int(np.prod(places.shape[1:-1]))
    return total


def milliseconds(model, runs=20):
    """Median time of a prediction for one image, after a warm-up."""
    image = np.zeros((1, *model.input_shape[1:]), "float32")
    seconds = []
    for _ in range(runs + 3):
        start = time.perf_counter()
        model.predict_on_batch(image)
        seconds.append(time.perf_counter() - start)
    return 1000 * statistics.median(seconds[3:])


def peak_megabytes(model, images=16):
    """Memory that a prediction takes for each image of a batch, on the CPU: the growth of a fresh process.

    Returns:
        Megabytes (10^6 bytes) an image; `None` where the system does not tell (it has no /proc).
    """
    if not Path("/proc/self/status").exists():
        return None
    with tempfile.TemporaryDirectory() as folder:
        model.save(path := Path(folder) / "model.keras")
        with fresh.process(quiet.import_tensorflow_without_gpu) as process:
            return process.submit(memory_growth, path, images).result() / images / 1e6


def memory_growth(path, images):
    """Bytes by which this process's peak grows from a batch of one image to one of `images` + 1."""
    model = keras.saving.load_model(path, compile=False)

    def peak_after(batch):
        model.predict_on_batch(np.zeros((batch, *model.input_shape[1:]), "float32"))
        status = Path("/proc/self/status").read_text()
        return 1024 * int(status.split("VmHWM:")[1].split()[0])

    before = peak_after(1)
    return peak_after(images + 1) - before
