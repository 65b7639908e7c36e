"""Who was on call, by what was known then (V1)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tocsin.store import open_store
from tocsin.store.contract import Store
from tocsin.wiring.history import rota_as_known, who
from wiring.rotas import HOUR, MONDAY, at, override, policy, weekly


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = open_store(f"sqlite:///{tmp_path / 'tocsin.db'}")
    yield found
    found.close()


def test_the_handbook_that_was_active_then_answers(store: Store) -> None:
    store.activate_policy("one", policy(weekly("mei")), None, MONDAY)
    store.activate_policy("two", policy(weekly("jonas")), None, at(2))
    assert who(store, "primary", at(3), as_of=at(1)) == ("mei",)
    assert who(store, "primary", at(3), as_of=at(2)) == ("jonas",)
    assert who(store, "primary", at(1), as_of=at(3)) == ("jonas",), "by what is known now"


def test_overrides_count_from_when_they_were_made_until_they_were_ended(store: Store) -> None:
    store.activate_policy("one", policy(weekly("mei")), None, MONDAY)
    made = store.add_adjustment("primary", override(at(3), at(4), "priya", made_at=at(1)), None)
    store.end_adjustment("primary", made.seq, at(2), "tom")
    asked = at(3, 12)
    assert who(store, "primary", asked, as_of=at(1) - HOUR) == ("mei",)
    assert who(store, "primary", asked, as_of=at(1)) == ("priya",)
    assert who(store, "primary", asked, as_of=at(2) - HOUR) == ("priya",)
    assert who(store, "primary", asked, as_of=at(2)) == ("mei",)


def test_before_the_first_handbook_nothing_was_known(store: Store) -> None:
    store.activate_policy("one", policy(weekly("mei")), None, MONDAY)
    with pytest.raises(LookupError, match="no handbook"):
        rota_as_known(store, MONDAY - HOUR)
    with pytest.raises(LookupError):
        who(store, "nothing of that name", at(1), as_of=at(1))
