# %% [markdown]
# # Sliding window: one patch, one pixel
#
# A classifier gives a whole photo one class. We need one class for every pixel. **Can the classifier that we have do
# it?** It can: cut a patch around the pixel, classify the patch, and move on.

# %% Chelsea with three windows that overlap almost completely, and the three patches that they cut out tags=["picture"]
import keras
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from skimage.data import chelsea

import zoo
from zoo import data, plots, saved
from zoo.layers import DenseWindow2D, SlidingWindow2D

WINDOW, STRIDE = 32, 4

photo = np.array(keras.ops.image.resize(chelsea(), (128, 128), antialias=True)) / 255
figure = Figure(figsize=(7, 2.7), layout="constrained")
large, *small = figure.subplots(1, 4, width_ratios=[2, 1, 1, 1])
large.imshow(photo)
large.set_title("128 x 128 pixels", fontsize=10)
for number, axis in enumerate(small):
    top, left = 24, 40 + number * STRIDE
    middle = (left + WINDOW // 2 - STRIDE // 2, top + WINDOW // 2 - STRIDE // 2)
    large.add_patch(Rectangle((left, top), WINDOW, WINDOW, fill=False, edgecolor=plots.TINTS[number], linewidth=1.5))
    axis.imshow(photo[top : top + WINDOW, left : left + WINDOW], extent=(left, left + WINDOW, top + WINDOW, top))
    axis.add_patch(Rectangle(middle, STRIDE, STRIDE, fill=False, edgecolor="white", linewidth=1.5))
    axis.add_patch(
        Rectangle((left, top), WINDOW, WINDOW, fill=False, edgecolor=plots.TINTS[number], linewidth=4, clip_on=False)
    )
    axis.set_title(f"patch {number + 1}", fontsize=10)
for axis in (large, *small):
    axis.set_axis_off()
figure

# %% [markdown]
# The **window** is 32 x 32 pixels. From patch to patch it moves by 4 pixels: the **stride**. Each patch decides only
# about the 4 x 4 pixels in its middle, the small white square. The pixels around them are its context.
#
# ## The patch classifier
#
# The trained stage holds an ordinary classifier. It knows nothing of photos; it gets a patch and returns three numbers,
# one for each class: the **logits**, scores that may be any number. The largest names the class, and *softmax* turns
# them into probabilities. (It has learned from the masks of whole photos: the logits of each block are copied to its
# 4 x 4 pixels, and compared with their true classes.)

# %%
model = zoo.load("sliding_window")
[window_layer] = [layer for layer in model.layers if isinstance(layer, SlidingWindow2D)]
classifier = window_layer.classifier

print(f"{'patch':<20} {classifier.input_shape[1:]}")
for layer in classifier.layers:
    print(f"{type(layer).__name__:<20} {layer.output.shape[1:]}")

# %%
patch = photo[24:56, 40:72]
logits = classifier.predict_on_batch(patch[None])[0]  # (3,)
for name, probability in zip(data.CLASSES, keras.ops.softmax(logits), strict=True):
    print(f"{name:<10} {float(probability):.2f}")

# %% [markdown]
# ## By hand
#
# To slide is to loop. Around the pixels at the edge, a part of the patch lies outside the photo. There we put zeros,
# which is called **padding**.


# %%
def slide_by_hand(image, classifier, window, stride):
    before = window // 2 - stride // 2
    after = window - stride - before
    padded = np.pad(image, ((before, after), (before, after), (0, 0)))
    rows, columns = image.shape[0] // stride, image.shape[1] // stride
    logits = np.zeros((rows, columns, 3), "float32")
    for row in range(rows):
        for column in range(columns):
            top, left = row * stride, column * stride
            patch = padded[top : top + window, left : left + window]
            logits[row, column] = classifier.predict_on_batch(patch[None])[0]
    return logits


crop = photo[16:80, 28:92]  # 64 x 64 pixels: Chelsea's face
by_hand = slide_by_hand(crop, classifier, WINDOW, STRIDE)
print(crop.shape, "->", by_hand.shape)

# %% [markdown]
# ## The layer
#
# `SlidingWindow2D` does the same: it cuts all patches, and gives them to the classifier as one batch.

# %%
sliding = SlidingWindow2D(classifier, WINDOW, STRIDE)
by_layer = np.array(sliding(crop[None]))[0]

print("largest difference:", abs(by_layer - by_hand).max())
assert by_layer.shape == by_hand.shape
assert np.allclose(by_layer, by_hand, atol=1e-4)

# %% [markdown]
# ## What padding does at the edge
#
# A patch at the edge is partly black. The classifier has to guess with less than it is used to.

# %% Three patches: in the corner most of it is black, at the edge almost half, in the middle nothing
before = WINDOW // 2 - STRIDE // 2
after = WINDOW - STRIDE - before
padded = np.pad(photo, ((before, after), (before, after), (0, 0)))
is_padding = np.pad(np.zeros((128, 128)), (before, after), constant_values=1)

patches = {}
for name, (top, left) in {"corner": (0, 0), "edge": (0, 48), "middle": (48, 48)}.items():
    rows, columns = slice(top, top + WINDOW), slice(left, left + WINDOW)
    share = is_padding[rows, columns].mean()
    patches[f"{name}: {share:.0%} padding"] = padded[rows, columns]
plots.draw_images(patches, columns=3)

# %% [markdown]
# !!! question "Try it"
#     How many of the decisions about our 64 x 64 crop depend on the padding? Think first: how far does a patch reach
#     beyond its 4 x 4 pixels? Then test it: pad with a mirror image instead of zeros, and count which logits change.

# %% tags=["solution"]
print(
    f"A patch reaches {before} pixels beyond its block, which is {before / STRIDE} blocks: 4 at each edge see padding."
)
sees_padding = np.ones((16, 16), bool)
sees_padding[4:-4, 4:-4] = False
print(f"{sees_padding.sum()} of {sees_padding.size} patches reach over the edge.")

mirrored = np.pad(crop, ((16, 16), (16, 16), (0, 0)), mode="reflect")
other = np.array(sliding(mirrored[None]))[0, 4:-4, 4:-4]
changed = (abs(other - by_layer) > 1e-4).any(axis=-1)
print(f"{changed.sum()} decisions change.")
assert not changed[~sees_padding].any()

# %% [markdown]
# ## How often is a pixel looked at?
#
# Neighbouring windows overlap. Let us count, for each pixel, the windows that hold it. First a small image: 12 x 12
# pixels, a window of 6 and a stride of 2.


# %% A grid of 12 x 12 counts: 4 in the corners, 6 along the edges, 9 everywhere else
def count_looks(size, window, stride, margin=0):
    before = window // 2 - stride // 2
    counts = np.zeros((size, size), int)
    for top in range(-before, size - before, stride):
        for left in range(-before, size - before, stride):
            rows = slice(max(top + margin, 0), top + window - margin)
            columns = slice(max(left + margin, 0), left + window - margin)
            counts[rows, columns] += 1
    return counts


counts = count_looks(12, window=6, stride=2)
assert counts[6, 6] == (6 / 2) ** 2
plots.draw_grids({"windows that hold each pixel": counts}, windows=(6, 6))

# %% [markdown]
# Each square of four cells in one tint is one block of 2 x 2 pixels (there are four tints, and they repeat), and each
# block has its own window. Away from the edge the rule is
#
# \[ \text{looks} = \frac{w^2}{s^2} \]
#
# for a window of \(w\) and a stride of \(s\) pixels, **if \(s\) divides \(w\)**. If it does not, then along each side
# some pixels lie in one window more than others, and the rule holds only on average. At the edge it is less, because
# there are no windows whose middle lies outside. Now the numbers of our stage, and those of a stride that does not
# divide the window:

# %%
counts = count_looks(128, WINDOW, STRIDE)
print(f"stride {STRIDE}: in the middle {counts[64, 64]}, in the corner {counts[0, 0]}, on average {counts.mean():.1f}")
assert counts[64, 64] == WINDOW**2 / STRIDE**2

uneven = count_looks(160, WINDOW, stride=5)[40:120, 40:120]  # 16 steps, away from the edge
print(f"stride 5: {', '.join(map(str, np.unique(uneven)))}, on average {uneven.mean():.2f}")
assert np.isclose(uneven.mean(), WINDOW**2 / 5**2)

# %% [markdown]
# ## The same feature, computed again
#
# Looking often would be harmless, if each look brought something new. It does not. Take two neighbouring patches. The
# first layer of the classifier is a 5 x 5 convolution. Where the patches overlap, it sees the same pixels, so it must
# compute the same features.

# %%
first = classifier.layers[0]
left_patch, right_patch = photo[24:56, 40:72], photo[24:56, 44:76]
left_features = np.array(first(left_patch[None]))[0]  # (28, 28, 16)
right_features = np.array(first(right_patch[None]))[0]

shared = right_features[:, :-STRIDE]
assert np.allclose(left_features[:, STRIDE:], shared, atol=1e-5)
print(f"{shared.size} of {right_features.size} features were computed for the left patch already")

# %% [markdown]
# And this was only one neighbour. We count how often the feature at each pixel is computed for the whole photo. The
# features of a patch form a map of 28 x 28, since a 5 x 5 convolution without padding loses two pixels on each side.

# %% Two maps: how many windows hold each pixel, and how often its feature is computed; both fade at the edge
times_computed = count_looks(128, WINDOW, STRIDE, margin=2)
inner = times_computed[32:96, 32:96]
assert inner.min() == inner.max()
print(f"in the middle {inner.min()} times")
plots.draw_images({"looks": counts.astype(float), "times computed": times_computed.astype(float)})

# %% [markdown]
# The brighter, the more often. Once would be enough.
#
# ## What it costs
#
# A smaller stride gives finer answers. Half the stride means twice as many windows in a row, and twice as many rows:
# four times as many patches. Is that four times the time? We measure the seconds for the 64 x 64 crop.

# %%
import itertools
import time


def seconds(layer, image, runs=3):
    durations = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        np.array(layer(image[None]))
        durations.append(time.perf_counter() - start)
    return min(durations[1:])  # the first run warms up


strides = [16, 8, 4, 2, 1]
sliding_layers = [SlidingWindow2D(classifier, WINDOW, stride) for stride in strides]
sliding_seconds = [seconds(layer, crop) for layer in sliding_layers]
for stride, duration in zip(strides, sliding_seconds, strict=True):
    print(f"stride {stride:>2}: {(64 // stride) ** 2:>5} patches, {duration:.3f} s")
ratios = [later / earlier for earlier, later in itertools.pairwise(sliding_seconds)]
print("each step takes", ", ".join(f"{ratio:.1f}" for ratio in ratios), "times the time of the one before")

# %% [markdown]
# Four times as many patches take less than four times as long, and at first much less: a call takes some time of its
# own, and a large batch uses the processor better. The more patches there are, the less that helps.
#
# !!! question "Try it"
#     Our stage has stride 4 and works on 128 x 128 pixels. How many patches does it classify? How many would it be at
#     stride 1? How many multiply-adds (one product, added to a sum), if one patch takes as many as
#     `zoo.costs.multiply_adds(classifier)` says?

# %% tags=["solution"]
from zoo import costs

each = costs.multiply_adds(classifier)
for stride in (4, 1):
    patches = (128 // stride) ** 2
    print(f"stride {stride}: {patches:>6} patches, {patches * each / 1e6:>8,.0f} million multiply-adds")
assert (128 // 4) ** 2 * each == saved.card("sliding_window")["costs"]["multiply_adds"]

# %% [markdown]
# ## The same answer without cutting patches
#
# If overlapping patches share their features, why not compute the features once, for the whole image? Convolutions
# allow it: what a kernel finds at a pixel does not depend on where a patch begins.
#
# Pooling is the difficulty. Max pooling keeps the larger number of each pair, here of two neighbours in the same row. A
# patch begins to count its pairs at its own first pixel, so patches that begin at odd pixels have other pairs than
# those that begin at even pixels. The way out: take the maximum of **each** pixel and its neighbour, and let a patch
# pick every second one.

# %%
signal = np.array([3, 1, 4, 1, 5, 9, 2, 6])
everywhere = np.maximum(signal[:-1], signal[1:])
print("signal:          ", signal)
print("maxima of pairs: ", everywhere)

for start in range(5):
    patch = signal[start : start + 4]
    pooled = patch.reshape(2, 2).max(axis=1)
    print(f"patch from {start}:     {patch} pooled {pooled}")
    assert (pooled == everywhere[start : start + 3 : 2]).all()

# %% A signal, its maxima, and two patches: each picks every second maximum from its own start on tags=["picture"]
figure = Figure(figsize=(7, 3.4), layout="constrained")
axis = figure.subplots()
for place, number in enumerate(signal):
    axis.add_patch(Rectangle((place, 0), 1, 1, facecolor="none", edgecolor="black"))
    axis.text(place + 0.5, 0.5, number, ha="center", va="center")
for place, number in enumerate(everywhere):
    axis.add_patch(Rectangle((place + 0.5, 2.2), 1, 1, facecolor="none", edgecolor="black"))
    axis.text(place + 1, 2.7, number, ha="center", va="center")
    for below in (place + 0.5, place + 1.5):
        axis.plot([below, place + 1], [1.03, 2.17], color="grey", linewidth=0.6)
for start, tint, lift in ((0, plots.TINTS[0], 0), (3, plots.TINTS[1], 0.16)):
    y = -0.25 - 2 * lift
    axis.plot([start + 0.1, start + 3.9], [y, y], color=tint, linewidth=4, solid_capstyle="butt")
    for place in (start, start + 2):
        axis.add_patch(Rectangle((place + 0.56, 2.26), 0.88, 0.88, facecolor=(*tint, 0.5), edgecolor=tint, linewidth=2))
    heights = (3.5 + 2.5 * lift, 3.3 + 2.5 * lift)
    axis.plot(np.array([1, 1, 3, 3]) + start, [heights[1], heights[0], heights[0], heights[1]], color=tint, linewidth=2)
    pooled = f"{everywhere[start]}, {everywhere[start + 2]}"
    axis.text(start + 2, heights[0] + 0.05, f"patch from {start}: {pooled}", ha="center", va="bottom")
axis.text(-0.2, 0.5, "signal", ha="right", va="center")
axis.text(-0.2, 2.7, "maxima of\nneighbours", ha="right", va="center")
axis.text(-0.2, -0.4, "patches", ha="right", va="center")
axis.set(xlim=(-1.8, 8.1), ylim=(-0.9, 4.5), aspect="equal")
axis.set_axis_off()
figure

# %% [markdown]
# The row of maxima is computed **once**. The blue patch starts at an even pixel, the orange one at an odd pixel. Each
# takes the maximum that begins at its own first pixel, and from there every second one. Both find what they would have
# pooled themselves, and none of them was cut out.
#
# After such a pooling, the neighbours in the map of features (*feature map*) of a patch lie 2 pixels apart. So the next
# convolution spreads its kernel: it reads every second pixel. That is called **dilation**. The dense layer at the end
# is no exception: it multiplies all numbers of a map of 2 x 2, so it *is* a convolution with a 2 x 2 kernel.
# `DenseWindow2D` replaces each layer of the classifier in this way, and leaves out pixels that no patch asks for. It
# takes the same classifier with the same weights, and it must give the same logits.

# %%
dense = DenseWindow2D(classifier, WINDOW, STRIDE)
by_dense = np.array(dense(crop[None]))[0]

print("largest difference:", abs(by_dense - by_layer).max())
assert np.allclose(by_dense, by_layer, atol=1e-4)

# %% Seconds against the stride on log axes: as it falls, the sliding window climbs steeply, the dense one far less
dense_layers = [DenseWindow2D(classifier, WINDOW, stride) for stride in strides]
dense_seconds = [seconds(layer, crop) for layer in dense_layers]
for stride, slow, fast in zip(strides, sliding_seconds, dense_seconds, strict=True):
    print(f"stride {stride:>2}: {slow:.3f} s and {fast:.3f} s, a ratio of {slow / fast:.1f}")
for cutting, sharing in zip(sliding_layers, dense_layers, strict=True):
    assert np.allclose(cutting(crop[None]), sharing(crop[None]), atol=1e-4)
assert np.subtract(sliding_seconds, dense_seconds).argmax() == strides.index(1)

figure = Figure(figsize=(6, 3.2), layout="constrained")
axis = figure.subplots()
axis.set_facecolor("none")
axis.loglog(strides, sliding_seconds, "o-", color=plots.TINTS[0], label="SlidingWindow2D")
axis.loglog(strides, dense_seconds, "s-", color=plots.TINTS[2], label="DenseWindow2D")
axis.set_xticks(strides, strides)
axis.minorticks_off()
axis.invert_xaxis()
axis.set(xlabel="stride in pixels", ylabel="seconds for 64 x 64 pixels")
axis.legend(frameon=False)
figure

# %% [markdown]
# The logits are the same at each stride. The time is not: at stride 1, where the patches overlap most, the difference
# is largest. (At stride 16 there is little to share, and cutting may even be faster.) The waste is not in the idea
# "classify a pixel by what is around it". It is in the cutting. (Dilation came back later, for networks that do not
# want to shrink so far: see [what came after](13_after.md).)
#
# ## The stage `sliding_window`
#
# The trained stage does this for a whole photo of 128 x 128 pixels. It decides once for each block, and copies the
# decision to all pixels of the block.

# %% A photo of the test split with its truth, and Chelsea, beside what the trained sliding window says
dataset = data.default_dataset()
test_photo, test_mask = next(data.examples(dataset, "test").as_numpy_iterator())
answers = [zoo.predict(model, image) for image in (test_photo, chelsea())]
plots.draw_stages([test_photo, chelsea()], {"sliding_window": answers}, truths=[test_mask, None])

# %% [markdown]
# From afar it is patchy. From near one sees the blocks:

# %% Chelsea's ear enlarged, and its classes, which form squares of 4 x 4 pixels
logits = model.predict_on_batch(photo[None])[0]  # (128, 128, 3)
blocks = logits.reshape(32, STRIDE, 32, STRIDE, 3)
assert (blocks == blocks[:, :1, :, :1]).all()

ear = (slice(0, 48), slice(80, 128))
classes = logits.argmax(axis=-1)
plots.draw_images({"photo": photo[ear], "one decision for 4 x 4 pixels": classes[ear]})

# %% [markdown]
# !!! question "Try it"
#     Somebody wants to save time and sets the stride to 32, as large as the window. How often is each pixel looked at
#     now? What do you lose?

# %% tags=["solution"]
assert (count_looks(128, window=32, stride=32) == 1).all()

coarse = np.array(SlidingWindow2D(classifier, window=32, stride=32)(photo[None]))[0]
print("decisions for the whole photo:")
print(coarse.argmax(axis=-1))
assert coarse.shape[:2] == (4, 4)

# %% [markdown]
# Nothing is computed twice then. But each decision has to serve 32 x 32 pixels, and the pixels near the edge of a patch
# have no context on one side.
#
# ## A window sees a part of the pet
#
# The dense evaluation mends the waste. It does not mend the second fault: the network sees 32 x 32 pixels and nothing
# else. Here are six patches, each from another photo. In the middle of each is the pixel that is asked for.
#
# !!! question "Try it"
#     Pet, background or border? Decide for all six before you open the solution.

# %% Six small patches of six photos, without anything around them
images, masks = next(data.load(dataset, "test", 128, 100).as_numpy_iterator())
places = np.random.default_rng(3).integers(WINDOW // 2, 128 - WINDOW // 2, (6, 2))
riddles = {}
for number, (top, left) in enumerate(places - WINDOW // 2):
    riddles[f"patch {number + 1}"] = images[number, top : top + WINDOW, left : left + WINDOW]
plots.draw_images(riddles, columns=3)

# %% The six photos with the window in each, and the true class of its middle and the network's answer tags=["solution"]
figure = Figure(figsize=(6.6, 5), layout="constrained")
for number, axis in enumerate(figure.subplots(2, 3).flat):
    row, column = places[number]
    corner = (column - WINDOW // 2, row - WINDOW // 2)
    truth = data.CLASSES[masks[number, row, column]]
    answer = data.CLASSES[model.predict_on_batch(images[number : number + 1])[0, row, column].argmax()]
    axis.imshow(images[number])
    axis.add_patch(Rectangle(corner, WINDOW, WINDOW, fill=False, edgecolor="white", linewidth=2))
    axis.set_title(f"{number + 1}: {truth}\nthe network: {answer}", fontsize=10)
    axis.set_axis_off()
figure

# %% [markdown]
# With the whole photo the question is easy. A patch of fur may be a pet, a rug or a sofa. How many pets of the first
# 100 test photos, with their border, fit into a window? (A photo whose mask shows no pet does not count.)


# %%
def longer_side(pet):
    rows, columns = np.nonzero(pet)
    return max(np.ptp(rows), np.ptp(columns)) + 1


pets = [mask != data.BACKGROUND for mask in masks]
sides = [longer_side(pet) for pet in pets if pet.any()]
fits = sum(side <= WINDOW for side in sides)
print(f"{fits} of {len(sides)} pets fit into a window of {WINDOW} x {WINDOW} pixels")

# %% [markdown]
# !!! abstract "What this step mends, what it leaves broken"
#     A classifier of patches now gives each block of pixels a class. It leaves two faults. Shared features are computed
#     again and again, as long as patches are cut. And a window sees only a part of the pet. `DenseWindow2D` showed the
#     way out of the first: never cut, and run the convolutions over the whole image. The next step builds a network
#     that is made for this, at stride 1: the [fully convolutional network](03_fully_convolutional.md).
#
# ## References
#
# - Ciresan, Giusti, Gambardella and Schmidhuber: *Deep neural networks segment neuronal membranes in electron
#   microscopy images*. NIPS 2012. Classifies each pixel by the window around it.
# - Giusti, Ciresan, Masci, Gambardella and Schmidhuber: *Fast image scanning with deep max-pooling convolutional neural
#   networks*. 2013. [arXiv:1302.1700](https://arxiv.org/abs/1302.1700). The same result without cutting patches.
# - Li, Zhao and Wang: *Highly efficient forward and backward propagation of convolutional neural networks for pixelwise
#   classification*. 2014. [arXiv:1412.4526](https://arxiv.org/abs/1412.4526). The same by dilation, as here.
