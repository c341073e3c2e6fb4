"""The database of the service that an operator looks after."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.orm import Session

from client.ops.service import open_service
from shared.database import transact

T = TypeVar("T")


def in_database(work: Callable[[Session], T]) -> T:
    """Run ``work`` in a transaction on the service's database.

    Raises:
        AvemotionError: There is no database, or it does not answer as one of ours.
    """
    with open_service() as service:
        return transact(service.engine, work)
