"""From a stage and a recipe to a saved model with its card."""

import dataclasses
import json
import os
import shlex
from pathlib import Path

import keras

from zoo import cards, costs, data, evaluation, files, machine, models, saved, training
from zoo.commands.arguments import DATASETS
from zoo.stages import STAGES

# Of `python -m zoo train`, by a recipe's fields.
OPTIONS = ("split", "epochs", "half_size_share", "image_size", "batch_size", "scale_jitter", "light", "grey_share")
OPTIONS += ("dice_weight", "learning_rate", "seed", "start")


def train(
    stage: str, recipe: training.Recipe, folder: str | os.PathLike, devices: int = 1, overwrite: bool = False
) -> tuple[keras.Model, dict]:
    """Trains a stage by a recipe, scores it on the test split, and saves it with its card.

    A training that was stopped goes on with the same call.

    Examples:
        >>> model, card = train("unet", training.Recipe("synthetic_pets"), "runs")  # doctest: +SKIP
        >>> card["scores"]["at_network_size"]["mean_iou"]  # doctest: +SKIP
        0.93

    Args:
        stage: one of `zoo.STAGES`.
        recipe: a `zoo.training.Recipe`.
        folder: where to write `<stage>.keras` and its card, `<stage>.json`. State and logs of the training lie in
            `<stage>/` beside them.
        devices: how many GPUs share each step, on JAX; see `zoo.training.share_among`.
        overwrite: whether a model that is there already is replaced.

    Returns:
        The model, as `zoo.load` gives it, and its card, as `zoo.saved.card` does: scores, costs, data set, recipe,
        history, machine and versions; if there are such, the `command` that trains this model, and the `start_sha256`
        of the file that it began from. Of several processes that train together the first alone saves; the cards of
        the others have no `sha256`.

    Raises:
        ValueError: if there is no such stage, an argument does not fit, `recipe.start` is of another architecture, or
            the folder's state is of another training.
        FileExistsError: if a model of this stage is there already, and `overwrite` is not set.
        FileNotFoundError: if the file of `recipe.start` is missing.
        RuntimeError: if several `devices` are asked for, and the backend is not JAX.
        DatasetNotFoundError, CorruptDatasetError: as `zoo.data.load`.
        DivergedError: as `zoo.training.train`.
    """
    if not os.fspath(folder):
        raise ValueError("`folder` must name a folder. Received: folder=''")
    folder = Path(folder)
    if not overwrite:
        refuse_trained(stage, folder)
    dataset = data.find(recipe.dataset)
    dataset.examples("test")  # if it is missing or damaged, that is said before the epochs
    training.check_counted(recipe, "test")
    start, origin = None, {}
    licences = ["CC BY-SA 4.0" if recipe.dataset == "oxford_iiit_pet" else None]  # that of the photos
    if recipe.start:
        origin = {"start_sha256": files.checksum(cards.path_of(recipe.start))}  # in hours the name may be another's
        start = saved.load_any(recipe.start)
        inherited = cards.look_up(cards.card_of(recipe.start), ("licence",))
        licences += inherited.split(" and ") if isinstance(inherited, str) else []

    def build():
        network = models.build_for_training(stage, image_shape=(None, None, 3), num_classes=dataset.logits)
        if start:
            take_over(network, start)
        return network

    licence = " and ".join(dict.fromkeys(filter(None, licences)))
    options = {"image_shape": (*data.both_sides(recipe.image_size), 3), "num_classes": dataset.logits}
    with training.precision("float32"):
        model, scored = models.build(stage, **options), models.build_for_training(stage, **options)
    if start:
        take_over(scored, start)  # what does not fit is refused before the folder is touched
    with training.share_among(devices, recipe.batch_size):
        fitted, history = training.train(build, recipe, folder / stage)
    for network in (model, scored):
        network.set_weights(fitted.get_weights())
    card = {
        "scores": evaluation.evaluate(scored, recipe.dataset),  # the fastest network with these weights
        "costs": costs.costs(model),
        "dataset": {
            "name": dataset.name,
            "classes": list(dataset.classes),
            "background": dataset.background,
            "ignored": dataset.ignored,
            **{split: dataset.describe(split) for split in (recipe.split, "test")},
        },
        "recipe": dataclasses.asdict(recipe),
        **origin,
        **({"command": command} if (command := command_for(stage, recipe)) else {}),
        "history": history,
        "training_seconds": sum(epoch["seconds"] for epoch in history),
        "machine": machine.hardware(),
        "versions": machine.versions(),
        **({"licence": licence} if licence else {}),  # it reaches as far as the weights do
    }
    if training.process_number() == 0:
        saved.save(model, card, folder)
        training.forget(folder / stage)
        card = cards.card(stage, folder)
    return model, card


def refuse_trained(stage: str, folder: Path) -> None:
    """Raises a `FileExistsError` if a folder has a model or a card of this stage.

    A model without a card may be what a kill has left between the two, while the states of its training are there.
    """
    card, model = (folder / f"{stage}{ending}" for ending in (".json", ".keras"))
    there = os.path.lexists(model)  # a broken link, too
    if os.path.lexists(card) or (there and not training.states(folder / stage)):
        taken = model if there else card
        raise FileExistsError(
            f"{taken} is there already. Move it, name another folder (`folder`, --out), or allow it to be replaced "
            "(`overwrite=True`; of the commands, `grid --overwrite`)."
        )


def take_over(model: keras.Model, start: keras.Model) -> None:
    """Gives a model the weights of another one of the same architecture, all but those of the logits.

    Args:
        model: gets the weights.
        start: may have another number of classes.

    Raises:
        ValueError: if more differs than the number of classes.
    """
    pairs = list(zip(model.weights, start.weights, strict=False))
    fit = [ours.shape == theirs.shape for ours, theirs in pairs]
    other_stage = {model.name, start.name} <= set(STAGES) and model.name != start.name  # some have the same shapes
    if other_stage or len(model.weights) != len(start.weights) or not all(fit[:-2]):
        raise ValueError(
            f"`start` must be of the same stage and filters as {model.name}. Received: {start.name}, with "
            f"{len(start.weights)} weights for {len(model.weights)}, of which {sum(fit)} fit"
        )
    for ours, theirs in pairs[:-2]:  # kernel and bias of the logits come last
        ours.assign(theirs)


def is_done(stage: str, recipe: training.Recipe, folder: str | os.PathLike) -> bool:
    """Whether a folder has a card of this stage, trained by this recipe, however its steps were rounded."""
    card = cards.cards(folder).get(stage)
    asked = json.loads(json.dumps(dataclasses.asdict(recipe)))  # as a card holds it: sides are a list
    return card is not None and training.but_for_rounding(card["recipe"]) == training.but_for_rounding(asked)


def command_for(stage: str, recipe: training.Recipe) -> str | None:
    """The command that trains a stage by a recipe; `None` if the recipe sets what no option does."""
    if recipe.dataset in data.DATASETS and recipe.dataset not in DATASETS:  # one that was added is not there any more
        return None
    usual = dataclasses.asdict(training.Recipe(recipe.dataset))
    changed = {name: value for name, value in dataclasses.asdict(recipe).items() if value != usual[name]}
    words = ["python", "-m", "zoo", "train", stage, f"--dataset={recipe.dataset}"]
    if isinstance(changed.get("image_size"), tuple):
        changed["image_size"] = "{}x{}".format(*changed["image_size"])
    words += [f"--{name.replace('_', '-')}={changed.pop(name)}" for name in OPTIONS if name in changed]
    words += ["--class-weights"] if changed.pop("class_weights", False) else []
    words += ["--mixed-precision"] if changed.pop("mixed_precision", False) else []
    words += ["--xla" if changed.pop("xla", False) else "--no-xla"]  # else the machine decides
    return None if changed else shlex.join(words)
