"""What was understood of the policy blocks: the keys that they add to `tocsin policy --json`, and a sentence each.

The shape follows the block: `schedules`, `escalations`, `services`, `routes`, `people` with the block's own words.
Durations are whole seconds in keys that end with `_s`, days `mon` to `sun`, instants as in the block.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from tocsin.domain.people import Rule
from tocsin.domain.policy import Escalation, MonitoredService, PersonRules, Policy, Route, Rung
from tocsin.domain.schedules import Adjustment, Layer, Rotation, Schedule
from tocsin.domain.source import Source
from tocsin.handbook.block_values import DAYS
from tocsin.handbook.grammar import format_duration

Json = dict[str, Any]

_NAMES = {"slots": "members", "since": "from"}
"""Words of the block that are other words in the program."""
_LEFT_OUT = {Rung: frozenset({"after_s", "via"}), Adjustment: frozenset({"made_at", "revoked_at"})}
"""What only the prose, or only run time, says."""
_DAYS = frozenset({"days", "start_day", "end_day"})


def block_json(policy: Policy) -> Json:
    """The keys of the policy blocks."""
    return {
        "schedules": [_plain(schedule) for schedule in policy.schedules],
        "escalations": [_plain(escalation) for escalation in policy.escalations],
        "services": [_plain(service) for service in policy.services],
        "routes": [{**_plain(route), "match": dict(route.match)} for route in policy.routes],
        "people": [_plain(person) for person in policy.people],
    }


def _plain(value: Any) -> Any:
    """Any value of a block as JSON: every field of every part, so that the hash covers what is added to them."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M}Z"
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if not is_dataclass(value):
        return value
    shape: Json = {}
    for field in fields(value):
        if field.name in _LEFT_OUT.get(type(value), ()):
            continue
        part = getattr(value, field.name)
        if isinstance(part, Source):
            shape |= {"file": part.file, "line": part.line}
        elif field.name in _DAYS:
            shape[field.name] = _days(part)
        else:
            shape[_NAMES.get(field.name, field.name)] = _plain(part)
    return shape


def _days(value: int | tuple[int, ...] | None) -> Any:
    if value is None:
        return None
    return DAYS[value] if isinstance(value, int) else [DAYS[day] for day in value]


def block_words(policy: Policy) -> list[tuple[Source, str]]:
    """Each thing of the blocks in a sentence, with its place."""
    said: list[tuple[Source, str]] = []
    for schedule in policy.schedules:
        said.append((schedule.source, _schedule(schedule)))
        said += [(layer.source, f"{schedule.name}: {_layer(layer)}") for layer in schedule.layers]
        said += [(a.source, f"{schedule.name}: {_adjustment(a)}") for a in schedule.adjustments]
    said += [(p.source, _person(p)) for p in policy.people]
    for escalation in policy.escalations:
        said.append((escalation.source, _escalation(escalation)))
        said += [
            (step.source, f"escalation {escalation.name}: {_step(step, place)}")
            for place, step in enumerate(escalation.steps, start=1)
        ]
    said += [(s.source, _service(s)) for s in policy.services]
    said += [(r.source, _route(r)) for r in policy.routes]
    return said


def _schedule(schedule: Schedule) -> str:
    return f"schedule {schedule.name} in {schedule.tz}, {_count(len(schedule.layers), 'layer')}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _layer(layer: Layer) -> str:
    kind = "shadow layer" if layer.role == "shadow" else "layer"
    what = _rotation(layer.rotation) if layer.rotation else _count(len(layer.shifts), "shift")
    hours = f", within {_count(len(layer.restrictions), 'restriction')}" if layer.restrictions else ""
    days = f", {_count(len(layer.holidays.dates), 'holiday')} {layer.holidays.mode}" if layer.holidays else ""
    return f"{kind} {layer.name}, priority {layer.priority}: {what}{hours}{days}"


def _rotation(rotation: Rotation) -> str:
    members = ", ".join("+".join(slot) or "nobody" for slot in rotation.slots) or "nobody"
    changes = f", {_count(len(rotation.changes), 'change')}" if rotation.changes else ""
    unit = rotation.unit if rotation.length == 1 else f"{rotation.length} {rotation.unit}s"
    return f"every {unit} from {rotation.start}: {members}{changes}"


def _adjustment(adjustment: Adjustment) -> str:
    span = f"{_plain(adjustment.start)} to {_plain(adjustment.end)}"
    names = {
        "set": ", ".join(adjustment.users) or "nobody",
        "temporary": _count(len(adjustment.shifts), "shift"),
        "swap": f"{adjustment.remove} by {adjustment.add or 'whoever takes it'}",
        "replace": f"{adjustment.remove} by {adjustment.add}",
    }
    who = names.get(adjustment.kind, adjustment.add or adjustment.remove)
    where = f" in {adjustment.layer}" if adjustment.layer else ""
    return f"adjustment {adjustment.seq}{where}, {span}: {adjustment.kind} {who}"


def _person(person: PersonRules) -> str:
    said = [f"in {person.tz}"] if person.tz else []
    said += [f"active from {_plain(person.active_from)}"] if person.active_from else []
    said += [f"inactive from {_plain(person.inactive_from)}"] if person.inactive_from else []
    said += [f"urgent {_rules(person.high)}"] if person.high else []
    said += [f"else {_rules(person.low)}"] if person.low else []
    said += [f"quiet {person.quiet.start}-{person.quiet.end}"] if person.quiet else []
    return f"person {person.handle}: {'; '.join(said) or 'nothing of her own'}"


def _rules(rules: tuple[Rule, ...]) -> str:
    return ", ".join(
        f"{rule.method}{f' after {format_duration(rule.after_s)}' if rule.after_s else ''}" for rule in rules
    )


def _escalation(escalation: Escalation) -> str:
    passes = f", {_count(escalation.repeat, 'repetition')}" if escalation.repeat else ""
    fallback = ", ".join(escalation.fallback) or "none"
    return (
        f"escalation {escalation.name}: {_count(len(escalation.steps), 'step')}{passes}, fallback {fallback}"
    )


def _step(step: Rung, place: int) -> str:
    turn = " in turn" if step.mode == "round_robin" else ""
    every = ", all have to answer" if step.ack == "all" else ""
    return (
        f"step {place} {', '.join(step.targets)}{turn}{every}, then wait {format_duration(step.delay_s or 0)}"
    )


def _service(service: MonitoredService) -> str:
    return f"service {service.name}: escalation {service.escalation or 'by default'}"


def _route(route: Route) -> str:
    match = ", ".join(f"{label}={value}" for label, value in route.match) or "everything"
    parts = (("service", route.service), ("level", route.sev), ("escalation", route.escalation))
    to = ", ".join(f"{word} {value}" for word, value in parts if value) or "as it came"
    hours = f" within {_count(len(route.hours), 'span')} of hours" if route.hours else ""
    return f"route {match}{hours}: {to}"
