"""What a run prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from bench.faults.killing import VICTIMS, Fault
from bench.faults.proof import Answer


def print_faults(faults: Sequence[Fault]) -> None:
    """Print how many faults there were, and how long their victims were away."""
    by_victim = Counter(fault.victim for fault in faults)
    print(f"\n{len(faults)} faults: " + ", ".join(f"{by_victim[name]} {name}" for name in VICTIMS))
    away = sorted(fault.back_after_s for fault in faults if fault.back_after_s is not None)
    if away:
        print(f"  back after {away[len(away) // 2]:.1f} s in the middle, {away[-1]:.1f} s at most")


def unasked(faults: Sequence[Fault], deaths: Mapping[str, int]) -> list[str]:
    """Return the processes that ended more often than they were killed, and how much more often."""
    struck = Counter(fault.process for fault in faults if fault.main_pid in fault.pids)
    return [f"{name}: {count - struck[name]}" for name, count in deaths.items() if count > struck[name]]


def print_answers(answers: Sequence[Answer]) -> int:
    """Print the proof; return how many answers are not as they should be."""
    print("\nThe proof")
    for answer in answers:
        question = answer.question
        verdict = ("OFF" if answer.off else "ok") if question.counts else ""
        print(f"  {question.name}: {_said(answer)} {verdict}".rstrip())
        print(f"      {question.sql}")
    return sum(answer.off for answer in answers)


def print_list(name: str, found: Sequence[str], most: int = 20) -> int:
    """Print a list that should be empty; return 1 if it is not."""
    print(f"  {name}: {len(found)} {'OFF' if found else 'ok'}")
    for line in found[:most]:
        print(f"      {line}")
    return int(bool(found))


def _said(answer: Answer) -> str:
    if len(answer.rows) == 1 and len(answer.rows[0]) == 1:
        return str(answer.rows[0][0])
    return "; ".join(", ".join("-" if value is None else str(value) for value in row) for row in answer.rows)
