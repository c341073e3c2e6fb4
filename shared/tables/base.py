"""The declarative base, its types, and columns that several tables share."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from sqlalchemy import JSON, DateTime, Enum, ForeignKey, MetaData, Uuid, func
from sqlalchemy.orm import DeclarativeBase, mapped_column
from uuid_utils.compat import uuid7

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Base of every table; names its constraints so that a migration can find them again."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        # Not JSONB: nothing is looked up inside, and documents keep the order of their labels.
        dict[str, Any]: JSON,
        list[dict[str, Any]]: JSON,
        uuid.UUID: Uuid,
    }


def words(enum: type[StrEnum]) -> Enum:
    """Return a column type that stores an enum's values as plain text.

    Text, not a native enum: a new member then needs no lock and no ``ALTER TYPE``.
    """
    return Enum(enum, native_enum=False, length=16, values_callable=lambda e: [m.value for m in e])


# Version 7: ids sort by the time they were made, so that an id is also a paging cursor.
Id = Annotated[uuid.UUID, mapped_column(primary_key=True, default=uuid7)]
OwnerId = Annotated[
    uuid.UUID | None,
    mapped_column(
        ForeignKey("api_keys.id"), index=True, comment="API key that made the row; null where keys are off."
    ),
]
CreatedAt = Annotated[datetime, mapped_column(server_default=func.now())]
