"""Charts of the report, as the plain objects that plotly draws.

Colours of text, lines and ground are left to the page, so that they follow its light or dark theme.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from training.evaluation.document import AblationRow, Bin, Calibration, Estimate, Rates

Chart = dict[str, Any]
Row = Mapping[str, float | None]

# As wide as the text on paper, so that nothing has to be drawn anew for printing.
WIDTH_PX = 640
# Of Okabe & Ito (2008), told apart by readers of any colour vision, on light and on dark ground.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d46", "#7f7f7f")
DASHES = ("solid", "dash", "dot", "dashdot")
# Columns of a curve that share a chart, by how their name ends; any other has a chart of its own.
FAMILIES = {
    "Loss": ("loss", "nll"),
    "Rate": ("war", "uar", "f1", "accuracy", "recall", "ece"),
    "Agreement (CCC)": ("ccc", "ccc_valence", "ccc_arousal"),
}
STEPS = ("epoch", "step")


def reliability_chart(calibration: Calibration) -> Chart:
    """Return accuracy over confidence, before and after scaling, side by side."""
    before = _reliability(calibration.before.bins, "before", COLOURS[1], "x", "y")
    after = _reliability(calibration.after.bins, "after", COLOURS[0], "x2", "y2")
    axis = {"range": [0, 1], "dtick": 0.2, "constrain": "domain"}
    titles = [{"text": f"confidence, {when} scaling", "standoff": 6} for when in ("before", "after")]
    layout = {
        "height": 330,
        "barmode": "overlay",
        "xaxis": {
            **axis,
            "domain": [0, 0.46],
            "title": titles[0],
        },
        "xaxis2": {
            **axis,
            "domain": [0.54, 1],
            "title": titles[1],
        },
        "yaxis": {**axis, "title": {"text": "accuracy"}},
        "yaxis2": {**axis, "anchor": "x2"},
    }
    return _chart([*before, *after], layout)


def curve_charts(curves: Mapping[str, Sequence[Row]]) -> list[tuple[str, Chart]]:
    """Return a heading and a chart for each family of columns: a colour a run, a dash a column."""
    columns = sorted({name for rows in curves.values() for row in rows for name in row} - set(STEPS))
    families: dict[str, list[str]] = {}
    for column in columns:
        families.setdefault(_family(column), []).append(column)
    order = sorted(families, key=lambda name: (name not in FAMILIES, name))
    return [(family, _curves(curves, families[family])) for family in order]


def ablation_chart(reference: Rates, rows: Sequence[AblationRow]) -> Chart:
    """Return the UAR of the model and of each other way, with intervals, from top to bottom."""
    entries = [("this model", reference.uar), *((row.name, row.rates.uar) for row in rows)]
    known = [(name, entry) for name, entry in reversed(entries) if entry.value is not None]
    trace = {
        "type": "scatter",
        "mode": "markers",
        "x": [entry.value for _, entry in known],
        "y": [_plain(name) for name, _ in known],
        "error_x": {"type": "data", "symmetric": False, **_errors([entry for _, entry in known])},
        "marker": {"size": 9, "color": COLOURS[0]},
        "hoverinfo": "x",
    }
    layout = {
        "height": 90 + 34 * len(known),
        "xaxis": {"title": {"text": "UAR", "standoff": 6}, "rangemode": "tozero"},
        "yaxis": {"type": "category", "automargin": True},
    }
    return _chart([trace], layout)


def _reliability(bins: Sequence[Bin], name: str, colour: str, x: str, y: str) -> list[Chart]:
    diagonal = {
        "type": "scatter",
        "mode": "lines",
        "x": [0, 1],
        "y": [0, 1],
        "line": {"dash": "dot", "width": 1.5, "color": COLOURS[-1]},
        "hoverinfo": "skip",
    }
    bars = {
        "type": "bar",
        "x": [(entry.low + entry.high) / 2 for entry in bins],
        "width": [entry.high - entry.low for entry in bins],
        "y": [entry.accuracy for entry in bins],
        "marker": {"color": colour, "opacity": 0.45},
        "customdata": [entry.samples for entry in bins],
        "hovertemplate": "accuracy %{y:.2f}, %{customdata} samples<extra></extra>",
    }
    # The larger the dot, the more samples weigh in the error.
    most = max(entry.samples for entry in bins)
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": [entry.confidence for entry in bins],
        "y": [entry.accuracy for entry in bins],
        "marker": {
            "color": colour,
            "opacity": 1,
            "size": [4 + 10 * (entry.samples / most) ** 0.5 for entry in bins],
        },
        "hoverinfo": "skip",
    }
    return [{**trace, "name": name, "xaxis": x, "yaxis": y} for trace in (diagonal, bars, dots)]


def _curves(curves: Mapping[str, Sequence[Row]], columns: Sequence[str]) -> Chart:
    traces = [
        _line(run, rows, column, {"color": colour, "dash": dash, "width": 1.8})
        for (run, rows), colour in zip(curves.items(), _cycle(COLOURS, len(curves)), strict=True)
        for column, dash in zip(columns, _cycle(DASHES, len(columns)), strict=True)
        if any(row.get(column) is not None for row in rows)
    ]
    layout = {
        "height": 340,
        "showlegend": len(traces) > 1,
        "xaxis": {"title": {"text": "epoch", "standoff": 6}},
        "yaxis": {"automargin": True, "exponentformat": "power"},
        "legend": {"orientation": "h", "y": -0.2, "yanchor": "top"},
    }
    return _chart(traces, layout)


def _line(run: str, rows: Sequence[Row], column: str, line: Chart) -> Chart:
    steps = [next((row[step] for step in STEPS if row.get(step) is not None), None) for row in rows]
    return {
        "type": "scatter",
        "mode": "lines" if len(rows) > 1 else "markers",
        "name": f"{_plain(run)}, {_words(column)}",
        "x": [place if step is None else step for place, step in enumerate(steps, 1)],
        "y": [row.get(column) for row in rows],
        "line": line,
        "marker": {"color": line["color"]},
    }


def _chart(traces: Sequence[Chart], layout: Chart) -> Chart:
    shared = {
        "width": WIDTH_PX,
        "showlegend": False,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 60, "r": 12, "t": 12, "b": 52},
        "font": {"size": 12},
    }
    return {"data": list(traces), "layout": {**shared, **layout}}


def _errors(entries: Sequence[Estimate]) -> dict[str, list[float]]:
    """Return how far the intervals reach above and below their values, 0 where there is none."""
    above, below = [], []
    for entry in entries:
        value = entry.value or 0.0
        above.append(0.0 if entry.high is None else max(0.0, entry.high - value))
        below.append(0.0 if entry.low is None else max(0.0, value - entry.low))
    return {"array": above, "arrayminus": below}


def _family(column: str) -> str:
    for family, endings in FAMILIES.items():
        if any(column == ending or column.endswith(f"_{ending}") for ending in endings):
            return family
    return column.replace("_", " ").capitalize()


def _words(column: str) -> str:
    return _plain(column.replace("_", " "))


def _plain(text: str) -> str:
    """Return text in which plotly finds no markup."""
    return html.escape(text)


def _cycle(values: Sequence[str], count: int) -> list[str]:
    return [values[number % len(values)] for number in range(count)]
