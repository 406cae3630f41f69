"""The files of the trained models that the site hands out: as Keras keeps them, and exported for other runtimes."""

import hashlib
import importlib.util
from pathlib import Path

from zoo.cards import class_names

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "saved_models"
CACHE = ROOT / ".cache" / "exports"
NEEDED = {"onnx": ("tf2onnx", "onnx"), "litert": ("tensorflow",)}  # packages, by format
WRITERS = [ROOT / "zoo" / name for name in ("exporting.py", "formats.py")]


def exported(stage, format, folder=MODELS):
    """The file of a trained model in another format: from the cache, or written now, which takes seconds.

    Args:
        stage: one of `zoo.STAGES`.
        format: "onnx" or "litert".
        folder: where the saved model is.

    Returns:
        A path; `None` if a package for the format (extra `export`) is not installed.
    """
    source = folder / f"{stage}.keras"
    digest = hashlib.sha256()
    for path in (source, *WRITERS):
        digest.update(path.read_bytes())
    ending = {"onnx": ".onnx", "litert": ".tflite"}[format]
    kept = CACHE / digest.hexdigest()[:16] / f"{stage}{ending}"
    if kept.exists():
        return kept
    if not all(importlib.util.find_spec(package) for package in NEEDED[format]):
        return None
    from zoo import quiet  # TensorFlow takes seconds, and the cache needs none

    quiet.import_tensorflow()
    from zoo.exporting import export
    from zoo.saved import load_any

    return export(load_any(str(source)), kept.parent, format, name=stage, classes=class_names(str(source)))
