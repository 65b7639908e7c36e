"""Where a signal goes: the first route of the policy block that matches decides service, severity and escalation.

`trace` explains every route, `decide` is what a stream is opened with; both ask the same function, so that
`tocsin route test` cannot say anything else than what happens. Labels and `integration` are compared as they are,
`service`, `severity` and `title` without case. Hours follow the rules of windows (docs/reference/oncall.md T2, T3).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from tocsin.domain import events as ev
from tocsin.domain.context import Refused
from tocsin.domain.oncall.wall import minute, zone
from tocsin.domain.oncall.windows import Hours
from tocsin.domain.policy import MonitoredService, Policy, Route
from tocsin.domain.schedules import InvalidSchedule, Restriction
from tocsin.domain.signals import Signal, said_level

DEFAULT_ESCALATION = "default"
"""The escalation policy of that name holds where neither a route nor a service names one."""
WHY_LIMIT = 20
"""So many reasons are kept with an incident; `tocsin route test` shows all of them."""


@dataclass(frozen=True, slots=True)
class Considered:
    """One route and what became of it: `won`, `passed` or `unasked` (an earlier one won), and why in one clause."""

    route: Route
    outcome: str
    why: str

    @property
    def line(self) -> str:
        """The same in one line, beginning with the file and line of the route."""
        return f"{where(self.route)} {self.why}"


@dataclass(frozen=True, slots=True)
class Routing:
    """What was decided: `rule` is the route that won; `why` one line for each route passed over and each decision."""

    rule: Route | None
    service: str | None
    level: str
    escalation: str | None
    why: tuple[str, ...]
    named: bool = False
    """Whether the route or the service named the escalation; else it is what holds without them."""

    def fact(self, at: datetime) -> ev.Routed | None:
        """What the timeline keeps of it; None where neither a route nor a service decided anything."""
        if self.rule is None and not self.named:
            return None
        left = len(self.why) - WHY_LIMIT
        kept = self.why if left <= 0 else (f"{left} more routes were passed over", *self.why[left:])
        rule = where(self.rule) if self.rule else ""
        return ev.Routed(at, rule, self.service, self.level, self.escalation, kept)


def where(route: Route) -> str:
    """File and line of a route."""
    return f"{route.source.file}:{route.source.line}"


def trace(policy: Policy, signal: Signal, at: datetime) -> tuple[Considered, ...]:
    """Every route in the order of the handbook with what became of it at that instant."""
    return _considered(policy, policy.routes, signal, at)


def _considered(
    policy: Policy, routes: Iterable[Route], signal: Signal, at: datetime
) -> tuple[Considered, ...]:
    found: list[Considered] = []
    won: Route | None = None
    for route in routes:
        if won is not None:
            found.append(Considered(route, "unasked", f"not asked: {where(won)} came first"))
            continue
        against = _against(policy, route, signal, at)
        if against:
            found.append(Considered(route, "passed", f"passed over: {against}"))
            continue
        won = route
        found.append(Considered(route, "won", f"won: {_for(route)}"))
    return tuple(found)


def decide(policy: Policy, signal: Signal, at: datetime) -> Routing:
    """Service, level and escalation of a signal at an instant, with the reasons."""
    asked = [one for one in trace(policy, signal, at) if one.outcome != "unasked"]
    rule = next((one.route for one in asked if one.outcome == "won"), None)
    service, service_why = _service(policy, rule, signal)
    level, level_why = _level(policy, rule, signal)
    escalation, escalation_why, named = _escalation(policy, rule, service)
    why = (*(one.line for one in asked), service_why, level_why, escalation_why)
    return Routing(rule, service, level, escalation, why, named)


def declared(policy: Policy, service: str, title: str, level: str, at: datetime) -> Routing:
    """The escalation of what a person declares for a service: her service and level stand.

    Only routes that match on `service` are asked: the others speak of alerts. Raises Refused for a service that is not
    in a policy that has services; where it has none, any name will do.
    """
    known = known_service(policy, service)
    signal = Signal("", "", title, "", service=known)
    routes = [route for route in policy.routes if dict(route.match).get("service")]
    asked = [one for one in _considered(policy, routes, signal, at) if one.outcome != "unasked"]
    rule = next((one.route for one in asked if one.outcome == "won"), None)
    escalation, why, named = _escalation(policy, rule, known)
    said = f"service {known}: said by whoever declared it"
    return Routing(rule, known, level, escalation, (*(one.line for one in asked), said, why), named)


def known_service(policy: Policy, name: str) -> str:
    """The service as the policy writes it. Raises Refused for an unknown one, naming the nearest."""
    found = policy.service(name)
    if found is not None or not policy.services:
        return found.name if found else name
    names = {s.name.casefold(): s.name for s in policy.services}
    near = difflib.get_close_matches(name.casefold(), names, n=1)
    nearest = f"did you mean {names[near[0]]}? " if near else ""
    raise Refused(f"there is no service {name!r}", f"{nearest}known services: {', '.join(names.values())}")


# --- whether a route matches ------------------------------------------------------------------------------------------


def _against(policy: Policy, route: Route, signal: Signal, at: datetime) -> str:
    """What keeps a route from matching, the first reason only; empty when nothing does."""
    labels = {**dict(signal.labels), "integration": signal.integration}
    own = {"service": signal.service or "", "severity": signal.severity, "title": signal.title}
    for name, wanted in route.match:
        said = own.get(name) or labels.get(name, "")
        same = said.casefold() == wanted.casefold() if name in own else said == wanted
        if not same:
            return f"{name} is {said!r}, not {wanted!r}" if said else f"there is no {name}"
    return _outside(route.hours, home_zone(policy), at) if route.hours else ""


def _outside(hours: tuple[Restriction, ...], tz: str, at: datetime) -> str:
    try:
        if within(hours, tz, at):
            return ""
    except InvalidSchedule as unfit:
        return f"its hours cannot be computed: {unfit}"
    return f"outside its hours ({', '.join(hours_words(one, tz) for one in hours)})"


def _for(route: Route) -> str:
    """What spoke for a route."""
    said = [f"{name} = {value}" for name, value in route.match]
    if route.hours:
        said.append("within its hours")
    return ", ".join(said) or "it takes everything"


def home_zone(policy: Policy) -> str:
    """The zone of hours that name none: that of the policy's first schedule, else of its first table, else UTC."""
    zones = [schedule.tz for schedule in policy.schedules] + [table.tz for table in policy.rotations]
    return next(iter(zones), "UTC")


def within(hours: tuple[Restriction, ...], tz: str, at: datetime) -> bool:
    """Whether `at` lies in one of the hours (`tz` where they name no zone). Raises InvalidSchedule."""
    return _clock(hours, tz).open(minute(at))


@lru_cache(maxsize=256)
def _clock(hours: tuple[Restriction, ...], tz: str) -> Hours:
    return Hours(hours, zone(tz))


_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def hours_words(hours: Restriction, tz: str) -> str:
    """Hours in words: `08:00-18:00 mon, tue Europe/Stockholm`."""
    zone = hours.tz or tz
    if hours.type == "weekly" and hours.start_day is not None and hours.end_day is not None:
        return f"{_DAYS[hours.start_day]} {hours.start} to {_DAYS[hours.end_day]} {hours.end} {zone}"
    days = f" {', '.join(_DAYS[day] for day in hours.days)}" if hours.days else ""
    return f"{hours.start}-{hours.end}{days} {zone}"


# --- what follows from it ---------------------------------------------------------------------------------------------


def _service(policy: Policy, rule: Route | None, signal: Signal) -> tuple[str | None, str]:
    name, by = (rule.service, where(rule)) if rule and rule.service else (signal.service, "the sender")
    if not name:
        return None, "no service: neither a route nor the sender names one"
    found = policy.service(name)
    if found is None and policy.services:
        return name, f"service {name}: by {by}, but the policy has none of that name"
    return found.name if found else name, f"service {found.name if found else name}: by {by}"


def _level(policy: Policy, rule: Route | None, signal: Signal) -> tuple[str, str]:
    said = said_level(signal, policy)
    word = f"the sender said {signal.severity!r}" if signal.severity else "the sender said nothing"
    if rule is None or rule.sev is None:
        return said, f"{said}: {word}"
    found = policy.severity(rule.sev)
    if found is None:
        return said, f"{said}: {word}; {where(rule)} asks for {rule.sev}, which the handbook does not have"
    return found.level, f"{found.level}: by {where(rule)}"


def _escalation(policy: Policy, rule: Route | None, service: str | None) -> tuple[str | None, str, bool]:
    """The route's, else the service's, else the policy's default; why; whether route or service named it.

    None: the handbook's ladder, as without routes.
    """
    of_service: MonitoredService | None = policy.service(service) if service else None
    wanted = (
        (rule.escalation if rule else None, f"by {where(rule)}" if rule else ""),
        (of_service.escalation if of_service else None, f"that of service {service}"),
    )
    lacking = ""
    for name, by in wanted:
        if name and policy.escalation(name) is not None:
            return name, f"escalation {name}: {by}{lacking}", True
        if name:
            lacking += f"; the handbook has no escalation {name} ({by})"
    unnamed = f"no route or service names one{lacking}"
    if policy.escalation(DEFAULT_ESCALATION) is not None:
        return DEFAULT_ESCALATION, f"escalation {DEFAULT_ESCALATION}: {unnamed}", False
    return None, f"the handbook's own escalation: {unnamed}", False
