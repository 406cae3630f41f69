# %% [markdown]
# # Where places must matter
#
# [Max unpooling](06_max_unpooling.md) remembers where each maximum stood. On pets, says the
# [comparison](09_comparison.md#the-lectures-claims), that gains no mean IoU. **Was the lecture wrong? Or is a pet the
# wrong question?** The outline of a pet is long and smooth. A network that knows it roughly can *guess* what runs
# between.
#
# ## Dots and lines
#
# So we take images in which nothing can be guessed: 32 x 32 pixels of noise, and in them eight **dots**, single bright
# pixels, or three **lines**, one pixel thin. The answer is the mask of the dots or lines. After two poolings a dot lies
# somewhere within 4 x 4 pixels, and an answer that is one pixel away from it has IoU 0.
#
# The networks are the seven stages, made small: two poolings, and 8 filters at each level. Each was trained for 12
# epochs of 2,000 images with the loss and the optimiser of the stages, at a higher learning rate (0.01). `python -m
# zoo.places` did that, and wrote [the results](places.json); its [code](reference/places.md) is short.
#
# One thing was not set beforehand: how long to train. So read the gap, and not the order within a group.

# %% An image of dots and one of lines with their truths, and what each of the networks answers tags=["picture"]
import json

import numpy as np
from matplotlib.figure import Figure

import zoo
from zoo import chance, places, plots

# What the way down of each stage hands to its way up.
memories = {
    "nearest_unpooling": "nothing",
    "bed_of_nails": "nothing",
    "index_unpooling": "offsets",
    "max_unpooling": "offsets",
    "transposed_convolution": "nothing",
    "strided_convolution": "nothing",
    "unet": "features",
}
assert tuple(memories) == zoo.STAGES[2:]
results = json.loads(places.RESULTS.read_text())
assert (places.SIDE, places.TRAINING, places.TEST, places.FILTERS["unet"]) == (32, 2000, 500, (8, 8, 8))
figure = Figure(figsize=(7, 6.2), layout="constrained")
for half, task in zip(figure.subfigures(2, 1), places.TASKS, strict=True):
    images, masks = places.examples(task, places.TEST, places.TEST_SEED)
    panels = {"image": images[0, :, :, 0], "truth": masks[0]}
    for stage in memories:
        title = stage.replace("_", "\n", 1).replace("_", " ")
        panels[title] = np.array([list(row) for row in results[task][stage]["answer"]], int)
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
from matplotlib.patches import Patch

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
            axis.plot(found, [stage.replace("_", " ")] * len(found), "o", color=colours[memories[stage]], alpha=0.7)
        axis.set_xlabel(f"IoU of {kind}")
        axis.patch.set_visible(False)
    axes[0].invert_yaxis()
    handles = [Patch(color=colour, label=f"remembers {memory}") for memory, colour in colours.items()]
    figure.legend(handles=handles, loc="outside upper center", ncols=3, frameon=False)
    return figure


figure = draw_seeds({task: {stage: ends(task, stage) for stage in memories} for task in places.TASKS})
for axis in figure.axes:
    axis.set_xlim(-0.03, 1.03)
figure

# %% tags=["numbers"]
from IPython.display import Markdown

from zoo.tables import format_table

rows = []
for stage in memories:
    row = [stage, memories[stage], " and ".join(str(len(ends(task, stage))) for task in places.TASKS)]
    for task in places.TASKS:
        found = ends(task, stage)
        row.append(f"{np.mean(found):.2f} ({min(found):.2f} to {max(found):.2f})")
    rows.append(row)
print(f"{places.EPOCHS} epochs: mean, and smallest to largest of the seeds")
for task in places.TASKS:
    something = [iou for stage in memories if memories[stage] != "nothing" for iou in ends(task, stage)]
    nothing = [iou for stage in memories if memories[stage] == "nothing" for iou in ends(task, stage)]
    apart = "the two groups are apart" if min(something) > max(nothing) else "the two groups overlap"
    print(f"{task}: with a memory {min(something):.2f} to {max(something):.2f},", end=" ")
    print(f"without {min(nothing):.2f} to {max(nothing):.2f}: {apart}.")
Markdown(format_table(["network", "remembers", "seeds", "IoU of dots", "IoU of lines"], rows))

# %% [markdown]
# Is the gap more than chance? Take the hardest pair, the weakest network that remembers against the strongest that does
# not, and the [rule](09_comparison.md#one-rule-set-before-we-look) of the comparison.

# %% tags=["numbers"]
for task in places.TASKS:
    found = {stage: ends(task, stage) for stage in memories}
    order = sorted(memories, key=lambda stage: np.mean(found[stage]))
    weakest = next(stage for stage in order if memories[stage] != "nothing")
    strongest = next(stage for stage in reversed(order) if memories[stage] == "nothing")
    difference, within, verdict = chance.decide(found, weakest, strongest)
    print(f"{task}: {weakest} - {strongest}: {difference:+.3f} ± {within:.3f}, {verdict}")

# %% [markdown]
# **Can a network without a memory know the place?** It can. Before it pools, it can shift copies of a dot by one pixel,
# each in a channel of its own. In which of these copies the dot falls into the next window tells where it stood. So a
# place can be written into features:

# %%
import keras

dots = np.zeros((64, 10, 10, 1), "float32")
for number, position in enumerate(np.ndindex(8, 8)):
    dots[number, *position] = 1
copies = [np.roll(dots, shift, (1, 2)) for shift in ((0, 0), (1, 0), (0, 1))]  # as it is, one down, one to the right
windows = [np.array(keras.layers.MaxPooling2D(2)(copy)).reshape(64, -1).argmax(axis=1) for copy in copies]
told = len(set(windows[0])), len(set(zip(*windows, strict=True)))
assert told == (16, 64)
print(f"One pooled copy tells {told[0]} of 64 places apart, three copies tell {told[1]}.")

# %% [markdown]
# But that has a price: it takes channels, and training has to find such a code. Does it help to have more channels, 8,
# 16 and 64 on the three levels in place of 8 on each?

# %% tags=["numbers"]
narrow, wide = "transposed_convolution", "transposed_convolution, wide"
assert (places.FILTERS[narrow], places.FILTERS[wide]) == ((8, 8, 8), (8, 16, 64))
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
# More channels help. They do not reach what the U-Net's memory gives.
#
# A memory hands over what pooling knew anyway. Without one, the network has to learn a code for it, and its channels
# have to carry the code. So for places to matter, a task needs **things as small as a window of pooling, and nothing
# around them that tells where they are**: poles, wires, vessels, roads seen from a plane. Pets are not such things.
#
# ## And in a street?
#
# Dots and lines are drawn so that nothing can be guessed. Is there a real task like this? **CamVid**, the data of the
# SegNet paper, has photos taken from a moving car. Five of its eleven classes are thin or small: poles, signs, fences,
# pedestrians and bicyclists. If it helps to remember places, it should help these first.
#
# The nine stages learned CamVid from random weights, by one recipe, with two seeds each; their cards lie in
# `saved_models/streets/`. The score is the mean IoU of the five thin classes, beside that of the six large ones. Claims
# and rule are those of the comparison.

# %% The mean IoU of thin and of large classes of CamVid for each stage: a point for each seed tags=["picture"]
from collections import defaultdict

from zoo import saved, training

THIN = ("pole", "sign", "fence", "pedestrian", "bicyclist")
streets = {"thin classes": defaultdict(list), "large classes": defaultdict(list)}
folder = saved.folder_of_models() / "streets"
paths = [path for pattern in ("*.json", "seed_*/*.json") for path in folder.glob(pattern)]
street_cards = [json.loads(path.read_text()) for path in paths]
street_cards.sort(key=lambda card: (zoo.STAGES.index(card["stage"]), card["recipe"]["seed"]))
recipe = training.but_for_rounding(street_cards[0]["recipe"])
for card in street_cards:
    assert training.but_for_rounding(card["recipe"]) == {**recipe, "seed": card["recipe"]["seed"]}
    iou = card["scores"]["at_network_size"]["iou"]
    thin, large = ([iou[name] for name in iou if (name in THIN) == is_thin] for is_thin in (True, False))
    streets["thin classes"][card["stage"]].append(np.mean(thin))
    streets["large classes"][card["stage"]].append(np.mean(large))
draw_seeds({kind: {stage: of_stages[stage] for stage in memories} for kind, of_stages in streets.items()})

# %% tags=["numbers"]
print(f"{recipe['epochs']} epochs of {street_cards[0]['dataset']['train']['examples']} photos, batches of", end=" ")
print(f"{recipe['batch_size']}, {' x '.join(map(str, recipe['image_size']))} pixels, with class weights.")
for kind, of_stages in streets.items():
    print("{}: s = {:.4f} from {} degrees of freedom".format(kind, *chance.spread(of_stages)))
    for stage, found in of_stages.items():
        print(f"    {stage:24}", *(f"{score:.3f}" for score in found))
rows = []
for claim, better, worse in chance.CLAIMS:
    rows.append([claim])
    for of_stages in streets.values():
        difference, within, verdict = chance.decide(of_stages, better, worse)
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
forgetful = [stage for stage, memory in memories.items() if memory == "nothing"]
assert max(max(answered[stage]["pole"]) for stage in forgetful) < 0.005
assert min(min(answered[stage]["pole"]) for stage in answered if stage not in forgetful) > 0.1
verdicts = {
    (kind, better, worse): chance.decide(of_stages, better, worse)[2]
    for kind, of_stages in streets.items()
    for _, better, worse in chance.CLAIMS
}
assert verdicts["thin classes", "max_unpooling", "bed_of_nails"] == "confirmed"
assert verdicts["large classes", "max_unpooling", "bed_of_nails"] == "not decided"
assert verdicts["large classes", "max_unpooling", "index_unpooling"] == "contradicted"
for kind in streets:
    assert verdicts[kind, "unet", "transposed_convolution"] == "confirmed"
    lead_is_decided = chance.decide(streets[kind], "unet", "index_unpooling")[2] == "confirmed"
    assert lead_is_decided == (kind == "thin classes")
    assert verdicts[kind, "max_unpooling", "nearest_unpooling"] == "not decided"

# %% [markdown]
# **Look at the poles**, the thinnest class. The four stages that go down and up and remember nothing almost never
# answer *pole*, with either seed. The three that remember do. So do the first two stages, which do not go down as far:
# one stays at full resolution, the other decides for each block of 4 x 4 pixels. So poles can be seen; they are lost on
# the way down to blocks of 16 x 16 and up again, where nobody hands their place over. That is the lecture's argument,
# in a street.
#
# **Look at the cleanest pair**, `max_unpooling` against `bed_of_nails`: weights of the same shapes, and three of four
# pixels empty in both. The remembered place gains more than the limit where things are thin. Where they are large,
# nothing is decided. (On pets, it loses a little.)
#
# Not all is so clear:
#
# - Copying is not behind max unpooling, in the mean over the five classes. It finds no pole, but bicyclists.
# - The feature at its place does not beat the mark with its copies. For large classes it is behind, as on pets.
# - The U-Net leads in both. (For large classes, its lead over `index_unpooling` is within the limit.) Features say
#   where, and what stands there, too.
# - On pets, the three that pool alike and remember nothing lie close together. Here they do not. To be *able* to learn
#   the same way to grow is not to have learned it.
# - This training is not long (the U-Net gains from more of it, on the page
#   [fine-tune](14_fine_tune.md#with-a-longer-training)): a low score may mean "not learned yet". And a stage that never
#   answers a class has IoU 0 with every seed, which makes \(s\), and so the limit, too small.
#
# !!! abstract "What a memory is good for"
#     Remembered places help where things are as small as the windows that pool them, and nothing around tells where
#     they stand. Where an outline can be guessed, they help little, or not at all. Features that are handed across
#     helped in every task here.
#
# ## References
#
# - Brostow, Fauqueur and Cipolla: *Semantic object classes in video: A high-definition ground truth database*. Pattern
#   Recognition Letters, 2009. CamVid.
# - Vijay Badrinarayanan, Alex Kendall, Roberto Cipolla: *SegNet*, 2015.
#   [arXiv:1511.00561](https://arxiv.org/abs/1511.00561). Remembered places, on streets with poles and signs.
