"""What is live, in one picture: handbook, people with their methods, and the rota with what was adjusted.

A schedule that cannot be computed keeps its last good form and raises an alarm (docs/reference/oncall.md T11).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from tocsin.config import Settings
from tocsin.domain.oncall.rota import Rota
from tocsin.domain.people import Directory
from tocsin.domain.policy import Policy
from tocsin.domain.schedules import Adjustment, Member, Schedule
from tocsin.engine.live import Live
from tocsin.store.contract import Store
from tocsin.wiring.people import directory, members_of, rota_of
from tocsin.wiring.timeline import kept_timeline

PAST_POLICIES = 20
"""So many earlier handbooks are searched for a schedule that could be computed."""
INVALID = "schedule:"
Adjusted = dict[str, tuple[Adjustment, ...]]


class Picture:
    """Makes the live picture, and only as much of it anew as has changed: a rota keeps what it has computed."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._made_of: tuple[object, ...] = ()
        self._rota = Rota()
        self._good: dict[str, Schedule] = {}

    def of(self, hash_: str, policy: Policy, warnings: tuple[str, ...], now: datetime) -> Live:
        """The picture with what the database holds now. Raises StoreUnavailable."""
        people = self.everybody(policy)
        return Live(hash_, policy, people, self._rota_of(policy, people, now), warnings)

    def everybody(self, policy: Policy) -> Directory:
        """Everybody as that handbook names them, and those added at run time. Raises StoreUnavailable."""
        store, settings = self._store, self._settings
        admins = settings.people.admins
        return directory(policy, store.people(), settings.channels, admins, store.contacts())

    def _rota_of(self, policy: Policy, people: Directory, now: datetime) -> Rota:
        made = by_schedule(self._store.adjustments())
        made_of = (policy.schedules, policy.rotations, members_of(people), made)
        if made_of != self._made_of:
            self._rota = self._computable(policy, people, made, now)
            self._made_of = made_of
        return self._rota

    def _computable(self, policy: Policy, people: Directory, made: Adjusted, now: datetime) -> Rota:
        """The rota with every schedule that cannot be computed in its last good form."""
        rota = rota_of(policy, people, made)
        reasons = dict(rota.invalid)
        good = {s.name: s for s in policy.schedules if s.name not in reasons}
        self._good |= good
        if reasons:
            instead = {name: self._last_good(name, members_of(people)) for name in reasons}
            schedules = tuple(instead.get(s.name) or s for s in policy.schedules)
            rota = rota_of(replace(policy, schedules=schedules), people, made)
            self._raise(reasons, {name for name, found in instead.items() if found}, now)
        for alarm in self._store.alarms():
            if alarm.key.startswith(INVALID) and alarm.key.removeprefix(INVALID) not in reasons:
                self._store.clear_alarm(alarm.key)
        return rota

    def _raise(self, reasons: Mapping[str, str], replaced: set[str], now: datetime) -> None:
        for name, reason in reasons.items():
            does = "its last good form stays active" if name in replaced else "it answers nobody"
            said = f"schedule {name} cannot be computed: {reason}; {does}"
            self._store.raise_alarm(f"{INVALID}{name}", said, now)

    def _last_good(self, name: str, members: tuple[Member, ...]) -> Schedule | None:
        """In this process, in earlier handbooks, else what was computed while it could be."""
        for schedule in self._candidates(name):
            if name not in Rota((schedule,), (), members).invalid:
                return schedule
        return None

    def _candidates(self, name: str) -> Iterator[Schedule]:
        if name in self._good:
            yield self._good[name]
        hashes = dict.fromkeys(activation.hash for activation in reversed(self._store.activations()))
        for hash_ in list(hashes)[:PAST_POLICIES]:
            stored = self._store.policy(hash_)
            yield from (s for s in stored.policy.schedules if s.name == name) if stored else ()
        kept = kept_timeline(self._store)
        if kept is not None and name in kept.schedules:
            yield kept.schedule(name)


def by_schedule(adjustments: Iterable[tuple[str, Adjustment]]) -> Adjusted:
    """Adjustments by the name of their schedule, in order."""
    found: Adjusted = {}
    for name, made in adjustments:
        found[name] = (*found.get(name, ()), made)
    return found
