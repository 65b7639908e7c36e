"""The contract of effects: what is taken, in which order, by whom, and when it is free again."""

from __future__ import annotations

import pytest

from store.specimens import LEASE, NOW, further, later, new, notice, page, save, settle, take, with_effects
from store.test_streams import Killed, kill_at
from tocsin.domain import events as ev
from tocsin.domain.effects import Drop, Write
from tocsin.store.contract import Node, Store
from tocsin.store.tables import effect

NOTED = ev.Noted(NOW, "mei", ev.Text("well"))


def states(store: Store, ref: str = "INC-1") -> dict[str, str]:
    return {f"{row.topic}#{row.key.split('/', 2)[2]}": row.state for row in store.effects(ref)}


def test_the_order_of_leaving(store: Store) -> None:
    """oncall.md S5: urgent pages, pages, notices, documents; oldest first."""
    write = Write("log", "write/log", lane="sms")
    with_effects(store, "INC-1", write, notice(), page(1, urgent=False), page(2), at=later(1))
    with_effects(store, "INC-2", page(1), notice("tom"), at=NOW)
    taken = [(t.ref, t.effect.topic) for _ in range(3) for t in take(store, at=later(2), limit=2)]
    assert taken == [
        ("INC-2", "page/1/sms"),
        ("INC-1", "page/2/sms"),
        ("INC-1", "page/1/sms"),
        ("INC-2", "notice/update"),
        ("INC-1", "notice/update"),
        ("INC-1", "write/log"),
    ]


def test_what_is_taken_says_all_a_sender_needs(store: Store) -> None:
    with_effects(store, "INC-1", page(), at=later(1))
    (taken,) = take(store, at=later(2))
    assert taken.key == f"{store.epoch}/INC-1/1/1"
    assert (taken.ref, taken.lane, taken.effect) == ("INC-1", "sms", page())
    assert taken.attempts == 1
    assert take(store, "voice", at=later(2)) == []


def test_a_leased_effect_is_free_when_its_lease_ends(store: Store) -> None:
    with_effects(store, "INC-1", page())
    assert store.next_effect_due("sms") == NOW
    take(store)
    assert store.next_effect_due("sms") == NOW + LEASE
    assert store.next_effect_due("voice") is None
    assert take(store, at=NOW + LEASE - (later(1) - NOW), owner="node-2") == []
    (again,) = take(store, at=NOW + LEASE, owner="node-2")
    assert again.attempts == 2


def test_the_leases_of_a_silent_node_are_free_at_once(store: Store) -> None:
    with_effects(store, "INC-1", page(), page(2))
    store.beat(Node("node-1", "serve", NOW, NOW))
    store.beat(Node("node-2", "serve", NOW, NOW))
    take(store, owner="node-1", limit=1)
    take(store, owner="node-2", limit=1)
    assert take(store, at=later(3), owner="node-2") == []
    (taken,) = take(store, at=later(3.5), owner="node-2")
    assert taken.effect.topic == "page/1/sms"


def test_outcomes_are_terminal_and_the_first_one_stays(store: Store) -> None:
    with_effects(store, "INC-1", page(1), page(2), page(3))
    one, two, three = take(store)
    settle(store, one.key, "done", at=later(1), detail="id 7")
    settle(store, two.key, "failed", at=later(1), detail="no such number")
    settle(store, three.key, "in_doubt", at=later(1))
    settle(store, one.key, "failed", at=later(2))
    settle(store, one.key, "retry", at=later(2))
    rows = {row.key: row for row in store.effects("INC-1")}
    assert [rows[t.key].state for t in (one, two, three)] == ["done", "failed", "in_doubt"]
    assert (rows[one.key].settled_at, rows[one.key].detail) == (later(1), "id 7")
    assert take(store, at=later(1000)) == []
    assert [row.key for row in store.effects(None, state="failed")] == [two.key]


def test_a_retry_waits_until_it_is_due(store: Store) -> None:
    with_effects(store, "INC-1", page())
    (taken,) = take(store)
    settle(store, taken.key, "retry", detail="busy", due_at=later(20))
    assert store.next_effect_due("sms") == later(20)
    assert take(store, at=later(19)) == []
    (again,) = take(store, at=later(20))
    assert again.attempts == 2


def test_a_retry_of_a_lost_lease_changes_nothing(store: Store) -> None:
    with_effects(store, "INC-1", page())
    (taken,) = take(store)
    take(store, at=later(30), owner="node-2")
    settle(store, taken.key, "retry", due_at=later(31), owner="node-1")
    assert store.next_effect_due("sms") == later(60)
    settle(store, taken.key, "retry", due_at=later(31), owner="node-2")
    assert store.next_effect_due("sms") == later(31)


def test_an_outcome_that_is_none_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="lost"):
        settle(store, "x", "lost")


def test_a_drop_reaches_what_waits_under_its_topic(store: Store) -> None:
    state = with_effects(store, "INC-1", page(1), page(1, lane="voice"), page(11), notice())
    with_effects(store, "INC-2", page(1))
    save(store, further(state, NOTED, effects=((2, Drop("page/1/")),)), at=later(5))
    assert states(store) == {
        "page/1/sms#1/1": "dropped",
        "page/1/voice#1/2": "dropped",
        "page/11/sms#1/3": "waiting",
        "notice/update#1/4": "waiting",
    }
    assert states(store, "INC-2") == {"page/1/sms#1/1": "waiting"}
    assert {row.settled_at for row in store.effects("INC-1", state="dropped")} == {later(5)}
    assert take(store, "voice", at=later(9)) == []


def test_drops_apply_in_order(store: Store) -> None:
    drop = Drop("page/")
    save(store, new("INC-1", effects=((1, page(1)), (1, drop), (1, page(2)))))
    assert states(store) == {"page/1/sms#1/1": "dropped", "page/2/sms#1/2": "waiting"}
    (taken,) = take(store)
    assert taken.effect == page(2)


def test_wildcards_in_a_topic_mean_themselves(store: Store) -> None:
    state = with_effects(store, "INC-1", notice(topic="a%b/1"), notice(topic="axb/1"))
    save(store, further(state, NOTED, effects=((2, Drop("a%b/")),)))
    assert states(store) == {"a%b/1#1/1": "dropped", "axb/1#1/2": "waiting"}


def test_a_newer_write_replaces_the_waiting_one(store: Store) -> None:
    log = Write("log", "write/log")
    save(store, new("INC-1", effects=((1, log), (1, Write("postmortem", "write/log2")), (1, log))))
    state = store.incident("INC-1")
    assert states(store) == {
        "write/log#1/1": "dropped",
        "write/log2#1/2": "waiting",
        "write/log#1/3": "waiting",
    }
    save(store, further(state, NOTED, effects=((2, log),)))
    assert states(store)["write/log#1/3"] == "dropped"
    assert states(store)["write/log#2/1"] == "waiting"


def test_a_leased_effect_runs_to_its_end_but_no_further(store: Store) -> None:
    """Dropped while it is out: its outcome counts, but it is neither tried again nor taken over."""
    state = with_effects(store, "INC-1", page(1), page(2), page(3))
    one, two, three = take(store)
    save(store, further(state, NOTED, effects=((2, Drop("page/")),)))
    assert set(states(store).values()) == {"leased"}
    settle(store, one.key, "done")
    settle(store, two.key, "retry", due_at=later(5))
    assert take(store, at=later(31), owner="node-2") == []
    rows = {row.key: row.state for row in store.effects("INC-1")}
    assert [rows[t.key] for t in (one, two, three)] == ["done", "dropped", "dropped"]


def test_a_kill_before_the_lease_is_stored_leaves_it_free(store: Store) -> None:
    with_effects(store, "INC-1", page())
    store.probe = kill_at("before_take_commit")
    with pytest.raises(Killed):
        take(store)
    store.probe = kill_at("after_take_commit")
    with pytest.raises(Killed):
        take(store)
    store.probe = lambda point: None
    assert take(store) == []
    (taken,) = take(store, at=NOW + LEASE)
    assert taken.attempts == 2


def test_effects_newest_first(store: Store) -> None:
    with_effects(store, "INC-1", page(1), notice(), at=NOW)
    with_effects(store, "INC-2", Write("log", "write/log"), at=later(1))
    rows = store.effects(None)
    assert [(row.ref, row.topic) for row in rows] == [
        ("INC-2", "write/log"),
        ("INC-1", "notice/update"),
        ("INC-1", "page/1/sms"),
    ]
    assert (rows[2].person, rows[2].about, rows[2].kind, rows[2].lane) == ("mei", "page", "Send", "sms")
    assert (rows[0].person, rows[0].about) == (None, None)
    assert rows[2].due_at == rows[2].created_at == NOW
    assert [row.ref for row in store.effects(None, limit=1)] == ["INC-2"]


def test_settling_is_one_commit_with_its_event(store: Store) -> None:
    state = with_effects(store, "INC-1", page())
    (taken,) = take(store)
    sent = ev.PageSent(later(1), 1, "mei", "sms")
    store.probe = kill_at("before_commit")
    with pytest.raises(Killed):
        save(store, further(state, sent))
    store.probe = lambda point: None
    assert store.last_seq() == 1
    assert [row.state for row in store.effects("INC-1")] == ["leased"]
    assert taken.attempts == 1


def change_effect(store: Store, ref: str, **values) -> None:
    with store.writing() as link:
        link.core.execute(effect.update().where(effect.c.ref == ref).values(**values))


def test_an_effect_that_cannot_be_read_fails_by_itself(store: Store) -> None:
    with_effects(store, "INC-1", page())
    with_effects(store, "INC-2", page())
    change_effect(store, "INC-1", body='{"person": 7}')
    assert [taken.ref for taken in take(store, at=later(1))] == ["INC-2"]
    (row,) = store.effects(None, state="failed")
    assert (row.ref, row.settled_at) == ("INC-1", later(1))
    assert "cannot be read" in row.detail


def test_an_effect_of_a_newer_program_is_left_to_it(store: Store) -> None:
    for n in range(3):
        with_effects(store, f"INC-{n}", page())
        change_effect(store, f"INC-{n}", kind="Teleport")
    with_effects(store, "INC-9", page())
    assert [taken.ref for taken in take(store, limit=2)] == ["INC-9"]
    assert {row.state for row in store.effects("INC-1")} == {"waiting"}
