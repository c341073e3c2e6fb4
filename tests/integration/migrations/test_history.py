"""The history of the tables, by pytest-alembic's own tests: each has its docstring there.

One head; from nothing to the newest; no difference to ``shared.tables`` then; down and up again step by step.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from alembic import command
from pytest_alembic.tests import (
    test_model_definitions_match_ddl,
    test_single_head_revision,
    test_up_down_consistency,
    test_upgrade,
)
from sqlalchemy import inspect, text

from migrations.upgrade import alembic_config as our_config
from migrations.upgrade import upgrade
from shared.database import connect
from shared.tables import Base
from tests.integration.migrations.conftest import NewDatabase

# In the words of the first release: what came later has defaults.
A_JOB = """
INSERT INTO jobs (
    id, request_sha256, fusion, analyzer, model, window_s, stride_s, priority, status, attempt, version,
    stages_total, stages_done, segments_total, segments_done, stage_seconds, warnings
) VALUES (
    gen_random_uuid(), '0', 'early', 'landmarker', 'some', 2, 2, 'bulk', 'succeeded', 1, 2,
    1, 1, 1, 1, '{}', '[]'
)
"""

__all__ = [
    "test_model_definitions_match_ddl",
    "test_single_head_revision",
    "test_up_down_consistency",
    "test_upgrade",
]


def test_processes_that_migrate_at_once_do_not_collide(new_database: NewDatabase) -> None:
    """Four upgrades of one database at the same time all end well."""
    settings = new_database("crowded")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: upgrade(settings), range(4)))

    engine = connect(settings)
    assert set(inspect(engine).get_table_names()) == {*Base.metadata.tables, "alembic_version"}
    engine.dispose()


def test_tables_of_a_later_release_are_left_alone(new_database: NewDatabase) -> None:
    """After a step back the release before starts on newer tables: it changes nothing, and does not fail."""
    settings = new_database("later")
    upgrade(settings)
    engine = connect(settings)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE jobs ADD COLUMN of_tomorrow integer"))
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    upgrade(settings)

    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999"
    assert "of_tomorrow" in {column["name"] for column in inspect(engine).get_columns("jobs")}
    engine.dispose()


def test_a_migration_keeps_the_rows_that_are_there(new_database: NewDatabase) -> None:
    """Jobs of the release before stand as they were after the newest step, in either direction."""
    settings = new_database("rows")
    engine, config = connect(settings), our_config()
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        command.downgrade(config, "-1")
        connection.execute(text(A_JOB))
        for step in (lambda: command.upgrade(config, "head"), lambda: command.downgrade(config, "-1")):
            step()
            assert connection.scalar(text("SELECT status FROM jobs")) == "succeeded"
        connection.commit()
    engine.dispose()
