# %% [markdown]
# # Growing back: nearest neighbour and bed of nails
#
# [Pooling](04_downwards.md) has made the *feature map* small: this is *downsampling*. The answer must be as large as
# the photo. To make a map large again is *upsampling*; to do it window by window, *unpooling*. **Which pixels does each
# value go to?**
#
# As the small map we take the true mask of the whole pet, halved three times by max pooling. One of its pixels stands
# for 8 x 8 of the photo, which is called an *output stride* of 8. Two simple ways bring it back to full size. Nearest
# neighbour copies each value over its window; bed of nails sets it into one pixel of the window.

# %% The true pet of a photo, pooled to 16 x 16, then grown in blocks, and grown to single dots tags=["picture"]
import inspect

import keras
import numpy as np
from matplotlib.figure import Figure
from skimage.data import chelsea

import zoo
from zoo import data, plots, saved
from zoo.evaluation import iou
from zoo.layers import BedOfNails2D, MaxPoolingWithOffsets2D, NearestUnpooling2D


def run(layer, grid, times=1):
    """What a layer makes of a grid of numbers; layers want a batch and channels around it: (b, h, w, c)."""
    for _ in range(times):
        grid = np.array(layer(grid[None, :, :, None]))[0, :, :, 0]
    return grid


dataset = data.default_dataset()
images, masks = next(data.load(dataset, "test", 128, 1).as_numpy_iterator())
pet = (masks[0] != data.BACKGROUND).astype("float32")
pooled = run(keras.layers.MaxPooling2D(2), pet, times=3)
grown = {"nearest neighbour": run(NearestUnpooling2D(2), pooled, 3), "bed of nails": run(BedOfNails2D(2), pooled, 3)}
for name, each in grown.items():
    print(f"{name:17}: IoU with the true pet {iou(pet == 1, each == 1):.2f}")
assert np.count_nonzero(grown["bed of nails"]) <= pet.size / 64
plots.draw_images({"photo": images[0], "true pet": pet, "pooled three times": pooled, **grown}, columns=3)

# %% [markdown]
# No network has erred, and both answers are wrong. One has steps as wide as eight pixels. The other has almost only
# holes: one pixel of 64 can be pet. That comes from growing. (That the pet of the first is too large comes from the
# pooling: one pixel of pet in 64 is enough for a maximum.)
#
# ## Four pixels for one number
#
# Now slowly. A map of 2 x 2 numbers becomes 4 x 4. Each number gets a window of four pixels.

# %% Four numbers, copied over their windows in the middle and set into their corners on the right tags=["picture"]
small = np.array([[1, 2], [3, 4]], "float32")
copied = run(NearestUnpooling2D(2), small)
nails = run(BedOfNails2D(2), small)
plots.draw_grids({"small": small, "nearest neighbour": copied, "bed of nails": nails}, windows=(2, 2))

# %% [markdown]
# **Nearest neighbour** copies the number into all four pixels. **Bed of nails** puts it into the upper-left pixel and
# leaves zeros. Its name: the values stand alone, like nails, and all around is empty. The first is one line: each pixel
# asks in which window it lies.
#
# \[ y(i, j) = x(\lfloor i / 2 \rfloor, \lfloor j / 2 \rfloor) \]
#
# Here \(x\) is the small map, \(y\) the large one, and rows and columns count from 0. The brackets round down: the
# pixel in row 3 and column 2 takes \(x(1, 1)\).


# %%
def nearest_by_hand(values, pool=2):
    height, width = values.shape
    large = np.zeros((height * pool, width * pool), values.dtype)
    for row, column in np.ndindex(*large.shape):
        large[row, column] = values[row // pool, column // pool]
    return large


assert (nearest_by_hand(small) == copied).all()
print(copied)

# %% [markdown]
# !!! question "Try it"
#     Write `nails_by_hand`. Which pixels of the large map does it touch? A map of 8 x 8 ones grows to 128 x 128 by four
#     beds of nails in a row: how many pixels are not zero?


# %% tags=["solution"]
def nails_by_hand(values, pool=2):
    height, width = values.shape
    large = np.zeros((height * pool, width * pool), values.dtype)
    for row, column in np.ndindex(height, width):  # one pixel of each window
        large[row * pool, column * pool] = values[row, column]
    return large


assert (nails_by_hand(small) == nails).all()
large = np.ones((8, 8), "float32")
for _ in range(4):
    large = nails_by_hand(large)
print(f"{(large > 0).sum()} of {large.size:,} pixels")

# %% [markdown]
# The zoo has a layer for each. Keras has the first one, too, under the name `UpSampling2D`.

# %% tags=["check"]
noise = np.random.default_rng(0).normal(size=(6, 10)).astype("float32")
for pool in (2, 3):
    assert (run(NearestUnpooling2D(pool), noise) == nearest_by_hand(noise, pool)).all()
    large = run(BedOfNails2D(pool), noise)
    assert (large[::pool, ::pool] == noise).all()
    assert (large != 0).sum() == noise.size
    assert (run(keras.layers.UpSampling2D(pool), noise) == nearest_by_hand(noise, pool)).all()

# %% [markdown]
# ## What each of them invents
#
# One pixel is bright, and it stands in the lower right of its window. We pool, and unpool both ways.

# %% A bright pixel in the lower right of its window: copied over the window, and moved to the upper-left corner
image = np.zeros((4, 4), "float32")
image[1, 1] = 9
pooled = run(keras.layers.MaxPooling2D(2), image)
by_nearest, by_nails = run(NearestUnpooling2D(2), pooled), run(BedOfNails2D(2), pooled)
plots.draw_grids({"image": image, "nearest neighbour": by_nearest, "bed of nails": by_nails}, windows=(2, 2))

# %% [markdown]
# **Nearest neighbour invents values.** It puts the 9 into three pixels where it never was: a point becomes a block.
# **Bed of nails invents places.** The 9 stands in the corner, wherever it came from. It is right if the maximum stood
# in the upper left. How often is that so in a photo? `MaxPoolingWithOffsets2D` tells for each window at which place its
# maximum stood.

# %%
grey = chelsea().mean(axis=-1, dtype="float32")[:, :450]
_, offsets = MaxPoolingWithOffsets2D(2)(grey[None, :, :, None])
shares = np.bincount(np.array(offsets).ravel(), minlength=4) / np.array(offsets).size
for name, share in zip(["upper left", "upper right", "lower left", "lower right"], shares, strict=True):
    print(f"{name:11} {share:.0%}")
print(f"Bed of nails puts {1 - shares[0]:.0%} of the maxima into the wrong pixel.")

# %% [markdown]
# ## The next layer repairs it, and has learned how
#
# None of our seven encoder-decoders ends with an unpooling: two 3 x 3 convolutions follow it at every level. (Of all
# stages, only the sliding window ends with one, and its answer keeps the blocks.) What does a kernel see when it lies
# on a bed of nails? Lay a kernel of ones on nails of ones, and the sums count the *live* numbers under it: those on a
# nail, not in a hole. (A nail counts even if its number is 0.)

# %% The kernel sees 1, 2, 2 or 4 live numbers: the four places of a window differ
ones = keras.layers.Conv2D(1, 3, padding="same", use_bias=False, kernel_initializer="ones")
nails_of_ones = run(BedOfNails2D(2), np.ones((3, 3), "float32"))
live = run(ones, nails_of_ones)
assert [live[row, column] for row, column in ((2, 2), (2, 3), (3, 2), (3, 3))] == [1, 2, 2, 4]
plots.draw_grids({"nails of ones": nails_of_ones, "live numbers under a 3 x 3 kernel": live}, windows=(3, 3))

# %% [markdown]
# (In the last row and column there are fewer: behind them comes the padding.) No pixel is left without a live number.
# So the right kernel can fill all holes. Try two: *copy* makes nearest neighbour out of a bed of nails, *interpolate*
# makes every new number the mean of its neighbours (all numbers are four times as large there, so that they stay
# whole).
#
# <div class="growing-figure"></div>
#
# The last grid of the figure is the point of this page: **a value of the small map is multiplied by each weight of a
# kernel, and the products are added to pixels in and around its window, at the same places for every value.** Such a
# step has a name: a **transposed convolution**, whose kernel is *stamped* once for each value, two pixels apart. It
# gets [a page of its own](07_transposed_convolution.md). A bed of nails and the convolution behind it are together one
# such step, with a free 3 x 3 kernel. (The stamp is the kernel of the convolution, rotated by half a turn: what a
# kernel takes from its left, a stamp spreads to the right.) Copying and the convolution behind it are one such step,
# too: each of the four copies stamps the 3 x 3 kernel, one pixel apart, and the four stamps make a 4 x 4 kernel out of
# nine weights.
#
# Is that so in the trained networks? They have no activation between unpooling and convolution, so it should be. We
# take the last unpooling of each stage and the convolution behind it, and compute the same numbers in one step.


# %%
def stamp_of(kernel, places):
    """The kernel (4, 4, out, in) that does in one step what unpooling to these places and `kernel` do in two."""
    # A kernel looks to the left where a stamp reaches to the right.
    turned = kernel[::-1, ::-1].swapaxes(2, 3)  # (3, 3, out, in)
    return sum(np.pad(turned, ((row, 1 - row), (column, 1 - column), (0, 0), (0, 0))) for row, column in places)


corner, window = [(0, 0)], list(np.ndindex(2, 2))
models = {stage: zoo.load(stage) for stage in ("nearest_unpooling", "bed_of_nails")}
for (stage, model), places in zip(models.items(), (window, corner), strict=True):
    *_, at = [n for n, layer in enumerate(model.layers) if isinstance(layer, NearestUnpooling2D | BedOfNails2D)]
    unpooling, convolution = model.layers[at : at + 2]
    both = keras.Model(model.input, [unpooling.input, convolution.output])
    small_maps, two_steps = both.predict(images[:1], verbose=0)
    one_step = keras.layers.Conv2DTranspose(two_steps.shape[-1], 4, strides=2, padding="same", use_bias=False)
    one_step.build(small_maps.shape)
    one_step.set_weights([stamp_of(convolution.get_weights()[0], places)])
    difference = np.abs(one_step(small_maps) - two_steps).max() / np.abs(two_steps).max()
    print(f"{stage:17}  {small_maps.shape} to {two_steps.shape}, difference {difference:.0e}")
    assert difference < 1e-4

# %% [markdown]
# The same numbers. The lecture that we follow ([its name](index.md)) tells two ways to grow: in the first (方式一) the
# rule is written down, in the second (方式二) it is learned. Of the *layers* that is true: nearest neighbour and bed of
# nails have no weights. Of the *networks* it is not: the convolution behind them has learned how to grow. What these
# stages lack is not learning. Nobody hands them where in *this* photo each maximum stood: they would have to write it
# into their features.
#
# ## The stage `nearest_unpooling`
#
# It is the [skeleton of all encoder-decoders](04_downwards.md) with this function for the way up, which copies:

# %%
from zoo.models import bed_of_nails, nearest_unpooling

print(inspect.getsource(nearest_unpooling.unpool_by_copy))

# %% [markdown]
# ## The stage `bed_of_nails`
#
# It differs in one layer:

# %%
print(inspect.getsource(bed_of_nails.unpool_to_corner))
assert models["nearest_unpooling"].count_params() == models["bed_of_nails"].count_params()

# %% [markdown]
# Both take an argument `memory`, but here it is `None`: their pooling hands nothing across. The [next
# page](06_max_unpooling.md) is the first to use it. `narrow` is a 1 x 1 convolution that makes fewer channels: the next
# level, whose maps are larger, has fewer of them, and unpooling keeps their number. These two ways could do without it,
# since the convolution behind them can change the number, too. Max unpooling, on the next page, cannot: it needs
# exactly as many channels as were pooled.

# %% A photo from the test split, its truth, and what the two trained models say
test_photo, test_mask = next(data.examples(dataset, "test").as_numpy_iterator())
answers = {stage: [zoo.predict(model, test_photo)] for stage, model in models.items()}
plots.draw_stages([test_photo], answers, [test_mask])

# %% [markdown]
# No blocks and no holes are left in the answers. Do they leave a trace inside? Here is an ear of the cat Chelsea: the
# feature map with the strongest contrast after each step, and the probability of pet at the end.


# %% Chelsea's ear: blocks and dots after unpooling; the bed of nails leaves a grid in its features tags=["picture"]
def last_steps(model, photo):
    """What the model holds after its last unpooling, after each convolution that follows, and at its end."""
    unpooling = [layer for layer in model.layers if isinstance(layer, NearestUnpooling2D | BedOfNails2D)][-1]
    activations = [layer for layer in model.layers if isinstance(layer, keras.layers.ReLU)][-2:]
    outputs = [unpooling.output, *(layer.output for layer in activations), model.output]
    *maps, logits = keras.Model(model.input, outputs).predict(photo[None], verbose=0)
    return [*maps, np.array(keras.ops.softmax(logits))[..., :1]]


photo = np.array(keras.ops.image.resize(chelsea(), (128, 128), antialias=True)) / 255
held = {stage: last_steps(model, photo) for stage, model in models.items()}
figure = Figure(figsize=(7, 4), layout="constrained")
axes = figure.subplots(2, 4)
for line, (stage, maps) in zip(axes, held.items(), strict=True):
    for axis, step, each in zip(line, ["unpooled", "1 convolution", "2 convolutions", "pet"], maps, strict=True):
        ear = each[0, 0:36, 86:122]
        axis.imshow(ear[:, :, ear.std(axis=(0, 1)).argmax()], interpolation="nearest")
        axis.set_title(step, fontsize=10)
        axis.set(xticks=[], yticks=[])
    line[0].set_ylabel(stage, fontsize=10)
figure

# %% [markdown]
# The bed of nails leaves a grid in its features: checks and stripes. The four places of a window see 1, 2, 2 and 4 live
# numbers, each through other weights. So a grid comes easily, but the weights decide: those of *copy* and *interpolate*
# make up for the numbers. The trained ones have not done so: after the first convolution, the four places differ even
# in the mean of all features, and those of nearest neighbour hardly do. (The means need not grow with the live numbers,
# since the weights differ. This is one photo, and one training of each.)

# %%
print("                       upper left  upper right  lower left  lower right")
print(f"live numbers, on nails {1:10} {2:12} {2:11} {4:12}")
for stage, maps in held.items():
    means = [maps[1][:, row::2, column::2].mean() for row, column in np.ndindex(2, 2)]
    print(f"{stage:22} {means[0]:10.2f} {means[1]:12.2f} {means[2]:11.2f} {means[3]:12.2f}")
    assert (max(means) > 1.5 * min(means)) == (stage == "bed_of_nails")

# %% [markdown]
# Such a pattern is called a *checkerboard*. In the probabilities of this ear it is gone. Where does it go? That is
# measured [two pages on](07_transposed_convolution.md#the-checkerboard): the logits still have it, but nearly the same
# for all classes, which the softmax does not see; and stages without nails have one, too. What a bed of nails does to
# the *frequencies* of a map is told on a [page about signals](11_signals.md#on-the-way-up-copies).
#
# And the scores? `transposed_convolution` is the same network with a learned layer in this place. If all three learn
# how to grow, they should lie close together. (On pets they do. On streets, after a short training, [they do
# not](15_places.md#and-in-a-street): what can be learned is not always learned.)

# %%
cards = {stage: saved.card(stage) for stage in [*models, "transposed_convolution"]}
means = [card["scores"]["at_network_size"]["mean_iou"] for card in cards.values()]
for (stage, card), mean in zip(cards.items(), means, strict=True):
    print(f"{stage:23} mean IoU {mean:.3f} of {card['dataset']['test']['examples']:,} test photos")
print(f"Between the best and the worst lie {max(means) - min(means):.3f}; each was trained once.")

for stage in cards:
    seeds = [cards_of_seed[stage] for cards_of_seed in saved.cards_of_seeds() if stage in cards_of_seed]
    found = [card["scores"]["at_network_size"]["mean_iou"] for card in seeds]
    epochs = seeds[0]["recipe"]["epochs"]
    print(f"{stage:23} {len(found)} seeds, {epochs} epochs: from {min(found):.3f} to {max(found):.3f}")

# %% [markdown]
# !!! abstract "What this step mends, what it leaves broken"
#     **Mended:** the map is as large as the photo again, and the convolution behind the unpooling learns to fill it.
#
#     **Broken:** copying invents values, and bed of nails invents places. A kernel can fill the holes, but nobody hands
#     it the place of a maximum: it must guess that from the features around. Yet on the way down the pooling *knew*
#     where each maximum stood. Let it remember: [index unpooling and max unpooling](06_max_unpooling.md).
#
# ## References
#
# - A. Dosovitskiy, J. T. Springenberg, M. Tatarchenko and T. Brox, *Learning to generate chairs, tables and cars with
#   convolutional networks*, 2014, [arXiv:1411.5928](https://arxiv.org/abs/1411.5928). Grows by putting each value into
#   the upper-left corner of a block of zeros, followed by a convolution.
# - A. Odena, V. Dumoulin and C. Olah, *Deconvolution and checkerboard artifacts*, 2016,
#   [doi:10.23915/distill.00003](https://doi.org/10.23915/distill.00003). Recommends nearest neighbour followed by a
#   convolution.
