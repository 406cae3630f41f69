"""What a `.keras` file may ask for: in a ZIP and in numbers, kilobytes may stand for gigabytes."""

import io
import math
import zipfile
from collections.abc import Iterator

import h5py
import keras

MOST_NUMBER = 100_000  # in a configuration, but for those that only tell one thing from another
MOST_FOR_A_CHANNEL = 25_000_000  # weights of a convolution, for each channel that it sees
MOST_WEIGHTS = 1_000_000_000  # of a layer, by the most channels: VGG-16's largest counts 822,083,584 and has an eighth
NAMES = ("seed", "shared_object_id")
MOST_BYTES = 50_000_000  # of a configuration, and of weights that a model does not need: kilobytes may hold gigabytes


def widths(config: dict | list) -> Iterator[int]:
    """All numbers of filters and units in a configuration."""
    for name, value in config.items() if isinstance(config, dict) else enumerate(config):
        if isinstance(value, dict | list):
            yield from widths(value)
        elif name in ("filters", "units") and isinstance(value, int):
            yield value


def check_numbers(config: dict | list, within: str = "", channels: int = 0) -> None:
    """Refuses numbers, of filters for one, and kernels, by which Keras may take many gigabytes at once.

    How many `channels` a layer sees is not known: the most that any gives are supposed.
    """
    channels = channels or max(widths(config), default=1)
    if isinstance(config, dict) and isinstance(filters := config.get("filters", config.get("units", 1)), int):
        kernel = config.get("kernel_size", 1)
        sides = [side for side in (kernel if isinstance(kernel, list) else [kernel]) if isinstance(side, int)]
        if (weights := filters * math.prod(sides)) > MOST_FOR_A_CHANNEL:
            limit = f"layers of up to {MOST_FOR_A_CHANNEL:,} weights for each channel"
            raise ValueError(f"its config.json must hold {limit}. Received: {weights:,}")
        if weights * channels > MOST_WEIGHTS:
            limit = f"layers of up to {MOST_WEIGHTS:,} weights"
            raise ValueError(f"its config.json must hold {limit}. Received: up to {weights * channels:,}")
    for name, value in config.items() if isinstance(config, dict) else enumerate(config):
        where = within if isinstance(config, list) else name
        if isinstance(value, dict | list):
            check_numbers(value, where, channels)
        elif isinstance(value, int) and value > MOST_NUMBER and where not in NAMES:
            raise ValueError(
                f"its config.json must hold numbers of at most {MOST_NUMBER:,}. Received: {where} {value:,}"
            )


def check_size_of_weights(archive: zipfile.ZipFile, model: keras.Model) -> None:
    """Refuses weights that unfold to far more than the model needs, whether the ZIP is compressed or the HDF5 in it.

    An optimiser's state may lie beside them.
    """
    allowed = MOST_BYTES + 10 * 4 * model.count_params()
    size = archive.getinfo("model.weights.h5").file_size
    if size <= allowed:
        sizes = []
        stored = io.BytesIO(archive.read("model.weights.h5"))  # HDF5 steps back and forth, which a ZIP does slowly
        with h5py.File(stored) as weights:
            weights.visititems(lambda _, item: sizes.append(item.nbytes if isinstance(item, h5py.Dataset) else 0))
        size = sum(sizes)
    if size > allowed:
        raise ValueError(f"its weights must have at most {allowed:,} bytes. Received: {size:,}")
