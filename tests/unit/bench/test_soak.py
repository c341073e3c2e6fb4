"""What the soak takes for growth."""

from __future__ import annotations

from bench.queue.soak import Samples, report


def steady(latency_s: float = 0.1) -> Samples:
    samples = Samples(latencies_s=[latency_s] * 100)
    samples.memory["media 1"] = [100_000_000] * 100
    return samples


def test_what_stays_as_it_is_is_no_fault() -> None:
    """Memory that a process takes in the first half of a run is none of what is compared."""
    samples = steady()
    samples.memory["media 1"][:50] = [1_000_000] * 50

    assert report(samples) == []


def test_memory_that_grows_is_a_fault() -> None:
    """A process that gains three megabytes a tenth of the run is named."""
    samples = steady()
    samples.memory["janitor 7"] = [100_000_000 + 300_000 * look for look in range(100)]

    [fault] = report(samples)

    assert fault.startswith("janitor 7 has grown")


def test_documents_that_the_api_keeps_are_no_fault_and_more_is() -> None:
    """It keeps 16 MiB of them, which take half as much again."""
    samples = steady()
    samples.memory["api 7"] = [100_000_000 + 250_000 * look for look in range(100)]
    samples.memory["api 8"] = [100_000_000 + 1_200_000 * look for look in range(100)]

    [fault] = report(samples)

    assert fault.startswith("api 8 has grown")


def test_jobs_that_get_slower_or_fail_are_faults() -> None:
    """Both are told."""
    samples = steady()
    samples.latencies_s[80:] = [0.2] * 20
    samples.failures.append("failed")

    assert report(samples) == ["a job ended as failed", "jobs take longer at the end"]


def test_a_process_that_lived_for_a_moment_is_not_compared() -> None:
    """A child that was seen a few times says nothing of growth."""
    samples = steady()
    samples.memory["media 2"] = [1, 1_000_000_000] * 2

    assert report(samples) == []
