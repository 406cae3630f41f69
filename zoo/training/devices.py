"""Where a training computes: GPUs, several devices, several processes."""

import contextlib
import importlib

import keras

from zoo.data.squeezing import check_positive


def share_among(devices: int, batch_size: int) -> contextlib.AbstractContextManager:
    """A scope in which each step is shared among devices, by `keras.distribution`: each takes a part of the batch.

    The steps are those of one device: batch normalisation sees the whole batch, and the losses
    differ by rounding alone. Several processes, on one machine or on several, share their devices
    after `keras.distribution.initialize` was called in each; the first alone writes files.

    Args:
        devices: how many GPUs or, where there is none, CPU devices; of several processes, all that they have.
        batch_size: images in a step, a multiple of `devices`.

    Raises:
        ValueError: if `devices` is no positive number, there are not as many, or they cannot share a batch evenly.
        RuntimeError: if there are several, and the backend is not JAX.
    """
    check_positive("devices", devices)
    several = process_count() > 1
    if devices == 1 and not several:
        return contextlib.nullcontext()
    require_jax("Several devices")
    found = keras.distribution.list_devices()
    if devices > len(found) or batch_size % devices or (several and devices < len(found)):
        raise ValueError(
            f"`devices` must be {'' if several else 'at most '}{len(found)}, the devices that are there, and must "
            f"divide the batch size, {batch_size}. Received: devices={devices}"
        )
    # Each process loads its own part of a batch.
    return keras.distribution.DataParallel(devices=found[:devices], auto_shard_dataset=False).scope()


def require_jax(what: str) -> None:
    """Refuses another backend: `keras.distribution` is written for JAX alone."""
    if keras.backend.backend() != "jax":
        raise RuntimeError(f"{what} need KERAS_BACKEND=jax. Received: {keras.backend.backend()}")


def process_number() -> int:
    """The number of this process among those that train together: 0 is the first, which alone writes."""
    return importlib.import_module("jax").process_index() if keras.backend.backend() == "jax" else 0


def process_count() -> int:
    """How many processes train together."""
    return importlib.import_module("jax").process_count() if keras.backend.backend() == "jax" else 1


def check_common(epochs):
    """Refuses to go on where the processes find states after different numbers of epochs."""
    try:
        importlib.import_module("jax.experimental.multihost_utils").assert_equal(epochs)
    except AssertionError:
        raise ValueError(
            f"`folder` must be one that all processes see. Received: a state after {epochs} epochs, another elsewhere"
        ) from None


def gpus() -> list[str]:
    """The GPUs that Keras computes on here, as the backend names them."""
    if keras.backend.backend() == "torch":
        cuda = importlib.import_module("torch").cuda
        return [cuda.get_device_name(number) for number in range(cuda.device_count())]
    devices = keras.distribution.list_devices()  # of any kind, since JAX fails if asked for GPUs and has none
    return [device for device in devices if not device.lower().startswith("cpu")]
