"""Two tenants of one service, each of whom tries what the other has: in every place that the contract has.

Each attempt is sent twice: with things of the other tenant, and with such as never were. Whoever can tell the
two answers apart has learned something.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.specs.openapi.schemas import OpenApiSchema
from sqlalchemy import Engine, text

from api.listing import write_cursor
from tests.integration.api.batches.conftest import fail, succeed
from tests.integration.api.conftest import Answer, Client, sound, video
from tests.integration.api.rows import change
from tests.integration.contract.population import Population, Populator
from tests.integration.contract.trial import SEED, aim

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# Of an id of version 7: what does not say when it was made.
CHANCE_BITS = 0x3FFF_FFFF_FFFF_FFFF
OF_OWNER = "owner_id = :owner"
OF_JOB = "job_id IN (SELECT id FROM jobs WHERE owner_id = :owner)"
OF_BATCH = "batch_id IN (SELECT id FROM batches WHERE owner_id = :owner)"
OWNED = {
    "uploads": OF_OWNER,
    "jobs": OF_OWNER,
    "batches": OF_OWNER,
    "segments": OF_JOB,
    "webhooks": f"{OF_JOB} OR {OF_BATCH}",
}
# What ids a tenant has; and what changes if anything of it changes.
ID_OF = "SELECT id FROM {} WHERE {}"
IDS = text(" UNION ALL ".join(ID_OF.format(*each) for each in OWNED.items()))
DIGEST = "SELECT md5(string_agg(t::text, ',' ORDER BY id)) FROM {} t WHERE {}"
STATE = text(" UNION ALL ".join(DIGEST.format(*each) for each in OWNED.items()))
ERASE_ALL = ("DELETE", "/jobs")
# What differs between two answers though nobody did anything.
MOVING = frozenset({"date"})
REFUSED = 400


@dataclass
class Tenant:
    """One owner, and what it knows.

    Attributes:
        name: Stands in every word that is its own: names, references, keys, addresses, errors.
        headers: With its key.
        owner: The key's id.
        there: What it has.
        ids: All ids that were ever its own, also of what is erased.
        tags: ETags of its jobs and batches.
        hashes: SHA-256 of bytes that only it has.
    """

    name: str
    headers: dict[str, str]
    owner: UUID
    there: Population = field(default_factory=Population)
    ids: set[str] = field(default_factory=set)
    tags: list[str] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)

    def word(self, what: str) -> str:
        """Return a word that nobody else has."""
        return f"of-{self.name}-{what}"

    def secrets(self) -> Iterator[str]:
        """Yield all that nobody else may be told."""
        yield f"of-{self.name}-"
        yield from self.hashes
        for each in self.ids:
            yield each
            yield each.replace("-", "")
            yield write_cursor(UUID(each))


@dataclass(frozen=True)
class Sent:
    """A request."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    kind: str | None

    def by(self, client: Client, tenant: Tenant) -> Answer:
        """Return what a tenant is answered."""
        headers = {**self.headers, **tenant.headers}
        return client.open(
            self.path,
            method=self.method,
            query_string=self.query,
            headers=headers,
            data=self.body,
            content_type=self.kind,
        )

    def holds(self, secret: str) -> bool:
        """Tell whether whoever sends it knows a secret already."""
        told = (self.path, *self.query.values(), *self.headers.values(), self.body.decode("latin-1"))
        return any(secret in each for each in told)

    def changed(self, change: Any) -> Sent:
        """Return the request with ``change`` made to each text in it."""
        return replace(
            self,
            path=change(self.path),
            query={name: change(value) for name, value in self.query.items()},
            headers={name: change(value) for name, value in self.headers.items()},
            body=change(self.body.decode("latin-1")).encode("latin-1"),
        )


@dataclass
class Walk:
    """What happened, in random order.

    Attributes:
        leaks: What one tenant learned of the other, or did to it: a line each.
        tried: How often each operation was tried on the other's things.
        done: Which operations were answered well where a tenant used its own.
    """

    leaks: list[str] = field(default_factory=list)
    tried: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)


@dataclass
class House:
    """The service with its two tenants."""

    client: Client
    engine: Engine
    tenants: tuple[Tenant, Tenant]
    chance: random.Random = field(default_factory=lambda: random.Random(SEED))  # noqa: S311 - no secret

    def furnish(self, tenant: Tenant, populator: Populator) -> None:
        """Give a tenant something of every kind: some of the same bytes as the other's, some its own."""
        tenant.there = populator.fill(2)
        # The other comes to send the clip's bytes as well, and never those of the film and the voice.
        sent = [("video", video(tenant.word(name)), tenant.there.videos) for name in ("clip", "film")]
        sent.append(("audio", sound(tenant.word("voice")), tenant.there.sounds))
        tenant.hashes = [hashlib.sha256(data).hexdigest() for _, data, _ in sent[1:]]
        made = []
        for number, (kind, data, ids) in enumerate(sent):
            ids.append(self._post(tenant, f"/upload/{kind}", data=data)["id"])
            body = {f"{kind}_id": ids[-1], "webhook_url": f"https://93.184.215.14/{tenant.word('hook')}"}
            key = {"Idempotency-Key": tenant.word(f"key-{number}")}
            made.append(self._post(tenant, "/predict", json=body, more=key))
        fail(self.engine, made[0], error_message=tenant.word("error"))
        warnings = [{"code": "no_face", "message": tenant.word("warning")}]
        change(self.engine, UUID(made[1]["job_id"]), warnings=warnings)
        succeed(self.engine, made[2])
        named = {"name": tenant.word("batch"), "webhook_url": body["webhook_url"]}
        batch = self._post(tenant, "/batches", json=named)["batch_id"]
        chunk = {"jobs": [{"audio_id": ids[-1], "reference": tenant.word("reference")}]}
        [job] = self._post(tenant, f"/batches/{batch}/jobs", json=chunk)["jobs"]
        succeed(self.engine, job)
        tenant.there.jobs += [*(each["job_id"] for each in made), job["job_id"]]
        tenant.there.batches.append(batch)
        for path in (*(f"/jobs/{each}" for each in tenant.there.jobs), f"/batches/{batch}"):
            tenant.tags.append(self.client.get(path, headers=tenant.headers).headers["ETag"])
        self.learn_ids()

    def _post(self, tenant: Tenant, path: str, more: dict[str, str] | None = None, **body: Any) -> Any:
        answer = self.client.post(path, headers={**tenant.headers, **(more or {})}, **body)
        assert answer.status_code in {200, 201, 202}, answer.json
        return answer.json

    def learn_ids(self) -> None:
        """Note the ids of what has come since."""
        with self.engine.connect() as connection:
            for tenant in self.tenants:
                tenant.ids |= {str(row.id) for row in connection.execute(IDS, {"owner": tenant.owner})}

    def belongings(self, tenant: Tenant) -> list[str | None]:
        """Return what changes if anything of a tenant's changes."""
        with self.engine.connect() as connection:
            return list(connection.scalars(STATE, {"owner": tenant.owner}))

    def walk(self, schema: OpenApiSchema, times: int) -> Walk:
        """Let both try every operation ``times`` times on their own and on the other's, in random order."""
        walk = Walk()
        steps = [
            (case, me, attack)
            for operation in (each.ok() for each in schema.get_all_operations())
            for case in cases_of(operation, times)
            for me in (0, 1)
            for attack in (False, True)
            if (operation.method.upper(), operation.path) != ERASE_ALL
        ]
        self.chance.shuffle(steps)
        for case, me, attack in steps:
            self._step(case, self.tenants[me], self.tenants[1 - me], walk, attack=attack)
        # What erases everything comes last.
        everything = Sent(*ERASE_ALL, {"all": "true"}, {}, b"", None)
        self._send(everything, "DELETE /jobs", *self.tenants, walk)
        return walk

    def _step(self, case: Any, me: Tenant, other: Tenant, walk: Walk, *, attack: bool) -> None:
        label = case.operation.label
        sent = self._request(case, other if attack else me, me)
        answer = self._send(sent, label, me, other, walk)
        if not attack:
            walk.done[label] += answer.status_code < REFUSED
            return
        fakes = {each: fake(each) for each in other.ids}
        twin = sent.changed(lambda value: disguised(value, other, fakes))
        if twin == sent:
            return
        walk.tried[label] += 1
        seen = told(answer)
        never = disguised_back(told(self._send(twin, label, me, other, walk)), other, fakes)
        if answer.status_code < REFUSED:
            # Something of its own was read, perhaps as of another moment; or made, with an id of its own.
            seen, never = ((each[0], *self._ids(each, sent)) for each in (seen, never))
        if seen != never:
            walk.leaks.append(f"{label}: told apart from what never was: {sent}\n  {seen}\n  {never}")

    def _send(self, sent: Sent, label: str, me: Tenant, other: Tenant, walk: Walk) -> Answer:
        before = self.belongings(other)
        answer = sent.by(self.client, me)
        self.learn_ids()
        body = answer.data.decode("latin-1") + "\n".join(f"{k}: {v}" for k, v in answer.headers.items())
        found = [secret for secret in other.secrets() if secret in body and not sent.holds(secret)]
        if found:
            walk.leaks.append(f"{label}: {me.name} was told {found[:3]} by {sent}")
        if self.belongings(other) != before:
            walk.leaks.append(f"{label}: {me.name} changed what is {other.name}'s by {sent}")
        return answer

    @staticmethod
    def _ids(answer: tuple[Any, ...], sent: Sent) -> list[str]:
        return sorted(set(ID.findall(answer[2]))) if sent.method == "GET" else []

    def _request(self, case: Any, of: Tenant, me: Tenant) -> Sent:
        """Return a request of schemathesis's with a tenant's things in all places that hold such."""
        pick = self.chance.choice
        there = of.there
        anything = [*there.jobs, *there.batches, *there.videos, *there.sounds]
        known = {
            "job_id": there.jobs,
            "batch_id": there.batches,
            "batch": there.batches,
            "cursor": [write_cursor(UUID(each)) for each in anything],
            "sha256": of.hashes,
            "If-None-Match": of.tags,
            "If-Range": [f'"{each}"' for each in of.hashes],
            "Idempotency-Key": [of.word("key-0"), of.word(f"key-{self.chance.randrange(10**6)}")],
        }
        path = dict(case.path_parameters or {})
        for name in path:
            if name in known:
                # Now and then of another kind.
                path[name] = pick(known[name] if self.chance.random() < 0.8 else anything)
        label = case.operation.label
        if label == "POST /batches/{batch_id}/jobs" and self.chance.random() < 0.5:
            path["batch_id"] = pick(me.there.batches)
        query = {name: str(value) for name, value in (case.query or {}).items()}
        taken = {each.name: each.location for each in case.operation.iter_parameters()}
        places = [name for name in taken if name in known and self.chance.random() < 0.8]
        query |= {name: pick(known[name]) for name in places if taken[name] == "query"}
        headers = {name: pick(known[name]) for name in places if taken[name] == "header"}
        address = re.sub(r"{(\w+)}", lambda found: str(path[found[1]]), case.operation.path)
        body, kind = self._body(case, of)
        return Sent(case.method.upper(), address, query, headers, body, kind)

    def _body(self, case: Any, of: Tenant) -> tuple[bytes, str | None]:
        if case.operation.path in {"/upload/video", "/upload/audio"} and case.method.upper() == "POST":
            return self.chance.choice([video, sound])(of.word("clip")), "application/octet-stream"
        if not isinstance(case.body, dict):
            return b"", None
        body = json.loads(json.dumps(case.body, default=str))
        aim(body, of.there)
        for each in body["jobs"] if isinstance(body.get("jobs"), list) else [body]:
            if case.operation.path != "/batches":
                each["video_id"] = self.chance.choice(of.there.videos)
                each["audio_id"] = self.chance.choice([None, *of.there.sounds])
            if self.chance.random() < 0.8:
                # What is refused for these alone says nothing of whose media they are.
                for name in ("model", "fusion", "analyzer", "rules", "window_s", "stride_s"):
                    each.pop(name, None)
            if "reference" in each:
                each["reference"] = of.word(f"reference-{self.chance.randrange(100)}")
            each.pop("webhook_url", None)
        return json.dumps(body).encode(), "application/json"


def cases_of(operation: Any, times: int) -> list[Any]:
    """Return some valid requests for an operation."""
    found: list[Any] = []

    @seed(SEED)
    @settings(
        max_examples=times,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy())
    def collect(case: Any) -> None:
        found.append(case)

    collect()
    return found


def fake(identifier: str) -> str:
    """Return an id made at the same moment as another, which never was anything's."""
    return str(UUID(int=UUID(identifier).int ^ CHANCE_BITS))


def disguised(value: str, other: Tenant, fakes: dict[str, str]) -> str:
    """Return a text of a request with all that is another tenant's made into what never was anybody's."""
    value = ID.sub(lambda found: fakes.get(found[0], found[0]), value)
    for known in other.tags:
        old = known.strip('"').partition("-")[0]
        value = value.replace(old, fake(str(UUID(old))).replace("-", ""))
    for real, never in fakes.items():
        value = value.replace(write_cursor(UUID(real)), write_cursor(UUID(never)))
    for digest in other.hashes:
        value = value.replace(digest, digest[::-1])
    return value.replace(f"of-{other.name}-", f"of-{other.name.swapcase()}-")


def disguised_back(answer: tuple[Any, ...], other: Tenant, fakes: dict[str, str]) -> tuple[Any, ...]:
    """Return an answer to a disguised request as it would read without the disguise."""
    status, headers, body = answer
    back = {never: real for real, never in fakes.items()}
    return (
        status,
        headers,
        ID.sub(lambda found: back.get(found[0], found[0]), body).replace(
            f"of-{other.name.swapcase()}-", f"of-{other.name}-"
        ),
    )


def told(answer: Answer) -> tuple[Any, ...]:
    """Return all that an answer says: status, headers and body."""
    headers = sorted((name, value) for name, value in answer.headers.items() if name.lower() not in MOVING)
    return answer.status_code, headers, answer.data.decode("latin-1")
