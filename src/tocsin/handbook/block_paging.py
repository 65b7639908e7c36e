"""Reads escalations, services, routes and personal rules of a policy block.

Rules: docs/reference/oncall.md E1 to E15 (escalations), N1 to N4 (personal rules). Not here: what is unwise though
possible (`block_check`), when anybody is called (`domain.escalation`).
"""

from __future__ import annotations

import re

from tocsin.domain.people import Quiet, Rule
from tocsin.domain.policy import (
    DEFAULT_ACK_TIMEOUT_S,
    DEFAULT_REMIND_S,
    Escalation,
    MonitoredService,
    PersonRules,
    Route,
    Rung,
)
from tocsin.domain.schedules import Restriction
from tocsin.handbook.block_lines import Path
from tocsin.handbook.block_schedules import check_name, read_restriction
from tocsin.handbook.block_values import Table, nearest, shown
from tocsin.handbook.labels import slug

PERSON_KEYS = ("tz", "active_from", "inactive_from", "rules", "quiet")
RULES_KEYS = ("high", "low")
RULE_KEYS = ("method", "after")
QUIET_KEYS = ("start", "end", "days")
ESCALATION_KEYS = ("steps", "repeat", "fallback", "ack_timeout", "remind_every", "stop_earlier")
STEP_KEYS = ("targets", "delay", "mode", "ack", "skip_if_empty")
SERVICE_KEYS = ("escalation", "health")
ROUTE_KEYS = ("match", "service", "sev", "escalation", "hours")

TARGETS = ("schedule", "person", "role", "oncall")
PROSE = "handbook"
"""What the prose ladder is called among the escalations."""
MINUTE = 60
PASSES = range(10)


def read_person(handle: str, table: Table) -> PersonRules:
    """What a block says of a person, `[person.<handle>]`."""
    table.only(PERSON_KEYS)
    known = table.page.known.handles
    if handle not in known:
        repair = nearest(handle, known, "add the person to the roster")
        table.wrong("block-person", (), f"{shown(handle)} is not in the roster", repair)
    zone = table.zone("tz")
    began, ends = table.instant("active_from", zone), table.instant("inactive_from", zone)
    if began is not None and ends is not None and ends <= began:
        repair = "let inactive_from lie behind active_from"
        table.wrong("block-time", "inactive_from", "she leaves before she comes", repair, "T7")
    rules, quiet = table.table("rules"), table.table("quiet")
    if rules:
        rules.only(RULES_KEYS)
    return PersonRules(
        handle=handle,
        source=table.source(),
        tz=zone,
        active_from=began,
        inactive_from=ends,
        high=_rules(rules, "high") if rules else (),
        low=_rules(rules, "low") if rules else (),
        quiet=_quiet(quiet) if quiet else None,
    )


def _rules(table: Table, urgency: str) -> tuple[Rule, ...]:
    rules = []
    for entry in table.tables(urgency):
        entry.only(RULE_KEYS)
        rules.append(Rule(entry.text("method"), entry.seconds("after", 0, 0, "N1")))
    return tuple(rules)


def _quiet(table: Table) -> Quiet:
    table.only(QUIET_KEYS)
    start, end = table.clock("start"), table.clock("end", end=True)
    return Quiet(start, end, table.days("days"))


def read_escalation(name: str, table: Table) -> Escalation:
    """One escalation, `[escalation.<name>]`."""
    table.only(ESCALATION_KEYS)
    check_name(name, table)
    if name == PROSE:
        what = "the escalation sentence of the prose is called so"
        table.wrong("block-value", (), what, "call it default, or another name")
    steps = tuple(_step(entry) for entry in table.tables("steps"))
    if not steps:
        table.missing("steps", 'add steps = [{ targets = ["schedule:..."], delay = "5m" }]')
    off = table.values.get("ack_timeout") == "off"
    return Escalation(
        name=name,
        steps=steps,
        source=table.source(),
        repeat=table.whole("repeat", PASSES, 0, "E6"),
        fallback=read_targets(table, "fallback"),
        ack_timeout_s=None if off else table.seconds("ack_timeout", MINUTE, DEFAULT_ACK_TIMEOUT_S, "E10"),
        remind_every_s=table.seconds("remind_every", MINUTE, DEFAULT_REMIND_S, "E6"),
        stop_earlier=table.flag("stop_earlier", default=False),
    )


def _step(table: Table) -> Rung:
    table.only(STEP_KEYS)
    targets = read_targets(table, "targets")
    if not table.values.get("targets"):
        table.missing("targets", 'add targets = ["schedule:..."]: a step without any means nobody')
    return Rung(
        after_s=0,
        targets=targets,
        source=table.source(),
        delay_s=table.seconds("delay", MINUTE, None, "E2"),
        mode=table.choice("mode", ("all", "round_robin"), "all", "E15"),
        ack=table.choice("ack", ("any", "all"), "any", "E9"),
        skip_if_empty=table.flag("skip_if_empty", default=True),
    )


def read_targets(table: Table, key: str) -> tuple[str, ...]:
    """Whom a step or a fallback means, in order; roles by their key."""
    found = [(_target(table, word, path), path) for word, path in table.texts(key)]
    return table.each_once([(word, path) for word, path in found if word], "E1")


def _target(table: Table, word: str, path: Path) -> str | None:
    kind, colon, name = word.partition(":")
    known = table.page.known
    if kind == "escalation" and colon:
        repair = "name people, roles or schedules: schedule:..., person:..., role:..."
        what = "an escalation that calls an escalation would wait for itself"
        table.wrong("block-fallback", path, what, repair, "E5")
    elif kind not in TARGETS or not colon:
        repair = f"write {', '.join(f'{t}:...' for t in TARGETS)}"
        table.wrong("block-target", path, f"{shown(word)} is no target", repair, "E1")
    elif kind == "person":
        return f"person:{table.handle(name, path)}"
    elif kind == "role":
        key = known.role_words.get(name.casefold())
        if key is not None:
            return f"role:{key}"
        repair = nearest(name, known.role_words, "define the role in the handbook")
        table.wrong("block-target", path, f"no role is called {shown(name)}", repair, "E1")
    elif kind == "schedule":
        if name in known.schedules | known.seats:
            return word
        repair = nearest(name, known.schedules | known.seats, "define the schedule")
        table.wrong("block-target", path, f"no schedule is called {shown(name)}", repair, "E1")
    elif name in known.schedules | known.seats or (name == "primary" and known.schedules):
        return word
    else:
        repair = "write schedule:... with a schedule that there is"
        table.wrong("block-target", path, f"nobody is ever {shown(name)} on call", repair, "E1")
    return None


def read_service(name: str, table: Table) -> MonitoredService:
    """One service, `[service.<name>]`."""
    table.only(SERVICE_KEYS)
    if not name.strip() or len(name) > 100:
        table.wrong("block-value", (), "a service needs a name of its own", f"call it {slug(name)[:60]!r}")
    health = table.text("health") if "health" in table else None
    if health and re.fullmatch(r"https?://[^\s/]+(?:/\S*)?", health) is None:
        repair = 'write it like "https://portal.example/health"'
        table.wrong("block-value", "health", f"{shown(health)} is no web address", repair)
    return MonitoredService(name, table.source(), _escalation(table), health or None)


def _escalation(table: Table) -> str | None:
    if "escalation" not in table:
        return None
    name, known = table.text("escalation"), table.page.known.escalations
    if name and name not in known:
        what = f"no escalation is called {shown(name)}"
        table.wrong("block-target", "escalation", what, nearest(name, known, "define the escalation"), "E3")
    return name or None


def read_route(table: Table) -> Route:
    """One route, `[[route]]`; `match` may be empty and then matches every signal."""
    table.only(ROUTE_KEYS)
    if "match" not in table:
        table.missing("match", 'add match = { team = "billing" }, or {} for everything that is left')
    match = table.table("match")
    labels = [(label, match.text(label)) for label in match.values] if match else []
    return Route(
        match=tuple(sorted(labels)),
        source=table.source(),
        service=_service(table),
        sev=_level(table),
        escalation=_escalation(table),
        hours=tuple(_hours(entry, table.page.home) for entry in table.tables("hours")),
    )


def _service(table: Table) -> str | None:
    if "service" not in table:
        return None
    name, known = table.text("service"), table.page.known.services
    if name and name.casefold() not in known:
        repair = nearest(name, known.values(), f"add [service.{slug(name)}]")
        table.wrong("block-target", "service", f"no service is called {shown(name)}", repair)
    return known.get(name.casefold(), name) or None


def _level(table: Table) -> str | None:
    if "sev" not in table:
        return None
    said, known = table.text("sev"), table.page.known.levels
    level = known.get(squashed(said))
    if said and level is None:
        repair = nearest(said, known.values())
        table.wrong("block-target", "sev", f"the handbook has no level {shown(said)}", repair)
    return level


def squashed(label: str) -> str:
    """A severity label without case, blanks and hyphens."""
    return label.casefold().replace("-", "").replace(" ", "")


def _hours(table: Table, home: str | None) -> Restriction:
    hours = read_restriction(table)
    if hours.tz is None and home is None:
        table.missing("tz", 'add tz = "Europe/Stockholm": no zone is ever guessed')
    return Restriction(
        hours.type,
        hours.start,
        hours.end,
        hours.days,
        hours.start_day,
        hours.end_day,
        hours.tz or home or "UTC",
    )
