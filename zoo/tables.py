"""Tables for the terminal, which are tables in Markdown too."""

import statistics

from zoo.cards import SCORES
from zoo.errors import printable

MOST_CLASSES = 6  # that a table of stages has columns for


def format_table(header, rows):
    """Formats a table; the first column is text, all others are numbers or short words.

    Args:
        header: titles of the columns.
        rows: lists of as many strings. Control characters in them are escaped.
    """
    header, *rows = ([printable(cell) for cell in row] for row in [header, *rows])
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    dashes = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = []
    for first, *others in [header, dashes, *rows]:
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append(f"| {' | '.join([first.ljust(widths[0]), *cells])} |")
    return "\n".join(lines)


def format_scores(scores):
    """The table of a model's scores: a line a score, a column for each way to take it.

    Args:
        scores: dictionary, as `zoo.evaluation.evaluate` gives and cards hold.
    """
    classes = next(iter(scores.values()))["iou"]
    rows = [[f"IoU of {name}", *(format_score(kind["iou"][name], 4) for kind in scores.values())] for name in classes]
    for name in ("mean_iou", "pixel_accuracy", "binary_iou", "binary_iou_per_image", "boundary_iou"):
        words = name.replace("_", " ").replace("iou", "IoU")
        if name in next(iter(scores.values())):
            rows.append([words, *(f"{kind[name]:.4f}" for kind in scores.values())])
    return format_table(["score", *(kind.replace("_", " ") for kind in scores)], rows)


def format_cards(cards):
    """The table of the stages: scores on the test split at the network's size, and costs.

    Args:
        cards: dictionary from a stage to its card, as `zoo.saved.cards` gives.
    """
    known = {tuple(card["scores"]["at_network_size"]["iou"]) for card in cards.values()}
    classes = known.pop() if len(known) == 1 else ()  # of several data sets no column would be for all
    classes = classes if len(classes) <= MOST_CLASSES else ()
    header = ["stage", "mean IoU", *classes, "accuracy", "binary IoU", "boundary IoU"]
    header += ["parameters", "multiply-adds", "memory", "time"]
    rows = []
    for stage, card in cards.items():
        scores, costs = card["scores"]["at_network_size"], card["costs"]
        shares = [scores["mean_iou"], *(scores["iou"][name] for name in classes)]
        shares += [scores.get(name) for name in ("pixel_accuracy", "binary_iou", "boundary_iou")]
        memory = "" if costs.get("peak_megabytes") is None else f"{costs['peak_megabytes']:.0f} MB"
        row = [stage, *(format_score(share, 3) for share in shares), f"{costs['parameters']:,}"]
        row += [f"{costs['multiply_adds'] / 1e6:,.0f} M", memory, f"{costs['milliseconds']:.0f} ms"]
        rows.append(row)
    return format_table(header, rows)


def format_score(score, digits):
    """A score; nothing where there is none, as for a class that is nowhere."""
    return "" if score is None else f"{score:.{digits}f}"


def format_benchmark(results):
    """The table of a benchmark: what was measured, and its time (median and quartiles) or memory.

    Args:
        results: list of dictionaries, as the functions of `zoo.benchmark` give.
    """
    memory = any("peak_megabytes" in row for row in results)
    measured = ("milliseconds", "quartiles", "peak_megabytes", "error")
    what = [name for name in results[0] if name not in measured]
    rows = []
    for row in results:
        texts = [format_case(row[name]) for name in what]
        if "error" in row:
            rows.append([*texts, "fails", *([] if memory else [row["error"][:60]])])
        elif memory:
            rows.append([*texts, "" if row["peak_megabytes"] is None else f"{row['peak_megabytes']:.0f}"])
        else:
            first, third = row["quartiles"]
            rows.append([*texts, f"{row['milliseconds']:.2f}", f"{first:.2f} to {third:.2f}"])
    titles = [name.replace("_", " ") for name in what]
    return format_table([*titles, *(["MB at the peak"] if memory else ["ms", "quartiles"])], rows)


def format_case(value):
    """A word, a number or a shape of what was measured."""
    if isinstance(value, list):
        return " x ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) and value >= 10_000 else str(value)


def format_number(value):
    """A measured number: three digits, or all of them before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def format_seeds(cards):
    """The table of several trainings of each stage: mean and standard deviation of their scores on the test split.

    Args:
        cards: for each seed a dictionary from a stage to its card; a stage must have two seeds at least.
    """
    rows = []
    for stage in cards[0]:
        scores = [seed[stage]["scores"]["at_network_size"] for seed in cards if stage in seed]
        row = [stage, str(len(scores))]
        for name in SCORES:
            values = [score[name] for score in scores if name in score]
            row.append(f"{statistics.mean(values):.3f} ± {statistics.stdev(values):.3f}" if values else "")
        rows.append(row)
    return format_table(["stage", "seeds", "mean IoU", "accuracy", "binary IoU", "boundary IoU"], rows)
