"""What may be chosen when a data set is read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.errors import AvemotionError, ErrorCode

COMMON = frozenset({"fold_count", "class_constants", "partial"})


class Options(BaseModel):
    """Choices; a layout takes the common ones and those that it names.

    Attributes:
        fold_count: Folds to make where none are given.
        class_constants: Give samples without valence and arousal those of their class, marked as such.
        partial: Read a folder that holds only a part of what its tables name.
        fold_file: CSV with the columns ``clip``, ``test_fold`` and, if it likes, ``label_index``.
        labels_from: Which of the layout's label sources counts; the first one when None.
        songs: Take sung clips too.
        manifest: The manifest's file, in the data set's folder.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fold_count: Annotated[int, Field(ge=2)] = 5
    class_constants: bool = False
    partial: bool = False
    fold_file: Path | None = None
    labels_from: str | None = None
    songs: bool = False
    manifest: Path | None = None


def options_of(title: str, own: frozenset[str], sources: tuple[str, ...], given: dict[str, Any]) -> Options:
    """Return options, checked.

    Args:
        title: The data set's, for messages.
        own: Names of options that it takes beside the common ones.
        sources: What ``labels_from`` may be.
        given: Option -> value; None is "not given".

    Raises:
        AvemotionError: ``INVALID_DATASET``: it does not take an option, or not that value.
    """
    wanted = {name: value for name, value in given.items() if value is not None}
    allowed = sorted(COMMON | own | ({"labels_from"} if sources else set()))
    for name in wanted:
        if name not in allowed:
            message = f"{title} has no option {name}; it has {', '.join(allowed)}."
            raise AvemotionError(ErrorCode.INVALID_DATASET, message)
    try:
        options = Options.model_validate(wanted)
    except ValidationError as error:
        fault = error.errors()[0]
        message = f"The option {'.'.join(map(str, fault['loc']))} of {title}: {fault['msg']}."
        raise AvemotionError(ErrorCode.INVALID_DATASET, message) from error
    if sources and options.labels_from is None:
        return options.model_copy(update={"labels_from": sources[0]})
    if sources and options.labels_from not in sources:
        message = f"{title} has no labels from {options.labels_from}; it has {', '.join(sources)}."
        raise AvemotionError(ErrorCode.INVALID_DATASET, message)
    return options
