# %% [markdown]
# # The task: a class for every pixel
#
# A classifier answers *what* is in a photo. This zoo asks one question more: **where exactly?** The answer is a map as
# large as the photo, with one class for every pixel. Making such a map is called **semantic segmentation**.

# %% Three photos, and below each its map: the pet in orange, background in blue, border in pink tags=["picture"]
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy import ndimage
from skimage.data import chelsea

import zoo
from zoo import data, plots, saved
from zoo.data import augmentation, squeezing
from zoo.evaluation import Scores, boundary, confusion_matrix

dataset = data.default_dataset()
examples = list(data.examples(dataset, "test").take(300).as_numpy_iterator())
photos = {f"photo {number}": image for number, (image, _) in enumerate(examples[:3], start=1)}
maps = {f"map of photo {number}": mask for number, (_, mask) in enumerate(examples[:3], start=1)}
plots.draw_images(photos | maps, columns=3)

# %% [markdown]
# Here the classes are **pet** (orange), **background** (blue) and **border** (pink, a thin band along the outline of
# the pet). In all maps of classes these colours mean the same. A map of true classes is called a **mask**. People drew
# the masks of the photos, and a model has to answer with a map like them. (The [glossary](glossary.md) has all words of
# these pages, in Chinese too.)
#
# ## Every pixel, not every object
#
# Two cats sit side by side, so close that they touch. Whoever counts *objects* numbers them: cat 1, cat 2. Semantic
# segmentation numbers the *classes*. Both cats are pet, and their pixels grow together into one region.


# %% Two touching cats, numbered 1 and 2 on the left, and both with the one class 0 on the right tags=["picture"]
def draw_labels(grids, palettes=None):
    """Draws small maps of whole numbers, each cell in the colour of its number."""
    widths = [grid.shape[1] for grid in grids.values()]
    height = max(grid.shape[0] for grid in grids.values())
    figure = Figure(figsize=(0.4 * sum(widths) + 0.3 * len(grids), 0.4 * height + 0.5), layout="constrained")
    all_axes = figure.subplots(1, len(grids), squeeze=False, width_ratios=widths)[0]
    for axis, (title, grid) in zip(all_axes, grids.items(), strict=True):
        colours = (palettes or {}).get(title, plots.COLOURS) / 255
        for (row, column), number in np.ndenumerate(grid):
            cell = Rectangle((column, row), 1, 1, facecolor=(*colours[number], 0.5), edgecolor="black", linewidth=0.6)
            axis.add_patch(cell)
            axis.text(column + 0.5, row + 0.5, number, ha="center", va="center")
        axis.set(xlim=(0, grid.shape[1]), ylim=(grid.shape[0], 0), aspect="equal", anchor="N")
        axis.set_title(title, fontsize=10)
        axis.set_axis_off()
    return figure


objects = np.array(
    [
        [0, 1, 0, 1, 0, 2, 0, 2],
        [0, 1, 1, 1, 0, 2, 2, 2],
        [0, 1, 1, 1, 2, 2, 2, 2],
        [1, 1, 1, 1, 2, 2, 2, 0],
        [1, 1, 1, 1, 2, 2, 2, 0],
    ]
)
classes = np.where(objects > 0, data.CLASSES.index("pet"), data.BACKGROUND)
by_object = np.array([plots.COLOURS[1], [86, 180, 233], [0, 158, 115]])
draw_labels({"objects": objects, "classes": classes}, {"objects": by_object})

# %%
regions = ndimage.label(classes == data.CLASSES.index("pet"))[1]
print(f"{objects.max()} objects, {regions} region of class pet")
assert objects.max() == 2
assert regions == 1

# %% [markdown]
# The number of cats is lost, and that is intended: the task is to know which pixels are pet. To tell the two apart is
# another task, *instance segmentation* (Kirillov et al. compare them).
#
# ## Trimaps: what 1, 2 and 3 mean
#
# The photos come from Oxford-IIIT Pet, cats and dogs of 37 breeds. Its masks are **trimaps**, maps of three values. The
# data set itself calls them *foreground*, *background* and *not classified*. The third one is what the people who drew
# it left undecided: mostly a band along the outline, fur and whiskers, where nobody can say which pixel is pet, and
# also things such as collars. These pages take it for a class of its own, **border**. That is a choice, and further
# below we ask [what it does to the scores](#what-to-do-with-the-border).

# %%
counts = {split: len(data.examples(dataset, split)) for split in data.SPLITS}
print("\n".join(f"{split:<16} {count:>5,} examples" for split, count in counts.items()))

scored_on = saved.card("unet")["dataset"]["test"]
print(f"saved models: scored on {scored_on['examples']:,}, of at most {max(scored_on['largest'])} pixels a side")

# %% [markdown]
# The official test split has 3,669 photos, and most are larger than those of this copy. The saved models were scored on
# the reduced copy of the last line, so the scores of the pages hold for that one. After `python -m zoo download` you
# have the official photos, and your scores can differ a little.
#
# The files hold the numbers **1 for pet, 2 for background and 3 for border** (not classified). Since a network counts
# its outputs from 0, we subtract 1. Here is a piece of a mask where all three meet:


# %% A piece of a mask as numbers 1, 2, 3 as in the file on the left, and as 0, 1, 2 on the right tags=["picture"]
def piece(corner, side=6):
    row, column = corner
    return small_mask[row : row + side, column : column + side]


def pixels_of_rarest_class(corner):
    return np.bincount(piece(corner).ravel(), minlength=3).min()


small_mask = squeezing.resize_mask(examples[0][1], 64).numpy()
corner = max(np.ndindex(64 - 6, 64 - 6), key=pixels_of_rarest_class)
shifted_palette = np.vstack([[0, 0, 0], plots.COLOURS])
draw_labels({"in the file": piece(corner) + 1, "here": piece(corner)}, {"in the file": shifted_palette})

# %% [markdown]
# One can easily get these names wrong. The segmentation tutorial of TensorFlow lists the three as pet, *border*,
# *surrounding*: the last two are swapped. We need not believe anybody, because the masks themselves tell. The
# background should be what a photo has along its edge. The border should be so thin that few of its pixels have nothing
# but border around them.

# %%
pixels, along_edge, deep = np.zeros(3), np.zeros(3), np.zeros(3)
for _, mask in examples:
    edge = np.ones(mask.shape, bool)
    edge[1:-1, 1:-1] = False
    # Deep inside: within 4 pixels there is one class only.
    uniform = ndimage.maximum_filter(mask, 9) == ndimage.minimum_filter(mask, 9)
    pixels += np.bincount(mask.ravel(), minlength=3)
    along_edge += np.bincount(mask[edge], minlength=3)
    deep += np.bincount(mask[uniform], minlength=3)

shares = zip(pixels / pixels.sum(), along_edge / along_edge.sum(), deep / pixels, strict=True)
print("in the file  pixels   edge  deep inside")
for number, (of_all, of_edge, inside) in enumerate(shares, start=1):
    print(f"{number:>11}  {of_all:>6.0%}  {of_edge:>5.0%}  {inside:>11.0%}")
assert along_edge.argmax() + 1 == 2  # background
assert (deep / pixels).argmin() + 1 == 3  # border

# %% [markdown]
# Number 2 lies along the edge, and number 3 is thin: 2 is background, and 3 is border. A swap would not stop a
# training. It would only give wrong names to good answers, and a score "without the border" would leave out the
# background.
#
# ## From files to batches
#
# A network takes batches: many images of one size, in random order, as floating-point numbers. `tf.data` makes them
# step by step. The order of the steps matters. (One pass over all training images is an *epoch*.)
#
# | step | what it does | why it stands here |
# | --- | --- | --- |
# | examples | reads a photo and its mask | each has its own size |
# | squeeze | makes both 128 x 128 | a batch needs one size |
# | cache | keeps the squeezed examples in memory | up to here every epoch is the same: it is done once |
# | shuffle | changes the order | after the cache, or the first order would stay |
# | batch | stacks examples | before scaling and augmenting, which then take a whole batch at once |
# | scale | makes numbers from 0 to 1 | after the cache, where bytes take a quarter of the memory |
# | augment | moves and lights each example at random | after the cache, or each epoch would see the same |
# | prefetch | prepares the next batch while the network computes | last, so that all steps run ahead |
#
# As they are stored, photos have different sizes. A mask is as large as its photo.

# %%
for image, mask in examples[:3]:
    print("photo", image.shape, image.dtype, "  mask", mask.shape, mask.dtype)


# %% [markdown]
# Squeezed, all have one size. Without shuffling and augmentation, as for a test, this is the whole chain:


# %%
def squeeze(image, mask):
    return squeezing.resize_image(image, 128), squeezing.resize_mask(mask, 128)


def to_unit_range(image, mask):
    return squeezing.scale(image), mask


chain = (
    data.examples(dataset, "test")
    .take(16)
    .map(squeeze, tf.data.AUTOTUNE)
    .cache()
    .batch(8)
    .map(to_unit_range, tf.data.AUTOTUNE)
    .prefetch(tf.data.AUTOTUNE)
)
images, masks = next(iter(chain))
print("images", images.shape, images.dtype.name)
print("masks ", masks.shape, masks.dtype.name)

# %% [markdown]
# `data.load` holds this chain, and gives the same batch:

# %% tags=["check"]
loaded = data.load(dataset, "test", image_size=128, batch_size=8)
loaded_images, loaded_masks = next(iter(loaded))
assert np.array_equal(images, loaded_images)
assert np.array_equal(masks, loaded_masks)

# %% [markdown]
# ## Augmentation: image and mask together
#
# A few thousand photos are few. So each epoch shows every photo a little differently: flipped, turned, scaled, shifted,
# lighter or darker. What moves the image must move the mask in the same way. What changes the light must leave the mask
# alone.

# %% A photo and its mask as squeezed, and as two epochs show them: moved together, in another light tags=["picture"]
image, mask = squeeze(*examples[0])


def augmented(epoch, seed=0, number=0):
    key = tf.random.experimental.stateless_fold_in(tf.constant([seed, epoch], tf.int64), tf.constant(number, tf.int64))
    images, masks = augmentation.augment(image[None], tf.cast(mask, tf.uint8)[None], key, data.BACKGROUND)
    return images[0], masks[0]  # a batch of one


views = {"squeezed": (image, mask), "epoch 0": augmented(epoch=0), "epoch 1": augmented(epoch=1)}
view_images = {title: view[0] for title, view in views.items()}
view_masks = {f"{title}, mask": view[1] for title, view in views.items()}
plots.draw_images(view_images | view_masks, columns=3)

# %% [markdown]
# Chance can be repeated. Three numbers make a **key**: the seed of the training, the epoch, and the number of the
# batch. The same key always gives the same result. So a training can be repeated, and one that was stopped goes on with
# the images that it would have seen.

# %% tags=["check"]
once, again, later = augmented(epoch=0), augmented(epoch=0), augmented(epoch=1)
assert np.array_equal(once[0], again[0])
assert np.array_equal(once[1], again[1])
assert not np.array_equal(once[0], later[0])


def first_batch(epoch):
    options = {"augmentation": data.Augmentation(), "seed": 0, "epochs": (epoch,)}
    batches = data.load(dataset, "validation", image_size=128, batch_size=8, **options)
    return next(iter(batches))


once, again, later = first_batch(0), first_batch(0), first_batch(1)
assert np.array_equal(once[0], again[0])
assert np.array_equal(once[1], again[1])
assert not np.array_equal(once[0], later[0])

# %% [markdown]
# !!! question "Try it"
#     A colleague puts `.cache()` *after* the augmentation. Nothing fails, and the training is even faster. What is
#     lost? Show it with a data set of three random numbers.

# %% tags=["solution"]
random_numbers = tf.data.Dataset.range(3).map(lambda number: tf.random.uniform([]))
cached_after = random_numbers.cache()

first_epoch, second_epoch = list(cached_after.as_numpy_iterator()), list(cached_after.as_numpy_iterator())
print("random, then cache:", np.round(first_epoch, 2), np.round(second_epoch, 2))
assert first_epoch == second_epoch  # each epoch sees the same: chance was drawn only once

first_epoch, second_epoch = list(random_numbers.as_numpy_iterator()), list(random_numbers.as_numpy_iterator())
print("random, no cache:  ", np.round(first_epoch, 2), np.round(second_epoch, 2))
assert first_epoch != second_epoch

# %% [markdown]
# ## Masks are resized by nearest neighbour only
#
# The photo is squeezed by mixing neighbouring pixels. For colours that is right: between black and white lies grey. For
# class numbers it is wrong. **Background, 1, does not lie between pet, 0, and border, 2.**
#
# Take a mask that holds no background at all, and halve it in both ways.


# %% tags=["numbers"]
def halve_by_mixing(mask):
    height, width = mask.shape
    small = np.zeros((height // 2, width // 2), int)
    for row in range(height // 2):
        for column in range(width // 2):
            window = mask[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            small[row, column] = round(window.mean())
    return small


def halve_by_nearest(mask):
    return mask[1::2, 1::2]


mask = np.array([[0, 0, 0, 2, 2, 2]] * 2 + [[0, 0, 0, 0, 0, 2]] * 2)
mixed, nearest = halve_by_mixing(mask), halve_by_nearest(mask)
assert not (mask == data.BACKGROUND).any()
assert (mixed == data.BACKGROUND).sum() == 2  # invented
assert set(np.unique(nearest)) <= set(np.unique(mask))

for method, by_hand in {"bilinear": mixed, "nearest": nearest}.items():
    resized = tf.image.resize(mask[..., None], (2, 3), method)[..., 0]
    assert np.array_equal(np.round(resized), by_hand), method
print(f"mixed: {(mixed == data.BACKGROUND).sum()} cells of background, nearest: {(nearest == data.BACKGROUND).sum()}")

# %% A mask of pet 0 and border 2. Halved by mixing it has two cells of background 1, by nearest neighbour none
draw_labels({"mask": mask, "mixed (bilinear)": mixed, "nearest": nearest})

# %% [markdown]
# Two cells of background stand between pet and border, where no background was. The loops and TensorFlow agree.
#
# How often does this happen to real masks? A pixel is *invented* if it became background although none of the pixels
# that it was mixed from was background. We squeeze 100 masks to 96 x 96.


# %%
def squeeze_by_mixing(mask):
    """Returns the squeezed mask, and which of its pixels are invented background."""
    is_background = mask == data.BACKGROUND
    both = np.stack([mask, is_background], axis=-1)
    resized = tf.image.resize(both, (96, 96), "bilinear").numpy()
    mixed = np.round(resized[..., 0]).astype(int)
    share_of_background = resized[..., 1]
    return mixed, (mixed == data.BACKGROUND) & (share_of_background == 0)


invented = [squeeze_by_mixing(mask)[1].sum() for _, mask in examples[:100]]
print(f"{np.count_nonzero(invented)} of 100 masks have invented pixels,")
print(f"{np.mean(invented):.0f} of {96 * 96:,} on average")
assert sum(invented) > 0

# %% A piece of a mask squeezed both ways: mixing leaves blue background between pet and border tags=["picture"]
worst = int(np.argmax(invented))
mask = examples[worst][1]
mixed, wrong = squeeze_by_mixing(mask)
window = np.ones((48, 48))
row, column = np.unravel_index(ndimage.convolve(wrong.astype(float), window, mode="constant").argmax(), wrong.shape)
row, column = np.clip([row, column], 24, 96 - 24)
cut = np.s_[row - 24 : row + 24, column - 24 : column + 24]
nearest = squeezing.resize_mask(mask, 96).numpy()
plots.draw_images({"nearest": nearest[cut], "bilinear": mixed[cut], "invented": wrong[cut].astype(float)}, columns=3)

# %% [markdown]
# Nobody drew these lines of background between a pet and its border. `data.load` never mixes masks, neither when it
# squeezes nor when it augments.
#
# ## Mean IoU, by hand
#
# A model answers. How good is the answer? Here is a small truth and a small answer. Some cells differ.

# %% Truth and answer, 4 x 4 cells each; they differ in three cells at the outline of the pet
truth = np.array([[1, 1, 1, 1], [2, 2, 2, 1], [0, 0, 2, 1], [0, 0, 2, 1]])
answer = np.array([[1, 1, 1, 1], [1, 2, 2, 1], [0, 2, 2, 1], [0, 0, 0, 1]])
draw_labels({"truth": truth, "answer": answer})

# %% [markdown]
# First we count, for each pixel, which class it has and which it was given. The **confusion matrix** has a row for each
# true class and a column for each answered class. Each pixel adds 1 to one of its cells.

# %%
confusion = np.zeros((3, 3), int)
for true_class, answered_class in zip(truth.ravel(), answer.ravel(), strict=True):
    confusion[true_class, answered_class] += 1

assert np.array_equal(confusion, confusion_matrix(truth, answer, 3))
print(f"{(truth != answer).sum()} of {truth.size} pixels are wrong")
assert confusion.sum() - confusion.trace() == (truth != answer).sum()

# %% The confusion matrix: rows are true classes, columns answered classes; hits stand on the diagonal tags=["picture"]
figure = Figure(figsize=(4.2, 2.9), layout="constrained")
axis = figure.subplots()
for (row, column), count in np.ndenumerate(confusion):
    colour = (*plots.COLOURS[row] / 255, 0.5) if row == column else "none"
    axis.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=colour, edgecolor="black", linewidth=0.8))
    axis.text(column, row, count, ha="center", va="center", fontsize=12, alpha=1 if count else 0.35)
axis.set_xticks(range(3), data.CLASSES)
axis.set_yticks(range(3), data.CLASSES)
axis.set(xlim=(-0.5, 2.5), ylim=(2.5, -0.5), aspect="equal", facecolor="none")
axis.set_xlabel("answered", labelpad=10, weight="bold")
axis.set_ylabel("true", labelpad=10, weight="bold")
axis.xaxis.set_label_position("top")
axis.tick_params(length=0, labeltop=True, labelbottom=False)
axis.spines[:].set_visible(False)
figure

# %% [markdown]
# On the diagonal stand the hits. Now take one class, say pet. Some pixels are pet in the truth *and* in the answer: the
# **intersection**. Some are pet in the truth *or* in the answer: the **union**. Their quotient is the **IoU**,
# intersection over union. It is 1 if both agree, and 0 if they never meet. (A class that is in neither has no IoU, and
# the mean leaves it out.)
#
# \[ \mathrm{IoU}_c = \frac{n_{cc}}{\sum_k n_{ck} + \sum_k n_{kc} - n_{cc}} \]
#
# \(n_{ck}\) is the cell of the matrix in row \(c\) and column \(k\). The row holds the true pixels of the class, the
# column the answered ones, and the hits lie in both: so they are subtracted once.

# %% Where both truth and answer are pet on the left, and where either is on the right, as ones and zeros
is_pet, says_pet = truth == 0, answer == 0
both, either = is_pet & says_pet, is_pet | says_pet
plots.draw_grids({"both: intersection": both * 1, "either: union": either * 1})

# %%
ious = []
for number, name in enumerate(data.CLASSES):
    intersection = ((truth == number) & (answer == number)).sum()
    union = ((truth == number) | (answer == number)).sum()
    row, column = confusion[number], confusion[:, number]
    assert union == row.sum() + column.sum() - confusion[number, number]
    ious.append(intersection / union)
    print(f"{name:<10} {intersection} / {union:<2} = {ious[-1]:.3f}")
print(f"mean IoU          {np.mean(ious):.3f}")
print(f"pixel accuracy    {(truth == answer).mean():.3f}")

# %% [markdown]
# The **mean IoU** is the mean over the classes. `Scores` collects images one by one and gives the same:

# %% tags=["check"]
scores = Scores()
scores.add(truth, answer)
summary = scores.summary()
assert np.isclose(summary["mean_iou"], np.mean(ious))
assert np.isclose(summary["pixel_accuracy"], (truth == answer).mean())

# %% [markdown]
# One detail matters when scores are compared: `Scores` adds up the confusion matrices of *all* images first, and
# divides last. The mean of each image's own mean IoU would be another number.
#
# ## Why pixel accuracy is too kind
#
# Pixel accuracy, the share of right pixels, is simpler. Why not take it? Here is the laziest model there is. It looks
# at nothing and says "background" everywhere. Beside it stands the U-Net, the last of our networks, by its **card**: a
# file beside each saved model, with its scores, its data and its training.

# %%
lazy = Scores()
for _, mask in examples:
    lazy.add(mask, np.full_like(mask, data.BACKGROUND))
lazy = lazy.summary()

card = saved.card("unet")
trained = card["scores"]["at_network_size"]
print(f"{'':<22}accuracy  mean IoU")
for name, scored in {"background everywhere": lazy, "U-Net, by its card": trained}.items():
    print(f"{name:<22}{scored['pixel_accuracy']:>8.2f}  {scored['mean_iou']:>8.2f}")
print(f"(first row: {len(examples)} test masks of {dataset};")
print(f" second row: {card['dataset']['test']['examples']:,} test photos of {card['dataset']['name']})")
assert np.isclose(lazy["pixel_accuracy"], 3 * lazy["mean_iou"])

# %% [markdown]
# Its accuracy is three times its mean IoU, although it finds no pixel of a pet. (Why just three? That is the exercise
# below.) Accuracy counts pixels, so it listens to the class that has most of them. In the mean IoU each class has one
# vote, and the thin border counts as much as the wide background. So we compare the *stages*, the nine networks of this
# zoo, by mean IoU.
#
# ## What to do with the border?
#
# In the data set the third value means *not classified*. Many works leave these pixels out of the score, or count them
# as pet. Then the same model gets another number. Nothing has to be run again: the card of the U-Net holds its
# confusion matrix.

# %%
confusion = np.array(trained["confusion"])  # rows: truth, columns: answer
border = data.CLASSES.index("border")


def ious_of(confusion):
    """The IoU of each class that the truth has."""
    hits = confusion.diagonal()
    return hits / (confusion.sum(axis=0)[: len(hits)] + confusion.sum(axis=1) - hits)


left_out = confusion[:border]  # no true border; an answer of border is always wrong
groups = np.array([[1, 0], [0, 1], [1, 0]])  # pet and border become one class
merged = groups.T @ confusion @ groups
for name, matrix in {"a class": confusion, "left out": left_out, "counted as pet": merged}.items():
    found = ious_of(matrix)
    print(f"border {name:<15} mean IoU {found.mean():.3f} of {len(found)} classes:", *found.round(3))
assert np.isclose(ious_of(confusion).mean(), trained["mean_iou"])
assert np.isclose(ious_of(merged)[0], trained["binary_iou"])

# %% [markdown]
# So a mean IoU from elsewhere can be compared with ours only if it counts the border in the same way. (*Left out* is
# hard on our model: wherever it answers *border* at a pixel that is pet or background, it is wrong. A model that was
# trained without the third class would never answer so.)
#
# Why is the border the hardest class? It is thin: an answer of the right shape that lies one or two pixels off loses
# much of its IoU. And where it lies was a decision of people, photo by photo. We keep it as a class because it is what
# these pages are about: whoever gets it right knows *where*. What the loss of a training can do for such a class is
# told on the page about [losses](12_losses.md).
#
# !!! question "Try it"
#     Let \(s\) be the share of background pixels. What are the accuracy and the mean IoU of the lazy model? Find both
#     formulas and check them.

# %% tags=["solution"]
share = pixels[data.BACKGROUND] / pixels.sum()
assert np.isclose(lazy["pixel_accuracy"], share)
# Background: the hits are all true background, the union is every pixel. Pet and border: no hits, so 0.
assert np.isclose(lazy["mean_iou"], share / 3)
print(f"s = {share:.3f}, s / 3 = {share / 3:.3f}")

# %% [markdown]
# ## Boundary IoU
#
# Mean IoU has a weakness of its own. A large pet has many pixels inside and few at its outline, so that an inexact
# outline costs little. **Boundary IoU** (Cheng et al. 2021) looks at the outline alone: the pixels of the pet that lie
# within a small distance of its outside, 2 % of the image's diagonal (the edge of the photo counts as outside). Of
# those pixels, in truth and answer, it takes the IoU: one for each photo, and the score is their mean. For this score
# pet and border count as one, since their common outline is what matters.
#
# Take a disc, and an answer that is the same disc, shifted by four pixels:

# %% A disc, its boundary, and the boundary of an answer that is shifted by four pixels
rows, columns = np.mgrid[:128, :128]
disc = np.hypot(rows - 64, columns - 60) < 40
shifted = np.roll(disc, 4, axis=1)
distance = round(0.02 * np.hypot(128, 128))


def as_classes(inside):
    return np.where(inside, 0, data.BACKGROUND)


plots.draw_images(
    {
        "disc": as_classes(disc),
        "its boundary": as_classes(boundary(disc, distance)),
        "of the answer": as_classes(boundary(shifted, distance)),
    },
    columns=3,
)

# %%
scores = Scores()
scores.add(as_classes(disc), as_classes(shifted))
summary = scores.summary()
print(f"within {distance} pixels of the outside")
print(f"IoU of the disc {summary['binary_iou']:.2f}")
print(f"boundary IoU    {summary['boundary_iou']:.2f}")
assert summary["boundary_iou"] < 0.6 < 0.8 < summary["binary_iou"]

# %% [markdown]
# The disc keeps most of its IoU and loses much of its boundary IoU. This score looks at *where* alone. (Does it
# say of our stages what the mean IoU does not say? [A later page](09_comparison.md#one-rule-set-before-we-look) asks.)
#
# !!! question "Try it"
#     Draw a disc of half the radius and shift it by the same four pixels. Which of the two scores falls more, compared
#     with the large disc? Guess first.

# %% tags=["solution"]
small_disc = np.hypot(rows - 64, columns - 60) < 20
scores = Scores()
scores.add(as_classes(small_disc), as_classes(np.roll(small_disc, 4, axis=1)))
of_small = scores.summary()
for name in ("binary_iou", "boundary_iou"):
    print(f"{name:<12} large {summary[name]:.2f}, small {of_small[name]:.2f}")
falls = {name: summary[name] - of_small[name] for name in ("binary_iou", "boundary_iou")}
# IoU depends on the size of the object. Boundary IoU depends on the shift, and hardly on the size.
assert falls["binary_iou"] > falls["boundary_iou"]

# %% [markdown]
# ## What a trained model answers
#
# The last stage of this zoo, the [U-Net](08_unet.md), on a photo that it has never seen: the cat Chelsea.

# %% The cat Chelsea, the map that the trained U-Net answers with, and that map laid over the photo
model = zoo.load("unet")
photo = chelsea()
classes = zoo.predict(model, photo)
assert classes.shape == photo.shape[:2]
laid_over = plots.overlay(photo, classes)
plots.draw_images({"Chelsea": photo, "U-Net": classes, "laid over": laid_over}, columns=3)

# %%
for number, name in enumerate(data.CLASSES):
    print(f"{name:<10} {(classes == number).mean():>4.0%} of the pixels")

# %% [markdown]
# One answer for every pixel, from one call. Where does it go wrong? Look at the nose, and at the whiskers on the right.
# You need no score to see it, and no mask exists for this photo: a score needs a truth.
#
# !!! abstract "What this step mends, what it leaves broken"
#     Now the task is clear, the data come in batches, and a score can tell a good answer from a lazy one. But nothing
#     gives an answer yet. You know how to classify a *photo*. The first idea is to do just that, for every pixel: cut
#     out a patch around it, classify the patch, and move on. This is the [sliding window](02_sliding_window.md).
#
# ## References
#
# - Parkhi, Vedaldi, Zisserman and Jawahar: *Cats and Dogs*. CVPR 2012. The data set:
#   [robots.ox.ac.uk/~vgg/data/pets](https://www.robots.ox.ac.uk/~vgg/data/pets/).
# - Everingham et al.: *The PASCAL Visual Object Classes (VOC) Challenge*. IJCV 2010. Scores segmentation by IoU.
# - Kirillov, He, Girshick, Rother and Dollar: *Panoptic segmentation*. 2018.
#   [arXiv:1801.00868](https://arxiv.org/abs/1801.00868). Semantic and instance segmentation compared.
# - Cheng, Girshick, Dollar, Berg and Kirillov: *Boundary IoU*. 2021.
#   [arXiv:2103.16562](https://arxiv.org/abs/2103.16562).
# - TensorFlow: [*Image segmentation*](https://www.tensorflow.org/tutorials/images/segmentation). The tutorial that
#   swaps the names of background and border.
