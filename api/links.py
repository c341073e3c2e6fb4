"""Sending a browser to storage itself for a file that it may see, where storage can be asked by anybody."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from shared.storage import Show, Storage

TEMPORARY_REDIRECT = 307
# No copy of a face or a voice stays behind, nor the way to one.
HEADERS = {"Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer"}
RESPONSE: dict[str, Any] = {
    "307": {
        "description": "The file is at `Location` for a short time, for whoever has the link, where the "
        "operator has storage answer by itself. Send no key there.",
        "headers": {
            "Location": {"description": "The link.", "required": True, "schema": {"type": "string"}},
        },
    }
}


def redirect_to(storage: Storage, key: str, show: Show) -> Response | None:
    """Return the answer that sends the browser to storage, or ``None`` where the API answers by itself.

    Raises:
        FileNotFoundError: There is no such file.
    """
    # A link is good for one method.
    link = storage.link(key, show) if request.method == "GET" else None
    if link is None:
        return None
    if not storage.exists(key):
        raise FileNotFoundError(key)
    response = Response(status=TEMPORARY_REDIRECT, headers=HEADERS)
    response.headers["Location"] = link
    return response
