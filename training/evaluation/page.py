"""The report as one HTML page that needs nothing else: no server, no other file, no network."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from plotly.offline import get_plotlyjs
from pydantic import JsonValue

from training.evaluation.charts import ablation_chart, curve_charts, reliability_chart
from training.evaluation.document import Report
from training.evaluation.text import NONE, figure, interval, signed

TEMPLATES = Path(__file__).parent / "templates"


def template(name: str) -> Template:
    """Return a template of a page: what it is given is escaped, and nothing may be missing."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figure": figure, "signed": signed, "interval": interval, "words": words}
    return environment.get_template(name)


def page_of(report: Report) -> str:
    """Return the report as HTML; every name in it is escaped, and nothing is loaded from elsewhere."""
    return template("report.html").render(
        report=report,
        reliability=reliability_chart(report.calibration),
        curves=curve_charts(report.curves),
        ablation=ablation_chart(report.rates, report.ablation) if report.ablation else None,
        plotly=get_plotlyjs(),
    )


def words(value: JsonValue) -> str:
    """Return a plain value of the context as text."""
    match value:
        case None:
            return NONE
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.6g}"
        case _:
            return str(value)
