# %% [markdown]
# # Remembering places: index and max unpooling
#
# Nearest neighbour and bed of nails [invent the place](05_nearest_and_nails.md) of a value. Yet max pooling looked at
# all four pixels of a window and took one of them. **Could it write down which one, so that the way up knows where to
# put a value?**

# %% A 4 x 4 map, the maxima of its four windows, and the place of each maximum tags=["picture"]
import numpy as np

from zoo import plots

x = np.array([[1, 5, 2, 3], [3, 4, 6, 1], [7, 2, 1, 3], [1, 4, 4, 8]], "float32")
values = np.array([[5, 6], [7, 8]], "float32")
offsets = np.array([[1, 2], [0, 3]], "uint8")
plots.draw_grids({"input": x, "values": values, "offsets": offsets}, windows=(2, 2))

# %% [markdown]
# Pooling now gives two small maps. The **values** are the maxima, as before. The **offsets** are new: they say *where*
# in its window each maximum stood. The places of a window are counted row by row from 0:

# %% The places of a 2 x 2 window: 0 and 1 in the upper row, 2 and 3 in the lower row
plots.draw_grids({"places": np.array([[0, 1], [2, 3]])})

# %% [markdown]
# Other books and libraries write down the same places as *indices*, *switches* or *locations*, and some count in
# another way, as we shall see. "Index unpooling" is the lecture's name; our layer takes offsets.
#
# ## One window after the other
#
# **The upper-left window.** Read its four numbers row by row, and count from 0 while you read. The small numbers in
# the corners are the places.

# %% The upper-left window: the maximum is 5, at place 1 tags=["picture"]
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle


def draw_step(step):
    """Draws the input with one window in colour, and what is written down after it."""
    figure = Figure(figsize=(4.6, 2.8), layout="constrained")
    axes = figure.subplots(1, 3, width_ratios=(4, 2, 2))
    for axis, title, grid in zip(axes, ("input", "values", "offsets"), (x, values, offsets), strict=True):
        side = len(grid) // 2  # of a window in this grid
        for row, column in np.ndindex(*grid.shape):
            window = row // side * 2 + column // side
            place = row % side * side + column % side
            known = window == step if title == "input" else window <= step
            tint = (*plots.TINTS[window], 0.45) if known else "none"
            taken = title == "input" and known and place == offsets.ravel()[window]
            axis.add_patch(Rectangle((column, row), 1, 1, facecolor=tint, edgecolor="black", linewidth=0.8))
            if taken:
                frame = Rectangle((column + 0.06, row + 0.06), 0.88, 0.88, fill=False, edgecolor="black", linewidth=2)
                axis.add_patch(frame)
            if known or title == "input":
                weight, alpha = ("bold" if taken else "normal"), (1 if known else 0.35)
                number = f"{grid[row, column]:g}"
                axis.text(column + 0.5, row + 0.5, number, ha="center", va="center", weight=weight, alpha=alpha)
            if known and title == "input":
                axis.text(column + 0.12, row + 0.3, str(place), fontsize=8)
        axis.set(xlim=(-0.03, grid.shape[1] + 0.03), ylim=(grid.shape[0] + 0.03, -0.03), aspect="equal", anchor="N")
        axis.set_title(title, fontsize=10)
        axis.set_axis_off()
    name = ("upper-left", "upper-right", "lower-left", "lower-right")[step]
    row, column = divmod(step, 2)
    numbers = ", ".join(f"{number:g}" for number in x[2 * row : 2 * row + 2, 2 * column : 2 * column + 2].flat)
    sentence = f"{name}: {numbers}. The maximum is {values.flat[step]:g}, at place {offsets.flat[step]}."
    figure.suptitle(sentence, fontsize=10)
    return figure


draw_step(0)

# %% [markdown]
# **The upper-right window.** Counting starts again at 0. An offset belongs to its window, not to the whole map.

# %% The upper-right window: the maximum is 6, at place 2 tags=["picture"]
draw_step(1)

# %% [markdown]
# **The lower-left window.** The maximum is the first number that we read. Its offset is 0: a place like any other.

# %% The lower-left window: the maximum is 7, at place 0 tags=["picture"]
draw_step(2)

# %% [markdown]
# **The lower-right window.**

# %% The lower-right window: the maximum is 8, at place 3 tags=["picture"]
draw_step(3)

# %% [markdown]
# Both small maps are complete. The values go on into the network. The offsets wait.
#
# ## Down, by hand
#
# The loop does what we just did. `divmod(place, pool)` turns a place into steps down and steps to the right.


# %%
def pool_by_hand(x, pool=2):
    height, width = x.shape[0] // pool, x.shape[1] // pool
    values = np.full((height, width), -np.inf, x.dtype)
    offsets = np.zeros((height, width), "uint8")
    for row, column in np.ndindex(height, width):
        for place in range(pool * pool):
            down, right = divmod(place, pool)
            candidate = x[row * pool + down, column * pool + right]
            if candidate > values[row, column]:
                values[row, column] = candidate
                offsets[row, column] = place
    return values, offsets


found_values, found_offsets = pool_by_hand(x)
print(found_values)
print(found_offsets)
assert (found_values == values).all()
assert (found_offsets == offsets).all()

# %% [markdown]
# The layer of the zoo is `MaxPoolingWithOffsets2D`. Layers take batches of maps with channels, of shape
# `(b, h, w, c)`. Three small helpers wrap our grids and unwrap
# the result. Each channel has offsets of its own.

# %%
from keras import ops

from zoo.layers import (
    BedOfNails2D,
    IndexUnpooling2D,
    MaxPoolingWithOffsets2D,
    MaxUnpooling2D,
    NearestUnpooling2D,
)


def as_batch(grid):
    return grid[None, :, :, None]  # (1, h, w, 1)


def as_grid(batch):
    return ops.convert_to_numpy(batch)[0, :, :, 0]


def unpool(layer, *grids):
    return as_grid(layer(*[as_batch(grid) for grid in grids]))


layer_values, layer_offsets = MaxPoolingWithOffsets2D(2)(as_batch(x))
print(as_grid(layer_offsets).dtype)
assert (as_grid(layer_values) == values).all()
assert (as_grid(layer_offsets) == offsets).all()

# %% [markdown]
# ## Up: index unpooling
#
# Index unpooling puts a 1 at each remembered place, and zeros elsewhere. It needs the offsets, and nothing but the
# offsets. The values are not used: ones alone cannot carry them. The trained stage adds copied values, further below.

# %% Index unpooling: in each window a 1 stands where the maximum stood, and three zeros
marks = unpool(IndexUnpooling2D(2), offsets)
plots.draw_grids({"offsets": offsets, "index unpooling": marks}, windows=(2, 2))

# %% [markdown]
# By hand: find the place, write a 1.


# %%
def index_unpool_by_hand(offsets, pool=2):
    height, width = offsets.shape
    large = np.zeros((height * pool, width * pool), "float32")
    for row, column in np.ndindex(height, width):
        down, right = divmod(int(offsets[row, column]), pool)
        large[row * pool + down, column * pool + right] = 1
    return large


assert (index_unpool_by_hand(offsets) == marks).all()

# %% [markdown]
# ## Up: max unpooling
#
# Max unpooling puts the *value* at the remembered place, and zeros elsewhere. It needs the values and the offsets.

# %% Max unpooling: each value stands where the maximum of its window stood, zeros elsewhere
unpooled = unpool(MaxUnpooling2D(2), values, offsets)
drawn = {"values": values, "offsets": offsets, "max unpooling": unpooled}
plots.draw_grids(drawn, windows=(2, 2))


# %%
def max_unpool_by_hand(values, offsets, pool=2):
    height, width = values.shape
    large = np.zeros((height * pool, width * pool), values.dtype)
    for row, column in np.ndindex(height, width):
        down, right = divmod(int(offsets[row, column]), pool)
        large[row * pool + down, column * pool + right] = values[row, column]
    return large


assert (max_unpool_by_hand(values, offsets) == unpooled).all()
print(f"{(unpooled == 0).sum()} of {unpooled.size} pixels are 0")
assert (unpooled[unpooled != 0] == x[unpooled != 0]).all()

# %% [markdown]
# The maxima are back at their places. The other pixels of the input are lost: pooling threw them away, and no offset
# brings them back.
#
# The four ways to grow are relatives. Max unpooling is nearest neighbour times index unpooling: copy the value over
# its window, then keep the copy only where the mark is 1.

# %% Nearest neighbour times index unpooling, pixel by pixel, is max unpooling
copied = unpool(NearestUnpooling2D(2), values)
assert (copied * marks == unpooled).all()

drawn = {"nearest": copied, "times index": marks, "is max unpooling": unpooled}
figure = plots.draw_grids(drawn, windows=(2, 2))
figure.set_size_inches(6.5, 2.4)
figure

# %% [markdown]
# !!! question "Try it"
#     Bed of nails is a special case of max unpooling. With which offsets?

# %% tags=["solution"]
all_in_the_corner = np.zeros_like(offsets)
nails = unpool(BedOfNails2D(2), values)
assert (max_unpool_by_hand(values, all_in_the_corner) == nails).all()
print(nails)

# %% [markdown]
# ## What goes up is not what came down
#
# Here many readers stumble. So far we pooled a map and unpooled it at once, and the values that went up were the
# values that had come down. In a network they are not. Between the two lies the bottom: convolutions that turn the
# values into other values. Only the offsets stay as they were.
#
# As the simplest change, multiply each value by 10.

# %% Values pooled, then multiplied by 10, then unpooled at the old offsets: 50, 60, 70 and 80 at the old places
changed = 10 * values
restored = unpool(MaxUnpooling2D(2), changed, offsets)

way_down = {"input": x, "values": values, "x 10": changed}
way_up = {"old offsets": offsets, "max unpooling": restored}
figure = plots.draw_grids(way_down | way_up, windows=(2, 2))
figure.set_size_inches(7, 2.1)
figure

# %% [markdown]
# Real convolutions mix the values of neighbouring windows, too. Say that the bottom answers with four numbers of its
# own, made from all that it saw:

# %% Four new numbers, one of them negative, at the four old places; none of them was in the input
new = np.array([[-3, 20], [0.5, 9]], "float32")
restored = unpool(MaxUnpooling2D(2), new, offsets)

assert not np.isin(new, x).any()
assert ((restored != 0) == (marks == 1)).all()

way_down = {"input": x, "new values": new}
way_up = {"old offsets": offsets, "max unpooling": restored}
figure = plots.draw_grids(way_down | way_up, windows=(2, 2))
figure.set_size_inches(7, 2.3)
figure

# %% [markdown]
# None of the new numbers stands in the input. Yet each stands at a pixel where the input had a maximum. **Max unpooling
# puts a new feature at an old place.** The bottom decides *what*; the offsets decide *where*.
#
# The offsets of the input are used again, not the offsets of the new map: the new map is never pooled.
#
# !!! question "Try it"
#     Pool once more what max unpooling gave, here `restored`. Do you get the same four values and offsets as went in?
#     Which of the four windows goes wrong, and why?

# %% tags=["solution"]
again, again_offsets = pool_by_hand(restored)
print(again)
print(again_offsets)
positive = new > 0
assert (again[positive] == new[positive]).all()
assert (again_offsets[positive] == offsets[positive]).all()
# A negative value loses against the zeros around it.
assert (again[~positive] == 0).all()

# %% [markdown]
# ## Try it with your own numbers
#
# Change the numbers, choose a way to grow, and watch which pixels the small map reaches. Let the layers between
# multiply by 10.
#
# <div class="unpooling-figure"></div>
#
# ## Ties: the first wins
#
# When the maximum stands at two places, the offset names the first. The loop above does so, too: it asks for
# *greater*, not for *greater or equal*.

# %% A window of four equal numbers has offset 0; a window with 7 at places 1 and 2 has offset 1
ties = np.array([[3, 3, 0, 7], [3, 3, 7, 1]], "float32")
tied_values, tied_offsets = map(as_grid, MaxPoolingWithOffsets2D(2)(as_batch(ties)))

assert tied_offsets.tolist() == [[0, 1]]
assert (tied_offsets == pool_by_hand(ties)[1]).all()
drawn = {"input": ties, "values": tied_values, "offsets": tied_offsets}
plots.draw_grids(drawn, windows=(1, 2))

# %% [markdown]
# Ties are common: ReLU turns every negative number into 0, and a window of four zeros has offset 0. So an offset of 0
# may also mean that there was nothing to choose, and index unpooling marks place 0 even there. Of two tied maxima only
# the first comes back: the place of the second is forgotten.
#
# ## Offsets here, indices in PyTorch
#
# PyTorch's `max_pool2d(..., return_indices=True)` writes down the same places in another way. Its *index* counts the
# pixels of the whole map, row by row from 0, in eight bytes. An *offset* counts inside the window, in one byte. Each
# can be computed from the other when the width of the map is known.


# %%
def indices_from_offsets(offsets, width, pool=2):
    rows, columns = np.indices(offsets.shape)
    down, right = np.divmod(offsets.astype("int64"), pool)
    return (rows * pool + down) * width + columns * pool + right


def offsets_from_indices(indices, width, pool=2):
    row, column = np.divmod(indices, width)
    return (row % pool * pool + column % pool).astype("uint8")


indices = indices_from_offsets(offsets, width=4)
print(indices)
assert (x.ravel()[indices] == values).all()
assert (offsets_from_indices(indices, width=4) == offsets).all()

# %% [markdown]
# TensorFlow has a function that gives such indices, too. It counts the channels as well; our map has one, so that
# nothing changes.

# %%
import tensorflow as tf

_, from_tensorflow = tf.nn.max_pool_with_argmax(as_batch(x), 2, 2, "VALID")
assert (as_grid(from_tensorflow) == indices).all()

# %% [markdown]
# ## Max unpooling is the gradient of max pooling
#
# Change one number of the input a little. Does a pooled value change? Only if that number is the maximum of its window.
# So the gradient of pooling sends what arrives at a pooled value to the place of the maximum, and zero to the other
# places. That is max unpooling.

# %%
arriving = np.array([[0.1, 0.2], [0.3, 0.4]], "float32")
with tf.GradientTape() as tape:
    watched = tf.constant(as_batch(x))
    tape.watch(watched)
    pooled = tf.nn.max_pool2d(watched, 2, 2, "VALID")
gradient = as_grid(tape.gradient(pooled, watched, as_batch(arriving)))

print(gradient)
assert (gradient == max_unpool_by_hand(arriving, offsets)).all()

# %% [markdown]
# This is TensorFlow's own pooling, which tells no offsets. Every network with max pooling has unpooled all along: in
# the backward pass of its training. Max unpooling only does it forwards.
#
# ## The offsets of a cat
#
# Now a trained network. `max_unpooling` pools four times on its way down and unpools four times on its way up. The
# memories form a stack: what was written down last is used first.

# %%
import zoo

model = zoo.load("max_unpooling")
down = [layer for layer in model.layers if isinstance(layer, MaxPoolingWithOffsets2D)]
up = [layer for layer in model.layers if isinstance(layer, MaxUnpooling2D)]
assert len(down) == len(up) == 4

for level in range(4):
    _, offsets_down = down[level].output
    _, offsets_up = up[3 - level].input
    assert offsets_up is offsets_down
    print(f"pooling {level + 1} writes offsets {offsets_down.shape[1:]} for unpooling {4 - level}")

# %% [markdown]
# Here is the first level, on a photo of the cat Chelsea. Of the channels we take the one with the strongest contrast.

# %% A cat, one of her feature maps, the place of each maximum as a colour, and the key of the four colours
import keras
from skimage.data import chelsea

photo = ops.convert_to_numpy(ops.image.resize(chelsea(), (128, 128), antialias=True)) / 255
tensors = [down[0].input, *down[0].output, *up[3].input]
inside = keras.Model(model.input, tensors).predict(photo[None], verbose=0)
features, maxima, places, rising, old_places = (tensor[0] for tensor in inside)
assert (old_places == places).all()

channel = features.std(axis=(0, 1)).argmax()
windows = features.reshape(64, 2, 64, 2, -1)
equal = windows.min(axis=(1, 3)) == windows.max(axis=(1, 3))
opacity = np.where(equal, 0.2, 1.0)[:, :, channel, None]
coloured = np.concatenate([plots.TINTS[places[:, :, channel]], opacity], axis=-1)

plots.draw_images(
    {
        "photo": photo,
        f"feature map, channel {channel}": features[:, :, channel],
        "offsets": coloured,
        "colours of places 0 to 3": plots.TINTS.reshape(2, 2, 3),
    },
    columns=2,
)

# %% [markdown]
# Pale pixels are windows whose four numbers are equal. How many are there, and what does the memory weigh?

# %%
print(f"Windows of four equal numbers, all channels: {equal.mean():.0%}")
print(f"Offsets of this level:  {places.nbytes:10,} bytes")
print(f"The same as indices:    {places.astype('int64').nbytes:10,} bytes")
print(f"The features themselves:{features.nbytes:10,} bytes")
assert features.nbytes == 16 * places.nbytes

# %% [markdown]
# From afar the offsets look like noise. Here is a detail at the eye on the left, close enough to count pixels. Left:
# the feature map on its way down, with a ring at the maximum of each window. Middle: the small map that comes up from
# the bottom. Right: that map, unpooled at the old places.

# %% A detail: rings at the maxima, the small map from below, and its values at the rings tags=["picture"]
top, left, side = 44, 40, 16
detail = np.s_[top : top + side, left : left + side]
small_detail = np.s_[top // 2 : (top + side) // 2, left // 2 : (left + side) // 2]
going_up = rising[:, :, channel]
laid_out = max_unpool_by_hand(going_up, places[:, :, channel])

figure = Figure(figsize=(7, 2.7), layout="constrained")
axes = figure.subplots(1, 3)
panels = {
    "going down": features[:, :, channel][detail],
    "coming up": going_up[small_detail],
    "unpooled": laid_out[detail],
}
ring_rows, ring_columns = np.nonzero(index_unpool_by_hand(places[:, :, channel])[detail])
for axis, (title, panel) in zip(axes, panels.items(), strict=True):
    axis.imshow(panel, interpolation="nearest", extent=(0, side, side, 0))
    axis.set_xticks(range(0, side + 1, 2), [])
    axis.set_yticks(range(0, side + 1, 2), [])
    axis.grid(color="silver", linewidth=0.4)
    axis.tick_params(length=0)
    axis.set_title(title, fontsize=10)
    if title != "coming up":
        axis.plot(ring_columns + 0.5, ring_rows + 0.5, "o", color="#e69f00", fillstyle="none", markersize=5)
figure

# %% [markdown]
# The small map says something of its own about each window. The rings give its values the fine position that
# pooling would have lost. Then come the convolutions of this level: they fill the zeros between.
#
# ## The stage `index_unpooling`
#
# With ones alone, the way up would never hear the bottom: the ones depend on the offsets, and not on what the bottom
# computed. Two bottoms that say opposite things give the same map.

# %% Copied values and marks, which the stage joins as channels; another bottom changes the copies alone
copies = unpool(NearestUnpooling2D(2), new)
marks = unpool(IndexUnpooling2D(2), offsets)
assert (unpool(NearestUnpooling2D(2), -new) == -copies).all()
assert (copies * marks == restored).all()
plots.draw_grids({"copied value": copies, "mark": marks}, windows=(2, 2))

# %% [markdown]
# So our stage **joins** the ones with the copied values, as channels side by side: the copy says what, the mark says
# where. The lecture shows only the ones; joining them is ours. The stage is the skeleton of all encoder-decoders with
# these two functions for down and up:

# %%
import inspect

from zoo.models import blocks, index_unpooling, max_unpooling

print(inspect.getsource(blocks.pool_with_offsets))
print(inspect.getsource(index_unpooling.mark_offsets))

# %% [markdown]
# `narrow` is a 1x1 convolution to as many channels as the level above has.

# %% A photo of a cat, and what nearest_unpooling and index_unpooling say of every pixel
stages = ("nearest_unpooling", "bed_of_nails", "index_unpooling", "max_unpooling")
models = {stage: zoo.load(stage) for stage in stages}


def draw_answers(photo, stages):
    return {stage: plots.overlay(photo, zoo.predict(models[stage], photo)) for stage in stages}


answers = draw_answers(chelsea(), ["nearest_unpooling", "index_unpooling"])
plots.draw_images({"photo": chelsea(), **answers}, columns=3)

# %% [markdown]
# Orange is pet, blue is background, pink is border.
#
# ## The stage `max_unpooling`
#
# The same way down. On the way up, one line:

# %%
print(inspect.getsource(max_unpooling.unpool_to_offsets))

# %% [markdown]
# This is the idea of SegNet (Badrinarayanan et al., 2015), whose way down has the 13 convolutions of VGG16. Zeiler and
# Fergus (2013) had used the remembered places, their *switches*, to draw what a feature looks at.
#
# All four ways to grow that we know, on Chelsea:

# %% Chelsea, and what the stages nearest_unpooling, bed_of_nails, index_unpooling and max_unpooling say of her
figure = plots.draw_images(draw_answers(chelsea(), stages), columns=2)
figure.set_size_inches(6, 4.4)
figure

# %% [markdown]
# And on the first image of the test split, for which we know the truth. No network has seen it in training.

# %% A test image with its truth, and what the four stages say of it
from zoo import data

dataset = data.default_dataset()
image, truth = next(data.examples(dataset, "test").as_numpy_iterator())
known = {"photo": image, "truth": plots.overlay(image, truth)}
plots.draw_images(known | draw_answers(image, stages), columns=3)

# %% [markdown]
# One picture proves nothing. The cards of the saved models hold the scores over all photos of the test split: the IoU
# of the pet, the IoU of the border, and the boundary IoU, which compares only a thin strip along the outline of pet and
# border (Cheng et al., 2021).

# %%
from zoo import saved

print(f"{'stage':18}{'pet':>8}{'border':>8}{'boundary':>10}{'parameters':>12}")
scores = {}
for stage in stages:
    card = saved.card(stage)
    found = card["scores"]["at_network_size"]
    pet, border, boundary = found["iou"]["pet"], found["iou"]["border"], found["boundary_iou"]
    scores[stage] = np.array([pet, border, boundary])
    parameters = card["costs"]["parameters"]
    print(f"{stage:18}{pet:8.3f}{border:8.3f}{boundary:10.3f}{parameters:12,}")

# %% [markdown]
# If the story is right, places matter most where they decide the answer: along the outline, and less inside the pet.
# Compare the two stages that remember places with the two that invent them, in the mean:

# %%
invented = (scores["nearest_unpooling"] + scores["bed_of_nails"]) / 2
remembered = (scores["index_unpooling"] + scores["max_unpooling"]) / 2
pet, border, boundary = remembered - invented
print(f"Remembered minus invented: pet {pet:+.3f}, border {border:+.3f}, boundary {boundary:+.3f}.")

agree = border > max(pet, 0) and boundary > 0
print("In the mean they agree with the story." if agree else "In the mean they do not agree with the story.")

for other in ("nearest_unpooling", "index_unpooling"):
    _, border, boundary = scores["max_unpooling"] - scores[other]
    print(f"max_unpooling minus {other}: border {border:+.3f}, boundary {boundary:+.3f}.")
print("A difference below 0.01 may be chance: each stage was trained once.")

# %% [markdown]
# Mind the last column of the table: `index_unpooling` has more parameters, since joined channels make the next
# convolution wider. The other three have equally many.
#
# Is there a task in which remembered places decide? There is: [where places must
# matter](09_comparison.md#where-places-must-matter).
#
# ## Can you do it?
#
# !!! question "Try it"
#     On paper: pool the map `riddle` with windows of 2 x 2. Write down values and offsets. Then the bottom *doubles*
#     each value and *subtracts 10*. Unpool the result, once by index unpooling and once by max unpooling. One window
#     has a tie.

# %% A 4 x 4 map of numbers to pool on paper
riddle = np.array([[2, 9, 4, 4], [6, 0, 1, 4], [0, 3, 5, 1], [8, 2, 7, 6]], "float32")
plots.draw_grids({"riddle": riddle}, windows=(2, 2))

# %% The riddle solved: values, offsets, changed values, and both ways up tags=["solution"]
riddle_values, riddle_offsets = pool_by_hand(riddle)
riddle_changed = 2 * riddle_values - 10
index_solution = index_unpool_by_hand(riddle_offsets)
max_solution = max_unpool_by_hand(riddle_changed, riddle_offsets)

assert riddle_values.tolist() == [[9, 4], [8, 7]]
assert riddle_offsets.tolist() == [[1, 0], [2, 2]]  # the 4 stands at places 0, 1 and 3: the first wins
assert max_solution.tolist() == [[0, 8, -2, 0], [0, 0, 0, 0], [0, 0, 0, 0], [6, 0, 4, 0]]
assert (unpool(MaxUnpooling2D(2), riddle_changed, riddle_offsets) == max_solution).all()

memory = {"offsets": riddle_offsets, "doubled - 10": riddle_changed}
grown = {"index": index_solution, "max": max_solution}
figure = plots.draw_grids(memory | grown, windows=(2, 2))
figure.set_size_inches(7, 2.3)
figure

# %% [markdown]
# !!! abstract "What this step mends, what it leaves broken"
#     **Mended:** where a window had one maximum, no place is invented: each value goes back to it. (Of equal numbers
#     the first wins. In a window of four zeros that is the upper left, as on a bed of nails.)
#
#     **Broken:** three of four pixels are still zero, and *how* a value fills its window is still fixed by us. Why not
#     let the network learn how to grow? That is [transposed convolution](07_transposed_convolution.md).
#
# ## References
#
# - Vijay Badrinarayanan, Alex Kendall, Roberto Cipolla: *SegNet: A Deep Convolutional Encoder-Decoder Architecture for
#   Image Segmentation*, 2015. [arXiv:1511.00561](https://arxiv.org/abs/1511.00561)
# - Matthew D. Zeiler, Rob Fergus: *Visualizing and Understanding Convolutional Networks*, 2013.
#   [arXiv:1311.2901](https://arxiv.org/abs/1311.2901)
# - Bowen Cheng, Ross Girshick, Piotr Dollár, Alexander C. Berg, Alexander Kirillov: *Boundary IoU: Improving
#   Object-Centric Image Segmentation Evaluation*, 2021. [arXiv:2103.16562](https://arxiv.org/abs/2103.16562)
