"""The demonstration behind `make demo`: all saved models on photos, then a minute of training."""

import tempfile
from pathlib import Path

from zoo import quiet

quiet.begin(__name__)

import numpy as np
import skimage

from zoo import costs, data, evaluation, lettering, models, plots, prediction, saved, tables, training

PICTURE, LEARNED = "demo.png", "demo_learned.png"
SIDE = 48  # of the images of the training, in pixels
FILTERS = (8, 16, 32, 48, 64)  # half of a stage's


def main():
    """Runs all stages on photos, draws them, and trains one on drawn pets for a minute."""
    dataset = data.default_dataset()
    photos, truths = [skimage.data.chelsea()], [None]
    for image, mask in data.examples(dataset, "test").take(3).as_numpy_iterator():
        photos.append(image)
        truths.append(mask)
    print(f"The stages on scikit-image's cat Chelsea and on {len(photos) - 1} test images of {dataset}:\n")
    if dataset == "synthetic_pets":
        print("(The models have learned photos: drawn pets are strange to them. README.md tells how to get photos.)\n")
    run_stages(photos, truths)
    train_a_minute()
    print(
        "\nWhere to go next:\n"
        "  .venv/bin/python -m zoo predict unet YOUR_PHOTO.jpg   the pet in a photo of yours\n"
        "  .venv/bin/python -m zoo train max_unpooling           train a stage\n"
        "  .venv/bin/python -m zoo --help                        all commands\n"
        "  make site                                             the pages that tell the story"
    )


def run_stages(photos, truths):
    """Prints a table of the stages on these photos, and draws what each says of them."""
    masks, rows = {}, []
    for stage in saved.cards():
        model = saved.load(stage)
        masks[stage] = [prediction.predict(model, photo) for photo in photos]
        scores = evaluation.Scores()
        for truth, mask in zip(truths, masks[stage], strict=True):
            if truth is not None:
                scores.add(truth, mask)
        mean_iou, milliseconds = scores.summary()["mean_iou"], costs.milliseconds(model)
        rows.append([stage, f"{model.count_params():,}", f"{mean_iou:.3f}", f"{milliseconds:.0f} ms"])
    print(tables.format_table(["stage", "parameters", "mean IoU on these", "an image"], rows))
    lettering.save(plots.draw_stages(photos, masks, truths), PICTURE, overwrite=True)
    print(f"\nWrote {PICTURE}: a photo a row, a stage a column.")


def train_a_minute():
    """Trains a small U-Net, saves it, loads it, shows that it answers the same, and draws what it learned."""
    recipe = training.Recipe("synthetic_pets", image_size=SIDE, epochs=3, half_size_share=0)
    print(f"\nTraining a small U-Net at {SIDE} x {SIDE}, for about a minute, on drawn pets: photos take hours.")
    with tempfile.TemporaryDirectory() as folder:
        shape = (SIDE, SIDE, 3)
        model, history = training.train(
            lambda: models.build("unet", image_shape=shape, filters=FILTERS), recipe, folder
        )
        saved.save(model, {"recipe": vars(recipe)}, folder)
        loaded = saved.load("unet", folder)
        size = (Path(folder) / "unet.keras").stat().st_size / 1e6
    images, _ = next(training.load(recipe, "test", SIDE).as_numpy_iterator())
    difference = np.abs(model.predict_on_batch(images) - loaded.predict_on_batch(images)).max()
    print(f"Saved ({size:.1f} MB) and loaded again: the logits of {len(images)} images differ by {difference:.0e}.")
    if difference > 1e-5:
        raise SystemExit("The loaded model must answer the same.")
    photos, truths = zip(*data.examples(recipe.dataset, "test").take(5).as_numpy_iterator(), strict=True)
    masks = {"after a minute": [prediction.predict(loaded, photo) for photo in photos]}
    lettering.save(plots.draw_stages(photos, masks, truths), LEARNED, overwrite=True)
    print(
        f"Its mean IoU on the validation split is {history[-1]['val_mean_iou']:.2f}. Wrote {LEARNED}: what it learned."
    )


if __name__ == "__main__":
    main()
