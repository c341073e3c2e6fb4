"""A profile as a table, matrix products beside their time alone."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from bench.model.contender import Precision
from bench.model.report import make_table
from bench.model.results import Case, PresetResult
from bench.model.targets import SHORT

ROWS = 14
# The products that a layer computes.
PRODUCTS_OF = {
    "patch_embedding/projection": ("patches",),
    "attention/qkv": ("qkv",),
    "attention": ("scores", "values"),
    "attention/projection": ("projection",),
    "fc1": ("fc1",),
    "fc2": ("fc2",),
}


def profile_table(result: PresetResult, precision: Precision) -> Table:
    """Return where the time of one forward goes."""
    rows = result.profiles[precision]
    case = min((case for case in result.cases if case.precision == precision), key=lambda case: case.batch)
    total_s = sum(row["seconds"] for row in rows)
    table = make_table(
        f"{result.preset} {SHORT[precision]}, batch {case.batch}: where our time goes",
        ["layer", "operation"],
        ["times", "ms", "%", "ms alone"],
    )
    for row in rows[:ROWS]:
        alone_s = _alone_s(case, row["where"]) if is_product(row) else None
        table.add_row(
            row["where"], row["operation"], str(row["count"]), *_cells(row["seconds"], total_s, alone_s)
        )
    rest_s = sum(row["seconds"] for row in rows[ROWS:])
    table.add_row("rest", "", "", *_cells(rest_s, total_s, None), end_section=True)
    products_s = sum(row["seconds"] for row in rows if is_product(row))
    table.add_row("all", "products", "", *_cells(products_s, total_s, case.ceiling_s))
    table.add_row("all", "other operations", "", *_cells(total_s - products_s, total_s, None))
    return table


def is_product(row: dict[str, Any]) -> bool:
    """Whether an operation is a matrix product, perhaps with a bias and an activation."""
    return "MatMul" in row["operation"]


def _cells(seconds: float, total_s: float, alone_s: float | None) -> tuple[str, str, str]:
    alone = "" if alone_s is None else f"{alone_s * 1e3:.1f}"
    return f"{seconds * 1e3:.1f}", f"{seconds / total_s * 100:.1f}", alone


def _alone_s(case: Case, layer: str) -> float | None:
    names = PRODUCTS_OF.get(layer, ())
    return sum(product.forward_s for product in case.products if product.name in names) or None
