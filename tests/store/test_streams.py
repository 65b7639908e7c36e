"""The contract of streams, on both databases."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from sqlalchemy import text

from store.specimens import NOW, further, later, new, opening, page, save
from tocsin.domain import events as ev
from tocsin.domain.fold import FOLD
from tocsin.domain.incident import Incident, Stage
from tocsin.store import codec
from tocsin.store.contract import (
    AlertRow,
    ClaimTaken,
    Commit,
    DocumentMemory,
    Store,
    StreamWrite,
    UnknownEvent,
    VersionConflict,
)

ACK = ev.Acknowledged(later(60), "mei", "phone")


class Killed(BaseException):
    pass


def kill_at(point: str):
    def probe(here: str) -> None:
        if here == point:
            raise Killed(here)

    return probe


# --- writing and reading ---------------------------------------------------------------------------------------------


def test_what_was_written_is_read_again(store: Store) -> None:
    write = new("INC-1", ACK, due=later(300), claim="prometheus/a", service="shop")
    recorded = save(store, write, at=later(1))
    assert [(r.seq, r.ref, r.version, r.recorded_at) for r in recorded] == [
        (1, "INC-1", 1, later(1)),
        (2, "INC-1", 2, later(1)),
    ]
    assert [r.event for r in recorded] == list(write.events)
    assert store.timeline("INC-1") == recorded
    assert store.feed(0) == recorded
    assert store.feed(1) == recorded[1:]
    assert store.timeline("INC-1", after=1) == recorded[1:]
    assert store.feed(0, limit=1) == recorded[:1]
    assert store.last_seq() == 2
    assert store.incident("INC-1") == write.state
    assert store.incident("INC-2") is None
    with store.begin() as batch:
        assert batch.load(["INC-1", "INC-2", "INC-1"]) == {"INC-1": write.state}
        assert batch.load([]) == {}


def test_the_list_columns_follow_the_state(store: Store) -> None:
    save(store, new("INC-1", due=later(300), service="shop"))
    save(store, further(store.incident("INC-1"), ACK, due=None), at=later(60))
    (row,) = store.incidents(stage=None, level=None, q=None, before=None, limit=10)
    assert dataclasses.asdict(row) == {
        "ref": "INC-1",
        "title": "Checkout answers 500",
        "stage": "triage",
        "paging": "acked",
        "level": "SEV1",
        "service": "shop",
        "opened_at": NOW,
        "updated_at": later(60),
        "next_due": None,
        "version": 2,
        "drill": False,
        "kind": "incident",
    }


def test_any_text_comes_back_as_it_was(store: Store) -> None:
    words = "nul \x00, quote ' \" \\, % _ ?, {braces}, 猫, \U0001f6a8, \u2028"
    write = new("INC-1", ev.Noted(NOW, "mei", ev.Text(words)), ev.Noted(NOW, "mei", ev.Text("")), title=words)
    recorded = save(store, write)
    assert store.timeline("INC-1") == recorded
    assert store.incident("INC-1") == write.state


def test_a_blanked_text_reads_as_redacted(store: Store) -> None:
    save(store, new("INC-1", ev.Noted(NOW, "mei", ev.Text("call 555 1234"))))
    with store.writing() as link:
        link.core.execute(text("UPDATE text SET body = NULL"))
    assert [getattr(r.event, "text", None) for r in store.timeline("INC-1")] == [None, codec.REDACTED]


def test_no_text_stands_in_an_event_row(store: Store) -> None:
    save(store, new("INC-1", ev.Noted(NOW, "mei", ev.Text("call 555 1234"))))
    with store.reading() as link:
        bodies = [body for (body,) in link.core.execute(text("SELECT body FROM event"))]
    assert not any("call 555" in body or "Checkout" in body for body in bodies)


def test_nothing_to_write_is_nothing_written(store: Store) -> None:
    assert save(store) == []
    assert store.last_seq() == 0


def test_two_writes_of_a_stream_in_one_commit_are_one(store: Store) -> None:
    first = new("INC-1")
    second = further(first.state, ACK, due=later(9))
    assert [r.version for r in save(store, first, second)] == [1, 2]
    assert store.incident("INC-1") == second.state
    assert store.next_due() == later(9)


def test_a_wake_up_may_move_without_an_event(store: Store) -> None:
    write = new("INC-1", due=later(5))
    save(store, write)
    save(store, further(write.state, due=later(50)))
    assert store.next_due() == later(50)


# --- races -----------------------------------------------------------------------------------------------------------


def test_who_comes_second_is_told_and_changes_nothing(store: Store) -> None:
    a, b = new("INC-1"), new("INC-2")
    save(store, a, b)
    save(store, further(a.state, ACK))
    with pytest.raises(VersionConflict) as conflict:
        save(store, further(b.state, ACK), further(a.state, ev.Acknowledged(later(61), "tom", "cli")))
    assert conflict.value.refs == ("INC-1",)
    assert store.incident("INC-2") == b.state
    assert store.last_seq() == 3


def test_a_reference_is_opened_once(store: Store) -> None:
    save(store, new("INC-1"))
    with pytest.raises(VersionConflict) as conflict:
        save(store, new("INC-1", title="another"))
    assert conflict.value.refs == ("INC-1",)


def test_a_claim_has_one_holder(store: Store) -> None:
    save(store, new("INC-1", claim="prometheus/a"))
    with pytest.raises(ClaimTaken) as taken:
        save(store, new("INC-2", claim="prometheus/a"))
    assert taken.value.claim == "prometheus/a"
    assert store.incident("INC-2") is None
    with store.begin() as batch:
        tail = batch.reserve(["prometheus/a", "prometheus/b"], [], [])
    assert tail.claims == {"prometheus/a": "INC-1"}


def test_two_openings_of_one_commit_cannot_share_a_claim(store: Store) -> None:
    with pytest.raises(ClaimTaken):
        save(store, new("INC-1", claim="prometheus/a"), new("INC-2", claim="prometheus/a"))


@pytest.mark.parametrize("loaded", [True, False])
def test_a_claim_is_free_once_it_is_resolved(store: Store, loaded: bool) -> None:
    write = new("INC-1", claim="prometheus/a")
    save(store, write)
    resolved = ev.Resolved(later(9), "mei", *map(ev.Text, ("yes", "yes", "yes")))
    with store.begin() as batch:
        if loaded:
            batch.load(["INC-1"])
        batch.write(Commit(later(9), (further(write.state, resolved), new("INC-2", claim="prometheus/a"))))
    with store.begin() as batch:
        assert batch.reserve(["prometheus/a"], [], []).claims == {"prometheus/a": "INC-2"}


RESOLVED = ev.Resolved(later(90), "mei", *map(ev.Text, ("yes", "yes", "yes")))
REOPENED = ev.Reopened(later(99), "mei", ev.Text("it is back"))


def holders(store: Store, *claims: str) -> dict[str, str]:
    with store.begin() as batch:
        return batch.reserve(claims, [], []).claims


def merging(child: Incident, parent: Incident) -> tuple[StreamWrite, StreamWrite]:
    """The two writes of a merge, as the decisions of both sides make them."""
    absorbed = ev.Absorbed(later(30), "mei", child.ref, ev.Text(child.title), 0, child.all_claims)
    merged = ev.Merged(later(30), "mei", parent.ref, ev.Text("the same"))
    return further(child, merged), further(parent, absorbed)


@pytest.mark.parametrize("loaded", [True, False])
@pytest.mark.parametrize(("child", "parent"), [("INC-1", "INC-2"), ("INC-2", "INC-1")])
def test_a_merge_moves_the_claim_in_one_commit(store: Store, child: str, parent: str, loaded: bool) -> None:
    writes = {ref: new(ref, claim=f"prometheus/{ref}") for ref in (child, parent)}
    save(store, *writes.values())
    with store.begin() as batch:
        if loaded:
            batch.load([child, parent])
        batch.write(Commit(later(30), merging(writes[child].state, writes[parent].state)))
    assert store.incident(parent).claims == (f"prometheus/{parent}", f"prometheus/{child}")
    assert holders(store, "prometheus/INC-1", "prometheus/INC-2") == {
        "prometheus/INC-1": parent,
        "prometheus/INC-2": parent,
    }


@pytest.mark.parametrize("loaded", [True, False])
def test_a_stream_holds_three_claims_frees_and_takes_them_together(store: Store, loaded: bool) -> None:
    claims = ("prometheus/a", "prometheus/b", "prometheus/c")
    a, b, c = (new(f"INC-{claim[-1]}", claim=claim) for claim in claims)
    save(store, a, b, c)
    save(store, *merging(b.state, a.state))
    save(store, *merging(c.state, store.incident("INC-a")))
    assert holders(store, *claims) == dict.fromkeys(claims, "INC-a")

    def step(*events: ev.Event) -> None:
        state = store.incident("INC-a")
        with store.begin() as batch:
            if loaded:
                batch.load(["INC-a"])
            batch.write(Commit(later(100), (further(state, *events),)))

    step(ACK)
    assert holders(store, *claims) == dict.fromkeys(claims, "INC-a")
    step(RESOLVED)
    assert holders(store, *claims) == {}
    step(REOPENED)
    assert holders(store, *claims) == dict.fromkeys(claims, "INC-a")
    step(RESOLVED)
    save(store, new("INC-d", claim="prometheus/b"))
    with pytest.raises(ClaimTaken) as taken:
        step(REOPENED)
    assert taken.value.claim == "prometheus/b"
    assert holders(store, *claims) == {"prometheus/b": "INC-d"}
    assert store.incident("INC-a").stage == Stage.RESOLVED


def test_two_merges_of_one_commit_end_where_the_last_one_leads(store: Store) -> None:
    a, b, c = (new(f"INC-{name}", claim=f"prometheus/{name}") for name in "abc")
    save(store, a, b, c)
    with store.begin() as batch:
        batch.load(["INC-a", "INC-b", "INC-c"])
        first = merging(a.state, b.state)
        batch.write(Commit(later(30), (*first, *merging(first[1].state, c.state))))
    claims = [f"prometheus/{name}" for name in "abc"]
    assert holders(store, *claims) == dict.fromkeys(claims, "INC-c")


def test_a_merge_that_is_killed_leaves_the_claims_where_they_were(store: Store) -> None:
    a, b = (new(f"INC-{name}", claim=f"prometheus/{name}") for name in "ab")
    save(store, a, b)
    store.probe = kill_at("before_commit")
    with pytest.raises(Killed):
        save(store, *merging(a.state, b.state), moved=(("INC-a", "INC-b"),))
    store.probe = lambda point: None
    assert holders(store, "prometheus/a", "prometheus/b") == {
        "prometheus/a": "INC-a",
        "prometheus/b": "INC-b",
    }


def test_a_held_claim_stays_held(store: Store) -> None:
    write = new("INC-1", claim="prometheus/a")
    save(store, write)
    save(store, further(write.state, ACK))
    with store.begin() as batch:
        assert batch.reserve(["prometheus/a"], [], []).claims == {"prometheus/a": "INC-1"}


# --- kills -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("point", ["begin", "before_write", "before_commit"])
def test_a_kill_before_the_commit_leaves_nothing(store: Store, point: str) -> None:
    told = []
    store.on_commit(lambda: told.append(1))
    store.probe = kill_at(point)
    with pytest.raises(Killed):
        save(store, new("INC-1", claim="prometheus/a"))
    store.probe = lambda point: None
    assert told == []
    assert store.last_seq() == 0
    assert store.incidents(stage=None, level=None, q=None, before=None, limit=1) == []
    save(store, new("INC-2", claim="prometheus/a"))


def test_a_kill_after_the_commit_loses_nothing(store: Store) -> None:
    store.probe = kill_at("after_commit")
    with pytest.raises(Killed):
        save(store, new("INC-1"))
    store.probe = lambda point: None
    assert store.last_seq() == 1
    save(store, new("INC-2"))


def test_an_error_inside_rolls_everything_back(store: Store) -> None:
    def fail() -> None:
        with store.begin() as batch:
            assert batch.next_numbers(2026, 1) == [1]
            batch.write(Commit(NOW, (new("INC-1"),)))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with store.begin() as batch:
        assert batch.next_numbers(2026, 1) == [1]
    assert store.last_seq() == 0


def test_a_commit_is_told(store: Store) -> None:
    told = []
    store.on_commit(lambda: told.append(store.last_seq()))
    save(store, new("INC-1"))
    with store.begin() as batch:
        batch.load(["INC-1"])
    assert told == [1]


# --- wake-ups --------------------------------------------------------------------------------------------------------


def test_due_streams_are_taken_earliest_first(store: Store) -> None:
    for ref, due in (("INC-1", 30), ("INC-2", 10), ("INC-3", 20), ("INC-4", 40)):
        save(store, new(ref, due=later(due)))
    save(store, new("INC-5"))
    assert store.next_due() == later(10)
    assert store.next_due(["INC-2", "INC-3"]) == later(30)
    with store.begin() as batch:
        assert list(batch.take_due(later(30), 10, [])) == ["INC-2", "INC-3", "INC-1"]
        assert list(batch.take_due(later(30), 2, ["INC-2"])) == ["INC-3", "INC-1"]
        assert batch.take_due(later(10) - timedelta(microseconds=1), 10, []) == {}
        assert list(batch.take_due(later(10), 10, [])) == ["INC-2"]
    store.set_next_due("INC-2", later(99))
    assert store.next_due() == later(20)
    store.set_next_due("INC-2", None)
    assert store.next_due(["INC-1", "INC-3", "INC-4"]) is None


# --- numbers, alerts, answers, documents -----------------------------------------------------------------------------


def test_numbers_are_given_once_per_year(store: Store) -> None:
    with store.begin() as batch:
        assert batch.next_numbers(2026, 2) == [1, 2]
        assert batch.next_numbers(2026, 1) == [3]
        assert batch.next_numbers(2027, 1) == [1]
    store.raise_number(2026, 40)
    store.raise_number(2026, 7)
    store.raise_number(2028, 5)
    with store.begin() as batch:
        assert batch.next_numbers(2026, 1) == [41]
        assert batch.next_numbers(2028, 2) == [6, 7]


def test_an_alert_is_one_row(store: Store) -> None:
    first = AlertRow("prometheus", "a", "INC-1", True, "critical", 1, NOW, NOW)
    again = dataclasses.replace(first, count=2, last_at=later(5))
    other = dataclasses.replace(first, dedup_key="b", ref="INC-2", firing=False)
    save(store, alerts=(first,))
    save(store, alerts=(first, again, other))
    assert store.alerts("INC-1") == [again]
    with store.begin() as batch:
        tail = batch.reserve([], [("prometheus", "b"), ("prometheus", "a"), ("b", "prometheus")], [])
    assert tail.alerts == {("prometheus", "a"): again, ("prometheus", "b"): other}


def alert(key: str, ref: str, *, count: int = 1) -> AlertRow:
    return AlertRow("prometheus", key, ref, True, "critical", count, NOW, NOW)


def test_the_alerts_of_a_merged_incident_point_at_the_other_one(store: Store) -> None:
    save(store, alerts=(alert("a", "INC-1"), alert("b", "INC-1"), alert("c", "INC-2"), alert("d", "INC-3")))
    save(store, moved=(("INC-1", "INC-2"),))
    assert store.alerts("INC-1") == []
    assert store.alerts("INC-2") == [alert(key, "INC-2") for key in "abc"]
    assert store.alerts("INC-3") == [alert("d", "INC-3")]
    with store.begin() as batch:
        assert sorted(row.dedup_key for row in batch.alerts("INC-2")) == ["a", "b", "c"]


def test_what_arrives_in_the_commit_of_a_merge_points_at_the_other_one_as_well(store: Store) -> None:
    save(store, alerts=(alert("a", "INC-1"),))
    save(store, alerts=(alert("a", "INC-1", count=2), alert("b", "INC-1")), moved=(("INC-1", "INC-2"),))
    assert store.alerts("INC-2") == [alert("a", "INC-2", count=2), alert("b", "INC-2")]


@pytest.mark.parametrize(
    ("moved", "goals"),
    [
        ((("INC-1", "INC-2"), ("INC-2", "INC-3")), ("INC-3", "INC-3")),
        ((("INC-2", "INC-3"), ("INC-1", "INC-2")), ("INC-2", "INC-3")),
        ((("INC-1", "INC-3"), ("INC-2", "INC-3")), ("INC-3", "INC-3")),
        ((("INC-1", "INC-3"), ("INC-1", "INC-3")), ("INC-3", "INC-2")),
    ],
)
def test_merges_of_one_commit_move_alerts_in_their_order(
    store: Store, moved: tuple[tuple[str, str], ...], goals: tuple[str, str]
) -> None:
    save(store, alerts=(alert("a", "INC-1"), alert("b", "INC-2")))
    save(store, moved=moved)
    with store.begin() as batch:
        rows = batch.reserve([], [("prometheus", "a"), ("prometheus", "b")], []).alerts.values()
    assert tuple(row.ref for row in sorted(rows, key=lambda row: row.dedup_key)) == goals


def test_answers_are_kept_for_a_day(store: Store) -> None:
    save(store, answers=(("k1", b"\x00one"), ("k2", b"two")))
    save(store, at=later(86400), answers=(("k3", b"three"),))
    with store.begin() as batch:
        assert batch.reserve([], [], ["k1", "k3", "k4"]).answers == {"k1": b"\x00one", "k3": b"three"}
    save(store, at=later(86400.001), answers=(("k4", b"four"),))
    with store.begin() as batch:
        assert batch.reserve([], [], ["k1", "k2", "k3", "k4"]).answers == {"k3": b"three", "k4": b"four"}
    save(store, at=later(86400.002), answers=(("k1", b"again"),))


def test_a_key_is_answered_once(store: Store) -> None:
    save(store, answers=(("k1", b"one"),))
    with pytest.raises(VersionConflict):
        save(store, new("INC-1"), answers=(("k1", b"two"),))
    assert store.incident("INC-1") is None


def test_what_was_written_into_the_repository_is_remembered(store: Store) -> None:
    first = DocumentMemory("INC-1", "log", "docs/log.md", "| 1 |")
    then = dataclasses.replace(first, content="| 2 |")
    save(store, documents=(first,))
    save(store, documents=(first, then))
    assert store.document("INC-1", "log") == then
    assert store.document("INC-1", "postmortem") is None


# --- lists -----------------------------------------------------------------------------------------------------------


def test_incidents_newest_first_and_filtered(store: Store) -> None:
    for n in range(1, 6):
        opened = dataclasses.replace(opening(f"INC-{n}", title=f"50%_{n} down"), at=later(n // 2))
        state = codec.decode_state(codec.to_json(new(f"INC-{n}").state))
        state = dataclasses.replace(state, opened_at=opened.at, title=opened.title)
        save(store, dataclasses.replace(new(f"INC-{n}"), state=state))
    closed = ev.Dismissed(later(9), "mei", ev.Text("none"))
    save(store, further(store.incident("INC-2"), closed))

    def refs(stage=None, level=None, q=None, before=None, limit=10) -> list[str]:
        rows = store.incidents(stage=stage, level=level, q=q, before=before, limit=limit)
        return [row.ref for row in rows]

    assert refs() == ["INC-5", "INC-4", "INC-3", "INC-2", "INC-1"]
    assert refs(limit=2) == ["INC-5", "INC-4"]
    assert refs(before="INC-4") == ["INC-3", "INC-2", "INC-1"]
    assert refs(stage="open") == ["INC-5", "INC-4", "INC-3", "INC-1"]
    assert refs(stage="dismissed") == ["INC-2"]
    assert refs(level="SEV2") == []
    assert refs(q="%_3 DOWN") == ["INC-3"]
    assert refs(q="inc-5") == ["INC-5"]
    assert refs(q="50x") == []
    assert refs(q="\\") == []
    assert store.open_refs() == ["INC-1", "INC-3", "INC-4", "INC-5"]


def test_test_pages_are_left_out_of_a_list_that_does_not_want_them(store: Store) -> None:
    for ref, kind in (("INC-1", "incident"), ("TEST-2", "test"), ("CHG-3", "change")):
        write = new(ref)
        save(store, dataclasses.replace(write, state=dataclasses.replace(write.state, kind=kind)))
    lists = [
        {row.ref for row in store.incidents(stage="open", level=None, q=None, before=None, limit=9, **more)}
        for more in ({}, {"tests": False})
    ]
    assert lists == [{"INC-1", "TEST-2", "CHG-3"}, {"INC-1", "CHG-3"}]


def test_pages_follow_their_events(store: Store) -> None:
    calls = [ev.PageRequested(later(n), n, "mei", 0, 0, ("sms", "voice")) for n in (1, 2)]
    write = new("INC-1", *calls, ev.PageFailed(later(3), 1, "mei", "sms", "no route"))
    save(store, write)
    ended = ev.PageEnded(later(5), 1, "mei", "unreachable")
    save(
        store,
        further(
            write.state,
            ev.PageFailed(later(4), 1, "mei", "voice", "busy"),
            ended,
            ev.PageSent(later(5), 2, "mei", "sms"),
        ),
    )
    save(store, new("INC-2", ev.PageRequested(later(9), 1, "tom", 1, 0, ("sms",), urgent=False)))
    newest, second, first = store.pages(None)
    assert (newest.ref, newest.person, newest.rung, newest.seq) == ("INC-2", "tom", 1, 9)
    assert (second.number, second.outcome, second.sent, second.failed) == (2, None, True, ())
    assert (first.number, first.outcome, first.sent, first.failed) == (
        1,
        "unreachable",
        False,
        ("sms", "voice"),
    )
    assert first.requested_at == later(1)
    assert store.pages("INC-1") == [second, first]
    assert store.pages(None, before=newest.seq, limit=1) == [second]


# --- upgrades and audit ----------------------------------------------------------------------------------------------


def forget_fold(store: Store, ref: str) -> None:
    """As if an older program had written the snapshot."""
    with store.writing() as link:
        link.run("UPDATE stream SET fold = ?, state = ? WHERE ref = ?", FOLD - 1, "{}", ref)


def add_unknown(store: Store, ref: str, version: int) -> None:
    with store.writing() as link:
        seq = link.last_seq_locked() + 1
        link.run(
            "INSERT INTO event (seq, ref, version, kind, schema, at, recorded_at, body) "
            "VALUES (?, ?, ?, 'Teleported', 1, 0, 0, ?)",
            seq,
            ref,
            version,
            "{}",
        )


def test_another_fold_is_folded_again_on_load(store: Store) -> None:
    write = new("INC-1", ACK, due=later(5))
    save(store, write)
    forget_fold(store, "INC-1")
    assert store.incident("INC-1") == write.state
    with store.begin() as batch:
        assert batch.load(["INC-1"]) == {"INC-1": write.state}
        assert batch.take_due(later(9), 1, []) == {"INC-1": write.state}


def test_open_streams_are_folded_again_in_portions(store: Store) -> None:
    writes = [new(f"INC-{n}", due=later(n)) for n in range(1, 5)]
    save(store, *writes)
    for write in writes:
        forget_fold(store, write.state.ref)
    add_unknown(store, "INC-2", 2)
    assert store.refold(2, lambda state: later(100)) == 2
    assert store.refold(2) == 1
    assert store.refold(2) == 0
    assert store.incident("INC-4") == writes[3].state
    assert store.next_due(["INC-2"]) == later(4)
    assert store.next_due(["INC-2", "INC-4"]) == later(100)
    assert store.drift(["INC-1", "INC-3", "INC-4"]) == []


def test_an_unknown_kind_is_named_and_the_others_go_on(store: Store) -> None:
    save(store, new("INC-1", due=later(1)), new("INC-2", due=later(2)))
    forget_fold(store, "INC-1")
    add_unknown(store, "INC-1", 2)
    with pytest.raises(LookupError, match="Teleported") as unknown, store.begin() as batch:
        batch.load(["INC-1", "INC-2"])
    assert isinstance(unknown.value, UnknownEvent)
    assert (unknown.value.ref, unknown.value.kind) == ("INC-1", "Teleported")
    with pytest.raises(UnknownEvent), store.begin() as batch:
        batch.take_due(later(9), 10, [])
    with store.begin() as batch:
        assert list(batch.take_due(later(9), 10, ["INC-1"])) == ["INC-2"]
    assert [r.ref for r in store.feed(0)] == ["INC-1", "INC-2"]
    assert store.feed(2) == []


def test_drift_is_seen(store: Store) -> None:
    write = new("INC-1", ACK)
    save(store, write, new("INC-2"))
    wrong = codec.to_json(dataclasses.replace(write.state, acked_by="tom"))
    with store.writing() as link:
        link.run("UPDATE stream SET state = ? WHERE ref = ?", wrong, "INC-1")
    assert store.drift(["INC-1", "INC-2", "INC-3"]) == ["INC-1"]


def test_effects_are_written_with_their_events(store: Store) -> None:
    save(store, new("INC-1", effects=((1, page()), (1, page(lane="voice")))))
    keys = sorted(row.key for row in store.effects("INC-1"))
    assert keys == [f"{store.epoch}/INC-1/1/1", f"{store.epoch}/INC-1/1/2"]


def test_streams_of_a_kind_that_were_opened_lately(store: Store) -> None:
    for ref, kind, at in (
        ("TEST-1", "test", 0),
        ("TEST-2", "test", 60),
        ("INC-1", "incident", 90),
        ("TEST-3", "test", 120),
    ):
        write = new(ref, kind=kind)
        save(store, dataclasses.replace(write, state=dataclasses.replace(write.state, opened_at=later(at))))
    with store.begin() as batch:
        assert batch.opened_since("test", later(60)) == ["TEST-2", "TEST-3"]
        assert batch.opened_since("test", later(121)) == []
