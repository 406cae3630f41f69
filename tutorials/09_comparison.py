# %% [markdown]
# # All stages side by side
#
# Nine steps, and each was said to mend the fault of the one before. **Which of them really helped, and what did it
# cost?** All stages were trained by one recipe, so that we can ask the scores.

# %% The cat Chelsea, and what each of the nine trained stages says of her tags=["picture"]
from matplotlib.patches import Patch
from skimage.data import chelsea

import zoo
from zoo import plots

models = {stage: zoo.load(stage) for stage in zoo.STAGES}
answers = {"photo": chelsea()}
for stage, model in models.items():
    title = stage.replace("_", "\n", 1).replace("_", " ")
    answers[title] = plots.overlay(chelsea(), zoo.predict(model, chelsea()))
figure = plots.draw_images(answers, columns=5)
figure.set_size_inches(7, 3.5)
figure.legend(
    handles=[
        Patch(color=colour / 255, label=name) for colour, name in zip(plots.COLOURS, zoo.data.CLASSES, strict=True)
    ],
    loc="outside lower center",
    ncols=3,
    frameon=False,
)
figure

# %% [markdown]
# ## One recipe
#
# Every saved model has a card beside it: how it was trained, what it scores on the test split, what it costs. This page
# computes everything from the nine cards. Were all trained in the same way, on the same images?

# %%
from zoo import saved

cards = saved.cards()
assert tuple(cards) == zoo.STAGES

first, *others = cards.values()
for other in others:
    assert other["recipe"] == first["recipe"]
    assert other["dataset"] == first["dataset"]

recipe, dataset = first["recipe"], first["dataset"]
for name, value in recipe.items():
    print(f"{name:16} {value}")
print({split: found["examples"] for split, found in dataset.items() if split != "name"}, "examples")
print(f"\nEach stage was trained once, with seed {recipe['seed']}, for {recipe['epochs']} epochs.")

# %% [markdown]
# The data, the order of the images, their augmentation, the optimiser and the number of epochs are the same. What is
# left is the architecture, and chance: weights of another shape begin with other random numbers.
#
# The loss is cross-entropy plus Dice, which rewards overlap as IoU does. The
# [reference](reference/training.md) explains every line.
#
# ## Only three things differ
#
# Seven stages are one skeleton, `encoder_decoder`, with three things to fill in:
#
# | stage | down | memory | up |
# | --- | --- | --- | --- |
# | [nearest_unpooling](05_nearest_and_nails.md) | max pooling | nothing | copy over the window |
# | [bed_of_nails](05_nearest_and_nails.md) | max pooling | nothing | upper-left corner, zeros elsewhere |
# | [index_unpooling](06_max_unpooling.md) | max pooling | offsets | ones at the offsets, joined with copies |
# | [max_unpooling](06_max_unpooling.md) | max pooling | offsets | the value at its offset, zeros elsewhere |
# | [transposed_convolution](07_transposed_convolution.md) | max pooling | nothing | transposed convolution |
# | [strided_convolution](04_downwards.md) | strided convolution | nothing | transposed convolution |
# | [unet](08_unet.md) | max pooling | features | transposed convolution, joined with the features |
#
# Only among these seven is the comparison **controlled**. The [sliding window](02_sliding_window.md) and the
# [fully convolutional network](03_fully_convolutional.md) are other networks with far fewer parameters: a difference
# between them and the seven can have many causes.
#
# Even among the seven, what a stage needs to grow or to join comes with weights of its own. Which stages have weights
# of exactly the same shapes?

# %%
from collections import defaultdict

alike = defaultdict(list)
for stage in zoo.STAGES[2:]:
    shapes = tuple(weight.shape for weight in models[stage].weights)
    alike[shapes].append(stage)

for stages in alike.values():
    print(f"{models[stages[0]].count_params():,} parameters: {', '.join(stages)}")
assert ["nearest_unpooling", "bed_of_nails", "max_unpooling"] in alike.values()

# %% [markdown]
# `nearest_unpooling`, `bed_of_nails` and `max_unpooling` differ in nothing but which pixels of its window get a value:
# all four, the upper-left one, or the remembered one. That is the cleanest comparison of all. The others also differ in
# their number of weights.
#
# ## What each stage remembers
#
# How many bytes does the way down hand to the way up, for one image? We walk down the skeleton with each `down` and
# weigh its memories.

# %%
import keras
import numpy as np

from zoo.models.blocks import double_convolution, max_pool, pool_with_offsets
from zoo.models.encoder_decoder import FILTERS
from zoo.models.strided_convolution import stride
from zoo.models.unet import pool_and_keep

ways_down = {
    "nearest_unpooling": max_pool,
    "bed_of_nails": max_pool,
    "index_unpooling": pool_with_offsets,
    "max_unpooling": pool_with_offsets,
    "transposed_convolution": max_pool,
    "strided_convolution": stride,
    "unet": pool_and_keep,
}
assert tuple(ways_down) == zoo.STAGES[2:]


def remembered_bytes(down, image_shape=(128, 128, 3)):
    x = keras.Input(image_shape)
    total = 0
    for filters in FILTERS[:-1]:
        x, memory = down(double_convolution(x, filters), filters)
        if memory is not None:
            total += int(np.prod(memory.shape[1:])) * np.dtype(memory.dtype).itemsize
    return total


remembered = {stage: remembered_bytes(down) for stage, down in ways_down.items()}
for stage, size in remembered.items():
    print(f"{stage:24}{size:11,} bytes")
assert remembered["unet"] == 16 * remembered["max_unpooling"] > 0

# %% [markdown]
# An offset takes one byte for each window of four values. A feature takes four bytes for each value. So the U-Net
# remembers 16 times as much. (While a network *trains*, all of them keep every feature map for the backward pass. The
# bytes above are only what a prediction has to keep until the way up asks for it.)
#
# ## The scores
#
# All scores are from the test split at 128 x 128. What they mean is told on the page about [the task](01_task.md).
# *Binary IoU* takes pet and border as one class. The memory is what a prediction takes for one image at its peak,
# measured; the time is for one image on the machine that trained, and depends on what else it had to do.

# %%
from IPython.display import Markdown

from zoo.tables import format_cards, format_table

Markdown(format_cards(cards))

# %% The IoU of pet, background and border for each stage, and their mean tags=["picture"]
from matplotlib.figure import Figure

scores = {stage: card["scores"]["at_network_size"] for stage, card in cards.items()}
names = [stage.replace("_", " ") for stage in cards]
means = [found["mean_iou"] for found in scores.values()]

figure = Figure(figsize=(7, 4), layout="constrained")
axis = figure.subplots()
for name, colour in zip(zoo.data.CLASSES, plots.COLOURS, strict=True):
    axis.plot([found["iou"][name] for found in scores.values()], names, "o", color=colour / 255, label=name)
axis.plot(means, names, "|", color="black", markersize=16, markeredgewidth=2, label="mean")
axis.hlines(names, 0, 1, color="black", linewidth=0.3)
axis.set(xlim=(0, 1), ylim=(len(names) - 0.5, -0.5), xlabel="IoU on the test split")
axis.patch.set_visible(False)
figure.legend(loc="outside upper center", ncols=4, frameon=False)
figure

# %% [markdown]
# Mean IoU weighs the thin border as much as all the pet. How often does each stage answer *border* at all?

# %%
border = zoo.data.CLASSES.index("border")
confusions = {stage: np.array(found["confusion"]) for stage, found in scores.items()}  # rows: truth

truth = confusions["unet"][border].sum() / confusions["unet"].sum()
print(f"{'truth':24}{truth:7.1%}")
for stage, confusion in confusions.items():
    print(f"{stage:24}{confusion[:, border].sum() / confusion.sum():7.1%}")

silent = [stage for stage, confusion in confusions.items() if confusion[:, border].sum() < 0.01 * confusion.sum()]
if silent:
    print("\nBorder for fewer than one pixel in a hundred:")
    print(*silent, sep=", ")
    print("One of the three IoUs in their mean is next to zero, however well they know pets.")
else:
    print("\nEvery stage answers border for at least one pixel in a hundred.")

# %% [markdown]
# ## Do memories help at the outline?
#
# Boundary IoU looks only at the outline. If the lecture is right, it grows with what is remembered.

# %% Boundary IoU of the seven encoder-decoders, by the number of bytes that they remember tags=["picture"]
import itertools


def name_points(axis, points, x, gap):
    """Writes the name of each stage beside its point (x, y), in a column at `x`, at least `gap` apart."""
    ordered = sorted(points.items(), key=lambda item: item[1][1])
    steps = gap * np.arange(len(ordered))
    heights = np.array([point[1] for _, point in ordered])
    pushed_up = np.maximum.accumulate(heights - steps) + steps
    pushed_down = np.minimum.accumulate((heights - steps)[::-1])[::-1] + steps
    for (stage, point), height in zip(ordered, (pushed_up + pushed_down) / 2, strict=True):
        line = {"arrowstyle": "-", "color": "black", "linewidth": 0.5, "shrinkB": 3}
        axis.annotate(stage.replace("_", " "), point, (x, height), va="center", arrowprops=line)


figure = Figure(figsize=(7, 4.2), layout="constrained")
axis = figure.subplots()
sizes = sorted(set(remembered.values()))
heights = {stage: scores[stage]["boundary_iou"] for stage in remembered}
for place, size in enumerate(sizes):
    points = {stage: (place, height) for stage, height in heights.items() if remembered[stage] == size}
    axis.plot(*zip(*points.values(), strict=True), "o", color="black")
    name_points(axis, points, place + 0.12, gap=0.07 * (max(heights.values()) - min(heights.values())))
labels = ["nothing" if size == 0 else f"{size:,} bytes" for size in sizes]
axis.set_xticks(range(len(sizes)), labels)
axis.set(xlim=(-0.3, len(sizes) - 0.1), xlabel="remembered for one image", ylabel="boundary IoU")
axis.margins(y=0.15)
axis.patch.set_visible(False)
figure

# %%
columns = [[heights[stage] for stage in remembered if remembered[stage] == size] for size in sizes]
for label, column in zip(labels, columns, strict=True):
    print(f"{label:16} best {max(column):.3f}, worst {min(column):.3f}")
leads = [min(more) - max(less) for less, more in itertools.pairwise(columns)]
if min(leads) >= 0.01:
    print("\nWhoever remembers more is better at the outline than all who remember less.")
elif min(leads) > 0:
    print(f"\nThe order is the lecture's. But the smallest lead is {min(leads):.3f}: that may be chance.")
else:
    print("\nThe columns overlap: remembering more is not always better at the outline.")

# %% [markdown]
# ## On test photos
#
# The first three photos of the test split, not picked by anybody.

# %% Three test photos, their truth, and the answers of the first four stages
data_name = zoo.data.default_dataset()
examples = list(zoo.data.examples(data_name, "test").take(3).as_numpy_iterator())
photos, truths = [photo for photo, _ in examples], [mask for _, mask in examples]
masks = {stage: [zoo.predict(model, photo) for photo in photos] for stage, model in models.items()}


def draw_some(stages):
    figure = plots.draw_stages(photos, {stage: masks[stage] for stage in stages}, truths)
    figure.set_size_inches(7, 4.2)
    return figure


draw_some(zoo.STAGES[:4])

# %% The same three test photos, their truth, and the answers of the last five stages
draw_some(zoo.STAGES[4:])

# %% The photo at Chelsea's ear, zoomed, and what each of the nine stages says there
rows, columns = slice(0, 100), slice(310, 430)
figure = plots.draw_images({title: picture[rows, columns] for title, picture in answers.items()}, columns=5)
figure.set_size_inches(7, 3.6)
figure

# %% [markdown]
# Look at the outlines: which are steps, which are smooth, which follow the ear?
#
# ## How they learned
#
# Each epoch wrote down its mean loss. The first epochs show the images at half the size, where a step costs a quarter;
# the grey line is where the full size begins. Dotted lines are the two stages that are no encoder-decoders.

# %% The loss of each epoch of training, one line for each stage tags=["picture"]
figure = Figure(figsize=(7, 4.6), layout="constrained")
axis = figure.subplots()
curves = {stage: [epoch["loss"] for epoch in card["history"]] for stage, card in cards.items()}
last = recipe["epochs"]
for number, curve in enumerate(curves.values()):
    line = ":" if number < 2 else "-" if number < 6 else "--"
    colour = plots.TINTS[(number - 2) % len(plots.TINTS)]
    axis.plot(range(1, last + 1), curve, line, marker=".", color=colour, linewidth=2)
highest, lowest = max(map(max, curves.values())), min(map(min, curves.values()))
ends = {stage: (last, curve[-1]) for stage, curve in curves.items()}
name_points(axis, ends, 1.06 * last, gap=0.06 * (highest - lowest))
axis.axvline(int(recipe["half_size_share"] * last) + 0.5, color="grey", linewidth=0.8)
axis.set(xlabel="epoch", ylabel="loss", xlim=(1 - 0.02 * last, last * 1.45))
axis.set_xticks(sorted({1, *range(5, last, 5), last}))
axis.patch.set_visible(False)
figure

# %%
if last > 1:
    changes = {stage: curve[-1] / curve[-2] - 1 for stage, curve in curves.items()}
    for stage, change in sorted(changes.items(), key=lambda item: item[1]):
        print(f"{stage:24}{change:+7.1%} in the last epoch")
    falling = sum(change < -0.01 for change in changes.values())
    print(f"The loss of {falling} of {len(changes)} stages still fell by more than a hundredth.")

# %% [markdown]
# By the recipe the learning rate falls to zero. So the curves flatten at the end, whether a stage has learned all that
# it can or not. All stages saw each image equally often. A stage that needs more steps is at a disadvantage, and a lead
# after a short training does not say who would lead after a long one.
#
# ## Three times as long
#
# How much does the length of the training matter? The U-Net was trained once more, for 48 epochs. That model stands
# apart from the nine: `zoo.load("unet", saved.folder_of_models() / "48_epochs")` loads it. What else is different in
# its recipe?

# %%
longer = saved.card("unet", saved.folder_of_models() / "48_epochs")
for name, value in longer["recipe"].items():
    if value != recipe[name]:
        print(f"{name:16} {recipe[name]}, now {value}")
assert longer["dataset"] == dataset

# %% [markdown]
# Mixed precision and XLA are ways to compute a step faster. They change how numbers are rounded, which is chance, as
# another seed is. So a difference far above what chance does (the next section) comes most likely from the epochs.

# %%
from zoo.tables import format_scores

Markdown(format_scores({"16 epochs": scores["unet"], "48 epochs": longer["scores"]["at_network_size"]}))

# %% The loss of the U-Net in each epoch, in the short training and in the long one tags=["picture"]
figure = Figure(figsize=(7, 3.4), layout="constrained")
axis = figure.subplots()
for card, colour in ((cards["unet"], plots.TINTS[1]), (longer, plots.TINTS[0])):
    losses = [epoch["loss"] for epoch in card["history"]]
    label = f"{len(losses)} epochs, {losses[-1]:.3f} at the end"
    axis.plot(range(1, len(losses) + 1), losses, marker=".", color=colour, linewidth=2, label=label)
axis.set(xlabel="epoch", ylabel="loss")
axis.legend(frameon=False)
axis.patch.set_visible(False)
figure

# %%
gain = longer["scores"]["at_network_size"]["mean_iou"] - scores["unet"]["mean_iou"]
others = [scores[stage]["mean_iou"] for stage in zoo.STAGES[2:-1]]
print(f"Three times the epochs change the mean IoU of the U-Net by {gain:+.3f}.")
print(f"After 16 epochs it is {scores['unet']['mean_iou'] - max(others):.3f} ahead of the best of the six others,")
print(f"and these six lie within {max(others) - min(others):.3f}.")

# %% [markdown]
# (Each curve has a step where the images come at full size.) Before you believe that one network is better than
# another, ask how long each of them has learned. From here on all have 16 epochs again.
#
# ## How much is chance?
#
# Another seed gives other first weights, another order of the images, other crops, and so another score. The U-Net was
# trained with three seeds, 16 epochs each. Seed 0 is the one of the table; seeds 1 and 2 ran in float32 and with XLA.

# %%
from zoo.tables import format_seeds

seeds = [cards["unet"]]
for seed in (1, 2):
    seeds.append(saved.card("unet", saved.folder_of_models() / "float32" / f"seed_{seed}"))
    assert seeds[-1]["recipe"] == recipe | {"seed": seed, "mixed_precision": False, "xla": True}
    assert seeds[-1]["dataset"] == dataset
Markdown(format_seeds([{"unet": card} for card in seeds]))

# %%
for name in ("mean_iou", "boundary_iou"):
    found = [card["scores"]["at_network_size"][name] for card in seeds]
    texts = ", ".join(f"{value:.3f}" for value in found)
    print(f"{name:13} of the seeds: {texts}; between them at most {max(found) - min(found):.3f}")

# %% [markdown]
# Three are few, and only the U-Net has them. But they give a measure: a difference between two stages that is not
# larger than the difference between two seeds says nothing.
#
# ## The lecture's claims, and the scores
#
# Now the argument of the whole lecture, claim by claim. For each we compare two stages by the score that the claim is
# about. A difference below 0.01 is **too close to call**.

# %%
claims = [
    ("all pixels in one pass, not patch by patch", "mean IoU", "fully_convolutional", "sliding_window"),
    ("shrinking and growing, not full resolution", "mean IoU", "nearest_unpooling", "fully_convolutional"),
    ("marks at remembered places, not copies alone", "boundary IoU", "index_unpooling", "nearest_unpooling"),
    ("remembering places, not copying", "boundary IoU", "max_unpooling", "nearest_unpooling"),
    ("remembering places, not inventing them", "boundary IoU", "max_unpooling", "bed_of_nails"),
    ("features at the places, not marks", "mean IoU", "max_unpooling", "index_unpooling"),
    ("learning to grow, not copying", "mean IoU", "transposed_convolution", "nearest_unpooling"),
    ("learning to grow, not nails", "mean IoU", "transposed_convolution", "bed_of_nails"),
    ("learning to grow, not remembering places", "mean IoU", "transposed_convolution", "max_unpooling"),
    ("learning to shrink, not pooling", "mean IoU", "strided_convolution", "transposed_convolution"),
    ("handing features across", "boundary IoU", "unet", "transposed_convolution"),
    ("features, not only places", "boundary IoU", "unet", "max_unpooling"),
    ("features, not only places", "mean IoU", "unet", "max_unpooling"),
]


def score_of(stage, name):
    found = scores[stage]
    return {"mean IoU": found["mean_iou"], "boundary IoU": found["boundary_iou"], **found["iou"]}[name]


def verdict(difference):
    if abs(difference) < 0.01:
        return "too close to call"
    return "confirmed" if difference > 0 else "contradicted"


header = ["claim", "verdict", "difference", "score", "of", "against"]
table, verdicts = [], []
for claim, name, better, worse in claims:
    ours, theirs = score_of(better, name), score_of(worse, name)
    verdicts.append(verdict(ours - theirs))
    figures = [f"{ours - theirs:+.3f}", name, f"{better} {ours:.3f}", f"{worse} {theirs:.3f}"]
    table.append([claim, f"**{verdicts[-1]}**", *figures])
Markdown(format_table(header, table))

# %%
for word in ("confirmed", "contradicted", "too close to call"):
    print(f"{word:18} {verdicts.count(word)} of {len(verdicts)}")

best = {
    name: max(zoo.STAGES, key=lambda stage, name=name: score_of(stage, name)) for name in ("mean IoU", "boundary IoU")
}
for name, stage in best.items():
    runner_up = max(score_of(other, name) for other in zoo.STAGES if other != stage)
    lead = score_of(stage, name) - runner_up
    print(f"The best {name} has {stage}, {lead:.3f} ahead of the next.")

# %% [markdown]
# **How to read the verdicts.**
#
# - *Confirmed* is no proof. Each stage was trained once, from one seed. How much another seed changes, we have measured
#   for the U-Net alone. The limit of 0.01 is our choice: a guard against reading too much into small differences. A
#   difference just above it may still be luck. Bouthillier et al. (2021) show how large such luck can be, and how to do
#   better: several seeds for each network, and the spread beside the mean.
# - *Contradicted* is no refutation of the idea. It says that the idea did not help in *these* networks, with this data,
#   by this recipe, in so many epochs.
# - The first two claims compare networks that differ in much more than the claim says: their depth, their parameters,
#   and how far a feature sees. The lecture's point in the first claim is not the score at all, but the cost.
#
# So what about the cost of the first claim?

# %%
from zoo.layers import SlidingWindow2D

slow, fast = cards["sliding_window"]["costs"], cards["fully_convolutional"]["costs"]
print(f"{slow['multiply_adds'] / fast['multiply_adds']:.1f} times the multiply-adds in the sliding window,")
step = next(layer.stride for layer in models["sliding_window"].layers if isinstance(layer, SlidingWindow2D))
print(f"though it gives one decision to each block of {step} x {step} pixels.")

# %% [markdown]
# !!! question "Try it"
#     Mean IoU depends on the border, which some stages learn late. Judge the claims by the IoU of *pet* alone. Which
#     verdicts change?

# %% tags=["solution"]
for (claim, name, better, worse), before in zip(claims, verdicts, strict=True):
    difference = score_of(better, "pet") - score_of(worse, "pet")
    if verdict(difference) != before:
        print(f"{claim} ({better} against {worse})")
        print(f"    {before} by {name}, {verdict(difference)} by pet ({difference:+.3f})")

# %% [markdown]
# !!! question "Try it"
#     The cards hold the whole confusion matrix in pixels: one row for each true class, one column for each answer.
#     Compute the IoU of each class from it, with no helper, and check it against the card.

# %% tags=["solution"]
for stage, confusion in confusions.items():
    for number, name in enumerate(zoo.data.CLASSES):
        hits = confusion[number, number]
        union = confusion[number, :].sum() + confusion[:, number].sum() - hits
        assert np.isclose(hits / union, scores[stage]["iou"][name])
    assert np.isclose(np.trace(confusion) / confusion.sum(), scores[stage]["pixel_accuracy"])

# %% [markdown]
# ## What each step costs
#
# Walk up the ladder, from each stage to the next. How much mean IoU does the step gain, and for how many more
# multiply-adds? Where it gains and is dearer, the last column says how much it gains for each 100 million of them.

# %%
ladder = []
for lower, upper in itertools.pairwise(zoo.STAGES):
    gain = scores[upper]["mean_iou"] - scores[lower]["mean_iou"]
    price = (cards[upper]["costs"]["multiply_adds"] - cards[lower]["costs"]["multiply_adds"]) / 1e6
    if price <= 0:
        worth = "better, no dearer" if gain > 0 else "no better, no dearer"
    else:
        worth = f"{100 * gain / price:+.3f} for 100 M" if gain > 0 else "no better, dearer"
    ladder.append([f"{lower} to {upper}", f"{gain:+.3f}", f"{price:+,.0f} M", worth])
Markdown(format_table(["step", "mean IoU", "multiply-adds", "worth"], ladder))

# %% Mean IoU of each stage over its multiply-adds for one image tags=["picture"]
figure = Figure(figsize=(7, 4.2), layout="constrained")
axis = figure.subplots()
points = {stage: (card["costs"]["multiply_adds"] / 1e6, scores[stage]["mean_iou"]) for stage, card in cards.items()}
axis.plot(*zip(*points.values(), strict=True), "o", color="black")
dearest = max(price for price, _ in points.values())
name_points(axis, points, 1.1 * dearest, gap=0.06 * (max(means) - min(means)))
axis.margins(y=0.15)
axis.set(xlim=(0, 1.6 * dearest), xlabel="million multiply-adds for one image", ylabel="mean IoU")
axis.patch.set_visible(False)
figure

# %% [markdown]
# The steps of the lecture follow an argument, not a price. So a step may lose what the step before had gained. The
# useful question is another one: which stages are worth their price at all?
#
# !!! question "Try it"
#     A stage is worth its price if no other stage has a higher mean IoU for as many multiply-adds or fewer. Find these
#     stages. Does the choice change if you count the parameters instead?


# %% tags=["solution"]
def worth_their_price(cost):
    prices = {stage: card["costs"][cost] for stage, card in cards.items()}
    return [
        stage
        for stage in zoo.STAGES
        if not any(
            scores[other]["mean_iou"] > scores[stage]["mean_iou"] and prices[other] <= prices[stage]
            for other in zoo.STAGES
        )
    ]


for cost in ("multiply_adds", "parameters"):
    print(f"{cost}: {', '.join(worth_their_price(cost))}")
    assert best["mean IoU"] in worth_their_price(cost)

# %% [markdown]
# ## Make it better evidence
#
# The weakest point of this page is the single seed. You can mend it. This command trains every stage with three seeds
# by the same recipe, and prints mean and standard deviation of their scores. It skips what is done, and goes on where
# it was stopped:
#
# ```bash
# python -m zoo grid --seeds 3 --out runs/grid
# ```
#
# `zoo.saved.cards("runs/grid/seed_1")` reads the cards of one seed. If the difference between two stages has the same
# sign for every seed, and is larger than the difference between the seeds, you may begin to believe it. How long does
# one training take?

# %%
for stage in ("nearest_unpooling", "max_unpooling"):
    print(f"{stage}: {cards[stage]['training_seconds'] / 60:.0f} minutes on {cards[stage]['machine']}")

# %% [markdown]
# !!! abstract "What the nine steps mend, what they leave broken"
#     **Mended:** from a patch classifier to a network that sees the whole pet, answers for all pixels at once, and
#     hands the fine features across. Each step has a reason. The tables above say where these trained models bear the
#     reason out, and where they do not.
#
#     **Left:** one data set, one size, one seed, three classes. What happens with your own photos and classes? That is
#     the last page: [your own](10_your_own.md).
#
# ## References
#
# - Xavier Bouthillier et al.: *Accounting for Variance in Machine Learning Benchmarks*, 2021.
#   [arXiv:2103.03098](https://arxiv.org/abs/2103.03098)
# - Bowen Cheng, Ross Girshick, Piotr Dollár, Alexander C. Berg, Alexander Kirillov: *Boundary IoU: Improving
#   Object-Centric Image Segmentation Evaluation*, 2021. [arXiv:2103.16562](https://arxiv.org/abs/2103.16562)
# - Omkar M. Parkhi, Andrea Vedaldi, Andrew Zisserman, C. V. Jawahar: *Cats and Dogs*, CVPR 2012. The data set.
