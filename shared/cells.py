"""Values as they stand in a CSV file."""

from __future__ import annotations

# What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def cell_of(value: object) -> str:
    """Return a value as the text of a cell that no spreadsheet runs; numbers stay what they are.

    What is not known is empty; a text that would be taken for a formula begins with ``'``.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    # What float() strips may still make a spreadsheet look closer.
    return text == text.strip()
