"""What an import makes of a source, checked before any number is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from worker.model.presets import PRESETS, Preset
from worker.model.sources.names import FC_NORM, HEAD, PATCH_BIAS, Named, name_tensors
from worker.model.sources.positions import place_tensors
from worker.model.sources.recipes import Recipe, recipe
from worker.model.sources.source import Source
from worker.model.weights import MOST_LABELS
from worker.model.weights_fault import invalid

DTYPES = frozenset({"float16", "bfloat16", "float32", "float64"})
POSITIONAL = frozenset({"savedmodel", "keras-h5"})
# A widespread conversion of small states this number of heads: shapes agree with it, results do not.
MISTAKEN_HEADS = {"small": 16}


@dataclass(frozen=True)
class Plan:
    """What an import does.

    Attributes:
        family: Whose names the tensors have.
        recipes: One a weight that is filled.
        new: Our weights that the source does not have.
        unused: The source's tensors that are known and not needed.
        labels: Outputs of the head; None without one.
        positions: The source's position table, which must be ours; None where it has none.
        notes: Sentences for whoever imports.
    """

    family: str
    recipes: tuple[Recipe, ...]
    new: tuple[str, ...]
    unused: tuple[str, ...]
    labels: int | None
    positions: str | None
    notes: tuple[str, ...]


def make_plan(source: Source, preset: Preset) -> Plan:
    """Return what to make of a source.

    Raises:
        AvemotionError: ``INVALID_WEIGHTS`` where the source is of another preset, or a tensor is missing,
            unknown, or of a wrong shape or type.
    """
    if source.kind in POSITIONAL:
        first = next(iter(source.tensors.values())).shape if source.tensors else ()
        _check_width(source, preset, first[-1] if first else 0)
        named = place_tensors(source.path, source.tensors, preset)
    else:
        named = name_tensors(source.path, source.tensors)
        bias = named.tensors.get(named.family.outside[PATCH_BIAS][0])
        if bias is not None:
            _check_width(source, preset, sum(source.tensors[bias].shape))
    wanted = named.family.parts(preset.depth)
    head = any(name in named.tensors for weight in HEAD for name in wanted[weight])
    norm = head or any(name in named.tensors for weight in FC_NORM for name in wanted[weight])
    left_out = {*(() if head else HEAD), *(() if norm else FC_NORM)}
    wanted = {weight: names for weight, names in wanted.items() if weight not in left_out}
    _check_names(source, preset, named, wanted)
    labels = _labels(source, named.tensors[wanted[HEAD[1]][0]]) if head else None
    recipes = tuple(
        recipe(weight, tuple(named.tensors[name] for name in names), preset, labels, named.family.layout)
        for weight, names in wanted.items()
    )
    for made in recipes:
        _check_parts(source, made)
    return Plan(
        family=named.family.name,
        recipes=recipes,
        new=tuple(weight for weight in FC_NORM if weight in left_out),
        unused=named.unused,
        labels=labels,
        positions=named.tensors.get(named.family.positions),
        notes=_check_facts(source, preset, labels),
    )


def _check_width(source: Source, preset: Preset, width: int) -> None:
    if width == preset.width:
        return
    other = next((other.name for other in PRESETS.values() if other.width == width), None)
    looks = f"it looks like {other}" if other else "no preset has it"
    raise invalid(
        source.path, f"its tokens have {width} values, and those of {preset.name} {preset.width}: {looks}."
    )


def _check_names(source: Source, preset: Preset, named: Named, wanted: Mapping[str, tuple[str, ...]]) -> None:
    missing = [
        (name, weight) for weight, names in wanted.items() for name in names if name not in named.tensors
    ]
    if missing:
        name, weight = missing[0]
        raise invalid(source.path, f"{name} is missing{_more(len(missing))}; {weight} is made of it.")
    used = {name for names in wanted.values() for name in names}
    extra = [own for name, own in named.tensors.items() if name not in (*used, named.family.positions)]
    if extra:
        raise invalid(source.path, f"{extra[0]} has no place in {preset.name}{_more(len(extra))}.")


def _labels(source: Source, bias: str) -> int:
    """Return how many outputs the head has."""
    shape = source.tensors[bias].shape
    if len(shape) != 1 or not 0 < shape[0] <= MOST_LABELS:
        raise invalid(source.path, f"{bias} has the shape {shape}, which is not that of labels.")
    return shape[0]


def _check_parts(source: Source, made: Recipe) -> None:
    for part in made.parts:
        stored = source.tensors[part]
        if stored.shape != made.shape:
            raise invalid(
                source.path,
                f"{part} has the shape {stored.shape}, not {made.shape}; {made.weight} is made of it.",
            )
        if stored.dtype not in DTYPES:
            raise invalid(source.path, f"{part} holds {stored.dtype}, and no floating-point numbers.")


def _check_facts(source: Source, preset: Preset, labels: int | None) -> tuple[str, ...]:
    """Return sentences about what the files beside the tensors say."""
    facts = source.facts
    said = {"width": facts.width, "depth": facts.depth}
    for name, value in said.items():
        if value not in (None, getattr(preset, name)):
            raise invalid(
                source.path,
                f"config.json says a {name} of {value}, and {preset.name} has {getattr(preset, name)}.",
            )
    if labels is not None and facts.labels not in (None, labels):
        raise invalid(source.path, f"config.json names {facts.labels} labels, and the head has {labels}.")
    if facts.heads in (None, preset.heads):
        return ()
    said_heads = f"config.json says {facts.heads} attention heads"
    if MISTAKEN_HEADS.get(preset.name) != facts.heads:
        raise invalid(source.path, f"{said_heads}, and {preset.name} has {preset.heads}.")
    return (f"{said_heads}, a known mistake; {preset.name} was trained with {preset.heads}, which are used.",)


def _more(count: int) -> str:
    return f", and {count - 1} more" if count > 1 else ""
