"""A ticket instead of the row in the log."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tocsin.domain import events as ev
from tocsin.domain import lifecycle, tickets
from tocsin.domain.context import Context, Refused
from tocsin.domain.fold import evolve
from tocsin.domain.incident import Incident, Stage
from tocsin.domain.people import Directory
from tocsin.domain.policy import built_in_policy

NOW = datetime(2026, 1, 20, 13, 0, tzinfo=UTC)
CONTEXT = Context(built_in_policy(), Directory())


@pytest.fixture
def declared() -> Incident:
    opening = lifecycle.Opening("INC-2026-0001", "policy", "Sign-in loops", "SEV1", "person", by="mei")
    state = None
    for event in lifecycle.open_declared(opening, CONTEXT, NOW, why="chosen by mei"):
        state = evolve(state, event)
    assert state is not None
    return state


def test_a_ticket_stands_for_the_row_and_a_later_one_takes_its_place(declared: Incident) -> None:
    state = declared
    for where in ("https://tracker.example/1", "https://tracker.example/2"):
        for event in tickets.link(state, CONTEXT, NOW, by="mei", where=f" {where}\n"):
            assert isinstance(event, ev.TicketLinked)
            state = evolve(state, event)
        assert state.duties.ticket == where
    with pytest.raises(Refused, match="linked already"):
        tickets.link(state, CONTEXT, NOW, by="mei", where="https://tracker.example/2")


@pytest.mark.parametrize(
    ("changes", "where", "why"),
    [
        ({}, "  ", "say where"),
        ({}, "https://" + "x" * 300, "longer than"),
        ({"declared_at": None}, "https://tracker.example/1", "not declared"),
        ({"stage": Stage.MERGED, "merged_into": "INC-2026-0002"}, "https://t.example/1", "merged into"),
    ],
)
def test_what_has_no_row_has_no_ticket(
    changes: dict[str, object], where: str, why: str, declared: Incident
) -> None:
    with pytest.raises(Refused, match=why) as refused:
        tickets.link(replace(declared, **changes), CONTEXT, NOW, by="mei", where=where)
    assert refused.value.possible
