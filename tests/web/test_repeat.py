"""POSTs under an Idempotency-Key while something hangs: nobody else waits for it, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from tocsin.web import repeat
from tocsin.web.problems import KeyReused, Problem
from tocsin.web.repeat import Answers, Made, in_time

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)


@pytest.fixture
def hanging() -> Iterator[Callable[[], Made]]:
    """Work that hangs until the test is over."""
    release = threading.Event()

    def hang() -> Made:
        release.wait(20)
        return 201, {"made": "late"}

    yield hang
    release.set()


def begin(answers: Answers, key: str, make: Callable[[], Made]) -> threading.Thread:
    """Somebody asks under this key, and her work is under way when this returns."""
    under_way = threading.Event()

    def work() -> Made:
        under_way.set()
        return make()

    thread = threading.Thread(target=answers.made, args=(key, "body", NOW, work), daemon=True)
    thread.start()
    assert under_way.wait(5)
    return thread


def test_work_that_hangs_keeps_no_other_key(hanging: Callable[[], Made]) -> None:
    answers = Answers()
    begin(answers, "hangs", hanging)
    found: list[Made] = []
    other = threading.Thread(
        target=lambda: found.append(answers.made("other", "body", NOW, lambda: (201, {"made": "now"}))),
        daemon=True,
    )
    other.start()
    other.join(2)
    assert found == [(201, {"made": "now"})]


def test_a_repeat_of_what_still_hangs_is_answered_in_time(
    hanging: Callable[[], Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeat, "PATIENCE_S", 0.05)
    answers = Answers()
    begin(answers, "hangs", hanging)
    with pytest.raises(Problem) as caught:
        answers.made("hangs", "body", NOW, lambda: (201, {"made": "twice"}))
    assert caught.value.status == 503
    assert "Idempotency-Key" in caught.value.possible


def test_a_repeat_waits_for_the_first_and_is_not_done_again() -> None:
    answers, release = Answers(), threading.Event()

    def first() -> Made:
        release.wait(5)
        return 201, {"made": "once"}

    thread = begin(answers, "key", first)
    threading.Timer(0.05, release.set).start()
    assert answers.made("key", "body", NOW, lambda: (201, {"made": "twice"})) == (201, {"made": "once"})
    thread.join(5)
    assert answers.turns == {}
    with pytest.raises(KeyReused):
        answers.made("key", "another body", NOW, lambda: (201, {}))


def test_a_failure_leaves_the_key_free() -> None:
    def fails() -> Made:
        raise Problem(409, "not now")

    answers = Answers()
    with pytest.raises(Problem):
        answers.made("key", "body", NOW, fails)
    assert answers.made("key", "body", NOW, lambda: (201, {})) == (201, {})
    assert answers.turns == {}


def test_whoever_asked_is_told_in_time_that_no_answer_came(hanging: Callable[[], Made]) -> None:
    async def asked() -> Made:
        return await in_time(hanging, 0.05)

    loop = asyncio.new_event_loop()
    try:
        with pytest.raises(Problem) as caught:
            loop.run_until_complete(asked())
    finally:
        loop.close()
    assert caught.value.status == 503
    assert caught.value.headers["Retry-After"]
