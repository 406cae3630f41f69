"""What a benchmark has measured, in one picture."""

from matplotlib.figure import Figure

from zoo import tables
from zoo.plots import COLOURS


def draw_benchmark(results):
    """Draws what `python -m zoo benchmark` measured: a panel for each part that is there.

    Args:
        results: dictionary, as its file holds.

    Returns:
        A Matplotlib figure.
    """
    panels = {
        "layers": draw_layers,
        "layers_memory": draw_layers_memory,
        "stages": draw_stages_time,
        "stages_memory": draw_stages_memory,
        "patches": draw_patches,
        "runtimes": draw_runtimes,
        "pipeline": draw_pipeline,
    }
    found = {name: draw for name, draw in panels.items() if name in results}
    figure = Figure(figsize=(7, 3.2 * len(found)), layout="constrained")
    for axis, (name, draw) in zip(figure.subplots(len(found), squeeze=False).flat, found.items(), strict=True):
        axis.patch.set_visible(False)
        draw(axis, results[name])
    return figure


def draw_bars(axis, names, values, label):
    """Horizontal bars with their numbers, the first on top."""
    bars = axis.barh([name.replace("_", " ") for name in names], values, color=COLOURS[1] / 255)
    axis.bar_label(bars, [tables.format_number(value) for value in values], padding=3, fontsize=9)
    axis.invert_yaxis()
    axis.margins(x=0.2)
    axis.set_xlabel(label)


def draw_layers(axis, rows):
    """Pooling and unpooling of the first map, float32, forward and backward."""
    first = rows[0]["shape"]
    case = {"shape": first, "dtype": "float32", "run": "forward and backward"}
    rows = [row for row in rows if case.items() <= row.items() and "error" not in row]
    draw_bars(axis, map(name_contender, rows), [row["milliseconds"] for row in rows], "milliseconds")
    axis.set_title(f"Pooling and unpooling, and back: {' x '.join(map(str, first))}", fontsize=10)


def draw_layers_memory(axis, rows):
    """The memory that pooling and unpooling take at their peak, forward and backward."""
    rows = [row for row in rows if row.get("peak_megabytes") is not None]
    draw_bars(axis, map(name_contender, rows), [row["peak_megabytes"] for row in rows], "megabytes at the peak")
    axis.set_title("Pooling and unpooling, and back", fontsize=10)


def name_contender(row):
    """The name of a contender, with its backend."""
    return f"{row['contender']} ({row['backend']})"


def draw_stages_time(axis, rows):
    """The time of a prediction against the size of the photo."""
    rows = [row for row in rows if row["batch"] == 1 and row["run"] == "predict"]
    draw_growth(axis, rows, "milliseconds", "milliseconds")


def draw_stages_memory(axis, rows):
    """The memory of a prediction against the size of the photo."""
    draw_growth(axis, rows, "peak_megabytes", "megabytes at the peak")


def draw_growth(axis, rows, measured, label):
    """What a prediction costs, where that was measured, against the size of the photo: a line a stage."""
    rows = [row for row in rows if row.get(measured) is not None]
    for number, stage in enumerate(dict.fromkeys(row["stage"] for row in rows)):
        own = [row for row in rows if row["stage"] == stage]
        sizes, values = [row["size"] for row in own], [row[measured] for row in own]
        axis.loglog(sizes, values, ".-", color=f"C{number}", label=stage.replace("_", " "))
    sizes = sorted({row["size"] for row in rows})
    axis.set_xticks(sizes, map(str, sizes))
    axis.minorticks_off()
    axis.set(xlabel="side of the photo in pixels", ylabel=label, title="A prediction for one photo")
    axis.title.set_fontsize(10)
    axis.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))


def draw_patches(axis, rows):
    """How many times faster the dense evaluation is, and how many times fewer its multiply-adds are."""
    failed = {row["stride"] for row in rows if "error" in row}
    for name, style in (("multiply_adds", "k--"), ("milliseconds", "o-")):
        ratios = {}
        for row in rows:
            if row["stride"] not in failed:
                ratios.setdefault(row["stride"], {})[row["contender"]] = row[name]
        ratios = {stride: pair["sliding"] / pair["dense"] for stride, pair in ratios.items()}
        axis.loglog(list(ratios), list(ratios.values()), style, label=name.replace("_", "-"))
    axis.set_xticks(list(ratios), map(str, ratios))
    axis.minorticks_off()
    axis.set(
        xlabel="step from patch to patch in pixels", ylabel="patches / dense", title="Patch by patch against dense"
    )
    axis.title.set_fontsize(10)
    axis.legend(frameon=False)


def draw_runtimes(axis, rows):
    """The time of a prediction for one photo in each runtime."""
    rows = [row for row in rows if row["batch"] == 1 and "error" not in row]
    draw_bars(axis, [row["runtime"] for row in rows], [row["milliseconds"] for row in rows], "milliseconds")
    axis.set_title("The U-Net on a photo of 128 x 128", fontsize=10)


def draw_pipeline(axis, rates):
    """Images a second that are delivered and consumed."""
    draw_bars(axis, rates, list(rates.values()), "images a second")
    axis.set_title("What tf.data delivers, and what training the U-Net consumes", fontsize=10)
