"""The data folder: one stack at a time, and a note of where its API is."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, SecretStr, ValidationError

from client.stack.addresses import write_private
from shared.webhooks.secrets import make_secret


class StackNote(BaseModel):
    """What ``run/stack.json`` says of the running stack; readable by its owner only.

    Attributes:
        api_url: Address of the API, without a slash at the end.
        database_url: Address of PostgreSQL, with its password.
        broker_url: Address of Valkey, with its password.
        pid: Process that supervises the stack.
        pids: Its processes by name.
    """

    api_url: str
    database_url: str
    broker_url: str
    pid: int
    pids: Mapping[str, int]


class DataFolder:
    """The folder that holds everything of an embedded stack."""

    def __init__(self, path: Path) -> None:
        """Name the folder; ``make`` makes it."""
        self.path = path.absolute()
        self.log_dir = self.path / "log"
        self._run_dir = self.path / "run"
        self._lock_fd: int | None = None

    def make(self) -> None:
        """Make the folder and its parts where missing; a new one is closed to other users."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        for part in (self.log_dir, self._run_dir):
            part.mkdir(exist_ok=True, mode=0o700)

    @property
    def lock_fd(self) -> int | None:
        """Open file of the lock while we hold it."""
        return self._lock_fd

    def try_lock(self) -> bool:
        """Take the folder for this process; False if another stack has it."""
        descriptor = os.open(self._run_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._lock_fd = descriptor
        return True

    def unlock(self) -> None:
        """Give the folder back."""
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None

    def read_note(self) -> StackNote | None:
        """Return the note of the running stack; None if there is none or its supervisor has ended."""
        try:
            note = StackNote.model_validate_json(self._note_path.read_bytes())
            # Another user's process cannot be signalled, but is there.
            with contextlib.suppress(PermissionError):
                os.kill(note.pid, 0)
        except (FileNotFoundError, ValidationError, ProcessLookupError):
            return None
        return note

    def write_note(self, note: StackNote) -> None:
        """Say where the running stack is."""
        write_private(self._note_path, note.model_dump_json(indent=2) + "\n")

    def clear_note(self) -> None:
        """Say that no stack runs."""
        with contextlib.suppress(FileNotFoundError):
            self._note_path.unlink()

    def read_webhook_secret(self) -> SecretStr | None:
        """Return what stacks on this folder sign webhooks with; None before the first."""
        try:
            return SecretStr(self._secret_path.read_text(encoding="utf-8").strip())
        except FileNotFoundError:
            return None

    def keep_webhook_secret(self) -> SecretStr:
        """Return that secret; if there is none it is made now, for the eyes of the owner only."""
        found = self.read_webhook_secret()
        if found is None:
            found = SecretStr(make_secret())
            write_private(self._secret_path, found.get_secret_value() + "\n")
        return found

    @property
    def _secret_path(self) -> Path:
        return self.path / "webhook_secret"

    @property
    def _note_path(self) -> Path:
        return self._run_dir / "stack.json"
