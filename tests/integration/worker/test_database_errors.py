from __future__ import annotations

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError


def test_an_error_of_the_database_names_no_values(engine: Engine) -> None:
    """What a statement was given, such as a clip's name, stands in no log: ids only do."""
    with engine.connect() as connection, pytest.raises(DBAPIError) as caught:
        connection.execute(text("SELECT :name FROM nowhere"), {"name": "anna-at-home.mp4"})
    assert "nowhere" in str(caught.value)
    assert "anna" not in str(caught.value)
