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
# Two of them learned in float32, since in bfloat16 their loss became NaN. The five from `index_unpooling` on were
# stopped once, and went on from a state in which the optimiser's running averages of the gradients were rounded. So
# `nearest_unpooling` and `max_unpooling` differ in their rounding, too.
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
Markdown(format_table(["stage", "remembers", "up", "bytes", "parameters"], rows))

# %% tags=["check"]
shapes = {stage: [weight.shape for weight in models[stage].weights] for stage in ways}
assert shapes["nearest_unpooling"] == shapes["bed_of_nails"] == shapes["max_unpooling"]
assert sum(found == shapes["max_unpooling"] for found in shapes.values()) == 3

# %% [markdown]
# `nearest_unpooling`, `bed_of_nails` and `max_unpooling` have weights of exactly the same shapes. But for their
# rounding, they differ in nothing but which pixels of a window get a value: all four, the upper-left one, or the
# remembered one. That is the cleanest comparison of all. The other four of the seven differ in their weights, too. The
# [sliding window](02_sliding_window.md) and the [fully convolutional network](03_fully_convolutional.md) are other
# networks altogether, with far fewer weights: between them and the seven, a difference can have many causes.
#
# ## The scores
#
# What the scores mean is told on the page about [the task](01_task.md); what the loss has to do with the border's low
# IoU, on the page about [losses](12_losses.md). *Binary IoU* takes pet and border as one class. Memory and time are
# those of one prediction: the memory is its peak; the time depends on what else the machine had to do.

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
# Which differences are real? We need a rule, and it must not depend on what it decides. (You have seen scores already.
# *Before* means: the rule names one score, one limit and one recipe, whatever comes out.)
#
# **One score.** All claims are decided by the **mean IoU** at 128 x 128. Boundary IoU looks at the outline alone, but
# does it say anything new? The border is a class of the mean IoU already:

# %% tags=["numbers"]
ahead = ("strided_convolution", "unet")
print("boundary IoU correlates with    border IoU    mean IoU")
for words, stages in (("all seven", list(ways)), ("the five others", [stage for stage in ways if stage not in ahead])):
    found = [scores[stage] for stage in stages]
    columns = np.array([[each["boundary_iou"], each["iou"]["border"], each["mean_iou"]] for each in found])
    _, with_border, with_mean = np.corrcoef(columns.T)[0]
    print(f"{words:28}{with_border:14.3f}{with_mean:12.3f}")
assert with_mean < 0.5
order = sorted(ways, key=lambda stage: -scores[stage]["boundary_iou"])
print(f"Order by boundary IoU: {', '.join(order)}.")

# %% [markdown]
# Over all seven encoder-decoders the two scores rise and fall together, since `unet` and `strided_convolution` lead in
# both. Over the five others, the mean IoU tells next to nothing of the boundary IoU: so the outline does say something
# new, and we shall [look at it](#and-the-outline). But a rule with two scores has two chances to find a difference. So
# one decides, the mean IoU.
#
# **One limit.** Train the same network twice, with two seeds, and its score changes. (Some trainings were computed in
# bfloat16, others in float32: so the change includes the rounding, too.) A difference between two stages counts only if
# it is larger than what seeds do. Let \(s\) be the standard deviation of the scores of one stage over seeds, and let
# the two stages have \(n\) and \(m\) trainings. Then the difference of their means must be larger than
#
# \[ t \, s \, \sqrt{\frac{1}{n} + \frac{1}{m}} \]
#
# where \(t\) is Student's, for 95 %: the fewer trainings we know \(s\) from, the larger it is. Where several stages
# have more than one training, \(s\) is pooled over them. So we suppose that the scores of all stages vary equally with
# the seed. [`zoo.chance`](reference/chance.md) computes all this. Even with this rule, of twenty comparisons between
# stages that are truly equal, chance alone decides one on average.
#
# **One recipe, and a short one.** Seeds cost time. So the claims are decided after 16 epochs, from cards of their own,
# in `saved_models/seeds/`. The models above have seen each image ten times as often: [we shall
# see](#ten-times-as-many-epochs) whether that changes a verdict.
#
# **A control.** Two things tell the U-Net from `transposed_convolution`: it hands features across, and it is larger.
# Which of them counts? One more network learned by the same recipe: `transposed_convolution`, *widened* until it has as
# many weights as the U-Net, and about as many multiply-adds. `python -m zoo.controls` trained it, and wrote [the
# results](controls.json); its [code](reference/controls.md) is short.

# %% tags=["numbers"]
import json

from zoo import chance, controls

seeds = saved.cards_of_seeds()
short, every = seeds[0], [card for seed in seeds for card in seed.values()]
for card in every:
    assert [card["dataset"][split] for split in splits] == [dataset[split] for split in splits]
    assert without_chance(card["recipe"]) == without_chance(short["unet"]["recipe"])
in_float32 = sum(not card["recipe"]["mixed_precision"] for card in every)

control = json.loads(controls.RESULTS.read_text())["widened"]
assert control["test"] == dataset["test"]
assert without_chance(control["recipe"]) == without_chance(short["unet"]["recipe"])
scored = controls.scores()
trainings, outlines = (
    {name: [found[score] for found in scored[name]] for name in (*zoo.STAGES, "widened")}
    for score in ("mean_iou", "boundary_iou")
)
for name, found in trainings.items():
    if len(found) > 1:
        print(f"{name:24}", *(f"{score:.4f}" for score in found))
spread, freedom = chance.spread(trainings)
print(f"s = {spread:.4f} from {freedom} degrees of freedom")
print(f"Of the stages' {len(every)} trainings, {in_float32} were computed in float32.")
for number, words in ((1, "one training"), (3, "three trainings")):
    print(f"Limit for two stages with {words} each: {chance.limit(trainings, number, number):.4f}")
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
claims = [*chance.CLAIMS, ("hand the features across, same size", "unet", "widened")]
decided = [chance.decide(trainings, better, worse) for _, better, worse in claims]
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
#   stages can all learn to grow alike. On pets they lie close together; [in a street](15_places.md#and-in-a-street)
#   they do not.
# - "Each step mends the fault of the one before" is an argument, and not always a better score. On pets,
#   `max_unpooling` is a little behind the two that it should mend, copying and the fixed corner. It is behind
#   `index_unpooling`, too. That one joins the mark with the copied feature, and has more weights: the row does not tell
#   the mark from the copies, or from the size.
#
# ### And the outline?
#
# If remembered places help anywhere on a pet, then at its outline. The same rule, for the boundary IoU of the same
# trainings; last, the difference after ten times as many epochs. We did not choose this score beforehand, so that it
# decides no claim:

# %% tags=["numbers"]
apart = {}
for better in ("max_unpooling", "index_unpooling"):
    for worse in alike:
        difference, within, apart[better, worse] = chance.decide(outlines, better, worse)
        longer = scores[better]["boundary_iou"] - scores[worse]["boundary_iou"]
        print(f"{difference:+.3f} ± {within:.3f}; long: {longer:+.3f}   {better:15} against {worse}")
        assert better == "max_unpooling" or 0 < longer < 0.55 * difference
assert np.mean(outlines["max_unpooling"]) < np.mean(outlines["index_unpooling"])
assert apart["max_unpooling", "bed_of_nails"] == "confirmed"
assert apart["max_unpooling", "nearest_unpooling"] == "not decided"
assert {apart["index_unpooling", worse] for worse in alike} == {"confirmed"}

# %% [markdown]
# So the outline does gain from a memory after a short training: the mark helps it most (it brings 17 % more weights,
# too), and the feature at its place does better than in the fixed corner, with weights of the same shapes; against
# copying, it is not decided. After the long training, of which each stage has one alone, the mark's lead is about half
# as large, or less. Perhaps a network without a memory finds the outline, too, only later.
#
# Two steps of the nine claim no better answers. One pass in place of patches is about **cost**, which needs no
# statistics, and the strided convolution *may* shrink better, but the lecture does not say that it must.

# %% tags=["numbers"]
slow, fast = (cards[stage]["costs"]["multiply_adds"] for stage in ("sliding_window", "fully_convolutional"))
print(f"The sliding window takes {slow / fast:.1f} times the multiply-adds of the fully convolutional network,")
print("though it decides only once for each block of 4 x 4 pixels.")
lost, within, _ = chance.decide(trainings, "fully_convolutional", "sliding_window")
print(f"Fully convolutional against sliding window: {lost:+.3f} ± {within:.3f}.")
for worse in alike:
    gained, within, verdict = chance.decide(trainings, "index_unpooling", worse)
    longer = scores["index_unpooling"]["mean_iou"] - scores[worse]["mean_iou"]
    print(f"index_unpooling against {worse}: {gained:+.4f} ± {within:.4f}; long: {longer:+.4f}")
    assert verdict == "confirmed"
    assert abs(longer) < within
difference_then, within, verdict_then = chance.decide(trainings, "strided_convolution", "transposed_convolution")
print(f"Strided convolution against max pooling: {difference_then:+.3f} ± {within:.3f}.")

# %% [markdown]
# The fully convolutional stage scores *lower* than the first, although it mends its fault: it sees 13 x 13 pixels,
# where the window has 32 x 32 ([page 3](03_fully_convolutional.md)).
#
# On pets, a feature at its remembered place gains a little at the outline over the fixed corner, and loses a little in
# mean IoU. Marks beside copies do gain mean IoU after the short training, with more weights; after the long one next to
# nothing of that is left. Was the lecture wrong? Or is a pet the wrong question? Two tasks in which the place must
# matter, thin things in noise and the poles of a street, have a page of their own: [where places must
# matter](15_places.md).
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
# often as those that decided the claims. What the two recipes have not in common (so that what follows is not the
# length alone):

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
within = chance.limit(trainings, 1, 1)
table = []
for (claim, better, worse), (difference, _, verdict) in zip(claims, decided, strict=True):
    if worse in scores:
        longer = scores[better]["mean_iou"] - scores[worse]["mean_iou"]
        table.append([claim, f"{difference:+.3f}", verdict, f"{longer:+.3f}", chance.judge(longer, within)])
print(f"Limit: {within:.3f}. Changed: {sum(row[2] != row[4] for row in table)} of {len(table)} verdicts.")
longer = scores["strided_convolution"]["mean_iou"] - scores["transposed_convolution"]["mean_iou"]
print(f"Strided convolution against max pooling, now: {longer:+.3f}.")
assert all(row[-1] == "not decided" for row in table if row[0] in behind)
assert difference_then < 0 < longer
assert "not decided" not in (verdict_then, chance.judge(longer, within))
before, after = (f"{each['epochs']} epochs" for each in (shorter, recipe))
Markdown(format_table(["claim", before, "verdict", after, "verdict"], table))

# %% [markdown]
# `max_unpooling` is still a little behind, by no more than before. Three trainings of each stage told that from chance;
# one of each does not. And one difference of those that are larger than their limits changes its sign: after the short
# training, strided convolution is behind max pooling; after the long one it is ahead, and either lead is larger than
# its limit. Perhaps a step that is learned needs more time.
#
# Before you believe that one network is better than another, ask how long each of them has learned. All nine saw each
# image equally often. A stage that needs more steps is at a disadvantage, and a lead after a short training does not
# say who would lead after a long one.
#
# ## Make it better evidence
#
# This page reads whatever cards lie in `saved_models/seeds/`, and decides anew. These commands add seeds, skip what is
# done, and go on where they were stopped:
#
# ```bash
# python -m zoo grid --short --seeds 3 --out saved_models/seeds
# python -m zoo.controls widened --out zoo/controls.json
# ```
#
# !!! abstract "What the nine steps mend, what they leave broken"
#     **Mended:** from a patch classifier to a network that sees most of the pet, answers for all pixels at once, and
#     hands the fine features across. Each step has a reason. The tables above say where these trained models agree with
#     the reason, and where they do not.
#
#     **Left:** one data set, one size, three seeds, three classes. ([Streets](15_places.md#and-in-a-street) say other
#     things of some claims.) What happens with your own photos and classes? That is the next page: [your
#     own](10_your_own.md). And what do networks of today remember on their way down? [What came after](13_after.md) the
#     U-Net, in the same words.
#
# ## References
#
# - Xavier Bouthillier et al.: *Accounting for Variance in Machine Learning Benchmarks*, 2021.
#   [arXiv:2103.03098](https://arxiv.org/abs/2103.03098)
# - Bowen Cheng, Ross Girshick, Piotr Dollár, Alexander C. Berg, Alexander Kirillov: *Boundary IoU: Improving
#   Object-Centric Image Segmentation Evaluation*, 2021. [arXiv:2103.16562](https://arxiv.org/abs/2103.16562)
# - Omkar M. Parkhi, Andrea Vedaldi, Andrew Zisserman, C. V. Jawahar: *Cats and Dogs*, CVPR 2012. The data set.
