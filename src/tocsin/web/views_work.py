"""What the API shows of people, work and duties, beside the incident's own fields in `views`."""

from __future__ import annotations

from typing import Any

from tocsin.domain.incident import TIMES, Incident
from tocsin.store.contract import ActionRow

Json = dict[str, Any]


def fields(part: Any) -> Json:
    """A frozen part of the state, or a row, as plain values."""
    return {name: getattr(part, name) for name in part.__slots__}


def times_view(state: Incident) -> Json:
    """The seven timestamps, as they stand after every correction."""
    return {name: state.time(name) for name in TIMES}


def process_view(state: Incident) -> Json:
    """What kind of incident it is, and where it came from or went."""
    return {
        "kind": state.kind,
        "drill": state.drill,
        "follows": state.follows,
        "reopened_at": state.reopened_at,
        "merged_into": state.merged_into,
        "absorbed": list(state.absorbed),
        "times": times_view(state),
    }


def room_view(state: Incident) -> Json:
    """Who takes part and what waits for a decision."""
    room = state.room
    return {
        "joined": list(room.joined),
        "shadows": list(room.shadows),
        "suspects": [fields(suspect) for suspect in room.suspects],
        "proposals": [fields(proposal) for proposal in room.proposals],
    }


def work_view(state: Incident) -> Json:
    """Tasks, checks and the point to return to."""
    work = state.work
    return {
        "tasks": [fields(task) for task in work.tasks],
        "checks": [fields(check) for check in work.checks],
        "overrides": [{"gate": gate, "task": task} for gate, task in work.overrides],
        "restore_point": work.restore_point,
    }


def duties_view(state: Incident) -> Json:
    """What is owed."""
    duties = state.duties
    return {
        "actions": [fields(action) for action in duties.actions],
        "legal": [fields(legal) for legal in duties.legal],
        "statements": [fields(statement) for statement in duties.statements],
        "ticket": duties.ticket,
    }


def action_view(row: ActionRow, url: str) -> Json:
    """An action of any incident."""
    return {**fields(row), "url": url}
