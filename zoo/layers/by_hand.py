"""Pooling and unpooling whose gradients are written by hand, where automatic ones are slow.

The three functions of `windows` that know offsets are each other's gradients: that of pooling is
putting, that of putting is picking, that of picking is putting again, and so on for ever. JAX and
PyTorch find this by themselves, in every order and mode. TensorFlow finds it too, but without XLA
its own way back takes half as long again, and twice the memory.
"""

import functools

import keras
from keras import ops

from zoo.layers.windows import arrange_windows, find_maxima, pick_at_offsets, put_at_offsets


def max_pool(x, pool_size):
    """As `windows.find_maxima`."""
    if keras.backend.backend() != "tensorflow":
        return find_maxima(x, pool_size)
    return on_tensorflow("pool", pool_size, x)


def max_unpool(values, offsets, pool_size):
    """As `windows.put_at_offsets`."""
    if keras.backend.backend() != "tensorflow":
        # A map a place: its automatic gradient takes a third to two thirds of the time of that of `put_at_offsets`.
        offsets, nothing = ops.cast(offsets, "int32"), ops.zeros_like(values)
        places = range(pool_size[0] * pool_size[1])
        return arrange_windows([ops.where(ops.equal(offsets, place), values, nothing) for place in places], pool_size)
    return on_tensorflow("put", pool_size, values, offsets)


def on_tensorflow(name, pool_size, *tensors):
    """Calls a function of `functions_for`: as it is, or as a part of the graph that is being traced."""
    import tensorflow as tf

    if tf.executing_eagerly():
        return functions_for(pool_size)[name](*tensors)
    return graph_of(name, pool_size, *(tf.TensorSpec(x.shape, x.dtype) for x in tensors))(*tensors)


@functools.cache
def graph_of(name, pool_size, *signature):
    """One function of `functions_for` as a graph of its own.

    TensorFlow keeps every custom gradient that it meets while it traces, with the whole graph around
    it, until the process ends. Here it meets one for each shape, in the smallest of graphs.
    """
    import tensorflow as tf

    return tf.function(functions_for(pool_size)[name], input_signature=signature)


@functools.cache
def functions_for(pool_size):
    """The functions `pool`, `put` and `pick` of a window, each of which names another one as its gradient."""

    @keras.ops.custom_gradient
    def pool(x):
        values, offsets = find_maxima(x, pool_size)
        return (values, offsets), lambda to_values, to_offsets: on_tensorflow("put", pool_size, to_values, offsets)

    @keras.ops.custom_gradient
    def put(values, offsets):
        def gradient(upstream):
            return on_tensorflow("pick", pool_size, upstream, offsets), None

        return put_at_offsets(values, offsets, pool_size), gradient

    @keras.ops.custom_gradient
    def pick(x, offsets):
        def gradient(upstream):
            return on_tensorflow("put", pool_size, upstream, offsets), None

        return pick_at_offsets(x, offsets, pool_size), gradient

    return {"pool": pool, "put": put, "pick": pick}
