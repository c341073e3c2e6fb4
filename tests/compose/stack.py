"""The containers of ``docker-compose.yml``, built, started, crashed and taken down by tests."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = "avemotion-test"
FILES = ("docker-compose.yml", "tests/compose/short-segments.yml")
BUILD_LIMIT_S = 3600
START_LIMIT_S = 600
COMMAND_LIMIT_S = 120
# From inside a container's own process namespace its first process cannot be killed.
KILL = "import os, signal, sys; os.kill(int(sys.argv[1]), signal.SIGKILL)"


def no_engine() -> str | None:
    """Return why no container engine can be used here; ``None`` when one can."""
    if shutil.which("docker") is None:
        return "docker is not installed"
    for command in (["docker", "info"], ["docker", "compose", "version"]):
        if subprocess.run(command, capture_output=True, timeout=60, check=False).returncode:
            return f"`{' '.join(command)}` fails: no container engine is running"
    return None


def _run(command: list[str], *, limit_s: float, environment: dict[str, str] | None = None) -> str:
    """Return the standard output of a command; fail with what it said if it fails."""
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=limit_s, check=False
    )
    if done.returncode:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@dataclass(frozen=True)
class Stack:
    """One start of the service, with its own project name, port, passwords and volumes."""

    port: int = field(default_factory=_free_port)
    # A password that only careful quoting survives, and one for an address.
    database_password: str = field(default_factory=lambda: secrets.token_hex(8) + "@/:?#%'$ ")
    broker_password: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def url(self) -> str:
        """Address of the API."""
        return f"http://127.0.0.1:{self.port}"

    def compose(self, *arguments: str, limit_s: float = COMMAND_LIMIT_S) -> str:
        """Run a ``docker compose`` command on this stack; return its standard output."""
        files = [argument for name in FILES for argument in ("--file", name)]
        environment = {
            **os.environ,
            "API_PORT": str(self.port),
            "POSTGRES_PASSWORD": self.database_password,
            "VALKEY_PASSWORD": self.broker_password,
        }
        command = ["docker", "compose", "--project-name", PROJECT, "--project-directory", ".", *files]
        return _run([*command, *arguments], limit_s=limit_s, environment=environment)

    def build(self) -> None:
        """Build every image."""
        self.compose("build", limit_s=BUILD_LIMIT_S)

    def up(self) -> None:
        """Start everything, with two media workers, and wait until all of it is healthy."""
        self.compose("up", "--detach", "--wait", "--scale", "media=2", limit_s=START_LIMIT_S)

    def down(self, *, volumes: bool) -> None:
        """Stop and remove the containers, and on request what they stored."""
        self.compose("down", "--remove-orphans", *(["--volumes"] if volumes else []), limit_s=START_LIMIT_S)

    def make_key(self, name: str) -> str:
        """Return a new API key."""
        return self.compose("exec", "-T", "api", "avemotion", "ops", "keys", "create", name).split()[-1]

    def containers(self, service: str) -> list[str]:
        """Return the ids of a service's containers."""
        return self.compose("ps", "--quiet", service).split()

    def crash(self, service: str) -> str:
        """End the first process of one of a service's containers by SIGKILL, as the kernel does.

        ``docker kill`` would keep the engine from starting the container again: it takes that for
        the operator's wish. Hence a process beside it, in the host's process namespace.
        """
        container = self.containers(service)[0]
        process = _run(["docker", "inspect", "--format", "{{.State.Pid}}", container], limit_s=60).strip()
        helper = ["docker", "run", "--rm", "--pid=host", "--user=0", "--network=none", "--entrypoint=python"]
        _run([*helper, "avemotion-api", "-c", KILL, process], limit_s=60)
        return container

    def wait_restarted(self, container: str, *, times: int, limit_s: float) -> None:
        """Wait until the engine has started a container ``times`` times by itself and finds it healthy."""
        template = "{{.RestartCount}} {{.State.Health.Status}}"
        give_up = time.monotonic() + limit_s
        while time.monotonic() < give_up:
            found = _run(["docker", "inspect", "--format", template, container], limit_s=60).split()
            if found == [str(times), "healthy"]:
                return
            time.sleep(1)
        raise AssertionError(f"{container} has restarts and health {found}, not {times} and healthy")
