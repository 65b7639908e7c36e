"""Checks, actions and evidence beside the streams, on both databases."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.specimens import NOW, further, later, new, save
from store.test_streams import Killed, forget_fold, kill_at
from tocsin.domain import events as ev
from tocsin.domain.fold import fold
from tocsin.domain.incident import Incident
from tocsin.store.contract import (
    EVIDENCE_LIMIT,
    ActionRow,
    CheckRow,
    Commit,
    EvidenceRow,
    Store,
    StreamWrite,
)
from tocsin.store.rows import action_rows, check_rows, rows_of

FRIDAY, MONDAY = date(2026, 3, 6), date(2026, 3, 9)


def checked(number: int = 1, at: datetime = NOW, *, gate: str = "backup", **rest) -> ev.GateChecked:
    return ev.GateChecked(at, "mei", gate, number, True, **{"confirmed": True, **rest})


def opened_task(number: int = 1) -> ev.TaskOpened:
    return ev.TaskOpened(NOW, "mei", number, ev.Text("Rebuild the index"), gate="backup")


def added(number: int = 1, owner: str | None = "tom", due: date | None = FRIDAY, **rest) -> ev.ActionAdded:
    return ev.ActionAdded(NOW, "mei", number, ev.Text("Alert on queue depth"), "detect", owner, due, **rest)


def go_on(store: Store, ref: str, *events: ev.Event) -> None:
    save(store, further(store.incident(ref), *events))


def digest_of(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


# --- checks ----------------------------------------------------------------------------------------------------------


def test_a_check_is_a_row_as_its_incident_knows_it(store: Store) -> None:
    until, point = later(1800), later(-600)
    waiting = checked(confirmed=False, valid_until=until, restore_point=point)
    save(store, new("INC-1", opened_task(), waiting))
    row = CheckRow("INC-1", 1, "backup", "mei", NOW, True, False, until, point, False)
    assert store.checks() == [row]
    go_on(store, "INC-1", ev.GateConfirmed(later(60), "tom", "backup", 1))
    (confirmed,) = store.checks()
    assert (confirmed.confirmed, confirmed.used) == (True, False)
    go_on(store, "INC-1", ev.TaskStarted(later(90), "mei", 1, "check 1"))
    (used,) = store.checks()
    assert (used.confirmed, used.used, used.valid_until) == (True, True, until)


def test_the_checks_of_all_incidents_newest_first(store: Store) -> None:
    save(store, new("INC-1", checked(1)))
    save(store, new("CHG-2", checked(1, later(10)), checked(2, later(30), gate="freeze")))
    save(store, new("INC-3", checked(1, later(10)), checked(2, later(10))))
    order = [("CHG-2", 2), ("INC-3", 2), ("INC-3", 1), ("CHG-2", 1), ("INC-1", 1)]
    assert [(row.ref, row.number) for row in store.checks()] == order
    assert [(row.ref, row.number) for row in store.checks(2)] == order[:2]
    assert [(row.ref, row.number) for row in store.checks(2, gate="backup")] == order[1:3]
    assert store.checks(gate="other") == []
    with store.begin() as batch:
        assert batch.checks() == store.checks()
        assert batch.checks(1, gate="freeze") == store.checks(1)


def test_a_batch_that_is_rolled_back_leaves_no_check(store: Store) -> None:
    store.probe = kill_at("before_commit")
    with pytest.raises(Killed):
        save(store, new("INC-1", checked(), added()))
    store.probe = lambda point: None
    assert store.checks() == []
    assert store.actions(state=None) == []


# --- actions ---------------------------------------------------------------------------------------------------------


def test_an_action_is_a_row_until_it_is_proven(store: Store) -> None:
    save(store, new("INC-1", added(), drill=True))
    row = ActionRow("INC-1", 1, "tom", FRIDAY, "detect", "open", "Alert on queue depth", drill=True)
    assert store.actions() == [row]
    go_on(store, "INC-1", ev.ActionChanged(later(9), "mei", 1, "process", "aisha", MONDAY))
    (changed,) = store.actions()
    assert (changed.owner, changed.due, changed.kind) == ("aisha", MONDAY, "process")
    go_on(store, "INC-1", ev.ActionProven(later(99), "aisha", 1, ev.Text("fired in the drill of Monday")))
    assert store.actions() == []
    assert [row.state for row in store.actions(state="proven")] == ["proven"]
    assert store.actions(state="dropped") == []


def test_what_is_due_first_comes_first(store: Store) -> None:
    save(store, new("INC-1", added(1, "tom", MONDAY), added(2, None, None), added(3, "mei", FRIDAY)))
    save(store, new("INC-2", added(1, "tom", FRIDAY), added(2, "tom", None)))
    go_on(store, "INC-2", ev.ActionDropped(later(9), "mei", 2, ev.Text("the service goes")))

    def found(**asked) -> list[tuple[str, int]]:
        return [(row.ref, row.number) for row in store.actions(**asked)]

    assert found() == [("INC-1", 3), ("INC-2", 1), ("INC-1", 1), ("INC-1", 2)]
    assert found(limit=1) == [("INC-1", 3)]
    assert found(owner="tom") == [("INC-2", 1), ("INC-1", 1)]
    assert found(state=None) == [("INC-1", 1), ("INC-2", 1), ("INC-1", 3), ("INC-2", 2), ("INC-1", 2)]
    assert found(state=None, owner="tom", limit=2) == [("INC-1", 1), ("INC-2", 1)]


def test_an_action_may_say_anything(store: Store) -> None:
    words = "nul \x00, quote ' \" \\, % _ ?, {braces}, 猫"
    said = ev.ActionAdded(NOW, "mei", 1, ev.Text(words), "prevent", calendar="next sprint")
    save(store, new("INC-1", said))
    (row,) = store.actions()
    assert row.text == words.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    assert (row.owner, row.due) == (None, None)
    assert store.incident("INC-1").duties.action(1).text == words


def test_lists_say_no_more_than_the_codename_while_it_is_restricted(store: Store) -> None:
    save(store, new("INC-1", added()))
    title = store.incident("INC-1").title
    go_on(store, "INC-1", ev.Restricted(later(9), "mei", "Heron", ("mei",), ev.Text("a tenant's data")))

    def listed() -> list[str]:
        return [row.title for row in store.incidents(stage=None, level=None, q=None, before=None, limit=9)]

    assert (listed(), [row.text for row in store.actions()]) == (["Heron"], ["Heron"])
    assert not store.incidents(stage=None, level=None, q=title, before=None, limit=9)
    go_on(store, "INC-1", ev.Unrestricted(later(99), "mei", ev.Text("everybody knows")))
    assert (listed(), [row.text for row in store.actions()]) == ([title], ["Alert on queue depth"])


def test_folding_again_mends_the_rows(store: Store) -> None:
    """As after an upgrade whose fold makes something else of the same facts."""
    save(store, new("INC-1", checked(), added()))
    checks, actions = store.checks(), store.actions()
    with store.writing() as link:
        link.run("DELETE FROM gate_check")
        link.run("UPDATE action_item SET text = ''")
    forget_fold(store, "INC-1")
    assert store.refold() == 1
    assert store.checks() == checks
    assert store.actions() == actions


FACTS = st.lists(
    st.one_of(
        st.builds(ev.GateConfirmed, st.just(NOW), st.just("tom"), st.just("backup"), st.integers(1, 3)),
        st.builds(
            lambda n, c: ev.TaskStarted(NOW, "mei", n, f"check {c}"), st.integers(1, 2), st.integers(1, 3)
        ),
        st.builds(
            lambda n, due: ev.ActionChanged(NOW, "mei", n, "process", None, due),
            st.integers(1, 2),
            st.sampled_from([None, FRIDAY, MONDAY]),
        ),
        st.builds(ev.ActionProven, st.just(NOW), st.just("mei"), st.integers(1, 2), st.just(ev.Text("seen"))),
        st.builds(
            ev.ActionDropped, st.just(NOW), st.just("mei"), st.integers(1, 2), st.just(ev.Text("moot"))
        ),
        st.just(ev.Noted(NOW, "mei", ev.Text("well"))),
    ),
    max_size=8,
)


@given(FACTS, st.sets(st.integers(0, 14)))
def test_rows_follow_the_state_however_facts_are_spread_over_commits(
    facts: list[ev.Event], cuts: set[int]
) -> None:
    tasks = (opened_task(1), opened_task(2))
    events = [
        *new("INC-1").events,
        *tasks,
        checked(1),
        added(1),
        checked(2, confirmed=False),
        added(2),
        *facts,
    ]
    state: Incident | None = None
    checks: dict[tuple[str, int], tuple] = {}
    actions: dict[tuple[str, int], tuple] = {}
    places = sorted({0, len(events), *(cut for cut in cuts if cut < len(events))})
    for begin, end in pairwise(places):
        before = 0 if state is None else state.version
        portion = tuple(events[begin:end])
        state = fold(portion, state)
        rows = rows_of(Commit(NOW, (StreamWrite(state, before, portion, (), None),)), "epoch", {})
        checks |= {row[:2]: row for row in rows.checks}
        actions |= {row[:2]: row for row in rows.actions}
    assert state is not None
    assert list(checks.values()) == check_rows(state)
    assert list(actions.values()) == action_rows(state)


def test_a_commit_about_nothing_of_the_kind_writes_no_such_rows() -> None:
    begun = new("INC-1", checked(), added()).state
    told = further(begun, ev.Acknowledged(later(5), "mei", "phone"))
    rows = rows_of(Commit(NOW, (told,)), "epoch", {})
    assert (rows.checks, rows.actions) == ([], [])


# --- evidence --------------------------------------------------------------------------------------------------------


def test_a_file_is_kept_byte_for_byte_and_once(store: Store) -> None:
    body = bytes(range(256)) * 999
    kept = store.keep_evidence(digest_of(body), body, "image/png", NOW)
    assert kept == EvidenceRow(digest_of(body), len(body), "image/png", NOW)
    assert store.keep_evidence(digest_of(body), body, "text/plain", later(60)) == kept
    assert store.evidence(digest_of(body)) == (kept, body)
    assert store.evidence(digest_of(b"another")) is None


def test_an_empty_file_is_a_file(store: Store) -> None:
    kept = store.keep_evidence(digest_of(b""), b"", "nul\x00", NOW)
    assert (kept.size, kept.media_type) == (0, "nul\N{REPLACEMENT CHARACTER}")
    assert store.evidence(kept.digest) == (kept, b"")


def test_the_largest_file_is_kept_and_a_byte_more_is_not(store: Store) -> None:
    most = bytes(EVIDENCE_LIMIT)
    assert store.keep_evidence(digest_of(most), most, "application/x-tar", NOW).size == EVIDENCE_LIMIT
    more = most + b"!"
    with pytest.raises(ValueError, match="are more than"):
        store.keep_evidence(digest_of(more), more, "application/x-tar", NOW)
    assert store.evidence(digest_of(more)) is None


@pytest.mark.parametrize("digest", ["", "sha256:1", digest_of(b"something else"), digest_of(b"log").upper()])
def test_a_digest_that_is_none_of_these_bytes_is_refused(store: Store, digest: str) -> None:
    with pytest.raises(ValueError, match="is not the SHA-256"):
        store.keep_evidence(digest, b"log", "text/plain", NOW)
    assert store.evidence(digest) is None


# --- drills and kinds ------------------------------------------------------------------------------------------------


def test_the_list_says_what_is_a_drill_and_what_no_incident(store: Store) -> None:
    save(store, new("INC-1", drill=True), new("INC-2", kind="near-miss"), new("CHG-3", kind="change"))
    go_on(store, "INC-1", ev.Acknowledged(later(5), "mei", "phone"))
    rows = store.incidents(stage=None, level=None, q=None, before=None, limit=9)
    said = {row.ref: (row.drill, row.kind, row.stage) for row in rows}
    assert said == {
        "INC-1": (True, "incident", "triage"),
        "INC-2": (False, "near-miss", "recorded"),
        "CHG-3": (False, "change", "recorded"),
    }


def test_what_is_merged_or_only_recorded_is_not_open(store: Store) -> None:
    save(store, new("INC-1"), new("INC-2"), new("CHG-3", kind="change"))
    go_on(store, "INC-1", ev.Merged(later(5), "mei", "INC-2", ev.Text("the same")))
    rows = store.incidents(stage="open", level=None, q=None, before=None, limit=9)
    assert [row.ref for row in rows] == ["INC-2"]
    rows = store.incidents(stage="merged", level=None, q=None, before=None, limit=9)
    assert [row.ref for row in rows] == ["INC-1"]
    assert store.open_refs() == ["CHG-3", "INC-2"]
