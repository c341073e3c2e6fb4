"""The service's own processes, and what their environment holds."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence

import httpx
from pydantic import SecretStr

from client.stack.process import Process
from shared.settings import Settings

READY_LIMIT_S = 2.0
# As shared.logs writes them, as text and as JSON.
WARNING = re.compile(r'\[(warning|error|critical) *\]|"level": "(warning|error|critical)"')
SECRET = "AVEMOTION_WEBHOOK_SECRET"  # noqa: S105 - the variable's name
METRICS_PORT = "AVEMOTION_METRICS_PORT"
# A media child a core: a child that starts threads of its own only gets in the others' way.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}


def service_processes(
    env: Mapping[str, str], api_url: str, servers: Sequence[str], *, express: bool = False
) -> list[Process]:
    """Return the process table of the service.

    Args:
        env: Environment of every process.
        api_url: Where the API will answer.
        servers: Names of the embedded servers, which start first.
        express: Keep a media worker free for interactive work: for a service that takes bulk work beside it.
    """
    first, then = tuple(servers), ("migrations", *servers)
    # Who decodes hostile media has no use for secrets that others need.
    plain = {name: value for name, value in env.items() if name != SECRET}
    gunicorn = ("gunicorn", "-c", "python:api.gunicorn_config", "api:create_app()")
    workers = [("inference", plain), ("media", ONE_THREAD | plain), ("janitor", dict(env))]
    if express:
        workers.append(("express", ONE_THREAD | plain))
    if METRICS_PORT in env:
        # They share an address here, so each takes a port of its own.
        first_port = int(env[METRICS_PORT])
        workers = [
            (role, {**given, METRICS_PORT: str(first_port + number)})
            for number, (role, given) in enumerate(workers)
        ]
    return [
        Process(name="migrations", argv=_python("migrations"), env=env, after=first, once=True),
        Process(
            name="api",
            argv=_python(*gunicorn),
            env=env,
            after=then,
            is_ready=lambda: answers(api_url),
            is_shown=is_warning,
        ),
        *(
            Process(
                name=role,
                argv=_python("worker", role),
                env=given,
                after=then,
                is_shown=is_warning,
            )
            for role, given in workers
        ),
    ]


def service_environment(settings: Settings) -> dict[str, str]:
    """Return the environment that gives a process exactly ``settings``, wherever they came from."""
    env = dict(os.environ)
    for name in type(settings).model_fields:
        key, value = f"AVEMOTION_{name.upper()}", getattr(settings, name)
        if value is None:
            env.pop(key, None)
        elif isinstance(value, SecretStr):
            env[key] = value.get_secret_value()
        else:
            env[key] = str(value)
    env["AVEMOTION_STORAGE_URL"] = settings.resolved_storage_url
    env["PYTHONUNBUFFERED"] = "1"
    # A file named worker.py in the folder of the caller must not be taken for ours.
    env["PYTHONSAFEPATH"] = "1"
    return env


def answers(api_url: str) -> bool:
    """Tell whether the API is ready: it answers, and reaches what it depends on."""
    try:
        # The environment's proxies are for the world outside, not for this machine.
        with httpx.Client(trust_env=False, timeout=READY_LIMIT_S) as client:
            return client.get(f"{api_url}/readyz").status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def is_warning(line: str) -> bool:
    """Tell whether a log line is a warning or worse."""
    return WARNING.search(line) is not None


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)
