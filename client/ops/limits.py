"""What operators write and read of a key's limits."""

from __future__ import annotations

from typing import Annotated

import typer
from pydantic import ByteSize, TypeAdapter, ValidationError

from client.ops.words import number, size
from shared.tables import ApiKey

# As the table has it: no limit, whatever the settings say; null is for what the settings say.
NO_LIMIT = 0
WORDS = {"none": NO_LIMIT, "default": None}
MOST_COUNT = 2**31 - 1
MOST_BYTES = 2**63 - 1
BYTES: TypeAdapter[ByteSize] = TypeAdapter(ByteSize)


def read_count(text: str) -> int:
    """Return a limit, as whoever looks into the table finds it.

    A number; ``none``, as 0, for no limit; ``default``, as -1, for what the settings say.
    """
    return _read(text, MOST_COUNT, "write a whole number from 1 on")


def read_bytes(text: str) -> int:
    """Return a limit in bytes; also of ``50GB`` or ``1.5GiB``, else as ``read_count`` does."""
    return _read(text, MOST_BYTES, "write a number of bytes, or one such as 50GB")


def _read(text: str, most: int, advice: str) -> int:
    word = text.strip().lower()
    if word in WORDS:
        return -1 if WORDS[word] is None else NO_LIMIT
    try:
        value = int(BYTES.validate_python(word)) if most == MOST_BYTES else int(word)
    except (ValidationError, ValueError):
        value = 0
    if not 0 < value <= most:
        raise typer.BadParameter(f"{text!r} is no limit; {advice}, `none` or `default`")
    return value


MaxJobs = Annotated[
    int | None,
    typer.Option("--max-jobs", parser=read_count, metavar="N", help="Unfinished jobs at a time."),
]
MaxBytes = Annotated[
    int | None,
    typer.Option("--max-bytes", parser=read_bytes, metavar="BYTES", help="Uploads kept, such as 50GB."),
]
PerMinute = Annotated[
    int | None,
    typer.Option("--requests-per-minute", parser=read_count, metavar="N", help="Requests, polls too."),
]


def chosen(max_jobs: int | None, max_bytes: int | None, per_minute: int | None) -> dict[str, int | None]:
    """Return the columns that were chosen, with what is to stand in them."""
    given = {"max_jobs": max_jobs, "max_bytes": max_bytes, "requests_per_minute": per_minute}
    return {name: None if value < 0 else value for name, value in given.items() if value is not None}


def limits_of(key: ApiKey) -> str:
    """Return a key's own limits in words; nothing if the settings alone decide."""
    found = []
    if key.max_jobs is not None:
        found.append(number(key.max_jobs, "unfinished job") if key.max_jobs else "any number of jobs")
    if key.max_bytes is not None:
        found.append(f"{size(key.max_bytes)} of uploads" if key.max_bytes else "any amount of uploads")
    if key.requests_per_minute is not None:
        many = key.requests_per_minute
        found.append(f"{number(many, 'request')} a minute" if many else "any number of requests")
    return ", ".join(found)
