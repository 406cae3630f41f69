"""What stands in cards and benchmarks of the machine and of the packages that computed."""

import contextlib
import importlib.metadata
import os
import platform

import keras

from zoo.training.devices import gpus


def hardware() -> str:
    """What this machine computes with."""
    return ", ".join(gpus()) or f"{os.cpu_count()} CPU cores, {platform.machine()}"


def versions(*further: str) -> dict[str, str]:
    """Versions of Python, Keras and its backend, and of further packages; of those that are installed by this name."""
    found = {"python": platform.python_version()}
    for name in ("keras", keras.backend.backend(), "tensorflow-datasets", *further):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found
