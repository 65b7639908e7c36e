"""Who is known and how they are reached: the handbook's roster, people added at run time, configured channels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from tocsin.config import ChannelSettings, EmailSettings
from tocsin.domain.oncall.rota import Rota
from tocsin.domain.people import Directory, Method, Person
from tocsin.domain.policy import PersonRules, Policy
from tocsin.domain.schedules import Adjustment, Member, Schedule
from tocsin.store.contract import ContactRow


def directory(
    policy: Policy,
    known: Iterable[Person],
    channels: Mapping[str, ChannelSettings],
    admins: Iterable[str],
    contacts: Iterable[ContactRow] = (),
) -> Directory:
    """Everybody. A run-time entry changes the standing of a roster person, or adds somebody who is in no roster.

    `contacts`: addresses that people added themselves, and how well each method works.
    """
    people = {
        entry.handle: Person(
            handle=entry.handle,
            name=entry.name,
            email=entry.email,
            phone=entry.phone,
            chat=entry.chat,
            can_act_as=entry.can_act_as,
            tz=_home_zone(policy),
        )
        for entry in policy.roster
    }
    for person in known:
        roster = people.get(person.handle)
        people[person.handle] = replace(roster, standing=person.standing) if roster else person
    for handle in admins:
        if handle in people:
            people[handle] = replace(people[handle], standing="admin")
    for said in policy.people:
        known_as = people.get(said.handle)
        if known_as is not None:
            people[said.handle] = _with_rules(known_as, said, policy)
    rows = {(row.person, row.channel): row for row in contacts}
    found = {handle: _methods(person, channels, rows) for handle, person in people.items()}
    methods = {handle: used for handle, (used, _) in found.items()}
    return Directory(people, methods, {handle: off for handle, (_, off) in found.items() if off})


def _methods(
    person: Person, channels: Mapping[str, ChannelSettings], rows: Mapping[tuple[str, str], ContactRow]
) -> tuple[tuple[Method, ...], tuple[Method, ...]]:
    """The ways that work as far as is known, and those that failures have disabled; where that is all, they are used.

    A page that may be refused beats none, and the first one that is taken shows that the way works again (N10).
    """
    found, disabled = [], []
    for name, settings in channels.items():
        if settings.people is not None and person.handle not in settings.people:
            continue
        address = person.email if isinstance(settings, EmailSettings) else person.handle
        row = rows.get((person.handle, name))
        method = _method(name, settings.kind, address, row)
        if method is not None:
            found.append(method)
        rest = (
            _method(name, settings.kind, address, replace(row, disabled="")) if row and row.disabled else None
        )
        if rest is not None and rest != method:
            disabled.append(rest)
    return (tuple(found), tuple(disabled)) if found else (tuple(disabled), ())


def _method(name: str, kind: str, address: str | None, row: ContactRow | None) -> Method | None:
    """Her own address once she proved it, else the roster's, which is usable at once (N10, design rule 24)."""
    if row is not None and row.address and row.verified_at is not None and not row.disabled:
        return Method(name, row.address, kind, row.last_ok)
    if not address:
        return None
    if row is None or row.address or row.tried not in ("", address):
        return Method(name, address, kind)
    return None if row.disabled else Method(name, address, kind, row.last_ok)


def _with_rules(person: Person, said: PersonRules, policy: Policy) -> Person:
    return replace(
        person,
        tz=said.tz or _home_zone(policy),
        active_from=said.active_from,
        inactive_from=said.inactive_from,
        high=said.high,
        low=said.low,
        quiet=said.quiet,
    )


def _home_zone(policy: Policy) -> str:
    """Where somebody is assumed to live of whom the handbook says nothing: where its hand-overs are."""
    zones = [schedule.tz for schedule in policy.schedules] + [table.tz for table in policy.rotations]
    return next(iter(zones), "UTC")


def rota_of(
    policy: Policy, people: Directory, adjustments: Mapping[str, Iterable[Adjustment]] | None = None
) -> Rota:
    """Every schedule of the policy, with what people changed at run time (by schedule, in order)."""
    made = adjustments or {}
    schedules = (_adjusted(schedule, made.get(schedule.name, ())) for schedule in policy.schedules)
    rota = Rota(schedules, policy.rotations, members_of(people))
    blocks = {schedule.name for schedule in policy.schedules}
    for name in rota.names():
        if (
            name not in blocks and name in made and name not in rota.invalid
        ):  # a column of the handbook's table
            rota = rota.with_adjustments(name, tuple(made[name]))
    return rota


def members_of(people: Directory) -> tuple[Member, ...]:
    """What schedules must know of everybody."""
    return tuple(Member(p.handle, p.tz, p.active_from, p.inactive_from) for p in people.people.values())


def _adjusted(schedule: Schedule, made: Iterable[Adjustment]) -> Schedule:
    return replace(schedule, adjustments=(*schedule.adjustments, *made))
