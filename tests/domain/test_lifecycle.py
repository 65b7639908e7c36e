"""From declare to close: which level, what each step needs, what is owed afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.told import POLICY, SEV3, Told, acme
from tocsin.domain import events as ev
from tocsin.domain import lifecycle, postmortem, response
from tocsin.domain.context import Refused
from tocsin.domain.policy import Policy, built_in_policy

# --- which level -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "level"),
    [
        ("Billing is down", "SEV1"),
        ("Prod outage in Frankfurt", "SEV1"),
        ("We may have data loss", "SEV1"),
        ("Payments delayed since ten", "SEV2"),
        ("Payments show as pending", "SEV2"),
        ("A single feature is broken, a workaround exists", "SEV3"),
        ("COSMETIC: logo is blurred", "SEV4"),
    ],
)
def test_the_handbooks_own_criteria_decide(title: str, level: str) -> None:
    chosen, why = lifecycle.choose_level(title, acme())

    assert chosen == level
    assert why == f"the title matches the criteria of {level}"


def test_in_doubt_between_two_levels_the_higher() -> None:
    assert lifecycle.choose_level("Payments delayed, billing down", acme())[0] == "SEV1"


def test_when_nothing_matches_the_second_highest_and_it_says_so() -> None:
    chosen, why = lifecycle.choose_level("Kaboom", acme())

    assert (chosen, why) == ("SEV2", "no criterion of the handbook matches: SEV2 by default")


def test_when_nothing_matches_the_handbooks_default_comes_first() -> None:
    assert lifecycle.choose_level("Kaboom", acme(default_level="sev3"))[0] in {"SEV3", "sev3"}


def test_a_default_that_the_handbook_does_not_know_is_none() -> None:
    assert lifecycle.choose_level("Kaboom", acme(default_level="SEV9"))[0] == "SEV2"


def test_one_level_is_its_own_default() -> None:
    assert Policy((SEV3,)).fallback_level() == "SEV3"


def test_words_that_every_sentence_has_decide_nothing() -> None:
    criterion = ("one feature is broken and customers have another way",)
    levels = tuple(replace(s, criteria=criterion) if s.level == "SEV3" else s for s in POLICY.severities)

    assert lifecycle.choose_level("They have all been charged twice", acme(severities=levels))[0] == "SEV2"


def test_declared_without_a_level_it_says_why(told: Told) -> None:
    told.declare("tomas", None, "Billing is down")

    assert told.events(ev.Declared)[0].level == "SEV1"


def test_declared_from_an_alert_without_a_level_the_higher_of_the_two(told: Told) -> None:
    told.alert("critical")
    told.do(lifecycle.declare, by="mei", title="Payments show as pending", level=None)
    assert (told.state.level, told.events(ev.Declared)[0].why) == (
        "SEV1",
        "the alert said SEV1; in doubt the higher",
    )

    other = Told()
    other.alert("warning")
    other.do(lifecycle.declare, by="mei", title="Payments show as pending", level=None)
    assert other.state.level == "SEV2"


def test_declared_from_an_alert_the_title_may_be_left_as_it_is(told: Told) -> None:
    told.alert(title="Smoke test failed")
    told.do(lifecycle.declare, by="mei", title=None, level="SEV2")

    assert told.state.title == "Smoke test failed"


@pytest.mark.parametrize("title", ["", "  \n "])
def test_a_declare_needs_a_title(told: Told, title: str) -> None:
    with pytest.raises(Refused, match="title is empty"):
        told.declare(title=title)


def test_what_the_handbook_leaves_open_never_blocks_a_declare() -> None:
    told = Told(replace(acme(), warnings=("Primary is TBD",)))
    told.declare()

    assert told.events(ev.Declared)[0].warnings == ("Primary is TBD",)


def test_the_built_in_policy_declares_and_pages_without_any_clock() -> None:
    told = Told(acme(built_in_policy()))
    told.declare("mei", None, "outage").wait(minutes=4)

    assert told.state.level == "SEV1"
    assert told.pages() == [("13:00:00", "mei")]
    assert told.breaches() == []


# --- step by step ----------------------------------------------------------------------------------------


def test_an_incident_is_declared_once(told: Told) -> None:
    told.declare()

    with pytest.raises(Refused, match="already declared"):
        told.declare()


def test_each_stage_says_what_is_possible_now(told: Told) -> None:
    told.alert()
    with pytest.raises(Refused) as refused:
        told.resolve()
    assert refused.value.possible == "possible now: acknowledge, declare or dismiss it"

    told.declare("mei")
    with pytest.raises(Refused) as refused:
        told.do(lifecycle.dismiss, by="mei", reason="no incident")
    assert refused.value.possible == "possible now: mitigate or resolve it"


def test_mitigated_is_not_resolved_and_needs_evidence(told: Told) -> None:
    told.declare("mei")
    with pytest.raises(Refused, match="needs evidence"):
        told.do(lifecycle.mitigate, by="mei", evidence=" ")

    told.mitigate()
    assert told.due("resolve") == "15:00:00"
    with pytest.raises(Refused, match="cannot be mitigated"):
        told.mitigate()


@pytest.mark.parametrize("empty", ["confirmed", "impact_ended", "errors_normal"])
def test_resolve_asks_for_the_three_close_points(told: Told, empty: str) -> None:
    told.declare("mei")
    points = {"confirmed": "yes", "impact_ended": "13:14", "errors_normal": "yes", empty: " "}

    with pytest.raises(Refused, match=empty):
        told.do(lifecycle.resolve, by="mei", **points)


def test_a_refused_command_changes_nothing(told: Told) -> None:
    told.declare("mei")
    before = told.state

    with pytest.raises(Refused):
        told.do(lifecycle.mitigate, by="mei", evidence="")
    assert told.state == before


def test_once_it_is_over_nobody_acknowledges_raises_or_updates(told: Told) -> None:
    told.declare("mei").resolve()

    for command in (told.ack, told.update, told.mitigate, told.resolve):
        with pytest.raises(Refused):
            command()
    with pytest.raises(Refused, match="its severity stands"):
        told.severity("SEV2")


def test_dismissing_needs_a_reason(told: Told) -> None:
    told.alert()

    with pytest.raises(Refused, match="needs a reason"):
        told.do(lifecycle.dismiss, by="mei", reason="")


def test_a_note_stands_where_it_belongs_but_not_in_the_future_or_long_ago(told: Told) -> None:
    told.declare("mei")
    told.do(response.note, by="mei", text="saw it first", happened=told.instant("12:50:00"))
    assert told.events(ev.Noted)[0].at == told.instant("12:50:00")

    with pytest.raises(Refused, match="future"):
        told.do(response.note, by="mei", text="x", happened=told.instant("13:00:01"))
    with pytest.raises(Refused, match="week"):
        told.do(response.note, by="mei", text="x", happened=told.instant("-8d 13:00"))


# --- what is owed afterwards -----------------------------------------------------------------------------


@pytest.fixture
def resolved(told: Told) -> Told:
    told.declare("mei").ack().until("13:28:00").resolve()
    return told


def said(told: Told) -> list[str]:
    return [f"{e.at:%d %H:%M}" for e in told.events(ev.PostmortemOverdue)]


def test_the_postmortem_is_due_from_resolved_and_asked_for_every_day_until_it_is_published(
    resolved: Told,
) -> None:
    resolved.until("4d 14:00")
    assert said(resolved) == ["22 13:28", "23 13:28", "24 13:28"]
    assert [e.times for e in resolved.events(ev.PostmortemOverdue)] == [1, 2, 3]
    assert resolved.told("postmortem-overdue")[0][1] == "mei"

    resolved.do(lifecycle.publish_postmortem, by="mei", where="docs/pm.md")
    resolved.wait(days=9)
    assert len(said(resolved)) == 3


def test_days_slept_through_are_counted_not_repeated(resolved: Told) -> None:
    resolved.sleep(days=5, hours=1)

    assert [e.times for e in resolved.events(ev.PostmortemOverdue)] == [4]
    resolved.wait(hours=23)
    assert [e.times for e in resolved.events(ev.PostmortemOverdue)] == [4, 5]


def test_published_in_time_or_at_the_very_instant_nobody_is_reminded(resolved: Told) -> None:
    resolved.until("2d 13:28").do(lifecycle.publish_postmortem, by="mei", where="docs/pm.md")
    resolved.wait(days=9)

    assert said(resolved) == []


def test_five_days_for_sev3_none_for_sev4() -> None:
    three, four = Told(), Told()
    three.declare("mei", "SEV3").resolve()
    four.declare("mei", "SEV4").resolve().wait(days=400)

    assert postmortem.due_at(three.state, three.context) == three.instant("5d 13:00")
    assert said(four) == []


def test_close_names_everything_that_is_missing(resolved: Told) -> None:
    resolved.do(response.document_refused, document="postmortem", path="pm.md", reason="conflict markers")

    with pytest.raises(Refused) as refused:
        resolved.do(lifecycle.close, by="mei")
    assert refused.value.reason == (
        "not yet: the postmortem is not published; the log row is not written; "
        "the postmortem is still owed: conflict markers"
    )


def test_close_when_nothing_is_owed(resolved: Told) -> None:
    resolved.do(response.document_refused, document="log", path="incidents.md", reason="locked")
    resolved.do(response.document_written, document="log", path="incidents.md", digest="d")
    resolved.do(lifecycle.publish_postmortem, by="mei", where="docs/pm.md")
    resolved.do(lifecycle.close, by="mei")

    assert resolved.state.stage == "closed"
    assert resolved.due("postmortem") is None


def test_once_it_is_published_a_draft_that_could_not_be_written_is_not_owed(resolved: Told) -> None:
    resolved.do(response.document_written, document="log", path="incidents.md", digest="d")
    resolved.do(response.document_refused, document="postmortem", path="pm.md", reason="was edited")
    resolved.do(lifecycle.publish_postmortem, by="mei", where="pm.md")
    resolved.do(lifecycle.close, by="mei")

    assert resolved.state.stage == "closed"
    assert postmortem.documents_owed(resolved.state) == ()


def test_a_level_that_owes_no_postmortem_closes_without(told: Told) -> None:
    told.declare("mei", "SEV4").resolve()
    told.do(response.document_written, document="log", path="incidents.md", digest="d")
    told.do(lifecycle.close, by="mei")

    assert told.state.stage == "closed"


def test_only_what_is_resolved_is_closed_or_written_up(told: Told) -> None:
    told.declare("mei")

    with pytest.raises(Refused, match="cannot be closed"):
        told.do(lifecycle.close, by="mei")
    with pytest.raises(Refused, match="no postmortem to publish"):
        told.do(lifecycle.publish_postmortem, by="mei", where="docs/pm.md")


def test_the_same_refusal_of_a_document_is_said_once(resolved: Told) -> None:
    for _ in range(5):
        resolved.do(response.document_refused, document="log", path="incidents.md", reason="locked")

    assert len(resolved.events(ev.DocumentRefused)) == 1
