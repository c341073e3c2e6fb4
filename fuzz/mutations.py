"""Ways in which a file is made wrong; each is data, so that a run can be told and repeated."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

# What sizes, counts and offsets lie about.
LIES: Final = (
    *(value.to_bytes(size, order) for size in (2, 4, 8) for order in ("big", "little") for value in (0, 1)),
    *(b"\xff" * size for size in (1, 2, 4, 8)),
    *(b"\x7f" + b"\xff" * (size - 1) for size in (2, 4, 8)),
    *(b"\x80" + b"\0" * (size - 1) for size in (2, 4, 8)),
    *(b"\xff" * (size - 1) + b"\x7f" for size in (2, 4, 8)),
)
# Where containers keep what everything else hangs on.
_HEAD_BYTES: Final = 512
_MOST_MUTATIONS: Final = 6
_LONGEST_PIECE: Final = 2000


@dataclass(frozen=True)
class Mutation:
    """One change of some bytes.

    Attributes:
        kind: Of ``KINDS``.
        place: Where, counted round and round the file.
        length: Of how many bytes, where the kind has a length.
        piece: What is put there, where the kind puts something.
    """

    kind: str
    place: int
    length: int = 0
    piece: bytes = b""


def _flip(data: bytearray, at: int, change: Mutation) -> None:
    data[at] ^= 1 << change.length % 8


def _overwrite(data: bytearray, at: int, change: Mutation) -> None:
    data[at : at + len(change.piece)] = change.piece


def _insert(data: bytearray, at: int, change: Mutation) -> None:
    data[at:at] = change.piece


def _remove(data: bytearray, at: int, change: Mutation) -> None:
    del data[at : at + change.length]


def _truncate(data: bytearray, at: int, _: Mutation) -> None:
    del data[at:]


def _repeat(data: bytearray, at: int, change: Mutation) -> None:
    data[at:at] = data[at : at + change.length]


def _blank(data: bytearray, at: int, change: Mutation) -> None:
    end = min(len(data), at + change.length)
    data[at:end] = bytes(end - at)


def _splice(data: bytearray, at: int, change: Mutation) -> None:
    """Go on as another file does."""
    data[at:] = change.piece


KINDS: Final[dict[str, Callable[[bytearray, int, Mutation], None]]] = {
    "flip": _flip,
    "overwrite": _overwrite,
    "insert": _insert,
    "remove": _remove,
    "truncate": _truncate,
    "repeat": _repeat,
    "blank": _blank,
    "splice": _splice,
}


def mutated(data: bytes, changes: Sequence[Mutation]) -> bytes:
    """Return the bytes with each change made, in turn."""
    result = bytearray(data)
    for change in changes:
        if not result:
            break
        KINDS[change.kind](result, change.place % len(result), change)
    return bytes(result)


def random_changes(chance: random.Random, data: bytes, others: Sequence[bytes]) -> list[Mutation]:
    """Return some changes: of bits, sizes, ends and pieces, half of them where headers are.

    Args:
        chance: What chooses.
        data: What will be changed.
        others: Files that pieces are taken from.
    """
    return [_random(chance, data, others) for _ in range(chance.randint(1, _MOST_MUTATIONS))]


def _random(chance: random.Random, data: bytes, others: Sequence[bytes]) -> Mutation:
    kind = chance.choice([*KINDS])
    # Most damage in the middle of samples only spoils a picture.
    reach = len(data) if chance.random() < 0.5 or kind == "truncate" else _HEAD_BYTES  # noqa: PLR2004 - half
    place, length = chance.randrange(max(1, reach)), chance.randint(1, _LONGEST_PIECE)
    if kind in {"flip", "remove", "truncate", "repeat", "blank"}:
        return Mutation(kind, place, length)
    if kind == "overwrite" and chance.random() < 0.7:  # noqa: PLR2004 - most of them
        return Mutation(kind, place, piece=chance.choice(LIES))
    other = chance.choice(others) if others else data
    start = chance.randrange(max(1, len(other)))
    return Mutation(kind, place, piece=other[start : None if kind == "splice" else start + length])
