"""Legal deadlines: from when somebody became aware to the recorded decision, on after resolve and close."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.told import PEOPLE, Told, acme, directory
from tocsin.domain import events as ev
from tocsin.domain import legal, lifecycle
from tocsin.domain.context import Context, Refused

THURSDAY = datetime(2026, 2, 5, 16, 34, tzinfo=UTC)


def with_contact() -> Context:
    """The example, where Henrik is the data protection contact as the roster says it."""
    people = tuple(
        replace(p, can_act_as=("ic", "data-protection-contact")) if p.handle == "henrik" else p
        for p in PEOPLE
    )
    return replace(acme(primary="jonas", secondary="mei"), directory=directory(people=people))


@pytest.fixture
def lost() -> Told:
    """Contacts are missing, Mei leads; it is 16:40."""
    told = Told(with_contact(), at=THURSDAY)
    told.declare("tomas", title="Contacts missing").ack("mei")
    told.now = THURSDAY.replace(minute=40)
    return told


def start(told: Told, regime: str = "gdpr", **asked: Any) -> ev.LegalStarted:
    told.do(legal.start, by="jonas", regime=regime, aware=asked.pop("aware", told.now), **asked)
    return told.events(ev.LegalStarted)[-1]


def decide(told: Told, decision: str = "not notifiable", regime: str = "gdpr") -> None:
    told.do(legal.decide, by="henrik", regime=regime, decision=decision, reason="restored in two hours")


def refused(told: Told, decision: Any, /, **asked: Any) -> str:
    before = told.state
    with pytest.raises(Refused) as refusal:
        told.do(decision, **asked)
    assert told.state == before, "nothing has changed"
    return f"{refusal.value.reason} | {refusal.value.possible}"


def test_aware_at_16_40_it_is_due_three_days_later_and_henrik_is_called(lost: Told) -> None:
    started = start(lost, reason="personal data is gone")

    assert started.due == datetime(2026, 2, 8, 16, 40, tzinfo=UTC)
    assert started.owner == "henrik"
    assert lost.told("legal-started") == [("16:40:00", "henrik")]


def test_it_ends_by_a_decision_on_the_next_day_and_not_by_resolve(lost: Told) -> None:
    start(lost)
    lost.mitigate().resolve()
    assert legal.running(lost.state)

    lost.wait(hours=18)
    decide(lost)

    assert not legal.running(lost.state)
    lost.wait(days=5)
    assert not lost.events(ev.LegalReminded)
    assert not lost.events(ev.LegalOverdue)


def when(told: Told, kind: type[ev.Event]) -> list[str]:
    return [f"{e.at:%m-%d %H:%M}" for e in told.events(kind)]


def test_a_day_before_the_owner_is_reminded_then_every_day_it_is_overdue(lost: Told) -> None:
    start(lost)
    lost.resolve().wait(days=5)

    assert when(lost, ev.LegalReminded) == ["02-07 16:40"]
    assert when(lost, ev.LegalOverdue) == ["02-08 16:40", "02-09 16:40", "02-10 16:40"]
    assert [e.times for e in lost.events(ev.LegalOverdue)] == [1, 2, 3]
    assert lost.events(ev.LegalReminded)[0].people == ("henrik",)
    assert lost.events(ev.LegalOverdue)[0].people == ("henrik", "mei")
    decide(lost, "notified")
    lost.wait(days=3)
    assert len(lost.events(ev.LegalOverdue)) == 3


def test_it_runs_on_after_the_close(lost: Told) -> None:
    start(lost)
    lost.do(lambda *_: [ev.Resolved(lost.now, "mei", ev.Text("a"), ev.Text("b"), ev.Text("c"))])
    lost.do(lambda *_: [ev.Closed(lost.now, "mei")])
    lost.wait(days=4)

    assert when(lost, ev.LegalOverdue)[0] == "02-08 16:40"
    decide(lost)


def test_what_fell_together_while_nobody_looked_is_said_once(lost: Told) -> None:
    start(lost)
    lost.resolve().sleep(days=5)

    assert not lost.events(ev.LegalReminded), "it is not near any more: it has passed"
    assert [e.times for e in lost.events(ev.LegalOverdue)] == [3]
    lost.wait(hours=23)
    assert [e.times for e in lost.events(ev.LegalOverdue)] == [3], "not before the next full day"
    lost.wait(hours=2)
    assert [e.times for e in lost.events(ev.LegalOverdue)] == [3, 4]


def test_a_contract_gives_less_and_reminds_at_half_of_it(lost: Told) -> None:
    started = start(lost, "contract", limit_s=24 * 3600)
    lost.resolve().wait(hours=25)

    assert started.due == datetime(2026, 2, 6, 16, 40, tzinfo=UTC)
    assert when(lost, ev.LegalReminded) == ["02-06 04:40"]
    assert when(lost, ev.LegalOverdue) == ["02-06 16:40"]


def test_one_that_is_entered_late_reminds_at_half_of_what_is_left(lost: Told) -> None:
    start(lost, aware=lost.now - timedelta(hours=60))
    lost.resolve().wait(hours=11)

    assert when(lost, ev.LegalReminded) == [f"{lost.now - timedelta(hours=5):%m-%d %H:%M}"]


@pytest.mark.parametrize("spelled", ["GDPR Art. 33", "gdpr", "DSGVO"])
def test_one_law_is_one_deadline_however_it_is_spelled(lost: Told, spelled: str) -> None:
    assert start(lost, spelled).regime == "gdpr"
    with pytest.raises(Refused, match="runs already"):
        start(lost, "GDPR")


def test_gdpr_and_a_contract_run_beside_each_other(lost: Told) -> None:
    start(lost)
    start(lost, "Contract Nordwind", limit_s=48 * 3600)

    assert [x.regime for x in legal.running(lost.state)] == ["contract-nordwind", "gdpr"]
    decide(lost, regime="GDPR")
    assert [x.regime for x in legal.running(lost.state)] == ["contract-nordwind"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"regime": " "}, "which deadline"),
        ({"limit_s": 73 * 3600}, "gdpr gives 3d00h, not 3d01h"),
        ({"limit_s": 0}, "has to leave some time"),
        ({"aware": timedelta(seconds=1)}, "aware lies in the future"),
        ({"aware": timedelta(days=-31)}, "more than 30 days before it was detected"),
        ({"owner": "ghost"}, "nobody is known as 'ghost'"),
    ],
)
def test_what_cannot_start(lost: Told, asked: dict[str, Any], said: str) -> None:
    given: dict[str, Any] = {"regime": "gdpr", **asked}
    given["aware"] = lost.now + given.get("aware", timedelta())

    assert said in refused(lost, legal.start, by="jonas", **given)


def test_one_of_a_kind_runs_at_a_time_and_after_its_decision_another_may(lost: Told) -> None:
    start(lost)
    said = refused(lost, legal.start, by="jonas", regime="GDPR", aware=lost.now)
    assert "runs already, until 2026-02-08 16:40:00 UTC" in said

    decide(lost)
    start(lost)
    assert len(lost.state.duties.legal) == 2


def test_without_a_contact_the_ic_owns_it_and_without_an_ic_somebody_is_named() -> None:
    told = Told()
    told.declare("tomas")
    assert "name the owner" in refused(told, legal.start, by="jonas", regime="gdpr", aware=told.now)
    assert start(told, owner="@henrik").owner == "henrik"

    led = Told().declare("mei")
    assert start(led).owner == "mei"


def test_a_decision_is_one_of_two_has_a_reason_and_something_to_end(lost: Told) -> None:
    start(lost)

    assert "no contract deadline runs" in refused(
        lost, legal.decide, by="henrik", regime="contract", decision="notified", reason="told them"
    )
    assert "one of: notified, not notifiable" in refused(
        lost, legal.decide, by="henrik", regime="gdpr", decision="maybe", reason="later"
    )
    assert "needs a reason" in refused(
        lost, legal.decide, by="henrik", regime="gdpr", decision="notified", reason=" "
    )


def test_where_it_was_dismissed_none_starts(lost: Told) -> None:
    told = Told()
    told.alert()
    told.do(lifecycle.dismiss, by="mei", reason="a test")

    assert "reopen it first" in refused(told, legal.start, by="mei", regime="gdpr", aware=told.now)
