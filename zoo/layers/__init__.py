"""The custom layers. Importing this package registers them for `keras.saving.load_model`."""

from zoo.layers.bed_of_nails_2d import BedOfNails2D
from zoo.layers.dense_window_2d import DenseWindow2D
from zoo.layers.index_unpooling_2d import IndexUnpooling2D
from zoo.layers.max_pooling_with_offsets_2d import MaxPoolingWithOffsets2D
from zoo.layers.max_unpooling_2d import MaxUnpooling2D
from zoo.layers.nearest_unpooling_2d import NearestUnpooling2D
from zoo.layers.offsets import offsets_from_pytorch as offsets_from_pytorch
from zoo.layers.offsets import offsets_from_tensorflow as offsets_from_tensorflow
from zoo.layers.sliding_window_2d import SlidingWindow2D

__all__ = [  # the layers; the two functions are beside them
    "BedOfNails2D",
    "DenseWindow2D",
    "IndexUnpooling2D",
    "MaxPoolingWithOffsets2D",
    "MaxUnpooling2D",
    "NearestUnpooling2D",
    "SlidingWindow2D",
]
