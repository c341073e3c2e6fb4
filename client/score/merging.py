"""Rows of results in the order of the clips, each with what is to stand beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

from client.score.items import Item
from shared.errors import AvemotionError, ErrorCode
from shared.rows import PROBABILITY, columns_of

Row = dict[str, Any]

ERASED = AvemotionError(ErrorCode.NOT_FOUND, "The server no longer has this job.")


class Answers:
    """The server's rows, kept in a file and found by their clip: 100,000 of them need little memory."""

    def __init__(self, file: IO[bytes]) -> None:
        """Find the rows in a file of JSON lines; it has to stay open."""
        self._file = file
        self._places: dict[str, int] = {}
        self.labels: tuple[str, ...] = ()
        file.seek(0)
        place = 0
        for line in file:
            row = json.loads(line)
            self._places[row["path"]] = place
            if not self.labels:
                names = (name for name in row if name.startswith(PROBABILITY))
                self.labels = tuple(name.removeprefix(PROBABILITY) for name in names)
            place += len(line)

    def __len__(self) -> int:
        """Return how many clips have a row."""
        return len(self._places)

    def __contains__(self, reference: object) -> bool:
        """Tell whether a clip has a row."""
        return reference in self._places

    def row(self, reference: str) -> Row:
        """Return a clip's row.

        Raises:
            KeyError: It has none.
        """
        self._file.seek(self._places[reference])
        return dict(json.loads(self._file.readline()))


def merged(items: Sequence[Item], answers: Answers, faults: Mapping[str, AvemotionError]) -> Iterator[Row]:
    """Yield a row for each clip: the server's, or why it was not sent; then what stands beside it.

    Args:
        items: The clips, in the order of the rows.
        answers: The server's rows.
        faults: By reference: why a clip could not be sent.
    """
    blank: Row = dict.fromkeys(columns_of(answers.labels))
    for item in items:
        if item.reference in answers:
            row = answers.row(item.reference)
        else:
            fault = faults.get(item.reference, ERASED)
            row = {
                **blank,
                "path": item.reference,
                "status": "failed",
                "error_code": fault.code.code,
                "error_message": fault.message,
            }
        yield {**row, **item.beside}
