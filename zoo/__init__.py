"""A model zoo for understanding semantic segmentation: nine stages, each mending the fault of the one before.

Examples:
    >>> import zoo
    >>> model = zoo.load("unet")  # a trained Keras model
    >>> classes = zoo.predict(model, "photo.jpg")  # doctest: +SKIP

The classes are 0 for pet, 1 for background and 2 for border.
"""

import lazy_loader

from zoo.stages import STAGES

# Lazily (SPEC 1), so that `import zoo` and `python -m zoo --help` do not wait for Keras.
__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submodules=[
        "benchmark",
        "cards",
        "data",
        "evaluation",
        "experiments",
        "exporting",
        "layers",
        "models",
        "plots",
        "prediction",
        "saved",
        "training",
    ],
    submod_attrs={"models": ["build"], "prediction": ["predict"], "saved": ["load"]},
)
__all__ = ["STAGES", "build", "load", "predict"]
