"""What ``avemotion weights`` tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client.render.text import printable

if TYPE_CHECKING:
    from client.weights.checking import Checked
    from worker.model.sources import WeightsCard

SHOWN_LABELS = 3
KINDS = {
    "pytorch": "PyTorch",
    "safetensors": "safetensors",
    "savedmodel": "TensorFlow SavedModel",
    "keras-h5": "Keras 2 .h5",
}
LICENCE_BASES = {
    "given": "as you said",
    "model page": "its README.md says so",
    "published form": "that of published VideoMAE weights, which these look like; --licence says otherwise",
    "unknown": "nothing tells; published VideoMAE weights and their conversions are CC-BY-NC-4.0",
}


def import_report(card: WeightsCard) -> str:
    """Return what was imported, in lines."""
    source = card.source
    rows = [
        ("source", f"{source.name} ({KINDS[source.kind]}, {source.family} names)"),
        ("sha256", source.sha256),
        ("preset", card.preset),
        ("tensors", _tensors(card)),
        ("head", _head(card)),
        ("licence", f"{card.licence} ({LICENCE_BASES[card.licence_basis]})"),
        ("normalisation", _normalisation(card)),
        ("weights", f"sha256 {card.weights_sha256}"),
        *(("note", note) for note in card.notes),
    ]
    return _lines(rows)


def check_report(checked: Checked) -> str:
    """Return what a weights file was found to be, and what was written, in lines."""
    labels = "none" if checked.labels is None else f"{checked.labels} labels"
    rows = [
        ("preset", checked.preset.name),
        ("head", labels),
        ("weights", f"sha256 {checked.weights_sha256}"),
    ]
    if checked.card is None:
        rows.append(("card", "none beside the file"))
    else:
        rows += [
            ("card", f"agrees; imported from {checked.card.source.name} on {checked.card.date}"),
            ("licence", f"{checked.card.licence} ({LICENCE_BASES[checked.card.licence_basis]})"),
        ]
    rows += [("backend", checked.backend)]
    rows += [(name, str(shape)) for name, shape in checked.shapes.items()]
    return f"{_lines(rows)}\nWritten: {printable(str(checked.out))}."


def _tensors(card: WeightsCard) -> str:
    unused = f"; {card.unused} not needed" if card.unused else ""
    new = f"; new: {', '.join(card.new)}" if card.new else ""
    return f"{card.tensors} used{unused}{new}"


def _head(card: WeightsCard) -> str:
    if card.labels is None:
        return "none"
    names = ", ".join(card.label_names[:SHOWN_LABELS])
    more = ", ..." if len(card.label_names) > SHOWN_LABELS else ""
    return f"{card.labels} labels" + (f": {names}{more}" if names else ", of which the source has no names")


def _normalisation(card: WeightsCard) -> str:
    mean, std = (
        " ".join(f"{value:.4g}" for value in values)
        for values in (card.normalisation.mean, card.normalisation.std)
    )
    return f"mean {mean}, std {std} ({card.normalisation_basis})"


def _lines(rows: list[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {printable(text)}" for name, text in rows)
