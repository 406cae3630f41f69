# %% [markdown]
# # Your own: data, size, way up, layer
#
# The zoo was trained on pets. **What do you change for photos, classes and ideas of your own?** For photos and classes
# nothing: they lie in a folder, and the commands take its path. For a new way up you write one function.
#
# This page does both with pictures that have nothing to do with pets: circles, squares and triangles.

# %% Three toy scenes, and below each its mask: circles orange, squares pink, triangles green tags=["picture"]
import tempfile
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops
from PIL import Image

import zoo
from zoo import data, inspection, plots, training
from zoo.layers.windows import WindowLayer, arrange_windows
from zoo.models.blocks import max_pool, narrow
from zoo.models.encoder_decoder import FILTERS, encoder_decoder

CLASSES = ("background", "circle", "square", "triangle")
PALETTE = np.array([plots.COLOURS[1], plots.COLOURS[0], plots.COLOURS[2], [0, 158, 115]], "uint8")
PAINTS = np.array([[0, 0, 0], [0.7, 0.4, 0.4], [0.4, 0.7, 0.4], [0.4, 0.4, 0.7]])  # of circles, squares, triangles


def draw_scene(rng, height, width):
    """A photo of three shapes on a dark ground, and its mask: uint8 (h, w, 3) and (h, w)."""
    image = rng.uniform(0, 0.35, (height, width, 3))
    mask = np.zeros((height, width), "uint8")
    y, x = np.mgrid[:height, :width]
    for _ in range(3):
        number, size = rng.integers(1, len(CLASSES)), rng.uniform(9, 15)
        v, u = (y - rng.uniform(9, height - 9)) / size, (x - rng.uniform(9, width - 9)) / size
        shapes = {"circle": np.hypot(u, v) < 1, "square": np.maximum(abs(u), abs(v)) < 0.9}
        shapes["triangle"] = (v < 0.8) & (v > 2 * abs(u) - 1)
        where = shapes[CLASSES[number]]
        image[where] = PAINTS[number] + rng.uniform(-0.2, 0.2, 3) + rng.normal(0, 0.15, (where.sum(), 3))
        mask[where] = number
    return (255 * image.clip(0, 1)).astype("uint8"), mask


rng = np.random.default_rng(0)
scenes = [draw_scene(rng, *rng.integers(48, 65, 2)) for _ in range(300)]
shown = {f"scene {number}": image for number, (image, _) in enumerate(scenes[:3], start=1)}
shown |= {f"mask {number}": PALETTE[mask] for number, (_, mask) in enumerate(scenes[:3], start=1)}
plots.draw_images(shown, columns=3)

# %% [markdown]
# There are four classes, and the scenes differ in size. Most circles are reddish, most squares greenish and most
# triangles bluish, so that a network soon learns *what*. What is left to learn is *where*: the outlines.
#
# ## A folder of your own
#
# Your photos will be files. So we write the scenes into a folder first, as you would find them: `images/` and `masks/`,
# with the same names in both. A mask is a picture whose values are the class numbers, from 0; 255 means that a pixel
# does not count. `classes.txt` names the classes, a line each.

# %%
temporary = tempfile.TemporaryDirectory()
folder = Path(temporary.name) / "shapes"
for part in ("images", "masks"):
    (folder / part).mkdir(parents=True)
for number, (image, mask) in enumerate(scenes):
    Image.fromarray(image).save(folder / "images" / f"{number:03}.png")
    Image.fromarray(mask).save(folder / "masks" / f"{number:03}.png")
(folder / "classes.txt").write_text("\n".join(CLASSES))

print(inspection.report(data.look(folder)))

# %% [markdown]
# Make that look on your own folder, too, before you spend an hour on it (`python -m zoo inspect FOLDER`). It names
# photos without a mask, pairs of different size, and numbers that are no class. It refuses masks that are JPEG files:
# JPEG keeps what the eye sees, and the eye does not see the step from class 2 to class 3. Each scene belongs to one of
# three splits. The hash of its name decides which, so that a new picture moves no old one.
#
# Now train. On the command line that is `python -m zoo train unet --dataset FOLDER`; in Python it is `zoo.train`. A
# recipe says all that is to be decided: here small images, all epochs at full size, small batches, few epochs, and
# colours left as they are, since they tell the classes.

# %%
recipe = training.Recipe(str(folder), image_size=48, batch_size=4, epochs=5, half_size_share=0.0, light=0.0)
unet, card = zoo.train("unet", recipe, Path(temporary.name) / "trained")

scores = card["scores"]["at_network_size"]
for name, iou in {**scores["iou"], "mean IoU": scores["mean_iou"]}.items():
    print(f"{name:<11}{iou:.2f}")
assert scores["mean_iou"] > 0.5  # "background everywhere" stays below 1 / 4

# %% [markdown]
# `val_mean_iou` is the mean IoU on the validation split. The card, `trained/unet.json`, holds the scores above, which
# are those of the test split, and the recipe. The batches are small on purpose, because they make many steps of few
# images: batch normalisation uses *running means and variances* when it predicts, and each training step moves them a
# little towards the true ones. Stop a training too early, and its loss looks fine while its score is bad.
#
# `zoo.predict` works with your model as it does with ours: a scene of any size in, a class for each of its pixels out.

# %% Three scenes of the test split, their masks, and below each the classes that the U-Net answers tags=["picture"]
unseen = list(data.examples(folder, "test").take(3).as_numpy_iterator())
shown = {f"scene {number}": image for number, (image, _) in enumerate(unseen, start=1)}
shown |= {f"mask {number}": PALETTE[mask] for number, (_, mask) in enumerate(unseen, start=1)}
shown |= {f"U-Net {number}": PALETTE[zoo.predict(unet, image)] for number, (image, _) in enumerate(unseen, start=1)}
plots.draw_images(shown, columns=3)

# %% [markdown]
# A shape whose colour does not tell its class may get a wrong one. On the command line, `python -m zoo predict
# trained/unet.keras PHOTO --mask --cutout` writes such answers as files, and `python -m zoo export` (after `pip install
# ".[export]"` in the clone) writes the model for [ONNX Runtime, LiteRT or TensorFlow](reference/exporting.md), since a
# phone or a browser has no Keras.
#
# Do you have few pictures? You may begin from weights that have seen others: `--start unet`, or `start="unet"` in the
# recipe, takes over all of our U-Net but its logits. How much that helps is [measured](14_fine_tune.md) on streets;
# `python -m zoo.finetuning FOLDER` measures it on your pictures.
#
# ## Another image size
#
# Each level of an encoder-decoder but the bottom halves the sides: with the five numbers of the default filters, four
# times. So the sides are multiples of 16 (`--image-size 96x160`). Where you write `None`, any such size will do. A
# convolution has as many weights for a large image as for a small one. So **the weights are the same**: a model that
# was trained at one size lends them to a model for all such sizes.

# %%
assert 2 ** (len(FILTERS) - 1) == 16
any_size = zoo.build("unet", image_shape=(None, None, 3), num_classes=len(CLASSES))
any_size.set_weights(unet.get_weights())

batch = next(data.load(folder, "test", 48, 8).as_numpy_iterator())[0]
assert np.allclose(any_size(batch), unet(batch), atol=1e-3)
wide, _ = draw_scene(np.random.default_rng(9), 48, 144)
print("wide scene", wide.shape, "  logits", any_size(wide[None] / np.float32(255)).shape[1:])

# %% [markdown]
# That a model *runs* at another size does not mean that it is good there. A network that learned from whole pets sees
# only fur where a pet is ten times as large. That is why `zoo.predict` squeezes each photo to the size of the training.
#
# ## A way up of your own
#
# All encoder-decoders of the zoo are [one skeleton](04_downwards.md#the-skeleton-of-all-encoder-decoders) and two
# functions, `down(x, filters)` and `up(x, memory, filters)`. Write another `up`, and you have a new architecture.
# **Resize-convolution** (Odena et al. 2016) enlarges by interpolation, and leaves the rest to the convolutions that
# follow. By copying, it is [`nearest_unpooling`](05_nearest_and_nails.md). Here is the bilinear one, which the lecture
# does not have. For features mixing is allowed: they are no class numbers.


# %%
def enlarge_smoothly(x, memory, filters):
    """Up by bilinear interpolation; needs no memory."""
    return layers.UpSampling2D(2, interpolation="bilinear")(narrow(x, filters))


def build_smooth_upsampling(image_shape=(128, 128, 3), num_classes=3, filters=FILTERS):
    """Down by max pooling; up by bilinear interpolation."""
    return encoder_decoder(max_pool, enlarge_smoothly, image_shape, num_classes, filters, name="smooth_upsampling")


own = build_smooth_upsampling(image_shape=(None, None, 3), num_classes=len(CLASSES))
print(own.name, own.input_shape, "to", own.output_shape, f"{own.count_params():,} parameters")
assert own(batch).shape == (*batch.shape[:3], len(CLASSES))

# %% [markdown]
# The skeleton takes care of all else. To train it, hand `training.train` a function without arguments:
#
# ```python
# build = lambda: build_smooth_upsampling((48, 48, 3), len(CLASSES))
# trained, history = training.train(build, recipe, Path(temporary.name) / "own")
# print(zoo.evaluation.evaluate(trained, folder)["at_network_size"]["mean_iou"])
# ```
#
# (One size will do, since this recipe shows no other. Where the first epochs see images of half the size, build with
# `(None, None, 3)`, and hand the weights to a model of one size for the scores.)
#
# Is it better than another way up? One score cannot say: train each with two seeds at least, as [the
# comparison](09_comparison.md) does. `CONTRIBUTING.md` tells how it becomes a stage of the zoo.
#
# ## A layer of your own that saves and loads
#
# Some ideas need a layer that Keras does not have. An example is **pixel shuffle** (Shi et al. 2016). Give each small
# pixel four times as many channels. Then lay these channels out as the four pixels of its window. Nothing is copied and
# nothing is zero.

# %% Four small maps, one for each place of a window, and the large map that pixel shuffle lays them out to
parts = np.arange(16).reshape(4, 2, 2)
shuffled = np.zeros((4, 4), int)
for part, row, column in np.ndindex(4, 2, 2):
    shuffled[2 * row + part // 2, 2 * column + part % 2] = parts[part, row, column]
plots.draw_grids({f"part {part}": parts[part] for part in range(4)} | {"shuffled": shuffled}, windows=(2, 2))

# %% [markdown]
# The layer stands on the base of the zoo's own unpooling layers. The base checks and stores `pool_size`. A layer that
# shall be saved needs two things:
#
# - a **name** under which Keras finds the class again: `register_keras_serializable`;
# - its **arguments**: `get_config` returns them, and `load_model` hands them to `__init__`. Here the base does it.


# %%
@keras.saving.register_keras_serializable("your_own")
class PixelShuffle2D(WindowLayer):
    """Lays groups of channels out as the pixels of a window: (b, h, w, places * c) to (b, h * rows, w * columns, c)."""

    def call(self, inputs):
        places = self.pool_size[0] * self.pool_size[1]
        return arrange_windows(ops.split(inputs, places, axis=-1), self.pool_size)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = super().compute_output_shape(input_shape)  # unpooling keeps them
        return batch, height, width, channels // (self.pool_size[0] * self.pool_size[1])


def shuffle_up(x, memory, filters):
    """Up by a 1x1 convolution to four times the channels, laid out as windows; needs no memory."""
    return PixelShuffle2D(2)(layers.Conv2D(4 * filters, 1)(x))


four_channels = np.moveaxis(parts, 0, -1)[None].astype("float32")  # (1, 2, 2, 4)
assert np.array_equal(np.array(PixelShuffle2D(2)(four_channels))[0, :, :, 0], shuffled)

shuffling = encoder_decoder(max_pool, shuffle_up, (48, 48, 3), len(CLASSES), FILTERS, name="pixel_shuffle")
shuffling.save(Path(temporary.name) / "pixel_shuffle.keras")
loaded = keras.saving.load_model(Path(temporary.name) / "pixel_shuffle.keras")
assert np.allclose(loaded(batch), shuffling(batch), atol=1e-5)
print("saved, loaded, and the same logits")

# %% [markdown]
# In another program, import the module that defines your layer before you load: the import registers it, as `import
# zoo.layers` registers ours.
#
# Is pixel shuffle really new to the zoo? The [transposed convolution](07_transposed_convolution.md) of 2 x 2 and stride
# 2 makes four numbers from each pixel by weights, too. With the same weights both give the same numbers.

# %%
x = np.random.default_rng(2).normal(size=(1, 5, 7, 6)).astype("float32")
transposed, pointwise = layers.Conv2DTranspose(3, 2, strides=2), layers.Conv2D(4 * 3, 1)
expected = transposed(x)
pointwise.build(x.shape)
kernel, bias = transposed.get_weights()  # (2, 2, out, in) and (out,)
columns = [kernel[place // 2, place % 2].T for place in range(4)]  # each (in, out)
pointwise.set_weights([np.concatenate(columns, axis=1)[None, None], np.tile(bias, 4)])
assert np.allclose(PixelShuffle2D(2)(pointwise(x)), expected, atol=1e-5)
print("1x1 convolution + pixel shuffle = transposed convolution, 2 x 2 with stride 2")

# %% [markdown]
# !!! abstract "What this step mends, what it leaves broken"
#     You can now change every part: the data, the classes, the size, the way up, the layer. What stays hard is to know
#     whether a change is an improvement. Do you have a tenth stage? [Start again](index.md) from the question: what
#     does it remember on the way down?
#
# Beside the story stand five more pages: [signals](11_signals.md), [losses](12_losses.md), [what came
# after](13_after.md), [fine-tune](14_fine_tune.md) and [where places must matter](15_places.md).
#
# ## References
#
# - Odena, Dumoulin and Olah: *Deconvolution and Checkerboard Artifacts*. Distill, 2016.
#   [distill.pub](https://distill.pub/2016/deconv-checkerboard/). Resize-convolution.
# - Shi et al.: *Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural
#   Network*. 2016. [arXiv:1609.05158](https://arxiv.org/abs/1609.05158). Pixel shuffle.
# - Shi et al.: *Is the deconvolution layer the same as a convolutional layer?* 2016.
#   [arXiv:1609.07009](https://arxiv.org/abs/1609.07009). Where pixel shuffle equals a transposed convolution.
# - Keras: [*Save, serialize, and export models*](https://keras.io/guides/serialization_and_saving/).
