# %% [markdown]
# # Signals: what shrinking and growing do to waves
#
# Move the photo by one pixel. **Should the answer change?** The cat is still the same cat. So each of its pixels should
# keep its class. (An answer that moves with the photo is called *shift equivariant*.) Here is what the trained stage
# `max_unpooling` says of Chelsea, and of the same Chelsea one pixel to the left.

# %% Chelsea, an answer, the answer one pixel further, and the pixels whose class has changed tags=["picture"]
import keras
import numpy as np
from matplotlib.figure import Figure
from scipy import ndimage, stats
from skimage.data import chelsea

import zoo
from zoo import data, plots
from zoo.layers import BedOfNails2D, NearestUnpooling2D

SIDE, FURTHEST = 128, 16  # of a cut, and of its shift, in pixels


def cut(photos, down=0, right=0):
    """128 x 128 pixels of photos of 144 x 144."""
    return photos[:, down : down + SIDE, right : right + SIDE]


def in_the_middle(answers, down=0, right=0):
    """What was answered of those 80 x 80 pixels that lie 16 or more from the edge of every cut."""
    return answers[:, 32 - down : 112 - down, 32 - right : 112 - right]


def say(model, photos, down=0, right=0):
    return in_the_middle(model.predict_on_batch(cut(photos, down, right)).argmax(-1), down, right)


photo = np.array(keras.ops.image.resize(chelsea(), (SIDE + FURTHEST,) * 2, antialias=True))[None] / 255
model = zoo.load("max_unpooling")
before = model.predict_on_batch(cut(photo)).argmax(-1)[0, 8:-8, 8:-8]
after = model.predict_on_batch(cut(photo, right=1)).argmax(-1)[0, 8:-8, 7:-9]
changed = before != after
outline = ndimage.maximum_filter(before, 5) != ndimage.minimum_filter(before, 5)
print(f"{changed.mean():.1%} of the pixels change their class.")
print(f"{outline[changed].mean():.0%} of these lie within two pixels of an outline in the answer.")
plots.draw_images({"photo": photo[0, 8:120, 8:120], "answer": before, "moved": after, "changed": changed * 1.0})

# %% [markdown]
# Nothing in the cat has changed, but some of her classes have. Why? A row of pixels is a *signal*. To shrink it is to
# *sample* it, to grow it is to *interpolate* it, and both have been studied for a hundred years. This page tells the
# part that a segmentation network needs. At its end we move photos under all nine models.
#
# ## On the way down: aliasing
#
# A wave has a **frequency**: how many of its periods fit into one pixel. The fastest wave that pixels can hold is
# light, dark, light, dark: its period is 2 pixels and its frequency is 1/2. Now keep every second pixel. The fastest
# wave that the *small* map can hold has half that frequency, 1/4 of a period for each old pixel. What becomes of a
# faster one?

# %% A fast wave, every second pixel of it, and the slow wave that goes through the same points tags=["picture"]
pixels, fine = np.arange(17), np.linspace(0, 16, 400)
kept = pixels[::2]


def wave(frequency, places):
    return np.cos(2 * np.pi * frequency * places)


assert np.allclose(wave(3 / 8, kept), wave(1 / 8, kept))
assert not np.allclose(wave(3 / 8, pixels), wave(1 / 8, pixels))
figure = Figure(figsize=(7, 2.2), layout="constrained")
axis = figure.subplots()
axis.plot(fine, wave(3 / 8, fine), color=plots.COLOURS[1] / 255, label="frequency 3/8")
axis.plot(fine, wave(1 / 8, fine), "--", color=plots.COLOURS[0] / 255, label="frequency 1/8")
axis.plot(kept, wave(3 / 8, kept), "o", color="black", label="every second pixel")
axis.set(xlabel="pixel", xticks=kept, yticks=[-1, 0, 1])
axis.patch.set_visible(False)
figure.legend(loc="outside upper center", ncols=3, frameon=False)
figure

# %% [markdown]
# The kept pixels of the fast wave are those of a slow wave that was never there. This is **aliasing**. No later layer
# can mend it, since the two waves have become the same numbers.
#
# In an image, the false waves are seen. These rings become finer towards the edge. Four ways to halve them:

# %% Rings, and four ways to halve them: false rings where pixels are left out, weak where mixed tags=["picture"]
rows, columns = np.mgrid[:SIDE, :SIDE] - SIDE // 2
rings = np.cos(np.pi * (rows**2 + columns**2) / SIDE)  # at a distance r from the middle, the frequency is r / 128
windows = rings.reshape(SIDE // 2, 2, SIDE // 2, 2)
blur = np.array([1, 2, 1]) / 4
blurred = ndimage.convolve1d(ndimage.convolve1d(rings, blur, axis=0), blur, axis=1)
halved = {
    "every second pixel": rings[::2, ::2],
    "max pooling": windows.max(axis=(1, 3)),
    "average pooling": windows.mean(axis=(1, 3)),
    "blur, then every second": blurred[::2, ::2],
}
fast = np.hypot(rows, columns)[::2, ::2] > 3 / 8 * SIDE  # of the rings, too fast for the small map by far
print("How much the small map changes where the rings are finest (standard deviation):")
for name, small in halved.items():
    print(f"{name:24} {small[fast].std():.2f}")
figure = plots.draw_images({"rings": rings, **halved}, columns=3)
figure.set_size_inches(6.6, 4.7)
figure

# %% [markdown]
# Leaving out pixels keeps the false rings at full strength. To mix neighbours *first* is the remedy: a blur weakens the
# fast waves before they can turn into slow ones. Average pooling is a weak blur. Zhang (2019) puts a blur before every
# step down of a classifier.
#
# Our stages do not blur. A strided convolution learns nine weights, and nothing tells it to be a blur. Max pooling
# takes the brightest pixel, and which one that is depends on where the windows lie:

# %% A signal and its maxima, and the same signal moved by one pixel: its maxima are all ones tags=["picture"]
signal = np.array([[0, 0, 1, 1, 0, 0, 1, 1]])
moved = np.roll(signal, -1)


def pool(signal):
    return signal.reshape(1, -1, 2).max(axis=2)


assert pool(signal).tolist() == [[0, 1, 0, 1]]
assert pool(moved).tolist() == [[1, 1, 1, 1]]
figure = plots.draw_grids({"signal": signal, "maxima": pool(signal), "moved by one": moved, "its maxima": pool(moved)})
figure.set_size_inches(8, 1.2)
figure

# %% [markdown]
# The small map has not moved with the signal: it has become another one. After a move by two pixels, the windows hold
# the same numbers as before. With four poolings in a row, that takes a move by 16 pixels.
#
# !!! question "Try it"
#     On paper: the fastest wave, 1, -1, 1, -1, ... Keep every second number, once from the first on, and once from the
#     second on. What is left? What do average pooling and max pooling make of it? Which frequency has it now?

# %% tags=["solution"]
fastest = np.array([1, -1] * 4)
print("every second:   ", fastest[::2], "or", fastest[1::2])
print("average pooling:", fastest.reshape(-1, 2).mean(axis=1), " max pooling:", fastest.reshape(-1, 2).max(axis=1))
# All are constant: the fastest wave has become frequency 0, a brightness that depends on where the sampling begins.
assert all(np.ptp(fastest[start::2]) == 0 for start in (0, 1))

# %% [markdown]
# ## On the way up: copies
#
# A [bed of nails](05_nearest_and_nails.md) puts a zero behind each value. Think of a smooth signal on the large map
# that has our values at every second pixel. The result is that signal times 1, 0, 1, 0, ... And that is half of (1 +
# the fastest wave). So the result holds half of the smooth signal, and half of it *times the fastest wave*: each
# frequency \(f\), now counted on the large map, comes once more, as \(1/2 - f\). This is a **spectral copy**. The
# discrete Fourier transform shows how strong each frequency is:

# %% A smooth signal grown in three ways, and its frequencies: the copy is whole, weaker, and weakest tags=["picture"]
length = 32
rng = np.random.default_rng(1)
spectrum = np.zeros(length // 2 + 1, complex)
spectrum[:9] = 3 * (rng.normal(size=9) + 1j * rng.normal(size=9))  # no fast waves
spectrum[0] = length / 2
smooth = np.fft.irfft(spectrum, length)

nails = np.zeros(2 * length)
nails[::2] = smooth
filters = {"bed of nails": [0, 1, 0], "box: nearest neighbour": [0, 1, 1], "tent: linear": [0.5, 1, 0.5]}
grown = {name: ndimage.convolve1d(nails, weights, mode="wrap") for name, weights in filters.items()}
strengths = {name: np.abs(np.fft.rfft(each)) for name, each in grown.items()}

figure = Figure(figsize=(7, 3.6), layout="constrained")
upper, lower = figure.subplots(2, 3, sharey="row")
for top, bottom, (name, each) in zip(upper, lower, grown.items(), strict=True):
    top.plot(each[:40], ".-", color="black", linewidth=0.8, markersize=4)
    top.set_title(name, fontsize=10)
    bottom.vlines(np.arange(length + 1) / (2 * length), 0, strengths[name], color=plots.COLOURS[1] / 255)
    bottom.axvspan(0.25, 0.5, color=plots.COLOURS[0] / 255, alpha=0.2)
    bottom.set(xlabel="frequency", xticks=[0, 0.25, 0.5])
for axis in figure.axes:
    axis.patch.set_visible(False)
upper[0].set_ylabel("signal")
lower[0].set_ylabel("strength")
figure

# %%
assert np.allclose(np.fft.fft(nails), np.tile(np.fft.fft(smooth), 2))  # the spectrum comes twice
assert np.allclose(grown["box: nearest neighbour"], smooth.repeat(2))
assert np.allclose(grown["tent: linear"][1::2], (smooth + np.roll(smooth, -1)) / 2)
print("share of the energy in the copy, and of the mean that turns into a wave of period 2:")
for name, strength in strengths.items():
    energy = strength[1:-1] ** 2
    print(f"{name:24} {energy[length // 2 :].sum() / energy.sum():5.1%}   {strength[-1] / strength[0]:5.1%}")

# %% [markdown]
# Half of the waves after a bed of nails are copies (orange ground). The mean of the signal, at frequency 0, has its
# copy at frequency 1/2: a wave of period 2. That is the grid, or
# [checkerboard](07_transposed_convolution.md#the-checkerboard), seen as a signal.
#
# To grow well, then, is to fill in zeros *and filter*: keep the waves below 1/4, remove those above. Such a filter is
# an **interpolation filter**. Nearest neighbour is a bed of nails with a *box* as its filter; linear interpolation has
# a *tent*. Both remove the copy of the mean, and the tent weakens the others more.
#
# ## The filters that were learned
#
# In our stages a learned 3 x 3 convolution stands behind the unpooling, and the two are [one transposed
# convolution](05_nearest_and_nails.md#the-next-layer-repairs-it-and-has-learned-how): zeros, then a filter of up
# to 4 x 4. Which waves do the learned filters let through? We take the last step up of four stages, and average the
# squared strength over all pairs of channels.


# %% How strongly each filter lets waves through: tent and nearest to zero at the right, others not tags=["picture"]
def filter_of(model):
    """The last step up as one filter on a bed of nails: (4, 4, in, out)."""
    kinds = (keras.layers.Conv2DTranspose, NearestUnpooling2D, BedOfNails2D)
    *_, at = [number for number, layer in enumerate(model.layers) if isinstance(layer, kinds)]
    grow, convolution = model.layers[at : at + 2]
    second = convolution.get_weights()[0][::-1, ::-1]  # (3, 3, between, out)
    stamp = np.ones((2, 2)) if isinstance(grow, NearestUnpooling2D) else np.array([[1, 0], [0, 0]])
    first = stamp[:, :, None, None] * np.eye(second.shape[2])  # (2, 2, between, in)
    if isinstance(grow, keras.layers.Conv2DTranspose):
        first = grow.get_weights()[0]
    merged = np.zeros((4, 4, first.shape[3], second.shape[3]))
    for row, column in np.ndindex(2, 2):
        merged[row : row + 3, column : column + 3] += np.einsum("hwmo,mi->hwio", second, first[row, column])
    return merged


def passed(kernel, size=64):
    """How much of the energy of each wave a filter lets through, in the mean over channels: (size, size)."""
    return (np.abs(np.fft.fft2(kernel, (size, size), axes=(0, 1))) ** 2).mean(axis=(2, 3))


stages = ("nearest_unpooling", "bed_of_nails", "transposed_convolution", "strided_convolution")
models = {stage: zoo.load(stage) for stage in stages}
energies = {stage: passed(filter_of(each)) for stage, each in models.items()}
energies["tent"] = passed(np.outer([1, 2, 1], [1, 2, 1])[:, :, None, None])
figure = Figure(figsize=(7, 3), layout="constrained")
axis = figure.subplots()
for (name, energy), style in zip(energies.items(), ("-", "--", "-.", ":", "-"), strict=True):
    line = (energy[0] + energy[:, 0])[:33] / (2 * energy[0, 0])  # across and down
    axis.plot(np.arange(33) / 64, line, style, label=name, color="silver" if name == "tent" else "black")
axis.set(xlabel="frequency, across or down", ylabel="energy let through", ylim=(0, None))
axis.legend(frameon=False)
axis.patch.set_visible(False)
figure

# %%
print("energy at the three copies of the mean (period 2 across, down, both), compared with the mean:")
for name, energy in energies.items():
    print(f"{name:24}", *(f"{energy[place] / energy[0, 0]:6.1%}" for place in ((0, 32), (32, 0), (32, 32))))
assert all(
    energies["nearest_unpooling"][place] < 1e-9 * energies["nearest_unpooling"][0, 0] for place in ((0, 32), (32, 0))
)

# %% [markdown]
# Copying is a box, whatever convolution follows: nothing of period 2 comes out of it. The other filters have learned
# something else than interpolation. A kernel that looks for edges wants fast waves, and so it lets copies through, most
# in `bed_of_nails`. The layers behind still hold that grid, or cancel it. They do not cancel all of it: much is left in
# the logits, but where the softmax does not see it. This is measured [on the page about transposed
# convolution](07_transposed_convolution.md#the-checkerboard).
#
# ## One pixel, nine models
#
# Now the test of the beginning, for all stages: twelve photos, moved by one pixel to the left, and by one up. We count
# the pixels whose class changes, away from the edge.

# %% tags=["numbers"]
dataset = data.default_dataset()
photos, _ = next(data.load(dataset, "test", SIDE + FURTHEST, 12).as_numpy_iterator())
models |= {stage: zoo.load(stage) for stage in zoo.STAGES if stage not in models}
further = (2, 4, 7, 8, 15, 16)


def changes(stage):
    """For each shift, the share of the pixels of each photo whose class changes: (shifts, photos)."""
    shifts = [(0, 1), (1, 0)] + [(0, right) for right in further if stage in zoo.STAGES[2:]]
    unmoved = say(models[stage], photos)
    return np.array([(say(models[stage], photos, *shift) != unmoved).mean(axis=(1, 2)) for shift in shifts])


found = {stage: changes(stage) for stage in zoo.STAGES}
print("share of the pixels that change    left      up     over the photos: least    middle   most")
for stage, (left, up, *_) in found.items():
    least, middle, most = np.quantile((left + up) / 2, (0, 0.5, 1))
    print(f"{stage:31}{left.mean():8.1%}{up.mean():8.1%}{least:28.1%}{middle:9.1%}{most:8.1%}")
assert found["fully_convolutional"].max() == 0
by_one = {stage: np.mean(shares[:2]) for stage, shares in found.items()}
assert dataset != "oxford_iiit_pet" or max(by_one[stage] for stage in zoo.STAGES[2:]) < by_one["sliding_window"]

# %% [markdown]
# `fully_convolutional` never shrinks, so that it has no windows that could lie elsewhere: not one pixel changes.
# `sliding_window` is the other extreme: it decides once for each block of 4 x 4 pixels, and the blocks do not move with
# the photo. Between them lie the seven that shrink and grow. (On drawn pets, where there are no photos on the machine,
# the numbers are others, and so may be what is said of them here and below.)
#
# Which of their differences are more than the luck of twelve photos? One photo has many outlines, another one few. So
# compare two stages on the *same* photo. If both were alike, each would be ahead on about half of the photos. That one
# of them is ahead on ten or more of twelve, or on two or fewer, comes by chance in one of 26 tries (the *sign test*).
# So on ten or more, the first of the two changes more; on two or fewer, the second one does. What lies between gets no
# verdict.

# %%
pairs = [
    ("max_unpooling", "nearest_unpooling"),
    ("index_unpooling", "nearest_unpooling"),
    ("transposed_convolution", "nearest_unpooling"),
    ("bed_of_nails", "nearest_unpooling"),
    ("strided_convolution", "transposed_convolution"),
    ("max_unpooling", "unet"),
    ("nearest_unpooling", "unet"),
]
assert round(1 / stats.binomtest(10, 12).pvalue) == 26


def verdict(more, less):
    """On how many photos the first is larger, and whether that is more than luck."""
    count = int((more > less).sum())
    return f"{count:2} of {len(photos)} photos{'' if min(count, len(photos) - count) <= 2 else ', no verdict'}"


for more, less in pairs:
    print(f"{more:22} changes more than {less:22} on {verdict(sum(found[more][:2]), sum(found[less][:2]))}")

# %% [markdown]
# What moves the answers? Move the photo further, and watch.

# %% The share of changed pixels over the shift to the left tags=["picture"]
shifts = (1, *further)
curves = {stage: found[stage][[0, *range(2, 2 + len(further))]] for stage in zoo.STAGES[2:]}
groups = {
    "remembers nothing": ("nearest_unpooling", "bed_of_nails", "transposed_convolution", "strided_convolution"),
    "remembers places, or features": ("max_unpooling", "index_unpooling", "unet"),
}
highest = max(curve.mean(axis=1).max() for curve in curves.values())
figure = Figure(figsize=(7, 3.2), layout="constrained")
for axis, (title, members) in zip(figure.subplots(1, 2, sharey=True), groups.items(), strict=True):
    for stage, style in zip(members, ("o-", "s--", "^-.", "d:"), strict=False):
        axis.plot(100 * curves[stage].mean(axis=1), style, color="black", markersize=4, label=stage)
    axis.set_xticks(range(len(shifts)), shifts)
    axis.set(xlabel="shift in pixels", title=title, ylim=(0, 150 * highest))
    axis.title.set_fontsize(10)
    axis.legend(frameon=False, fontsize=8, loc="upper right")
    axis.patch.set_visible(False)
figure.axes[0].set_ylabel("changed pixels in %")
figure

# %%
few = []
for stage, curve in curves.items():
    of = dict(zip(shifts, curve, strict=True))
    fine, coarse = verdict(of[7], of[8]), verdict(of[8], of[16])
    print(f"{stage:23} more by 7 pixels than by 8: {fine:26} by 8 than by 16: {coarse}")
    few += [((of[7] > of[8]).sum() < 10, (of[8] > of[16]).sum() < 10)]
assert dataset != "oxford_iiit_pet" or np.sum(few, axis=0).max() <= 1

# %% [markdown]
# **By 16 pixels**, the windows of all four poolings hold the same pixels as before. What changes then comes from the
# edge alone: new things have come into view, and the zeros of the padding lie elsewhere. The windows play no part here.
#
# **By 8 pixels**, the windows of the first three poolings are as before, and those of the fourth lie half a window off.
# Nearly all stages feel that on almost all photos, the U-Net too: what they know of the whole has passed through the
# coarsest windows.
#
# **By 7 pixels**, no pooling has its old windows. Nearly all stages feel the difference to 8, those that remember
# nothing, too. Offsets were made with the *fine* windows: in `max_unpooling`, other windows mean other maxima, at other
# places. So were the features that the U-Net hands across, but for those of full resolution, which have passed no
# pooling. So a stage with a memory should feel it more. Does it?

# %%
falls = {stage: curve[shifts.index(7)] - curve[shifts.index(8)] for stage, curve in curves.items()}
for stage in groups["remembers places, or features"]:
    print(f"{stage:16} falls more than nearest_unpooling on {verdict(falls[stage], falls['nearest_unpooling'])}")

# %% [markdown]
# Where there is no verdict, that reason stays a guess.
#
# Three warnings. A changed pixel is not a wrong one: we did not ask which of the two answers is right. Among twenty
# verdicts of this kind, chance alone makes about one. And each stage was trained once.
#
# What helps? To blur before each step down (Zhang, 2019). To train on moved photos, which the zoo does, though that
# helps only for photos like those of the training (Azulay and Weiss, 2018). Or to ask several moved copies of a photo,
# and to take the mean of the answers, at several times the cost.
#
# !!! abstract "What this page adds"
#     Shrinking without a blur turns fast waves into slow ones, and it matters where the windows lie. Growing by zeros
#     makes copies, of which the checkerboard is one. A filter removes them, and the learned ones do so only in part.
#     How networks after the nine stages shrink and grow: [what came after](13_after.md).
#
# ## References
#
# - Claude E. Shannon: *Communication in the presence of noise*, 1949. Sampling, and what it can keep.
# - Richard Zhang: *Making Convolutional Networks Shift-Invariant Again*, 2019.
#   [arXiv:1904.11486](https://arxiv.org/abs/1904.11486). The example of max pooling above is from there.
# - Aharon Azulay, Yair Weiss: *Why do deep convolutional networks generalize so poorly to small image
#   transformations?*, 2018. [arXiv:1805.12177](https://arxiv.org/abs/1805.12177)
