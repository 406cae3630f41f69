# %% [markdown]
# # U-Net: hand the features across
#
# High-level features say *what*. Low-level features say *where*. At the bottom of an encoder-decoder stand the
# high-level ones alone: they know that there is a cat, and only roughly where its ear ends. The low-level features knew
# where, but they were left behind on the way down. **Why not hand them across?**

# %% The U-Net: five levels; from each but the lowest, the features of the way down go across tags=["picture"]
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from zoo import plots
from zoo.models.encoder_decoder import FILTERS

figure = Figure(figsize=(5.8, 4.8), layout="constrained")
axis = figure.subplots()
bottom_level = len(FILTERS) - 1
grown, kept, deepest = ((*tint, 0.5) for tint in plots.TINTS[:3])


def draw_box(x, y, text, colour, width=1.7):
    axis.add_patch(Rectangle((x - width / 2, y - 0.3), width, 0.6, facecolor=colour, edgecolor="black"))
    axis.text(x, y, text, ha="center", va="center")


def draw_arrow(start, end, text="", **position):
    axis.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": "black", "shrinkA": 0, "shrinkB": 0})
    middle = (np.array(start) + end) / 2
    axis.text(*middle, text, **position)


for level, filters in enumerate(FILTERS):
    side, y = 128 // 2**level, -1.1 * level
    left, right = 1 + 0.2 * level, 6 - 0.2 * level
    if level == bottom_level:
        draw_box(3.5, y, f"{side} x {side}\n{filters} channels", deepest)
        continue
    draw_box(left, y, f"{side} x {side}\n{filters} channels", kept)
    draw_box(right - 0.425, y, filters, kept, width=0.85)
    draw_box(right + 0.425, y, filters, grown, width=0.85)
    draw_arrow((left + 0.85, y), (right - 0.85, y), f"{filters} channels across", ha="center", va="bottom")
    lower = (3, 4) if level == bottom_level - 1 else (left + 0.2, right - 0.2)
    draw_arrow((left, y - 0.3), (lower[0], y - 0.8), "pool  ", ha="right", va="top")
    draw_arrow((lower[1], y - 0.8), (right, y - 0.3), "  grow", ha="left", va="top")
draw_arrow((1, 0.75), (1, 0.3), "photo ", ha="right", va="center")
draw_arrow((6, 0.3), (6, 0.75), " logits", ha="left", va="center")
axis.set(xlim=(0, 7), ylim=(-4.8, 0.8))
axis.set_axis_off()
figure

# %% [markdown]
# This is the skeleton of the page [Downwards](04_downwards.md), with a memory that carries whole feature maps. Each
# arrow across is a **skip connection**: it skips the levels below. On the way up, each level has two kinds of channels
# side by side. The blue ones have grown from below, the orange ones have come straight across. To put them side by side
# is to **concatenate** them; on these pages we say *join*. Drawn like this, the network looks like the letter U
# (Ronneberger et al., 2015).
#
# ## What and where
#
# Is the sentence true? We load the trained U-Net and look at what it has on its way down: the four maps that it hands
# across, and the bottom.

# %%
import keras
from keras import layers, ops
from skimage.data import chelsea

import zoo

model = zoo.load("unet")
joins = [layer for layer in model.layers if isinstance(layer, layers.Concatenate)]
growers = [layer for layer in model.layers if isinstance(layer, layers.Conv2DTranspose)]

handed_across = [join.input[1] for join in reversed(joins)]
bottom = growers[0].input
way_down = keras.Model(model.input, [*handed_across, bottom])
for features, filters in zip(way_down.outputs, FILTERS, strict=True):
    print(features.shape[1:])
    assert features.shape[-1] == filters

# %% The photo, and one feature map of each level of the way down: sharp at 128 x 128, 8 x 8 large blocks at the bottom
photo = ops.convert_to_numpy(ops.image.resize(chelsea(), (128, 128), antialias=True)) / 255
maps = [features[0] for features in way_down.predict(photo[None], verbose=0)]
sides = [len(features) for features in maps]

pictures = {"photo": photo}
for side, features in zip(sides, maps, strict=True):
    strongest = features.std(axis=(0, 1)).argmax()
    pictures[f"{side} x {side}"] = features[:, :, strongest]
figure = plots.draw_images(pictures, columns=3)
figure.set_size_inches(6.6, 4.7)
figure

# %% [markdown]
# All maps are enlarged to the same size. Of the channels of each level we drew the one with the strongest contrast. The
# first level is fine enough for outlines and single hairs. The bottom has 64 blocks.
#
# Pictures can deceive, so we measure. Two questions to each level, on images of the test split:
#
# - **What?** Take the features at one pixel. A *linear probe* (Alain and Bengio, 2016) is a weighted sum of its
#   channels, fitted to answer one question: pet or background? We fit it on half of the images and count its right
#   answers on the other half. Border pixels are left out.
# - **Where?** Take the *truth*, cut it into as many windows as the level has pixels, and give each window its most
#   frequent class. How much of the border survives? This asks only how fine the level is, and needs no network: what
#   could the level say if each of its pixels named one class?

# %% tags=["numbers"]
from zoo import data
from zoo.evaluation import class_ious, confusion_matrix

dataset = data.default_dataset()
test_images, test_masks = next(data.load(dataset, "test", 128, 128).as_numpy_iterator())


def sample(features):
    """The features at 8 x 8 pixels of each image, evenly spread: (images * 64, channels)."""
    window = 128 // features.shape[1]
    start, step = 8 // window, 16 // window
    return features[:, start::step, start::step].reshape(-1, features.shape[-1])


def probe(features, is_pet, fitted):
    """The share of right answers of a linear probe, at the pixels on which it was not fitted."""
    inputs = np.column_stack([features, np.ones(len(features))])
    weights, *_ = np.linalg.lstsq(inputs[fitted], 2.0 * is_pet[fitted] - 1)
    return ((inputs[~fitted] @ weights > 0) == is_pet[~fitted]).mean()


def coarsen(masks, side):
    """Masks in which each of side x side windows has its most frequent class."""
    window = masks.shape[1] // side
    windows = masks.reshape(len(masks), side, window, side, window)
    shares = [(windows == number).mean(axis=(2, 4)) for number in range(len(data.CLASSES))]
    return np.argmax(shares, axis=0).repeat(window, axis=1).repeat(window, axis=2)


batches = [way_down.predict_on_batch(images) for images in np.split(test_images, 8)]
true_classes = sample(test_masks[..., None])[:, 0]
inside = true_classes != data.CLASSES.index("border")
is_pet = true_classes[inside] == data.CLASSES.index("pet")
in_first_half = (np.arange(len(inside)) < len(inside) // 2)[inside]  # one image after the other
asked = is_pet[~in_first_half]
always_the_same = max(asked.mean(), 1 - asked.mean())
print(f"asked at {len(asked)} pixels; right if one always answers the same: {always_the_same:.3f}\n")

print("level        what    where")
what, where = [], []
for level, side in enumerate(sides):
    features = np.concatenate([sample(batch[level]) for batch in batches])
    what.append(probe(features[inside], is_pet, in_first_half))
    border_iou = class_ious(confusion_matrix(test_masks, coarsen(test_masks, side), 3))[2]
    where.append(border_iou)
    print(f"{side:3} x {side:3}  {what[-1]:7.3f} {where[-1]:8.3f}")
assert where[0] == 1
assert where == sorted(where, reverse=True)

# %% What a probe gets right at each level; the border IoU of the truth in windows of each level tags=["picture"]
figure = Figure(figsize=(7, 3), layout="constrained")
left, right = figure.subplots(1, 2)
left.plot(what, "o-", color="black")
left.axhline(always_the_same, color="black", linestyle=":")
left.text(len(sides) - 1, always_the_same - 0.01, "always the same answer", ha="right", va="top")
left.set(ylim=(0.5, 1), title="what: share of right answers")
right.plot(where, "s-", color="black", fillstyle="none")
right.set(ylim=(0, 1.05), title="where: border IoU of the truth")
for axis in (left, right):
    axis.set_xticks(range(len(sides)), sides)
    axis.set_xlabel("side of the level")
    axis.title.set_fontsize(10)
    axis.patch.set_visible(False)
figure

# %%
first, last = what[0], what[-1]
print(f"Always the same answer is right at {always_the_same:.1%} of the pixels,")
print(f"a probe of the first level at {first:.1%}, {100 * (first - always_the_same):+.1f} points,")
print(f"a probe of the bottom at {last:.1%}, {100 * (last - always_the_same):+.1f} points.")
if last > first:
    print("So the bottom knows better what, and the first level can say best where.")
else:
    print("So the bottom does not know better what: here the sentence fails.")

# %% [markdown]
# Read both with care. The deeper levels have more channels, and so the sum has more weights. And *where* is no upper
# bound: a pixel of the bottom has 128 channels, and they can say more than one class. `transposed_convolution` knows
# only what comes through its bottom of 8 x 8, and reaches a border IoU above one half ([below](#with-and-without)).
#
# Why can the bottom know what? Because of its [receptive field](04_downwards.md#two-reasons-to-shrink). Two 3 x 3
# convolutions see 5 x 5 pixels of the photo: enough for an edge, too little for a cat. The bottom can see most of the
# photo.
#
# ## By hand
#
# The way up of the U-Net does two things at each level. First it grows the map from below by a [transposed
# convolution](07_transposed_convolution.md). Then it *joins* the result with the features that were handed across: it
# puts the channels side by side.


# %% A 2 x 2 map, the 4 x 4 map that grew from it, and a 4 x 4 map with a fine line that was handed across
def grow_by_hand(x, kernel, bias):
    height, width, _ = x.shape
    large = np.zeros((2 * height, 2 * width, len(bias)), "float32")
    for row, column in np.ndindex(height, width):
        for down, right in np.ndindex(2, 2):
            large[2 * row + down, 2 * column + right] = kernel[down, right] @ x[row, column] + bias
    return large


def join_by_hand(large, features):
    height, width, channels = large.shape
    joined = np.zeros((height, width, channels + features.shape[-1]), "float32")
    for row, column in np.ndindex(height, width):
        joined[row, column, :channels] = large[row, column]
        joined[row, column, channels:] = features[row, column]
    return joined


small = np.array([[1, 2], [3, 0]], "float32")
kernel = np.array([[2, 1], [1, 2]], "float32")
line = np.array([[0, 7, 0, 0], [0, 7, 0, 0], [0, 0, 7, 0], [0, 0, 0, 7]], "float32")

large = grow_by_hand(small[:, :, None], kernel[:, :, None, None], bias=[0])
joined = join_by_hand(large, line[:, :, None])
assert joined.shape == (4, 4, 2)
print("the pixel in row 2, column 2 has the channels", joined[2, 2])
plots.draw_grids({"from below": small, "grown": large[:, :, 0], "handed across": line}, windows=(2, 2))

# %% [markdown]
# No pixel of the grown map is overwritten, and nothing is added up. Each pixel simply has one more number. What to make
# of both is left to the two 3 x 3 convolutions that follow, and they learn it.
#
# In the zoo, this is `grow_and_join`. Keras and the loops agree, on random numbers:

# %% tags=["check"]
from zoo.models.unet import grow_and_join

coarse, fine = keras.Input((3, 4, 6)), keras.Input((6, 8, 2))
block = keras.Model([coarse, fine], grow_and_join(coarse, fine, filters=2))
assert block.output_shape == (None, 6, 8, 4)

rng = np.random.default_rng(0)
x, features, kernel, bias = (
    rng.normal(size=shape).astype("float32") for shape in ((3, 4, 6), (6, 8, 2), (2, 2, 2, 6), (2,))
)
block.set_weights([kernel, bias])
by_keras = block.predict([x[None], features[None]], verbose=0)[0]
by_hand = join_by_hand(grow_by_hand(x, kernel, bias), features)
assert np.allclose(by_keras, by_hand, atol=1e-5)

# %% [markdown]
# And inside the trained model, at its lowest join:

# %%
at_bottom, at_8, at_16, after_join = keras.Model(
    model.input, [bottom, growers[0].output, handed_across[3], joins[0].output]
).predict(photo[None], verbose=0)
kernel, bias = growers[0].get_weights()
assert np.allclose(grow_by_hand(at_bottom[0], kernel, bias), at_8[0], atol=1e-3)
assert (join_by_hand(at_8[0], at_16[0]) == after_join[0]).all()
print(f"{at_bottom.shape[1:]} grows to {at_8.shape[1:]}, joined {after_join.shape[1:]}")

# %% [markdown]
# !!! question "Try it"
#     Why join, and not add? Show that a convolution of joined channels is the sum of *two* convolutions, one for each
#     half. (Let both have as many channels.) Which two kernels must be equal if the maps are added first?

# %% tags=["solution"]
half_a, half_b = (rng.normal(size=(1, 6, 8, 3)).astype("float32") for _ in range(2))
weights = rng.normal(size=(3, 3, 6, 4)).astype("float32")


def convolve(maps, weights):
    return ops.convert_to_numpy(ops.conv(maps, weights, padding="same"))


joined = np.concatenate([half_a, half_b], axis=-1)
for_a, for_b = weights[:, :, :3], weights[:, :, 3:]
assert np.allclose(convolve(joined, weights), convolve(half_a, for_a) + convolve(half_b, for_b), atol=1e-4)

# Added maps share one kernel. So adding is joining with for_a equal to for_b: the network has no choice any more.
added = convolve(half_a + half_b, for_a)
assert np.allclose(added, convolve(half_a, for_a) + convolve(half_b, for_a), atol=1e-4)

# %% [markdown]
# ## The stage `unet`
#
# The way down keeps the features, the way up joins them. These two functions are all that makes the skeleton a U-Net:

# %%
import inspect

from zoo.models.unet import pool_and_keep

print(inspect.getsource(pool_and_keep))
print(inspect.getsource(grow_and_join))

# %% [markdown]
# What does this memory weigh? A feature is a number of four bytes at *every* pixel of the level. An offset of [max
# unpooling](06_max_unpooling.md) is one byte for every *window*.

# %%
features_bytes = sum(4 * int(np.prod(features.shape[1:])) for features in handed_across)
offsets_bytes = sum(int(np.prod(features.shape[1:])) // 4 for features in handed_across)
print(f"handed across: {features_bytes:9,} bytes an image")
print(f"offsets:       {offsets_bytes:9,} bytes an image")
assert features_bytes == 16 * offsets_bytes

# %% [markdown]
# The network of the 2015 paper is larger, and its convolutions have no padding. So its maps shrink a little at each
# convolution, and the features are cropped before they are joined. Ours are padded and fit as they are.
#
# ## With and without
#
# The stage `transposed_convolution` is the same network without the hand-over: the same way down, the same growing, the
# same two convolutions at each level. But the two are not of one size: the convolutions after the joins have twice as
# many channels to read.

# %% Two test images: the truth, and what the trained stages say without and with the features handed across
without = zoo.load("transposed_convolution")
changed = [
    (theirs.shape, ours.shape)
    for theirs, ours in zip(without.weights, model.weights, strict=True)
    if theirs.shape != ours.shape
]
for theirs, ours in changed:
    print(f"{theirs} becomes {ours}")
assert len(changed) == len(joins)
assert model.count_params() - without.count_params() == sum(np.prod(ours) - np.prod(theirs) for theirs, ours in changed)

photos, truths = zip(*data.examples(dataset, "test").take(2).as_numpy_iterator(), strict=True)
test_photo = photos[0]
both = {"without": without, "with": model}
answers = {title: [zoo.predict(each, image) for image in photos] for title, each in both.items()}
figure = plots.draw_stages(photos, answers, truths)
figure.set_size_inches(6.6, 3.9)
figure

# %% [markdown]
# Two photos prove nothing. The cards have the scores over the test photos, and the costs:

# %%
from zoo import saved

cards = {stage: saved.card(stage) for stage in ("transposed_convolution", "unet")}
scores = {stage: card["scores"]["at_network_size"] for stage, card in cards.items()}
print(f"on {cards['unet']['dataset']['test']['examples']:,} test photos")
print(f"{'stage':24}{'mean IoU':>10}{'pet':>8}{'border':>8}{'boundary':>10}")
for stage, found in scores.items():
    print(f"{stage:24}{found['mean_iou']:10.3f}{found['iou']['pet']:8.3f}", end="")
    print(f"{found['iou']['border']:8.3f}{found['boundary_iou']:10.3f}")

assert scores["transposed_convolution"]["iou"]["border"] > 0.5
gain = {name: scores["unet"]["iou"][name] - scores["transposed_convolution"]["iou"][name] for name in data.CLASSES}
print("\nThe U-Net's lead:", ", ".join(f"{name} {value:+.3f}" for name, value in gain.items()))
for cost in ("parameters", "multiply_adds"):
    more = cards["unet"]["costs"][cost] / cards["transposed_convolution"]["costs"][cost] - 1
    print(f"The U-Net has {more:.0%} more {cost.replace('_', '-')}.")

# %% [markdown]
# Each was trained once. And the comparison is not fair: the lead may come from the features, from the size, or from
# both. A fair one takes a `transposed_convolution` that is *widened*: it has more filters at each level, until it has
# as many weights as the U-Net. Here are all three after a shorter training of 16 epochs; the last column shows each
# seed.

# %% tags=["numbers"]
import json

from zoo import controls

scored = controls.scores()
short = {name: scored[name] for name in ("transposed_convolution", "widened", "unet")}
weights = {stage: card["costs"]["parameters"] for stage, card in cards.items()}
weights["widened"] = json.loads(controls.RESULTS.read_text())["widened"]["parameters"]
means = {name: np.mean([found["mean_iou"] for found in seeds]) for name, seeds in short.items()}
print(f"{'network':24}{'weights':>9}   mean IoU   by seed")
for name, seeds in short.items():
    each = ", ".join(f"{found['mean_iou']:.3f}" for found in seeds)
    print(f"{name:24}{weights[name]:9,}{means[name]:11.3f}   {each}")
lead, kept = (means["unet"] - means[other] for other in ("transposed_convolution", "widened"))
print(f"The U-Net's lead: {lead:+.3f}, and over the widened network {kept:+.3f}.")
apart = max(np.ptp([found["mean_iou"] for found in seeds]) for seeds in short.values())
print(f"The seeds of one network lie up to {apart:.3f} apart.")
for name in data.CLASSES:
    ours, theirs = (np.mean([found["iou"][name] for found in short[each]]) for each in ("unet", "widened"))
    print(f"    IoU of {name}: {ours - theirs:+.3f} over the widened network")

# %% [markdown]
# After 16 epochs, the lead over the widened network cannot come from the number of weights: that network has more.
# Whether it is more than chance is decided by the rule of the [comparison](09_comparison.md#the-lectures-claims).
# (Nobody trained the widened network for 160 epochs.) There is also a task in which many times the weights do not make
# up for what is not handed across: [where places must matter](15_places.md).
#
# !!! question "Try it"
#     Can the U-Net do all that `transposed_convolution` can? Give it the weights of that model, and to the new weights
#     the value 0. (The channels that were handed across come last.)

# %% tags=["solution"]
wide = zoo.build("unet")
padded = [
    np.pad(theirs, [(0, ours - own) for ours, own in zip(needed.shape, theirs.shape, strict=True)])
    for needed, theirs in zip(wide.get_weights(), without.get_weights(), strict=True)
]
wide.set_weights(padded)
assert np.allclose(wide.predict(photo[None], verbose=0), without.predict(photo[None], verbose=0), atol=1e-3)

# Yes. A U-Net that ignores what is handed across is the other stage. Training decides how much it listens.

# %% [markdown]
# ## What each hand-over adds
#
# There are four of them. Which does the trained network need? We take one away and look.
#
# What to put in its place? Zeros would take away *where* and *how much* at once. The **mean of each channel over the
# image** should be kinder: it leaves how much, and takes away only where. The skeleton makes this easy: it needs
# another `up`, and the trained weights fit as they are.

# %% tags=["numbers"]
from zoo.models.encoder_decoder import encoder_decoder


def blank(features):
    """The mean of each channel, at every pixel."""
    return ops.zeros_like(features) + ops.mean(features, axis=(1, 2), keepdims=True)


def unet_without(blanked, blank=blank):
    """The trained U-Net; levels with these numbers of filters are blanked."""

    def up(x, features, filters):
        return grow_and_join(x, blank(features) if filters in blanked else features, filters)

    ablated = encoder_decoder(pool_and_keep, up, (128, 128, 3), 3, FILTERS, name="ablated")
    ablated.set_weights(model.get_weights())
    return ablated


whole = "all four"
ablated = {whole: unet_without(())}
for side, filters in zip(sides, FILTERS[:-1], strict=False):
    ablated[f"without {side} x {side}"] = unet_without((filters,))
ablated["without any"] = unet_without(FILTERS)

assert np.allclose(ablated[whole].predict(photo[None], verbose=0), model.predict(photo[None], verbose=0), atol=1e-4)

# %% A test image: what the trained U-Net says with all features, without those of one level, and without any
pictures = {title: plots.overlay(test_photo, zoo.predict(each, test_photo)) for title, each in ablated.items()}
figure = plots.draw_images(pictures, columns=3)
figure.set_size_inches(6, 5.4)
figure

# %% [markdown]
# And the scores on 128 images of the test split. How much would other images change them? The *bootstrap* draws 128 of
# the 128 with replacement, a thousand times, and scores each draw. We take the fall from the whole network, on the same
# images, and the range that holds 95 % of the draws.


# %%
def confusions(network):
    """The confusion matrix of each image: (images, 3, 3)."""
    answers = network.predict(test_images, batch_size=16, verbose=0).argmax(axis=-1)
    return np.stack([confusion_matrix(*pair, 3) for pair in zip(test_masks, answers, strict=True)])


def mean_iou(confusions):
    return class_ious(confusions.sum(axis=0)).mean()


draws = np.random.default_rng(0).integers(0, len(test_images), (1000, len(test_images)))
counted = {title: confusions(network) for title, network in ablated.items()}
falls, drawn_falls = {}, {}
print(f"all four: mean IoU {mean_iou(counted[whole]):.3f}")
for title in list(ablated)[1:]:
    fall = mean_iou(counted[whole]) - mean_iou(counted[title])
    drawn = np.array([mean_iou(counted[whole][draw]) - mean_iou(counted[title][draw]) for draw in draws])
    drawn_falls[title] = drawn
    falls[title] = (fall, *np.quantile(drawn, (0.025, 0.975)))
    print(f"{title:18} loses {fall:.3f}, from {falls[title][1]:.3f} to {falls[title][2]:.3f}")

# %% How much mean IoU falls without the features of each level, and without any, with its 95 % range tags=["picture"]
figure = Figure(figsize=(6.4, 2.6), layout="constrained")
axis = figure.subplots()
lost, low, high = np.array(list(falls.values())).T
axis.errorbar(lost, list(falls), xerr=(lost - low, high - lost), fmt="o", color="black", capsize=3)
axis.axvline(0, color="black", linewidth=0.8)
axis.invert_yaxis()
axis.set_xlabel("mean IoU lost, on 128 images")
axis.patch.set_visible(False)
figure

# %%
import itertools

single = list(falls)[:-1]
ranked = sorted(single, key=lambda title: falls[title][0])
assert falls[ranked[0]][0] < 0.005
assert ranked[0] == "without 128 x 128"
assert set(ranked[2:]) == {"without 32 x 32", "without 16 x 16"}
print("Of single levels, from least to most missed:", ", ".join(title.removeprefix("without ") for title in ranked))
for less, more in itertools.pairwise(ranked):
    lowest = np.quantile(drawn_falls[more] - drawn_falls[less], 0.025)  # on the same draws
    print(f"{less} and {more}: {'apart' if lowest > 0 else 'no verdict'}")

# %% [markdown]
# The finest features need not be the most useful ones, and this network hardly misses them. A feature of the first
# level sees 5 x 5 pixels. It finds every edge, not only that of a pet. The levels below are coarser, but see more.
#
# What the points tell, and what they do not: they show what *this* trained network relies on, and the ranges what other
# images would change. Another seed is not in them. A network that was trained without a level would have learned to do
# without. `transposed_convolution` is such a network, trained without any.
#
# !!! question "Try it"
#     Was the mean really kinder? Blank the first level with zeros, and compare.

# %% tags=["solution"]
with_zeros = unet_without((FILTERS[0],), blank=ops.zeros_like)
zeroed = confusions(with_zeros)
first_level = counted[f"without {sides[0]} x {sides[0]}"]
drawn = [mean_iou(first_level[draw]) - mean_iou(zeroed[draw]) for draw in draws]
print(f"mean of each channel {mean_iou(first_level):.3f}, zeros {mean_iou(zeroed):.3f}")
print("The mean is kinder by {:.3f} to {:.3f}.".format(*np.quantile(drawn, (0.025, 0.975))))

features_of_first_level = maps[0]
assert features_of_first_level.min() == 0  # after ReLU no feature is below 0, so that zeros say "nothing here"
assert features_of_first_level.mean() > 0

# %% [markdown]
# !!! abstract "What this step mends, what it leaves broken"
#     **Mended:** the way up has both: *what* from below, *where* from across. This network misses the levels of 32 x 32
#     and 16 x 16 most.
#
#     **Left:** of all stages it remembers the most. Photos are still squeezed to one size. And two cats side by side
#     are still one region, since every pixel only says its class.
#
#     That was the last of the nine steps. Did each of them really help? The next page puts [all stages side by
#     side](09_comparison.md).
#
# ## References
#
# - Olaf Ronneberger, Philipp Fischer, Thomas Brox: *U-Net: Convolutional Networks for Biomedical Image Segmentation*,
#   MICCAI 2015. [arXiv:1505.04597](https://arxiv.org/abs/1505.04597)
# - Jonathan Long, Evan Shelhamer, Trevor Darrell: *Fully Convolutional Networks for Semantic Segmentation*, 2014.
#   [arXiv:1411.4038](https://arxiv.org/abs/1411.4038). Adds the answers of finer levels to those of coarser ones.
# - Guillaume Alain, Yoshua Bengio: *Understanding intermediate layers using linear classifier probes*, 2016.
#   [arXiv:1610.01644](https://arxiv.org/abs/1610.01644)
