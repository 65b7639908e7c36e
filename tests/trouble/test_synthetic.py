"""A test page every day, the whole way to a provider: measured, and an alarm when it does not arrive."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import structlog

from tocsin.config import Synthetic
from tocsin.wiring.synthetic import AGAIN, ALARM, DailyPage, Record, read_record
from trouble.conftest import Builder, House, eventually, for_a_while

DAY = timedelta(days=1)
ANN = "ann@test.example"


class Daily:
    """The daily page of one node, and a wall clock that the test moves; the engine's own clock goes on."""

    def __init__(self, house: House, person: str = "ann") -> None:
        self.house = house
        self.now = house.program.clock.now()
        at = (self.now - timedelta(minutes=1)).time().replace(microsecond=0, tzinfo=None)
        self.page = DailyPage(Synthetic(person, time(at.hour, at.minute)), house.engine, lambda: self.now)

    def look(self, after: timedelta = timedelta(0)) -> Record | None:
        self.now += after
        self.page.once()
        return read_record(self.house.program.store)

    def tests(self) -> list[str]:
        return [m.ref for m in self.house.post.mails if m.to == ANN and m.ref.startswith("TEST-")]

    def alarm(self) -> str:
        return next((a.reason for a in self.house.program.store.alarms() if a.key == ALARM), "")


def test_it_goes_out_once_a_day_and_is_measured_to_the_provider(house: House) -> None:
    daily = Daily(house)
    first = daily.look()
    assert first is not None
    assert (first.ref, daily.tests()) == ("", []), "the first one comes at the next time of day"
    asked = daily.look(DAY)
    assert asked is not None
    assert asked.ref.startswith("TEST-")
    eventually(lambda: daily.tests() == [asked.ref], "it is in the mailbox")
    eventually(lambda: (found := daily.look()) and found.settled, "its receipt is seen")
    done = daily.look()
    assert done is not None
    assert done.ok_at is not None
    assert done.seconds is not None
    assert 0 <= done.seconds < 20
    assert daily.alarm() == ""
    numbers = house.ask("GET", "/metrics").text
    assert f"tocsin_synthetic_page_seconds {done.seconds}" in numbers
    (last,) = [n for n in numbers.splitlines() if n.startswith("tocsin_synthetic_last_ok_timestamp ")]
    assert float(last.split()[1]) == pytest.approx(done.ok_at.timestamp(), abs=1)
    for _ in range(5):
        daily.look(timedelta(minutes=10))
    assert len(daily.tests()) == 1
    daily.look(DAY)
    eventually(lambda: len(daily.tests()) == 2, "the next day another one")


def test_two_nodes_send_one(house: House) -> None:
    one, other = Daily(house), Daily(house)
    one.look()
    one.now += DAY
    other.now = one.now
    record = read_record(house.program.store)
    assert record is not None
    one.page._ask(record, "2026-03-02", one.now)
    other.page._ask(record, "2026-03-02", other.now)
    eventually(lambda: len(one.tests()) == 1, "it is sent")
    for_a_while(lambda: len(one.tests()) == 1, 0.3, "and only one")


def test_a_restart_forgets_nothing(house: House) -> None:
    daily = Daily(house)
    daily.look()
    daily.look(DAY)
    again = Daily(house)
    again.now = daily.now
    again.look()
    eventually(lambda: len(daily.tests()) == 1, "it is sent")
    for_a_while(lambda: len(daily.tests()) == 1, 0.3, "and not a second time")


def test_one_that_no_provider_takes_is_an_alarm(house: House) -> None:
    daily = Daily(house)
    daily.look()
    house.post.shut()
    asked = daily.look(DAY)
    assert asked is not None
    daily.look(timedelta(minutes=11))
    assert daily.alarm() == f"the daily test page {asked.ref} was taken by no provider"
    assert "was taken by no provider" in house.alarms()
    house.post.open()
    eventually(lambda: (found := daily.look()) and found.settled, "a later try is taken")
    assert daily.alarm() == ""


def test_none_for_twenty_five_hours_is_an_alarm(house: House) -> None:
    daily = Daily(house)
    house.engine.ticker.held = False
    record = daily.look()
    assert record is not None
    house.program.store.set_meta("synthetic_page", "no record")
    assert read_record(house.program.store) is None, "what cannot be read begins anew"
    daily.look()
    unseen = Daily(house, person="nobody")
    unseen.now = daily.now
    unseen.look(DAY)
    assert "cannot be sent" in unseen.alarm()
    unseen.look(timedelta(hours=2))
    assert "no test page has reached a provider since" in unseen.alarm()


def test_the_alarm_names_nobody_and_the_log_says_why(house: House) -> None:
    """Whoever asks `alarmz` need not sign in."""
    daily = Daily(house, person="somebody")
    daily.look()
    with structlog.testing.capture_logs() as logs:
        daily.look(DAY)
        daily.look(AGAIN)
    assert "cannot be sent" in daily.alarm()
    assert "somebody" not in daily.alarm()
    said = [entry for entry in logs if "cannot be sent" in entry["event"]]
    assert [("somebody" in entry["reason"]) for entry in said] == [True], "once"


def test_somebody_unknown_is_tried_again_only_after_a_while(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    daily = Daily(house, person="nobody")
    daily.look()
    asked: list[datetime] = []
    ask = daily.page._ask
    monkeypatch.setattr(daily.page, "_ask", lambda *given: (asked.append(daily.now), ask(*given))[1])
    daily.look(DAY)
    daily.look(timedelta(seconds=20))
    assert len(asked) == 1
    daily.look(AGAIN)
    assert len(asked) == 2


def test_an_engine_that_is_held_sends_none(build: Builder) -> None:
    house = build()
    daily = Daily(house)
    daily.look()
    house.engine.hold("a test")
    daily.look(DAY)
    record = read_record(house.program.store)
    assert record is not None
    assert record.ref == ""


@pytest.mark.parametrize(
    ("local", "day"),
    [
        ("2026-03-29T08:59", "2026-03-28"),
        ("2026-03-29T09:00", "2026-03-29"),
        ("2026-10-25T09:00", "2026-10-25"),
    ],
)
def test_the_time_of_day_is_the_zones(house: House, local: str, day: str) -> None:
    """The clocks change in the night before: nine o'clock stays nine o'clock."""
    page = DailyPage(Synthetic("ann", time(9, 0), "Europe/Berlin"), house.engine, house.program.clock.now)
    assert page._day(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("Europe/Berlin"))) == day
