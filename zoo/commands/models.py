import io
import os
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

from zoo import cards, data, evaluation, exporting, files, lettering, photos, plots, saved, tables
from zoo.commands import datasets
from zoo.errors import printable

OTHER_PHOTOS = (".avif", ".dng", ".heic", ".heif", ".jp2", ".jxl", ".raw", ".svg")
MOST_DRAWN = 50  # photos in one picture, which takes seconds to lay out


def evaluate(options):
    model, classes = saved.load_any(options.model), cards.class_names(options.model)
    dataset = datasets.choose(options, cards.card_of(options.model))
    others = list(map(printable, data.find(dataset).classes))
    if classes and classes != others:
        raise ValueError(
            f"the classes of {options.model} are {', '.join(classes):.300}, and those of the data set {dataset} "
            f"{', '.join(others):.300}. Name another with --dataset"
        )
    print(tables.format_scores(evaluation.evaluate(model, dataset)))


def predict(options):
    model = saved.load_any(options.model)
    found, skipped = photos.find_photos(options.photos), {}
    tell_passed_over(options.photos)
    classes = cards.class_names(options.model) or []
    count = max(2, model.output_shape[-1])
    if classes and len(classes) != count:
        raise ValueError(f"the card of {options.model} must name {count} classes. Received: {len(classes)}")
    background = classes.index("background") if "background" in classes else None
    kinds = ["overlay", *(kind for kind in ("mask", "cutout") if getattr(options, kind))]
    done = photos.write_pictures(model, found, options.out, kinds, background, options.overwrite)
    own = classes and tuple(classes) != data.CLASSES
    legend_path = options.out / photos.LEGEND
    legend = draw_legend(classes, found, legend_path, options.overwrite) if own else None
    try:
        for photo, error in tqdm(done, total=len(found), unit="photo", disable=None):
            if error:
                skipped[photo] = error
            elif legend is not None:  # with the first picture that it explains
                try:
                    write_legend(legend, legend_path, options.overwrite)
                except OSError as error:  # of a full disk
                    skipped[legend_path] = error
                legend = None
    finally:  # not before: while TIFF files are read, stderr is silenced
        for photo, error in skipped.items():
            print(printable(f"skipped {photo}: {error}"), file=sys.stderr)
    written = len(set(found) - skipped.keys())
    pictures = "picture" if written == 1 else "pictures"
    end = f"; skipped {len(skipped)}." if skipped else "."
    print(f"Wrote {written} {pictures} to {printable(options.out)}{end}")
    if skipped:
        sys.exit(1)


def tell_passed_over(paths):
    """Says which photos of folders are in formats that are not read: nobody would miss them."""
    inside = [path for folder in paths if os.path.isdir(folder) for path in sorted(folder.iterdir())]
    passed = [path for path in inside if path.suffix.lower() in OTHER_PHOTOS and not path.name.startswith(".")]
    if passed:
        names = ", ".join(map(str, passed[:8])) + (", ..." if len(passed) > 8 else "")
        what = "passed over, and to be converted to JPEG or PNG first"
        print(printable(f"{what}: {len(passed)} of {len(inside)} files: {names}"), file=sys.stderr)


def draw_legend(classes, found, path, overwrite):
    """The colours of the classes as a PNG, or `None` where the same one is there, from photos before."""
    file = io.BytesIO()
    with lettering.allow_boxes():
        plots.draw_legend(classes).savefig(file, dpi=100, format="png")
    if path.is_file() and path.read_bytes() == file.getvalue():
        return None
    files.refuse_own(path, found)
    files.refuse_taken(path, overwrite)
    files.refuse_folder(path)
    return file.getvalue()


def write_legend(legend, path, overwrite):
    """Writes the legend; another process may have written the same one meanwhile."""
    try:
        with files.write_whole(path, overwrite) as unfinished:
            unfinished.write_bytes(legend)
    except FileExistsError:
        if not path.is_file() or path.read_bytes() != legend:
            raise


def export(options):
    written = exporting.export_and_compare(
        saved.load_any(options.model),
        options.out,
        options.format,
        datasets.choose(options, cards.card_of(options.model)),
        options.image_size,
        quantize=options.quantize is not None,
        name=Path(options.model).stem,
        classes=cards.class_names(options.model),
        overwrite=options.overwrite,
    )
    print(f"Wrote {printable(written['path'])}: {written['megabytes']:.1f} MB\n{written['description']}")
    print(
        f"On {written['images']} images, 99.9 % of its logits differ from Keras's by at most "
        f"{np.quantile(written['differences'], 0.999):.0e}, all by at most {written['differences'].max():.0e}. "
        f"The classes agree on {written['agreement']:.2%} of the pixels."
    )


def compare(options):
    if options.out.suffix not in (".pdf", ".png", ".svg"):
        raise ValueError(f"--out must be a .pdf, .png or .svg file. Received: {options.out}")
    files.refuse_taken(options.out, options.overwrite)
    if options.photos:
        files.refuse_own(options.out, given := photos.find_photos(options.photos))
        if len(given) > MOST_DRAWN:
            limit = f"up to {MOST_DRAWN} pictures, which are drawn as one (`predict` writes one for each)"
            raise ValueError(f"PHOTO must be {limit}. Received: {len(given)}")
    found = cards.cards(options.models)
    if not found:
        raise ValueError(f"--models must be a folder with saved stages and their cards. Received: {options.models}")
    print(tables.format_cards(found))
    if options.photos:
        known = {tuple(card["scores"]["at_network_size"]["iou"]) for card in found.values()}
        if len(known) > 1:
            raise ValueError(f"--models must have the same classes for a picture of all. Received: {sorted(known)}")
        models = {stage: saved.load(stage, options.models) for stage in found}
        shown = photos.predict_thinned(models, options.photos, 600)  # the picture has no more pixels
        figure = plots.draw_stages(*shown, classes=known.pop())
    else:
        figure = plots.draw_comparison(found)
    lettering.save(figure, options.out, options.overwrite)
    print(f"Wrote {printable(options.out)}")
