# %% [markdown]
# # Your own: data, size, way up, layer
#
# The zoo was trained on pets. **What do you change for photos, classes and ideas of your own?** Little: a stage takes
# the image's shape and the number of classes as arguments, and its two small functions can be exchanged one by one.
#
# This page does it with a data set that has nothing to do with pets. Its scenes show circles, squares and triangles.

# %% Three toy scenes, and below each its mask: circles orange, squares pink, triangles green tags=["picture"]
import inspect
import io
import tempfile
import textwrap
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops
from matplotlib.figure import Figure
from PIL import Image

import zoo
from zoo import data, evaluation, inspection, plots
from zoo.layers.windows import WindowLayer, arrange_windows
from zoo.models.blocks import max_pool, narrow
from zoo.models.encoder_decoder import encoder_decoder
from zoo.models.nearest_unpooling import build_nearest_unpooling

CLASSES = ("background", "circle", "square", "triangle")
PALETTE = np.array([plots.COLOURS[1], plots.COLOURS[0], plots.COLOURS[2], [0, 158, 115]], "uint8")
PAINTS = np.array([[0, 0, 0], [0.7, 0.4, 0.4], [0.4, 0.7, 0.4], [0.4, 0.4, 0.7]])  # of circles, squares, triangles


def inside(shape, x, y):
    """Where a shape of size 1 around the origin is, as booleans."""
    if shape == "circle":
        return np.hypot(x, y) < 1
    if shape == "square":
        return np.maximum(abs(x), abs(y)) < 0.9
    return (y < 0.8) & (y > 2 * abs(x) - 1)


def draw_scene(rng, height, width):
    """A photo of three shapes on a dark ground, and its mask: uint8 (h, w, 3) and (h, w)."""
    image = rng.uniform(0, 0.35, (height, width, 3))
    mask = np.zeros((height, width), "uint8")
    y, x = np.mgrid[:height, :width]
    for _ in range(3):
        number = rng.integers(1, len(CLASSES))
        size, row, column = rng.uniform(9, 15), rng.uniform(9, height - 9), rng.uniform(9, width - 9)
        where = inside(CLASSES[number], (x - column) / size, (y - row) / size)
        colour = PAINTS[number] + rng.uniform(-0.2, 0.2, 3)
        image[where] = colour + rng.normal(0, 0.15, (where.sum(), 3))
        mask[where] = number
    return (255 * image.clip(0, 1)).astype("uint8"), mask


rng = np.random.default_rng(0)
scenes = [draw_scene(rng, *rng.integers(48, 65, 2)) for _ in range(1000)]
scene_images = {f"scene {number}": image for number, (image, _) in enumerate(scenes[:3], start=1)}
scene_masks = {f"mask {number}": PALETTE[mask] for number, (_, mask) in enumerate(scenes[:3], start=1)}
plots.draw_images(scene_images | scene_masks, columns=3)

# %% [markdown]
# There are four classes, and the scenes differ in size. Most circles are reddish, most squares greenish and most
# triangles bluish, so that a small network soon learns *what*. What is left to learn is *where*: the outlines.
#
# ## A folder of your own
#
# Your photos will be files. So we write the scenes into a folder first, as you would find them: `images/` and `masks/`,
# with the same names in both. A mask is a picture whose values are the class numbers, from 0. `classes.txt` names the
# classes, a line each.

# %%
temporary = tempfile.TemporaryDirectory()
folder = Path(temporary.name) / "shapes"
for part in ("images", "masks"):
    (folder / part).mkdir(parents=True)
for number, (image, mask) in enumerate(scenes):
    Image.fromarray(image).save(folder / "images" / f"{number:04}.png")
    Image.fromarray(mask).save(folder / "masks" / f"{number:04}.png")
(folder / "classes.txt").write_text("\n".join(CLASSES))

print(inspection.report(data.look(folder)))

# %% [markdown]
# Make that look on your own folder, too, before you spend an hour on it (`python -m zoo inspect FOLDER`). It names
# photos without a mask, pairs of different size, and numbers that are no class. Each scene belongs to one of three
# splits. The hash of its name decides which, so that a new picture moves no old one.
#
# !!! question "Try it"
#     A photo may be a JPEG file. May a mask? Store a mask as JPEG, read it again and count the pixels with another
#     class.

# %% tags=["solution"]
mask = scenes[0][1]
file = io.BytesIO()
Image.fromarray(mask).save(file, "jpeg", quality=95)
changed = np.asarray(Image.open(file, formats=["JPEG"])) != mask
print(f"JPEG at quality 95 changed the class of {changed.mean():.0%} of the pixels")
assert changed.any()
# JPEG keeps what the eye sees, and the eye does not see the step from 2 to 3. Masks are PNG files.

# %% [markdown]
# From the command line the rest is one line: `python -m zoo train unet --dataset FOLDER`. Here we take
# each step ourselves. `data.load` takes the path of a folder as it takes the name of a data set, and gives batches.

# %%
SIZE = 48
images, masks = next(iter(data.load(folder, "train", SIZE, 4, augmentation=data.Augmentation())))
print("images", images.shape, images.dtype.name)
print("masks ", masks.shape, masks.dtype.name)
assert images.shape == (4, SIZE, SIZE, 3)
assert set(np.unique(masks)) <= set(range(len(CLASSES)))

# %% [markdown]
# Now a stage. Three arguments say all that is yours: the shape of the images, the number of classes, and, as the scenes
# are simple, fewer filters than for pets. What `build` returns is an ordinary Keras model. `compile` and `fit` train
# it.


# %%
def fit(model, seed, epochs=2):
    mild = data.Augmentation(scale_jitter=1.0, light=0.0)  # the colours tell the classes
    batches = data.load(folder, "train", SIZE, 4, mild, seed, epochs=range(epochs))
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(5e-3, len(batches)))
    optimizer.build(model.trainable_variables)  # else TensorFlow traces the first step twice
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, jit_compile=False)  # XLA would compile for longer than it saves
    history = model.fit(batches, epochs=epochs, steps_per_epoch=len(batches) // epochs, shuffle=False, verbose=0)
    return history.history["loss"]


FILTERS = (8, 16, 32)
keras.utils.set_random_seed(0)
unet = zoo.build("unet", image_shape=(SIZE, SIZE, 3), num_classes=len(CLASSES), filters=FILTERS)
losses = fit(unet, seed=0)
print(f"{unet.count_params():,} parameters")
print("loss of each epoch:", *(f"{loss:.2f}" for loss in losses))
assert losses[-1] < losses[0]

# %% [markdown]
# The batches are small on purpose, because they make many steps of few images. Batch normalisation uses *running means*
# when it predicts. Each training step moves them a little from their first values towards the true ones. Stop a
# training too early, and its loss looks fine while its score is bad.
#
# `evaluate` takes the names of the classes from the folder, too.


# %%
def score(model):
    return evaluation.evaluate(model, folder, ways=("at_network_size",))["at_network_size"]


summary = score(unet)
for name, iou in summary["iou"].items():
    print(f"{name:<11}{iou:.2f}")
print(f"{'mean IoU':<11}{summary['mean_iou']:.2f}")
assert summary["mean_iou"] > 0.5  # "background everywhere" stays below 1 / 4

# %% [markdown]
# `zoo.predict` works with your model as it does with ours: a scene of any size in, a class for each of its pixels out.
# A shape whose colour does not tell its class may get a wrong one.

# %% Three scenes of the test split, their masks, and below each the classes that the U-Net answers tags=["picture"]
unseen = list(data.examples(folder, "test").take(3).as_numpy_iterator())
answers = {f"scene {number}": image for number, (image, _) in enumerate(unseen, start=1)}
answers |= {f"mask {number}": PALETTE[mask] for number, (_, mask) in enumerate(unseen, start=1)}
answers |= {f"U-Net {number}": PALETTE[zoo.predict(unet, image)] for number, (image, _) in enumerate(unseen, start=1)}
assert answers["U-Net 1"].shape == unseen[0][0].shape
plots.draw_images(answers, columns=3)

# %% [markdown]
# Have you few pictures? You may begin from weights that have seen others: `python -m zoo train unet --dataset FOLDER
# --start unet` takes over all of our U-Net but its logits. Whether that helps depends on your pictures:
# `python -m zoo.finetuning FOLDER` tries it on 20, 100 and 500 of them.
#
# ## Another image size
#
# Each level of an encoder-decoder halves the sides. If a side cannot be halved so often, a row would get lost on the
# way down, and on the way up the maps would not fit. So the zoo refuses such a size at once:

# %%
try:
    zoo.build("unet", image_shape=(100, 100, 3))
except ValueError as error:
    print(textwrap.fill(str(error), 75))

# %% [markdown]
# With the default filters four levels halve, so the sides are multiples of 16. Non-square images are no problem.
# And where you write `None`, any such size will do. Convolutions have no size, so **the weights are the same**: a model
# that was trained at one size lends them to a model for all sizes.

# %%
sides = (None, None, 3)
any_size = zoo.build("unet", image_shape=sides, num_classes=len(CLASSES), filters=FILTERS)
any_size.set_weights(unet.get_weights())

batch = next(data.load(folder, "test", SIZE, 50).as_numpy_iterator())[0]
assert np.allclose(any_size(batch), unet(batch), atol=1e-3)

wide, wide_mask = draw_scene(np.random.default_rng(9), 48, 144)
wide_logits = np.array(any_size(wide[None] / np.float32(255)))[0]
wide_answer = wide_logits.argmax(-1)
print("wide scene", wide.shape, "  answer", wide_answer.shape)
assert wide_answer.shape == wide_mask.shape

# %% A wide scene, its mask, and what the model for any size answers, from top to bottom tags=["picture"]
figure = Figure(figsize=(5, 5.8), layout="constrained")
rows = {"wide scene": wide, "mask": PALETTE[wide_mask], "U-Net": PALETTE[wide_answer]}
for axis, (title, picture) in zip(figure.subplots(3), rows.items(), strict=True):
    axis.imshow(picture, interpolation="nearest")
    axis.set_title(title, fontsize=10)
    axis.set_axis_off()
figure

# %% [markdown]
# That a model *runs* at another size does not mean that it is good there. Here the shapes are about as large as in
# the training. A network that saw whole pets does not know a pet ten times as large, of which it sees only fur at once.
# That is why `zoo.predict` squeezes each photo to the size of the training.
#
# ## A way up of your own
#
# All encoder-decoders of the zoo are one skeleton and two functions, `down(x, filters)` and `up(x, memory, filters)`.
# Write another `up`, and you have a new architecture. **Resize-convolution**
# (Odena et al. 2016) enlarges by interpolation, and leaves the rest to the convolutions that follow. By nearest
# neighbour, it is our `nearest_unpooling`. Here is the bilinear one, which the lecture does not have. For features
# mixing is allowed: they are no class numbers.


# %%
def enlarge_smoothly(x, memory, filters):
    """Up by bilinear interpolation; needs no memory."""
    return layers.UpSampling2D(2, interpolation="bilinear")(narrow(x, filters))


def build_smooth_upsampling(image_shape=(128, 128, 3), num_classes=3, filters=(16, 32, 64, 96, 128)):
    """Down by max pooling; up by bilinear interpolation."""
    return encoder_decoder(max_pool, enlarge_smoothly, image_shape, num_classes, filters, name="smooth_upsampling")


# %% A map of four numbers, enlarged by copying on the left and by bilinear interpolation on the right
small = np.array([[0, 4], [8, 16]], "float32")
copied = small.repeat(2, axis=0).repeat(2, axis=1)
smooth = np.array(layers.UpSampling2D(2, interpolation="bilinear")(small[None, :, :, None]))[0, :, :, 0]
plots.draw_grids({"small": small, "nearest": copied, "bilinear": smooth}, windows=(2, 2))

# %% [markdown]
# Like [nearest neighbour](05_nearest_and_nails.md) it remembers nothing, but it invents slopes instead of steps. Is
# that better? Train it beside `nearest_unpooling`, with the same data, steps and learning rate, and each of them
# **twice**, with two seeds. The seed decides the first weights, the order of the scenes and how each of them is moved
# at random, nothing else. One pass over the scenes is short, and enough to see what this is about.

# %%
shared = {"image_shape": (SIZE, SIZE, 3), "num_classes": len(CLASSES), "filters": FILTERS}
builders = {"smooth_upsampling": build_smooth_upsampling, "nearest_unpooling": build_nearest_unpooling}
means = {name: [] for name in builders}
rows = [f"{'mean IoU with':<22}  seed 1  seed 2"]
for name, build in builders.items():
    for seed in (1, 2):
        keras.utils.set_random_seed(seed)
        model = build(**shared)
        fit(model, seed, epochs=1)
        means[name].append(score(model)["mean_iou"])
    rows.append(f"{name:<22}  " + "  ".join(f"{mean:>6.3f}" for mean in means[name]))
print("\n".join(rows))

# %% [markdown]
# Before you name a winner, look along the rows. The two numbers of a row come from the *same* architecture: their
# difference is noise. A difference between rows means something only if it is clearly larger.

# %%
noise = max(abs(first - second) for first, second in means.values())
worse, better = sorted(means, key=lambda name: np.mean(means[name]))
gap = np.mean(means[better]) - np.mean(means[worse])
verdict = "larger than the noise" if gap > noise else "within the noise"
print(f"{better} - {worse}: {gap:.3f}, {verdict} ({noise:.3f})")

# %% [markdown]
# Two seeds are few, and a toy is no photo. Such a test can show that an idea trains. To show that it is better takes
# the full recipe, more seeds and real data.
#
# ## How it becomes a stage of the zoo
#
# A stage has one name, and whoever knows the name has found everything. This is all of `nearest_unpooling`:

# %%
print(inspect.getsource(inspect.getmodule(build_nearest_unpooling)))

# %% [markdown]
# For yours, fork the repository and follow its `CONTRIBUTING.md`:
#
# 1. **The file**: `zoo/models/smooth_upsampling.py`, with the two functions above and the docstrings of its neighbours.
# 2. **The name**: an entry for `"smooth_upsampling"` in `REGISTRY`, in `zoo/stages.py`, at its place in the story. It
#    says which page explains the stage, what it does and what is still wrong with it. From then on `zoo.build`, the
#    command line, the site and the tests know it.
# 3. **The test**: `tests/models/test_every_stage.py` runs over all `STAGES`. It checks shapes, unknown sides, mixed
#    precision, that every weight learns, save and load. A layer of your own needs a test in `tests/layers/` that
#    compares it with a loop.
# 4. **The weights**: `python -m zoo grid --out saved_models` leaves alone what is trained, and trains yours with the
#    recipe that all others share, scores it on the test split and writes its card. It needs the photos, and a GPU or a
#    day's patience. With `--short --out saved_models/seeds` it takes a tenth of that, and puts the card beside those
#    that [the comparison](09_comparison.md) reads.
# 5. **What is left**: write what the model gets wrong under `limits` in its card, put the table of `python -m zoo list`
#    into `README.md`, and explain it on its page.
#
# Some of the checks of point 3 are quickly made here, by hand:

# %%
assert build_smooth_upsampling().name == "smooth_upsampling"
assert build_smooth_upsampling(image_shape=(32, 48, 3), num_classes=5).output_shape == (None, 32, 48, 5)
assert build_smooth_upsampling(image_shape=(None, None, 3)).output_shape == (None, None, None, 3)

# %% [markdown]
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
        batch, height, width, channels = super().compute_output_shape(input_shape)  # of unpooling, which keeps them
        return batch, height, width, channels // (self.pool_size[0] * self.pool_size[1])


four_channels = np.moveaxis(parts, 0, -1)[None].astype("float32")  # (1, 2, 2, 4)
assert np.array_equal(np.array(PixelShuffle2D(2)(four_channels))[0, :, :, 0], shuffled)
config = PixelShuffle2D(2).get_config()
print("pool_size:", config["pool_size"])

# %% [markdown]
# An `up` with it, a model, and the way to the disk and back:


# %%
def shuffle_up(x, memory, filters):
    """Up by a 1x1 convolution to four times the channels, laid out as windows; needs no memory."""
    return PixelShuffle2D(2)(layers.Conv2D(4 * filters, 1)(x))


shuffling = encoder_decoder(max_pool, shuffle_up, name="pixel_shuffle", **shared)
shuffling.save(folder / "pixel_shuffle.keras")
loaded = keras.saving.load_model(folder / "pixel_shuffle.keras")

assert any(isinstance(layer, PixelShuffle2D) for layer in loaded.layers)
assert np.allclose(loaded(batch), shuffling(batch), atol=1e-5)
print("saved, loaded, and the same logits")

# %% [markdown]
# In another program, import the module that defines your layer before you load: the import registers it. In the same
# way `import zoo.layers` registers ours.
#
# !!! question "Try it"
#     Is pixel shuffle really new to the zoo? Compare `shuffle_up` with the
#     [transposed convolution](07_transposed_convolution.md) of 2 x 2 and stride 2. Both make four numbers from each
#     pixel, by weights. Copy the weights of one into the other and compare the results.

# %% tags=["solution"]
x = np.random.default_rng(2).normal(size=(1, 5, 7, 6)).astype("float32")
transposed = layers.Conv2DTranspose(3, 2, strides=2)
expected = np.array(transposed(x))

pointwise = layers.Conv2D(4 * 3, 1)
pointwise.build(x.shape)
kernel, bias = transposed.get_weights()  # (2, 2, out, in) and (out,)
columns = [kernel[place // 2, place % 2].T for place in range(4)]  # each (in, out)
pointwise.set_weights([np.concatenate(columns, axis=1)[None, None], np.tile(bias, 4)])

assert np.allclose(np.array(PixelShuffle2D(2)(pointwise(x))), expected, atol=1e-5)
print("1x1 convolution + pixel shuffle = transposed convolution, 2 x 2 with stride 2")
# A kernel as wide as its stride never overlaps, so that each window depends on one pixel alone. Only the biases differ:
# pixel shuffle could learn one for each place, the transposed convolution has one for the window.

# %% [markdown]
# ## Take it with you
#
# A phone or a browser has no Keras. `python -m zoo export` writes a saved stage, or a `.keras` file of yours, for
# [ONNX Runtime, LiteRT or TensorFlow](reference/exporting.md), and says how well the file's answers agree with Keras's.
#
# !!! abstract "What this step mends, what it leaves broken"
#     You can now change every part: the data, the classes, the size, the way up, the layer. What stays hard is to know
#     whether a change is an improvement. [The comparison](09_comparison.md) shows how much care the nine needed. Do you
#     have a tenth? [Start again](index.md) from the question: what does it remember on the way down?
#
# Three more pages stand beside the story: what shrinking and growing do to [signals](11_signals.md), what
# [losses](12_losses.md) do to hard classes, and [what came after](13_after.md) the U-Net.
#
# ## References
#
# - Odena, Dumoulin and Olah: *Deconvolution and Checkerboard Artifacts*. Distill, 2016.
#   [distill.pub](https://distill.pub/2016/deconv-checkerboard/). Resize-convolution.
# - Shi et al.: *Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural
#   Network*. 2016. [arXiv:1609.05158](https://arxiv.org/abs/1609.05158). Pixel shuffle.
# - Shi et al.: *Is the deconvolution layer the same as a convolutional layer?* 2016.
#   [arXiv:1609.07009](https://arxiv.org/abs/1609.07009).
# - Keras: [*Save, serialize, and export models*](https://keras.io/guides/serialization_and_saving/).
