"""The module that follows a job, in a real browser against a server that a test makes up as it goes."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

# `answers` are given in turn, as [status, headers]; with status 0 the server is away. Time is the test's own.
HARNESS = """
async ({ answers, hidden }) => {
  const folder = document.querySelector('script[type=module]').src.replace(/app\\.js$/, '');
  const { poll } = await import(`${folder}polling.js`);
  const seen = { asked: [], shown: 0, failures: [], recovered: [], pauses: [] };
  Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
  const real = window.setTimeout;
  await new Promise((resolve) => {
    window.setTimeout = (call, pause) => {
      seen.pauses.push(pause);
      return seen.asked.length < answers.length ? real(call, 0) : resolve();
    };
    poll({
      ask: async ({ headers }) => {
        const [status, more] = answers[seen.asked.length];
        seen.asked.push(headers['If-None-Match'] ?? null);
        if (status === 0) throw new Error('away');
        return new Response(status === 304 ? null : '{}', { status, headers: more });
      },
      show: async () => {
        seen.shown += 1;
        const last = seen.asked.length === answers.length;
        if (last) resolve();
        return last;
      },
      fail: (error, failures) => { seen.failures.push(failures); return true; },
      recover: (failures) => seen.recovered.push(failures),
    });
  });
  window.setTimeout = real;
  return seen;
}
"""
DELAYS = """
async (states) => {
  const folder = document.querySelector('script[type=module]').src.replace(/app\\.js$/, '');
  const { delayMs } = await import(`${folder}polling.js`);
  return states.map(([state, random]) => delayMs(state, () => random));
}
"""


def follow(page: Page, *answers: tuple[int, dict[str, str]], hidden: bool = False) -> dict[str, Any]:
    """Let the page poll a server that answers so, and return what it did."""
    seen: dict[str, Any] = page.evaluate(HARNESS, {"answers": answers, "hidden": hidden})
    return seen


def test_tags_and_pauses_of_the_server(page: Page) -> None:
    """The ETag is given back, 304 changes nothing, Retry-After is kept to, and the last answer ends it."""
    first, second = {"ETag": '"1"', "Retry-After": "1"}, {"ETag": '"2"', "Retry-After": "7"}
    seen = follow(page, (200, first), (304, first), (200, second), (200, {"ETag": '"3"'}))
    assert seen["asked"] == [None, '"1"', '"1"', '"2"']
    assert seen["shown"] == 3
    assert seen["pauses"] == [1000, 1000, 7000]


def test_backing_off(page: Page) -> None:
    """While nobody answers the pauses grow, with chance in them, and end at once when an answer comes."""
    away, back = (0, {}), (200, {"Retry-After": "1"})
    seen = follow(page, *[away] * 8, back, back)
    assert seen["failures"] == list(range(1, 9))
    assert seen["recovered"] == [8]
    waits = seen["pauses"]
    for number, wait in enumerate(waits[:8]):
        full = min(30_000, 1000 * 2**number)
        assert max(1000, full / 2) <= wait <= max(1000, full)
    assert waits[8] == 1000


def test_hidden_tabs_hardly_ask(page: Page) -> None:
    """In a tab that nobody sees, half a minute passes between two questions."""
    seen = follow(page, *[(200, {"Retry-After": "1"})] * 3, hidden=True)
    assert seen["pauses"] == [30_000, 30_000]


def test_delays(page: Page) -> None:
    """The pause is the server's word, never below a quarter of a second, and longer only for a reason."""
    states = [
        ({}, 0.5),
        ({"retryAfterS": 0}, 0.5),
        ({"retryAfterS": 5}, 0.5),
        ({"failures": 3}, 0),
        ({"failures": 3}, 1),
        ({"failures": 60}, 1),
        ({"failures": 1, "retryAfterS": 10}, 1),
        ({"hidden": True, "retryAfterS": 60}, 0),
    ]
    assert page.evaluate(DELAYS, states) == [1000, 250, 5000, 2000, 4000, 30_000, 10_000, 60_000]
