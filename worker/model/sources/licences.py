"""What may be said of the licence of imported weights."""

from __future__ import annotations

import re

from shared.errors import AvemotionError, ErrorCode
from worker.model.presets import Preset
from worker.model.sources.card import LicenceBasis
from worker.model.sources.plan import Plan

SPDX = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*( (AND|OR|WITH) [A-Za-z0-9][A-Za-z0-9.+-]*)*")
UNKNOWN = "unknown"
# Source: LICENSE of github.com/MCG-NJU/VideoMAE. Conversions of these weights are bound by it too.
PUBLISHED_LICENCE = "CC-BY-NC-4.0"
# Labels of Kinetics-400, Something-Something V2 and UCF101, which published checkpoints were tuned on.
PUBLISHED_LABELS = frozenset({400, 174, 101})
PUBLISHED_PRESETS = frozenset({"small", "base", "large", "huge"})


def licence_of(given: str | None, stated: str | None, plan: Plan, preset: Preset) -> tuple[str, LicenceBasis]:
    """Return the licence of weights and how it is known.

    A checkpoint in the form of a published one is taken for it: the licence that asks for most is the
    one that cannot be broken by mistake.

    Args:
        given: By whoever imports.
        stated: By the files beside the weights.
        plan: What the source holds.
        preset: Its size.
    """
    if given is not None:
        return given, "given"
    if stated is not None:
        return stated, "model page"
    published_head = plan.labels in PUBLISHED_LABELS or (plan.labels is None and bool(plan.new))
    if preset.name in PUBLISHED_PRESETS and published_head:
        return PUBLISHED_LICENCE, "published form"
    return UNKNOWN, "unknown"


def check_licence(name: str) -> None:
    """Refuse what cannot be an SPDX expression.

    Raises:
        AvemotionError: ``INVALID_REQUEST``.
    """
    if not SPDX.fullmatch(name):
        raise AvemotionError(
            ErrorCode.INVALID_REQUEST, f"{name!r} is no SPDX name of a licence, such as CC-BY-NC-4.0 or MIT."
        )
