"""Is a difference between two networks more than chance? A rule for those that were trained with several seeds."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

# What the lecture says of its steps, as far as it says that one answers better: the claim, the better and the worse.
CLAIMS = (
    ("shrink and grow, not full resolution", "nearest_unpooling", "fully_convolutional"),
    ("remember the place, not copy", "max_unpooling", "nearest_unpooling"),
    ("remember the place, not a fixed corner", "max_unpooling", "bed_of_nails"),
    ("the feature at the place, not a mark with copies", "max_unpooling", "index_unpooling"),
    ("learn to grow, not copy", "transposed_convolution", "nearest_unpooling"),
    ("learn to grow, not a fixed corner", "transposed_convolution", "bed_of_nails"),
    ("hand the features across", "unet", "transposed_convolution"),
)


def spread(trainings: Mapping[str, Sequence[float]]) -> tuple[float, int]:
    """How far the scores of one network lie apart from seed to seed, pooled over the networks.

    It supposes that the scores of all of them vary equally.

    Args:
        trainings: the scores of each network, one for each seed. A network with a single score tells nothing.

    Returns:
        The pooled standard deviation, in the unit of the scores, and its degrees of freedom.

    Raises:
        ValueError: if no network was trained twice.
    """
    several = [found for found in trainings.values() if len(found) > 1]
    freedom = sum(len(found) - 1 for found in several)
    if not freedom:
        raise ValueError(f"`trainings` must hold a network with two scores. Received: trainings={trainings!r:.200}")
    squares = sum(np.square(np.subtract(found, np.mean(found))).sum() for found in several)
    return float(np.sqrt(squares / freedom)), freedom


def limit(trainings: Mapping[str, Sequence[float]], n: int, m: int) -> float:
    """How large a difference between the means of n and of m trainings may be by chance, in 19 of 20 cases.

    Args:
        trainings: as for `spread`.
        n: trainings of one network.
        m: trainings of the other.
    """
    deviation, freedom = spread(trainings)
    return float(stats.t.ppf(0.975, freedom) * deviation * np.sqrt(1 / n + 1 / m))


def judge(difference: float, within: float) -> str:
    """The verdict on the claim that a difference is above zero: "confirmed", "contradicted" or "not decided".

    Args:
        difference: what was measured.
        within: its limit; up to it, nothing is decided.
    """
    return "not decided" if abs(difference) <= within else "confirmed" if difference > 0 else "contradicted"


def decide(trainings: Mapping[str, Sequence[float]], better: str, worse: str) -> tuple[float, float, str]:
    """Decides the claim that one network scores higher than another.

    Args:
        trainings: as for `spread`.
        better: the network that is said to score higher.
        worse: the other.

    Returns:
        The difference of their means, its `limit` and the verdict, as `judge` gives it.
    """
    difference = float(np.mean(trainings[better]) - np.mean(trainings[worse]))
    within = limit(trainings, len(trainings[better]), len(trainings[worse]))
    return difference, within, judge(difference, within)
