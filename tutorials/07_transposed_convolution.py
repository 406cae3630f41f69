# %% [markdown]
# # Transposed convolution: learned growing
#
# [Max unpooling](06_max_unpooling.md) puts a value at the right place and leaves zeros around it. Who decides that a
# value fills one pixel and not four? We did. **Can a network learn how to grow?**
#
# Give it a small stamp, the **kernel**. Each value presses the stamp into the large map, multiplied by the value.

# %% A 2 x 2 map and a 2 x 2 kernel make a 4 x 4 map; each window of it is the kernel times one value tags=["picture"]
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from zoo import plots


def draw_tinted(panels, cell=0.45):
    """Draws grids of numbers, each from a (grid, tints) pair: the number of a tint for each cell, -1 for none."""
    widths = [np.shape(grid)[1] for grid, _ in panels.values()]
    height = max(len(grid) for grid, _ in panels.values())
    figure = Figure(figsize=(cell * (sum(widths) + len(widths)), cell * height + 0.5), layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False, width_ratios=widths)[0]
    for axis, (title, (grid, tints)) in zip(axes, panels.items(), strict=True):
        for (row, column), number in np.ndenumerate(grid):
            tint = tints[row][column]
            face = (*plots.TINTS[tint % 4], 0.45) if tint >= 0 else "none"
            if not np.isnan(number):
                axis.add_patch(Rectangle((column, row), 1, 1, facecolor=face, edgecolor="black", linewidth=0.8))
                axis.text(column + 0.5, row + 0.5, f"{number:g}", ha="center", va="center")
        axis.set(xlim=(0, np.shape(grid)[1]), ylim=(len(grid), 0), aspect="equal", anchor="N")
        axis.set_title(title, fontsize=10)
        axis.set_axis_off()
    return figure


small = np.array([[1, 2], [3, 4]], "float32")
kernel = np.array([[2, 1], [-1, 3]], "float32")
large = np.kron(small, kernel)
own_tints = np.arange(4).reshape(2, 2)
draw_tinted(
    {
        "small map": (small, own_tints),
        "kernel": (kernel, np.full((2, 2), -1)),
        "large map": (large, np.kron(own_tints, np.ones((2, 2), int))),
    }
)

# %% [markdown]
# The numbers of the kernel are weights. Training finds them, as it finds the weights of any convolution. This is a
# **transposed convolution** with a 2 x 2 kernel and stride 2: neighbouring stamps begin two pixels apart. The name
# comes from a matrix; the matrix comes first.
#
# ## A convolution is a matrix
#
# Stay in one dimension: a signal of 6 numbers, a kernel of 3. The kernel slides along the signal. At each position it
# multiplies and adds up. The stride says how far it moves between two positions.


# %%
def convolve_by_hand(signal, kernel, stride):
    positions = (len(signal) - len(kernel)) // stride + 1
    result = np.zeros(positions, "float32")
    for position in range(positions):
        for k in range(len(kernel)):
            result[position] += kernel[k] * signal[position * stride + k]
    return result


signal = np.array([1, 3, 0, 2, 5, 4], "float32")
weights = np.array([1, 2, 3], "float32")
print("stride 1:", convolve_by_hand(signal, weights, stride=1))
print("stride 2:", convolve_by_hand(signal, weights, stride=2))

# %% [markdown]
# Each result is a sum of signal values times fixed numbers. So all results together are a matrix times the signal. A
# row of the matrix holds the kernel at one position, and zeros where the kernel is not.


# %% The matrices of stride 1, 4 x 6, and of stride 2, 2 x 6: each row holds the kernel, moved by the stride
def convolution_matrix(kernel, length, stride):
    positions = (length - len(kernel)) // stride + 1
    matrix = np.zeros((positions, length), "float32")
    for position in range(positions):
        start = position * stride
        matrix[position, start : start + len(kernel)] = kernel
    return matrix


one, two = (convolution_matrix(weights, len(signal), stride) for stride in (1, 2))
assert (one @ signal == convolve_by_hand(signal, weights, stride=1)).all()
assert (two @ signal == convolve_by_hand(signal, weights, stride=2)).all()
plots.draw_grids({"stride 1: 6 to 4": one, "stride 2: 6 to 2": two})

# %% [markdown]
# Keras agrees. Its `Conv1D` does not flip the kernel, as the convolution of mathematics would, and neither do we.

# %%
from keras import layers, ops


def with_kernel(layer, kernel, inputs):
    """Runs a layer without bias on a batch, with the kernel that is given."""
    layer.build(inputs.shape)
    layer.set_weights([kernel])
    return ops.convert_to_numpy(layer(inputs))


def in_one_dimension(layer, kernel, values):
    return with_kernel(layer, kernel.reshape(-1, 1, 1), values.reshape(1, -1, 1)).ravel()


for stride, matrix in ((1, one), (2, two)):
    conv = layers.Conv1D(1, 3, stride, padding="valid", use_bias=False)
    assert np.allclose(in_one_dimension(conv, weights, signal), matrix @ signal)

# %% [markdown]
# ## The transpose goes back up
#
# The matrix of stride 2 makes 2 numbers out of 6. Write each of its rows as a column: the **transposed** matrix
# makes 6 numbers out of 2.

# %% The two matrices transposed: 6 x 4 and 6 x 2; now each column holds the kernel
plots.draw_grids({"stride 1: 4 to 6": one.T, "stride 2: 2 to 6": two.T})

# %% [markdown]
# (At stride 2 the sixth number was never used. The matrix brings it back as 0.)
#
# A transposed convolution is a multiplication by this matrix. It brings back the *shape*. It does not bring back the
# *values*: a transpose is no inverse.

# %%
print(f"  signal: {signal}")
for stride, matrix in ((1, one), (2, two)):
    down = matrix @ signal
    up = matrix.T @ down
    print(f"stride {stride}: {down}\n       up: {up}")
    assert up.shape == signal.shape
    assert not np.allclose(up, signal)

# %% [markdown]
# That is no fault. At the bottom stand new features, not the old signal. Nothing has to be restored; only the size has
# to grow.
#
# ## The stamp
#
# Look at the columns of a transposed matrix. Each holds the kernel, and the next column holds it one stride further
# down. The product adds the columns up, each times one value. In other words: **each value multiplies the kernel and
# stamps the result into the output. Stamps lie one stride apart. Where stamps overlap, they add up.**


# %%
def stamp_by_hand(values, kernel, stride):
    large = np.zeros((len(values) - 1) * stride + len(kernel), "float32")
    for position in range(len(values)):
        for k in range(len(kernel)):
            large[position * stride + k] += values[position] * kernel[k]
    return large


values = np.array([1, 2, 4], "float32")
print("stride 1:", stamp_by_hand(values, weights, stride=1))
print("stride 2:", stamp_by_hand(values, weights, stride=2))

# %% [markdown]
# One stamp a row, and below them the sum. In the sum, a cell has a colour if only one stamp reached it:

# %% The stamps of three values at stride 1 and at stride 2, one a row, and below them their sum tags=["picture"]


def stamps_and_sum(stride):
    """A row for each stamp, an empty one and one for the sum, and the tints of their cells."""
    length = (len(values) - 1) * stride + len(weights)
    rows = np.full((len(values) + 2, length), np.nan)
    tints = np.full(rows.shape, -1)
    for position in range(len(values)):
        cells = slice(position * stride, position * stride + len(weights))
        rows[position, cells] = values[position] * weights
        tints[position, cells] = position
    rows[-1] = np.nansum(rows, axis=0)
    alone = (tints >= 0).sum(axis=0) == 1
    tints[-1] = np.where(alone, tints.max(axis=0), -1)
    assert (rows[-1] == stamp_by_hand(values, weights, stride)).all()
    return rows, tints


draw_tinted({"stride 1": stamps_and_sum(1), "stride 2": stamps_and_sum(2)})

# %% [markdown]
# The transposed matrix, the stamps and Keras's `Conv1DTranspose` are three ways to the same numbers.

# %%
for stride, length in ((1, 5), (2, 7)):
    matrix = convolution_matrix(weights, length, stride)
    stamped = stamp_by_hand(values, weights, stride)
    assert np.allclose(matrix.T @ values, stamped)

    grow = layers.Conv1DTranspose(1, 3, stride, padding="valid", use_bias=False)
    assert np.allclose(in_one_dimension(grow, weights, values), stamped)

# %% [markdown]
# One thing is lost on the way: at stride 2, a kernel of 3 makes 2 numbers out of 5 *and* out of 6. From the 2 numbers
# alone nobody knows which it was. The stamps give 5, the shortest; `output_padding=1` asks Keras for 6, and the last
# one is 0.

# %%
assert len(convolve_by_hand(signal[:5], weights, stride=2)) == 2
assert len(convolve_by_hand(signal[:6], weights, stride=2)) == 2
assert len(stamp_by_hand(values[:2], weights, stride=2)) == 5

longer = layers.Conv1DTranspose(1, 3, strides=2, output_padding=1, use_bias=False)
result = in_one_dimension(longer, weights, values[:2])
print(result)
assert np.allclose(result, two.T @ values[:2])

# %% [markdown]
# !!! question "Try it"
#     There is another way to the same numbers: a bed of nails in one dimension, and then an ordinary convolution. Put
#     one zero between neighbouring values, and call `np.convolve(nails, weights)`, the convolution of mathematics,
#     which flips the kernel. Compare with the stamps of stride 2.

# %% tags=["solution"]
nails = np.zeros(2 * len(values) - 1, "float32")
nails[::2] = values
print(nails, "->", np.convolve(nails, weights))
assert np.allclose(np.convolve(nails, weights), stamp_by_hand(values, weights, stride=2))

# %% [markdown]
# ## Two dimensions
#
# Now the stamp is a square. The value at row \(r\) and column \(c\) puts the upper-left corner of its stamp at row
# \(r \cdot s\) and column \(c \cdot s\) of the output, where \(s\) is the stride. Rows and columns count from 0. Where
# stamps share a pixel, they add up, as before.


# %%
def stamp_map_by_hand(values, kernel, stride):
    height = (values.shape[0] - 1) * stride + kernel.shape[0]
    width = (values.shape[1] - 1) * stride + kernel.shape[1]
    large = np.zeros((height, width), "float32")
    for row, column in np.ndindex(*values.shape):
        for down, right in np.ndindex(*kernel.shape):
            stamped = values[row, column] * kernel[down, right]
            large[row * stride + down, column * stride + right] += stamped
    return large


cross = np.array([[0, 1, 0], [1, 2, 1], [0, 1, 0]], "float32")
for stamp, stride in ((cross, 1), (cross, 2), (kernel, 2)):
    side = len(stamp)
    grow = layers.Conv2DTranspose(1, side, stride, padding="valid", use_bias=False)
    result = with_kernel(grow, stamp[:, :, None, None], small[None, :, :, None])[0, :, :, 0]
    assert np.allclose(result, stamp_map_by_hand(small, stamp, stride))
    print(f"kernel {side} x {side}, stride {stride}: (2, 2) grows to {result.shape}")
assert (result == large).all()

# %% The same 2 x 2 map, stamped with a 3 x 3 cross at stride 1 and at stride 2
figure = plots.draw_grids(
    {
        "small map": small,
        "kernel": cross,
        "stride 1": stamp_map_by_hand(small, cross, 1),
        "stride 2": stamp_map_by_hand(small, cross, 2),
    }
)
figure.set_size_inches(7, 2.4)
figure

# %% [markdown]
# The third case, a 2 x 2 kernel at stride 2, is the picture at the top of this page.
#
# At stride 1 nothing new happens. A pixel of the output gathers what the stamps around it leave there, and to gather
# with a kernel is an ordinary convolution. The kernel is turned round by half a turn, since a stamp reaches to the
# right where a kernel looks to the left. And the map gets two zeros on each side, so that it can grow:

# %%
stamp = np.arange(9, dtype="float32").reshape(3, 3)
turned, padded = stamp[::-1, ::-1], np.pad(small, 2)
ordinary = layers.Conv2D(1, 3, padding="valid", use_bias=False)
gathered = with_kernel(ordinary, turned[:, :, None, None], padded[None, :, :, None])[0, :, :, 0]
assert np.allclose(gathered, stamp_map_by_hand(small, stamp, stride=1))

# %% [markdown]
# With channels, the kernel has shape `(rows, columns, out, in)`: one stamp for each pair of an input channel and an
# output channel. All that is stamped into one output channel adds up.
#
# !!! question "Try it"
#     A map has 2 channels and shall grow into 3. Compute it with `stamp_map_by_hand`, and compare with
#     `Conv2DTranspose(3, ...)`. How many stamps does the kernel hold?

# %% tags=["solution"]
rng = np.random.default_rng(0)
two_channels = rng.normal(size=(1, 4, 5, 2)).astype("float32")
stamps = rng.normal(size=(2, 2, 3, 2)).astype("float32")
print(f"{stamps.shape[2] * stamps.shape[3]} stamps")

by_hand = np.zeros((8, 10, 3), "float32")
for out, into in np.ndindex(3, 2):
    channel, stamp = two_channels[0, :, :, into], stamps[:, :, out, into]
    by_hand[:, :, out] += stamp_map_by_hand(channel, stamp, stride=2)

transposed = layers.Conv2DTranspose(3, 2, strides=2, use_bias=False)
assert np.allclose(with_kernel(transposed, stamps, two_channels)[0], by_hand, atol=1e-5)

# %% [markdown]
# ## Step through it
#
# Choose kernel and stride. Watch one stamp after the other, and how many stamps each pixel gets.
#
# <div class="transposed-figure"></div>
#
# ## The name
#
# *Transposed*, because of the matrix. The same matrix appears in training: the gradient of a convolution with respect
# to its input is a multiplication by the transposed matrix. So on the backward pass every convolution hands its
# gradient on by a transposed convolution, with the same kernel and the same stride.

# %%
import tensorflow as tf

image = rng.normal(size=(1, 9, 9, 1)).astype("float32")
arriving = rng.normal(size=(1, 4, 4, 1)).astype("float32")
with tf.GradientTape() as tape:
    watched = tf.constant(image)
    tape.watch(watched)
    convolved = tf.nn.conv2d(watched, cross[:, :, None, None], 2, "VALID")
gradient = tape.gradient(convolved, watched, arriving).numpy()

stamped = stamp_map_by_hand(arriving[0, :, :, 0], cross, stride=2)
assert np.allclose(gradient[0, :, :, 0], stamped, atol=1e-5)

# %% [markdown]
# Some papers say *deconvolution* (Zeiler et al., 2010, use the word for something else again). In mathematics a
# deconvolution undoes a convolution, and a transposed convolution does not, as we saw.
#
# ## How large is the output?
#
# With \( n \) values a side, a kernel of \( k \), a stride of \( s \), and \( p \) pixels cut off at each side, the
# output has \( m \) values a side:
#
# \[ m = (n - 1) \cdot s + k - 2p \]
#
# The first stamp has \( k \) pixels, and each of the other \( n - 1 \) lies \( s \) further. If the convolution that
# goes the other way padded \( p \) zeros at each side, its transpose cuts \( p \) values off there. No padding:
# \( p = 0 \).

# %%
import itertools

cases = itertools.product(range(1, 7), range(1, 6), range(1, 4), range(3))
for n, k, s, p in (case for case in cases if 2 * case[3] < case[1]):
    stamped = stamp_by_hand(np.ones(n), np.ones(k), s)
    cut = stamped[p : len(stamped) - p]
    assert len(cut) == (n - 1) * s + k - 2 * p
    back = convolve_by_hand(np.pad(cut, p), np.ones(k), s)
    assert len(back) == n

# %% [markdown]
# `padding="same"` in Keras cuts as much as makes \( m = n \cdot s \). Of an odd number of pixels it cuts one more
# at the end.

# %%
for k, cut in ((3, slice(0, -1)), (4, slice(1, -1))):
    ramp = np.arange(1, k + 1, dtype="float32")
    same = layers.Conv1DTranspose(1, k, 2, padding="same", use_bias=False)
    result = in_one_dimension(same, ramp, values)
    assert len(result) == 2 * len(values)
    assert np.allclose(result, stamp_by_hand(values, ramp, 2)[cut])

# %% [markdown]
# ## The checkerboard
#
# How many stamps does each pixel get? Stamp ones with ones, and count.


# %% Stamps at each pixel, stride 2: a kernel of 3 gives 1, 2 or 4 in turns; of 4 evenly 4 inside; of 2 always 1
def count_stamps(n, kernel, stride):
    return stamp_map_by_hand(np.ones((n, n)), np.ones((kernel, kernel)), stride)


counts = {f"kernel {kernel}": count_stamps(3, kernel, 2) for kernel in (3, 4, 2)}
tinted = {title: (count, count.astype(int) - 1) for title, count in counts.items()}
figure = draw_tinted(tinted)
figure.set_size_inches(7, 2.9)
figure

# %% [markdown]
# With a kernel of 3 and a stride of 2, the counts change from pixel to pixel, in the pattern of a **checkerboard**.
# Pixels with four stamps come out stronger than pixels with one, unless the network learns to make up for it. Odena et
# al. (2016) found this pattern in many generated images. With a kernel of 4, every pixel gets the same number, away
# from the edge. The rule: **the stride must divide the size of the kernel.**

# %%
for side, stride in itertools.product(range(1, 9), range(1, 5)):
    inside = count_stamps(12, side, stride)[side:-side, side:-side]
    even = (inside == inside[0, 0]).all()
    assert even == (side % stride == 0)

# %% [markdown]
# Here is a map of nothing but ones, once through kernels of equal numbers, once through kernels of random numbers.

# %% A constant map grown by constant kernels, where only kernel 3 leaves a pattern, and by random ones, where all do
flat = np.ones((6, 6), "float32")
grown = {}
for kind, draw_kernel in {"constant": np.ones, "random": rng.random}.items():
    for side in (3, 4, 2):
        stamp = draw_kernel((side, side))
        grown[f"{kind}, kernel {side}"] = stamp_map_by_hand(flat, stamp / stamp.sum(), 2)

even = [title for title, grid in grown.items() if np.ptp(grid[3:-3, 3:-3]) < 1e-6]
assert even == ["constant, kernel 4", "constant, kernel 2"]
plots.draw_images(grown, columns=3)

# %% [markdown]
# A map of one colour is flat. Upper row: only the kernel of 3 makes a pattern out of nothing. Lower row: any kernel
# can, if its weights are uneven. So the rule does not forbid the pattern. It only says that even weights give an even
# map: no pixel gets more stamps than another.
#
# The dark frame of kernel 4 is the edge, where stamps from outside are missing. Our stages use a kernel of 2 at stride
# 2: no overlap, no frame.
#
# ## Old friends
#
# Two ways to grow that we know are transposed convolutions of stride 2 whose kernel was fixed by hand, one kernel for
# each channel alone. A 2 x 2 kernel of ones copies each value over its window: nearest neighbour. A kernel with a
# single 1, in its upper-left corner, is a bed of nails.

# %% The two kernels: four ones, and a single one in the upper-left corner
from zoo.layers import BedOfNails2D, NearestUnpooling2D

four_ones = np.ones((2, 2), "float32")
single_one = np.array([[1, 0], [0, 0]], "float32")
features = rng.normal(size=(2, 4, 6, 3)).astype("float32")

relatives = ((four_ones, NearestUnpooling2D(2)), (single_one, BedOfNails2D(2)))
for stamp, layer in relatives:
    channel_by_channel = stamp[:, :, None, None] * np.eye(3, dtype="float32")
    grow = layers.Conv2DTranspose(3, 2, strides=2, use_bias=False)
    grown_features = with_kernel(grow, channel_by_channel, features)
    assert np.allclose(grown_features, ops.convert_to_numpy(layer(features)))

plots.draw_grids({"nearest neighbour": four_ones, "bed of nails": single_one})

# %% [markdown]
# !!! question "Try it"
#     Is max unpooling a transposed convolution, too? Think of two windows with the same value and different offsets.

# %% tags=["solution"]
from zoo.layers import MaxUnpooling2D

same_values = np.full((1, 1, 2, 1), 5, "float32")
different_offsets = np.array([1, 2], "uint8").reshape(1, 1, 2, 1)
unpooled = MaxUnpooling2D(2)(same_values, different_offsets).numpy()[0, :, :, 0]
print(unpooled)
assert (unpooled[:, :2] != unpooled[:, 2:]).any()

# No. One kernel stamps every window alike, so that equal values give equal windows.
random_stamp = rng.normal(size=(2, 2))
stamped = stamp_map_by_hand(same_values[0, :, :, 0], random_stamp, 2)
assert (stamped[:, :2] == stamped[:, 2:]).all()

# %% [markdown]
# So the two steps differ in kind. Max unpooling heeds *this* photo, by its offsets, and learns nothing. A transposed
# convolution learns its kernel from all photos of the training, and remembers no place of this one.
#
# ## The stage `transposed_convolution`
#
# Down by plain max pooling, with no memory. Up by this block:

# %%
import inspect

from zoo.models import blocks

print(inspect.getsource(blocks.transposed_convolution))

# %% Chelsea, and what the stages nearest_unpooling, max_unpooling and transposed_convolution say of her
from skimage.data import chelsea

import zoo

stages = ("nearest_unpooling", "max_unpooling", "transposed_convolution")
models = {stage: zoo.load(stage) for stage in stages}
masks = {stage: zoo.predict(models[stage], chelsea()) for stage in stages}
answers = {stage: plots.overlay(chelsea(), mask) for stage, mask in masks.items()}

figure = plots.draw_images({"photo": chelsea(), **answers}, columns=2)
figure.set_size_inches(6, 4.4)
figure

# %% [markdown]
# What kernels did it learn? The last transposed convolution grows to full resolution. These are its four strongest
# stamps:

# %% Four stamps of 2 x 2 weights from the last transposed convolution of the trained model
model = models["transposed_convolution"]
upwards = [layer for layer in model.layers if isinstance(layer, layers.Conv2DTranspose)]


def stamps_of(layer):
    kernel = ops.convert_to_numpy(layer.kernel)  # (2, 2, out, in)
    return kernel.reshape(2, 2, -1).transpose(2, 0, 1)  # (out * in, 2, 2)


stamps = stamps_of(upwards[-1])
strongest = np.argsort((stamps**2).sum(axis=(1, 2)))[::-1]
print(f"{len(stamps)} stamps")
drawn = {f"stamp {number}": stamps[number].round(2) for number in strongest[:4]}
plots.draw_grids(drawn)

# %% [markdown]
# Did it rediscover the copy? Ask how much a stamp \( w \) is like four equal numbers:
#
# \[ \frac{(w_0 + w_1 + w_2 + w_3)^2}{4 \, (w_0^2 + w_1^2 + w_2^2 + w_3^2)} \]
#
# This is 1 for a copy, and 0 for a stamp whose numbers add up to 0: an edge. For a single nail it is one quarter, and
# for random stamps one quarter on average.


# %%
def likeness_to_copy(stamps):
    return stamps.sum(axis=(1, 2)) ** 2 / (4 * (stamps**2).sum(axis=(1, 2)))


assert likeness_to_copy(four_ones[None]) == 1
assert likeness_to_copy(single_one[None]) == 0.25
random_stamps = rng.normal(size=(20_000, 2, 2))
assert abs(likeness_to_copy(random_stamps).mean() - 0.25) < 0.01

for kind, each in [("random", random_stamps), *(("trained", stamps_of(layer)) for layer in upwards)]:
    likeness = likeness_to_copy(each)
    mean, copies = likeness.mean(), (likeness > 0.9).mean()
    print(f"{len(likeness):6,} {kind:7} stamps: {mean:.2f} on average, {copies:.0%} nearly copies")

# %% [markdown]
# Compare with the first line. A layer close to it in both numbers did not settle on copying: it has about as many near
# copies as chance would give. Where the numbers are higher, a part of the stamps leans towards copies.
#
# Does it pay? The scores over all photos of the test split, from the cards, beside the stages of the last two pages:

# %%
from zoo import saved

print(f"{'stage':24}{'pet':>8}{'border':>8}{'boundary':>10}{'parameters':>12}")
scores = {}
for stage in zoo.STAGES[2:7]:
    card = saved.card(stage)
    found = card["scores"]["at_network_size"]
    pet, border, boundary = found["iou"]["pet"], found["iou"]["border"], found["boundary_iou"]
    scores[stage] = np.array([pet, border, boundary])
    parameters = card["costs"]["parameters"]
    print(f"{stage:24}{pet:8.3f}{border:8.3f}{boundary:10.3f}{parameters:12,}")

# %%
print("transposed_convolution minus")
for other in ("nearest_unpooling", "max_unpooling"):
    pet, border, boundary = scores["transposed_convolution"] - scores[other]
    print(f"  {other:18}pet {pet:+.3f}, border {border:+.3f}, boundary {boundary:+.3f}")

_, border, boundary = scores["transposed_convolution"] - scores["max_unpooling"]
if max(abs(border), abs(boundary)) < 0.01:
    winner = "too close to call"
elif border > 0 and boundary > 0:
    winner = "learning how to grow"
elif border < 0 and boundary < 0:
    winner = "remembering places"
else:
    winner = "neither of the two"
print(f"Better at the outline, in these models: {winner}.")

# %% [markdown]
# Why might learning *not* win? A stamp is the same at every place of every photo. Where in its window the edge of this
# photo ran, it can learn from the channels alone, and pooling forgets that place in each of them. Two channels together
# can keep it: let one be the other, shifted to the left by a pixel. If a peak stands on the left of its window, the two
# maxima fall into two windows, else into one. But that takes a channel more, and has to be learned. A memory has the
# place for nothing.
#
# !!! abstract "What this step mends, what it leaves broken"
#     **Mended:** how to grow is learned. Copying and nails are two kernels among all that training can find.
#
#     **Broken:** nothing of this photo's fine detail comes across. Learning the way down as well, by
#     [strided convolution](04_downwards.md), does not change that. The next page hands the detail over: the
#     [U-Net](08_unet.md).
#
# ## References
#
# - Vincent Dumoulin, Francesco Visin: *A guide to convolution arithmetic for deep learning*, 2016.
#   [arXiv:1603.07285](https://arxiv.org/abs/1603.07285)
# - Augustus Odena, Vincent Dumoulin, Chris Olah: *Deconvolution and Checkerboard Artifacts*, Distill, 2016.
#   [doi:10.23915/distill.00003](https://doi.org/10.23915/distill.00003)
# - Matthew D. Zeiler, Dilip Krishnan, Graham W. Taylor, Rob Fergus: *Deconvolutional Networks*, CVPR 2010.
