# %% [markdown]
# # Remembering places: index and max unpooling
#
# Nearest neighbour and bed of nails [do not know](05_nearest_and_nails.md) where a value stood: one fills the whole
# window with it, the other always takes the upper-left corner. What does that do to the features of a photo? Here is
# one feature map of a trained network at the eye of the cat Chelsea, close enough to count pixels. It is pooled and
# grown back, first by a bed of nails, then by a way that **remembers where each maximum stood**.

# %% A cat's eye, its features, and their maxima in wrong pixels of the windows and in the right ones tags=["picture"]
import inspect

import keras
import numpy as np
from keras import ops
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from skimage.data import chelsea

import zoo
from zoo import data, plots, saved
from zoo.layers import BedOfNails2D, IndexUnpooling2D, MaxPoolingWithOffsets2D, MaxUnpooling2D, NearestUnpooling2D

model = zoo.load("max_unpooling")
down = [layer for layer in model.layers if isinstance(layer, MaxPoolingWithOffsets2D)]
up = [layer for layer in model.layers if isinstance(layer, MaxUnpooling2D)]
photo = ops.convert_to_numpy(ops.image.resize(chelsea(), (128, 128), antialias=True)) / 255
inside = keras.Model(model.input, [down[0].input, *down[0].output, up[3].input[0]]).predict(photo[None], verbose=0)
features, maxima, first_offsets, rising = inside

channel = features.std(axis=(0, 1, 2)).argmax()
top, left, side = 44, 40, 16  # of the detail
grown = {"bed of nails": BedOfNails2D(2)(maxima), "places remembered": MaxUnpooling2D(2)(maxima, first_offsets)}
details = {"photo": photo[None], "features": features, **grown}
for name, each in details.items():
    crop = ops.convert_to_numpy(each)[0, top : top + side, left : left + side]
    details[name] = crop if name == "photo" else crop[:, :, channel]
for name in grown:
    right = (details[name] == details["features"])[details[name] > 0].mean()
    print(f"{name:17}: {right:.0%} of the values stand where they came from")
plots.draw_images(details)

# %% [markdown]
# (On the page before, bed of nails put most maxima of a photo into a wrong pixel, too. There it was the whole of a grey
# photo; here it is a small detail of one feature.) How can a network remember? Max pooling looks at all four pixels of
# a window and takes one of them. **It only has to write down which one.**

# %% A 4 x 4 map, the maxima of its four windows, and the place of each maximum tags=["picture"]
x = np.array([[1, 5, 2, 3], [3, 4, 6, 1], [7, 2, 1, 3], [1, 4, 4, 8]], "float32")
values = np.array([[5, 6], [7, 8]], "float32")
offsets = np.array([[1, 2], [0, 3]], "uint8")
plots.draw_grids({"input": x, "values": values, "offsets": offsets}, windows=(2, 2))

# %% [markdown]
# Pooling now gives two small maps. The **values** are the maxima, as before. The **offsets** say *where* in its window
# each maximum stood. The places of a window are counted row by row from 0: upper left 0, upper right 1, lower left 2,
# lower right 3. Books also call them *indices*, *switches* or *locations*. (The *indices* of a library may count
# differently: see [below](#whose-offsets).)
#
# ## One window after the other
#
# **The upper-left window.** Read its four numbers row by row, and count from 0 while you read. The small numbers in the
# corners are the places.


# %% The upper-left window: the maximum is 5, at place 1 tags=["picture"]
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
# The lower-left window has its maximum at the number that we read first: offset 0, a place like any other. The
# lower-right one has it at place 3. The values go on into the network. The offsets are kept for the way up.
#
# ## Down, by hand
#
# The loop does what we just did. `divmod(place, pool)` turns a place into steps down and steps to the right. The layer
# is `MaxPoolingWithOffsets2D`.


# %%
def pool_by_hand(x, pool=2):
    height, width = x.shape[0] // pool, x.shape[1] // pool
    values = np.full((height, width), -np.inf, x.dtype)
    offsets = np.zeros((height, width), "uint8")
    for row, column in np.ndindex(height, width):
        for place in range(pool * pool):
            down, right = divmod(place, pool)
            candidate = x[row * pool + down, column * pool + right]
            if candidate > values[row, column]:  # of equal maxima the first wins
                values[row, column], offsets[row, column] = candidate, place
    return values, offsets


def as_batch(grid):
    return grid[None, :, :, None]  # (1, h, w, 1): layers want a batch and channels


def as_grid(batch):
    return ops.convert_to_numpy(batch)[0, :, :, 0]


for found in (pool_by_hand(x), [*map(as_grid, MaxPoolingWithOffsets2D(2)(as_batch(x)))]):
    assert (found[0] == values).all()
    assert (found[1] == offsets).all()
print(found[1], found[1].dtype)

# %% [markdown]
# When the maximum stands at two places, the offset names the first: the loop asks for *greater*, not for *greater or
# equal*. A window of four zeros, common after ReLU, has offset 0.
#
# ## Up: two ways
#
# **Index unpooling** puts a 1 at each remembered place, and zeros elsewhere. It needs the offsets alone. **Max
# unpooling** puts the *value* there. It needs both.


# %%
def index_unpool_by_hand(offsets, pool=2):
    height, width = offsets.shape
    large = np.zeros((height * pool, width * pool), "float32")
    for row, column in np.ndindex(height, width):
        down, right = divmod(int(offsets[row, column]), pool)
        large[row * pool + down, column * pool + right] = 1
    return large


def max_unpool_by_hand(values, offsets, pool=2):
    copies = values.repeat(pool, axis=0).repeat(pool, axis=1)
    return np.where(index_unpool_by_hand(offsets, pool) == 1, copies, 0)


# %% Index unpooling puts ones and max unpooling the values where the maxima stood, zeros elsewhere
def unpool(layer, *grids):
    return as_grid(layer(*map(as_batch, grids)))


marks, unpooled = unpool(IndexUnpooling2D(2), offsets), unpool(MaxUnpooling2D(2), values, offsets)
assert (index_unpool_by_hand(offsets) == marks).all()
assert (max_unpool_by_hand(values, offsets) == unpooled).all()
assert (unpooled[marks == 1] == x[marks == 1]).all()
figure = plots.draw_grids({"offsets": offsets, "index unpooling": marks, "max unpooling": unpooled}, windows=(2, 2))
figure.set_size_inches(6, 2.4)
figure

# %% [markdown]
# The maxima are back at their places. The other twelve pixels of the input are lost: pooling threw them away, and no
# offset brings them back. The second function shows how the ways are related: max unpooling is nearest neighbour that
# keeps its copies only where index unpooling has a 1.
#
# !!! note "Two sentences, two ways"
#     The lecture explains *unpooling with indices* in two sentences, which describe two different ways. By the first,
#     the pooled **feature values** go back to the remembered places. By the second, a **fixed value such as 1** goes
#     there. Elsewhere "unpooling with indices" means the first. Here the first is called max unpooling, and the second
#     index unpooling. (Our trained stage `index_unpooling` does more than the layer: it joins the ones with copies of
#     the values, as told below.)
#
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
# Here many readers get lost. So far we pooled a map and unpooled it at once, and the values that went up were those
# that had come down. In a network they are not. Between the two lies the bottom: convolutions that turn the values into
# other values. Only the offsets stay as they were. Say that the bottom answers with four numbers of its own:

# %% Four new numbers, one of them negative, at the four old places; none of them was in the input
new = np.array([[-3, 20], [0.5, 9]], "float32")
restored = unpool(MaxUnpooling2D(2), new, offsets)
assert not np.isin(new, x).any()
assert ((restored != 0) == (marks == 1)).all()

figure = plots.draw_grids(
    {"input": x, "new values": new, "old offsets": offsets, "max unpooling": restored}, windows=(2, 2)
)
figure.set_size_inches(7, 2.3)
figure

# %% [markdown]
# None of the new numbers stands in the input. Yet each stands at a pixel where the input had a maximum. **Max unpooling
# puts a new feature at an old place.** The bottom decides *what*; the offsets decide *where*. In the next figure, set
# *The layers between* to *multiply by 10*: no place changes, and with index unpooling no value does, either.
#
# <div class="unpooling-figure"></div>
#
# And how does training pass through a remembered place? The offsets are only numbers, and get no gradient. Max
# unpooling hands each value the gradient of the one pixel where it was put. Through the ones of index unpooling no
# gradient passes; the copies that are joined with them have one.
#
# ## Whose offsets?
#
# A network has many channels, and each channel has offsets of its own. On the way up, channel 0 takes the offsets that
# channel 0 wrote on the way down, channel 1 those of channel 1. That is a rule of counting. Nothing says that the two
# mean the same thing: the bottom has made new features.
#
# And the counts must agree. Our bottom has 128 channels, but the last pooling wrote offsets for 96. So before each
# unpooling stands `narrow`, a 1 x 1 convolution: it makes as many channels as there are offsets. Each of them is a
# mixture of all features from below, and the weights are learned. So **`narrow` learns which features use whose
# offsets.**
#
# The memories form a stack: what the way down (the *encoder*) wrote last, the way up (the *decoder*) uses first. So two
# things say whose offsets a channel takes: its number, and the level. Channel 1 takes those that channel 1 wrote at the
# same level. There the sizes are the same: the pooling began with maps as large as those that the unpooling makes. In
# the trained network:

# %%
print(f"the bottom has {model.layers[model.layers.index(up[0]) - 1].input.shape[-1]} channels")
for level in range(4):
    _, offsets_down = down[level].output
    _, offsets_up = up[3 - level].input
    assert offsets_up is offsets_down
    print(f"pooling {level + 1} writes offsets {offsets_down.shape[1:]}, unpooling {4 - level} reads them")

# %% [markdown]
# Here are two levels with two channels. A row of `narrow` holds the weights of one channel that it makes. Press the
# button *Swap the rows of narrow*: the same two values, each at the places of the other feature. An unpooling leaves
# three of four pixels zero. A second one puts these zeros into their places, too: of sixteen pixels, one is left that
# is not zero. In the figure, choose a convolution between the two unpoolings, as our stages have: it fills the small
# map, and the second unpooling has a value for each of its four windows.
#
# <div class="channels-figure"></div>
#
# A path from the way down to the way up that does not lead through the bottom is called a *skip connection*. Mostly it
# carries feature maps. Here it carries places only, one byte for each value. (PyTorch's *index* counts the pixels of
# the whole map instead, in eight bytes. An offset becomes an index when the width of the map is known.)


# %%
def indices_from_offsets(offsets, width, pool=2):
    rows, columns = np.indices(offsets.shape)
    down, right = np.divmod(offsets.astype("int64"), pool)
    return (rows * pool + down) * width + columns * pool + right


indices = indices_from_offsets(offsets, width=4)
print(indices)
assert (x.ravel()[indices] == values).all()
assert (first_offsets.itemsize, indices.itemsize) == (1, 8)
print(
    f"first level: offsets {first_offsets.nbytes:,} bytes, as indices {8 * first_offsets.nbytes:,}, "
    f"features {features.nbytes:,}"
)

# %% [markdown]
# ## And then a convolution
#
# As on [the page before](05_nearest_and_nails.md), a learned 3 x 3 convolution follows the unpooling, with no
# activation between. After a bed of nails it stamps its kernel (rotated by half a turn, as told there) around the
# upper-left pixel of each window. After max unpooling it stamps the same kernel **around the remembered pixel**. So how
# a value spreads is learned in both; only the second knows this photo. Here with a small stamp:

# %% The stamps of four values: around the corners of their windows, and around the remembered pixels
stamp = np.array([[0, 1, 0], [1, 2, 1], [0, 3, 0]], "float32")
spread = keras.layers.Conv2D(1, 3, padding="same", use_bias=False)
spread.build((None, None, None, 1))
spread.set_weights([stamp[::-1, ::-1, None, None]])  # a stamp reaches to the right where a kernel looks to the left

stamped = np.zeros((6, 6), "float32")
for row, column in np.argwhere(marks == 1):
    stamped[row : row + 3, column : column + 3] += unpooled[row, column] * stamp
by_places = unpool(spread, unpooled)
assert (stamped[1:5, 1:5] == by_places).all()
at_corners = unpool(spread, unpool(BedOfNails2D(2), values))
plots.draw_grids({"stamp": stamp, "after bed of nails": at_corners, "after max unpooling": by_places})

# %% [markdown]
# In the photo: the small map that comes up to the last unpooling, and the same map unpooled at the old places. The
# rings mark the remembered pixels. Red is positive, blue is negative, white is 0.

# %% A detail at the cat's eye: the small map from below, and its values at the remembered pixels tags=["picture"]
detail = np.s_[top : top + side, left : left + side]
going_up, old_places = rising[0, :, :, channel], first_offsets[0, :, :, channel]
panels = {
    "coming up": going_up[top // 2 : (top + side) // 2, left // 2 : (left + side) // 2],
    "unpooled": max_unpool_by_hand(going_up, old_places)[detail],
}
rows, columns = np.nonzero(index_unpool_by_hand(old_places)[detail])
most = np.abs(panels["coming up"]).max()
figure = Figure(figsize=(6, 2.9), layout="constrained")
axes = figure.subplots(1, 2)
for axis, (title, panel) in zip(axes, panels.items(), strict=True):
    image = axis.imshow(panel, cmap="RdBu_r", vmin=-most, vmax=most, extent=(0, side, side, 0))
    axis.set_xticks(range(0, side + 1, 2), [])
    axis.set_yticks(range(0, side + 1, 2), [])
    axis.grid(color="silver", linewidth=0.4)
    axis.tick_params(length=0)
    axis.set_title(title, fontsize=10)
for colour, width in (("white", 2.8), ("black", 1.2)):  # black with a white rim is seen on dark and on pale pixels
    axes[1].plot(columns + 0.5, rows + 0.5, "o", color=colour, fillstyle="none", markersize=6, markeredgewidth=width)
figure.colorbar(image, ax=axes)
figure

# %% [markdown]
# ## The stage `index_unpooling`
#
# With ones alone, the way up would never hear the bottom: the ones depend on the offsets, and on nothing else. So our
# stage `index_unpooling` **concatenates** the ones with the copied values, as channels side by side. One channel
# becomes two: the result of nearest neighbour, and that of index unpooling. The copy says what, the mark says where,
# and the convolutions behind them learn what to make of the two.

# %%
from zoo.models import blocks, index_unpooling, max_unpooling

print(inspect.getsource(blocks.pool_with_offsets))
print(inspect.getsource(index_unpooling.mark_offsets))

# %% [markdown]
# ## The stage `max_unpooling`
#
# It needs one line:

# %%
print(inspect.getsource(max_unpooling.unpool_to_offsets))

# %% [markdown]
# Max unpooling is how SegNet grows (Badrinarayanan et al., 2015); its way down has the 13 convolutions of VGG16. In the
# same year Noh et al. unpooled by remembered places, their *switch variables*, and let transposed convolutions fill the
# gaps. The idea is older: Zeiler and Fergus (2013) used switches to draw what a feature looks at.

# %% A photo from the test split, its truth, and what the four stages say
stages = ("nearest_unpooling", "bed_of_nails", "index_unpooling", "max_unpooling")
dataset = data.default_dataset()
test_photo, test_mask = next(data.examples(dataset, "test").as_numpy_iterator())
models = {stage: zoo.load(stage) for stage in stages}
answers = {stage: [zoo.predict(models[stage], test_photo)] for stage in stages}
plots.draw_stages([test_photo], answers, [test_mask])

# %% [markdown]
# One picture proves nothing. The cards of the saved models hold the scores over 3,000 of the data set's test photos.
# The border IoU is that of the class border. The boundary IoU takes pet and border together, and compares only a thin
# strip along their outline (Cheng et al., 2021). How much can chance do? The U-Net was trained from three seeds, by a
# shorter recipe: the last line is the difference between its best and its worst.

# %%
cards = {stage: saved.card(stage) for stage in stages}


def scores_of(card):
    found = card["scores"]["at_network_size"]
    return np.array([found["mean_iou"], found["iou"]["border"], found["boundary_iou"]])


of_seeds = [scores_of(seed["unet"]) for seed in saved.cards_of_seeds() if "unet" in seed]
between = np.ptp(of_seeds, axis=0)
assert {card["dataset"]["test"]["examples"] for card in cards.values()} == {3000}
print(f"{'':28} mean IoU   border IoU   boundary IoU   parameters")
for stage, card in cards.items():
    mean, border, boundary = scores_of(card)
    print(f"{stage:28} {mean:8.3f} {border:12.3f} {boundary:14.3f} {card['costs']['parameters']:12,}")
for stage in stages[2:]:
    gains = scores_of(cards[stage]) - scores_of(cards["nearest_unpooling"])
    print("{:28} {:+8.3f} {:+12.3f} {:+14.3f}".format(f"  {stage} - nearest", *gains))
    assert (abs(gains) < 2 * between).all()
print("{:28} {:8.3f} {:12.3f} {:14.3f}".format(f"between {len(of_seeds)} seeds", *between))

# %% [markdown]
# On pets, remembered places change little: no difference is much larger than what seeds make, and not all of them are
# gains. `max_unpooling` is behind `nearest_unpooling` in mean IoU, by a little more than three seeds lie apart, and at
# the border by less than they do. (After a shorter training, with three seeds of each stage and a
# [rule](09_comparison.md#one-rule-set-before-we-look), a later page finds it a little behind.) `index_unpooling` is
# level in mean IoU, and ahead at border and boundary, by about what seeds make. It also has more parameters, since
# concatenated channels make the next convolution wider. Why so little? We suppose: the outline of a pet is smooth, so
# that its place can be guessed from a coarse map and its neighbours. So a remembered place should help more where the
# pixels around do not tell it, and where the things to be found are maxima themselves: single dots, thin lines, poles
# in the distance.
#
# ## Does remembering the place help?
#
# On pets, we cannot tell it from chance here. Is there a task in which it clearly helps? Take an image of noise with
# eight bright pixels. The answer is the mask of these pixels: nothing around them tells where they are. Small networks
# with two poolings learned it.

# %% Eight dots in noise: the truth, what copying finds, and what max unpooling finds tags=["picture"]
import json

from zoo import places

results = json.loads(places.RESULTS.read_text())
found = results["dots"]
noise, dots = places.examples("dots", places.TEST, places.TEST_SEED)
shown = {"image": noise[0, :, :, 0], "truth": dots[0] * 1.0}
for stage in ("nearest_unpooling", "max_unpooling"):
    answer = np.array([list(row) for row in found[stage]["answer"]], int)
    shown[stage] = answer * 1.0
    ious = ", ".join(f"{iou:.2f}" for iou in found[stage]["ious"].values())
    print(
        f"{stage:18} finds {(answer & dots[0]).sum()} of {dots[0].sum()} here; on {places.TEST} images, by seed: {ious}"
    )
assert (shown["max_unpooling"] == dots[0]).all()
assert (shown["nearest_unpooling"] != dots[0]).any()
plots.draw_images(shown)

# %% [markdown]
# The last numbers are IoU over all images, one for each training. Copying brings up the window, not the pixel. Yet the
# network that copies finds most dots: before it pools, its convolutions can write the place into features. It does not
# always succeed. All seven stages with a decoder, made small, learned the dots, and then lines that are one pixel thin:

# %% tags=["numbers"]
print("IoU, mean of three seeds " + "".join(f"{task:>8}" for task in places.TASKS))
measured = [stage for stage in zoo.STAGES[2:] if all(stage in results[task] for task in places.TASKS)]
for stage in measured:
    means = [np.mean(list(results[task][stage]["ious"].values())) for task in places.TASKS]
    print(f"{stage:25}" + "".join(f"{mean:8.2f}" for mean in means))
remember = ("index_unpooling", "max_unpooling", "unet")
assert all(len(of_stage["ious"]) == 3 for of_task in results.values() for of_stage in of_task.values())
for task, of_task in results.items():
    with_memory, without = (
        [iou for stage in measured if (stage in remember) == has for iou in of_task[stage]["ious"].values()]
        for has in (True, False)
    )
    print(f"{task}: {', '.join(remember)}: at least {min(with_memory):.2f}; all others: at most {max(without):.2f}")
    assert min(with_memory) > max(without)

# %% [markdown]
# So remembering helps where places must matter: each training with a memory is better than each one without. (The
# U-Net, two pages on, remembers more than places: it hands whole feature maps over. And why `strided_convolution` finds
# more of the lines than the other three without a memory, we do not know.) A later page has the pictures, and streets
# with poles, and shows how a network can know the place by itself: [where places must matter](15_places.md).
#
# ## Can you do it?
#
# !!! question "Try it"
#     On paper: pool the map `riddle` with windows of 2 x 2. Write down values and offsets. Then the bottom *doubles*
#     each value and *subtracts 10*. Grow the result in all four ways: nearest neighbour, bed of nails, index unpooling,
#     max unpooling. One window has a tie.

# %% A 4 x 4 map of numbers to pool on paper
riddle = np.array([[2, 9, 4, 4], [6, 0, 1, 4], [0, 3, 5, 1], [8, 2, 7, 6]], "float32")
plots.draw_grids({"riddle": riddle}, windows=(2, 2))

# %% The riddle solved: values, offsets, changed values, and the four ways up tags=["solution"]
riddle_values, riddle_offsets = pool_by_hand(riddle)
changed = 2 * riddle_values - 10
assert riddle_values.tolist() == [[9, 4], [8, 7]]
assert riddle_offsets.tolist() == [[1, 0], [2, 2]]  # the 4 stands at places 0, 1 and 3: the first wins
solved = {
    "offsets": riddle_offsets,
    "changed": changed,
    "nearest": unpool(NearestUnpooling2D(2), changed),
    "nails": unpool(BedOfNails2D(2), changed),
    "index": index_unpool_by_hand(riddle_offsets),
    "max": max_unpool_by_hand(changed, riddle_offsets),
}
assert solved["max"].tolist() == [[0, 8, -2, 0], [0, 0, 0, 0], [0, 0, 0, 0], [6, 0, 4, 0]]
figure = plots.draw_grids(solved, windows=(2, 2))
figure.set_size_inches(8, 2)
figure

# %% [markdown]
# !!! abstract "What this step mends, what it leaves broken"
#     **Mended:** no place is invented: each value goes to where its window had its maximum. (Of equal numbers the first
#     wins. So the place of a window of zeros says nothing.)
#
#     **Broken:** a place is all that comes across. The layer leaves three of four pixels zero, and the convolution
#     behind it must fill them. Can the layer itself learn how to grow? Such a layer is the [transposed
#     convolution](07_transposed_convolution.md).
#
# ## References
#
# - Vijay Badrinarayanan, Alex Kendall, Roberto Cipolla: *SegNet: A Deep Convolutional Encoder-Decoder Architecture for
#   Image Segmentation*, 2015. [arXiv:1511.00561](https://arxiv.org/abs/1511.00561)
# - Hyeonwoo Noh, Seunghoon Hong, Bohyung Han: *Learning Deconvolution Network for Semantic Segmentation*, 2015.
#   [arXiv:1505.04366](https://arxiv.org/abs/1505.04366)
# - Matthew D. Zeiler, Rob Fergus: *Visualizing and Understanding Convolutional Networks*, 2013.
#   [arXiv:1311.2901](https://arxiv.org/abs/1311.2901)
# - Bowen Cheng, Ross Girshick, Piotr Dollár, Alexander C. Berg, Alexander Kirillov: *Boundary IoU: Improving
#   Object-Centric Image Segmentation Evaluation*, 2021. [arXiv:2103.16562](https://arxiv.org/abs/2103.16562)
