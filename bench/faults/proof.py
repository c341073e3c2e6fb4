"""The proof: questions to the database, each with the answer that it should have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, text


@dataclass(frozen=True)
class Question:
    """A query that counts what should not be there; its answer should be 0.

    Attributes:
        name: What is counted, in words.
        sql: The query.
        counts: False where the query only tells something, and any answer will do.
    """

    name: str
    sql: str
    counts: bool = True


@dataclass(frozen=True)
class Answer:
    """What the database said."""

    question: Question
    rows: list[tuple[Any, ...]]

    @property
    def off(self) -> bool:
        """Tell whether something is there that should not be."""
        return self.question.counts and self.rows != [(0,)]


QUESTIONS = (
    Question(
        "lost: jobs that were asked for and are not there",
        "SELECT count(*) FROM chaos.wanted w WHERE NOT EXISTS "
        "(SELECT FROM jobs j WHERE j.idempotency_key = w.key)",
    ),
    Question(
        "doubled: jobs more than were asked for",
        "SELECT count(*) - (SELECT count(*) FROM chaos.wanted) FROM jobs",
    ),
    Question(
        "hanging: jobs without an end", "SELECT count(*) FROM jobs WHERE status IN ('queued', 'running')"
    ),
    Question(
        "hanging: jobs that took longer than the limit",
        "SELECT count(*) FROM jobs, chaos.plan "
        "WHERE finished_at - created_at > limit_s * interval '1 second'",
    ),
    Question(
        "ends that no fault explains",
        "SELECT count(*) FROM jobs WHERE status NOT IN ('queued', 'running', 'succeeded') "
        "AND error_code IS DISTINCT FROM 'worker_lost'",
    ),
    Question(
        "worker_lost without so many lost workers",
        "SELECT count(*) FROM jobs j, chaos.plan WHERE j.error_code = 'worker_lost' AND greatest("
        "(SELECT max(losses) FROM segment_stages s WHERE s.job_id = j.id), "
        "(SELECT max(losses) FROM predictions p WHERE p.job_id = j.id)) < max_losses",
    ),
    Question(
        "doubled: jobs that ended more than once",
        "SELECT count(*) FROM (SELECT unit FROM chaos.writes WHERE what = 'job' "
        "GROUP BY unit HAVING count(*) > 1) AS twice",
    ),
    Question(
        "doubled: stages whose result was written more than once",
        "SELECT count(*) FROM (SELECT unit FROM chaos.writes WHERE what = 'stage' "
        "GROUP BY unit HAVING count(*) > 1) AS twice",
    ),
    Question(
        "doubled: windows that were written more than once",
        "SELECT count(*) FROM (SELECT unit FROM chaos.writes WHERE what = 'window' "
        "GROUP BY unit HAVING count(*) > 1) AS twice",
    ),
    Question(
        "doubled: units of work or jobs that were opened again after their end",
        "SELECT count(*) FROM chaos.writes WHERE what = 'reopened'",
    ),
    Question(
        "lost: ends, results and windows that nobody saw being written",
        "SELECT count(*) FROM ("
        "SELECT id::text FROM jobs WHERE finished_at IS NOT NULL "
        "UNION ALL SELECT id::text FROM segment_stages WHERE status = 'done' "
        "UNION ALL SELECT id::text FROM predictions WHERE status IN ('done', 'skipped')"
        ") AS ended (unit) WHERE NOT EXISTS (SELECT FROM chaos.writes w WHERE w.unit = ended.unit)",
    ),
    Question(
        "lost: stages and windows of jobs that succeeded, and are not done",
        "SELECT (SELECT count(*) FROM segment_stages s JOIN jobs j ON j.id = s.job_id "
        "WHERE j.status = 'succeeded' AND s.status <> 'done') "
        "+ (SELECT count(*) FROM predictions p JOIN jobs j ON j.id = p.job_id "
        "WHERE j.status = 'succeeded' AND p.status <> 'done')",
    ),
    Question(
        "results with other counts of segments, stages or windows than their clips have",
        "SELECT count(*) FROM jobs j JOIN chaos.wanted w ON w.key = j.idempotency_key "
        "WHERE j.status = 'succeeded' AND (j.segments_total <> w.segments OR j.segments_done <> w.segments "
        "OR j.stages_done <> j.stages_total "
        "OR (SELECT count(*) FROM segments s WHERE s.job_id = j.id) <> w.segments "
        "OR (SELECT count(*) FROM segment_stages s WHERE s.job_id = j.id) <> j.stages_total "
        "OR (SELECT count(*) FROM predictions p WHERE p.job_id = j.id) <> w.windows)",
    ),
    Question(
        "clients who were not told of an end",
        "SELECT count(*) FROM chaos.wanted w WHERE NOT EXISTS (SELECT FROM chaos.told t WHERE t.key = w.key)",
    ),
    Question(
        "clients who were told of another end than stands there now",
        "SELECT count(*) FROM chaos.told t JOIN jobs j ON j.idempotency_key = t.key "
        "WHERE j.id <> t.job_id OR j.status <> t.status OR j.finished_at <> t.finished_at "
        "OR (SELECT count(*) FROM predictions p WHERE p.job_id = j.id AND p.status IN ('done', 'skipped')) "
        "<> t.windows",
    ),
    Question(
        "leases that are left",
        "SELECT (SELECT count(*) FROM segment_stages WHERE status = 'leased' OR lease_until IS NOT NULL) "
        "+ (SELECT count(*) FROM predictions WHERE status = 'leased' OR lease_until IS NOT NULL) "
        "+ (SELECT count(*) FROM webhooks WHERE lease_until IS NOT NULL)",
    ),
    Question(
        "jobs without one webhook that was delivered",
        "SELECT count(*) FROM jobs j WHERE (SELECT count(*) FROM webhooks h "
        "WHERE h.job_id = j.id AND h.state = 'delivered' AND h.event = 'job.' || j.status) <> 1",
    ),
    Question(
        "webhooks that the receiver never got",
        "SELECT count(*) FROM webhooks h WHERE NOT EXISTS (SELECT FROM chaos.taken t "
        "WHERE t.webhook_id = h.id AND t.job_id = h.job_id AND t.event = h.event)",
    ),
    Question(
        "webhooks that it got and that say something else than stands there now",
        "SELECT count(*) FROM chaos.taken t WHERE NOT EXISTS (SELECT FROM webhooks h "
        "WHERE h.id = t.webhook_id AND h.job_id = t.job_id AND h.event = t.event)",
    ),
    Question(
        "uploads more or fewer than clips",
        "SELECT abs(count(*) - (SELECT count(*) FROM chaos.wanted)) FROM uploads WHERE state = 'stored'",
    ),
    Question("uploads that are not whole", "SELECT count(*) FROM uploads WHERE state <> 'stored'"),
    Question(
        "files without a row",
        "SELECT count(*) FROM chaos.files f WHERE NOT EXISTS "
        "(SELECT FROM uploads u WHERE f.key = 'uploads/' || u.id) AND NOT EXISTS "
        "(SELECT FROM jobs j WHERE f.key LIKE 'jobs/%' AND split_part(f.key, '/', 2) = j.id::text)",
    ),
    Question(
        "files of jobs that are no artifacts",
        "SELECT count(*) FROM chaos.files f WHERE f.key LIKE 'jobs/%' "
        "AND f.key NOT IN (SELECT key FROM chaos.artifacts)",
    ),
    Question(
        "rows without a file",
        "SELECT (SELECT count(*) FROM uploads u "
        "WHERE 'uploads/' || u.id NOT IN (SELECT key FROM chaos.files)) "
        "+ (SELECT count(*) FROM chaos.artifacts a WHERE a.key NOT IN (SELECT key FROM chaos.files))",
    ),
    Question(
        "ends of jobs: state, code, how many, the longest in seconds",
        "SELECT status, error_code, count(*), round(extract(epoch FROM max(finished_at - created_at)), 1) "
        "FROM jobs GROUP BY status, error_code ORDER BY status, error_code",
        counts=False,
    ),
    Question(
        "claims that were taken back: stages, windows",
        "SELECT (SELECT sum(losses) FROM segment_stages), (SELECT sum(losses) FROM predictions)",
        counts=False,
    ),
    Question(
        "new tries after failures that pass: stages, windows",
        "SELECT (SELECT sum(retries) FROM segment_stages), (SELECT sum(retries) FROM predictions)",
        counts=False,
    ),
    Question(
        "webhooks that came more than once, which they may: the answer was lost",
        "SELECT count(*) - count(DISTINCT webhook_id) FROM chaos.taken",
        counts=False,
    ),
)


def ask(engine: Engine, question: Question) -> Answer:
    """Return the database's answer to one question."""
    with engine.connect() as connection:
        return Answer(question, [tuple(row) for row in connection.execute(text(question.sql))])


def ask_all(engine: Engine) -> list[Answer]:
    """Return the answers to all questions."""
    return [ask(engine, question) for question in QUESTIONS]
