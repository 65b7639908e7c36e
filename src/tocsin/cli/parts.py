"""What `tocsin show` says of an incident beside state, clocks and timeline: who is called, times, work, duties.

Every part is a heading and rows of words, so that terminal and Markdown say the same. A part with nothing in it is
left out; a check that somebody went past is never.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from tocsin.cli.output import clock_time, day_time
from tocsin.cli.parts_calling import calling_rows

Json = dict[str, Any]
Row = tuple[str, ...]


class Part(NamedTuple):
    """A heading with its rows; `red` ones say that a rule was gone past."""

    name: str
    rows: list[Row]
    red: bool = False


def parts_of(incident: Json, events: list[Json]) -> list[Part]:
    """All that have something to say, what is red first."""
    found = [
        Part("OVERRIDE", _overrides(incident, events), red=True),
        Part("called", list(calling_rows(incident))),
        Part("times", _times(incident)),
        Part("suspected", [_suspect(one) for one in incident.get("suspects") or []]),
        Part("shadows", [(one,) for one in incident.get("shadows") or []]),
        Part("proposals", [(str(p["number"]), p["by"], p["text"]) for p in incident.get("proposals") or []]),
        Part("tasks", [_task(one) for one in incident.get("tasks") or []]),
        Part("checks", [_check(one) for one in incident.get("checks") or []]),
        Part("statements", [_statement(one) for one in incident.get("statements") or []]),
        Part("legal", [_legal(one) for one in incident.get("legal") or []]),
        Part("actions", [_action(one) for one in incident.get("actions") or []]),
        Part("linked", list(_linked(incident))),
    ]
    return [part for part in found if part.rows]


def _overrides(incident: Json, events: Iterable[Json]) -> list[Row]:
    """Each check that was gone past, with who said why; without a timeline, which task it was."""
    told: list[Row] = [
        (day_time(event.get("at"), exact=True), str(event.get("text")))
        for event in events
        if event.get("kind") == "GateOverridden"
    ]
    return told or [
        (f"task {one['task']}", f"went past the {one['gate']} check")
        for one in incident.get("overrides") or []
    ]


def _times(incident: Json) -> list[Row]:
    """The seven timestamps, as far as they are known."""
    times = incident.get("times") or {}
    return [(name.replace("_", " "), day_time(at, exact=True)) for name, at in times.items() if at]


def _suspect(one: Json) -> Row:
    author = f"by {one['author']}" if one.get("author") else ""
    return (day_time(one["happened"], exact=True) if one.get("happened") else "-", one["what"], author)


def _task(one: Json) -> Row:
    needs = []
    if one.get("gate"):
        needs.append("database change")
    if one.get("second"):
        approved = one.get("approved_by")
        needs.append(f"approved by {approved}" if approved else "needs a second person")
    box = f"{one['minutes']}m" if one.get("minutes") else ""
    since = f"since {clock_time(one['started_at'])}" if one["state"] == "started" else ""
    return (str(one["number"]), one["state"], one.get("owner") or "nobody", box, since, one["text"], *needs)


def _check(one: Json) -> Row:
    if not one["passed"]:
        state = f"FAILED at point {', '.join(map(str, one['failed']))}"
    else:
        state = "passed" if one["confirmed"] else "passed, waits to be confirmed"
    valid = f"until {day_time(one['valid_until'])}" if one.get("valid_until") else ""
    by_exception = ", ".join(map(str, one.get("exceptions") or []))
    exception = f"point {by_exception} by its exception" if by_exception else ""
    point = f"restore point {day_time(one['restore_point'], exact=True)}" if one.get("restore_point") else ""
    return (str(one["number"]), one["gate"], f"by {one['by']}", state, valid, exception, point)


def _statement(one: Json) -> Row:
    waits = [who for who in one["approvers"] if who not in one["approved"]]
    wanted = f"waits for {', '.join(waits)}" if waits and one["state"] == "drafted" else ""
    return (str(one["number"]), one["state"], one["audience"], one["text"], wanted)


def _legal(one: Json) -> Row:
    state = f"decided: {one['decision']}" if one.get("decision") else f"DUE {day_time(one['due'])}"
    return (one["regime"], state, f"owner {one['owner']}", f"aware {day_time(one['aware'])}")


def _action(one: Json) -> Row:
    due = one.get("due") or one.get("calendar") or "no date"
    return (
        str(one["number"]),
        one["state"],
        str(due),
        one.get("owner") or "nobody",
        one["kind"],
        one["text"],
    )


def _linked(incident: Json) -> Iterable[Row]:
    """Where it came from, where it went, what stands for it elsewhere."""
    words = (
        ("merged_into", "goes on in"),
        ("follows", "follows"),
        ("reopened_at", "reopened"),
        ("ticket", "ticket"),
    )
    for name, word in words:
        value = incident.get(name)
        if value:
            yield (word, day_time(value) if name == "reopened_at" else str(value))
    if incident.get("absorbed"):
        yield ("took in", ", ".join(incident["absorbed"]))
    if incident.get("restore_point"):
        yield ("restore point", day_time(incident["restore_point"], exact=True))
    for document, reason in (incident.get("documents_owed") or {}).items():
        yield ("still owed", f"{document}: {reason}")
