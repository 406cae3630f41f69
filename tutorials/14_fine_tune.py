# %% [markdown]
# # Fine-tune: when pictures are few
#
# You have twenty street scenes with masks, and no more. Our U-Net has seen 3,680 cats and dogs. **Are its weights worth
# anything on a street?** It has never seen a car. But the first thing that it does with a photo is to look for edges,
# colours and patches of texture, as the first layers of most networks do (Yosinski et al. 2014). A street has those,
# too.
#
# Here is the answer on one real data set. Each dot is one training.

# %% Mean IoU against the number of training pictures, from our weights and from random ones tags=["picture"]
import json

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

import zoo
from zoo import chance, finetuning, models, saved, trained

results = json.loads(finetuning.RESULTS.read_text())
counts = sorted({run["pictures"] for run in results["runs"]})
seeds = sorted({run["seed"] for run in results["runs"]})
NAMES = {"unet": "from our U-Net", "": "from random weights"}


def runs_of(count, start):
    """The trainings of one dot in the table, by seed."""
    found = [run for run in results["runs"] if (run["pictures"], run["start"]) == (count, start)]
    return sorted(found, key=lambda run: run["seed"])


figure = Figure(figsize=(6, 3.4), layout="constrained")
axis = figure.subplots()
for (start, label), colour in zip(NAMES.items(), ("#0072b2", "#d55e00"), strict=True):
    scores = np.array([[run["mean_iou"] for run in runs_of(count, start)] for count in counts])
    axis.plot(counts, scores.mean(1), color=colour, label=label)
    axis.plot(counts, scores, "o", color=colour, markersize=4)
axis.set_xscale("log")
axis.set_xticks(counts, counts)
axis.xaxis.set_minor_locator(NullLocator())
axis.set_xlabel("training pictures")
axis.set_ylabel("mean IoU on the test split")
axis.legend(frameon=False)
figure

# %% [markdown]
# ## What is taken over
#
# A network for streets has other classes than one for pets. So one layer cannot be taken over: the last 1x1 convolution
# makes as many *logits* as there are classes. All others have the same shapes, whatever the classes are.

# %%
pets = zoo.load("unet")
street = models.build("unet", image_shape=(None, None, 3), num_classes=len(results["classes"]))
trained.take_over(street, pets)

*ours, kernel, bias = street.get_weights()
*theirs, _, _ = pets.get_weights()
assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))
new = kernel.size + bias.size
print(f"{street.count_params():,} weights, of which {new:,} are new: {new / street.count_params():.2%}")

# %% [markdown]
# ## The experiment
#
# The streets are **CamVid** (Brostow et al. 2009), the data of the SegNet paper: photos taken from a moving car, with
# eleven classes from sky to bicyclist.

# %%
height, width = results["image_size"]
print(f"classes: {', '.join(results['classes'])}")
print(f"images of {height} x {width}; {results['test_pictures']} test pictures, the same ones for every training")
print(f"each training: about {results['steps']} steps of {results['batch_size']} pictures, all at this size")

# %% [markdown]
# All trainings take about as many steps, so that those with few pictures see each of them more often. A seed decides
# which pictures are taken, the first values of the random weights, and the order of the pictures and how each is
# changed. Both starts get the same pictures.
#
# The learning rate is the same, too. Often one hears that trained weights want a smaller one, so that the first steps
# do not undo what they hold. We tried that once, on CamVid's validation pictures: in as many steps, it was worse.

# %% tags=["numbers"]
print(f"{'pictures':>8}  {'':<20}" + "".join(f"  seed {seed}" for seed in seeds) + "    mean")
for count in counts:
    for start, label in NAMES.items():
        scores = [run["mean_iou"] for run in runs_of(count, start)]
        each = "".join(f"  {score:>6.3f}" for score in scores)
        print(f"{count:>8}  {label:<20}{each}  {np.mean(scores):>6.3f}")

# %% [markdown]
# Is the gain larger than chance? Each seed gives a gain of its own: both starts had the same pictures in the same
# order. Look whether the gains agree, and how far the seeds of one start lie apart. The [rule of the
# comparison](09_comparison.md#one-rule-set-before-we-look) is stricter, since it is for trainings that have nothing in
# common. By its limit, the last line, the gain with the fewest pictures is just not decided.

# %% tags=["numbers"]
mean_gains = []
for count in counts:
    fine, random = (np.array([run["mean_iou"] for run in runs_of(count, start)]) for start in NAMES)
    gains, spread = fine - random, max(np.ptp(fine), np.ptp(random))
    mean_gains.append(np.mean(gains))
    said = ", ".join(f"{gain:+.3f}" for gain in gains) + f", mean {mean_gains[-1]:+.3f}"
    print(f"{count:>3} pictures: gain by seed {said}; the seeds of one start lie {spread:.3f} apart")
    assert min(gains) > spread
groups = {(count, start): [run["mean_iou"] for run in runs_of(count, start)] for count in counts for start in NAMES}
within = chance.limit(groups, len(seeds), len(seeds))
print(f"By the rule of the comparison, the limit of a mean gain is {within:.3f}.")
assert mean_gains[0] < within < min(mean_gains[1:])
for start in NAMES:
    fewer, more = (np.array([run["mean_iou"] for run in runs_of(count, start)]) for count in counts[1:])
    assert abs(np.mean(more) - np.mean(fewer)) < max(np.ptp(fewer), np.ptp(more))

# %% [markdown]
# Do more pictures help? From the second count to the last, neither start gains more than its seeds differ. All
# trainings have about as many steps, so that with more pictures each one is seen less often.
#
# Which classes gain? With the fewest pictures:

# %% tags=["numbers"]
fewest = counts[0]
by_class = {
    start: np.mean([[run["iou"][name] for name in results["classes"]] for run in runs_of(fewest, start)], axis=0)
    for start in NAMES
}
print(f"IoU with {fewest} pictures    random  from ours     gain")
for name, random, fine in zip(results["classes"], by_class[""], by_class["unet"], strict=True):
    print(f"{name:<20} {random:>10.2f} {fine:>10.2f} {fine - random:>+8.2f}")

# %% [markdown]
# ## With a longer training
#
# These trainings were short. Do random weights only need more time? Another page has [the U-Net on
# streets](15_places.md#and-in-a-street), from random weights, with all training pictures, class weights, batches of
# four and many more steps, the second half of them at twice this height and width. Here is the same recipe from our
# weights. Beside it stands a longer training from random weights, whose pictures were changed further (their size,
# their light, a share without colour).

# %% tags=["numbers"]
streets = saved.folder_of_models() / "streets"
whole = {
    "random": [saved.card("unet", streets / name) for name in ("", "seed_1")],
    "ours": [saved.card("unet", streets / "from_pets" / name) for name in ("", "seed_1")],
    "random, longer": [saved.card("unet", streets / "longer")],
}
of_test = {start: [card["scores"]["at_network_size"]["mean_iou"] for card in cards] for start, cards in whole.items()}
print(f"{'weights':<16} epochs   mean IoU on the test split, by seed")
for start, cards in whole.items():
    print(f"{start:<16} {cards[0]['recipe']['epochs']:>6}  ", *(f"{score:>6.3f}" for score in of_test[start]))
gain = np.mean(of_test["ours"]) - np.mean(of_test["random"])
print(f"Our weights gain {gain:+.3f}; the two seeds of a start lie up to", end=" ")
print(f"{max(np.ptp(scores) for scores in of_test.values()):.3f} apart.")

# %% tags=["check"]
assert whole["ours"][0]["recipe"] == {**whole["random"][0]["recipe"], "start": "unet"}
assert gain > max(mean_gains)
assert gain > 2 * max(np.ptp(scores) for scores in of_test.values())
assert min(of_test["ours"]) > max(of_test["random, longer"]) > max(of_test["random"])

# %% [markdown]
# The gap did not close: with all pictures it was smaller above. And the trainings from our weights beat one from random
# weights of nearly three times as many epochs, whose pictures were changed further. That was one training.
#
# ## Do it
#
# Put your pictures into a folder, as the page [your own](10_your_own.md#a-folder-of-your-own) shows. One option makes
# the difference:
#
# ```bash
# python -m zoo train unet --dataset FOLDER --image-size 96x128                        # from random weights
# python -m zoo train unet --dataset FOLDER --image-size 96x128 --start unet --out ours  # from our weights
# python -m zoo train unet --dataset FOLDER --start ours/unet.keras --out again        # from a model of yours
# ```
#
# The same in Python, where the recipe says all:
#
# ```python
# recipe = zoo.training.Recipe("FOLDER", image_size=(96, 128), start="unet")
# model, card = zoo.train("unet", recipe, "runs")
# ```
#
# The card says where the weights came from: `start`, and by its SHA-256 which file that was. `python -m zoo.finetuning
# FOLDER` measures the points of the curve at the top on your own pictures. Will your network meet photos in other light
# than your training pictures have, or photos without colour? `--light 2` and `--grey-share 0.2` show it such pictures
# while it learns.
#
# !!! question "Try it"
#     `take_over` refuses a network with other filters than ours. Why must they be equal, while the size of the images
#     may differ?

# %% tags=["solution"]
other = models.build("unet", image_shape=(None, None, 3), filters=(8, 16, 32))
try:
    trained.take_over(other, pets)
except ValueError as error:
    print(error)
# A convolution's weights have the shape of its kernel and of its channels. The size of the image is not among them.

# %% [markdown]
# !!! abstract "What this shows, and what it does not"
#     Weights that have seen other photos are a better beginning than random ones, even with all training pictures of
#     this data set and a longer training. This is one data set. The usual start is a network that was trained on
#     millions of photos (ImageNet). Ours has seen 3,680.
#
# ## References
#
# - Brostow, Fauqueur and Cipolla: *Semantic object classes in video: A high-definition ground truth database*. Pattern
#   Recognition Letters, 2009. CamVid.
# - Badrinarayanan, Kendall and Cipolla: *SegNet*, 2015. [arXiv:1511.00561](https://arxiv.org/abs/1511.00561). The split
#   and the eleven classes.
# - Yosinski, Clune, Bengio and Lipson: *How transferable are features in deep neural networks?* 2014.
#   [arXiv:1411.1792](https://arxiv.org/abs/1411.1792).
