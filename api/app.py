"""The application: one blueprint a resource, and what is common to all of them."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from flask import Flask
from flask.sessions import NullSession, SessionInterface
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI

from api import (
    access,
    artifacts,
    batches,
    contract,
    direct,
    documentation,
    health,
    jobs,
    metrics,
    models,
    page,
    playback,
    predict,
    problems,
    tracing,
    uploads,
)
from api.headers import add_safe
from api.origins import Origins
from api.requests import Request
from api.services import EXTENSION, Services
from api.shortcut import Shortcut
from shared.schemas.problems import Problem
from shared.settings import Settings, get_settings
from shared.storage_choice import OBJECT_STORE

# A request that is no upload is a few hundred bytes of JSON.
JSON_LIMIT_BYTES = 64 * 1024
DESCRIPTION = (
    "Clips of people in, emotion categories, arousal and valence out. Upload media, start a job with "
    "`POST /predict`, follow it at its `Location`. Errors are `application/problem+json` with a stable "
    "`code`."
)

KEY = "`Authorization: Bearer KEY`, with a key of `avemotion ops keys create NAME`; none while keys are off."


class NoSessions(SessionInterface):
    """The API keeps no state in cookies."""

    _session = NullSession()

    def open_session(self, app: Flask, request: Any) -> NullSession:  # noqa: ARG002 - Flask's signature
        """Return the one session that holds nothing."""
        return self._session

    def is_null_session(self, obj: object) -> bool:
        """Say that there is never anything to save."""
        return obj is self._session


class Application(OpenAPI):
    """Flask with OpenAPI, our request class, no sessions, and a shortcut for polls."""

    request_class = Request
    session_interface = NoSessions()
    origins: Origins
    shortcut: Shortcut

    def wsgi_app(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer a request."""
        return self.origins.answer(environ, add_safe(start_response), self._answer)

    def generate_spec_json(self) -> None:
        """Make the contract: the library's, finished."""
        super().generate_spec_json()  # type: ignore[no-untyped-call]  # the library leaves it untyped
        contract.finish(self.spec_json, self)

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Any:
        answered = self.shortcut.answer(environ, start_response)
        return super().wsgi_app(environ, start_response) if answered is None else answered


def make_app(settings: Settings | None = None) -> OpenAPI:
    """Return the application; nothing is connected before the first request."""
    settings = settings or get_settings()
    app = Application(
        "api",
        info=Info(title="avemotion", version=version("avemotion"), description=DESCRIPTION),
        security_schemes={"key": {"type": "http", "scheme": "bearer", "description": KEY}},
        # A key, or nothing while keys are off.
        openapi_extensions={"security": [{"key": []}, {}]},
        validation_error_model=Problem,
        validation_error_callback=problems.refuse_invalid,
        doc_ui=False,
        static_folder=None,
    )
    app.config["MAX_CONTENT_LENGTH"] = JSON_LIMIT_BYTES
    app.url_map.strict_slashes = False
    kit = Services(settings)
    app.origins = Origins(settings)
    gate = access.Access(settings, kit.keyring, app.origins)
    app.extensions[EXTENSION] = kit
    app.shortcut = Shortcut(kit, gate)
    problems.register(app)
    # Before the gate: whom it turns away is traced too.
    tracing.register(app, settings)
    access.register(app, gate)
    metrics.register(app)
    for module in (uploads, predict, jobs, artifacts, playback, batches, models):
        app.register_api(module.blueprint)
    if settings.s3_direct_bytes and settings.resolved_storage_url.startswith(OBJECT_STORE):
        app.register_api(direct.blueprint)
    for module in (health, metrics, documentation):
        app.register_api(module.blueprint)
    app.register_blueprint(page.blueprint)
    return app
