"""The HTTP API: uploads come in, jobs go out. No media, no model, no TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask_openapi3.openapi import OpenAPI

    from shared.settings import Settings


def create_app(settings: Settings | None = None) -> OpenAPI:
    """Return the application; settings come from the environment when none are given."""
    # Not at the top: gunicorn's configuration lives in this package and must be read first, because
    # prometheus_client decides at its import whether processes share their counts.
    from api.app import make_app  # noqa: PLC0415

    return make_app(settings)
