"""What the API shows of people, work and duties, beside the incident's own fields in `views`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tocsin.domain.incident import TIMES, Incident
from tocsin.domain.score import Score
from tocsin.store.contract import ActionRow
from tocsin.web.show_gates import GateShow, PointShow

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
        "known_as": state.known_as,
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


def score_view(ref: str, score: Score) -> Json:
    """A score: its lines and the sums."""
    lines = [fields(line) for line in score.lines]
    return {"ref": ref, "lines": lines, "kept": score.kept, "missed": score.missed, "open": score.open}


def gates_view(ref: str, gates: list[GateShow], point: datetime | None) -> Json:
    """Checks with their points."""
    return {"ref": ref, "gates": [_gate(shown) for shown in gates], "restore_point": point}


def _gate(shown: GateShow) -> Json:
    gate = shown.gate
    return {
        "key": gate.key,
        "name": gate.name,
        "valid_s": gate.valid_s,
        "done_by": gate.done_by,
        "confirmed_by": gate.confirmed_by,
        "points": [_point(point) for point in shown.points],
        "passing": shown.passing,
        "valid_until": shown.until,
        "state": shown.word,
        "why": shown.why,
    }


def _point(point: PointShow) -> Json:
    said = {"answer": point.answer, "evidence": point.evidence, "at": point.at, "age_s": point.age_s}
    return {
        "point": point.number,
        "text": point.text,
        "exceptions": list(point.exceptions),
        "last": said if point.at else None,
    }
