"""schemathesis with the keys of two tenants: neither sees, or changes, anything of the other's."""

from __future__ import annotations

import pytest
import schemathesis
from flask_openapi3.openapi import OpenAPI
from pydantic import SecretStr
from sqlalchemy import Engine

from api import create_app
from shared.database import transact
from shared.keys import create_key
from shared.settings import Settings
from shared.storage import Storage
from shared.webhooks.secrets import make_secret
from tests.integration.api.conftest import client_of
from tests.integration.conftest import services_of
from tests.integration.contract.population import Populator
from tests.integration.contract.tenants import House, Tenant
from tests.integration.contract.test_answers import EXAMPLES

# What has no place for anything of anybody's.
PUBLIC = {
    *(
        "GET /healthz",
        "GET /readyz",
        "GET /models",
        "GET /models/{model_id}",
        "GET /models/{model_id}/CARD.md",
    ),
    *("GET /batches", "POST /batches", "DELETE /jobs"),
}


def tenant(engine: Engine, name: str) -> Tenant:
    owner, secret = transact(engine, lambda session: create_key(session, name))
    return Tenant(name, {"Authorization": f"Bearer {secret}"}, owner)


def house_of(app: OpenAPI, engine: Engine, storage: Storage) -> House:
    client = client_of(app)
    house = House(client, engine, (tenant(engine, "ada"), tenant(engine, "bob")))
    for each in house.tenants:
        house.furnish(each, Populator(client, engine, storage, each.headers))
    return house


@pytest.mark.timeout(120 + 60 * EXAMPLES)
@pytest.mark.slow
def test_tenants_know_nothing_of_each_other(settings: Settings, engine: Engine, storage: Storage) -> None:
    """Whatever is another key's answers like what never was, in every place of the contract and any order."""
    webhooks = SecretStr(make_secret())
    app = create_app(settings.model_copy(update={"auth": "on", "webhook_secret": webhooks}))
    house = house_of(app, engine, storage)
    schema = schemathesis.openapi.from_dict(app.api_doc)

    walk = house.walk(schema, times=2 * EXAMPLES)

    services_of(app).close()
    assert not walk.leaks, "\n".join(walk.leaks[:20])
    labels = {each.ok().label for each in schema.get_all_operations()}
    assert labels - walk.tried.keys() <= PUBLIC
    assert {label for label in labels if walk.done[label]} >= {
        *("POST /upload/video", "POST /predict", "POST /batches", "POST /batches/{batch_id}/jobs"),
        *("GET /jobs", "GET /jobs/{job_id}", "GET /batches/{batch_id}", "POST /jobs/{job_id}/cancel"),
    }
