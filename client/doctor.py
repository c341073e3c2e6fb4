"""``avemotion doctor``: what this machine has for the service, and what is wrong with it."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import typer
from rich.console import Console

from client.render.text import printable
from shared.errors import AvemotionError, ErrorCode, TransientError
from shared.settings import Settings, get_settings


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: What.
        ok: Whether it can be used; None where it is not set up, and need not be.
        told: Facts or faults, a line each.
    """

    name: str
    ok: bool | None
    told: tuple[str, ...]


def doctor() -> None:
    """Look at this machine: what it has for the service, and what is wrong with it.

    Exit code: 1 if something that is set up cannot be used.
    """
    tell(examine(get_settings()))


def tell(findings: Iterable[Finding]) -> None:
    """Print findings as they come.

    Raises:
        Exit: With exit code 1, once all are told, if something that is set up cannot be used.
    """
    console = Console(highlight=False, soft_wrap=True)
    failed = False
    for finding in findings:
        mark = {True: "[green]ok  [/]", False: "[red]FAIL[/]", None: "[dim]-   [/]"}[finding.ok]
        first, *rest = finding.told
        console.print(f"{mark} {finding.name:<11}", end="")
        console.print(printable(first), markup=False)
        for line in rest:
            console.print(" " * 16 + printable(line), markup=False)
        failed |= finding.ok is False
    if failed:
        raise typer.Exit(1)


def examine(settings: Settings) -> Iterator[Finding]:
    """Yield what is found, part by part."""
    yield Finding("machine", ok=True, told=_machine())
    yield tried("storage", lambda: _storage(settings))
    yield tried("ffmpeg", _ffmpeg)
    yield tried("sandbox", _sandbox)
    yield tried("landmarker", _landmarker)
    yield _openface(settings)
    yield tried("model", lambda: _model(settings))


def tried(name: str, look: Callable[[], tuple[str, ...]]) -> Finding:
    """Return what a look at a part finds: facts, or why it cannot be used."""
    try:
        return Finding(name, ok=True, told=look())
    except AvemotionError as error:
        return Finding(name, ok=False, told=(error.message,))
    except ImportError as error:
        return _not_installed(name, error)
    except (OSError, RuntimeError) as error:
        return Finding(name, ok=False, told=(str(error),))


def _not_installed(name: str, error: ImportError) -> Finding:
    """Return that a part is not for this machine: the API's image has no media libraries."""
    return Finding(name, ok=None, told=(f"not installed here ({error.name} is missing)",))


def _machine() -> tuple[str, ...]:
    try:
        from worker.model.hardware import available_cores  # noqa: PLC0415 - not on every machine
    except ImportError:
        cores = os.cpu_count() or 1
    else:
        cores = available_cores()
    return (f"Python {platform.python_version()}, {cores} cores", platform.platform())


def _storage(settings: Settings) -> tuple[str, ...]:
    from shared.storage_choice import storage_of, try_out  # noqa: PLC0415 - not needed for --help

    storage = storage_of(settings)
    try_out(storage)
    return storage.describe()


def _ffmpeg() -> tuple[str, ...]:
    import imageio_ffmpeg  # noqa: PLC0415 - not on every machine

    return (f"FFmpeg {imageio_ffmpeg.get_ffmpeg_version()}", imageio_ffmpeg.get_ffmpeg_exe())


def _sandbox() -> tuple[str, ...]:
    from worker.media.measures import told  # noqa: PLC0415 - not on every machine

    try:
        found = told()
    except TransientError as error:
        raise RuntimeError(str(error)) from error
    return ("media are decoded in processes with limits", *found)


def _landmarker() -> tuple[str, ...]:
    from worker.faces.landmarker import Landmarker  # noqa: PLC0415 - not on every machine

    return (f"built in, version {Landmarker.load().version}",)


def _openface(settings: Settings) -> Finding:
    try:
        from worker.faces.openface.installation import find_installation  # noqa: PLC0415 - for the next line
    except ImportError as error:
        return _not_installed("openface", error)
    installation = find_installation(settings)
    if installation is None:
        return Finding("openface", ok=None, told=("not set up; OPENFACE_DIR names its folder",))
    report = installation.check()
    facts = tuple(f"{name}: {fact}" for name, fact in report.facts.items())
    warnings = tuple(code.message for code in report.warnings)
    return Finding("openface", ok=report.ok, told=(*report.problems, *facts, *warnings))


def _model(settings: Settings) -> tuple[str, ...]:
    from shared.catalog import load_catalog  # noqa: PLC0415 - not needed for --help
    from worker.model.hardware import cpu_flags  # noqa: PLC0415 - not on every machine

    card = load_catalog(settings.models_dir).get(settings.model)
    if card is None:
        raise AvemotionError(
            ErrorCode.MODEL_UNAVAILABLE, f"The model {settings.model} is not installed here."
        )
    try:
        library = f"TensorFlow {version('tensorflow-cpu')}"
    except PackageNotFoundError:
        library = f"TensorFlow {version('tensorflow')}"
    flags = sorted({"avx2", "avx512f", "avx512_bf16", "amx_bf16"} & cpu_flags())
    trained = "trained" if card.trained else "NOT TRAINED"
    return (
        f"{card.id} ({card.preset}, {card.fusion} fusion, {trained})",
        library,
        f"CPU: {', '.join(flags)}",
    )
