# %% [markdown]
# # Downwards: pooling and strided convolution
#
# The [fully convolutional network](03_fully_convolutional.md) keeps every feature map as large as the image. **What
# does a network gain when it shrinks its maps, and what does it lose?**

# %% Chelsea at five sizes, each half as high and half as wide as the one before tags=["picture"]
import keras
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle
from skimage.data import chelsea

import zoo
from zoo import data, plots, saved

photo = np.array(keras.ops.image.resize(chelsea(), (128, 128), antialias=True)) / 255
sides = [128, 64, 32, 16, 8]
figure = Figure(figsize=(7, 3.9), layout="constrained")
axis = figure.subplots()
left = 0
for side in sides:
    window = 128 // side
    small = photo.reshape(side, window, side, window, 3).mean(axis=(1, 3))
    axis.imshow(small, extent=(left, left + side, 0, side), interpolation="nearest")
    axis.text(left + side / 2, -3, f"{side} x {side}" if side > 16 else side, ha="center", va="top")
    left += side + 8
axis.set(xlim=(0, left - 8), ylim=(-14, 128))
axis.set_axis_off()
figure

# %% [markdown]
# Each picture has half the height and half the width of the one before. To make a map smaller is called
# **downsampling**, to make it larger **upsampling**. An encoder-decoder goes down these five sizes (the *encoder*),
# computes its coarsest features at the smallest, and goes up again (the *decoder*). At the smallest, one step in the
# map is 16 pixels of the photo: its **output stride** is 16. This page is about the way down.
#
# ## Two reasons to shrink
#
# **The cost.** A 3 x 3 convolution multiplies and adds \(9 \, c_{in} \, c_{out}\) times for every pixel of its result,
# from \(c_{in}\) channels to \(c_{out}\). A map of half the height and half the width has a quarter of the pixels, so
# it costs a quarter.

# %%
channels = 32
for side in sides:
    cost = side * side * 9 * channels * channels
    print(f"{side:3} x {side:<3}  {cost / 1e6:6.1f} million multiply-adds")

# %% [markdown]
# **The view.** The page before measured the [receptive field](03_fully_convolutional.md#how-far-does-a-pixel-see): each
# 3 x 3 convolution adds 2 pixels to it. After shrinking, one step in the map is two steps in the image, so that each
# convolution adds 4 pixels, not 2. (Pooling itself adds a step, too.)


# %%
def receptive_field(layers):
    """The side of the receptive field after layers, each given as (kernel, stride)."""
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
    return field


convolutions, pooling = [(3, 1), (3, 1)], [(2, 2)]
flat = 3 * convolutions
fields = [receptive_field(level * (convolutions + pooling) + convolutions) for level in range(5)]
print("six convolutions at full resolution:", receptive_field(flat))
print("two convolutions a level, 2 x 2 pooling between the levels:", fields)

middle = 4 * 16 + 7.5  # of the pixels 64 to 79, for which the fifth position in a row of the bottom stands
first, last = middle - (fields[-1] - 1) / 2, middle + (fields[-1] - 1) / 2
print(f"the fifth of the eight positions in a row of the bottom sees the pixels {first:.0f} to {last:.0f}, of 0 to 127")
assert (first, last) == (2, 141)

# %% Squares on Chelsea: what a feature sees, without pooling and at each of five levels tags=["picture"]
figure = Figure(figsize=(6.6, 3.6), layout="constrained")
for axis, title, squares in zip(
    figure.subplots(1, 2),
    ["six convolutions, no pooling", "five levels with pooling"],
    [[receptive_field(flat)], fields],
    strict=True,
):
    axis.imshow(photo)
    for number, field in enumerate(squares):
        corner = (64 if len(squares) == 1 else middle) - field / 2
        colour = plots.TINTS[number % len(plots.TINTS)]
        axis.add_patch(Rectangle((corner, corner), field, field, fill=False, edgecolor=colour, linewidth=2.5))
    axis.set(xlim=(-8, 144), ylim=(144, -8))
    axis.set_title(title, fontsize=10)
    axis.set_axis_off()
figure

# %% [markdown]
# On the left, a feature sees a few hairs. On the right, the largest square is wider than the photo. But it stands
# around its own position, and a map of 8 x 8 has none exactly in the middle. A feature **beside the middle** of the
# bottom can see all of the photo but two rows and two columns at its edge. One at a corner sees less: its square is as
# large, but a part of it lies outside.
#
# !!! question "Try it"
#     With one to five levels, the bottom sees 5, 14, 32, 68 and 140 pixels. By which rule do these numbers grow, and
#     what would a sixth level see?

# %% tags=["solution"]
rule = [5]
while len(rule) < 6:
    # A level more on top: counted in its pixels, all that was there is twice as wide; its two convolutions add 4.
    rule.append(2 * rule[-1] + 4)
six_levels = receptive_field(5 * (convolutions + pooling) + convolutions)
print("twice the number before, and 4:", rule, " computed for six levels:", six_levels)
assert rule == [*fields, six_levels]

# %% [markdown]
# ### How much of it is used?
#
# That a pixel *can* move a feature does not say how much it does. Luo et al. (2016) ask for the **effective receptive
# field**: how strongly does each pixel move a feature, on average over many photos? The answer is a gradient, here of
# the sum of all features at one position near the middle of the bottom, with respect to the photo. We ask a stage
# before its training, and after it.

# %% How strongly each pixel moves a feature at the bottom, before and after training: a spot, smaller than the photo
import tensorflow as tf

test_images, _ = next(data.load(data.default_dataset(), "test", 128, 32).as_numpy_iterator())


def effective_field(model):
    """How strongly each pixel moves the feature in the middle of the bottom: mean over photos, (128, 128)."""
    features = [layer.output for layer in model.layers if layer.output.shape[1:] == (8, 8, 128)][-1]
    network = keras.Model(model.input, features)
    images = tf.constant(test_images)
    with tf.GradientTape() as tape:
        tape.watch(images)
        feature = tf.reduce_sum(network(images)[:, 4, 4])
    return abs(tape.gradient(feature, images).numpy()).sum(axis=-1).mean(axis=0)


keras.utils.set_random_seed(0)
stages = {"before training": zoo.build("nearest_unpooling"), "after training": zoo.load("nearest_unpooling")}
effective = {title: effective_field(stage) for title, stage in stages.items()}
plots.draw_images({"a photo": test_images[0], **effective}, columns=3)


# %%
def side_that_holds(strength, share):
    """Side of the smallest square around the middle that holds a share of all strength."""
    row, column = np.indices(strength.shape)
    distance = np.maximum(abs(row - 71.5), abs(column - 71.5))  # the middle of pixels 64 to 79, one step at the bottom
    return next(side for side in range(2, 300, 2) if strength[distance < side / 2].sum() >= share * strength.sum())


for title, strength in effective.items():
    half, most = (side_that_holds(strength, share) for share in (0.5, 0.9))
    print(f"{title:16} half of the strength lies in {half} x {half} pixels, nine tenths in {most} x {most}")
print(f"the receptive field has {fields[-1]} x {fields[-1]}")

starts = []
for seed in range(3):
    keras.utils.set_random_seed(seed)
    starts.append(side_that_holds(effective_field(zoo.build("nearest_unpooling")), 0.5))
print(f"side of the square with half of the strength, in three untrained networks: {starts}")
assert np.ptp(starts) <= 2
assert min(starts) > side_that_holds(effective["after training"], 0.5)

# %% [markdown]
# The scale is linear, and each picture has its own. Far pixels reach a feature on few paths through the network, and
# near ones on many. So the view that is used is smaller than the one that is possible. And what does training make of
# it? Untrained networks hardly differ, as the last line says. In this network, training has made the field smaller. Luo
# et al. saw it grow in theirs: it depends on the network and the task.
#
# ## Pooling by hand
#
# Pooling cuts the map into windows that do not overlap, and keeps one number of each. **Max pooling** keeps the
# largest, **average pooling** the mean.

# %% Sixteen numbers in four windows; the largest number of each window; the mean of each window
image = np.array([[1, 3, 2, 0], [5, 7, 4, 2], [8, 0, 6, 6], [4, 0, 3, 9]], "float32")


def pool_by_hand(image, keep, pool=2):
    height, width = image.shape
    small = np.zeros((height // pool, width // pool), image.dtype)
    for row in range(height // pool):
        for column in range(width // pool):
            window = image[row * pool : (row + 1) * pool, column * pool : (column + 1) * pool]
            small[row, column] = keep(window)
    return small


largest, mean = pool_by_hand(image, np.max), pool_by_hand(image, np.mean)
plots.draw_grids({"image": image, "max pooling": largest, "average pooling": mean}, windows=(2, 2))

# %% [markdown]
# Keras has a layer for each. A layer wants a batch and channels around the image: (b, h, w, c).


# %%
def run(layer, image):
    return np.array(layer(image[None, :, :, None]))[0, :, :, 0]


assert (run(keras.layers.MaxPooling2D(2), image) == largest).all()
assert (run(keras.layers.AveragePooling2D(2), image) == mean).all()
print(run(keras.layers.MaxPooling2D(2), image))

# %% [markdown]
# ## Convolution by hand
#
# A convolution lays its kernel on the map, multiplies, adds up and moves on. (Mathematicians turn the kernel by half a
# turn first, and call ours *cross-correlation*.) The **stride** is the length of its step. The **padding** is a frame
# of zeros around the map, so that the kernel can also stand at the edge.


# %%
def convolve_by_hand(image, kernel, stride=1, before=0, after=0):
    """`before` is the padding above and on the left, `after` the padding below and on the right."""
    padded = np.pad(image, (before, after))
    side = len(kernel)
    rows = (padded.shape[0] - side) // stride + 1
    columns = (padded.shape[1] - side) // stride + 1
    result = np.zeros((rows, columns), image.dtype)
    for row in range(rows):
        for column in range(columns):
            top, left = row * stride, column * stride
            result[row, column] = (padded[top : top + side, left : left + side] * kernel).sum()
    return result


# %% [markdown]
# With a kernel of 3 x 3, **stride 1, padding 1** keeps the size. It is Keras's `padding="same"`. As a kernel we take
# ones: each result is the sum of nine pixels.


# %% Stride 1 and padding 1: sixteen numbers become sixteen sums
def convolution(kernel, stride=1, padding="valid"):
    layer = keras.layers.Conv2D(1, len(kernel), stride, padding=padding, use_bias=False)
    layer.build((None, None, None, 1))
    layer.set_weights([kernel[:, :, None, None]])
    return layer


ones = np.ones((3, 3), "float32")
same_size = convolve_by_hand(image, ones, stride=1, before=1, after=1)
assert same_size.shape == image.shape
assert np.allclose(same_size, run(convolution(ones, padding="same"), image))
plots.draw_grids({"image": image, "stride 1, padding 1": same_size})

# %% [markdown]
# **Stride 2, padding 1** takes every second step, and halves the size. This is the strided convolution of the lecture
# that these pages follow ([its name](index.md)), and what PyTorch calls `Conv2d(..., stride=2, padding=1)`.
#
# In Keras it is *not* `padding="same"`. At stride 2, `same` needs only one row and one column of zeros here, and puts
# them after the map: it pads (0, 1), not (1, 1). The size is the same. The places where the kernel stands are not.

# %% With padding 1 the kernel's middle starts on the first pixel, with same on the second tags=["picture"]
figure = Figure(figsize=(6.8, 3.8), layout="constrained")
for axis, title, before in zip(
    figure.subplots(1, 2), ["padding 1 on every side (lecture)", 'Keras, padding="same"'], [1, 0], strict=True
):
    for row, column in np.ndindex(4, 4):
        axis.add_patch(Rectangle((column, row), 1, 1, fill=False, edgecolor="black", linewidth=0.8))
        axis.text(column + 0.5, row + 0.5, f"{image[row, column]:g}", ha="center", va="center")
    length = 4 + before + 1
    axis.add_patch(Rectangle((-before, -before), length, length, fill=False, edgecolor="black", linestyle=":"))
    for number, (row, column) in enumerate(np.ndindex(2, 2)):
        top, left = 2 * row - before, 2 * column - before
        tint = plots.TINTS[number]
        axis.add_patch(Rectangle((left + 0.08, top + 0.08), 2.84, 2.84, facecolor=(*tint, 0.18), edgecolor=tint))
        axis.add_patch(Rectangle((left + 1, top + 1), 1, 1, facecolor=(*tint, 0.75)))
    axis.set(xlim=(-1.2, 5.2), ylim=(5.2, -1.2), aspect="equal")
    axis.set_title(title, fontsize=10)
    axis.set_axis_off()
figure

# %% [markdown]
# The dotted frame is the padded map. Each pale square is one place of the kernel, and its middle is darker. With
# padding 1 the middle stands on every second pixel, from the first, and the last zeros are not needed. With `same` it
# stands on every second pixel, from the second.

# %% The sums of stride 2: the lecture's and Keras's differ in every place
lecture = convolve_by_hand(image, ones, stride=2, before=1, after=1)
keras_same = convolve_by_hand(image, ones, stride=2, before=0, after=1)
assert np.allclose(keras_same, run(convolution(ones, stride=2, padding="same"), image))
assert (lecture != keras_same).all()
plots.draw_grids({"padding 1": lecture, '"same"': keras_same})

# %% [markdown]
# Write the padding as a layer of its own, and Keras gives the lecture's values.

# %%
padded_convolution = keras.Sequential([keras.layers.ZeroPadding2D(1), convolution(ones, stride=2, padding="valid")])
assert np.allclose(lecture, run(padded_convolution, image))
assert np.allclose(lecture, same_size[::2, ::2])
print(run(padded_convolution, image))

# %% [markdown]
# The second assertion says one thing more: a strided convolution is the convolution of stride 1, of which every second
# row and column is kept. What would be thrown away is never computed.
#
# !!! question "Try it"
#     There are sizes for which `same` and padding 1 agree at stride 2. Which?

# %% tags=["solution"]
agree = {}
for n in range(4, 12):
    noise = np.random.default_rng(n).normal(size=(n, n)).astype("float32")
    by_keras = run(convolution(ones, stride=2, padding="same"), noise)
    agree[n] = np.allclose(by_keras, convolve_by_hand(noise, ones, stride=2, before=1, after=1), atol=1e-5)
print("agree:", *(n for n in agree if agree[n]))
print("differ:", *(n for n in agree if not agree[n]))
assert all(agree[n] == (n % 2 == 1) for n in agree)

# %% [markdown]
# The odd ones: there `same` needs two rows of zeros, and puts one on each side. The sides of our maps are even.
#
# ## How large is the result?
#
# For a side of \(n\) pixels, a kernel of side \(k\), stride \(s\) and padding \(p\) on every side:
#
# \[ m = \left\lfloor \frac{n + 2p - k}{s} \right\rfloor + 1 \]
#
# The padded map has \(n + 2p\) pixels. The kernel takes \(k\) of them at its first place. The rest is room for steps of
# length \(s\). A last step that does not fit is left out, and the first place counts as one.


# %%
def output_side(n, k, s, p):
    return (n + 2 * p - k) // s + 1


lines = ["  n  k  s  p   result"]
for n, k, s, p in [(128, 3, 1, 1), (128, 3, 1, 0), (128, 3, 2, 1), (128, 2, 2, 0), (7, 3, 2, 1), (7, 2, 2, 0)]:
    layer = keras.Sequential([keras.layers.ZeroPadding2D(p), keras.layers.Conv2D(1, k, s)])
    result = layer(np.zeros((1, n, n, 1), "float32")).shape[1]
    assert result == output_side(n, k, s, p)
    lines.append(f"{n:3} {k:2} {s:2} {p:2} {result:8}")
print("\n".join(lines))

# %% [markdown]
# The first line keeps the size, the third and the fourth halve it. Pooling follows the same formula: 2 x 2 pooling has
# \(k = 2\), \(s = 2\), \(p = 0\). The last line shows what it does with an odd side: a row and a column fall off.

# %% tags=["check"]
for n in range(4, 12):
    pooled = keras.layers.MaxPooling2D(2)(np.zeros((1, n, n, 1), "float32"))
    assert pooled.shape[1] == output_side(n, k=2, s=2, p=0)

# %% [markdown]
# !!! question "Try it"
#     Some networks begin with a 7 x 7 convolution of stride 2. Which padding makes it halve 128 exactly?

# %% tags=["solution"]
fitting = [p for p in range(10) if output_side(128, k=7, s=2, p=p) == 64]
print("padding", fitting)
assert fitting == [3]

# %% [markdown]
# ## What pooling forgets
#
# Max pooling keeps one value of four, and does not say where it stood. So different images become the same map.

# %% Two different images that become the same map by max pooling
other = np.array([[7, 0, 0, 4], [0, 0, 0, 0], [0, 8, 9, 0], [0, 0, 0, 0]], "float32")
assert (other != image).any()
assert (pool_by_hand(other, np.max) == largest).all()
plots.draw_grids({"one image": image, "another": other, "pooled, both": largest}, windows=(2, 2))

# %% [markdown]
# !!! question "Try it"
#     Take 4 x 4 images of zeros and ones only. How many of them become a map of four ones by 2 x 2 max pooling?

# %% tags=["solution"]
numbers = np.arange(2**16)[:, None]
all_images = (numbers >> np.arange(16) & 1).reshape(-1, 2, 2, 2, 2)  # (image, row, row in window, column, column in it)
to_ones = int((all_images.max(axis=(2, 4)) == 1).all(axis=(1, 2)).sum())
print(f"{to_ones:,} of {len(all_images):,}")
assert to_ones == (2**4 - 1) ** 4

# %% [markdown]
# A window becomes 1 unless all its four pixels are 0, so 15 of its 16 images do.
#
# Now a photo. We pool Chelsea by 2, 4, 8 and 16, and copy each value back over its window. Two 2 x 2 poolings in a row
# are one 4 x 4 pooling, so max pooling by 16 shows what is left after four levels of it.


# %% Chelsea pooled by 2, 4, 8 and 16, and copied back as blocks tags=["picture"]
def pool_and_copy_back(photo, pool, keep):
    side = len(photo) // pool
    windows = photo.reshape(side, pool, side, pool, 3)
    return keep(windows, axis=(1, 3)).repeat(pool, axis=0).repeat(pool, axis=1)


pictures = {"photo": photo}
pictures |= {f"max pooling by {pool}": pool_and_copy_back(photo, pool, np.max) for pool in (2, 4, 8, 16)}
pictures["average pooling by 16"] = pool_and_copy_back(photo, 16, np.mean)
plots.draw_images(pictures, columns=3)

# %% [markdown]
# How much comes back? We divide the mean squared error of the copy by the variance of the photo, and subtract that from
# 100 %. So 100 % is a perfect copy, and 0 % is what a sheet of the photo's mean colour would get.

# %%
red = photo[:, :, 0]
assert (pool_by_hand(pool_by_hand(red, np.max), np.max) == pool_by_hand(red, np.max, pool=4)).all()

print("pooled by   numbers kept   max pooling   average pooling")
for pool in (2, 4, 8, 16):
    comes_back = []
    for keep in (np.max, np.mean):
        error = ((pool_and_copy_back(photo, pool, keep) - photo) ** 2).mean()
        comes_back.append(1 - error / ((photo - photo.mean(axis=(0, 1))) ** 2).mean())
    assert comes_back[0] < comes_back[1]
    print(f"{pool:9} {1 / pool**2:14.1%} {comes_back[0]:13.0%} {comes_back[1]:17.0%}")

# %% [markdown]
# Below 0 % the copy is worse than that sheet: the maximum of a large window is too bright. The mean of a window is the
# best single number for a copy. But a network does not want a copy. A large feature says "here is an ear", and max
# pooling asks whether there is an ear *somewhere* in the window.
#
# And what if the photo moves by one pixel, but the windows stay? The page about
# [signals](11_signals.md#on-the-way-down-aliasing) tells what shrinking does to fine patterns, and counts how many
# classes change.
#
# ## A strided convolution learns what to keep
#
# Pooling follows a fixed rule. A strided convolution has weights, and training sets them. An experiment: the images are
# noise, and wanted is the lower-right pixel of each window. Pooling cannot give that. Can a 3 x 3 convolution of stride
# 2 learn it? And can it learn to give the *maximum* of each window, as max pooling does?

# %%
images = np.random.default_rng(0).normal(size=(512, 8, 8, 1)).astype("float32")
largest_of_window = np.array(keras.layers.MaxPooling2D(2)(images))
mean_of_window = np.array(keras.layers.AveragePooling2D(2)(images))
tasks = {"lower-right pixel": images[:, 1::2, 1::2], "largest pixel": largest_of_window}


def learn(wanted):
    """A 3 x 3 convolution of stride 2 that was trained to give what is wanted."""
    keras.utils.set_random_seed(0)
    learner = keras.Sequential([keras.layers.ZeroPadding2D(1), keras.layers.Conv2D(1, 3, strides=2)])
    learner.compile(keras.optimizers.Adam(0.02), loss="mean_squared_error")
    learner.fit(images, wanted, batch_size=32, epochs=20, verbose=0)
    return learner


learners = {task: learn(wanted) for task, wanted in tasks.items()}
print("mean squared error    strided convolution   max pooling   average pooling")
for task, wanted in tasks.items():
    answers = learners[task].predict(images, verbose=0), largest_of_window, mean_of_window
    errors = [float(((answer - wanted) ** 2).mean()) for answer in answers]
    print(f"{task:20} {errors[0]:20.3f} {errors[1]:13.3f} {errors[2]:17.3f}")
    if task == "lower-right pixel":
        assert errors[0] < 0.01 < min(errors[1:])
    else:
        assert errors[1] == 0 < 0.1 < errors[0]

# %% The learned kernel: 1 in its lower-right corner, 0 elsewhere
kernel = learners["lower-right pixel"].get_weights()[0][:, :, 0, 0]
assert np.allclose(kernel, [[0, 0, 0], [0, 0, 0], [0, 0, 1]], atol=0.05)
plots.draw_grids({"learned kernel": np.abs(kernel.round(1))})

# %% [markdown]
# The kernel has learned to pick the pixel: its middle stands on the upper-left pixel of a window, so that its
# lower-right weight meets the lower-right pixel. At the other task it fails, and a longer training would not help: a
# convolution is a weighted sum, and a maximum is not. For a maximum it takes several convolutions with ReLU between
# them, since \(\max(a, b) = a + \mathrm{ReLU}(b - a)\). Springenberg et al. (2014) put strided convolutions with ReLU
# in the place of max pooling in image classifiers, and report that the accuracy did not fall on several benchmarks.
#
# ## The skeleton of all encoder-decoders
#
# Seven of our nine stages are one skeleton. It takes two small functions:
#
# - `down(x, filters)` returns a smaller map, and a *memory*;
# - `up(x, memory, filters)` returns a larger map.
#
# These two functions, and the memory that one hands to the other, are the whole difference between these stages. This
# is the code:

# %%
import inspect

from zoo.models.encoder_decoder import FILTERS, encoder_decoder

code = inspect.getsource(encoder_decoder)
print(code[code.index("    x = images") :])

# %% The skeleton: five levels, a way down, a way up, and a memory across from each but the last tags=["picture"]
figure = Figure(figsize=(5.8, 5.4), layout="constrained")
axis = figure.subplots()
bottom = len(FILTERS) - 1


def draw_box(x, y, text, colour):
    patch = FancyBboxPatch((x - 0.9, y - 0.3), 1.8, 0.6, "round,pad=0.02", facecolor=(*colour, 0.4), edgecolor="black")
    axis.add_patch(patch)
    axis.text(x, y, text, ha="center", va="center", fontsize=10)


def draw_arrow(start, end, text, line="-", **position):
    axis.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": "black", "linestyle": line})
    middle = (np.array(start) + end) / 2
    axis.text(*middle, text, **position)


for level, filters in enumerate(FILTERS):
    side, y = 128 // 2**level, -1.15 * level
    label = f"{side} x {side}\n{filters} filters"
    ways = [3.5] if level == bottom else [1 + 0.25 * level, 6 - 0.25 * level]
    for x, tint in zip(ways, plots.TINTS[[1, 0]], strict=False):
        draw_box(x, y, label, plots.TINTS[2] if level == bottom else tint)
    if level < bottom:
        draw_arrow((ways[0] + 0.95, y), (ways[1] - 0.95, y), "memory\n", "--", ha="center", va="center")
        below = (3.5, 3.5) if level == bottom - 1 else (ways[0] + 0.25, ways[1] - 0.25)
        start, end = (ways[0], y - 0.33), (below[0] - 0.6 * (level == bottom - 1), y - 0.82)
        draw_arrow(start, end, "down  ", ha="right", va="top")
        start, end = (below[1] + 0.6 * (level == bottom - 1), y - 0.82), (ways[1], y - 0.33)
        draw_arrow(start, end, "  up", ha="left", va="top")
draw_arrow((1, 0.8), (1, 0.33), "image ", ha="right", va="center")
draw_arrow((6, 0.33), (6, 0.8), " logits", ha="left", va="center")
axis.set(xlim=(0, 7), ylim=(-5.05, 0.9))
axis.set_axis_off()
figure

# %% [markdown]
# Each box is two 3 x 3 convolutions of stride 1. The dashed arrows are the memories. In some stages they carry nothing,
# in others the places of the maxima, and in the [U-Net](08_unet.md) whole feature maps. Elsewhere such an arrow is
# called a **skip connection**, most of all where it carries feature maps.
#
# Does the diagram tell the truth? The model knows the shape of each of its convolutions.

# %%
model = zoo.build("nearest_unpooling")
convolutions = [
    layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D) and layer.kernel_size == (3, 3)
]
shapes = [layer.output.shape[1:] for layer in convolutions[::2]]
drawn = [(128 // 2**level, 128 // 2**level, filters) for level, filters in enumerate(FILTERS)]
assert shapes == drawn + drawn[-2::-1]
print(*shapes, sep="\n")

# %% [markdown]
# ## What each level costs
#
# `zoo.costs.multiply_adds` counts the multiply-adds of a model for one image. We build each box of the diagram, and
# each step up, as a model of its own, and count.

# %% tags=["numbers"]
from zoo.costs import multiply_adds
from zoo.models.blocks import classify_pixels, double_convolution
from zoo.models.nearest_unpooling import unpool_by_copy


def cost_down(side, channels, filters):
    x = keras.Input((side, side, channels))
    return multiply_adds(keras.Model(x, double_convolution(x, filters)))


def cost_up(side, channels, filters):
    x = keras.Input((side // 2, side // 2, channels))
    return multiply_adds(keras.Model(x, double_convolution(unpool_by_copy(x, None, filters), filters)))


down = [cost_down(*sizes) for sizes in zip(sides, (3, *FILTERS), FILTERS, strict=False)]
up = [cost_up(*sizes) for sizes in zip(sides, FILTERS[1:], FILTERS, strict=False)]
features = keras.Input((128, 128, FILTERS[0]))
logits = multiply_adds(keras.Model(features, classify_pixels(features, 3)))

print("level           down      up   (million multiply-adds)")
for side, filters, way_down, way_up in zip(sides, FILTERS, down, [*up, 0], strict=True):
    print(f"{side:3} x {side:3} x {filters:3} {way_down / 1e6:6.1f} {way_up / 1e6:7.1f}")
print(f"{'logits':22}{logits / 1e6:8.1f}")
print(f"{'together':22}{(sum(down) + sum(up) + logits) / 1e6:8.1f}")
assert sum(down) + sum(up) + logits == multiply_adds(model)

# %% [markdown]
# The maps become smaller, and the filters more: few pixels with many features replace many pixels with few features.
# And if the same convolutions of the way down ran at full resolution?

# %%
at_full_resolution = [cost_down(128, *channels) for channels in zip((3, *FILTERS), FILTERS, strict=False)]
print(f"way down with shrinking:    {sum(down) / 1e6:8,.0f} million multiply-adds")
print(f"way down without shrinking: {sum(at_full_resolution) / 1e6:8,.0f} million multiply-adds")
print(f"{sum(at_full_resolution) / sum(down):.0f} times as many")

# %% [markdown]
# ## The stage `strided_convolution`
#
# This stage shrinks by a 3 x 3 convolution of stride 2 and padding 1. It grows by [transposed
# convolution](07_transposed_convolution.md), which has a page of its own. Its function `down`:

# %%
from zoo.models import blocks, strided_convolution

print(inspect.getsource(strided_convolution.stride))
print(inspect.getsource(blocks.convolution))

# %% [markdown]
# The `None` is its memory: it remembers nothing. `transposed_convolution` has the same way up, but shrinks by max
# pooling. Both were trained by the same recipe, so that a difference between them comes from the way down, with its
# weights, or from chance.

# %% Two photos from the test split: the truth, and what the two trained stages say
dataset = data.default_dataset()
photos, truths = zip(*data.examples(dataset, "test").take(2).as_numpy_iterator(), strict=True)
masks = {}
for stage in ("transposed_convolution", "strided_convolution"):
    trained = zoo.load(stage)
    masks[stage] = [zoo.predict(trained, each) for each in photos]
plots.draw_stages(photos, masks, truths)

# %% [markdown]
# The scores on the test photos, from the cards of the saved models, and what each costs:

# %%
pooled, strided = saved.card("transposed_convolution"), saved.card("strided_convolution")
print("down by               mean IoU   border IoU   multiply-adds   parameters")
for name, card in {"max pooling": pooled, "strided convolution": strided}.items():
    scores, costs = card["scores"]["at_network_size"], card["costs"]
    print(
        f"{name:19} {scores['mean_iou']:10.3f} {scores['iou']['border']:12.3f} "
        f"{costs['multiply_adds'] / 1e6:13.0f} M {costs['parameters']:12,}"
    )
change = strided["scores"]["at_network_size"]["mean_iou"] - pooled["scores"]["at_network_size"]["mean_iou"]
print(f"\nLearning the way down changes the mean IoU by {change:+.3f},")
print(f"on {pooled['dataset']['test']['examples']:,} test photos.")

# %% [markdown]
# Each was trained once, and another random start gives a slightly different score. The
# [comparison](09_comparison.md#ten-times-as-many-epochs) sets a limit for that, and this difference is larger. But
# after a shorter training, strided convolution is *behind* max pooling, again by more than the limit. So which of the
# two answers better depends on how long they train. What is sure is the price: a strided convolution has weights and
# costs multiply-adds, and pooling has none.
#
# !!! abstract "What this step mends, what it leaves broken"
#     Shrinking makes a network cheap, and lets it see most of the pet. But the answer has to be as large as the photo,
#     and the pooling does not say where in its window a value stood. How do we grow back? The two simplest ways are
#     [nearest neighbour and bed of nails](05_nearest_and_nails.md).
#
# ## References
#
# - J. T. Springenberg, A. Dosovitskiy, T. Brox and M. Riedmiller, *Striving for simplicity: the all convolutional net*,
#   2014, [arXiv:1412.6806](https://arxiv.org/abs/1412.6806). Max pooling replaced by strided convolution.
# - W. Luo, Y. Li, R. Urtasun and R. Zemel, *Understanding the effective receptive field in deep convolutional neural
#   networks*, 2016, [arXiv:1701.04128](https://arxiv.org/abs/1701.04128).
# - V. Dumoulin and F. Visin, *A guide to convolution arithmetic for deep learning*, 2016,
#   [arXiv:1603.07285](https://arxiv.org/abs/1603.07285). Padding, stride and output sizes, with pictures.
