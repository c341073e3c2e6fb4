"""Codes in documents: the contract lists them, and a reader takes those of a newer release too."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from shared.errors import ErrorCode, WarningCode


def listed(*values: str) -> Any:
    """Return what makes a field's schema list ``values``, without making a reader refuse others."""
    return Field(json_schema_extra={"enum": list(values)})


Code = Annotated[str, listed(*(code.code for code in ErrorCode))]
Warned = Annotated[str, listed(*(code.code for code in WarningCode))]
