"""Each migration works while the release before still runs, and says so if it is the second of two steps."""

from __future__ import annotations

import io
import re

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import Script, ScriptDirectory

from migrations.upgrade import alembic_config

# Written before there was a rule; each was looked at by hand.
LAST_WITHOUT_RULE = "0004"
# What the release before would stumble over: it goes on reading, and writing rows without what is new.
FORBIDDEN = {
    "removes a table or column": r"DROP (TABLE|COLUMN)",
    "renames": r"RENAME",
    "changes a type": r"ALTER COLUMN \w+ TYPE",
    "demands a value": r"SET NOT NULL|ADD COLUMN (?!.*DEFAULT).*NOT NULL",
    "forbids what is there": r"ADD CONSTRAINT|CREATE UNIQUE INDEX",
    "takes a default away": r"DROP DEFAULT",
}


def scripts() -> list[Script]:
    """Return the migrations that are held to the rule, oldest first."""
    found = ScriptDirectory.from_config(alembic_config()).walk_revisions()
    return sorted(
        (script for script in found if script.revision > LAST_WITHOUT_RULE), key=lambda each: each.revision
    )


def statements(script: Script) -> list[str]:
    """Return what a migration tells PostgreSQL, each statement on one line."""
    told = io.StringIO()
    options = {"as_sql": True, "output_buffer": told}
    with Operations.context(MigrationContext.configure(dialect_name="postgresql", opts=options)):
        script.module.upgrade()
    return [" ".join(each.split()) for each in told.getvalue().split(";") if each.strip()]


def breaches(told: list[str]) -> dict[str, str]:
    """Return what is forbidden, with a statement that does it; new tables may be as they like."""
    made = {each.split()[2] for each in told if each.startswith("CREATE TABLE")}
    about_old = [each for each in told if not made.intersection(each.split())]
    return {what: each for what, rule in FORBIDDEN.items() for each in about_old if re.search(rule, each)}


@pytest.mark.parametrize("script", scripts(), ids=lambda script: script.revision)
def test_a_migration_leaves_the_release_before_alone(script: Script) -> None:
    """It only adds; what takes something away is marked as the second step, with the reason why it may.

    The mark is a line such as ``CONTRACT = "Since 0.4.0 nobody reads jobs.stage."`` in the migration.
    """
    found = breaches(statements(script))
    reason = getattr(script.module, "CONTRACT", None)
    assert not found or reason, f"{script.revision}: {found}; see docs/upgrades.md"
    assert found or reason is None, f"{script.revision} only adds; it is no second step"


@pytest.mark.parametrize(
    ("told", "what"),
    [
        ("ALTER TABLE jobs DROP COLUMN stage", "removes a table or column"),
        ("DROP TABLE jobs", "removes a table or column"),
        ("ALTER TABLE jobs RENAME stage TO step", "renames"),
        ("ALTER TABLE jobs ALTER COLUMN stage TYPE TEXT", "changes a type"),
        ("ALTER TABLE jobs ALTER COLUMN stage SET NOT NULL", "demands a value"),
        ("ALTER TABLE jobs ADD COLUMN step VARCHAR NOT NULL", "demands a value"),
        ("CREATE UNIQUE INDEX some ON jobs (stage)", "forbids what is there"),
        ("ALTER TABLE jobs ALTER COLUMN stage DROP DEFAULT", "takes a default away"),
        ("ALTER TABLE jobs ADD COLUMN step VARCHAR DEFAULT 'x' NOT NULL", None),
        ("ALTER TABLE jobs ADD COLUMN step VARCHAR", None),
        ("DROP INDEX ix_jobs_stage", None),
        ("CREATE INDEX ix_jobs_stage ON jobs (stage)", None),
    ],
)
def test_the_rule(told: str, what: str | None) -> None:
    """What takes something away is seen; what adds is not taken for it."""
    assert list(breaches([told])) == ([what] if what else [])


def test_a_new_table_may_be_as_it_likes() -> None:
    """Nobody of the release before knows it."""
    assert breaches(["CREATE TABLE keys ( id UUID NOT NULL )", "CREATE UNIQUE INDEX some ON keys (id)"]) == {}
