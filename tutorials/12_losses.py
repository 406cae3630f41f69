# %% [markdown]
# # Losses and hard classes
#
# The border is the class that every stage gets wrong most often. It is thin, and few pixels are border. Training makes
# a number small, the **loss**. **Does the choice of the loss decide which class suffers?**
#
# A loss acts on each pixel: it pulls its logits, here up and there down. Here is a photo, what the trained U-Net says,
# and how strongly five losses would pull at each pixel of this answer.

# %% A photo, its truth, an answer, and how strongly five losses pull at each pixel tags=["picture"]
import inspect
import itertools
import json

import numpy as np
import tensorflow as tf
from IPython.display import Markdown
from matplotlib.figure import Figure

import zoo
from zoo import data, losses, plots
from zoo.evaluation import class_ious
from zoo.tables import format_table
from zoo.training import cross_entropy_and_dice, median_frequency_weights

dataset = data.default_dataset()
images, masks = next(data.load(dataset, "test", 128, 64).as_numpy_iterator())
pixels = np.bincount(masks.ravel(), minlength=3)
compared = losses.losses(pixels)
logits = zoo.load("unet").predict_on_batch(images[:8])


def pull(loss):
    """The length of the gradient at each logit, added up over the classes: (images, 128, 128)."""
    values = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(values)
        number = loss(masks[:8], values)
    return np.abs(tape.gradient(number, values)).sum(axis=-1)


pulls = {name: pull(loss) for name, loss in compared.items()}
maps = {name: strength[0] for name, strength in pulls.items()}
plots.draw_images({"photo": images[0], "truth": masks[0], "answer": logits[0].argmax(-1), **maps})

# %%
print(f"{'':42}" + "".join(f"{name:>12}" for name in data.CLASSES))
print(f"{'share of the pixels':42}" + "".join(f"{count / pixels.sum():12.0%}" for count in pixels))
for name, strength in pulls.items():
    shares = [strength[masks[:8] == number].sum() / strength.sum() for number in range(3)]
    print(f"share of the pull, {name:23}" + "".join(f"{share:12.0%}" for share in shares))

# %% [markdown]
# (Each map has its own scale, from dark to bright.) Along the outline the network is not sure, and there all losses
# pull. On our photo the dog's tail is another case: its truth is border, but the network is sure that it is background.
# There the maps of cross-entropy and class weights are at their brightest, and that of Dice is dark.
#
# The table adds up the pull over eight photos. Three of the losses share their strength among the classes in nearly the
# same way. More than half of it goes to the border, since most of what the trained network gets wrong, or is not sure
# of, is there. Class weights pull more at the border, and the last loss not at all. Now one after the other.
#
# ## Cross-entropy counts pixels
#
# The softmax of the logits gives each class a *probability* at a pixel, here called its *share* of it; the shares add
# up to 1. Cross-entropy takes the share \(p\) of the true class: \(-\log p\) is 0 for a sure and right answer, and
# large for a sure and wrong one. The loss is the mean over all pixels. So at the start of a training, when the answer
# is not sure anywhere, a class with few pixels changes the loss little.
#
# Here is a row of 100 pixels, of which 4 are border. One answer overlooks them. The other one finds them, but draws a
# band that is three times as wide as it should be.

# %% The share of border that two answers give to each of 100 pixels: low everywhere; a band too wide tags=["picture"]
truth = np.zeros(100, int)
truth[48:52] = 1
band = np.full(100, 0.01)
band[44:56] = 0.9
answers = {"overlooks": np.full(100, 0.04), "finds": band}
figure = Figure(figsize=(7, 2.2), layout="constrained")
axis = figure.subplots()
axis.fill_between(range(100), truth, step="mid", color=plots.COLOURS[2] / 255, alpha=0.5, label="true border")
for (name, share), style in zip(answers.items(), ("--", "-"), strict=True):
    axis.step(range(100), share, style, where="mid", color="black", label=name)
axis.set(xlabel="pixel", ylabel="share of border", yticks=[0, 0.5, 1])
axis.patch.set_visible(False)
figure.legend(loc="outside upper center", ncols=3, frameon=False)
figure


# %%
def cross_entropy_by_hand(truth, share):
    total = 0.0
    for is_border, p in zip(truth, share, strict=True):
        total -= np.log(p if is_border else 1 - p)
    return total / len(truth)


def iou_of_border(truth, share):
    says, is_border = share > 0.5, truth == 1
    return (says & is_border).sum() / (says | is_border).sum()


for name, share in answers.items():
    found = cross_entropy_by_hand(truth, share)
    print(f"{name:10} cross-entropy {found:.3f}, IoU of the border {iou_of_border(truth, share):.2f}")
assert cross_entropy_by_hand(truth, answers["overlooks"]) < cross_entropy_by_hand(truth, band)

# %% [markdown]
# Cross-entropy prefers the answer that overlooks the border: four pixels that are missed cost less than eight that are
# too many. The IoU prefers the other one.
#
# ## Class weights: a rare pixel counts more
#
# The simplest remedy: multiply \(-\log p\) of each pixel by a weight of its true class. *Median frequency balancing*
# (Eigen and Fergus, 2014; SegNet used it) takes the median of the frequencies of all classes, divided by the frequency
# of the class. Then the pixels of each class have the same weight in sum. (We count the frequency over all images; the
# paper counts it over those that hold the class.) In the zoo it is `--class-weights`. With these weights alone, a
# network sees the rare class in too many places, as the experiment below shows. So that option takes a part of it back:
# in the loss, it adds to the logits of a rare class, and the network learns to answer that much less. (That is the
# *logit adjustment* of Menon et al., 2020, turned round: they use no weights, and in the loss they take from the logits
# of a rare class, so that the network answers it more.)
#
# ## Dice counts classes
#
# The **Dice coefficient** compares two sets, as IoU does: twice the intersection over the sum of both sizes. For shares
# in place of sets, the intersection of a class is the sum of its shares at its true pixels:
#
# \[ \mathrm{Dice}_c = \frac{2 \sum_i t_{ic} \, p_{ic}}{\sum_i t_{ic} + \sum_i p_{ic}} \]
#
# \(p_{ic}\) is the share of class \(c\) at pixel \(i\), and \(t_{ic}\) is 1 where \(c\) is true, else 0. The loss is 1
# minus the mean over the classes: each class has one vote, as in the mean IoU. (Milletari et al., 2016, made a loss of
# Dice, for one class, and with squares in the denominator. Plain sums and a mean over the classes are common, too. The
# code adds 1e-7 below, so that a class that is nowhere does not give 0 / 0.)

# %%
print(inspect.getsource(losses.dice_loss))


# %%
def dice_by_hand(truth, share):
    coefficients = []
    for t, p in ((1 - truth, 1 - share), (truth, share)):
        overlap, sizes = 0.0, 0.0
        for ti, pi in zip(t, p, strict=True):
            overlap += ti * pi
            sizes += ti + pi
        coefficients.append(2 * overlap / sizes)
    return 1 - np.mean(coefficients)


def as_logits(share):
    return np.log(np.stack([1 - share, share], axis=-1))[None, None].astype("float32")  # (1, 1, 100, 2)


weights = median_frequency_weights(np.bincount(truth))
weighted = cross_entropy_and_dice(dice_weight=0, class_weights=weights)
print(f"weights: {weights[0]:.2f} for the other pixels, {weights[1]:.1f} for the border")
for name, share in answers.items():
    row = truth[None, None]
    assert np.isclose(cross_entropy_and_dice(dice_weight=0)(row, as_logits(share)), cross_entropy_by_hand(truth, share))
    assert np.isclose(losses.dice_loss(row, as_logits(share)), dice_by_hand(truth, share), atol=1e-5)
    by_weights = float(weighted(row, as_logits(share)))
    print(f"{name:10} with class weights {by_weights:.3f}, Dice loss {dice_by_hand(truth, share):.3f}")
assert dice_by_hand(truth, band) < dice_by_hand(truth, answers["overlooks"])

# %% [markdown]
# Class weights and Dice prefer the answer that finds the border. The zoo adds cross-entropy and Dice. Why not Dice
# alone? Its denominator holds sums over the whole batch: so the pull at one pixel depends on all others, and where a
# class has few pixels in a batch, it differs much from batch to batch. And where the network is sure, the softmax
# hardly changes with the logits: there Dice is weak, even if the answer is wrong, as at that tail. Cross-entropy pulls
# at each pixel by itself, and most where the answer is sure and wrong.
#
# !!! question "Try it"
#     In a batch, no pixel is border. What does the Dice loss say of the border there? Does it push a network to answer
#     border less often?

# %% tags=["solution"]
none = np.zeros((1, 1, 100), int)
for name, share in (("2 %", 0.02), ("40 %", 0.4)):
    p = np.full(100, share)
    of_border = 2 * (none[0, 0] * p).sum() / (none.sum() + p.sum())
    whole = losses.dice_loss(none, as_logits(p))
    print(f"{name:4} border everywhere: Dice of the border {of_border:.0f}, loss {whole:.3f}")
# Of the absent class, Dice is 0 whatever is answered: no push comes from it. It comes from the other class alone.

# %% [markdown]
# ## Leave the border out
#
# The data set calls the border [*not classified*](01_task.md#what-to-do-with-the-border). So one can leave its pixels
# out of the loss: they get an **ignored label**, and nothing pulls there (the last map at the top is dark at the
# border, and bright only beside it). The network then has two classes to tell apart, and answers one of them in the
# border, too.
#
# ## Five losses, one network
#
# What does each of them do to each class? A U-Net of half the width was trained on 1,600 photos at 64 x 64, for 4
# epochs, with each of the five losses and from the same two seeds. That is short: after a full training all classes are
# better, and the losses may lie closer together. `python -m zoo.losses` did it, and wrote [the results](losses.json);
# its [code](reference/losses.md) is short, too.

# %% What the network says of Chelsea after a training with each loss tags=["picture"]
from skimage.data import chelsea

from zoo.data.squeezing import resize_image

results = json.loads(losses.RESULTS.read_text())
assert (losses.TRAINING, losses.TEST, losses.SIDE, losses.EPOCHS, len(losses.SEEDS)) == (1600, 1000, 64, 4, 2)
says = {name: np.array([list(row) for row in results[name]["answer"]], int) for name in compared}
plots.draw_images({"photo": resize_image(chelsea(), losses.SIDE).numpy(), **says}, columns=3)

# %% The IoU of pet, background and border after each loss, a point for each seed, and the mean tags=["picture"]
ious = {
    name: np.array([class_ious(np.array(seed["confusion"])) for seed in results[name]["seeds"].values()])
    for name in compared
}
figure = Figure(figsize=(7, 2.8), layout="constrained")
axis = figure.subplots()
for number, (name, colour) in enumerate(zip(data.CLASSES, plots.COLOURS / 255, strict=True)):
    for row, found in enumerate(ious.values()):
        axis.plot(found[:, number], [row] * len(found), "o", color=colour, label=name if row == 0 else None)
means = [found.mean() for found in ious.values()]
axis.plot(means, range(len(ious)), "|", color="black", markersize=16, markeredgewidth=2, label="mean of all")
axis.set_yticks(range(len(ious)), list(ious))
axis.set(xlim=(-0.02, 1), ylim=(len(ious) - 0.5, -0.5), xlabel="IoU on 1,000 test photos")
axis.patch.set_visible(False)
figure.legend(loc="outside upper center", ncols=4, frameon=False)
figure

# %% [markdown]
# Which differences count? The rule of the [comparison](09_comparison.md#one-rule-set-before-we-look) again: a
# difference of two means must be larger than \(t \, s \, \sqrt{1/n + 1/m}\), where \(s\) is the spread between seeds,
# pooled over the losses. We compare each loss with cross-entropy, class by class.

# %% tags=["numbers"]
from zoo import chance


def table(scores, columns, plain="cross-entropy"):
    """The means over the seeds; behind those that differ from `plain` by more than the limit, how."""
    rows, seeds = [], len(losses.SEEDS)
    by_column = [{name: found[:, number] for name, found in scores.items()} for number in range(len(columns))]
    limits = [chance.limit(column, seeds, seeds) for column in by_column]
    marks = {"confirmed": " **higher**", "contradicted": " **lower**", "not decided": ""}
    for name, found in scores.items():
        cells = []
        for number, limit in enumerate(limits):
            difference = found[:, number].mean() - scores[plain][:, number].mean()
            cells.append(f"{found[:, number].mean():.3f}{marks[chance.judge(difference, limit)]}")
        rows.append([name, *cells])
    rows.append(["must differ by", *(f"{limit:.3f}" for limit in limits)])
    return Markdown(format_table(["loss", *columns], rows))


with_mean = {name: np.column_stack([found, found.mean(axis=1)]) for name, found in ious.items()}
table(with_mean, [*data.CLASSES, "mean IoU"])

# %% [markdown]
# How does a loss change an IoU? It moves the point at which the network answers *border*. Two numbers show that: how
# much of the true border is found (*recall*), and how much of what is called border is right (*precision*). Before them
# stands a quotient: how many pixels are called border, over how many are.

# %% tags=["numbers"]
print(f"{'border':24}          called / truly border   found   right")
recall = {}
for name in compared:
    for seed, found in results[name]["seeds"].items():
        confusion = np.array(found["confusion"])
        true, said, hits = confusion[2].sum(), confusion[:, 2].sum(), confusion[2, 2]
        recall.setdefault(name, []).append(hits / true)
        right = f"{hits / said:8.0%}" if said else "       -"
        print(f"{name:24} seed {seed} {said / true:22.2f} {hits / true:7.0%}{right}")
order = ["border left out", "cross-entropy", "cross-entropy and Dice", "Dice", "class weights"]
for less, more in itertools.pairwise(order):
    assert max(recall[less]) < min(recall[more]) or less == "border left out"

# %% [markdown]
# And if the border does not count? Then pet and background alone compete, at all pixels that are not border:

# %% tags=["numbers"]
of_two = {
    name: np.array([class_ious(np.array(seed["without_border"])) for seed in results[name]["seeds"].values()])
    for name in compared
}
table(
    {name: np.column_stack([found, found.mean(axis=1)]) for name, found in of_two.items()},
    ["pet", "background", "mean"],
)

# %% [markdown]
# **What the tables say**, for this network and this short training:
#
# - **Cross-entropy** finds the least of the border, of the four losses that count it. With one of the two seeds, it
#   found next to none.
# - **Class weights** find the most, and call more border than there is. The border gains, and the background, from
#   which wrong answers come, loses.
# - **Dice** raises all three classes here. It finds less of the border than class weights do, but is more often right.
# - **Cross-entropy and Dice together**, as in the zoo's recipe, lie between cross-entropy alone and Dice alone in the
#   border. Why, then, does the zoo add cross-entropy? Its recipe was found by trials in which Dice was *added* to
#   cross-entropy; Dice alone was not among them. (Two and four times the weight for Dice were: after 24 epochs, they
#   gained less than the rule of the trials asks for.) This table is a reason to try it, with a full training.
# - **The border left out**: the border's IoU is 0, of course. Is the network better at the other two classes, now that
#   it need not care about the third? The last table has no verdict for that.
#
# Three warnings. Two seeds are few, and the seeds of cross-entropy lie further apart than others, though the rule takes
# one spread for all. With twenty-eight comparisons, one or two are decided by chance. And what helps after 400 steps
# need not help at the end: a loss may be faster only.

# %%
assert losses.TRAINING // losses.BATCH_SIZE * losses.EPOCHS == 400
assert (len(compared) - 1) * (4 + 3) == 28  # each loss but cross-entropy against it, in the columns of two tables
full = zoo.saved.card("unet")["scores"]["at_network_size"]["iou"]
print("the stage `unet`, after its full training with both:", *(f"{name} {iou:.3f}" for name, iou in full.items()))

# %% [markdown]
# There are many more losses. The *focal loss* (Lin et al., 2017) lowers what easy pixels count. The *Lovász-Softmax*
# (Berman et al., 2017) takes the IoU itself, extended so that it has a gradient. Whichever you take: **look at each
# class, and not at the mean alone.** A loss decides which class may be wrong.
#
# !!! abstract "What this page adds"
#     Which class suffers is decided by the loss, too, and not by the network alone. Cross-entropy counts pixels, class
#     weights make rare pixels count more, Dice counts classes, and an ignored label makes a class count for nothing. To
#     try it with your classes: `--class-weights`, and 255 in your masks for what should not count ([your
#     own](10_your_own.md)).
#
# ## References
#
# - Fausto Milletari, Nassir Navab, Seyed-Ahmad Ahmadi: *V-Net*, 2016.
#   [arXiv:1606.04797](https://arxiv.org/abs/1606.04797). Dice as a loss.
# - David Eigen, Rob Fergus: *Predicting Depth, Surface Normals and Semantic Labels with a Common Multi-Scale
#   Convolutional Architecture*, 2014. [arXiv:1411.4734](https://arxiv.org/abs/1411.4734). Median frequency balancing.
# - Aditya Krishna Menon et al.: *Long-tail learning via logit adjustment*, 2020.
#   [arXiv:2007.07314](https://arxiv.org/abs/2007.07314)
# - Tsung-Yi Lin et al.: *Focal Loss for Dense Object Detection*, 2017.
#   [arXiv:1708.02002](https://arxiv.org/abs/1708.02002)
# - Maxim Berman, Amal Rannen Triki, Matthew B. Blaschko: *The Lovász-Softmax loss*, 2017.
#   [arXiv:1705.08790](https://arxiv.org/abs/1705.08790)
