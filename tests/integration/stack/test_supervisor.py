from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from client.stack.child import LOG_LIMIT_BYTES, rotate
from client.stack.process import Process
from client.stack.supervisor import Patience, Supervisor
from shared.errors import AvemotionError, ErrorCode

from .support import family, is_alive, is_dead, python, running, wait_until

SLEEP = "import time; time.sleep(600)"
# Like a pool: a child of its own, and neither listens to a request to stop.
DEAF_PARENT = """
import os, signal, time
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)
os.fork()
time.sleep(600)
"""
PATIENCE = Patience(first_delay_s=0.01, longest_delay_s=0.05, quick_death_s=2, most_quick_deaths=3)
HOST = """
import json, sys
from pathlib import Path
from client.stack.process import Process
from client.stack.supervisor import Supervisor

processes = [Process(name=f"child-{n}", argv=tuple(argv)) for n, argv in enumerate(json.loads(sys.argv[2]))]
supervisor = Supervisor(processes, Path(sys.argv[1]))
supervisor.start()
print(json.dumps(list(supervisor.pids().values())), flush=True)
supervisor.wait()
"""

Start = Callable[..., Supervisor]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a supervisor with short patience; it is stopped after the test."""
    with contextlib.ExitStack() as cleanup:

        def start_(*processes: Process, patience: Patience = PATIENCE) -> Supervisor:
            supervisor = Supervisor(processes, tmp_path, patience=patience)
            cleanup.callback(supervisor.stop)
            supervisor.start()
            return supervisor

        yield start_


def test_killed_child_is_started_again(start: Start) -> None:
    """A process that is killed is started again, alone."""
    supervisor = start(python("one", SLEEP), python("two", SLEEP))
    before = supervisor.pids()

    os.kill(before["one"], signal.SIGKILL)
    wait_until(lambda: supervisor.pids().get("one", before["one"]) != before["one"])

    assert is_alive(supervisor.pids()["one"])
    assert supervisor.pids()["two"] == before["two"]


def test_children_of_a_killed_child_end_with_it(start: Start) -> None:
    """What a killed process started is ended before the process is started again."""
    supervisor = start(python("pool", DEAF_PARENT))
    pid = supervisor.pids()["pool"]
    wait_until(lambda: len(family([pid])) == 2)
    members = family([pid])

    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: supervisor.pids().get("pool", pid) != pid)

    assert all(map(is_dead, members))


def test_crash_loop_is_given_up(start: Start, tmp_path: Path) -> None:
    """A process that dies at once again and again ends the stack, with its last words in the error."""
    switch = tmp_path / "switch"
    crash = f"import pathlib, time\nwhile not pathlib.Path({str(switch)!r}).exists(): time.sleep(0.01)\n1 / 0"
    supervisor = start(python("crashing", crash), python("sound", SLEEP))
    sound = supervisor.pids()["sound"]

    switch.touch()
    with pytest.raises(AvemotionError, match=r"crashing died 3 times[\s\S]*ZeroDivisionError") as caught:
        supervisor.wait()

    assert caught.value.code is ErrorCode.SERVICE_UNAVAILABLE
    assert is_dead(sound)


def test_deaths_far_apart_are_no_crash_loop(start: Start) -> None:
    """Only quick deaths in a row count: a process that lived for a while is always started again."""
    supervisor = start(python("one", SLEEP), patience=Patience(first_delay_s=0.01, quick_death_s=0.01))
    for _ in range(8):
        before = supervisor.pids()["one"]
        # The launcher takes longer to start than a quick death lasts here.
        wait_until(lambda: "sleep" in Path(f"/proc/{before}/cmdline").read_text())  # noqa: B023 - run at once
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: supervisor.pids().get("one", before) != before)  # noqa: B023 - run at once

    supervisor.check()


def test_processes_start_in_order(start: Start, tmp_path: Path) -> None:
    """A process starts when those before it are ready: a server that answers, a program that succeeded."""
    server, migrated = tmp_path / "server", tmp_path / "migrated"
    touch = "import sys, time, pathlib; time.sleep(0.3); pathlib.Path({!r}).touch()"
    needs = "import pathlib, time; assert pathlib.Path({!r}).exists(); time.sleep({})"
    supervisor = start(
        python("service", needs.format(str(migrated), 600), after=("migrations",)),
        python(
            "migrations",
            needs.format(str(server), 0) + ";" + touch.format(str(migrated)),
            after=("server",),
            once=True,
        ),
        python("server", touch.format(str(server)) + ";" + SLEEP, is_ready=server.exists),
    )

    assert set(supervisor.pids()) == {"service", "server"}
    assert not (tmp_path / "service.log").read_text()


def test_failing_preparation_fails_the_start(start: Start) -> None:
    """A program that must succeed first and does not fails the start at once."""
    failing = python("migrations", "raise SystemExit('no such table')", once=True)

    with pytest.raises(AvemotionError, match=r"migrations failed with exit status 1[\s\S]*no such table"):
        start(failing, python("service", SLEEP, after=("migrations",)))


def test_process_that_never_gets_ready_fails_the_start(start: Start) -> None:
    """A process that runs but is not ready in time fails the start."""
    deaf = python("deaf", SLEEP, is_ready=lambda: False)

    with pytest.raises(AvemotionError, match=r"deaf was not ready after 0\.2 s"):
        start(deaf, patience=Patience(ready_limit_s=0.2))


def test_stop_leaves_nothing_behind(start: Start) -> None:
    """After a stop neither a process that ignores requests nor its children are left."""
    supervisor = start(python("deaf", DEAF_PARENT, grace_s=0.5), python("tame", SLEEP))
    wait_until(lambda: len(family(list(supervisor.pids().values()))) == 3)
    members = family(list(supervisor.pids().values()))

    supervisor.stop()

    assert all(map(is_dead, members))


def test_ranks_stop_in_order(start: Start, tmp_path: Path) -> None:
    """Those who use a server have ended before it is asked to stop."""
    ends = tmp_path / "ends"
    note = (
        "import pathlib, signal, sys, time\n"
        f"def end(*_): time.sleep(0.2); print(sys.argv, file=open({str(ends)!r}, 'a')); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "print('ready', flush=True)\n"
        "time.sleep(600)"
    )

    def process(name: str, rank: int) -> Process:
        log = tmp_path / f"{name}.log"
        plain = python(name, note, stop_rank=rank, is_ready=lambda: "ready" in log.read_text())
        return Process(**{**plain.__dict__, "argv": (*plain.argv, name)})

    start(process("server", 1), process("client", 0)).stop()

    assert ends.read_text().split() == ["['-c',", "'client']", "['-c',", "'server']"]


def test_killed_supervisor_leaves_nothing_behind(tmp_path: Path) -> None:
    """When the supervisor gets SIGKILL, its children and theirs end, even those that ignore requests."""
    table = [python("deaf", DEAF_PARENT).argv, python("tame", SLEEP).argv]
    with running(HOST, str(tmp_path), json.dumps(table)) as host:
        assert host.stdout is not None
        pids = json.loads(host.stdout.readline())
        wait_until(lambda: len(family(pids)) == 3)
        members = family([host.pid])
        assert len(members) == 5, "the supervisor, its guardian and three more"

        host.kill()
        host.wait()
        wait_until(lambda: all(map(is_dead, members)))


def test_children_die_with_supervisor_and_guardian(tmp_path: Path) -> None:
    """When the guardian is killed too, the kernel still ends the direct children."""
    table = [python("tame", SLEEP).argv]
    with running(HOST, str(tmp_path), json.dumps(table)) as host:
        assert host.stdout is not None
        pids = json.loads(host.stdout.readline())
        for pid in family([host.pid]) - set(pids):
            os.kill(pid, signal.SIGKILL)
        host.wait()
        wait_until(lambda: all(map(is_dead, pids)))


def test_output_goes_to_log_and_to_listener(tmp_path: Path) -> None:
    """What a process writes is in its log; new lines that are to be shown are told, each once."""
    told: list[tuple[str, str]] = []
    talk = "print('one\\ntwo\\nthree\\nunfinished', end='', flush=True);" + SLEEP
    (tmp_path / "loud.log").write_text("of an earlier run\n")
    supervisor = Supervisor(
        [python("loud", talk, is_shown=lambda line: line != "two"), python("quiet", talk)],
        tmp_path,
        say=lambda name, line: told.append((name, line)),
    )
    supervisor.start()
    wait_until(lambda: len(told) >= 2 and (tmp_path / "quiet.log").stat().st_size > 0)
    supervisor.stop()

    assert told == [("loud", "one"), ("loud", "three")]
    assert (tmp_path / "loud.log").read_text() == "of an earlier run\none\ntwo\nthree\nunfinished"
    assert (tmp_path / "quiet.log").read_text() == "one\ntwo\nthree\nunfinished"


def test_large_log_is_moved_aside(tmp_path: Path) -> None:
    """A log past its limit becomes NAME.log.1, and at most three old ones are kept."""
    log = tmp_path / "one.log"
    for number in range(5):
        log.write_bytes(bytes([number]) * LOG_LIMIT_BYTES)
        rotate(log)

    kept = {path.name: path.read_bytes()[0] for path in tmp_path.iterdir()}
    assert kept == {"one.log.1": 4, "one.log.2": 3, "one.log.3": 2}


def test_small_log_is_continued(tmp_path: Path) -> None:
    """A log below its limit stays where it is."""
    log = tmp_path / "one.log"
    log.write_text("short")
    rotate(log)

    assert log.read_text() == "short"
