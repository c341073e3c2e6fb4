"""A job's result as a person reads it."""

from __future__ import annotations

from rich.box import HEAVY
from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from client.render import facts
from client.render.plots import (
    ASCII,
    UNICODE,
    Glyphs,
    Sample,
    bar,
    columns_chart,
    columns_for,
    rail,
    resample,
    signed_chart,
    time_axis,
)
from client.render.text import clock, printable
from shared.schemas.jobs import JobDocument, Summary, WindowResult

MOST_CELLS = 100
# The keys of the chart of valence and arousal, and its scale, take these two.
LEAST_LABEL_CELLS = 15
SCALE_CELLS = 5
LEAST_BAR_CELLS = 10
NUMBER_CELLS = 8
MOST_RAIL_CELLS = 31
SCALE_WORDS_CELLS = 30
PLOTTED_EMOTIONS = 3
EMOTION_ROWS = 2
INDENT = 2


class Result:
    """Renderable of a succeeded job."""

    def __init__(self, name: str, document: JobDocument) -> None:
        """Keep the clip's name, safe to print, and the document."""
        self._name = name
        self._document = document

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw everything, with the characters that the terminal knows."""
        document = self._document
        glyphs = ASCII if options.ascii_only else UNICODE
        width = min(options.max_width, MOST_CELLS)
        trained = document.model is not None and document.model.trained
        style = "" if trained else "dim"
        yield Text()
        yield Text(self._name, style="bold", overflow="fold")
        yield _indented(Text(facts.media(document, glyphs.separator), style="dim"))
        yield Text()
        if not trained:
            yield _banner(document, width)
            yield Text()
        if document.summary is not None:
            if trained:
                yield _indented(_headline(document.summary))
                yield Text()
            yield _indented(_scores(document.summary, width - INDENT, glyphs, style))
            yield Text()
        if any(window.probabilities for window in document.windows):
            yield _indented(_over_time(document, width - INDENT, glyphs, style))
            yield Text()
        yield _indented(_made_by(document))


def _banner(document: JobDocument, width: int) -> Panel:
    """Return what keeps the numbers of an untrained model from being taken for a result."""
    made_by = printable(document.model.id) if document.model is not None else "an unknown model"
    text = Text()
    text.append("NOT A RESULT: THE MODEL IS NOT TRAINED\n", style="bold")
    text.append(
        f"The numbers below come from {made_by}, whose weights are random. They say nothing about the"
        " people in this clip; they only show that the service works."
    )
    return Panel(text, box=HEAVY, style="red", padding=(0, 1), width=width)


def _headline(summary: Summary) -> Text:
    text = Text(printable(summary.emotion), style="bold green")
    text.append(f"  {summary.confidence:.0%}", style="bold")
    text.append(f"   valence {summary.valence:+.2f}   arousal {summary.arousal:+.2f}")
    return text


def _scores(summary: Summary, width: int, glyphs: Glyphs, style: str) -> Group:
    """Return a bar for each emotion, the most probable first, and the two scales."""
    label_cells = _label_cells(summary)
    bar_cells = max(LEAST_BAR_CELLS, width - label_cells - NUMBER_CELLS)
    lines: list[RenderableType] = []
    for label, share in _ranking(summary):
        line = Text(set_cell_size(printable(label), label_cells), style=style)
        line.append(bar(share, bar_cells, glyphs), style="cyan")
        line.append(f"{share:>{NUMBER_CELLS}.1%}")
        lines.append(line)
    lines.append(Text())
    scales = (
        ("valence", summary.valence, "unpleasant", "pleasant"),
        ("arousal", summary.arousal, "calm", "excited"),
    )
    # An odd number has a middle; what remains goes to the words on both sides.
    rail_cells = min(
        MOST_RAIL_CELLS, max(LEAST_BAR_CELLS, width - label_cells - SCALE_WORDS_CELLS) // 2 * 2 + 1
    )
    for label, value, low, high in scales:
        line = Text(f"{label:<{label_cells}}{value:>+5.2f}", style=style)
        line.append(f"{low:>12} ", style="dim")
        line.append(rail(value, rail_cells, glyphs), style="cyan")
        line.append(f" {high}", style="dim")
        lines.append(line)
    return Group(*lines)


def _over_time(document: JobDocument, width: int, glyphs: Glyphs, style: str) -> Group:
    """Return the most probable emotions, valence and arousal along the clip."""
    windows = document.windows
    # A job that runs has windows before it has a summary.
    labels = [label for label, _ in _ranking(document.summary)] if document.summary else []
    label_cells = _label_cells(document.summary)
    columns = columns_for(len(windows), width - label_cells - NUMBER_CELLS)
    lines: list[RenderableType] = [Text(_time_title(windows)), Text()]
    for label in labels[:PLOTTED_EMOTIONS]:
        samples = [_sample(window, (window.probabilities or {}).get(label)) for window in windows]
        chart = columns_chart(resample(samples, columns), EMOTION_ROWS, glyphs)
        names, scale = ["", printable(label)], ["100%", "0%"]
        for name, cells, mark in zip(names, chart, scale, strict=True):
            line = Text(set_cell_size(name, label_cells), style=style)
            line.append(cells, style="cyan")
            line.append(f"{mark:>5}", style="dim")
            lines.append(line)
    lines.append(Text())
    valence = resample([_sample(window, window.valence) for window in windows], columns)
    arousal = resample([_sample(window, window.arousal) for window in windows], columns)
    valence_mark, arousal_mark, both = glyphs.marks
    keys = ["", "", f"valence {valence_mark}", f"arousal {arousal_mark}", f"both    {both}", "", ""]
    for key, cells in zip(keys, signed_chart(valence, arousal, len(keys), glyphs), strict=True):
        lines.append(Text(f"{key:<{label_cells - SCALE_CELLS}}{cells}", style=style))
    end_s = max(window.end_s for window in windows)
    axis = time_axis(windows[0].start_s, end_s, columns)
    lines.append(Text(" " * label_cells + axis, style="dim"))
    return Group(*lines)


def _ranking(summary: Summary) -> list[tuple[str, float]]:
    return sorted(summary.probabilities.items(), key=lambda item: -item[1])


def _label_cells(summary: Summary | None) -> int:
    """Return the width of the column of names, its margin included."""
    labels = summary.probabilities if summary else ()
    return max(LEAST_LABEL_CELLS, *(cell_len(printable(label)) + 2 for label in labels), 0)


def _time_title(windows: list[WindowResult]) -> str:
    if len(windows) == 1:
        return f"Over time: one window, {clock(windows[0].start_s)} to {clock(windows[0].end_s)}"
    length_s = windows[0].end_s - windows[0].start_s
    return f"Over time: {len(windows)} windows of {length_s:g} s"


def _sample(window: WindowResult, value: float | None) -> Sample:
    return Sample(window.start_s, window.end_s, value)


def _made_by(document: JobDocument) -> Table:
    """Return the facts below the plots as two columns, warnings last."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for label, fact in facts.made_by(document):
        table.add_row(Text(label, style="dim"), Text(printable(fact)))
    for warning in document.warnings:
        table.add_row(Text("warning", style="bold yellow"), Text(printable(warning.message), style="yellow"))
    return table


def _indented(renderable: RenderableType) -> Padding:
    return Padding(renderable, (0, 0, 0, INDENT), expand=False)
