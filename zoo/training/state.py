"""What a training leaves on the disk after each epoch, so that it can go on after any interruption."""

import dataclasses
import errno
import hashlib
import json
import math
import os
import re
import shutil
import time
from pathlib import Path

import filelock
import keras
import numpy as np

from zoo import cards, data, files
from zoo.errors import first_line, printable
from zoo.training.recipe import with_defaults


class DivergedError(RuntimeError):
    """The loss of a training, a weight or a number of its optimiser is not finite any more."""


class KeepState(keras.callbacks.Callback):
    """After each epoch, keeps weights, optimiser and history in a folder that gets its name when it is whole.

    The state before stays, too: if the last one is damaged, the training goes on from there.

    Args:
        folder: where the states lie.
        identity: of the training, as `identify` gives it.
        history: the epochs so far, to which each one is added.

    Raises:
        DivergedError: instead of keeping a state that is not finite.
    """

    def __init__(self, folder, identity, history):
        super().__init__()
        self.folder, self.identity, self.history = folder, identity, history

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        logs = {name: float(value) for name, value in logs.items()}
        self.check_finite(epoch, logs)
        self.history.append({**logs, "seconds": time.monotonic() - self.started})
        kept = Path(self.folder) / f"after_epoch_{epoch + 1:04d}"
        with files.write_whole(kept, overwrite=kept.is_dir()) as unfinished:
            unfinished.mkdir()
            check_space(unfinished, self.model)
            self.model.save_weights(unfinished / "model.weights.h5")  # with the optimiser's
            state = {"model": model_identity(self.model), **self.identity, "history": self.history}
            state["sha256"] = checksum_of_state(unfinished, state)
            (unfinished / "state.json").write_text(json.dumps(state, indent=1))
        for old in states(self.folder):
            if epochs_of(old) not in (epoch, epoch + 1):  # not by their order: damaged ones may bear higher numbers
                shutil.rmtree(old, ignore_errors=True)

    def check_finite(self, epoch, logs):
        """Stops a training that has diverged before its state replaces a good one."""
        wrong = [name for name, value in logs.items() if not np.isfinite(value)]
        variables = [*self.model.weights, *self.model.optimizer.variables]  # an infinite moment stops a weight for ever
        wrong += [v.path for v in variables if not np.isfinite(keras.ops.convert_to_numpy(v)).all()]
        if wrong:
            raise DivergedError(
                f"Epoch {epoch + 1} gave {wrong[0]}, which is not finite. What is kept in {self.folder} is the "
                "state before it. Try a smaller learning rate, or float32 instead of mixed precision."
            )


def read_state(folder, identity, model):
    """Loads the newest whole state of a training into its model and optimiser.

    States that are damaged are named and passed over.

    Args:
        folder: where the states lie; a new one has none.
        identity: of the training, as `identify` gives it.
        model: the compiled Keras model, with its optimiser built.

    Returns:
        The history of the epochs that the state has behind it.

    Raises:
        ValueError: if the newest whole state is of another recipe, other pictures, another start or another model.
    """
    for state in states(folder):
        try:
            kept = files.read_object(state / "state.json")
            if kept["sha256"] != checksum_of_state(state, kept) or len(kept["history"]) != epochs_of(state):
                raise ValueError("it has changed since it was written")
            kept = {**identity, **kept, "recipe": with_defaults(kept["recipe"])}  # old ones lack data or start
            kept["model"] = {**kept["model"], "name": plain_name(kept["model"]["name"])}  # and have the number
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:  # the last of endless brackets
            print(printable(f"Passed over the state {state}, which is damaged: {first_line(error)}"))
            continue
        if isinstance(kept["data"], dict):  # older states do not have the classes either
            kept["data"] = {"classes": identity["data"]["classes"], **kept["data"]}
        names = {"recipe": "recipe", "data": "state of the data set", "start": "file to start from"}
        for name, what in names.items():
            check_same(folder, what, kept[name], identity[name])
        check_same(folder, "model", kept["model"], model_identity(model))
        model.load_weights(state / "model.weights.h5")
        return kept["history"]
    return []


def check_space(folder, model):
    """Raises an `OSError` where a disk has no room for a model and its optimiser: HDF5 ends the process there."""
    variables = {id(variable): variable for variable in [*model.variables, *model.optimizer.variables]}.values()
    needed = sum(math.prod(variable.shape) * 4 for variable in variables) * 5 // 4 + 1_000_000
    if shutil.disk_usage(folder).free < needed:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def identify(recipe):
    """What a training must have in common with the one whose state it goes on from: recipe, pictures and start."""
    return {
        "recipe": dataclasses.asdict(recipe),
        "data": data.describe(recipe.dataset, recipe.split) | {"classes": list(data.find(recipe.dataset).classes)},
        "start": {"sha256": files.checksum(cards.path_of(recipe.start))} if recipe.start else {},
    }


def checksum_of_state(state, contents):
    """The SHA-256 of the weights in the folder of a state, and of all that its `state.json` says besides."""
    weights = state / "model.weights.h5"
    files.check_file(weights)
    said = json.dumps({name: value for name, value in contents.items() if name != "sha256"})
    return hashlib.sha256(weights.read_bytes() + said.encode()).hexdigest()


def forget(folder: str | os.PathLike) -> None:
    """Removes the states of a training whose model is saved: another recipe may begin anew there."""
    for state in states(folder):
        shutil.rmtree(state, ignore_errors=True)


def check_same(folder, what, kept, asked):
    """Refuses to go on with another recipe, data set or model than the one that the folder holds."""
    kept, asked = (json.loads(json.dumps(x)) for x in (kept, asked))  # tuples become lists
    if kept != asked:
        names = [name for name in {**kept, **asked} if kept.get(name) != asked.get(name)]
        ours, theirs = ({name: x[name] for name in names if name in x} for x in (asked, kept))
        raise ValueError(
            f"{folder} holds a training by another {what} ({theirs}). Received: {ours}. "
            "Use the same, delete the folder, or name another with --out."
        )


def model_identity(model):
    """What tells a model from another: its name, without the number that Keras may add, and its weights' shapes."""
    shapes = json.dumps([list(weight.shape) for weight in model.weights])
    return {"name": plain_name(model.name), "weights": hashlib.sha256(shapes.encode()).hexdigest()}


def plain_name(name):
    """The name of a model without the number that Keras may have added."""
    return re.sub(r"_\d+$", "", name)


def states(folder: str | os.PathLike) -> list[Path]:
    """The states in a folder, the newest first."""
    found = [path for path in Path(folder).glob("after_epoch_*") if epochs_of(path)]
    return sorted(found, key=epochs_of, reverse=True)


def epochs_of(state):
    """How many epochs a state has behind it, by its name; 0 if it is none."""
    match = re.fullmatch(r"after_epoch_(\d+)", state.name)
    return int(match[1]) if match and state.is_dir() else 0


def claim(folder):
    """A lock on a folder, to be used in a `with`: two trainings there would mix their states.

    What an earlier training left unfinished is removed.

    Raises:
        ValueError: if another training has the folder.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        # The system frees it when the process ends, however that happens.
        claimed = filelock.FileLock(folder / "training.lock").acquire(timeout=0)
    except filelock.Timeout:
        raise ValueError(f"Another training is at work in {folder}. Wait for it, or name another with --out.") from None
    for left in folder.glob(".unfinished.*"):
        shutil.rmtree(left, ignore_errors=True)
    return claimed  # frees it at the end of the `with`
