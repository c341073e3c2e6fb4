"""``/`` and ``/page``: the front end's files, and the facts about this server that it goes by."""

from __future__ import annotations

from contextlib import suppress

from flask import Blueprint, Response, request

from api.answers import answer
from api.page.facts import facts_of
from api.page.files import PREFIX, File, find_file, index, version
from api.services import services
from shared.errors import AvemotionError, ErrorCode
from shared.storage import Storage

blueprint = Blueprint("page", __name__)

# Nothing is loaded from elsewhere and no script stands in the page. Pictures and clips that need a key are
# fetched, and shown from memory: blob. Plotly draws its buttons' pictures from data.
# The one sheet that stands in the page is that of the maps inside Plotly, which comes with its script.
# Where the API answers with links to storage, the page may follow them there, and load nothing else from it.
MAPS_SHEET = "sha256-ji27qzEtxXZW+7dun6UwjHXJ18e6WAin1VvNtkzIE/o="
POLICY = (
    "default-src 'self'; connect-src 'self'{links}; img-src 'self' blob: data:{links}; "
    "media-src 'self' blob:{links}; object-src 'none'; "
    f"style-src 'self' '{MAPS_SHEET}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {"Permissions-Policy": "camera=(self), microphone=(self), geolocation=(), display-capture=()"}
# The page is asked for again each time; its files by the name of their version, and never again.
ASK_AGAIN = "no-cache"
KEEP = "public, max-age=31536000, immutable"


@blueprint.get("/")
def home() -> Response:
    """Return the page."""
    response = _answer(index(), ASK_AGAIN)
    response.headers.update(HEADERS)
    response.headers["Content-Security-Policy"] = policy(services().storage)
    return response


def policy(storage: Storage) -> str:
    """Return what the page may load, and from where."""
    origin = None
    # Without keys there are no links either.
    with suppress(OSError):
        origin = storage.link_origin()
    return POLICY.replace("{links}", f" {origin}" if origin else "")


@blueprint.get(f"{PREFIX}/facts.json")
def read_facts() -> Response:
    """Return what this server allows and how long it keeps things."""
    return answer(facts_of(services().settings))


@blueprint.get(f"{PREFIX}/<folder>/<path:name>")
def read_file(folder: str, name: str) -> Response:
    """Return a file of the page; a page that is older than this server gets today's, and keeps it not.

    Raises:
        AvemotionError: There is no such file.
    """
    file = find_file(name)
    if file is None:
        raise AvemotionError(ErrorCode.NOT_FOUND, f"The page has no file {name}.")
    return _answer(file, KEEP if folder == version() else ASK_AGAIN)


def _answer(file: File, caching: str) -> Response:
    zipped = request.accept_encodings["gzip"] > 0
    response = Response(file.compressed if zipped else file.body, content_type=file.content_type)
    response.set_etag(f"{file.tag}-gzip" if zipped else file.tag)
    response.headers["Cache-Control"] = caching
    response.headers["Vary"] = "Accept-Encoding"
    if zipped:
        response.headers["Content-Encoding"] = "gzip"
    response.make_conditional(request)
    return response
