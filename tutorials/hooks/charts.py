"""Draws what a card says: curves of the training, scores beside those of others, and the confusion of classes.

Inline SVG and tables without colours of their own: tutorials/assets/site.css has them, for light and for dark.
"""

from translation import say

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 480, 220, 34, 34, 16  # of the curves
TICKS = (0, 0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4, 1.6, 1.8, 2)


def curves(card, others):
    """The loss of each epoch, above the pale curves of others.

    Args:
        card: of the model.
        others: cards of other models.
    """
    losses = [[state["loss"] for state in one["history"]] for one in (*others, card)]
    epochs, most = len(losses[-1]), max(map(max, losses))
    small = int(epochs * card["recipe"]["half_size_share"] + 1e-6)  # as `zoo.training.phases`

    def x(epoch):
        return LEFT + (WIDTH - LEFT - 8) * (epoch - 1) / max(1, epochs - 1)

    def y(loss):
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * loss / most

    def line(values, kind):
        points = " ".join(f"{x(epoch):.1f},{y(value):.1f}" for epoch, value in enumerate(values[:epochs], start=1))
        return f'<polyline class="zoo-{kind}" points="{points}"/>'

    def text(place, height, words, anchor):
        return f'<text x="{place:.1f}" y="{height:.1f}" text-anchor="{anchor}">{words}</text>'

    parts = []
    for tick in (tick for tick in TICKS if tick <= most):
        parts.append(f'<path class="zoo-tick" d="M{LEFT} {y(tick):.1f}H{WIDTH - 8}"/>')
        parts.append(text(LEFT - 6, y(tick) + 4, f"{tick:g}", "end"))
    step = max(4, epochs // 16 * 4)
    for epoch in sorted({1, *range(step, epochs + 1, step)}):
        parts.append(text(x(epoch), HEIGHT - BOTTOM + 17, str(epoch), "middle"))
    parts.append(text((LEFT + WIDTH) / 2, HEIGHT - 2, say("epoch"), "middle"))
    if small:
        parts.append(f'<path class="zoo-half" d="M{x(small + 0.5):.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
        parts.append(text(x(small + 0.5) - 6, TOP + 10, say("half the size"), "end"))
        parts.append(text(x(small + 0.5) + 6, TOP + 10, say("full size"), "start"))
    parts += [line(values, "other") for values in losses[:-1]] + [line(losses[-1], "this")]
    says = say(
        "Loss of {epochs} epochs: from {first:.2f} in the first to {last:.2f} in the last",
        epochs=epochs,
        first=losses[-1][0],
        last=losses[-1][-1],
    )
    return (
        f'<svg class="zoo-curves" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{says}">{"".join(parts)}</svg>'
    )


def bars(scores, this, address):
    """The IoU of each class as bars, a row a model; this one stands out.

    Args:
        scores: dictionary from a model to its scores at the network's size.
        this: one of these models.
        address: function from a model to the address of its page.
    """
    classes = list(scores[this]["iou"])
    rows = [head([say("model"), "mean IoU", *map(say, classes)])]
    for name, score in scores.items():
        values = [score["mean_iou"], *(score["iou"][one] for one in classes)]
        cells = "".join(bar(value) for value in values)
        words = name.replace("_", "_<wbr/>")  # where a narrow screen may break it
        words = words if name == this else f'<a href="{address(name)}">{words}</a>'
        mark = ' class="zoo-this" aria-current="true"' if name == this else ""
        rows.append(f'<tr{mark}><th scope="row">{words}</th>{cells}</tr>')
    return scrolling("bars", say("IoU by class, beside the other models"), rows)


def bar(value):
    """A cell with a bar from 0 to 1; empty for a class that is nowhere."""
    return "<td></td>" if value is None else f'<td style="--share: {value:.3f}">{value:.3f}</td>'


def confusion(scores):
    """The confusion of the classes: of the pixels of a true class (row), how many are called what (column).

    Args:
        scores: of a model, with `confusion` and the names of the classes, the keys of `iou`.
    """
    rows = [head([say("truth"), *(say("called {name}", name=say(name)) for name in scores["iou"])])]
    for name, counts in zip(scores["iou"], scores["confusion"], strict=True):
        shares = [count / (sum(counts) or 1) for count in counts]
        cells = "".join(
            f'<td style="--share: {share:.3f}"><b>{share:.1%}</b><br/>{count / 1e6:.2f} M</td>'
            for share, count in zip(shares, counts, strict=True)
        )
        rows.append(f'<tr><th scope="row">{say(name)}</th>{cells}</tr>')
    return scrolling("confusion", say("Pixels by true class (rows) and answer (columns)"), rows)


def head(titles):
    """The first row of a table."""
    cells = "".join(f'<th scope="col">{title}</th>' for title in titles)
    return f"<tr>{cells}</tr>"


def scrolling(kind, says, rows):
    """A table that scrolls within itself where the screen is narrow."""
    return (
        f'<div class="zoo-scroll" tabindex="0" role="region" aria-label="{says}">'
        f'<table class="zoo-{kind}">{"".join(rows)}</table></div>'
    )
