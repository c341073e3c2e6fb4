"""What the plots of a result are made of, asked of the page's own modules in the browser."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

WINDOW = {"valence": 0, "arousal": 0, "modalities": [], "face_coverage": 1, "voice_activity": None}


def ask(page: Page, module: str, script: str, *given: Any) -> Any:
    """Return what a function of (module, given) returns in the page."""
    return page.evaluate(
        f"async ([path, given]) => ({script})(await import(path), given)",
        [f"/page/any/result/{module}", list(given)],
    )


def windows(*spans: tuple[float, float, float | None]) -> list[dict[str, Any]]:
    """Return windows of a document by start, end and probability of anger."""
    return [
        {
            **WINDOW,
            "start_s": start_s,
            "end_s": end_s,
            "probabilities": None if anger is None else {"anger": anger},
        }
        for start_s, end_s, anger in spans
    ]


def test_windows_that_overlap(page: Page) -> None:
    """Windows that overlap meet in the middle; between those that do not touch there is nothing."""
    given = windows((0, 2, 0.5), (1, 3, 0.5), (5, 7, 0.5))
    cells = ask(page, "spans.js", "({cellsOf}, [windows]) => cellsOf(windows)", given)
    assert [(cell["left"], cell["right"]) for cell in cells] == [(0, 1.5), (1.5, 3), (5, 7)]
    find = "({cellsOf, indexAt}, [windows, times]) => times.map((time) => indexAt(cellsOf(windows), time))"
    assert ask(page, "spans.js", find, given, [0, 1.4, 1.5, 3, 4, 5, 7, 8]) == [0, 0, 1, -1, -1, 2, 2, -1]


def test_steps_break_where_nothing_is_known(page: Page) -> None:
    """A step is two points; a window without a score, and time between windows, break the line."""
    draw = (
        "({cellsOf, steps}, [windows]) => steps(cellsOf(windows), ({probabilities}) => probabilities?.anger)"
    )
    drawn = ask(page, "spans.js", draw, windows((0, 2, 0.25), (2, 4, None), (6, 8, 0.75)))
    assert drawn["x"] == [0, 2, 2, 4, 4, 6, 6, 8]
    assert drawn["y"] == [0.25, 0.25, None, None, None, None, 0.75, 0.75]


def test_neighbours_become_their_mean(page: Page) -> None:
    """More cells than a screen shows are averaged with their neighbours, never across what has no score."""
    given = windows(*((k, k + 1, None if k == 4 else k / 10) for k in range(10)))
    thin = "({cellsOf, thin}, [windows, most]) => thin(cellsOf(windows), most)"
    cells = ask(page, "spans.js", thin, given, 5)
    assert [(cell["left"], cell["windows"]) for cell in cells] == [
        (0, 2),
        (2, 2),
        (4, 1),
        (5, 2),
        (7, 2),
        (9, 1),
    ]
    assert [cell["probabilities"] and round(cell["probabilities"]["anger"], 3) for cell in cells] == [
        0.05,
        0.25,
        None,
        0.55,
        0.75,
        0.9,
    ]
    assert len(ask(page, "spans.js", thin, given, 10)) == 10


READ = """async ({readFaces}, [text, frames, options]) => {
    const table = await readFaces(new Blob([text]).stream(), frames, options);
    const {rows, every, cut, curves, time} = table;
    const known = (value) => (Number.isNaN(value) ? null : value);
    const columns = [time, curves.AU12_r, curves.pose_Rx].map((each) => [...each.slice(0, rows)].map(known));
    const [times, smile, pitch] = columns;
    return {rows, every, cut, time: times, smile, pitch};
}"""


def face_table(frames: int) -> str:
    """Return a face table in which the third row of each ten knows nothing."""
    cells = ("" if frame % 10 == 2 else f"{frame / 4:.2f}" for frame in range(frames))
    rows = (f"{frame + 1}, {frame / 25:.3f}, 1.00,{cell}\n" for frame, cell in enumerate(cells))
    return "frame, timestamp, confidence, AU12_r\n" + "".join(rows)


def test_a_face_table(page: Page) -> None:
    """A table is read by the names of its columns; empty cells and columns that are not there are unknown."""
    table = ask(page, "face/table.js", READ, face_table(5), 5, {})
    assert (table["rows"], table["every"], table["cut"]) == (5, 1, False)
    assert table["smile"] == [0, 0.25, None, 0.75, 1]
    assert table["pitch"] == [None] * 5
    assert table["time"] == [0, 0.04, 0.08, 0.12, 0.16]


def test_a_long_face_table(page: Page) -> None:
    """Of a long table every so-manieth row is kept; a very large one is cut, and says so."""
    table = ask(page, "face/table.js", READ, face_table(1000), 1000, {"mostRows": 300})
    assert (table["rows"], table["every"], table["cut"]) == (250, 4, False)
    assert table["time"][:3] == [0, 0.16, 0.32]
    large = ask(page, "face/table.js", READ, face_table(40_000), 40_000, {"mostBytes": 100_000})
    assert large["cut"]
    assert 0 < large["rows"] < 40_000


def test_no_peak_is_lost(page: Page) -> None:
    """A curve that is drawn with fewer points keeps its peaks and its gaps."""
    draw = """({pointsOf}, [values]) => pointsOf({
        rows: values.length, time: Float64Array.from(values.keys()),
        curves: {AU12_r: Float32Array.from(values, (value) => value ?? NaN)},
    }, "AU12_r", [0, values.length], 40)"""
    values: list[float | None] = [1.0] * 1000
    values[333], values[700:710] = 5.0, [None] * 10
    drawn = ask(page, "face/table.js", draw, values)
    assert len(drawn["x"]) <= 70
    assert dict(zip(drawn["x"], drawn["y"], strict=True))[333] == 5
    assert None in drawn["y"]
    assert drawn["x"] == sorted(drawn["x"])
