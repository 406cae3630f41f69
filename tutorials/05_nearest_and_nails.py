# %% [markdown]
# # Growing back: nearest neighbour and bed of nails
#
# [Pooling](04_downwards.md) has made the map small. The answer must be as large as the photo. **Where does each value
# go?**
#
# Take a map of 2 x 2 numbers that has to become 4 x 4. Each number gets a window of four pixels. There are two simple
# ways to fill it.

# %% Four numbers, copied over their windows on the left and set into their corners on the right tags=["picture"]
import inspect

import keras
import numpy as np
from matplotlib.figure import Figure
from skimage.data import chelsea

import zoo
from zoo import data, plots, saved
from zoo.layers import BedOfNails2D, MaxPoolingWithOffsets2D, NearestUnpooling2D

small = np.array([[1, 2], [3, 4]], "float32")
copied = small.repeat(2, axis=0).repeat(2, axis=1)
nails = np.zeros((4, 4), "float32")
nails[::2, ::2] = small
plots.draw_grids({"small": small, "nearest neighbour": copied, "bed of nails": nails}, windows=(2, 2))

# %% [markdown]
# **Nearest neighbour** copies the number into all four pixels. **Bed of nails** puts it into the upper-left pixel and
# leaves zeros: nails on a board. To make a pooled map large again is called *unpooling*. Neither of the two can know
# what pooling threw away: they have to invent something.
#
# ## By hand
#
# Nearest neighbour is a loop over the large map. Each pixel asks in which window it lies:
#
# \[ y(i, j) = x(\lfloor i / 2 \rfloor, \lfloor j / 2 \rfloor) \]
#
# Here \(x\) is the small map, \(y\) the large one, and rows and columns count from 0. The brackets round down: the
# pixel in row 3 and column 2 takes \(x(1, 1)\).


# %%
def nearest_by_hand(values, pool=2):
    height, width = values.shape
    large = np.zeros((height * pool, width * pool), values.dtype)
    for row in range(height * pool):
        for column in range(width * pool):
            large[row, column] = values[row // pool, column // pool]
    return large


print(nearest_by_hand(small))
assert (nearest_by_hand(small) == copied).all()

# %% [markdown]
# !!! question "Try it"
#     Write `nails_by_hand`. Which pixels of the large map does it touch?


# %% tags=["solution"]
def nails_by_hand(values, pool=2):
    height, width = values.shape
    large = np.zeros((height * pool, width * pool), values.dtype)
    for row in range(height):
        for column in range(width):
            large[row * pool, column * pool] = values[row, column]
    return large


assert (nails_by_hand(small) == nails).all()

# %% [markdown]
# It touches one pixel of each window, so a loop over the small map is enough.
#
# ## The layers
#
# The zoo has a layer for each. A layer wants a batch and channels around the map: (b, h, w, c).


# %%
def run(layer, values):
    return np.array(layer(values[None, :, :, None]))[0, :, :, 0]


noise = np.random.default_rng(0).normal(size=(6, 10)).astype("float32")
for pool in (2, 3):
    assert (run(NearestUnpooling2D(pool), noise) == nearest_by_hand(noise, pool)).all()
    large = run(BedOfNails2D(pool), noise)
    assert (large[::pool, ::pool] == noise).all()
    assert (large != 0).sum() == noise.size
print(run(BedOfNails2D(2), small))

# %% [markdown]
# Keras has the first one, too, under the name `UpSampling2D`. And bed of nails is nearest neighbour with three of four
# pixels set to 0.

# %%
holes = run(BedOfNails2D(2), np.ones_like(noise))
assert (run(keras.layers.UpSampling2D(2), noise) == run(NearestUnpooling2D(2), noise)).all()
assert (run(BedOfNails2D(2), noise) == holes * run(NearestUnpooling2D(2), noise)).all()

# %% [markdown]
# ## What each of them invents
#
# An experiment. One pixel is bright, and it stands in the lower right of its window. We pool, and unpool both ways.

# %% A bright pixel in the lower right of its window: copied over the window, and moved to the upper-left corner
image = np.zeros((4, 4), "float32")
image[1, 1] = 9
pooled = run(keras.layers.MaxPooling2D(2), image)
by_nearest, by_nails = run(NearestUnpooling2D(2), pooled), run(BedOfNails2D(2), pooled)
plots.draw_grids({"image": image, "nearest neighbour": by_nearest, "bed of nails": by_nails}, windows=(2, 2))

# %% [markdown]
# **Nearest neighbour invents values.** It puts the 9 into three pixels where it never was. A point becomes a block.
#
# **Bed of nails invents places.** The 9 stands in the corner, wherever it came from. And it leaves holes.
#
# How wrong is each? We let the bright pixel stand at each place of the window. The *error* is the sum of the absolute
# differences to the image, over all pixels. The *shift* is the distance from the bright pixel to the middle of the
# brightness in the unpooled map.


# %%
def middle(image):
    """The mean (row, column) of all pixels, weighted by their brightness."""
    return np.array([(image * coordinate).sum() for coordinate in np.indices(image.shape)]) / image.sum()


def error(unpooled, image):
    return np.abs(unpooled - image).sum()


def shift(unpooled, image):
    return np.linalg.norm(middle(unpooled) - middle(image))


lines = ["bright pixel    nearest neighbour    bed of nails", "                 error   shift       error   shift"]
for row, column in np.ndindex(2, 2):
    image = np.zeros((4, 4), "float32")
    image[row, column] = 9
    pooled = run(keras.layers.MaxPooling2D(2), image)
    by_nearest, by_nails = run(NearestUnpooling2D(2), pooled), run(BedOfNails2D(2), pooled)
    errors = error(by_nearest, image), error(by_nails, image)
    shifts = shift(by_nearest, image), shift(by_nails, image)
    name = f"{('upper', 'lower')[row]} {('left', 'right')[column]}"
    lines.append(f"{name:12} {errors[0]:9.0f} {shifts[0]:7.2f} {errors[1]:11.0f} {shifts[1]:7.2f}")
    assert errors == (3 * 9, 0 if (row, column) == (0, 0) else 2 * 9)
    assert np.isclose(shifts[0], np.hypot(0.5, 0.5))
print("\n".join(lines))

# %% [markdown]
# Nearest neighbour is wrong by the same amount everywhere, and its middle is off by half a pixel in each direction. Bed
# of nails is right for one place of four. For the others it is wrong twice: the value is missing where it was, and
# stands where it was not.
#
# In a photo, how often does the maximum stand in the upper left? `MaxPoolingWithOffsets2D` tells for each window at
# which place its maximum stood.

# %%
grey = chelsea().mean(axis=-1, dtype="float32")[:, :450]
_, offsets = MaxPoolingWithOffsets2D(2)(grey[None, :, :, None])
shares = np.bincount(np.array(offsets).ravel(), minlength=4) / np.array(offsets).size
for name, share in zip(["upper left", "upper right", "lower left", "lower right"], shares, strict=True):
    print(f"{name:11} {share:.0%}")
assert shares[0] < 0.5
print(f"Bed of nails puts {1 - shares[0]:.0%} of the maxima into the wrong pixel.")

# %% [markdown]
# !!! question "Try it"
#     Neither way is always the better one. Find a window of four numbers for which the error of nearest neighbour is
#     smaller, and one for which that of bed of nails is smaller.

# %% tags=["solution"]
flat_window = np.array([[5, 5], [5, 5]], "float32")
lonely_peak = np.array([[0, 0], [0, 5]], "float32")
for name, window in {"flat window": flat_window, "lonely peak": lonely_peak}.items():
    pooled = run(keras.layers.MaxPooling2D(2), window)
    errors = [error(run(layer(2), pooled), window) for layer in (NearestUnpooling2D, BedOfNails2D)]
    print(f"{name}: nearest neighbour {errors[0]:g}, bed of nails {errors[1]:g}")
    assert (errors[0] < errors[1]) == (name == "flat window")

# %% [markdown]
# Where neighbours are alike, a copy is a good guess. Where one pixel stands out, a copy makes it four times as large.
#
# ## Four levels of it
#
# Our encoder-decoders shrink four times and grow four times. So the inventions add up.
#
# !!! question "Try it"
#     A map of 8 x 8 ones grows to 128 x 128 by four beds of nails in a row. How many pixels are not zero? And how far
#     from its pixel can a value end up, at worst?

# %% tags=["solution"]
grown = np.ones((8, 8), "float32")
for _ in range(4):
    grown = nails_by_hand(grown)
print(f"{(grown > 0).sum()} of {grown.size:,} pixels, 1 in {grown.size // (grown > 0).sum()}")
assert grown.shape == (128, 128)
assert (grown > 0).sum() == 8 * 8

side = 2**4
print(f"a window of {side} x {side}: {np.hypot(side - 1, side - 1):.0f} pixels from its lower right to its corner")

# %% [markdown]
# ## On the features of a trained model
#
# One bright pixel is an easy victim. What happens to real features? We take the trained `nearest_unpooling`, give it
# Chelsea, and stop at its first pooling. Of the feature maps there we draw the one with the strongest contrast, around
# the eye.

# %% Features of a trained model around Chelsea's eye, pooled, unpooled in blocks, and unpooled to dots with holes
photo = np.array(keras.ops.image.resize(chelsea(), (128, 128), antialias=True)) / 255
nearest_model = zoo.load("nearest_unpooling")
first_pooling = next(layer for layer in nearest_model.layers if isinstance(layer, keras.layers.MaxPooling2D))
features = keras.Model(nearest_model.input, first_pooling.input).predict(photo[None], verbose=0)

values, offsets = MaxPoolingWithOffsets2D(2)(features)
maps = {
    "features": features,
    "pooled": values,
    "nearest neighbour": NearestUnpooling2D(2)(values),
    "bed of nails": BedOfNails2D(2)(values),
}
channel = features.std(axis=(0, 1, 2)).argmax()
rows, columns = slice(34, 66), slice(32, 64)
crops = {}
for name, each in maps.items():
    whole = np.array(each)[0, :, :, channel]
    crops[name] = whole[17:33, 16:32] if name == "pooled" else whole[rows, columns]
plots.draw_images(crops, columns=2)

# %% [markdown]
# Nearest neighbour has blocks, bed of nails has holes. Both faults in numbers, over all channels and the whole photo:

# %%
size = np.abs(features).mean()
errors = {name: np.abs(np.array(maps[name]) - features) for name in ("nearest neighbour", "bed of nails")}
for name, each in errors.items():
    print(f"{name:18} mean error {each.mean() / size:.0%} of the mean feature")

nearest_error, nails_error = (np.array(keras.layers.AveragePooling2D(2)(each)) for each in errors.values())
alive = np.array(values) > 0
print(f"\nOf the {alive.mean():.0%} of the windows that hold more than zeros,")
print(f"the copy is closer in {(nearest_error < nails_error)[alive].mean():.0%},")
print(f"and the maximum stands in the upper left in {(np.array(offsets) == 0)[alive].mean():.0%}.")

# %% [markdown]
# Neither error is an accident of the experiment. What is lost is not in the small map of this feature any more, so no
# rule that looks at this map alone can bring it back.
#
# ## The stage `nearest_unpooling`
#
# Its function `up`, in the [skeleton of all encoder-decoders](04_downwards.md):

# %%
from zoo.models import bed_of_nails, nearest_unpooling

print(inspect.getsource(nearest_unpooling.unpool_by_copy))

# %% [markdown]
# It is handed a memory and does not look at it. `narrow` is a 1 x 1 convolution: the level above has fewer filters, and
# unpooling itself keeps their number. After `up` come two 3 x 3 convolutions, as at every level.

# %% A photo from the test split and Chelsea, the truth, and what the trained nearest_unpooling says
dataset = data.default_dataset()
test_photo, test_mask = next(data.examples(dataset, "test").as_numpy_iterator())
photos, truths = [test_photo, chelsea()], [test_mask, None]
masks = {"nearest_unpooling": [zoo.predict(nearest_model, each) for each in photos]}
plots.draw_stages(photos, masks, truths)

# %% [markdown]
# ## The stage `bed_of_nails`
#
# Only one layer differs. All else is the same, down to the number of weights.

# %%
print(inspect.getsource(bed_of_nails.unpool_to_corner))
nails_model = zoo.load("bed_of_nails")
assert nails_model.count_params() == nearest_model.count_params()

# %% A photo from the test split and Chelsea, the truth, and what the trained bed_of_nails says
masks["bed_of_nails"] = [zoo.predict(nails_model, each) for each in photos]
plots.draw_stages(photos, {"bed_of_nails": masks["bed_of_nails"]}, truths)

# %% [markdown]
# ## At the edge of the pet
#
# A fault in places should show at the border. Here are Chelsea's ear and cheek, zoomed.

# %% Chelsea's ear and cheek, and what the two trained models say of them
rows, columns = slice(0, 150), slice(280, 430)
ears = {"photo": chelsea()[rows, columns]}
for stage, predictions in masks.items():
    ears[stage] = plots.overlay(chelsea(), predictions[1])[rows, columns]
plots.draw_images(ears, columns=3)

# %% [markdown]
# Do you see steps as wide as a window, or holes? Eyes are easily deceived, so we count. Walk along the rows of the
# predicted mask at the network's size, and note where the class changes. If the mask were made of copied 2 x 2 blocks,
# no change would lie inside a window. If the windows leave no trace, about half of the changes lie
# inside one.


# %%
def changes_inside_windows(masks):
    """The share of the class changes along the rows that lie inside a window of two pixels."""
    inside = (masks[:, :, 1::2] != masks[:, :, ::2]).sum()
    between = (masks[:, :, 2::2] != masks[:, :, 1:-1:2]).sum()
    return inside / (inside + between)


images, truth = next(data.load(dataset, "test", 128, 32).as_numpy_iterator())
blocks = truth[:, ::2, ::2].repeat(2, axis=1).repeat(2, axis=2)
assert changes_inside_windows(blocks) == 0
compared = {"truth, made of blocks": blocks, "truth": truth}
for model in (nearest_model, nails_model):
    compared[model.name] = model.predict(images, verbose=0).argmax(axis=-1)
for name, each in compared.items():
    print(f"{name:22} {changes_inside_windows(each):4.0%}")

# %% [markdown]
# ## Who repairs it
#
# The last unpooling of each model is followed by two 3 x 3 convolutions. We look at the ear before and after them: the
# feature map with the strongest contrast after each step, and at the end the probability of pet.


# %% Chelsea's ear in both models: blocks and dots after the unpooling, which fade in the convolutions tags=["picture"]
def last_steps(model):
    """What the model holds after its last unpooling, after each convolution that follows, and at its end."""
    unpooling = [layer for layer in model.layers if isinstance(layer, NearestUnpooling2D | BedOfNails2D)][-1]
    activations = [layer for layer in model.layers if isinstance(layer, keras.layers.ReLU)][-2:]
    outputs = [unpooling.output, *(layer.output for layer in activations), model.output]
    *maps, logits = keras.Model(model.input, outputs).predict(photo[None], verbose=0)
    return [*maps, np.array(keras.ops.softmax(logits))[..., :1]]


steps = ["after unpooling", "1 convolution", "2 convolutions", "pet"]
held = {model.name: last_steps(model) for model in (nearest_model, nails_model)}
figure = Figure(figsize=(7, 4), layout="constrained")
axes = figure.subplots(2, len(steps))
for line, (stage, maps) in zip(axes, held.items(), strict=True):
    for axis, step, each in zip(line, steps, maps, strict=True):
        ear = each[0, 0:36, 86:122]
        axis.imshow(ear[:, :, ear.std(axis=(0, 1)).argmax()], interpolation="nearest")
        axis.set_title(step, fontsize=10)
        axis.set(xticks=[], yticks=[])
    line[0].set_ylabel(stage, fontsize=10)
figure

# %% [markdown]
# Two numbers follow the two faults, over all channels and the whole photo.
#
# - *Blocks*: steps inside windows divided by steps between windows. 0 means copied blocks, 1 no trace of
#   them; above 1 the steps inside are the larger ones.
# - *Holes*: the mean size of a feature at the dimmest of the four places of a window, divided by that at the
#   brightest. 0 means holes, 1 no trace of them.
#
# And is the repair *learned*? Beside each trained model we measure one with random weights.


# %%
def measure_blocks(x):
    inside = np.abs(x[:, :, 1::2] - x[:, :, ::2]).mean()
    between = np.abs(x[:, :, 2::2] - x[:, :, 1:-1:2]).mean()
    return inside / between


def measure_holes(x):
    places = [np.abs(x[:, row::2, column::2]).mean() for row, column in np.ndindex(2, 2)]
    return min(places) / max(places)


keras.utils.set_random_seed(0)
random = {stage: last_steps(zoo.build(stage)) for stage in held}
for stage, maps in held.items():
    print(f"{stage:19} blocks   holes      with random weights: blocks   holes")
    for step, each, untrained in zip(steps[:-1], maps, random[stage], strict=False):
        print(f"  {step:17} {measure_blocks(each):6.2f} {measure_holes(each):7.2f}", end="")
        print(f"{measure_blocks(untrained):34.2f} {measure_holes(untrained):7.2f}")

assert measure_blocks(held["nearest_unpooling"][0]) == 0 < measure_blocks(held["nearest_unpooling"][-1])
assert measure_holes(held["bed_of_nails"][0]) == 0 < measure_holes(held["bed_of_nails"][-1])

# %% [markdown]
# The convolutions after the unpooling smooth the blocks and fill the holes. Most of this needs no learning: a 3 x 3
# kernel reaches into the neighbouring windows, so that with any weights something gets into each hole. But what is the
# *right* value there? A convolution cannot know where a value came from. It sees the neighbours, and an edge that runs
# through all of them tells much about the place. That is what training can use.
#
# !!! question "Try it"
#     Both models have weights of the same shapes. Put the weights of `nearest_unpooling` into `bed_of_nails`. Does it
#     still find the pet?

# %% What nearest_unpooling says, and what its weights say behind beds of nails tags=["solution"]
from zoo.evaluation import iou

swapped = zoo.build("bed_of_nails")
swapped.set_weights(nearest_model.get_weights())
own, foreign = zoo.predict(nearest_model, test_photo), zoo.predict(swapped, test_photo)
for name, each in {"own unpooling": own, "bed of nails": foreign}.items():
    print(f"{name:13}  IoU of the pet {iou(test_mask == 0, each == 0):.2f}")
if dataset == "oxford_iiit_pet":  # of drawn pets, which no model has learned, both may find nothing
    assert (own != foreign).any()
plots.draw_stages([test_photo], {"own unpooling": [own], "bed of nails": [foreign]}, [test_mask])

# %% [markdown]
# The weights of one unpooling need not fit the other. Three of four numbers are 0 now: these are the holes. So the sums
# of the next convolution come out different, and most of them smaller than batch normalisation expects.
#
# Since convolutions repair so much, the trained models may differ far less than the small experiment suggests. The
# cards tell, together with [max unpooling](06_max_unpooling.md), which remembers the places. Each stage was trained
# once, by the same recipe.

# %%
stages = ("nearest_unpooling", "bed_of_nails", "max_unpooling")
scores = {stage: saved.card(stage)["scores"]["at_network_size"] for stage in stages}
print("                   mean IoU   border IoU   boundary IoU")
for stage, score in scores.items():
    print(f"{stage:18} {score['mean_iou']:8.3f} {score['iou']['border']:12.3f} {score['boundary_iou']:14.3f}")

nearest, nails, remembered = (scores[stage]["mean_iou"] for stage in stages)
print(f"\nBed of nails against nearest neighbour: {nails - nearest:+.3f} mean IoU.")
print(f"Places remembered against the better of the two: {remembered - max(nearest, nails):+.3f} mean IoU.")
if abs(remembered - max(nearest, nails)) < 0.01:
    print("That is too close to call: it may be chance.")
elif remembered < max(nearest, nails):
    print("Here the trained models contradict the lecture: remembering the places did not help.")

# %% [markdown]
# !!! abstract "What this step mends, what it leaves broken"
#     The map is as large as the photo again, and the network can be trained. But nearest neighbour invents values, and
#     bed of nails invents places. The convolutions repair a part, by guessing. There would be no need to guess: on the
#     way down, the pooling *knew* where each maximum stood. Let it remember:
#     [index unpooling and max unpooling](06_max_unpooling.md).
#
# ## References
#
# - A. Dosovitskiy, J. T. Springenberg, M. Tatarchenko and T. Brox, *Learning to generate chairs, tables and cars with
#   convolutional networks*, 2014, [arXiv:1411.5928](https://arxiv.org/abs/1411.5928). Grows by putting each value into
#   the upper-left corner of a block of zeros, followed by a convolution.
# - A. Odena, V. Dumoulin and C. Olah, *Deconvolution and checkerboard artifacts*, 2016,
#   [doi:10.23915/distill.00003](https://doi.org/10.23915/distill.00003). Recommends nearest neighbour followed by a
#   convolution.
# - H. Noh, S. Hong and B. Han, *Learning deconvolution network for semantic segmentation*, 2015,
#   [arXiv:1505.04366](https://arxiv.org/abs/1505.04366). Unpools by remembered places, and repairs by convolutions.
