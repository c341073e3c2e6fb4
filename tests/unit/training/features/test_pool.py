from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shared.errors import AvemotionError, ErrorCode
from tests.processes import heed_signals, is_gone
from training.features.pool import MOST_DEATHS_IN_A_ROW, checkpoint, work_through


def square(number: int) -> int:
    """Return a square; die of a negative number, and object to 1313."""
    if number < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 1313:
        raise AvemotionError(ErrorCode.TRAINING_FAILED, "Not 1313.")
    return number * number


def holds_interrupts(_: int) -> bool:
    """Tell whether Ctrl-C does nothing to this process."""
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def wait_for_the_end(path: str) -> None:
    """Say who is at work, and work until it is to end."""
    Path(path, str(os.getpid())).touch()
    while True:
        checkpoint()
        time.sleep(0.01)


@pytest.mark.parametrize("processes", [1, 3])
def test_all_work_is_done(processes: int) -> None:
    """Each item has one result, by its number, however many processes there are."""
    outcomes = list(work_through(square, range(20), processes))

    assert sorted(outcome.number for outcome in outcomes) == list(range(20))
    assert all(outcome.value == outcome.number**2 and not outcome.died for outcome in outcomes)


def test_nothing_to_do_is_done_at_once() -> None:
    """Without items there are no results."""
    assert list(work_through(square, [], 2)) == []


def test_what_kills_a_process_is_named_and_the_rest_goes_on() -> None:
    """Items that kill their process are told apart from those that were under way beside them."""
    items = [1, 2, -3, 4, 5, -6, 7, 8, 9, 10]

    outcomes = list(work_through(square, items, 2))

    assert sorted(items[outcome.number] for outcome in outcomes) == sorted(items)
    assert {items[outcome.number] for outcome in outcomes if outcome.died} == {-3, -6}
    assert all(outcome.value == items[outcome.number] ** 2 for outcome in outcomes if not outcome.died)


def test_processes_that_die_one_after_the_other_end_the_work() -> None:
    """Where each item kills its process nothing can be done, and it is said after a few."""
    with pytest.raises(AvemotionError, match=f"{MOST_DEATHS_IN_A_ROW} processes in a row") as caught:
        list(work_through(square, [-1] * (MOST_DEATHS_IN_A_ROW + 1), 1))

    assert caught.value.code is ErrorCode.TRAINING_FAILED


def test_an_error_that_concerns_all_ends_the_work() -> None:
    """What the function raises is raised here, with its code and sentence."""
    with pytest.raises(AvemotionError, match="Not 1313") as caught:
        list(work_through(square, [1313, *range(1000)], 2))

    assert caught.value.code is ErrorCode.TRAINING_FAILED


def test_ctrl_c_is_left_to_the_one_that_started_them() -> None:
    """A terminal sends Ctrl-C to all processes at once, also to one that is only starting."""
    assert [outcome.value for outcome in work_through(holds_interrupts, range(4), 2)] == [True] * 4


PROGRAM = """
import sys
from tests.unit.training.features.test_pool import wait_for_the_end
from training.features.pool import work_through
if __name__ == "__main__":
    try:
        list(work_through(wait_for_the_end, [sys.argv[1]] * 9, 2))
    except KeyboardInterrupt:
        print("interrupted")
"""


HEARD_ELSEWHERE = """
import signal, sys, threading, time
from pathlib import Path
from tests.unit.training.features.test_pool import wait_for_the_end
from training.features.pool import work_through

def interrupt():
    while len(list(Path(sys.argv[1]).iterdir())) < 2:
        time.sleep(0.05)
    # By now the first thread waits.
    time.sleep(0.5)
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)

if __name__ == "__main__":
    threading.Thread(target=interrupt, daemon=True).start()
    try:
        list(work_through(wait_for_the_end, [sys.argv[1]] * 9, 2))
    except KeyboardInterrupt:
        print("interrupted")
"""


def test_ctrl_c_that_does_not_wake_the_wait_ends_it(tmp_path: Path) -> None:
    """One that another thread takes, or that comes just as the wait begins, is noticed all the same."""
    done = subprocess.run(
        [sys.executable, "-c", HEARD_ELSEWHERE, str(tmp_path)],
        cwd=Path(__file__).parents[4],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        preexec_fn=heed_signals,
    )

    assert (done.stdout, done.stderr) == ("interrupted\n", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_processes_end_with_the_one_that_started_them(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C ends the work in the middle of an item, quietly; a killed parent leaves no process behind."""
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        cwd=Path(__file__).parents[4],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heed_signals,  # noqa: PLW1509 - the same
    )
    while len(at_work := [int(path.name) for path in tmp_path.iterdir()]) < 2:
        assert program.poll() is None
        time.sleep(0.05)
    if number is signal.SIGINT:
        # As a terminal does: to all of them.
        os.killpg(program.pid, number)
    else:
        program.kill()
    said, complained = program.communicate(timeout=30)

    assert all(is_gone(pid) for pid in at_work)
    if number is signal.SIGINT:
        assert (said, complained) == ("interrupted\n", "")
