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


def versions(*optional: str) -> dict[str, str]:
    """Versions of Python, Keras and its backend, and of further packages that are installed."""
    found = {"python": platform.python_version()}
    for name in ("keras", keras.backend.backend(), "tensorflow-datasets", *optional):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError if name in optional else ()):
            found[name] = importlib.metadata.version(name)
    return found
