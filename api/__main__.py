"""Prints the contract with clients, without connecting to anything: ``python -m api > docs/openapi.json``."""

from __future__ import annotations

import json
import sys

from api import create_app
from shared.settings import Settings


def render() -> str:
    """Return the contract as ``GET /openapi.json`` answers it, laid out to be read."""
    # Addresses that nothing is sent to.
    app = create_app(Settings(database_url="postgresql://nowhere", broker_url="redis://nowhere"))
    return json.dumps(app.api_doc, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render())
