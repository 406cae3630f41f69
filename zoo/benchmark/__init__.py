"""How fast the layers, the stages and the data are on this machine, measured beside the usual ways.

Machines are noisy, so the contenders take turns: each round times each of them once, in random order,
and the median of the rounds counts. Ratios within one run hold longer than milliseconds.

Keras has one backend for each process. So every backend gets a process of its own, and what needs a
backend is imported in the functions that run there.
"""

from pathlib import Path

from zoo.benchmark.networks import exponent, patches, stages, stages_memory
from zoo.benchmark.other_runtimes import runtimes
from zoo.benchmark.pipeline import pipeline
from zoo.benchmark.pooling import layers, layers_memory

RESULTS = Path(__file__).with_name("benchmark.json")  # what the page about speed reads
__all__ = [
    "RESULTS",
    "exponent",
    "layers",
    "layers_memory",
    "patches",
    "pipeline",
    "runtimes",
    "stages",
    "stages_memory",
]
