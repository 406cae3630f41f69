"""Trained models as files that need neither Keras nor this package."""

from zoo.exporting.formats import FORMATS
from zoo.exporting.network import MAX_SIDE, input_and_output, resize
from zoo.exporting.runtimes import compare, open_exported
from zoo.exporting.writing import export, export_and_compare, file_name

__all__ = [
    "FORMATS",
    "MAX_SIDE",
    "compare",
    "export",
    "export_and_compare",
    "file_name",
    "input_and_output",
    "open_exported",
    "resize",
]
