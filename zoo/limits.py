"""What a `.keras` file may ask for: kilobytes may stand for gigabytes, and a name for a program."""

import contextlib
import io
import math
import zipfile
from collections.abc import Iterator

import h5py
import keras

MOST_NUMBER = 100_000  # in a configuration, but for those that only tell one thing from another
NAMES = ("seed", "shared_object_id")
MOST_LAYERS = 2_000  # which take a minute to build; large networks have some hundreds
MOST_BYTES = 50_000_000  # of a configuration, and of weights beyond the file's own size: kilobytes may hold gigabytes
SHRUNK = 10  # times at most, by a ZIP, as weights go
# Layers and values that run what their file holds. Newer versions of Keras refuse most of them, too.
FOREIGN = ("FlaxLayer", "JaxLayer", "Lambda", "TFSMLayer", "TorchModuleWrapper", "__lambda__", "__typespec__")
OF_FUNCTIONS = (keras.activations, keras.constraints, keras.initializers, keras.regularizers)


def check_config(config: dict | list, within: str = "") -> None:
    """Refuses numbers by which Keras may take many gigabytes at once, more layers than any network has, and objects
    from elsewhere than Keras and the zoo: older versions of Keras import and call whatever a file names.
    """
    if isinstance(config, dict) and "class_name" in config:
        check_origin(config)
    for name, value in config.items() if isinstance(config, dict) else enumerate(config):
        where = within if isinstance(config, list) else name
        if name == "layers" and isinstance(value, list) and len(value) > MOST_LAYERS:
            raise ValueError(f"its config.json must hold up to {MOST_LAYERS:,} layers. Received: {len(value):,}")
        if isinstance(value, dict | list):
            check_config(value, where)
        elif isinstance(value, int) and value > MOST_NUMBER and where not in NAMES:
            raise ValueError(
                f"its config.json must hold numbers of at most {MOST_NUMBER:,}. Received: {where} {value:,}"
            )


def check_origin(config: dict) -> None:
    """Refuses an object that is neither of Keras, nor of the zoo, nor registered."""
    kind, module, inner = config["class_name"], config.get("module"), config.get("config")
    sought = inner if kind == "function" else config.get("registered_name")  # by which Keras looks it up
    if isinstance(sought, str) and keras.saving.get_registered_object(sought) is not None:
        return
    package = str(module or "keras").partition(".")[0]
    if kind == "function":
        right = package in ("builtins", "keras") and any(hasattr(part, str(inner)) for part in OF_FUNCTIONS)
    else:
        right = package in ("keras", "zoo") and kind not in FOREIGN
    if not right:
        name = inner if kind == "function" else kind
        raise ValueError(
            f"its config.json must hold objects of Keras and of the zoo, or registered ones. Received: {module}.{name}"
        )


@contextlib.contextmanager
def limit_weights(size: int) -> Iterator[None]:
    """Refuses layers with more weights than a file of so many bytes can hold, before they are made."""
    add_weight, most, count = keras.layers.Layer.add_weight, SHRUNK * size + MOST_BYTES // 4, 0

    def add_counted(layer, shape=None, *arguments, **options):
        nonlocal count
        count += math.prod(shape or ())
        if count > most:
            raise ValueError(f"its layers must have up to {most:,} weights, by its size. Received: {count:,} or more")
        return add_weight(layer, shape, *arguments, **options)

    keras.layers.Layer.add_weight = add_counted
    try:
        yield
    finally:
        keras.layers.Layer.add_weight = add_weight


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
