"""What the database notes of a run beside the service's own tables, in a schema of its own.

Triggers note each time that a result is written: the rows themselves would show the last time only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Engine, text

SCHEMA = """
CREATE SCHEMA chaos;
CREATE TABLE chaos.plan (limit_s double precision, max_losses int);
CREATE TABLE chaos.wanted (key text PRIMARY KEY, segments int, windows int);
CREATE TABLE chaos.told (key text, job_id uuid, status text, windows int, finished_at timestamptz);
CREATE TABLE chaos.taken (webhook_id uuid, job_id uuid, event text);
CREATE TABLE chaos.files (key text);
CREATE TABLE chaos.writes (what text, unit text);
CREATE INDEX ON chaos.writes (unit);
CREATE INDEX ON chaos.files (key);
CREATE VIEW chaos.artifacts AS
    SELECT a.key FROM segment_stages s JOIN jobs j ON j.id = s.job_id, LATERAL (VALUES
        (s.output->>'faces_csv'), (s.output->>'mel_png'), (s.output->>'mfcc_png'), (s.output->>'sequence_png')
    ) AS a (key) WHERE j.status = 'succeeded' AND a.key IS NOT NULL;
CREATE FUNCTION chaos.note() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO chaos.writes VALUES (TG_ARGV[0], NEW.id::text); RETURN NULL; END $$;
CREATE TRIGGER chaos_end AFTER UPDATE OF finished_at ON jobs FOR EACH ROW
    WHEN (NEW.finished_at IS NOT NULL) EXECUTE FUNCTION chaos.note('job');
CREATE TRIGGER chaos_end AFTER UPDATE OF status ON segment_stages FOR EACH ROW
    WHEN (NEW.status = 'done') EXECUTE FUNCTION chaos.note('stage');
CREATE TRIGGER chaos_end AFTER UPDATE OF status ON predictions FOR EACH ROW
    WHEN (NEW.status IN ('done', 'skipped')) EXECUTE FUNCTION chaos.note('window');
CREATE TRIGGER chaos_again AFTER UPDATE OF status ON jobs FOR EACH ROW
    WHEN (OLD.status NOT IN ('queued', 'running') AND NEW.status <> OLD.status)
    EXECUTE FUNCTION chaos.note('reopened');
CREATE TRIGGER chaos_again AFTER UPDATE OF status ON segment_stages FOR EACH ROW
    WHEN (OLD.status = 'done' AND NEW.status <> 'done') EXECUTE FUNCTION chaos.note('reopened');
CREATE TRIGGER chaos_again AFTER UPDATE OF status ON predictions FOR EACH ROW
    WHEN (OLD.status IN ('done', 'skipped') AND NEW.status <> OLD.status)
    EXECUTE FUNCTION chaos.note('reopened');
"""

Row = Mapping[str, Any]


def open_ledger(engine: Engine, wanted: Iterable[Row], *, limit_s: float, max_losses: int) -> None:
    """Make the tables and triggers, and write down what is going to be asked for.

    Args:
        engine: The service's database.
        wanted: Key, segments and windows of each job.
        limit_s: Time in which each job has to end.
        max_losses: Of one unit of work, after which its job fails.
    """
    with engine.begin() as connection:
        connection.exec_driver_sql(SCHEMA)
        connection.execute(
            text("INSERT INTO chaos.plan VALUES (:limit_s, :max_losses)"),
            {"limit_s": limit_s, "max_losses": max_losses},
        )
    add_rows(engine, "wanted", list(wanted))


def add_rows(engine: Engine, table: str, rows: Sequence[Row]) -> None:
    """Add rows, which all have the same columns, to a table of the ledger."""
    if not rows:
        return
    columns = ", ".join(rows[0])
    values = ", ".join(f":{name}" for name in rows[0])
    with engine.begin() as connection:
        connection.execute(text(f"INSERT INTO chaos.{table} ({columns}) VALUES ({values})"), rows)  # noqa: S608 - our own names
