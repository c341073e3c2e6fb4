"""An application with one empty view: what the same server and framework can do at best."""

from __future__ import annotations

from flask import Flask

app = Flask(__name__)


@app.get("/")
def empty() -> str:
    """Return nothing."""
    return ""
