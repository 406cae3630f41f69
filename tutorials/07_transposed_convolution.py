# %% [markdown]
# # Transposed convolution: learned growing
#
# Unpooling fills pixels by a rule, and [a convolution behind it](05_nearest_and_nails.md) learns to repair that. **Can
# one layer learn how to grow?** Give it a small stamp, the **kernel**. Each value presses the stamp into the large map,
# multiplied by the value; where stamps overlap, they add up. Here a small photo grows by three stamps, which we chose.

# %% A cat's eye, and grown to twice the size: in blocks, with a grid that nobody drew, and smoothly tags=["picture"]
import inspect
import itertools

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from skimage.data import chelsea

import zoo
from zoo import data, plots, saved
from zoo.layers import BedOfNails2D, MaxPoolingWithOffsets2D, MaxUnpooling2D, NearestUnpooling2D


def with_kernel(layer, kernel, inputs):
    """Runs a layer without bias on a batch, with the kernel that is given."""
    layer.build(inputs.shape)
    layer.set_weights([kernel])
    return ops.convert_to_numpy(layer(inputs))


def grow(grid, kernel, stride=2):
    """A transposed convolution of a grid of numbers."""
    layer = layers.Conv2DTranspose(1, len(kernel), stride, padding="valid", use_bias=False)
    return with_kernel(layer, kernel[:, :, None, None], grid[None, :, :, None])[0, :, :, 0]


eye = ops.convert_to_numpy(ops.image.resize(chelsea(), (64, 64), antialias=True))[10:42, 14:46] / 255
tent = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 16
kernels = {"2 x 2, equal": np.ones((2, 2)), "3 x 3, equal": np.full((3, 3), 4 / 9), "4 x 4, a tent": tent}
assert all(np.isclose(kernel.sum(), 4) for kernel in kernels.values())  # one number becomes four
colours = range(3)
grown = {name: np.stack([grow(eye[:, :, c], kernel) for c in colours], axis=-1) for name, kernel in kernels.items()}
plots.draw_images({"photo": eye, **{name: each.clip(0, 1) for name, each in grown.items()}})

# %% [markdown]
# The first stamp copies: blocks. The second puts a grid on the photo, which nobody drew. The third is smooth, and dark
# at its edge, where fewer stamps overlap. (The page about [signals](11_signals.md#on-the-way-up-copies) tells why the
# second has a grid and the third has none.) Which one is best for the task? The numbers of a kernel are weights:
# training finds them. Now slowly, with a map of 2 x 2.


# %% A 2 x 2 map and a 2 x 2 kernel make a 4 x 4 map; each window of it is the kernel times one value tags=["picture"]
def draw_tinted(panels, columns=4):
    """Draws grids of numbers, each from a (grid, tints) pair: the number of a tint for each cell, -1 for none."""
    shapes = [np.shape(grid) for grid, _ in panels.values()]
    columns = min(columns, len(shapes))
    widths, height = [width for _, width in shapes[:columns]], max(height for height, _ in shapes)
    size = (0.45 * (sum(widths) + columns), (0.45 * height + 0.5) * (len(shapes) // columns))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(shapes) // columns, columns, squeeze=False, width_ratios=widths).flat
    for axis, (title, (grid, tints)) in zip(axes, panels.items(), strict=True):
        for (row, column), number in np.ndenumerate(grid):
            tint = tints[row][column]
            face = (*plots.TINTS[tint % 4], 0.45) if tint >= 0 else "none"
            if not np.isnan(number):
                axis.add_patch(Rectangle((column, row), 1, 1, facecolor=face, edgecolor="black", linewidth=0.8))
                alpha = 1 if number else 0.35
                axis.text(column + 0.5, row + 0.5, f"{number:g}", ha="center", va="center", alpha=alpha)
        axis.set(xlim=(-0.05, np.shape(grid)[1] + 0.05), ylim=(len(grid) + 0.05, -0.05), aspect="equal", anchor="N")
        axis.set_title(title, fontsize=10)
        axis.set_axis_off()
    return figure


small = np.array([[1, 2], [3, 4]], "float32")
kernel = np.array([[2, 1], [-1, 3]], "float32")
tints = np.arange(4).reshape(2, 2)
own = tints.repeat(2, axis=0).repeat(2, axis=1)
large = grow(small, kernel)
draw_tinted({"small map": (small, tints), "kernel": (kernel, np.full((2, 2), -1)), "large map": (large, own)})

# %% [markdown]
# This is a **transposed convolution** with a 2 x 2 kernel and stride 2: neighbouring stamps begin two pixels apart. The
# name comes from a matrix.
#
# ## A convolution is a matrix
#
# Take one dimension first: a signal of 6 numbers, a kernel of 3. The kernel slides along the signal; at each position
# it multiplies and adds up. So each result is a sum of signal values times fixed numbers, and all results together are
# a matrix times the signal. A row of the matrix holds the kernel at one position, and zeros where the kernel is not.


# %% The matrices of stride 1, 4 x 6, and of stride 2, 2 x 6: each row holds the kernel, moved by the stride
def convolution_matrix(kernel, length, stride):
    positions = (length - len(kernel)) // stride + 1
    matrix = np.zeros((positions, length), "float32")
    for position in range(positions):
        start = position * stride
        matrix[position, start : start + len(kernel)] = kernel
    return matrix


signal = np.array([1, 3, 0, 2, 5, 4], "float32")
weights = np.array([1, 2, 3], "float32")
one, two = (convolution_matrix(weights, len(signal), stride) for stride in (1, 2))
for stride, matrix in ((1, one), (2, two)):
    keras_layer = layers.Conv1D(1, 3, stride, padding="valid", use_bias=False)
    assert np.allclose(with_kernel(keras_layer, weights[:, None, None], signal[None, :, None]).ravel(), matrix @ signal)
plots.draw_grids({"stride 1: 6 to 4": one, "stride 2: 6 to 2": two})

# %% [markdown]
# The matrix of stride 2 makes 2 numbers out of 6. Write each of its rows as a column: the **transposed** matrix makes 6
# numbers out of 2.

# %% The two matrices transposed: 6 x 4 and 6 x 2; now each column holds the kernel
plots.draw_grids({"stride 1: 4 to 6": one.T, "stride 2: 2 to 6": two.T})

# %% [markdown]
# A transposed convolution is a multiplication by this matrix. It brings back the *shape*, not the *values*: a transpose
# is no inverse. (So *deconvolution*, as some papers say, is a misleading name.) That is no fault. At the bottom stand
# new features, not the old signal. Nothing has to be restored; only the size has to grow.

# %%
print(f"signal: {signal}")
for stride, matrix in ((1, one), (2, two)):
    down = matrix @ signal
    up = matrix.T @ down
    print(f"stride {stride}: down {down}, up {up}")
    assert up.shape == signal.shape
    assert not np.allclose(up, signal)

# %% [markdown]
# ## The stamp
#
# Look at the columns of a transposed matrix. Each holds the kernel, and the next column holds it one stride further
# down. The product adds the columns up, each times one value. These are the stamps.


# %%
def stamp_by_hand(values, kernel, stride):
    large = np.zeros((len(values) - 1) * stride + len(kernel), "float32")
    for position in range(len(values)):
        for k in range(len(kernel)):
            large[position * stride + k] += values[position] * kernel[k]
    return large


values = np.array([1, 2, 4], "float32")
for stride, length in ((1, 5), (2, 7)):
    print(f"stride {stride}:", stamp_by_hand(values, weights, stride))
    assert np.allclose(convolution_matrix(weights, length, stride).T @ values, stamp_by_hand(values, weights, stride))
    keras_layer = layers.Conv1DTranspose(1, 3, stride, padding="valid", use_bias=False)
    result = with_kernel(keras_layer, weights[:, None, None], values[None, :, None]).ravel()
    assert np.allclose(result, stamp_by_hand(values, weights, stride))

# %% [markdown]
# Choose kernel and stride. Watch one stamp after the other, and how many stamps each pixel gets.
#
# <div class="transposed-figure"></div>
#
# ## Two dimensions, and the classical case
#
# Now the stamp is a square. The value at row \(r\) and column \(c\) puts the upper-left corner of its stamp at row \(r
# \cdot s\) and column \(c \cdot s\), where \(s\) is the stride. Here the kernel *is* the stamp: nothing is turned. (The
# half turn of the pages before is for a convolution behind nails, which does not stamp, but gathers.)


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


for side, stride in itertools.product((2, 3, 4), (1, 2)):
    stamp = np.arange(side * side, dtype="float32").reshape(side, side)
    assert np.allclose(stamp_map_by_hand(small, stamp, stride), grow(small, stamp, stride))

# %% [markdown]
# On the way down, the classical convolution has a 3 x 3 kernel, stride 2 and padding 1: it makes 2 x 2 out of 4 x 4
# (the stage `strided_convolution` [does so](04_downwards.md)). Its transpose makes 4 x 4 out of 2 x 2. Four stamps of 3
# x 3, two pixels apart, cover 5 x 5. The first row and the first column lie where the way down had its padding: they
# are cut off. The last ones lie on pixels, and stay. (The way down had padding at the end, too. But in steps of 2 its
# kernel never reached it.)

# %% A 2 x 2 map stamped with a 3 x 3 kernel at stride 2: 5 x 5 numbers, and 4 x 4 without the first row and column
stamp = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], "float32")
stamped = stamp_map_by_hand(small, stamp, stride=2)
large = stamped[1:, 1:]

for each in (stamp, np.arange(9, dtype="float32").reshape(3, 3)):  # nine different numbers would show a half turn
    with tf.GradientTape() as tape:
        photo = tf.zeros((1, 4, 4, 1))
        tape.watch(photo)
        way_down = tf.nn.conv2d(photo, each[:, :, None, None], 2, [[0, 0], [1, 1], [1, 1], [0, 0]])
    backwards = tape.gradient(way_down, photo, small[None, :, :, None])[0, :, :, 0]
    assert np.allclose(backwards, stamp_map_by_hand(small, each, stride=2)[1:, 1:])

kept = np.pad(np.zeros((4, 4), int), ((1, 0), (1, 0)), constant_values=-1)
plain = np.full((3, 3), -1)
draw_tinted({"small map": (small, plain), "kernel": (stamp, plain), "5 x 5, in blue: kept": (stamped, kept)})

# %% [markdown]
# The cell compares with a gradient, since the same matrix appears in training: in *backpropagation*, every convolution
# hands its gradient on by a transposed convolution, with the same kernel and the same stride.
#
# Point at the pixels. What does an output gather, and where does an input go?
#
# <div class="stamps-figure"></div>
#
# ## How large is the output?
#
# With \( n \) values a side, a kernel of \( k \), a stride of \( s \), a padding of \( p \) and an *output padding* of
# \( o \), which is smaller than \( s \), the output has \( m \) values a side:
#
# \[ m = (n - 1) \cdot s + k - 2p + o \]
#
# The first stamp has \( k \) pixels, and each of the other \( n - 1 \) lies \( s \) further. The padding cuts \( p \)
# pixels off at either end. And the output padding? At stride 2, a 3 x 3 kernel with padding 1 makes 2 x 2 out of 3 x 3
# *and* out of 4 x 4. From the 2 x 2 alone, nobody knows which it was. So \( o \) must say it. Look at the 5 x 5 above:
# \( o = 0 \) keeps its middle, the 3 x 3 without any edge. That is right if the way down began with 3 x 3. If it began
# with 4 x 4, the last row and column were pixels: \( o = 1 \) gives them back, and all that is blue is kept, 4 x 4.
#
# Without padding, nothing was cut off, and \( o \) adds zeros at the end: what the kernel never reached on the way
# down. The matrix of stride 2 above is such a case. Its kernel does not reach the last of the 6 numbers, so that 2
# numbers come back as 5 and a zero.

# %%
for n, k, s, p in itertools.product(range(1, 6), range(1, 6), range(1, 4), range(3)):
    for o in range(s) if 2 * p < k else ():
        m = (n - 1) * s + k - 2 * p + o
        back = (m + 2 * p - k) // s + 1  # of the convolution that goes down
        assert back == n
    keras_layer = layers.Conv1DTranspose(1, k, s, padding="valid", use_bias=False)
    assert keras_layer.compute_output_shape((1, n, 1))[1] == (n - 1) * s + max(k, s)
    keras_layer = layers.Conv1DTranspose(1, k, s, padding="same", use_bias=False)
    assert keras_layer.compute_output_shape((1, n, 1))[1] == n * s
print("The classical case:", (2 - 1) * 2 + 3 - 2 * 1 + 1)

# %% [markdown]
# Two traps in Keras. With `padding="valid"` it gives \( (n - 1) \cdot s + \max(k, s) \): where the kernel is smaller
# than the stride, zeros stand behind the last stamp. And `padding="same"` makes \( n \cdot s \): where \( k > s \), it
# cuts \( k - s \) pixels off, half of them at either end. If their number is odd, as here where 5 become 4, the odd one
# goes at the *end*. The classical case, which PyTorch writes as `padding=1, output_padding=1`, cuts it off at the
# beginning. It needs `valid` in Keras, and a crop. (The first of the figures above that you can change shows the zeros
# of `valid`: choose a kernel of 2 and a stride of 3. The loops and the second one follow the formula, and leave them
# out.)

# %% tags=["check"]
keras_layer = layers.Conv2DTranspose(1, 3, strides=2, padding="same", use_bias=False)
same = with_kernel(keras_layer, stamp[:, :, None, None], small[None, :, :, None])[0, :, :, 0]
assert (same == stamped[:-1, :-1]).all()
assert (same != large).any()

# %% [markdown]
# With channels, the kernel has shape `(rows, columns, out, in)`: one stamp for each pair of an input channel and an
# output channel. All that is stamped into one output channel adds up.
#
# ## Every way up is the transpose of a way down
#
# Not only convolutions are matrices. Here are four ways down from 4 numbers to 2, and beside each the way up that is
# its transpose. (Nearest neighbour belongs to sum pooling, not to max pooling.) What a row gathers on the way down, a
# column spreads on the way up.

# %% Four pairs of matrices, 2 x 4 and 4 x 2, one the transpose of the other tags=["picture"]
line = np.array([1, 5, 4, 2], "float32")
chosen = np.eye(4)[[1, 2]]  # 5 and 4 are the maxima
assert (chosen @ line == line.reshape(2, 2).max(axis=1)).all()
pairs = {
    ("sum pooling", "nearest neighbour"): np.kron(np.eye(2), [1, 1]),
    ("every second", "bed of nails"): np.kron(np.eye(2), [1, 0]),
    ("max pooling of 1, 5, 4, 2", "max unpooling"): chosen,
    ("strided convolution", "transposed conv."): convolution_matrix(weights, 6, 2)[:, 1:5],  # without the padding
}
panels = {}
for (name_down, name_up), matrix in pairs.items():
    tints = np.where(matrix != 0, np.arange(2)[:, None], -1)
    panels |= {name_down: (matrix, tints), name_up: (matrix.T, tints.T)}
draw_tinted(panels)

# %% [markdown]
# Max pooling itself is no matrix: which number it takes depends on the numbers. But once it has chosen, taking those
# numbers is one, and max unpooling is its transpose. To transpose a choice, one must remember it. The other three have
# nothing to remember. (Index unpooling alone is no such matrix: its ones do not depend on the values from below.)
#
# In two dimensions, the layers themselves: from a map of 4 x 4 the way down is a matrix of 4 x 16, and the way up must
# be its transpose, 16 x 4.

# %%
rng = np.random.default_rng(0)
photo = tf.constant(rng.normal(size=(1, 4, 4, 1)).astype("float32"))
offsets = MaxPoolingWithOffsets2D(2)(photo)[1]
ways_down = {
    "sum pooling": lambda x: 4 * layers.AveragePooling2D(2)(x),
    "every second pixel": lambda x: x[:, ::2, ::2],
    "max pooling": layers.MaxPooling2D(2),
    "strided convolution": lambda x: tf.nn.conv2d(x, stamp[:, :, None, None], 2, [[0, 0], [1, 1], [1, 1], [0, 0]]),
}
ways_up = {
    "nearest neighbour": NearestUnpooling2D(2),
    "bed of nails": BedOfNails2D(2),
    "max unpooling": lambda x: MaxUnpooling2D(2)(x, offsets),
    "transposed convolution": lambda x: stamp_map_by_hand(x[0, :, :, 0], stamp, 2)[1:, 1:],
}
for (name_down, down), (name_up, up) in zip(ways_down.items(), ways_up.items(), strict=True):
    with tf.GradientTape() as tape:
        tape.watch(photo)
        small_maps = down(photo)
    matrix_down = tf.reshape(tape.jacobian(small_maps, photo), (4, 16))
    units = np.eye(4, dtype="float32").reshape(4, 1, 2, 2, 1)
    matrix_up = np.stack([np.ravel(up(unit)) for unit in units], axis=1)  # (16, 4)
    assert np.allclose(matrix_up, matrix_down.numpy().T)
    print(f"{name_down} {matrix_down.shape}, transposed: {name_up} {matrix_up.shape}")

# %% [markdown]
# ## The checkerboard
#
# How many stamps does each pixel get? Stamp ones with ones, and count.


# %% Stamps at each pixel, stride 2: a kernel of 3 gives 1, 2 or 4 in turns; of 4 evenly 4 inside; of 2 always 1
def count_stamps(n, kernel, stride):
    return stamp_map_by_hand(np.ones((n, n)), np.ones((kernel, kernel)), stride)


counts = {f"kernel {kernel}": count_stamps(3, kernel, 2) for kernel in (3, 4, 2)}
figure = draw_tinted({title: (count, count.astype(int) - 1) for title, count in counts.items()})
figure.set_size_inches(7, 2.9)
for side, stride in itertools.product(range(1, 9), range(1, 5)):
    inside = count_stamps(12, side, stride)[side:-side, side:-side]
    assert (np.ptp(inside) == 0) == (side % stride == 0)
figure

# %% [markdown]
# With a kernel of 3 and a stride of 2, the counts change from pixel to pixel, in the pattern of a **checkerboard**. We
# saw it on the cat above. They are the live numbers that a 3 x 3 kernel sees on a [bed of
# nails](05_nearest_and_nails.md), and for the same reason. Odena et al. (2016) found the pattern in many generated
# images. Their rule: **let the stride divide the size of the kernel**. Then, and only then, every pixel away from the
# edge gets the same number of stamps.
#
# The rule makes the numbers of stamps equal, no more. It is the weights that decide. Some weights make a pattern at any
# size of the kernel. Others make none, even at a size of 3: the kernel of the classical case is small in its corners,
# where four stamps meet. Of our stages, `bed_of_nails` breaks the rule: with the convolution behind it, its stamp is 3
# x 3. `transposed_convolution` keeps it: with the convolution behind it, its stamp of 2 x 2 becomes 4 x 4. So does
# `strided_convolution`, which has the same way up.
#
# Did training remove the pattern? We ask the *logits* of the trained stages, the scores before the softmax. Within a
# window of 2 x 2 pixels they differ. Which share of this variance is a grid? Take the mean of each of the four places
# over *all windows of 32 test photos*. Outlines lie at one place in one window and at another in the next, and nearly
# cancel out; a grid remains. The share is the variance between the four means, divided by the mean variance within a
# window. The last column takes 8 photos at a time, to show how much the photos matter. (Seen as a wave, a grid has a
# period of 2 pixels; the page about signals calls it the [copy of the mean](11_signals.md#on-the-way-up-copies).)
#
# One thing is easily overlooked. To add the same number to *all* logits of a pixel changes neither the softmax nor the
# answer. So we measure twice: the logits as they are, and without their mean over the classes. Only the second is what
# the softmax sees.


# %%
def places_of(maps):
    """The four places of the windows of 2 x 2, away from the edges: (4, n, h, w, c)."""
    return np.stack([maps[:, 8 + row : -8 : 2, 8 + column : -8 : 2] for row, column in np.ndindex(2, 2)])


def grid_share(maps):
    """The share of the variance within windows of 2 x 2 that is the same in every window."""
    places = places_of(maps)
    same = places.mean(axis=(1, 2, 3)).var(axis=0)
    return same.sum() / places.var(axis=0).mean(axis=(0, 1, 2)).sum()


def shares_of(logits):
    """The share of the grid in logits as they are, and in what the softmax sees of them."""
    return grid_share(logits), grid_share(logits - logits.mean(axis=-1, keepdims=True))


board = np.tile([[1, 0], [0, 1]], (64, 64))[None, :, :, None]
assert np.isclose(grid_share(board), 1)
assert grid_share(rng.normal(size=(8, 128, 128, 1))) < 0.001

# %% tags=["numbers"]
dataset = data.default_dataset()
images, _ = next(data.load(dataset, "test", 128, 32).as_numpy_iterator())
models = {stage: zoo.load(stage) for stage in zoo.STAGES[2:]}
logits = {stage: model.predict(images, verbose=0) for stage, model in models.items()}
shares, seen_shares = {}, {}
quarters = {}  # of what the softmax sees
print(f"{'':23} logits   seen by the softmax   the same, in each quarter of the photos")
for stage, each in logits.items():
    shares[stage], seen_shares[stage] = shares_of(each)
    quarters[stage] = [shares_of(quarter)[1] for quarter in np.split(each, 4)]
    print(f"{stage:23} {shares[stage]:6.1%} {seen_shares[stage]:14.1%}", end="")
    print(f"{min(quarters[stage]):20.1%} to {max(quarters[stage]):.1%}")
assert shares["nearest_unpooling"] < 0.01
assert seen_shares["bed_of_nails"] < shares["bed_of_nails"] / 10
if dataset == "oxford_iiit_pet":  # drawn pets are other pictures than the stages have learned from
    assert max(seen_shares.values()) < 0.05
    assert min(quarters["transposed_convolution"]) > max(quarters["nearest_unpooling"])
    assert shares["unet"] < shares["transposed_convolution"] / 5

# %% [markdown]
# The first column looks bad for `bed_of_nails`, and not much better for `transposed_convolution` and
# `strided_convolution`, although they keep the rule. `nearest_unpooling` stays below 1 %. `max_unpooling` has little
# grid, too, although it leaves three of four pixels zero: *which* pixel gets the value depends on the photo. We suppose
# that this is the reason; it is not measured here. (The first two stages, `sliding_window` and `fully_convolutional`,
# are missing, since they have no decoder.) In the second column all shares are small, but not alike: in each quarter of
# the photos, `transposed_convolution` has more than `nearest_unpooling`. The `unet`, which grows in the same way, has
# some, too, but far less of a grid in the first column: half of what its convolutions read has come across without
# growing. (Whether that is why, we did not test.) So where is the grid of the first column? Here are the mean logits of
# the four places of a window:

# %% tags=["numbers"]
with_grid = ("bed_of_nails", "transposed_convolution", "strided_convolution")
for stage in with_grid:
    means = places_of(logits[stage]).mean(axis=(1, 2, 3))  # (4, classes)
    print(f"{stage:22}{''.join(f'{name:>12}' for name in data.CLASSES)}   pet - background")
    for name, line in zip(("upper left", "upper right", "lower left", "lower right"), means, strict=True):
        print(f"    {name:18}{''.join(f'{mean:12.2f}' for mean in line)}{line[0] - line[1]:19.2f}")
    common = len(data.CLASSES) * means.mean(axis=1).var() / means.var(axis=0).sum()
    print(f"    of the grid's energy, {common:.1%} is common to all classes")
    assert common > 0.9

# %% [markdown]
# At some places of the window *all* logits are higher, by about the same, so that the last column hardly changes:
# nearly all of the grid is common to the classes. (Its *energy* is the variance of the four means, summed over the
# classes.) The loss sees only differences between classes. So nothing pulls at the common part. And the part that the
# softmax sees: was there more of it at first? We build the stages anew, with random weights from three seeds:

# %%
print(f"{'before training':24}logits of three seeds       seen by the softmax")
for stage in with_grid:
    untrained = []
    for seed in range(3):
        keras.utils.set_random_seed(seed)
        untrained.append(shares_of(ops.convert_to_numpy(zoo.build(stage)(images[:8], training=True))))
    first, second = ("".join(f"{share:8.1%}" for share in column) for column in zip(*untrained, strict=True))
    trained, seen = shares_of(logits[stage][:8])  # of the same photos
    print(f"{stage:22}{first}  {second}    after training {trained:.1%} and {seen:.1%}")
    if dataset == "oxford_iiit_pet":
        assert min(share for _, share in untrained) > 2 * seen
        assert max(share for share, _ in untrained) < trained

# %% [markdown]
# Before training, both parts have a grid; how strong it is depends on the seed. After training, the grid's share of
# what the softmax sees is less than half as large in all three stages: the loss depends on this part. (A share also
# falls when outlines become sharper.) In the logits as they are, the share is larger than before: the loss does not see
# the common part, and so does not hold it back. (Each stage was trained once: how much of it there is may be chance.
# And before training, batch normalisation takes its statistics from 8 photos, since it has no others yet.)
#
# Where does the grid come from? Give the last step up a map of equal numbers: its weights decide whether an even map or
# a grid comes out. The page about signals [measures it](11_signals.md#the-filters-that-were-learned): the learned
# weights of `bed_of_nails`, `strided_convolution` and `transposed_convolution` make a grid. Copying makes none,
# whatever the convolution behind it learns: equal numbers stay equal. Odena et al. recommend copying for this reason.
#
# ## The stage `transposed_convolution`
#
# Down by plain max pooling, with no memory. Up by this block:

# %%
from zoo.models import blocks

print(inspect.getsource(blocks.transposed_convolution))

# %% [markdown]
# Two ways that we know are such blocks with a kernel fixed by hand, one for each channel alone. Four ones copy: nearest
# neighbour. A single one in the upper-left corner is a bed of nails.

# %% The two kernels: four ones, and a single one in the upper-left corner
four_ones, single_one = np.ones((2, 2), "float32"), np.array([[1, 0], [0, 0]], "float32")
features = rng.normal(size=(2, 4, 6, 3)).astype("float32")
for kernel, layer in ((four_ones, NearestUnpooling2D(2)), (single_one, BedOfNails2D(2))):
    channel_by_channel = kernel[:, :, None, None] * np.eye(3, dtype="float32")
    transposed = layers.Conv2DTranspose(3, 2, strides=2, use_bias=False)
    assert np.allclose(with_kernel(transposed, channel_by_channel, features), layer(features))
plots.draw_grids({"nearest neighbour": four_ones, "bed of nails": single_one})

# %% [markdown]
# So what does learning this layer add? Less than the lecture suggests. It names a first way to grow, written down
# (方式一), and a second, learned (方式二). But in all three stages a 3 x 3 convolution follows, with no activation
# between, and both together are one transposed convolution:
#
# | stage | layer, then a 3 x 3 convolution | together |
# | --- | --- | --- |
# | `bed_of_nails` | 2 x 2 stamp, a single one | any 3 x 3 kernel |
# | `nearest_unpooling` | 2 x 2 stamp, four ones | a 4 x 4 kernel made of nine weights |
# | `transposed_convolution` | 2 x 2 stamp, learned | a 4 x 4 kernel with more freedom |
#
# All three are *learned*, and the third can do whatever the first two can (but for one thing: the 1 x 1 convolution
# before a bed of nails, `narrow`, has a bias, and that lands on the nails alone). `max_unpooling` and `index_unpooling`
# are not in the table: where the first puts its values and the second its marks depends on the photo, and no kernel
# does that. The convolution behind them is learned all the same. For the last row, in the trained network:

# %%
model = models["transposed_convolution"]
*_, at = [number for number, layer in enumerate(model.layers) if isinstance(layer, layers.Conv2DTranspose)]
transposed, convolution = model.layers[at : at + 2]
both = keras.Model(model.input, [transposed.input, convolution.output])
small_maps, two_steps = both.predict(images[:1], verbose=0)

small_maps = np.concatenate([small_maps, np.ones_like(small_maps[..., :1])], axis=-1)  # the bias as a channel of ones
first, bias = transposed.get_weights()
first = np.concatenate([first, np.broadcast_to(bias[:, None], (2, 2, len(bias), 1))], axis=-1)  # (2, 2, out, in)
second = convolution.get_weights()[0][::-1, ::-1]  # (3, 3, in, out)
merged = np.zeros((4, 4, second.shape[-1], first.shape[-1]), "float32")
for row, column in np.ndindex(2, 2):
    merged[row : row + 3, column : column + 3] += np.einsum("hwmo,mi->hwoi", second, first[row, column])
one_step = layers.Conv2DTranspose(merged.shape[2], 4, strides=2, padding="same", use_bias=False)
difference = np.abs(with_kernel(one_step, merged, small_maps) - two_steps).max() / np.abs(two_steps).max()
print(f"kernels {first.shape} and {second.shape} in one: {merged.shape}, differ by {difference:.0e}")
assert difference < 1e-4

# %% [markdown]
# The scores do not speak against it: the three stages of the table above lie close together on pets. (They prove
# nothing, either: `max_unpooling` is near them, too, since on pets [remembering changes little](06_max_unpooling.md).)
# How much can chance do? The last line is the difference between three trainings of the U-Net from three seeds, by a
# shorter recipe; a [rule](09_comparison.md#one-rule-set-before-we-look) for all stages comes later.

# %% A photo from the test split, its truth, and what four stages say
stages = ("nearest_unpooling", "bed_of_nails", "max_unpooling", "transposed_convolution")


def scores_of(card):
    found = card["scores"]["at_network_size"]
    return np.array([found["mean_iou"], found["iou"]["border"], found["boundary_iou"]])


print(f"On {saved.card('unet')['dataset']['test']['examples']:,} test photos:")
print(f"{'':24} mean IoU   border IoU   boundary IoU")
table = {stage: scores_of(saved.card(stage)) for stage in stages}
table["between the seeds"] = np.ptp([scores_of(seed["unet"]) for seed in saved.cards_of_seeds()], axis=0)
for name, (mean, border, boundary) in table.items():
    print(f"{name:24} {mean:8.3f} {border:12.3f} {boundary:14.3f}")

test_photo, test_mask = next(data.examples(dataset, "test").as_numpy_iterator())
answers = {stage: [zoo.predict(models[stage], test_photo)] for stage in stages}
plots.draw_stages([test_photo], answers, [test_mask])

# %% [markdown]
# ### A larger kernel
#
# Would the layer do better with a larger kernel? With a kernel of 3, its stamps overlap and break the rule of the
# [checkerboard](#the-checkerboard); with one of 4 they overlap and keep it. `python -m zoo.controls` put both in the
# place of the kernel of 2, and trained them for 16 epochs, with three seeds each. A difference counts if it is larger
# than its limit, by the [rule](09_comparison.md#one-rule-set-before-we-look) of a later page for all networks:

# %% tags=["numbers"]
import json

from zoo import chance, controls

trainings = {name: [found["mean_iou"] for found in seeds] for name, seeds in controls.scores().items()}
of_the_rule = {name: trainings[name] for name in (*zoo.STAGES, "widened")}
ours = "transposed_convolution"
trained_controls = json.loads(controls.RESULTS.read_text())
print(f"{ours}: mean IoU by seed", *(f"{score:.4f}" for score in trainings[ours]))
for name in ("kernel_3", "kernel_4"):
    difference = np.mean(trainings[name]) - np.mean(trainings[ours])
    within = chance.limit(of_the_rule, len(trainings[name]), len(trainings[ours]))
    verdict = chance.judge(difference, within)
    more = trained_controls[name]["parameters"] / saved.card(ours)["costs"]["parameters"] - 1
    print(f"{name}, with {more:.0%} more weights:", *(f"{score:.4f}" for score in trainings[name]), end="; ")
    print(f"{difference:+.4f} ± {within:.4f}, {verdict}")
    assert verdict == "not decided"

# %% [markdown]
# Neither is better, although both have more weights, nor worse by more than the limit. The convolution behind the layer
# is learned in any case, and makes the stamps overlap. Which of the three leaves the least of a grid, these scores do
# not say.
#
# !!! question "Try it"
#     On paper: grow the map `[[1, 0], [2, 1]]` with the kernel `[[1, 2], [0, 1]]` at stride 2, and then at stride 1.
#     Which of the two has pixels with more than one stamp?

# %% tags=["solution"]
riddle, kernel = np.array([[1, 0], [2, 1]]), np.array([[1, 2], [0, 1]])
print(stamp_map_by_hand(riddle, kernel, 2))
print(stamp_map_by_hand(riddle, kernel, 1))
assert count_stamps(2, 2, 2).max() == 1
assert count_stamps(2, 2, 1).max() == 4

# %% [markdown]
# !!! abstract "What this step mends, what it leaves broken"
#     **Mended:** the layer itself can learn how to grow. Copying and bed of nails are two kernels among all that
#     training can find. In our stages this adds little, since the convolution behind them had learned to grow already.
#
#     **Broken:** a kernel is the same at every place of every photo. Nothing of this photo's fine detail comes across.
#     Learning the way down as well, by [strided convolution](04_downwards.md), does not change that. The next page
#     hands the detail over: the [U-Net](08_unet.md).
#
# ## References
#
# - Vincent Dumoulin, Francesco Visin: *A guide to convolution arithmetic for deep learning*, 2016.
#   [arXiv:1603.07285](https://arxiv.org/abs/1603.07285)
# - Augustus Odena, Vincent Dumoulin, Chris Olah: *Deconvolution and Checkerboard Artifacts*, Distill, 2016.
#   [doi:10.23915/distill.00003](https://doi.org/10.23915/distill.00003)
