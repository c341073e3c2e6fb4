"""The state of an unfinished run, beside its output: which batch of which server it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from client.render.text import display_path, printable
from client.score.items import Item, invalid
from shared.errors import AvemotionError, ErrorCode
from shared.outputs import replacing


class Fault(NamedTuple):
    """Why a clip was not sent: code and sentence."""

    code: str
    message: str

    @property
    def error(self) -> AvemotionError:
        """The error that it was."""
        return AvemotionError(ErrorCode.of(self.code), self.message)


class State(BaseModel):
    """What is needed to go on; what was sent is asked of the server, which alone knows it for sure.

    Attributes:
        format: Of this file.
        server: Address of the API, or the data folder of an embedded stack.
        batch_id: The run's batch.
        options: Of every job.
        clips: How many there are.
        fingerprint: Hash of the clips: names and sizes.
        faults: By clip: why it was not sent; None while clips are being sent.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    server: str
    batch_id: str
    options: dict[str, Any]
    clips: int
    fingerprint: str
    faults: dict[str, Fault] | None = None


def state_path(output: Path) -> Path:
    """Return where the state of an output is kept."""
    return output.with_name(f"{output.name}.state.json")


def fingerprint(items: Sequence[Item]) -> str:
    """Return a hash of the clips: their names, sizes and order."""
    digest = hashlib.sha256()
    for item in items:
        sizes = [_size_bytes(path) for path in (item.path, item.audio) if path is not None]
        digest.update(json.dumps([item.reference, *sizes]).encode())
    return digest.hexdigest()


def read_state(path: Path) -> State | None:
    """Return the state of an unfinished run; None if there is none.

    Raises:
        AvemotionError: ``INVALID_REQUEST``: it cannot be read, or is damaged.
    """
    try:
        return State.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise invalid(f"{display_path(path)} cannot be read: {error.strerror or error}.") from error
    except ValidationError as error:
        raise invalid(f"{display_path(path)} is damaged, or of another version. {_anew(path)}") from error


def write_state(path: Path, state: State) -> None:
    """Keep the state.

    Raises:
        AvemotionError: ``INVALID_REQUEST``: it cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_text(state.model_dump_json(indent=2) + "\n", encoding="utf-8")


def check_same(state: State, path: Path, *, server: str, options: Mapping[str, Any], clips: str) -> None:
    """Refuse to go on with another run than the one that was begun.

    Args:
        state: Of the run that was begun.
        path: Where it is kept.
        server: That of this run.
        options: Those of this run.
        clips: Fingerprint of this run's clips.

    Raises:
        AvemotionError: ``INVALID_REQUEST``: the server, an option or the clips differ.
    """
    fault = ""
    if state.server != server:
        fault = f"with another server, {printable(state.server)}"
    elif state.options != dict(options):
        before = ", ".join(f"{name} {value}" for name, value in sorted(state.options.items())) or "none"
        fault = f"with other options: {printable(before)}"
    elif state.fingerprint != clips:
        fault = f"with other clips ({state.clips:,}), or one of them has changed"
    if fault:
        raise invalid(
            f"{display_path(path)} is of a run that was begun {fault}. The same command as then"
            f" goes on with it. {_anew(path)}"
        )


def _anew(path: Path) -> str:
    return f"Delete {display_path(path)} to begin anew, or take another --out."


def _size_bytes(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
