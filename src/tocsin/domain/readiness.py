"""Who can be reached, how that is known, and what will hurt before it does (docs/reference/oncall.md F4 to F9).

A pure judgement of people, schedules and contact methods at an instant. Not here: sending test pages, the surfaces
that show it. Levels: `error` hurts now or within a week, `warning` will hurt, `info` is worth knowing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from tocsin.domain.oncall.rota import Rota
from tocsin.domain.people import Directory, Person, Way
from tocsin.domain.policy import Policy
from tocsin.domain.schedules import Interval, Layer, Schedule

PROOF_LASTS = timedelta(days=90)
"""A page that arrived longer ago than this proves nothing any more (F9)."""
AHEAD = timedelta(days=30)
"""So far ahead gaps are looked for (F4)."""
WEEKS_AHEAD = 8
"""So many weeks ahead somebody who may be IC must be on call in each."""
COMING = timedelta(hours=48)
"""Whoever comes on call within this must be ready (F9)."""
CALENDAR_ENDS = timedelta(days=60)
"""A calendar of holidays that ends within this raises its hand (W6)."""
HORIZON = timedelta(days=400)
"""So far ahead a schedule is followed to see whether it ends."""
ENDS_AFTER = timedelta(days=35)
"""Nobody on call for so long up to the horizon: the schedule has ended."""
SOON = timedelta(days=7)
"""A gap or an end that begins within this is an error."""
LEAD = "ic"
LEVELS = ("error", "warning", "info")

RULES = {
    "nobody-reachable": "nobody at all can be reached for high urgency",
    "no-method": "a person has no way to be reached",
    "no-immediate-rule": "her first way for high urgency waits",
    "unverified": "an address was never verified, so it is not used",
    "method-disabled": "a way was switched off after failures",
    "method-failing": "the last page by a way failed",
    "never-proven": "no page ever arrived",
    "proven-long-ago": "the last page that arrived is more than 90 days ago",
    "alone-unreachable": "the only person on call cannot be reached",
    "coming-not-ready": "somebody who comes on call within 48 hours cannot be reached",
    "one-person-rota": "a schedule has one person for weeks",
    "gap": "nobody is on call within the next 30 days",
    "no-ic-week": "a week without anybody on call who may be IC",
    "schedule-ends": "a schedule ends",
    "schedule-invalid": "a schedule cannot be computed",
    "holidays-end": "a calendar of holidays ends within 60 days",
}
"""Every finding by its stable name."""


@dataclass(frozen=True, slots=True)
class Contact:
    """What is known of one way to reach a person: `address` empty speaks of the roster's.

    `disabled` says why it is not used. `fails`: failures for good in a row.
    """

    person: str
    channel: str
    address: str = ""
    verified_at: datetime | None = None
    disabled: str = ""
    last_ok: datetime | None = None
    last_fail: datetime | None = None
    fails: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class MethodState:
    """One way to reach a person: `usable` when a page would use it; `proven_at` when a page last arrived."""

    channel: str
    kind: str
    usable: bool
    verified_at: datetime | None = None
    roster: bool = False
    """The address is the handbook's: usable without being verified, and unproven until a page arrives."""
    proven_at: datetime | None = None
    failed_at: datetime | None = None
    fails: int = 0
    disabled: str = ""
    detail: str = ""

    @property
    def failing(self) -> bool:
        """Whether the newest thing known of it is a failure."""
        return self.failed_at is not None and (self.proven_at is None or self.failed_at > self.proven_at)


@dataclass(frozen=True, slots=True)
class PersonReadiness:
    """How one person is reached; `called`: a schedule, an escalation or a role may call her.

    `high`, `low`: by which ways and when. `ready_high`: a way for high urgency is there at once and not failing.
    """

    handle: str
    name: str
    called: bool
    high: tuple[Way, ...]
    low: tuple[Way, ...]
    methods: tuple[MethodState, ...]
    ready_high: bool
    ready_low: bool
    proven_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What will hurt: `rule` of RULES, whom or which schedule it is `about`, what to do."""

    rule: str
    level: str
    about: str
    message: str
    repair: str


@dataclass(frozen=True, slots=True)
class Gap:
    """When nobody is on call in a schedule, within the next 30 days."""

    schedule: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Readiness:
    """The whole judgement; `alarms` is what is wrong at this very moment, without names of people."""

    at: datetime
    people: tuple[PersonReadiness, ...]
    findings: tuple[Finding, ...]
    gaps: tuple[Gap, ...] = ()
    alarms: tuple[str, ...] = ()
    schedules: tuple[str, ...] = ()
    """Those that can be computed."""

    def of(self, handle: str) -> PersonReadiness | None:
        """How that person is reached."""
        return next((p for p in self.people if p.handle == handle), None)


def readiness(
    directory: Directory, rota: Rota, policy: Policy, now: datetime, contacts: Iterable[Contact] = ()
) -> Readiness:
    """Judge everybody and every schedule at `now`. Pure; the same question has the same answer."""
    known = tuple(contacts)
    called = people_called(directory, rota, policy)
    people = tuple(_person(p, directory, known, p.handle in called) for p in directory.people.values())
    outlook = Outlook(directory, rota, {p.handle: p for p in people}, now)
    findings = [
        *_nobody(people, called),
        *(finding for person in people for finding in _of_person(person, now)),
        *(finding for name, _ in _schedules(rota) for finding in _of_schedule(name, outlook)),
        *_weeks(policy, outlook),
        *_holidays(rota, now),
        *_invalid(rota),
    ]
    findings.sort(key=lambda f: (LEVELS.index(f.level), f.rule, f.about))
    gaps = tuple(gap for name, _ in _schedules(rota) for gap in outlook.gaps(name))
    alarms, fit = _alarms(findings, gaps, now), tuple(name for name, _ in _schedules(rota))
    return Readiness(now, people, tuple(findings), gaps, alarms, fit)


def people_called(directory: Directory, rota: Rota, policy: Policy) -> frozenset[str]:
    """Everybody whom a schedule, a step, a fallback or the role of an IC may call."""
    found: set[str] = set(directory.who_may_be(LEAD))
    for _, schedule in _schedules(rota):
        for layer in schedule.layers:
            found.update(_in_layer(layer))
        for adjustment in schedule.adjustments:
            found.update((*adjustment.users, adjustment.add))
            found.update(person for shift in adjustment.shifts for person in shift.users)
    rungs = [*policy.ladder, *(rung for e in policy.escalations for rung in e.steps)]
    targets = [t for rung in rungs for t in rung.targets] + [
        t for e in policy.escalations for t in e.fallback
    ]
    for target in targets:
        kind, _, name = target.partition(":")
        if kind == "person":
            found.add(name)
        elif kind == "role":
            found.update(directory.who_may_be(name.casefold()))
    return frozenset(found & set(directory.people))


def _in_layer(layer: Layer) -> Iterator[str]:
    """Everybody whom a layer names, now or after a change."""
    if layer.rotation is not None:
        lists = [layer.rotation.slots, *(change.slots or () for change in layer.rotation.changes)]
        yield from (person for slots in lists for slot in slots for person in slot)
    yield from (person for shift in layer.shifts for person in shift.users)


def _schedules(rota: Rota) -> Iterator[tuple[str, Schedule]]:
    """Every schedule that can be computed."""
    unfit = rota.invalid
    for name in rota.names():
        if name not in unfit:
            yield name, rota.schedule(name)


# --- one person ----------------------------------------------------------------------------------------------------


def _person(
    person: Person, directory: Directory, contacts: tuple[Contact, ...], called: bool
) -> PersonReadiness:
    mine = {c.channel: c for c in contacts if c.person == person.handle}
    usable = {method.channel: method for method in directory.methods_of(person.handle)}
    methods = tuple(
        _method(
            channel, usable[channel].kind if channel in usable else "", mine.get(channel), channel in usable
        )
        for channel in dict.fromkeys((*usable, *mine))
    )
    works = {m.channel for m in methods if m.usable and not m.failing}
    high, low = (directory.ways(person.handle, urgent=urgent) for urgent in (True, False))
    return PersonReadiness(
        handle=person.handle,
        name=person.name,
        called=called,
        high=high,
        low=low,
        methods=methods,
        ready_high=any(way.after_s == 0 and way.channel in works for way in high),
        ready_low=any(way.channel in works for way in low),
        proven_at=max((m.proven_at for m in methods if m.proven_at), default=None),
    )


def _method(channel: str, kind: str, known: Contact | None, usable: bool) -> MethodState:
    if known is None:
        return MethodState(channel, kind, usable, roster=True)
    return MethodState(
        channel=channel,
        kind=kind,
        usable=usable and not known.disabled,
        verified_at=known.verified_at,
        roster=not known.address,
        proven_at=known.last_ok,
        failed_at=known.last_fail,
        fails=known.fails,
        disabled=known.disabled,
        detail=known.detail,
    )


def _of_person(person: PersonReadiness, now: datetime) -> Iterator[Finding]:
    """What speaks against one person; somebody whom nothing calls is worth knowing, no more."""
    who, worse, bad = person.handle, *(("error", "warning") if person.called else ("info", "info"))
    test = f"tocsin page test {who}"
    if not any(m.usable for m in person.methods):
        yield Finding(
            "no-method", worse, who, f"{who} cannot be reached at all", "give her an address, or a channel"
        )
    elif person.high and person.high[0].after_s:
        yield Finding(
            "no-immediate-rule",
            bad,
            who,
            f"the first way to {who} for high urgency waits {person.high[0].after_s} s",
            'begin her rules.high with after = "0m"',
        )
    for method in person.methods:
        yield from _of_method(who, method, bad, test)
    if person.proven_at is None and any(m.usable for m in person.methods):
        yield Finding("never-proven", bad, who, f"no page has ever arrived at {who}", f"prove it: {test}")
    elif person.proven_at is not None and now - person.proven_at > PROOF_LASTS:
        when = f"{person.proven_at:%Y-%m-%d}"
        yield Finding("proven-long-ago", bad, who, f"the last page arrived at {who} on {when}", f"{test}")


def _of_method(who: str, method: MethodState, level: str, test: str) -> Iterator[Finding]:
    what = f"{who} by {method.channel}"
    if method.disabled:
        yield Finding(
            "method-disabled",
            level,
            who,
            f"{what} is switched off: {method.disabled}",
            f"repair it, then {test}",
        )
    elif method.failing:
        detail = f": {method.detail}" if method.detail else ""
        yield Finding(
            "method-failing", level, who, f"the last page to {what} failed{detail}", f"look, then {test}"
        )
    if not method.roster and method.verified_at is None:
        yield Finding(
            "unverified", level, who, f"the address of {what} is not verified, and not used", "enter its code"
        )


def _nobody(people: tuple[PersonReadiness, ...], called: frozenset[str]) -> Iterator[Finding]:
    reachable = any(_reachable(p) for p in people if p.called or not called)
    if not reachable:
        yield Finding(
            "nobody-reachable",
            "error",
            "everybody",
            "nobody at all can be reached for high urgency",
            "configure a channel in tocsin.toml, and give the people of the roster an address on it",
        )


def _reachable(person: PersonReadiness) -> bool:
    """Whether a page of high urgency has any way to her that has not been switched off."""
    usable = {m.channel for m in person.methods if m.usable}
    return any(way.channel in usable for way in person.high)


# --- schedules ------------------------------------------------------------------------------------------------------


class Outlook:
    """What the schedules say of the days ahead; each is asked once."""

    def __init__(
        self, directory: Directory, rota: Rota, people: dict[str, PersonReadiness], now: datetime
    ) -> None:
        self.directory, self.rota, self.people, self.now = directory, rota, people, now
        self._weeks: dict[str, tuple[Interval, ...]] = {}

    def weeks(self, name: str) -> tuple[Interval, ...]:
        """The final schedule of the weeks ahead."""
        if name not in self._weeks:
            self._weeks[name] = self.rota.final(name, self.now, self.now + timedelta(weeks=WEEKS_AHEAD))
        return self._weeks[name]

    def ends(self, name: str) -> datetime | None:
        """From when on nobody follows; None where somebody still does towards the horizon."""
        end = self.now + HORIZON
        if any(interval.people for interval in self.rota.final(name, end - ENDS_AFTER, end)):
            return None  # most schedules: the year before that need not be looked at
        return self.rota.final(name, self.now, end)[-1].start

    def gaps(self, name: str) -> list[Gap]:
        """Gaps of the next 30 days within what the schedule has to cover (F4)."""
        found = self.rota.gaps(name, self.now, self.now + AHEAD)
        return [Gap(name, gap.start, gap.end) for gap in found]

    def reaches(self, handle: str) -> bool:
        """Whether a page reaches that person."""
        person = self.people.get(handle)
        return person is not None and _reachable(person)


def _of_schedule(name: str, outlook: Outlook) -> Iterator[Finding]:
    yield from _gaps(name, outlook)
    yield from _ends(name, outlook)
    yield from _alone(name, outlook)
    yield from _coming(name, outlook)


def _gaps(name: str, outlook: Outlook) -> Iterator[Finding]:
    gaps = outlook.gaps(name)
    if not gaps:
        return
    first = gaps[0]
    more = f", and {len(gaps) - 1} more within 30 days" if len(gaps) > 1 else ""
    level = "error" if first.start - outlook.now < SOON else "warning"
    since = "now" if first.start <= outlook.now else f"from {first.start:%Y-%m-%d %H:%M} UTC"
    yield Finding(
        "gap",
        level,
        name,
        f"nobody is on call in {name} {since} until {first.end:%Y-%m-%d %H:%M} UTC{more}",
        f"tocsin override add {name}, or a layer below that is always there",
    )


def _ends(name: str, outlook: Outlook) -> Iterator[Finding]:
    last = outlook.ends(name)
    if last is None:
        return
    over = last <= outlook.now
    level = (
        "error" if last - outlook.now < SOON else "warning" if last - outlook.now < CALENDAR_ENDS else "info"
    )
    when = "has ended: nobody follows" if over else f"ends on {last:%Y-%m-%d %H:%M} UTC"
    yield Finding("schedule-ends", level, name, f"{name} {when}", "extend it, or let the table repeat")


def _alone(name: str, outlook: Outlook) -> Iterator[Finding]:
    """One person for all the weeks ahead, and the only one on call now who cannot be reached."""
    everybody = dict.fromkeys(person for interval in outlook.weeks(name) for person in interval.people)
    if len(everybody) == 1:
        only = next(iter(everybody))
        yield Finding(
            "one-person-rota",
            "warning",
            name,
            f"{only} alone is on call in {name} for {WEEKS_AHEAD} weeks",
            "add a second person: nobody is reachable always",
        )
    here = outlook.rota.who(name, outlook.now)
    if here and not any(outlook.reaches(person) for person in here):
        yield Finding(
            "alone-unreachable",
            "error",
            name,
            f"{', '.join(here)} on call in {name} cannot be reached",
            f"tocsin override add {name}, or give them a way to be reached",
        )


def _coming(name: str, outlook: Outlook) -> Iterator[Finding]:
    """Who comes on call within 48 hours and is not ready (F9)."""
    coming = [interval for interval in outlook.weeks(name) if interval.start < outlook.now + COMING]
    told: set[str] = set()
    for before, after in pairwise(coming):
        for who in after.people:
            person = outlook.people.get(who)
            if who in before.people or who in told or (person is not None and person.ready_high):
                continue
            told.add(who)
            yield Finding(
                "coming-not-ready",
                "error",
                who,
                f"{who} comes on call in {name} at {after.start:%Y-%m-%d %H:%M} UTC and is not ready",
                f"tocsin readiness {who} says what is missing",
            )


def _weeks(policy: Policy, outlook: Outlook) -> Iterator[Finding]:
    """Weeks ahead in which nobody on call may be IC, in any schedule."""
    names = [name for name, _ in _schedules(outlook.rota)]
    if policy.role(LEAD) is None or not names:
        return
    leaders = set(outlook.directory.who_may_be(LEAD))
    spans = [(i.start, i.end) for name in names for i in outlook.weeks(name) if leaders & set(i.people)]
    week = timedelta(weeks=1)
    starts = [outlook.now + week * number for number in range(WEEKS_AHEAD)]
    bare = [start for start in starts if not any(s < start + week and start < e for s, e in spans)]
    if bare:
        more = f" and {len(bare) - 1} more" if len(bare) > 1 else ""
        yield Finding(
            "no-ic-week",
            "warning",
            "everybody",
            f"nobody on call may be IC in the week from {bare[0]:%Y-%m-%d}{more}",
            "put somebody who may act as IC on call, or let the roster say that more people may",
        )


def _holidays(rota: Rota, now: datetime) -> Iterator[Finding]:
    for name, schedule in _schedules(rota):
        for layer in schedule.layers:
            last = max(layer.holidays.dates, default="") if layer.holidays else ""
            if last and last < f"{now + CALENDAR_ENDS:%Y-%m-%d}":
                yield Finding(
                    "holidays-end",
                    "warning",
                    name,
                    f"the holidays of layer {layer.name} in {name} end on {last}",
                    "add the dates of the coming year",
                )


def _invalid(rota: Rota) -> Iterator[Finding]:
    for name, reason in rota.invalid.items():
        yield Finding(
            "schedule-invalid", "error", name, f"{name} cannot be computed: {reason}", "repair the handbook"
        )


def _alarms(findings: list[Finding], gaps: tuple[Gap, ...], now: datetime) -> tuple[str, ...]:
    """What is wrong at this moment, for everybody to read: schedules by name, people not."""
    found = [f.message for f in findings if f.rule == "nobody-reachable"]
    found += [f"nobody is on call in {gap.schedule}" for gap in gaps if gap.start <= now < gap.end]
    found += [
        f"whoever is on call in {f.about} cannot be reached"
        for f in findings
        if f.rule == "alone-unreachable"
    ]
    return tuple(found)
