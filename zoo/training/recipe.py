"""All that decides a training, but for the architecture."""

import dataclasses
import math
import numbers
import os
from pathlib import Path

import keras

from zoo import data
from zoo.stages import STAGES

MAX_SIDE = 4096  # pixels, of an image that is trained on


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One recipe for all stages, so that a difference in the score is a difference in the architecture.

    Args:
        dataset: one of `zoo.data.DATASETS`, or the path of a folder (`zoo.data.open_folder`). A `zoo.data.Dataset` of
            your own is one of them after `zoo.data.DATASETS[dataset.name] = dataset`.
        split: the images to learn from: "train", or "train+validation" once nothing is left to tune.
        image_size: side in pixels, or (height, width), at which the network sees the images.
        batch_size: images in a step.
        epochs: passes over the training images; a fixed number, no picking of the best.
        half_size_share: share of the epochs, from 0 to less than 1, that come first and see the images
            at half the size (rounded down to a multiple of 16), where a step costs a quarter; the rest
            see them at `image_size`.
        large_size_share: share of the epochs that come last and see the images at 5/4 of the size
            (rounded down likewise).
        scale_jitter: of the `zoo.data.Augmentation`.
        paste_share: of the same.
        grey_share: of the same.
        light: of the same.
        dice_weight: of the soft Dice loss that is added to the cross-entropy. Dice weighs the thin
            border as much as all the background, as mean IoU does.
        class_weights: whether a pixel of a rare class counts more in the cross-entropy, by the median of the
            frequencies over its own (with the offsets of `offsets_against`).
        start: the model whose weights a training begins from, all but those of the logits: a saved stage or a `.keras`
            file; "" for random weights.
        learning_rate: of AdamW after the warm-up; then it falls to zero along a cosine. The default suits trained
            weights (`start`), too: with 0.001 they came not as far in as many steps.
        weight_decay: of AdamW.
        ema_momentum: of an exponential moving average of the weights over the steps, which takes their place in the
            end; 0 for none.
        warm_up: share of all steps, less than 1, in which the learning rate rises from zero.
        seed: of the first weights, the order of the examples and their augmentation.
        mixed_precision: whether to compute in bfloat16 (weights stay float32).
        xla: whether TensorFlow compiles the step with XLA; JAX always does.

    Raises:
        ValueError: if a value is not what its field allows.
    """

    dataset: str
    split: str = "train"
    image_size: int | tuple[int, int] = 128
    batch_size: int = 16
    epochs: int = 16
    half_size_share: float = 0.625
    large_size_share: float = 0.0
    scale_jitter: float = 1.25
    paste_share: float = 0.0
    grey_share: float = 0.0
    light: float = 1.0
    dice_weight: float = 1.0
    class_weights: bool = False
    start: str = ""
    learning_rate: float = 3e-3
    weight_decay: float = 1e-4
    ema_momentum: float = 0.0
    warm_up: float = 0.1
    seed: int = 0
    mixed_precision: bool = False
    xla: bool = False

    def __post_init__(self):
        """Turns what means the same into what a card can hold, and refuses what no training can do."""
        for field in dataclasses.fields(self):
            name, value = field.name, getattr(self, field.name)
            if field.type is str:
                value = os.fspath(value) if isinstance(value, os.PathLike) else value
                right, allowed = isinstance(value, str), "a name or a path"
                if isinstance(value, data.Dataset):
                    allowed += ": add yours by zoo.data.DATASETS[dataset.name] = dataset, and give its name"
            elif field.type is bool:
                right, allowed = isinstance(value, bool), "True or False"
            elif field.type is int:
                least, most = (0, 2**32 - 1) if name == "seed" else (1, 10**6)
                allowed = f"a whole number from {least} to {most}"
                right = is_number(value, numbers.Integral) and least <= value <= most
                value = int(value) if right else value
            elif field.type is float:
                high = 1 if name in SHARES else math.inf
                allowed = "a number from 0 " + ("to 1" if high == 1 else "on")
                right = is_number(value, numbers.Real) and 0 <= value <= high
                value = float(value) if right else value
            else:
                sides = data.both_sides(value)  # refuses what is no size
                allowed = f"sides of up to {MAX_SIDE} pixels"
                right, value = max(sides) <= MAX_SIDE, sides if isinstance(value, tuple | list) else sides[0]
            if not right:
                raise ValueError(f"`{name}` must be {allowed}. Received: {name}={value!r:.60}")
            object.__setattr__(self, name, value)
        object.__setattr__(self, "dataset", plain_path(self.dataset))
        if self.split not in ("train", "train+validation"):
            raise ValueError(f"`split` must be train or train+validation. Received: split={self.split!r}")
        if self.start and self.start not in STAGES and not self.start.endswith(".keras"):
            allowed = f"one of {', '.join(STAGES)}, or a .keras file"
            raise ValueError(f"`start` must be {allowed}. Received: start={self.start!r}")
        for name in ("half_size_share", "warm_up", "ema_momentum"):
            if getattr(self, name) == 1:
                raise ValueError(f"`{name}` must be less than 1. Received: {name}=1")
        if self.learning_rate == 0:
            raise ValueError("`learning_rate` must be a number above 0. Received: learning_rate=0.0")
        if self.half_size_share + self.large_size_share > 1:
            raise ValueError(
                "`large_size_share` must be from 0 to what `half_size_share` leaves. "
                f"Received: large_size_share={self.large_size_share!r}, half_size_share={self.half_size_share!r}"
            )
        self.augmentation()

    def augmentation(self):
        """How far the training images are changed."""
        return data.Augmentation(self.scale_jitter, self.paste_share, self.grey_share, self.light)


SHARES = ("half_size_share", "large_size_share", "warm_up", "ema_momentum")  # of the epochs, steps or weights


def is_number(value, kind):
    """Whether a value is a finite number of a kind of `numbers`, which `True` and `False` are, too."""
    if not isinstance(value, kind) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that is larger than any float
        return False


def plain_path(name):
    """The path of a folder in one spelling, so that a training goes on however its data set is written."""
    plain = str(Path(name)) if name else name  # which keeps "..", for what is before it may be a link
    if name and set(Path(name).parts) <= {".."}:  # such as ".": any folder is there under this name
        return str(Path(name).resolve())
    return name if name in data.DATASETS or plain in data.DATASETS else plain


# With which stages are compared over several seeds.
SHORT = Recipe("oxford_iiit_pet", split="train+validation")
# Of the saved models, which learn from photos in colour.
IN_COLOUR = dataclasses.replace(SHORT, batch_size=32, epochs=160, half_size_share=0.5)
# With which they go on, to find a pet in a photo without colour as well.
MOSTLY_GREY = dataclasses.replace(SHORT, epochs=160, scale_jitter=1.4, grey_share=0.8, dice_weight=2.0)


def with_defaults(kept: dict) -> dict:
    """A recipe from a card or a state, as a dictionary, with what it meant before a field was added."""
    known = {f.name: f.default for f in dataclasses.fields(Recipe) if f.default is not dataclasses.MISSING}
    return {**known, **kept}


def but_for_rounding(kept: dict) -> dict:
    """As `with_defaults`, without what only decides how a step is computed: that makes no other recipe."""
    return {name: value for name, value in with_defaults(kept).items() if name not in ("mixed_precision", "xla")}


def refuse_other_limits() -> None:
    """Refuses a Keras that was told to stop each training early: its card would tell of epochs that never were."""
    for name in ("max_epochs", "max_steps_per_epoch"):
        if (limit := getattr(keras.config, name, lambda: None)()) is not None:
            raise ValueError(
                f"Keras must not end trainings by itself. Received: {name}={limit} (KERAS_{name.upper()} or keras.json)"
            )


def phases(recipe: Recipe) -> list[tuple[int | tuple[int, int], range]]:
    """The image sizes of a training, and the numbers of the epochs at each: half the size, the whole, and 5/4 of it."""
    shares = recipe.half_size_share, recipe.large_size_share
    first, large = (int(share * recipe.epochs + 1e-6) for share in shares)  # 0.58 * 50 is a little less than 29
    last = recipe.epochs - large
    return [
        (scale_size(recipe.image_size, 1, 2), range(first)),
        (recipe.image_size, range(first, last)),
        (scale_size(recipe.image_size, 5, 4), range(last, recipe.epochs)),
    ]


def scale_size(image_size, times, over):
    """An image size times a fraction; its sides are rounded down to what four levels can halve."""
    if not isinstance(image_size, int):
        return tuple(scale_size(side, times, over) for side in image_size)
    scaled = max(1, image_size * times // over // 16) * 16
    return min(image_size, scaled) if times < over else max(image_size, scaled)
