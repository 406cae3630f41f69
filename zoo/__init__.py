"""A model zoo for understanding semantic segmentation: nine stages, each mending the fault of the one before.

Examples:
    >>> import zoo
    >>> model = zoo.load("unet")  # a trained Keras model
    >>> classes = zoo.predict(model, "photo.jpg")  # doctest: +SKIP
    >>> recipe = zoo.training.Recipe("synthetic_pets", epochs=2)
    >>> model, card = zoo.train("unet", recipe, "runs")  # doctest: +SKIP

The classes are 0 for pet, 1 for background and 2 for border.
"""

import lazy_loader

# What there is stands in `__init__.pyi`, and comes lazily (SPEC 1), so that `import zoo` does not wait for Keras.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
