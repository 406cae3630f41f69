# %% [markdown]
# # Fully convolutional: all pixels in one pass
#
# The [sliding window](02_sliding_window.md) cuts the photo into patches that overlap, and computes what they share
# again and again. **Why cut at all?** A convolution slides by itself. A network of convolutions alone takes the whole
# photo and returns the logits of all pixels at once. (`DenseWindow2D` had to rebuild a classifier that was made for
# patches, and to spread its kernels because of the pooling. Here nothing is pooled, so there is nothing to rebuild.)

# %% Chelsea, a feature map after each pair of convolutions, a logit and the classes: all of one size tags=["picture"]
import keras
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from skimage.data import chelsea

import zoo
from zoo import costs, data, plots, saved

photo = np.array(keras.ops.image.resize(chelsea(), (128, 128), antialias=True)) / 255
model = zoo.load("fully_convolutional")

pairs = [layer.output for layer in model.layers if isinstance(layer, keras.layers.ReLU)][1::2]
*maps, logits = keras.Model(model.input, [*pairs, model.output]).predict_on_batch(photo[None])
pictures = {"photo\n3 channels": photo}
for number, features in enumerate(maps, start=1):
    inner = features[0, 16:-16, 16:-16]  # away from the edge, where the padding dominates
    strongest = inner.std(axis=(0, 1)).argmax()
    brightness = features[0, :, :, strongest].clip(max=inner[:, :, strongest].max())
    pictures[f"{2 * number} convolutions\n1 of {features.shape[-1]} feature maps"] = brightness
pictures["1 x 1 convolution\nthe logit of pet"] = logits[0, :, :, 0]
pictures["classes\nthe largest of 3 logits"] = logits[0].argmax(axis=-1)
assert all(picture.shape[:2] == (128, 128) for picture in pictures.values())
plots.draw_images(pictures, columns=3)

# %% [markdown]
# What a convolution gives is called a **feature map**: at each pixel a number that says how strongly one pattern is
# there. Several feature maps side by side are the **channels** of one large array. Nothing shrinks. All these maps have
# 128 x 128 pixels, and each pixel keeps its place from the photo to the answer.
#
# ## By hand
#
# One 3 x 3 convolution: around each pixel take 3 x 3 pixels, multiply them with the kernel, and add up, over the nine
# places and all input channels. Each output channel has a kernel of its own. Zeros around the photo keep its size.


# %%
def convolve_by_hand(image, kernel):
    height, width, _ = image.shape
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)))
    result = np.zeros((height, width, kernel.shape[-1]), "float32")
    for row in range(height):
        for column in range(width):
            around = padded[row : row + 3, column : column + 3]
            result[row, column] = np.tensordot(around, kernel, axes=3)
    return result


convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
first, *_, last = convolutions
by_hand = convolve_by_hand(photo, keras.ops.convert_to_numpy(first.kernel))
by_layer = np.array(first(photo[None]))[0]

print("kernel:", first.kernel.shape, "  result:", by_layer.shape)
assert np.allclose(by_hand, by_layer, atol=1e-4)

# %% [markdown]
# This is a sliding window, too. But the window is small, it moves by one pixel, and what it finds is a feature that
# **all** pixels around it share.
#
# !!! question "Try it"
#     The last layer is a 1 x 1 convolution from 32 features to 3 logits. Which layer of an ordinary classifier does the
#     same, for one pixel? Take the features of one pixel and compute its logits with one matrix.

# %% tags=["solution"]
matrix = keras.ops.convert_to_numpy(last.kernel)[0, 0]  # (32, 3)
row, column = 50, 70
by_matrix = maps[-1][0, row, column] @ matrix + keras.ops.convert_to_numpy(last.bias)

print("A dense layer:", by_matrix)
assert np.allclose(by_matrix, logits[0, row, column], atol=1e-4)

# %% [markdown]
# ## The stage `fully_convolutional`
#
# The whole network: six 3 x 3 convolutions, each with batch normalisation and ReLU, and the 1 x 1 convolution.

# %%
for layer in convolutions:
    rows, columns, channels, filters = layer.kernel.shape
    print(f"{rows} x {columns} convolution, {channels:>2} -> {filters:>2}, result {layer.output.shape[1:]}")
print(f"{model.count_params():,} parameters")

# %% [markdown]
# ## Any size
#
# No layer asks how large the photo is. A kernel has the same weights, whether it slides over 128 or over 1,000 pixels.
# So height and width may stay open: `None`.

# %%
any_size = zoo.build("fully_convolutional", image_shape=(None, None, 3))
any_size.set_weights(model.get_weights())

print("input: ", any_size.input_shape)
for image in (photo, photo[:50, :90], chelsea() / np.float32(255)):
    print(f"{image.shape} -> {any_size.predict_on_batch(image[None]).shape[1:]}")
assert np.allclose(any_size.predict_on_batch(photo[None]), logits, atol=1e-4)

# %% [markdown]
# ## Nothing is computed twice
#
# Is this still the classifier of a patch? Yes. We cut a patch of 13 x 13 pixels around a pixel, hand over **only** the
# patch, and look at the logits in its middle. They are the logits that this pixel gets in one pass over a larger
# picture, here Chelsea's face.

# %%
crop = photo[16:80, 28:92]  # 64 x 64 pixels: Chelsea's face
in_one_pass = any_size.predict_on_batch(crop[None])[0]

windows = np.lib.stride_tricks.sliding_window_view(crop, (13, 13), axis=(0, 1))  # (52, 52, 3, 13, 13)
patches = windows.transpose(0, 1, 3, 4, 2).reshape(-1, 13, 13, 3)
patch_by_patch = any_size.predict_on_batch(patches)[:, 6, 6].reshape(52, 52, 3)

print(f"{len(patches)} patches, largest difference: {abs(patch_by_patch - in_one_pass[6:-6, 6:-6]).max():.1g}")
assert np.allclose(patch_by_patch, in_one_pass[6:-6, 6:-6], atol=1e-4)

# %% A patch in the crop, and the logit of pet at every pixel: patch by patch, and in one pass, the same map twice
figure = plots.draw_images(
    {
        "one patch, and its pixel": crop[6:-6, 6:-6],
        f"{len(patches):,} patches": patch_by_patch[:, :, 0],
        "one pass": in_one_pass[6:-6, 6:-6, 0],
    },
    columns=3,
)
figure.axes[0].add_patch(Rectangle((13.5, 17.5), 13, 13, fill=False, edgecolor="white", linewidth=2))
figure.axes[0].plot(20, 24, "s", color="white", markersize=3)
figure

# %% [markdown]
# The answers are equal, the work is not:

# %%
import time


def seconds(images, runs=3):
    durations = []
    for _ in range(runs):
        start = time.perf_counter()
        any_size.predict_on_batch(images)
        durations.append(time.perf_counter() - start)
    return min(durations)


slow, fast = seconds(patches), seconds(crop[None])
print(f"patch by patch {slow:.3f} s, in one pass {fast:.3f} s: {slow / fast:.0f} times as fast")
print(f"the patches hold {len(patches) * 13 * 13 / (64 * 64):.0f} times as many pixels as the crop")
assert slow > fast

# %% [markdown]
# That is the merit of this stage: it is a sliding window at stride 1 that computes each feature once.
#
# ## How far does a pixel see?
#
# The patch of 13 x 13 was no accident. It is the **receptive field**: the pixels of the photo that can change one pixel
# of the answer. A 3 x 3 convolution looks one pixel to each side, so it adds 2:
#
# \[ r_{l} = r_{l-1} + (k_{l} - 1), \quad r_{0} = 1 \]
#
# \(r_l\) is the side of the receptive field after \(l\) convolutions, and \(k_l\) the side of the kernel of the
# \(l\)-th. (No convolution of this stage has a stride.)

# %%
field = 1
for layer in convolutions:
    side = layer.kernel_size[0]
    field += side - 1
    print(f"{side} x {side} convolution: {field:>2} x {field}")
assert field == 13

# %% [markdown]
# The formula is a claim. We test it on the trained network, by the gradient of one logit with respect to the photo.
# Where it is not zero, a change of the photo moves the logit. (Zero alone would prove less: a ReLU that is off lets no
# gradient through.) The U-Net comes along for comparison.

# %%
import tensorflow as tf


def what_it_sees(model, image, row, column):
    """How strongly each pixel of the image moves the logit of pet at one pixel."""
    image = tf.convert_to_tensor(image[None])
    with tf.GradientTape() as tape:
        tape.watch(image)
        logit = model(image)[0, row, column, 0]
    return abs(tape.gradient(logit, image).numpy()[0]).sum(axis=-1)


def extent(seen):
    rows, columns = np.nonzero(seen)
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


row, column = 64, 56
networks = {"fully_convolutional": model, "unet": zoo.load("unet")}
seen = {name: what_it_sees(network, photo, row, column) for name, network in networks.items()}
for name, strength in seen.items():
    print(f"{name:<20} sees {extent(strength)} of (128, 128) pixels, {(strength > 0).mean():.0%} of all")
assert extent(seen["fully_convolutional"]) == (field, field)

# %% A pixel of Chelsea in a small square; one network sees just this square, the U-Net far more tags=["picture"]
figure = Figure(figsize=(6.8, 2.7), layout="constrained")
left, *others = figure.subplots(1, 3)
left.imshow(photo)
left.set_title("the pixel and\nits receptive field", fontsize=10)
left.plot(column, row, "o", color="white", markersize=2)
corner = (column - field / 2, row - field / 2)
left.add_patch(Rectangle(corner, field, field, fill=False, edgecolor="white", linewidth=1.5))
for axis, (name, strength) in zip(others, seen.items(), strict=True):
    axis.imshow(strength, cmap="viridis", interpolation="nearest")
    axis.set_title(f"what moves the answer of\n{name}", fontsize=10)
for axis in (left, *others):
    axis.set_axis_off()
figure

# %% [markdown]
# Bright pixels move the answer most (the scale is linear, and each picture has its own). In the small square there is
# fur, or a stripe, or an edge. There is no cat in it. The U-Net can be moved from nearly everywhere, and most of all
# from many places on the face, near and far. The [next page](04_downwards.md#how-much-of-it-is-used) asks how far such
# a network listens.
#
# !!! question "Try it"
#     How many 3 x 3 convolutions does it take until the receptive field is at least 128 pixels wide, without pooling?

# %% tags=["solution"]
field, layers = 1, 0
while field < 128:
    field, layers = field + 2, layers + 1
print(f"{layers} convolutions, each at full resolution: {field} x {field}")
assert layers == 64

# %% [markdown]
# ## It sees pieces, not the pet
#
# Here is a hard test of that sentence. We cut Chelsea into 16 tiles and shuffle them. There is no cat in the picture
# any more, only pieces of one. If the network looked at the whole pet, its answers would have to change.

# %% tags=["numbers"]
order = np.random.default_rng(1).permutation(16)


def cut(image):
    """Cuts an array (128, 128, c) into 16 tiles (32, 32, c)."""
    return image.reshape(4, 32, 4, 32, -1).swapaxes(1, 2).reshape(16, 32, 32, -1)


def join(tiles):
    """Puts 16 tiles together: the inverse of `cut`."""
    return tiles.reshape(4, 4, 32, 32, -1).swapaxes(1, 2).reshape(128, 128, -1)


shuffled = join(cut(photo)[order])
answers, changes = {}, {}
for name, network in networks.items():
    whole, pieces = network.predict_on_batch(np.stack([photo, shuffled]))
    answers[name] = whole.argmax(axis=-1), pieces.argmax(axis=-1)

    expected = cut(whole)[order][:, 6:-6, 6:-6]  # the inside of each tile, shuffled like the photo
    received = cut(pieces)[:, 6:-6, 6:-6]
    changes[name] = (expected.argmax(axis=-1) != received.argmax(axis=-1)).mean()
    print(f"{name:<20} {changes[name]:.0%} of the pixels inside the tiles get another class")
    if name == "fully_convolutional":
        assert np.allclose(expected, received, atol=1e-4)
assert changes["unet"] > changes["fully_convolutional"]

# %% Chelsea whole and in shuffled tiles, and beside each its classes: within its tiles, the same answer moves along
pictures = {
    "photo": photo,
    "fully convolutional": answers["fully_convolutional"][0],
    "U-Net": answers["unet"][0],
    "shuffled": shuffled,
    "fully convolutional, shuffled": answers["fully_convolutional"][1],
    "U-Net, shuffled": answers["unet"][1],
}
plots.draw_images(pictures, columns=3)

# %% [markdown]
# Six pixels inside a tile and further, the logits are the **same**: a square of 13 x 13 pixels around such a pixel lies
# within the tile. To this network, a cat in pieces is as good as a cat. The U-Net sees more, so its answers change.
#
# ## On photos
#
# Now the trained stage on photos as they are. Is somewhere a texture taken for a pet, or the inside of a pet for
# background?

# %% Two photos of the test split with their truths, and Chelsea, beside what the trained stage says
dataset = data.default_dataset()
examples = list(data.examples(dataset, "test").take(2).as_numpy_iterator())
photos = [*(image for image, _ in examples), chelsea()]
truths = [*(mask for _, mask in examples), None]
predicted = [zoo.predict(model, image) for image in photos]
plots.draw_stages(photos, {"fully_convolutional": predicted}, truths)

# %% [markdown]
# Is the one pass also the better answer? The cards of the saved models hold their scores on the test split:

# %%
stages = ("fully_convolutional", "sliding_window", "unet")
scores = [saved.card(stage)["scores"]["at_network_size"]["mean_iou"] for stage in stages]
for stage, score in zip(stages, scores, strict=True):
    print(f"{stage:<20} mean IoU {score:.3f}")
assert scores == sorted(scores)

# %% [markdown]
# No: it answers worse than the sliding window. (Each was trained once; the
# [comparison](09_comparison.md#one-rule-set-before-we-look) tells what chance can do.) One pass makes the answer cheap.
# Whether it is good depends on what a pixel sees, too. The window of the first stage moved in coarse steps, but it was
# 32 pixels wide; here a pixel sees 13.
#
# !!! question "Try it"
#     Shift the photo by 3 pixels to the right. How does the answer change? Compare with the trained sliding window,
#     which decides for blocks of 4 x 4 pixels.

# %% tags=["solution"]
moved = np.roll(photo, 3, axis=1)
inner = (slice(20, -20), slice(20, -20))
for name in ("fully_convolutional", "sliding_window"):
    before, after = zoo.load(name).predict_on_batch(np.stack([photo, moved]))
    difference = abs(np.roll(before, 3, axis=1) - after)[inner].max()
    print(f"{name:<20} largest difference from the moved logits: {difference:.1g}")
    assert (difference < 1e-4) == (name == "fully_convolutional")
# The logits of the first move along. 3 is no multiple of the sliding window's stride: its blocks are cut elsewhere.

# %% [markdown]
# ## What it costs: memory
#
# Training has to keep every feature map until the gradient has come back to it. Here every feature map is as large as
# the photo. How much memory is that? We do not add up shapes. We **measure**: a fresh process computes the gradients of
# a training step with one photo, at growing sizes, and asks the system each time how far the peak of its memory has
# grown.
#
# Three networks: this stage, the U-Net, and a fully convolutional network that has as many filters as the U-Net on its
# way down, (16, 32, 64, 96, 128), but never shrinks.

# %% tags=["numbers"]
import json
import subprocess
import sys

PROGRAM = """
import json
import resource
import sys
from pathlib import Path

from zoo import quiet

quiet.import_tensorflow()

import tensorflow as tf
import zoo

stage, options, sides = json.loads(sys.argv[1])
model = zoo.build(stage, image_shape=(None, None, 3), **options)


@tf.function(input_signature=[tf.TensorSpec((1, None, None, 3))])
def step(image):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(model(image, training=True) ** 2)
    return tape.gradient(loss, model.trainable_variables)


def peak_after(side):
    step(tf.random.uniform((1, side, side, 3)))
    status = Path("/proc/self/status")
    if status.exists():  # Linux
        return 1024 * int(status.read_text().split("VmHWM:")[1].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS


before = peak_after(32)
print(json.dumps([peak_after(side) - before for side in sides]))
"""


def measure(stage, sides, **options):
    """Bytes that the gradients of one training step take, by the side of the photo."""
    command = [sys.executable, "-c", PROGRAM, json.dumps([stage, options, sides])]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return dict(zip(sides, json.loads(answer), strict=True))


WIDE = (16, 32, 64, 96, 128)
memory = {
    "fully convolutional": measure("fully_convolutional", [64, 128, 256]),
    "U-Net": measure("unet", [64, 128, 256]),
    "never shrinks": measure("fully_convolutional", [64, 128, 256], filters=WIDE),
}
for name, sizes in memory.items():
    for side, size in sizes.items():
        print(f"{name:<20} {side:>3} x {side:<3} {size / 1e6:>6,.0f} MB")

# %% [markdown]
# Four times the pixels, four times the memory? On log axes, a power of the number of pixels is a straight line, and its
# slope gives the power. It is printed below.

# %% Megabytes against the side of the photo on log axes: three lines, the network that never shrinks on top
figure = Figure(figsize=(6, 3.4), layout="constrained")
axis = figure.subplots()
axis.set_facecolor("none")
for (name, sizes), tint, marker in zip(memory.items(), plots.TINTS[:3], "os^", strict=True):
    pixels = np.square(list(sizes))
    megabytes = np.array(list(sizes.values())) / 1e6
    power, _ = np.polyfit(np.log(pixels), np.log(megabytes), 1)
    print(f"{name:<20} grows as the number of pixels to the power of {power:.2f}")
    assert 0.7 < power < 1.3
    axis.loglog(list(sizes), megabytes, f"{marker}-", color=tint, label=name)
axis.set_xticks([64, 128, 256], [64, 128, 256])
axis.minorticks_off()
axis.set(xlabel="side of the photo in pixels", ylabel="MB for one training step")
axis.legend(frameon=False)
figure

# %% [markdown]
# The powers lie around 1: memory grows roughly as the number of pixels. So we divide the bytes at the largest photo by
# its pixels, and estimate at which size a batch of 16 photos fills 8 GB. Weights and the program itself come on top.

# %%
LIMIT, BATCH = 8e9, 16


def report(name, bytes_per_pixel):
    side = int((LIMIT / BATCH / bytes_per_pixel) ** 0.5)
    print(f"{name:<20} {bytes_per_pixel:>6,.0f} bytes a pixel, 8 GB are full at {side} x {side}")


per_pixel = {name: sizes[max(sizes)] / max(sizes) ** 2 for name, sizes in memory.items()}
for name, bytes_per_pixel in per_pixel.items():
    report(name, bytes_per_pixel)
assert 0.5 < per_pixel["fully convolutional"] / per_pixel["U-Net"] < 2
assert per_pixel["never shrinks"] > 2 * per_pixel["U-Net"]

# %% [markdown]
# Be fair to this stage: it takes about as much memory as the U-Net. But look at what it gets for it. The U-Net has more
# filters and sees far more of the photo. This stage fits only because we made it thin and shallow. Widen it to the
# filters of the U-Net, and memory runs out far earlier. Deepen it to the 64 convolutions that see 128 pixels, and it
# runs out again. For that we only estimate, by the number of feature maps: 64 convolutions of 32 filters each.

# %%
feature_maps = sum(layer.filters for layer in convolutions[:-1])  # the last one gives the logits
report("64 convolutions", per_pixel["fully convolutional"] * 64 * 32 / feature_maps)

# %% [markdown]
# ## What it costs: work
#
# Not only the maps stay large: so does the work.

# %%
wide = zoo.build("fully_convolutional", filters=WIDE)
networks = {"fully convolutional": model, "U-Net": zoo.build("unet"), "never shrinks": wide}
work = {name: costs.multiply_adds(network) for name, network in networks.items()}
print("for 128 x 128 pixels:")
for name, network in networks.items():
    print(f"{name:<20} {work[name] / 1e6:>5,.0f} million multiply-adds, {network.count_params():>7,} parameters")
assert work["never shrinks"] > 10 * work["U-Net"]

kernels = [layer.kernel_size[0] for layer in wide.layers if isinstance(layer, keras.layers.Conv2D)]
field = 1 + sum(side - 1 for side in kernels)
print(f"receptive field of the one that never shrinks: {field} x {field}")
assert field == 21

# %% [markdown]
# More than ten times the work of the U-Net, and it still sees only 21 x 21 pixels.
#
# !!! abstract "What this step mends, what it leaves broken"
#     All pixels are classified in one pass, at any size, and nothing is computed twice. Two faults are left. Every
#     feature map is as large as the photo, so memory and time run out before the network is deep. And without depth,
#     each pixel sees only a small square: a piece of the pet, never the whole. Both have one cure: make the maps
#     smaller on the way. That is the next page, [downwards](04_downwards.md).
#
# ## References
#
# - Long, Shelhamer and Darrell: *Fully convolutional networks for semantic segmentation*. 2014.
#   [arXiv:1411.4038](https://arxiv.org/abs/1411.4038). Turns classifiers into fully convolutional networks. Theirs do
#   shrink inside, and grow back at the end; the network of this page does not shrink at all.
