"""Errors as problem documents: those the API sends, and ours in the same shape."""

from __future__ import annotations

from typing import Any

import httpx
from pydantic import ValidationError

from shared.errors import AvemotionError, ErrorCode
from shared.schemas.problems import Problem


class ProblemError(AvemotionError):
    """An answer of the API that is a problem document.

    Attributes:
        problem: The document as it came.
    """

    def __init__(self, problem: dict[str, Any]) -> None:
        """Keep the document; its code and detail are those of the error."""
        self.problem = problem
        super().__init__(ErrorCode.of(problem["code"]), problem["detail"])


def error_of(response: httpx.Response) -> AvemotionError:
    """Return the error that an answer with a status from 400 on stands for."""
    try:
        return ProblemError(Problem.model_validate_json(response.content).model_dump(exclude_none=True))
    except ValidationError:
        # Not from our API: something in between, or another server on its port.
        answer = f"{response.status_code} {response.reason_phrase}".rstrip()
        return AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, f"The API answered {answer} and gave no reason.")


def problem_document(error: AvemotionError) -> dict[str, Any]:
    """Return the problem document of an error: the API's own where it sent one."""
    if isinstance(error, ProblemError):
        return error.problem
    code = error.code
    return Problem(
        type=f"/docs/errors#{code.code}",
        title=code.title,
        status=code.status,
        detail=error.message,
        code=code.code,
    ).model_dump(exclude_none=True)
