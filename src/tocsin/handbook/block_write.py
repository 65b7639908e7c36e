"""A policy's schedules, people, escalations, services and routes as the text of a policy block.

Reading what is written here gives the same values, and writing those the same text (docs/reference/oncall.md V6).
What is as it would be anyway is left out, except where a reader would look for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from tocsin.domain.people import Quiet, Rule
from tocsin.domain.policy import (
    DEFAULT_ACK_TIMEOUT_S,
    DEFAULT_REMIND_S,
    Escalation,
    PersonRules,
    Policy,
    Route,
    Rung,
)
from tocsin.domain.schedules import (
    Adjustment,
    Change,
    Layer,
    Restriction,
    Rotation,
    Schedule,
    Shift,
    Slot,
)
from tocsin.handbook.block_schedules import KIND_KEYS
from tocsin.handbook.block_values import DAYS
from tocsin.handbook.grammar import format_duration

Value = str | int | bool | Sequence["Value"] | Mapping[str, "Value"] | None
"""What is None is left out."""


def block_toml(policy: Policy) -> str:
    """The block's text, without its fence; empty when the policy has nothing that belongs into a block."""
    parts: list[str] = []
    for schedule in policy.schedules:
        parts += _schedule(schedule)
    parts += [_section(f"[person.{_key(p.handle)}]", _person(p)) for p in policy.people]
    parts += [_section(f"[escalation.{_key(e.name)}]", _escalation(e)) for e in policy.escalations]
    parts += [
        _section(f"[service.{_key(s.name)}]", {"escalation": s.escalation, "health": s.health})
        for s in policy.services
    ]
    parts += [_section("[[route]]", _route(r)) for r in policy.routes]
    return "\n".join(parts)


def _section(header: str, values: Mapping[str, Value]) -> str:
    lines = [f"{_key(key)} = {_value(value)}" for key, value in values.items() if value is not None]
    return "\n".join([header, *lines]) + "\n"


def _value(value: Value) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return _text(value)
        case Mapping():
            pairs = [f"{_key(k)} = {_value(v)}" for k, v in value.items() if v is not None]
            return f"{{ {', '.join(pairs)} }}" if pairs else "{}"
        case None:
            raise AssertionError("what is None has been left out")
        case _:
            return f"[{', '.join(_value(v) for v in value)}]"


def _text(value: str) -> str:
    """A basic string. JSON escapes the same signs, apart from DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _text(name)


def _at(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M}Z"


def _time(seconds: int) -> str:
    return format_duration(seconds) if seconds else "0m"


def _unless(value: Value, default: Value) -> Value:
    return None if value == default else value


def _many(values: Sequence[Value]) -> Value:
    return list(values) or None


def _schedule(schedule: Schedule) -> list[str]:
    name = _key(schedule.name)
    values: dict[str, Value] = {"tz": schedule.tz}
    values["coverage"] = _many([_restriction(r) for r in schedule.coverage])
    parts = [_section(f"[schedule.{name}]", values)]
    parts += [_section(f"[[schedule.{name}.layer]]", _layer(layer, schedule)) for layer in schedule.layers]
    parts += [_section(f"[[schedule.{name}.adjustment]]", _adjustment(a)) for a in schedule.adjustments]
    return parts


def _layer(layer: Layer, schedule: Schedule) -> dict[str, Value]:
    holidays = layer.holidays
    return {
        "name": layer.name,
        "priority": layer.priority,
        "role": _unless(layer.role, "oncall"),
        "tz": _unless(layer.tz, schedule.tz),
        "from": _at(layer.since),
        "until": _at(layer.until),
        "rotation": _rotation(layer.rotation) if layer.rotation else None,
        "shifts": None if layer.rotation else [_shift(s) for s in layer.shifts],
        "restrictions": _many([_restriction(r) for r in layer.restrictions]),
        "holidays": {"mode": holidays.mode, "dates": list(holidays.dates)} if holidays else None,
    }


def _rotation(rotation: Rotation) -> dict[str, Value]:
    return {
        "start": rotation.start,
        "unit": rotation.unit,
        "length": rotation.length,
        "clock": rotation.clock,
        "advance": rotation.advance,
        "members": _members(rotation.slots),
        "start_index": rotation.start_index,
        "changes": _many([_change(c) for c in rotation.changes]),
    }


def _members(slots: Iterable[Slot]) -> list[Value]:
    return [slot[0] if len(slot) == 1 else list(slot) or "" for slot in slots]


def _change(change: Change) -> dict[str, Value]:
    return {
        "at": _at(change.at),
        "when": change.when,
        "policy": change.policy,
        "members": None if change.slots is None else _members(change.slots),
        "start_index": change.start_index,
        "start": change.start,
        "unit": change.unit,
        "length": change.length,
        "clock": change.clock,
        "author": change.author or None,
        "reason": change.reason or None,
    }


def _shift(shift: Shift) -> dict[str, Value]:
    return {"users": list(shift.users), "start": _at(shift.start), "end": _at(shift.end)}


def _restriction(restriction: Restriction) -> dict[str, Value]:
    weekly = restriction.type == "weekly"
    return {
        "type": restriction.type,
        "start_day": DAYS[restriction.start_day or 0] if weekly else None,
        "start": restriction.start,
        "end_day": DAYS[restriction.end_day or 0] if weekly else None,
        "end": restriction.end,
        "days": _many([DAYS[day] for day in restriction.days]),
        "tz": restriction.tz,
    }


def _adjustment(adjustment: Adjustment) -> dict[str, Value]:
    kind, temporary = adjustment.kind, adjustment.kind == "temporary"
    people: dict[str, Value] = {}
    if kind in {"replace", "swap"}:
        people = dict(zip(KIND_KEYS[kind], (adjustment.remove, adjustment.add), strict=True))
    elif kind in {"add", "remove"}:
        people = {"user": adjustment.add or adjustment.remove}
    elif kind == "set":
        people = {"users": list(adjustment.users)}
    return {
        "seq": adjustment.seq,
        "kind": kind,
        "start": _at(adjustment.start),
        "end": _at(adjustment.end),
        **people,
        "shifts": [_shift(s) for s in adjustment.shifts] if temporary else None,
        "fallback": adjustment.fallback if temporary else None,
        "layer": adjustment.layer,
        "author": adjustment.author or None,
        "reason": adjustment.reason or None,
    }


def _person(person: PersonRules) -> dict[str, Value]:
    rules: dict[str, Value] = {"high": _rules(person.high), "low": _rules(person.low)}
    return {
        "tz": person.tz,
        "active_from": _at(person.active_from),
        "inactive_from": _at(person.inactive_from),
        "rules": rules if person.high or person.low else None,
        "quiet": _quiet(person.quiet) if person.quiet else None,
    }


def _rules(rules: Sequence[Rule]) -> Value:
    return _many([{"method": rule.method, "after": _time(rule.after_s)} for rule in rules])


def _quiet(quiet: Quiet) -> dict[str, Value]:
    return {"start": quiet.start, "end": quiet.end, "days": _many([DAYS[day] for day in quiet.days])}


def _escalation(escalation: Escalation) -> dict[str, Value]:
    timeout = escalation.ack_timeout_s
    said = "off" if timeout is None else _time(timeout)
    return {
        "steps": [_step(step) for step in escalation.steps],
        "repeat": escalation.repeat,
        "fallback": _many(list(escalation.fallback)),
        "ack_timeout": _unless(said, _time(DEFAULT_ACK_TIMEOUT_S)),
        "remind_every": _unless(_time(escalation.remind_every_s), _time(DEFAULT_REMIND_S)),
        "stop_earlier": _unless(escalation.stop_earlier, False),
    }


def _step(step: Rung) -> dict[str, Value]:
    return {
        "targets": list(step.targets),
        "delay": _time(step.delay_s or 0),
        "mode": _unless(step.mode, "all"),
        "ack": _unless(step.ack, "any"),
        "skip_if_empty": _unless(step.skip_if_empty, True),
    }


def _route(route: Route) -> dict[str, Value]:
    return {
        "match": dict(route.match),
        "service": route.service,
        "sev": route.sev,
        "escalation": route.escalation,
        "hours": _many([_restriction(r) for r in route.hours]),
    }
