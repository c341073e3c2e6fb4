"""Polls, answered before Flask is entered.

Finding a view and building request and response objects costs Flask more than the poll itself. Only
the plain case is taken here; whatever is unusual goes the way of all other requests.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from api.access import Access
from api.answers import PRIVATE
from api.metrics import count
from api.polling import Poll, poll
from api.services import Services

PREFIX = "/jobs/"
PATH_LETTERS = len(PREFIX) + len(str(UUID(int=0)))
# The same as in api.jobs: to an operator it is one route.
ROUTE = "/jobs/<uuid:job_id>"


class Shortcut:
    """Answers ``GET /jobs/{id}`` where nothing but the id and the known version is given."""

    def __init__(self, kit: Services, access: Access) -> None:
        """Use what the views use."""
        self._reader = kit.reader
        self._access = access

    def answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes] | None:
        """Answer a poll; ``None`` for any other request, which has not been touched then."""
        path = environ["PATH_INFO"]
        if len(path) != PATH_LETTERS or not path.startswith(PREFIX):
            return None
        if environ["REQUEST_METHOD"] != "GET" or environ.get("QUERY_STRING"):
            return None
        found = self._poll(path, environ)
        if found is None:
            return None
        headers = [("Cache-Control", PRIVATE), *found.headers]
        if found.body is None:
            start_response("304 NOT MODIFIED", headers)
            count(ROUTE, "GET", 304)
            return ()
        headers += [("Content-Type", "application/json"), ("Content-Length", str(len(found.body)))]
        start_response("200 OK", headers)
        count(ROUTE, "GET", 200)
        return (found.body,)

    def _poll(self, path: str, environ: dict[str, Any]) -> Poll | None:
        try:
            job_id = UUID(path[len(PREFIX) :])
            owner = self._access.owner(environ)
            return poll(self._reader, job_id, owner, environ.get("HTTP_IF_NONE_MATCH"))
        except Exception:  # noqa: BLE001 - Flask's way meets the same error and has an answer to it
            return None
