"""The contract of the small records."""

from __future__ import annotations

from dataclasses import replace

from store.specimens import NOW, later
from tocsin.domain.people import Person
from tocsin.domain.policy import built_in_policy
from tocsin.store import open_store
from tocsin.store.contract import Alarm, JournalRow, Node, SecretRow, Store


def test_a_policy_is_kept_under_its_hash(store: Store) -> None:
    assert store.active_policy() is None
    policy = built_in_policy()
    store.activate_policy("sha256:1", policy, "abc", NOW)
    store.activate_policy("sha256:2", replace(policy, seat_empty_s=60), None, later(1))
    assert store.active_policy().hash == "sha256:2"
    assert store.active_policy().commit is None
    first = store.policy("sha256:1")
    assert (first.policy, first.commit, first.activated_at) == (policy, "abc", NOW)
    store.activate_policy("sha256:1", policy, "def", later(2))
    assert (store.active_policy().hash, store.active_policy().commit) == ("sha256:1", "def")
    assert store.policy("sha256:3") is None


def test_people_are_added_and_changed(store: Store) -> None:
    mei = Person("mei", "Mei", "mei@example.org", can_act_as=("ic", "ops"))
    store.save_person(Person("tom", "Tom"))
    store.save_person(mei)
    store.save_person(replace(mei, standing="admin"))
    assert store.people() == [replace(mei, standing="admin"), Person("tom", "Tom")]


def test_a_secret_is_used_once(store: Store) -> None:
    link = SecretRow("h1", "phone", "mei", NOW, later(60), ("alerts:write",), "phone", "INC-1", 3)
    token = SecretRow("h2", "token", "mei", NOW, None)
    for row in (link, token):
        store.save_secret(row)
    assert store.secret("h1") == link
    assert store.secret("h3") is None
    assert not store.use_secret("h1", later(60))
    assert store.use_secret("h1", later(59))
    assert not store.use_secret("h1", later(59))
    assert not store.use_secret("h3", NOW)
    assert store.secret("h1") == replace(link, used_at=later(59))
    store.save_secret(replace(token, label="ci"))
    assert store.secrets("token") == [replace(token, label="ci")]
    store.delete_secret("h2")
    assert store.secrets("token") == []


def test_what_expired_a_month_ago_is_forgotten(store: Store) -> None:
    month = 30 * 24 * 3600
    for row in (
        SecretRow("old", "session", "mei", NOW, later(60)),
        SecretRow("for-ever", "token", "mei", NOW, None),
    ):
        store.save_secret(row)
    store.save_secret(SecretRow("new", "session", "mei", later(month + 60), later(month + 120)))
    assert store.secret("old")
    store.save_secret(SecretRow("newer", "session", "mei", later(month + 61), later(month + 120)))
    assert store.secret("old") is None
    assert store.secret("new")
    assert store.secret("for-ever")


def test_the_journal_is_read_newest_first(store: Store) -> None:
    for n in range(3):
        store.note(JournalRow(later(-n), "clock_jump", str(n)))
    assert [row.detail for row in store.journal(2)] == ["2", "1"]
    assert store.journal()[-1] == JournalRow(NOW, "clock_jump", "0")


def test_an_alarm_stands_since_its_first_raising(store: Store) -> None:
    store.raise_alarm("gap", "one", later(1))
    store.raise_alarm("log", "unwritable", NOW)
    store.raise_alarm("gap", "two", later(2))
    assert store.alarms() == [Alarm("log", "unwritable", NOW), Alarm("gap", "two", later(1))]
    store.clear_alarm("log")
    store.clear_alarm("nothing")
    store.raise_alarm("nul\x00", "what a sender \x00 said", NOW)
    store.clear_alarm("nul\x00")
    assert [alarm.key for alarm in store.alarms()] == ["gap"]


def test_nodes_are_forgotten_after_a_silent_day(store: Store) -> None:
    store.beat(Node("n1", "serve", NOW, NOW))
    store.beat(Node("n2", "serve", later(5), later(86400)))
    assert [node.boot for node in store.nodes()] == ["n1", "n2"]
    store.beat(Node("n2", "serve", later(5), later(86401)))
    assert store.nodes() == [Node("n2", "serve", later(5), later(86401))]


def test_the_last_instant_never_goes_back(store: Store) -> None:
    store.beat(Node("n1", "serve", NOW, later(10)))
    store.beat(Node("n2", "serve", NOW, later(5)))
    assert store.meta("last_instant") == later(10).isoformat(timespec="microseconds")


def test_meta_and_the_epoch_outlive_the_process(store: Store, database_url: str) -> None:
    assert store.meta("home") is None
    store.set_meta("home", "here")
    store.set_meta("home", "there")
    epoch = store.epoch
    assert len(epoch) == 12
    store.close()
    again = open_store(database_url, create=False)
    assert (again.epoch, again.meta("epoch"), again.meta("home")) == (epoch, epoch, "there")
    again.close()
