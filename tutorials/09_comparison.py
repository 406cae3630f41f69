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
# computes everything from the cards. The nine were trained in the same way, on the same images:

# %% tags=["numbers"]
from zoo import saved, training

cards = saved.cards()
assert tuple(cards) == zoo.STAGES
recipe, dataset = cards["unet"]["recipe"], cards["unet"]["dataset"]


def without_chance(recipe):
    """What of a recipe must be equal: all but the seed, and how numbers are rounded."""
    return {name: value for name, value in training.but_for_rounding(recipe).items() if name != "seed"}


for card in cards.values():
    assert without_chance(card["recipe"]) == without_chance(recipe)
    assert card["dataset"] == dataset

splits = (recipe["split"], "test")
images = {split: dataset[split]["examples"] for split in splits}
print(f"{recipe['epochs']} epochs, batches of {recipe['batch_size']}, seed {recipe['seed']}; images: {images}")
exact = [stage for stage, card in cards.items() if not card["recipe"]["mixed_precision"]]
print(f"In float32: {', '.join(exact)}. In bfloat16: all others.")

# %% [markdown]
# Two of them learned in float32, since in bfloat16 their loss was no number any more. The five from `index_unpooling`
# on were stopped once, and went on from a state whose moments were rounded. So `nearest_unpooling` and `max_unpooling`
# differ in their rounding, too.
#
# What is left is the architecture, and chance: weights of another shape begin with other random numbers. Seven stages
# are one skeleton, `encoder_decoder`, and differ in what the way down remembers and what the way up does with it. The
# last columns say what the memory weighs for one image, and how many weights the stage has.

# %% tags=["numbers"]
import keras
import numpy as np
from IPython.display import Markdown

from zoo.models.blocks import double_convolution, max_pool, pool_with_offsets
from zoo.models.encoder_decoder import FILTERS
from zoo.models.strided_convolution import stride
from zoo.models.unet import pool_and_keep
from zoo.tables import format_cards, format_table

COPY, CORNER, TRANSPOSED = "copies over the window", "upper-left corner, zeros elsewhere", "transposed convolution"
ways = {
    "nearest_unpooling": (max_pool, "nothing", COPY),
    "bed_of_nails": (max_pool, "nothing", CORNER),
    "index_unpooling": (pool_with_offsets, "offsets", "ones at the offsets, joined with copies"),
    "max_unpooling": (pool_with_offsets, "offsets", "the value at its offset, zeros elsewhere"),
    "transposed_convolution": (max_pool, "nothing", TRANSPOSED),
    "strided_convolution": (stride, "nothing", TRANSPOSED),
    "unet": (pool_and_keep, "features", f"{TRANSPOSED}, joined with the features"),
}
assert tuple(ways) == zoo.STAGES[2:]


def remembered_bytes(down, image_shape=(128, 128, 3)):
    """What the way down hands to the way up, for one image."""
    x, total = keras.Input(image_shape), 0
    for filters in FILTERS[:-1]:
        x, memory = down(double_convolution(x, filters), filters)
        if memory is not None:
            total += int(np.prod(memory.shape[1:])) * np.dtype(memory.dtype).itemsize
    return total


remembered = {stage: remembered_bytes(down) for stage, (down, _, _) in ways.items()}
assert remembered["unet"] == 16 * remembered["max_unpooling"] > 0
rows = [
    [stage, memory, up, f"{remembered[stage]:,}", f"{models[stage].count_params():,}"]
    for stage, (_, memory, up) in ways.items()
]
Markdown(format_table(["stage", "memory", "up", "bytes", "parameters"], rows))

# %% tags=["check"]
shapes = {stage: [weight.shape for weight in models[stage].weights] for stage in ways}
assert shapes["nearest_unpooling"] == shapes["bed_of_nails"] == shapes["max_unpooling"]
assert sum(found == shapes["max_unpooling"] for found in shapes.values()) == 3

# %% [markdown]
# `nearest_unpooling`, `bed_of_nails` and `max_unpooling` have weights of exactly the same shapes. But for
# their rounding, they differ in nothing but which pixels of a window get a value: all four, the upper-left one, or the
# remembered one. That is the cleanest comparison of all. The other four of the seven differ in their weights, too. The
# [sliding window](02_sliding_window.md) and the [fully convolutional network](03_fully_convolutional.md) are other
# networks altogether, with far fewer weights: between them and the seven, a difference can have many causes.
#
# ## The scores
#
# What the scores mean is told on the page about [the task](01_task.md); what the loss has to do with the border's low
# IoU, on the page about [losses](12_losses.md). *Binary IoU* takes pet and border as one class.
# The memory is what a prediction takes at its peak; the time depends on what else the machine had to do.

# %% tags=["numbers"]
Markdown(format_cards(cards))

# %% The IoU of pet, background and border for each stage, and their mean tags=["picture"]
from matplotlib.figure import Figure

scores = {stage: card["scores"]["at_network_size"] for stage, card in cards.items()}
names = [stage.replace("_", " ") for stage in cards]
figure = Figure(figsize=(7, 3.6), layout="constrained")
axis = figure.subplots()
for name, colour in zip(zoo.data.CLASSES, plots.COLOURS, strict=True):
    axis.plot([found["iou"][name] for found in scores.values()], names, "o", color=colour / 255, label=name)
means = [found["mean_iou"] for found in scores.values()]
axis.plot(means, names, "|", color="black", markersize=16, markeredgewidth=2, label="mean")
axis.hlines(names, 0, 1, color="black", linewidth=0.3)
axis.set(xlim=(0, 1), ylim=(len(names) - 0.5, -0.5), xlabel="IoU on the test split")
axis.patch.set_visible(False)
figure.legend(loc="outside upper center", ncols=4, frameon=False)
figure

# %% [markdown]
# ## One rule, set before we look
#
# Which differences are real? We need a rule, and it must not depend on what it decides.
#
# **One score.** All claims are decided by the **mean IoU** at 128 x 128. Boundary IoU looks at the outline alone, but
# does it say anything new? The border is a class of the mean IoU already:

# %% tags=["numbers"]
both = [(scores[stage]["boundary_iou"], scores[stage]["iou"]["border"], scores[stage]["mean_iou"]) for stage in ways]
boundary, border, mean = np.transpose(both)
print("Over the seven encoder-decoders, boundary IoU correlates")
print(f"with the IoU of the border at {np.corrcoef(boundary, border)[0, 1]:.3f},")
print(f"with the mean IoU at {np.corrcoef(boundary, mean)[0, 1]:.3f}.")
order = sorted(ways, key=lambda stage: -scores[stage]["boundary_iou"])
print(f"Order by boundary IoU: {', '.join(order)}.")

# %% [markdown]
# Two scores that rise and fall together are not two pieces of evidence.
#
# **One limit.** Train the same network twice, with two seeds, and its score changes. (Seed 0 of each stage was computed
# in bfloat16, all others in float32: so the change holds the rounding, too.) A difference between two stages counts
# only if it is larger than what seeds do. Let \(s\) be the standard deviation of the scores of one stage over seeds,
# and let the two stages have \(n\) and \(m\) trainings. Then the difference of their means must be larger than
#
# \[ t \, s \, \sqrt{\frac{1}{n} + \frac{1}{m}} \]
#
# where \(t\) is Student's, for 95 %: the fewer trainings we know \(s\) from, the larger it is. Where several stages
# have more than one training, \(s\) is pooled over them. So we suppose that the scores of all stages vary equally with
# the seed. Even with this rule, of twenty comparisons between stages that are truly equal, chance alone decides one.
#
# **One recipe, and a short one.** Seeds cost time. So the claims are decided after 16 epochs, from cards of their own,
# in `saved_models/seeds/`. The models above have seen each image ten times as often:
# [we shall see](#ten-times-as-many-epochs) whether that changes a verdict.
#
# **A control.** Two things tell the U-Net from `transposed_convolution`: it hands features across, and it is larger.
# Which of them counts? One more network learned by the same recipe: `transposed_convolution`, *widened* until it has as
# many weights as the U-Net, and about as many multiply-adds. `python -m zoo.controls` trained it, and wrote [the
# results](controls.json); its [code](reference/controls.md) is short.

# %% tags=["numbers"]
import json
from collections import defaultdict

from scipy import stats

from zoo import controls

by_seed = defaultdict(dict)
folder = saved.folder_of_models() / "seeds"
short = saved.cards(folder)
for path in sorted(folder.glob("**/*.json")):
    card = json.loads(path.read_text())
    assert [card["dataset"][split] for split in splits] == [dataset[split] for split in splits]
    assert without_chance(card["recipe"]) == without_chance(short["unet"]["recipe"])
    assert card["recipe"]["mixed_precision"] == (card["recipe"]["seed"] == 0)
    by_seed[card["stage"]][card["recipe"]["seed"]] = card["scores"]["at_network_size"]["mean_iou"]

control = json.loads(controls.RESULTS.read_text())["widened"]
assert control["test"] == dataset["test"]
assert without_chance(control["recipe"]) == without_chance(short["unet"]["recipe"])
by_seed["widened"] = {seed: scored["mean_iou"] for seed, scored in control["seeds"].items()}


def spread_of(trainings):
    """The standard deviation s, pooled over what was trained several times, and its degrees of freedom."""
    several = [found for found in trainings.values() if len(found) > 1]
    freedom = sum(len(found) - 1 for found in several)
    return np.sqrt(sum((len(found) - 1) * np.var(found, ddof=1) for found in several) / freedom), freedom


def limit(trainings, n, m):
    """How large a difference between means over n and over m trainings may be by chance."""
    spread, freedom = spread_of(trainings)
    return stats.t.ppf(0.975, freedom) * spread * np.sqrt(1 / n + 1 / m)


trainings = {name: [found[seed] for seed in sorted(found, key=int)] for name, found in by_seed.items()}
for name, found in trainings.items():
    if len(found) > 1:
        print(f"{name:24}", *(f"{score:.4f}" for score in found))
spread, freedom = spread_of(trainings)
print(f"s = {spread:.4f} from {freedom} degrees of freedom, t = {stats.t.ppf(0.975, freedom):.2f}")
print(f"Limit for two stages with one training each: {limit(trainings, 1, 1):.4f}")
missing = [name for name, found in trainings.items() if len(found) == 1]
if missing:
    print(f"One training alone have: {', '.join(missing)}.")
    print("For these we borrow the spread of the stages above: a weak point of what follows.")
for cost, unit in (("parameters", "weights"), ("multiply_adds", "multiply-adds")):
    stages = ", ".join(f"{stage} {cards[stage]['costs'][cost]:,}" for stage in ("transposed_convolution", "unet"))
    print(f"{unit}: widened {control[cost]:,}, {stages}")

# %% [markdown]
# Seeds are not the only chance: the test images are a sample, too, and this rule leaves that out. Bouthillier et al.
# (2021) tell how to do it thoroughly.
#
# ## The lecture's claims
#
# Here is the argument of the lecture, as far as it says that one way *answers better* than another. Two rows are ours:
# the lecture names both the feature and the mark, and does not say which is better; and the last row is the control.
# *Not decided* means: the difference is within the limit.

# %% tags=["numbers"]
claims = [
    ("shrink and grow, not full resolution", "nearest_unpooling", "fully_convolutional"),
    ("remember the place, not copy", "max_unpooling", "nearest_unpooling"),
    ("remember the place, not a fixed corner", "max_unpooling", "bed_of_nails"),
    ("the feature at the place, not a mark", "max_unpooling", "index_unpooling"),
    ("learn to grow, not copy", "transposed_convolution", "nearest_unpooling"),
    ("learn to grow, not a fixed corner", "transposed_convolution", "bed_of_nails"),
    ("hand the features across", "unet", "transposed_convolution"),
    ("hand the features across, same size", "unet", "widened"),
]


def judge(difference, within):
    """The verdict on a difference whose limit is known."""
    return "not decided" if abs(difference) <= within else "confirmed" if difference > 0 else "contradicted"


def decide(trainings, stage, other):
    """The difference of the means, its limit, and the verdict."""
    difference = np.mean(trainings[stage]) - np.mean(trainings[other])
    within = limit(trainings, len(trainings[stage]), len(trainings[other]))
    return difference, within, judge(difference, within)


decided = [decide(trainings, better, worse) for _, better, worse in claims]
table = [
    [claim, f"**{verdict}**", f"{difference:+.3f} ± {within:.3f}", better, worse]
    for (claim, better, worse), (difference, within, verdict) in zip(claims, decided, strict=True)
]
Markdown(format_table(["claim", "verdict", "difference ± limit", "of", "against"], table))

# %% The difference of each claim with its limit: what crosses zero is not decided tags=["picture"]
figure = Figure(figsize=(7, 3), layout="constrained")
axis = figure.subplots()
rows = range(len(claims))
differences, limits, verdicts = (np.array(column) for column in zip(*decided, strict=True))
axis.errorbar(differences, rows, xerr=limits, fmt="o", color="black", capsize=3)
axis.axvline(0, color="black", linewidth=0.8)
axis.set_yticks(rows, [claim for claim, _, _ in claims])
axis.invert_yaxis()
axis.set_xlabel("difference in mean IoU (logarithmic beyond 0.02)")
axis.set_xscale("symlog", linthresh=0.02)
ticks = [-0.02, -0.01, 0, 0.01, 0.02, 0.05, 0.1, 0.2]
axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
axis.minorticks_off()
axis.patch.set_visible(False)
figure

# %% tags=["numbers"]
verdict_of = {claim: verdict for (claim, _, _), (_, _, verdict) in zip(claims, decided, strict=True)}
for word in ("confirmed", "contradicted", "not decided"):
    of_word = [claim for claim, verdict in verdict_of.items() if verdict == word]
    print(f"{word}: {len(of_word)} of {len(claims)}" + "".join(f"\n    {claim}" for claim in of_word))


def mean_of_seeds(stage, score):
    """The mean of a score over the short trainings of a stage."""
    found = [json.loads(path.read_text()) for path in folder.glob(f"**/{stage}.json")]
    return np.mean([card["scores"]["at_network_size"][score] for card in found])


for score in ("mean_iou", "boundary_iou"):
    assert mean_of_seeds("max_unpooling", score) < mean_of_seeds("index_unpooling", score)
behind = [claim for claim, better, _ in claims if better == "max_unpooling"]
assert len(behind) == 3
assert {verdict_of[claim] for claim in behind} == {"contradicted"}
alike = ("nearest_unpooling", "bed_of_nails", "transposed_convolution")
print(
    f"The three that pool alike and remember nothing lie within {np.ptp([np.mean(trainings[s]) for s in alike]):.3f}."
)

# %% [markdown]
# **How to read the verdicts.**
#
# - *Confirmed* is no proof of the reason. The first claim compares networks that differ in their depth, their weights
#   and how far a feature sees. The U-Net has more weights than `transposed_convolution`, too. Here the control helps:
#   if the last line is confirmed, the number of weights is not the whole reason.
# - *Contradicted* is no refutation of the idea. It speaks of *these* networks, with this data, by this recipe.
# - *Not decided* is no proof that two ways are equal.
# - "Learn to grow" (方式二 against 方式一) is hardly tested here. In every stage a learned 3 x 3 convolution follows
#   the unpooling, and the two together *are* a way to grow that is learned: the pages on [nearest
#   neighbour](05_nearest_and_nails.md) and [transposed convolution](07_transposed_convolution.md) show it. So these
#   stages can all learn to grow alike. On pets they lie close together; [in a street](#and-in-a-street) they do not.
# - "Each step mends the fault of the one before" is an argument, and not always a better score. On pets,
#   `max_unpooling` is a little behind all three that it should mend: copying, the fixed corner and the mark. Boundary
#   IoU puts it behind the mark, too.
#
# Two steps of the nine claim no better answers. One pass in place of patches is about **cost**, which needs no
# statistics, and the strided convolution *may* shrink better, but the lecture does not say that it must.

# %% tags=["numbers"]
slow, fast = (cards[stage]["costs"]["multiply_adds"] for stage in ("sliding_window", "fully_convolutional"))
print(f"The sliding window takes {slow / fast:.1f} times the multiply-adds of the fully convolutional network,")
print("though it decides only once for each block of 4 x 4 pixels.")
difference_then, within, verdict_then = decide(trainings, "strided_convolution", "transposed_convolution")
print(f"Strided convolution against max pooling: {difference_then:+.3f} ± {within:.3f}.")

# %% [markdown]
# ## Where places must matter
#
# On pets, to remember places gains nothing. Was the lecture wrong? Or is a pet the wrong question? The outline of a
# pet is long and smooth. A network that knows the outline roughly can *guess* where it runs between.
#
# So we take images in which nothing can be guessed: 32 x 32 pixels of noise, and in them eight **dots**, single bright
# pixels, or three **lines**, one pixel thin. The answer is the mask of the dots or lines. After two poolings a dot lies
# somewhere within 4 x 4 pixels, and an answer that is one pixel away from it has IoU 0.
#
# The networks are the seven stages, made small: two poolings, and 8 filters at each level. Each was trained for a few
# epochs of 2,000 images with the loss and the optimiser of the stages. `python -m zoo.places` did that, and wrote
# [the results](places.json); its [code](reference/places.md) is short.
#
# One thing was not set beforehand: how long to train. So read the gap, and not the order within a group.

# %% An image of dots and one of lines with their truths, and what each of the networks answers tags=["picture"]
from zoo import places

results = json.loads(places.RESULTS.read_text())
assert (places.SIDE, places.TRAINING, places.TEST, places.FILTERS["unet"]) == (32, 2000, 500, (8, 8, 8))
measured = [stage for stage in ways if all(stage in results[task] for task in places.TASKS)]
figure = Figure(figsize=(7, 6.2), layout="constrained")
for half, task in zip(figure.subfigures(2, 1), places.TASKS, strict=True):
    images, masks = places.examples(task, places.TEST, places.TEST_SEED)
    panels = {"image": images[0, :, :, 0], "truth": masks[0]}
    for stage in measured:
        panels[stage.replace("_", "\n", 1)] = np.array([list(row) for row in results[task][stage]["answer"]], int)
    axes = half.subplots(2, 5)
    for axis, (title, panel) in zip(axes.flat, panels.items(), strict=False):
        axis.imshow(panel, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axis.set_title(title, fontsize=10)
    for axis in axes.flat:
        axis.set_axis_off()
figure

# %% [markdown]
# The scores are the IoU of the dots and of the lines on 500 other images:

# %% The IoU of dots and of lines for each network: a point for each seed tags=["picture"]
colours = {"nothing": "black", "offsets": plots.COLOURS[0] / 255, "features": plots.COLOURS[1] / 255}


def ends(task, stage):
    """The IoU of each seed."""
    return list(results[task][stage]["ious"].values())


def draw_seeds(scores_of):
    """A panel for each kind of score: a row for each stage, and in it a point for each seed."""
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.subplots(1, len(scores_of), sharey=True)
    for axis, (kind, of_stages) in zip(axes, scores_of.items(), strict=True):
        for stage, found in of_stages.items():
            axis.plot(found, [stage.replace("_", " ")] * len(found), "o", color=colours[ways[stage][1]], alpha=0.7)
        axis.set_xlabel(f"IoU of {kind}")
        axis.patch.set_visible(False)
    axes[0].invert_yaxis()
    handles = [Patch(color=colour, label=f"remembers {memory}") for memory, colour in colours.items()]
    figure.legend(handles=handles, loc="outside upper center", ncols=3, frameon=False)
    return figure


figure = draw_seeds({task: {stage: ends(task, stage) for stage in measured} for task in places.TASKS})
for axis in figure.axes:
    axis.set_xlim(-0.03, 1.03)
figure

# %% tags=["numbers"]
rows = []
for stage in measured:
    row = [stage, ways[stage][1], " and ".join(str(len(ends(task, stage))) for task in places.TASKS)]
    for task in places.TASKS:
        found = ends(task, stage)
        row.append(f"{np.mean(found):.2f} ({min(found):.2f} to {max(found):.2f})")
    rows.append(row)
print(f"{places.EPOCHS} epochs: mean, and smallest to largest of the seeds")
if len(measured) < len(ways):
    print("Not measured yet:", *(stage for stage in ways if stage not in measured))
for task in places.TASKS:
    something = [iou for stage in measured if ways[stage][1] != "nothing" for iou in ends(task, stage)]
    nothing = [iou for stage in measured if ways[stage][1] == "nothing" for iou in ends(task, stage)]
    apart = "the two groups are apart" if min(something) > max(nothing) else "the two groups overlap"
    print(f"{task}: with a memory {min(something):.2f} to {max(something):.2f},", end=" ")
    print(f"without {min(nothing):.2f} to {max(nothing):.2f}: {apart}.")
Markdown(format_table(["network", "remembers", "seeds", "IoU of dots", "IoU of lines"], rows))

# %% [markdown]
# Is the gap more than chance? Take the hardest pair, the weakest network that remembers against the strongest that does
# not, and the rule from above.

# %% tags=["numbers"]
for task in places.TASKS:
    found = {stage: ends(task, stage) for stage in measured}
    order = sorted(measured, key=lambda stage: np.mean(found[stage]))
    weakest = next(stage for stage in order if ways[stage][1] != "nothing")
    strongest = next(stage for stage in reversed(order) if ways[stage][1] == "nothing")
    difference, within, verdict = decide(found, weakest, strongest)
    print(f"{task}: {weakest} - {strongest}: {difference:+.3f} ± {within:.3f}, {verdict}")

# %% [markdown]
# **Can a network without a memory know the place?** It can. Before it pools, it can shift copies of a dot by one pixel,
# each in a channel of its own. In which of these copies the dot falls into the next window tells where it stood. So a
# place can be written into features:

# %%
dots = np.zeros((64, 10, 10, 1), "float32")
for number, position in enumerate(np.ndindex(8, 8)):
    dots[number, *position] = 1
copies = [np.roll(dots, shift, (1, 2)) for shift in ((0, 0), (1, 0), (0, 1))]  # as it is, one down, one to the right
windows = [np.array(keras.layers.MaxPooling2D(2)(copy)).reshape(64, -1).argmax(axis=1) for copy in copies]
told = len(set(windows[0])), len(set(zip(*windows, strict=True)))
assert told == (16, 64)
print(f"One pooled copy tells {told[0]} of 64 places apart, three copies tell {told[1]}.")

# %% [markdown]
# But that has a price: it takes channels, and training has to find such a code. Does a bottom of eight times as many
# channels help?

# %% tags=["numbers"]
narrow, wide = "transposed_convolution", "transposed_convolution, wide"
assert places.FILTERS[wide][-1] == 8 * places.FILTERS[narrow][-1]
for network in (narrow, wide, "unet"):
    for task in places.TASKS:
        parameters, found = results[task][network]["parameters"], ends(task, network)
        print(f"{network:30}{parameters:7,} parameters, {task} {np.mean(found):.2f} of {len(found)} seeds")
times = results["dots"][wide]["parameters"] / results["dots"][narrow]["parameters"]
print(f"The wide one has {times:.0f} times the weights.")
for task in places.TASKS:
    small, large, memory = (np.mean(ends(task, network)) for network in (narrow, wide, "unet"))
    print(f"{task}: {large - small:+.2f} by width, {memory - small:+.2f} by a memory")
    assert small < large < memory

# %% [markdown]
# A wider bottom helps. It does not reach what a memory gives.

# %% [markdown]
# A memory hands over what pooling knew anyway. Without one, the network has to learn a code for it, and its channels
# have to carry the code. So for places to matter, a task needs **things as small as a window of pooling, and nothing
# around them that tells where they are**: poles, wires, vessels, roads. Pets are not such things.
#
# ### And in a street?
#
# Dots and lines are drawn so that nothing can be guessed. Is there a real task like this? **CamVid**, the data of the
# SegNet paper, has photos out of a driving car. Five of its eleven classes are thin or small: poles, signs, fences,
# pedestrians and bicyclists. If it helps to remember places, it should help these first.
#
# The nine stages learned CamVid from random weights, by one recipe, with two seeds each; their cards lie in
# `saved_models/streets/`. The score is the mean IoU of the five thin classes, beside that of the six large ones. Claims
# and rule are those from above.

# %% The mean IoU of thin and of large classes of CamVid for each stage: a point for each seed tags=["picture"]
THIN = ("pole", "sign", "fence", "pedestrian", "bicyclist")
streets = {"thin classes": defaultdict(list), "large classes": defaultdict(list)}
paths = [path for pattern in ("*.json", "seed_*/*.json") for path in (folder.parent / "streets").glob(pattern)]
street_cards = [json.loads(path.read_text()) for path in paths]
street_cards.sort(key=lambda card: (zoo.STAGES.index(card["stage"]), card["recipe"]["seed"]))
for card in street_cards:
    assert without_chance(card["recipe"]) == without_chance(street_cards[0]["recipe"])
    iou = card["scores"]["at_network_size"]["iou"]
    thin, large = ([iou[name] for name in iou if (name in THIN) == is_thin] for is_thin in (True, False))
    streets["thin classes"][card["stage"]].append(np.mean(thin))
    streets["large classes"][card["stage"]].append(np.mean(large))
draw_seeds({kind: {stage: of_stages[stage] for stage in ways} for kind, of_stages in streets.items()})

# %% tags=["numbers"]
learned = street_cards[0]["recipe"]
print(f"{learned['epochs']} epochs of {street_cards[0]['dataset']['train']['examples']} photos, batches of", end=" ")
print(f"{learned['batch_size']}, {' x '.join(map(str, learned['image_size']))} pixels, with class weights.")
for kind, of_stages in streets.items():
    print(f"{kind}: s = {spread_of(of_stages)[0]:.4f} from {spread_of(of_stages)[1]} degrees of freedom")
    for stage, found in of_stages.items():
        print(f"    {stage:24}", *(f"{score:.3f}" for score in found))
rows = []
for claim, better, worse in claims:
    if better in zoo.STAGES and worse in zoo.STAGES:
        rows.append([claim])
        for of_stages in streets.values():
            difference, within, verdict = decide(of_stages, better, worse)
            rows[-1].append(f"{difference:+.3f} ± {within:.3f}, **{verdict}**")
Markdown(format_table(["claim", *streets], rows))

# %% [markdown]
# A mean over five classes hides much. How often does each stage answer a thin class at all? 1 means: as often as it is
# true, 0: never.

# %% tags=["numbers"]
answered = {stage: defaultdict(list) for stage in zoo.STAGES}
for card in street_cards:
    found = card["scores"]["at_network_size"]
    confusion = np.array(found["confusion"])
    for name in THIN:
        number = list(found["iou"]).index(name)
        answered[card["stage"]][name].append(confusion[:, number].sum() / confusion[number].sum())
rows = [
    [stage, *(" and ".join(f"{share:.2f}" for share in of_stage[name]) for name in THIN)]
    for stage, of_stage in answered.items()
]
Markdown(format_table(["answered, by seed", *THIN], rows))

# %% tags=["check"]
assert {len(found) for of_stages in streets.values() for found in of_stages.values()} == {2}
forgetful = [stage for stage in ways if ways[stage][1] == "nothing"]
assert max(max(answered[stage]["pole"]) for stage in forgetful) < 0.005
assert min(min(answered[stage]["pole"]) for stage in answered if stage not in forgetful) > 0.1
verdicts = {
    (kind, better, worse): decide(of_stages, better, worse)[2]
    for kind, of_stages in streets.items()
    for _, better, worse in claims
    if worse in of_stages
}
assert verdicts["thin classes", "max_unpooling", "bed_of_nails"] == "confirmed"
assert verdicts["large classes", "max_unpooling", "bed_of_nails"] == "not decided"
assert verdicts["large classes", "max_unpooling", "index_unpooling"] == "contradicted"
for kind in streets:
    assert verdicts[kind, "unet", "transposed_convolution"] == "confirmed"
    assert verdicts[kind, "max_unpooling", "nearest_unpooling"] == "not decided"

# %% [markdown]
# **Look at the poles**, the thinnest class. The four stages that shrink and remember nothing never answer *pole*, with
# either seed. The three that remember do, and so do the first two stages, which have no way up. So poles can be seen;
# they are lost between the way down and the way up, where nobody hands their place over. That is the lecture's
# argument, in a street.
#
# **Look at the cleanest pair**, `max_unpooling` against `bed_of_nails`: weights of the same shapes, and three of four
# pixels empty in both. The remembered place gains more than the limit where things are thin. Where they are large,
# nothing is decided. (On pets, it loses a little.)
#
# Not all is so clear:
#
# - Copying is not behind, in the mean over the five classes. It finds no pole, but bicyclists.
# - The feature at its place does not beat the mark with its copies. For large classes it is behind, as on pets.
# - The U-Net leads in both. Features say where, and what stands there, too.
# - On pets, the stages that remember nothing lie close together. Here they do not. To be *able* to learn the same way
#   to grow is not to have learned it.
# - This training is short: a low score may mean "not learned yet". And a stage that never answers a class has IoU 0
#   with every seed, which makes \(s\), and so the limit, too small.
#
# ## What each step costs


# %% Mean IoU of each stage over its multiply-adds for one image tags=["picture"]
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
points = {stage: (card["costs"]["multiply_adds"] / 1e6, scores[stage]["mean_iou"]) for stage, card in cards.items()}
axis.plot(*zip(*points.values(), strict=True), "o", color="black")
dearest = max(price for price, _ in points.values())
name_points(axis, points, 1.1 * dearest, gap=0.06 * (max(means) - min(means)))
axis.margins(y=0.2)
axis.set(xlim=(0, 1.6 * dearest), xlabel="million multiply-adds for one image", ylabel="mean IoU")
axis.patch.set_visible(False)
figure

# %% [markdown]
# !!! question "Try it"
#     A stage is worth its price if no other stage has a higher mean IoU for as many multiply-adds or fewer. Find these
#     stages. Does the choice change if you count the parameters instead?

# %% tags=["solution"]
for cost in ("multiply_adds", "parameters"):
    prices = {stage: card["costs"][cost] for stage, card in cards.items()}
    better = {
        stage: [other for other in prices if scores[other]["mean_iou"] > scores[stage]["mean_iou"]] for stage in prices
    }
    worth = [stage for stage in prices if all(prices[other] > prices[stage] for other in better[stage])]
    print(f"{cost}: {', '.join(worth)}")

# %% [markdown]
# ## Ten times as many epochs
#
# How much does the length of the training matter? The models that `zoo.load` loads have seen each image ten times as
# often as those that decided the claims. What the two recipes have not in common:

# %% tags=["numbers"]
shorter = without_chance(short["unet"]["recipe"])
for name, value in without_chance(recipe).items():
    if value != shorter[name]:
        print(f"{name}: {shorter[name]}, now {value}")
learned = dataset[recipe["split"]]["examples"]
steps = [learned // each["batch_size"] * each["epochs"] for each in (shorter, recipe)]
print(f"steps: {steps[0]:,}, now {steps[1]:,}: {steps[1] / steps[0]:.0f} times as many")

for stage in zoo.STAGES:
    before, after = (found[stage]["scores"]["at_network_size"]["mean_iou"] for found in (short, cards))
    print(f"{stage:24}{before:.3f}, now {after:.3f}: {after - before:+.3f}")

# %% [markdown]
# All gain, but not all alike. Do the verdicts hold? Here each stage has one training, so that the limit is the one for
# two stages with one training each, with \(s\) from above: after a long training, scores may vary less with the seed.

# %% tags=["numbers"]
within = limit(trainings, 1, 1)
table = []
for (claim, better, worse), (difference, _, verdict) in zip(claims, decided, strict=True):
    if worse in scores:
        longer = scores[better]["mean_iou"] - scores[worse]["mean_iou"]
        table.append([claim, f"{difference:+.3f}", verdict, f"{longer:+.3f}", judge(longer, within)])
print(f"Limit: {within:.3f}. Changed: {sum(row[2] != row[4] for row in table)} of {len(table)} verdicts.")
longer = scores["strided_convolution"]["mean_iou"] - scores["transposed_convolution"]["mean_iou"]
print(f"Strided convolution against max pooling, now: {longer:+.3f}.")
assert all(row[-1] == "not decided" for row in table if row[0] in behind)
assert difference_then < 0 < longer
assert "not decided" not in (verdict_then, judge(longer, within))
before, after = (f"{each['epochs']} epochs" for each in (shorter, recipe))
Markdown(format_table(["claim", before, "verdict", after, "verdict"], table))

# %% [markdown]
# `max_unpooling` is still a little behind, by no more than before. Three trainings of each stage told that from chance;
# one of each does not. And one difference changes its sign: after the short training, strided convolution is behind max
# pooling; after the long one it is ahead, and either lead is larger than its limit. Perhaps a step that is learned
# needs more time.
#
# Before you believe that one network is better than another, ask how long each of them has learned. All nine saw each
# image equally often. A stage that needs more steps is at a disadvantage, and a lead after a short training does not
# say who would lead after a long one.
#
# ## Make it better evidence
#
# This page reads whatever cards lie in `saved_models/seeds/` and `saved_models/streets/`, and decides anew. These
# commands add seeds, skip what is done, and go on where they were stopped:
#
# ```bash
# python -m zoo grid --short --seeds 3 --out saved_models/seeds
# python -m zoo.controls widened --out zoo/controls.json
# ```
#
# !!! abstract "What the nine steps mend, what they leave broken"
#     **Mended:** from a patch classifier to a network that sees most of the pet, answers for all pixels at once, and
#     hands the fine features across. Each step has a reason. The tables above say where these trained models agree
#     with the reason, and where they do not.
#
#     **Left:** two data sets of photos, one size of each, few seeds, few classes. What happens with your own photos
#     and classes? That is the next page: [your own](10_your_own.md). And what do networks of today remember on their
#     way down? [What came after](13_after.md) the U-Net, in the same words.
#
# ## References
#
# - Xavier Bouthillier et al.: *Accounting for Variance in Machine Learning Benchmarks*, 2021.
#   [arXiv:2103.03098](https://arxiv.org/abs/2103.03098)
# - Bowen Cheng, Ross Girshick, Piotr Dollár, Alexander C. Berg, Alexander Kirillov: *Boundary IoU: Improving
#   Object-Centric Image Segmentation Evaluation*, 2021. [arXiv:2103.16562](https://arxiv.org/abs/2103.16562)
# - Vijay Badrinarayanan, Alex Kendall, Roberto Cipolla: *SegNet*, 2015.
#   [arXiv:1511.00561](https://arxiv.org/abs/1511.00561). Remembered places, on streets with poles and signs.
# - Omkar M. Parkhi, Andrea Vedaldi, Andrew Zisserman, C. V. Jawahar: *Cats and Dogs*, CVPR 2012. The data set.
