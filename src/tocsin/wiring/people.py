"""Who is known and how they are reached: the handbook's roster, people added at run time, configured channels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from tocsin.config import ChannelSettings, EmailSettings
from tocsin.domain.people import Directory, Method, Person
from tocsin.domain.policy import Policy


def directory(
    policy: Policy, known: Iterable[Person], channels: Mapping[str, ChannelSettings], admins: Iterable[str]
) -> Directory:
    """Everybody. A run-time entry changes the standing of a roster person, or adds somebody who is in no roster."""
    people = {
        entry.handle: Person(
            handle=entry.handle,
            name=entry.name,
            email=entry.email,
            phone=entry.phone,
            chat=entry.chat,
            can_act_as=entry.can_act_as,
        )
        for entry in policy.roster
    }
    for person in known:
        roster = people.get(person.handle)
        people[person.handle] = replace(roster, standing=person.standing) if roster else person
    for handle in admins:
        if handle in people:
            people[handle] = replace(people[handle], standing="admin")
    methods = {handle: _methods(person, channels) for handle, person in people.items()}
    return Directory(people, methods)


def _methods(person: Person, channels: Mapping[str, ChannelSettings]) -> tuple[Method, ...]:
    found = []
    for name, settings in channels.items():
        if settings.people is not None and person.handle not in settings.people:
            continue
        if not isinstance(settings, EmailSettings):
            found.append(Method(name, person.handle))
        elif person.email:
            found.append(Method(name, person.email))
    return tuple(found)
