"""One recipe for all stages, and training that survives an interruption."""

from zoo.training.devices import gpus, process_count, process_number, require_jax, share_among
from zoo.training.loop import check_counted, compile_model, load, precision, train
from zoo.training.loss import cross_entropy_and_dice, median_frequency_weights, offsets_against
from zoo.training.optimizer import make_optimizer
from zoo.training.recipe import IN_COLOUR, MOSTLY_GREY, SHORT, Recipe, but_for_rounding, phases, with_defaults
from zoo.training.state import DivergedError, KeepState, forget, states

__all__ = [
    "IN_COLOUR",
    "MOSTLY_GREY",
    "SHORT",
    "DivergedError",
    "KeepState",
    "Recipe",
    "but_for_rounding",
    "check_counted",
    "compile_model",
    "cross_entropy_and_dice",
    "forget",
    "gpus",
    "load",
    "make_optimizer",
    "median_frequency_weights",
    "offsets_against",
    "phases",
    "precision",
    "process_count",
    "process_number",
    "require_jax",
    "share_among",
    "states",
    "train",
    "with_defaults",
]
