"""The contract of what a rota is made of: adjustments, contact methods with their health, round-robin cursors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from store.specimens import NOW, later, new, save
from tocsin.domain.people import Person
from tocsin.domain.policy import built_in_policy
from tocsin.domain.schedules import Adjustment, Shift
from tocsin.store.contract import (
    ADJUSTMENTS_FROM,
    AdjustmentConflict,
    Commit,
    ContactRow,
    Health,
    JournalRow,
    Node,
    Store,
    VersionConflict,
)

NOON = NOW.replace(hour=12, minute=0, second=0, microsecond=0)
HOUR = timedelta(hours=1)
FIRST = ADJUSTMENTS_FROM


def override(start: datetime = NOON, hours: float = 8, **rest) -> Adjustment:
    given = {"kind": "set", "users": ("mei",), "author": "tom", "made_at": NOW} | rest
    return Adjustment(0, start=start, end=start + hours * HOUR, **given)


# --- adjustments ---------------------------------------------------------------------------------------------------


def test_adjustments_are_numbered_in_the_order_in_which_they_were_made(store: Store) -> None:
    assert store.adjustments() == []
    temporary = override(kind="temporary", users=(), shifts=(Shift(("mei", "jonas"), NOON, NOON + HOUR),))
    first = store.add_adjustment("primary", override(), None)
    other = store.add_adjustment("database", temporary, None)
    second = store.add_adjustment("primary", override(reason="she is ill \x00"), first.seq)
    assert [a.seq for a in (first, other, second)] == [FIRST, FIRST + 1, FIRST + 2]
    assert store.adjustments("primary") == [
        ("primary", replace(override(), seq=FIRST)),
        ("primary", replace(override(reason="she is ill \x00"), seq=FIRST + 2)),
    ]
    assert [name for name, _ in store.adjustments()] == ["primary", "database", "primary"]
    assert store.adjustments("database") == [("database", replace(temporary, seq=FIRST + 1))]


def test_somebody_who_did_not_see_the_last_adjustment_is_told(store: Store) -> None:
    """V3: never does the last writer win without knowing."""
    first = store.add_adjustment("primary", override(), 3)
    stamp = store.live_stamp()
    for seen in (None, 3, first.seq + 1):
        with pytest.raises(AdjustmentConflict) as conflict:
            store.add_adjustment("primary", override(users=("jonas",)), seen)
        assert (conflict.value.schedule, conflict.value.last) == ("primary", first.seq)
    assert [a for _, a in store.adjustments()] == [first]
    assert store.live_stamp() == stamp
    assert store.add_adjustment("secondary", override(), None).seq == first.seq + 1


@pytest.mark.parametrize("wrong", [{"made_at": None}, {"hours": 0}, {"hours": -1}])
def test_an_adjustment_without_a_span_or_a_beginning_is_refused(store: Store, wrong: dict) -> None:
    with pytest.raises(ValueError, match="adjustment"):
        store.add_adjustment("primary", override(**wrong), None)
    assert store.adjustments() == []


def test_one_that_has_begun_ends_now(store: Store) -> None:
    """A10: it is closed, never deleted."""
    made = store.add_adjustment("primary", override(), None)
    at = NOON + timedelta(hours=2, seconds=31)
    assert store.end_adjustment("primary", made.seq, at, "tom")
    assert store.adjustments() == [("primary", replace(made, revoked_at=NOON + 2 * HOUR))]
    assert not store.end_adjustment("primary", made.seq, at + HOUR, "tom")


def test_one_that_has_not_begun_is_without_any_effect(store: Store) -> None:
    made = store.add_adjustment("primary", override(), None)
    assert store.end_adjustment("primary", made.seq, NOON - HOUR, "tom")
    assert store.adjustments() == [("primary", replace(made, revoked_at=NOON))]


def test_what_is_over_or_unknown_is_not_ended(store: Store) -> None:
    made = store.add_adjustment("primary", override(), None)
    assert not store.end_adjustment("primary", made.seq, made.end, "tom")
    assert not store.end_adjustment("secondary", made.seq, NOON, "tom")
    assert not store.end_adjustment("primary", made.seq + 1, NOON, "tom")
    assert store.adjustments() == [("primary", made)]


def test_adjustments_are_read_as_they_were_known(store: Store) -> None:
    """V1: what came later is missing, and what was ended later goes on."""
    first = store.add_adjustment("primary", override(), None)
    second = store.add_adjustment("primary", override(made_at=later(60)), first.seq)
    store.end_adjustment("primary", first.seq, later(120), "tom")
    ended = replace(first, revoked_at=first.start)

    def known(seconds: float) -> list[Adjustment]:
        return [a for _, a in store.adjustments("primary", as_of=later(seconds))]

    assert known(-1) == []
    assert known(0) == known(59) == [first]
    assert known(60) == known(119) == [first, second]
    assert known(120) == [ended, second] == [a for _, a in store.adjustments()]


def test_the_journal_says_who_adjusted_what(store: Store) -> None:
    made = store.add_adjustment(
        "primary", override(kind="replace", remove="mei", add="jonas", users=()), None
    )
    store.end_adjustment("primary", made.seq, NOON, "priya")
    assert store.journal() == [
        JournalRow(
            NOON,
            "adjustment_closed",
            f"primary {FIRST}: replace mei, jonas, 2026-03-02 12:00 to 2026-03-02 20:00 UTC, by priya",
        ),
        JournalRow(
            NOW,
            "adjustment_created",
            f"primary {FIRST}: replace mei, jonas, 2026-03-02 12:00 to 2026-03-02 20:00 UTC, by tom",
        ),
    ]


@pytest.mark.postgres
def test_of_two_nodes_that_adjust_at_once_one_is_told(nodes: Callable[[], Store], at_once) -> None:
    stores = [nodes() for _ in range(4)]

    def add(store: Store) -> int | None:
        try:
            return store.add_adjustment("primary", override(), None).seq
        except AdjustmentConflict:
            return None

    assert sorted(at_once(add, stores), key=str) == [FIRST, None, None, None]
    others = at_once(lambda store: store.add_adjustment(f"s{id(store)}", override(), None).seq, stores)
    assert sorted(others) == [FIRST + n for n in range(1, 5)]


# --- contacts ------------------------------------------------------------------------------------------------------

OWN = ContactRow(
    person="mei",
    channel="sms",
    address="+491701",
    added_at=NOW,
    verified_at=later(5),
    code_hash="c0de",
    code_until=later(600),
    code_tries=2,
    test_at=later(7),
    waiting="+491799",
)


def test_contacts_are_added_changed_and_forgotten(store: Store) -> None:
    mail = ContactRow("mei", "mail", "mei@home.example", NOW)
    toms = ContactRow("tom", "sms", "", NOW, disabled="by hand")
    for row in (toms, OWN, mail):
        store.save_contact(row)
    assert store.contacts() == [mail, OWN, toms]
    assert store.contacts("mei") == [mail, OWN]
    changed = replace(OWN, address="+491702", verified_at=None, code_hash=None, code_until=None)
    store.save_contact(changed)
    store.delete_contact("mei", "mail")
    store.delete_contact("mei", "no such channel")
    assert store.contacts("mei") == [changed]


def test_tries_at_a_code_are_counted_until_they_are_spent(store: Store) -> None:
    store.save_contact(OWN)
    assert [store.spend_code_try("mei", "sms", "c0de", 4) for _ in range(3)] == [True, True, False]
    assert not store.spend_code_try("mei", "sms", "another", 9)
    assert not store.spend_code_try("tom", "sms", "c0de", 9)
    assert store.contacts() == [replace(OWN, code_tries=4)]


def test_health_leaves_an_address_that_waits_for_its_code_alone(store: Store) -> None:
    store.save_contact(OWN)
    row = told(store, bad(1), bad(2), bad(3), ok(4))
    assert (row.waiting, row.code_hash, row.code_tries) == ("+491799", "c0de", 2)


def told(store: Store, *health: Health) -> ContactRow:
    save(store, health=health)
    (row,) = store.contacts("mei")
    return row


def ok(seconds: float = 0, address: str = "+491701") -> Health:
    return Health("mei", "sms", later(seconds), True, address=address)


def bad(seconds: float = 0, address: str = "+491701", permanent: bool = True) -> Health:
    return Health("mei", "sms", later(seconds), False, permanent, "no such number", address)


def test_the_health_of_a_roster_address_is_kept_without_the_address_being_added(store: Store) -> None:
    assert told(store, ok()) == ContactRow("mei", "sms", "", NOW, last_ok=NOW, tried="+491701")


def test_three_permanent_failures_in_a_row_disable_a_method(store: Store) -> None:
    """N10, over several commits or in one."""
    store.save_contact(OWN)
    assert told(store, bad(1), bad(2)).fails == 2
    row = told(store, bad(3))
    assert (row.fails, row.last_fail, row.last_ok) == (3, later(3), None)
    assert row.disabled == "3 messages in a row were refused for good: no such number"
    assert row.address == OWN.address
    assert told(store, bad(4)).disabled == row.disabled


def test_three_failures_in_one_commit_disable_it_too(store: Store) -> None:
    assert told(store, bad(1), bad(2), bad(3)).disabled


def test_a_message_that_arrives_in_between_starts_the_count_anew(store: Store) -> None:
    told(store, bad(1), bad(2))
    row = told(store, ok(3), bad(4), bad(5))
    assert (row.fails, row.last_ok, row.last_fail, row.disabled) == (2, later(3), later(5), "")
    assert told(store, bad(6)).disabled


def test_in_one_commit_only_what_follows_the_last_message_that_arrived_counts(store: Store) -> None:
    row = told(store, bad(1), bad(2), ok(3), bad(4))
    assert (row.fails, row.disabled) == (1, "")


def test_a_failure_that_passes_does_not_count(store: Store) -> None:
    row = told(store, *(bad(n, permanent=False) for n in range(5)))
    assert (row.fails, row.disabled, row.last_fail) == (0, "", later(4))
    assert told(store, bad(6), bad(7), bad(8, permanent=False)).fails == 2


def test_a_message_that_arrives_enables_a_method_again(store: Store) -> None:
    assert told(store, bad(1), bad(2), bad(3)).disabled
    row = told(store, ok(4))
    assert (row.disabled, row.fails, row.last_ok) == ("", 0, later(4))


def test_another_address_of_the_roster_starts_anew(store: Store) -> None:
    told(store, bad(1), bad(2), bad(3))
    row = told(store, bad(4, "+491799"))
    assert (row.disabled, row.fails, row.tried) == ("", 1, "+491799")
    row = told(store, ok(5, "+491799"), bad(6, "+491755"))
    assert (row.last_ok, row.fails, row.tried) == (None, 1, "+491755")


def test_what_is_told_of_another_address_says_nothing_of_ones_own(store: Store) -> None:
    store.save_contact(OWN)
    assert told(store, bad(1, "roster"), bad(2, "roster"), bad(3, "roster"), ok(4, "roster")) == OWN


def test_a_commit_that_fails_tells_nothing(store: Store) -> None:
    save(store, new("INC-1"))
    with pytest.raises(VersionConflict):
        save(store, new("INC-1"), health=(bad(),))
    assert store.contacts() == []


# --- what other nodes look at --------------------------------------------------------------------------------------


def test_the_stamp_grows_with_every_change_that_others_must_take_up(store: Store) -> None:
    seen = [store.live_stamp()]

    def changed() -> bool:
        seen.append(store.live_stamp())
        return seen[-1] > seen[-2]

    assert seen == [0]
    store.save_person(Person("mei", "Mei"))
    assert changed()
    store.save_contact(OWN)
    assert changed()
    told(store, ok())
    assert changed(), "it is proven"
    told(store, ok(1), bad(2))
    assert not changed()
    told(store, bad(3), bad(4), bad(5))
    assert changed(), "it is disabled"
    told(store, bad(6))
    assert not changed()
    told(store, ok(7))
    assert changed(), "it is enabled again"
    made = store.add_adjustment("primary", override(), None)
    assert changed()
    store.end_adjustment("primary", made.seq, NOON, "tom")
    assert changed()
    store.delete_contact("mei", "sms")
    assert changed()


def test_a_fact_is_swapped_only_by_who_knows_it(store: Store) -> None:
    note = JournalRow(NOW, "handoff", "mei to tom")
    assert not store.swap_meta("duty", "mei", "tom", [note])
    assert store.meta("duty") is None
    assert store.swap_meta("duty", None, "mei")
    assert not store.swap_meta("duty", None, "tom", [note])
    assert store.journal() == []
    assert store.swap_meta("duty", "mei", "tom", [note, note])
    assert not store.swap_meta("duty", "mei", "priya", [note])
    assert (store.meta("duty"), store.journal()) == ("tom", [note, note])


def test_every_policy_that_was_active_stays_known(store: Store) -> None:
    """V1: which handbook held when; activating the same one again changes nothing."""
    one, two = built_in_policy(), replace(built_in_policy(), seat_empty_s=60)
    store.activate_policy("sha256:1", one, "abc", NOW)
    store.activate_policy("sha256:1", one, "def", later(1))
    store.activate_policy("sha256:2", two, None, later(2))
    store.activate_policy("sha256:1", one, "def", later(3))
    assert store.activations() == [
        (NOW, "sha256:1", "abc"),
        (later(2), "sha256:2", None),
        (later(3), "sha256:1", "def"),
    ]


def test_a_node_says_which_zones_it_has(store: Store) -> None:
    store.beat(Node("n1", "all", NOW, NOW, "2026.6"))
    store.beat(Node("n2", "all", NOW, NOW))
    assert [node.tzdata for node in store.nodes()] == ["2026.6", ""]


# --- round robin ---------------------------------------------------------------------------------------------------


def cursors(store: Store) -> dict[str, int]:
    with store.begin() as batch:
        return batch.cursors()


def test_a_cursor_moves_from_where_the_decision_saw_it(store: Store) -> None:
    assert cursors(store) == {}
    save(store, cursors=(("default/0", None, 1), ("default/1", None, 4)))
    save(store, cursors=(("default/0", 1, 2),))
    assert cursors(store) == {"default/0": 2, "default/1": 4}


@pytest.mark.parametrize("moves", [("default/0", None, 2), ("default/0", 0, 2), ("other/0", 3, 4)])
def test_where_somebody_else_moved_it_the_commit_changes_nothing(store: Store, moves: tuple) -> None:
    save(store, cursors=(("default/0", None, 1),))
    with pytest.raises(VersionConflict, match=moves[0]):
        save(store, new("INC-1"), cursors=(("also/0", None, 1), moves), health=(bad(),))
    assert cursors(store) == {"default/0": 1}
    assert store.incident("INC-1") is None
    assert store.contacts() == []


@pytest.mark.postgres
def test_of_two_nodes_that_move_a_cursor_at_once_one_decides_again(
    nodes: Callable[[], Store], at_once
) -> None:
    stores = [nodes() for _ in range(4)]

    def move(store: Store, seen: int | None) -> bool:
        try:
            with store.begin() as batch:
                batch.write(Commit(NOW, cursors=(("default/0", seen, (seen or 0) + 1),)))
        except VersionConflict:
            return False
        return True

    assert sorted(at_once(lambda store: move(store, None), stores)) == [False, False, False, True]
    assert sorted(at_once(lambda store: move(store, 1), stores)) == [False, False, False, True]
    assert cursors(stores[0]) == {"default/0": 2}
