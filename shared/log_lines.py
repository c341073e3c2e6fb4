"""Log lines for people: one line each, whatever stands in them.

What clients send has no business in a log; but the text of an error may repeat it, and with line ends or a
terminal's control sequences in it, it could pass for lines of ours.
"""

from __future__ import annotations

from typing import Any

from structlog.typing import EventDict

# Of a traceback, whose lines no line of the log can be taken for.
INDENT = "    "
TRACEBACKS = ("exception", "stack")


def on_one_line(_logger: object, _method: str, line: EventDict) -> EventDict:
    """Write out whatever cannot be printed, line ends too, and set the lines of tracebacks in."""
    return {
        plain(name): "\n".join(INDENT + plain(each) for each in str(value).splitlines())
        if name in TRACEBACKS
        else plain_value(value)
        for name, value in line.items()
    }


def plain_value(value: Any) -> Any:
    """Return a value that is rendered on one line: numbers are, all else becomes plain text."""
    return value if value is None or isinstance(value, int | float) else plain(str(value))


def plain(text: str) -> str:
    r"""Return text whose characters can all be printed; others are written as ``\n`` or ``\x1b``."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
