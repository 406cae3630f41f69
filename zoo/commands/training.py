import dataclasses
import os
import shlex
import statistics

import keras

from zoo import cards, files, tables, trained, training
from zoo.commands import datasets
from zoo.errors import printable
from zoo.stages import STAGES
from zoo.trials import TRIALS, run_trial


def train(options):
    if "KERAS_DISTRIBUTION_NUM_PROCESSES" in os.environ:  # one of several that train together
        training.require_jax("Several processes")
        keras.distribution.initialize()
    recipe = choose_recipe(options, training.Recipe(datasets.choose(options)))
    card = train_and_tell(options.stage, recipe, options.out, options.devices)
    print(tables.format_scores(card["scores"]))


def choose_recipe(options, recipe):
    """A recipe with what was asked for in place of its own, and with XLA as suits the machine."""
    asked = {field.name: getattr(options, field.name, None) for field in dataclasses.fields(recipe)}
    asked["xla"] = bool(training.gpus()) if options.xla is None else options.xla
    return dataclasses.replace(recipe, **{name: value for name, value in asked.items() if value is not None})


def grid(options):
    usual = training.MOSTLY_GREY if options.start_folder else training.IN_COLOUR
    chosen = choose_recipe(options, training.SHORT if options.short else usual)
    asked = []
    for seed in range(options.seeds):
        for stage in STAGES:
            start = str(of_seed(options.start_folder, seed) / f"{stage}.keras") if options.start_folder else ""
            asked.append((stage, dataclasses.replace(chosen, seed=seed, start=start), of_seed(options.out, seed)))
    for stage, recipe, folder in asked:  # said before hours of training, not between them
        if not trained.is_done(stage, recipe, folder):
            if recipe.start:
                files.check_file(recipe.start)
            if not options.overwrite:
                trained.refuse_trained(stage, folder)
    for stage, recipe, folder in asked:
        if trained.is_done(stage, recipe, folder):
            print(f"{stage}, seed {recipe.seed}: done already.")
        else:
            train_and_tell(stage, recipe, folder, overwrite=options.overwrite)
    found = [cards.cards(of_seed(options.out, seed)) for seed in range(options.seeds)]
    print(tables.format_cards(found[0]))
    if options.seeds > 1:
        print(tables.format_seeds(found))


def of_seed(folder, seed):
    """Where the models of a seed lie."""
    return folder / f"seed_{seed}" if seed else folder


def trials(options):
    rows = []
    for name in TRIALS:
        results = [run_trial(name, seed, options.out) for seed in range(options.seeds)]
        each = ", ".join(f"{result['mean_iou']:.3f}" for result in results)
        mean = {key: statistics.mean(result[key] for result in results) for key in ("minutes", "mean_iou", "grey")}
        rows.append([name, f"{mean['minutes']:.1f}", each, f"{mean['mean_iou']:.3f}", f"{mean['grey']:.3f}"])
    print(tables.format_table(["trial", "minutes", "mean IoU of each seed", "mean", "grey"], rows))


def train_and_tell(stage, recipe, folder, devices=1, overwrite=False):
    """Trains a stage, says so before and after, and returns its card."""
    state = folder / stage
    logs = shlex.quote(str(state / "logs"))
    if recipe.start:
        print(printable(f"From {recipe.start}: all weights but those of the logits."))
    print(printable(f"Training {stage}. State and logs: {state} (tensorboard --logdir {logs})"))
    _, card = trained.train(stage, recipe, folder, devices, overwrite)
    if training.process_number() == 0:
        score = card["scores"]["at_network_size"]["mean_iou"]
        print(printable(f"Saved {state}.keras and its card: mean IoU {score:.3f}"))
    return card
