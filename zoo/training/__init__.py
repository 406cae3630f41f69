"""One recipe for all stages, and training that survives an interruption."""

from zoo.training.devices import gpus, require_jax, share_among, share_of_this_process
from zoo.training.loop import compile_model, load, make_optimizer, train
from zoo.training.loss import cross_entropy_and_dice, median_frequency_weights
from zoo.training.recipe import PUBLISHED, Recipe, phases, with_defaults
from zoo.training.state import DivergedError, KeepState, forget

__all__ = [
    "PUBLISHED",
    "DivergedError",
    "KeepState",
    "Recipe",
    "compile_model",
    "cross_entropy_and_dice",
    "forget",
    "gpus",
    "load",
    "make_optimizer",
    "median_frequency_weights",
    "phases",
    "require_jax",
    "share_among",
    "share_of_this_process",
    "train",
    "with_defaults",
]
