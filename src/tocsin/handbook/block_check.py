"""Judges policy blocks as a whole: what each part allows, and together does not work or surprises.

Here: services that would end nowhere (E5), routes and rules that never come to be (N3), hand-overs in the middle of a
duty (W5), rotas of one person. Only what the text alone shows: who can be reached right now is `domain.readiness`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from tocsin.domain.context import Context
from tocsin.domain.oncall.turns import cadence
from tocsin.domain.oncall.wall import WEEK, moment, zone
from tocsin.domain.oncall.windows import Hours
from tocsin.domain.people import Directory
from tocsin.domain.policy import Escalation, PersonRules, Policy
from tocsin.domain.schedules import Layer, Rotation, Schedule
from tocsin.domain.source import BUILT_IN, Source
from tocsin.domain.targets import escalation_for
from tocsin.handbook.block_lines import Path
from tocsin.handbook.block_values import Page, dotted, shown
from tocsin.handbook.findings import Notebook
from tocsin.handbook.grammar import format_duration

METHODS = ("push", "sms", "voice", "email", "chat", "webhook", "ntfy", "console", "apprise")
"""Kinds of channels that a personal rule may name; any other word has to be a channel's own name."""
HOLIDAYS_LAST_DAYS = 60
"""A list of holidays that ends sooner is reported: behind its end the wrong layer would be called (W6)."""
HANDOVERS_LOOKED_AT = {"hour": 168, "day": 31, "week": 53, "month": 24}


@dataclass(frozen=True, slots=True)
class Places:
    """Where each key of all blocks stands; of what is defined twice, where it stands first."""

    found: dict[Path, Source]

    @classmethod
    def of(cls, pages: Iterable[Page]) -> Places:
        """The places of all blocks, in their order."""
        found: dict[Path, Source] = {}
        for page in pages:
            for path in page.lines:
                found.setdefault(path, page.source(path))
        return cls(found)

    def __contains__(self, path: Path) -> bool:
        return path in self.found

    def at(self, *path: str | int) -> Source:
        """Where a key stands, else the table around it."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.found:
                return self.found[path[:end]]
        return BUILT_IN


def judge_blocks(
    policy: Policy, places: Places, now: datetime | None, notes: Notebook, channels: Collection[str] = ()
) -> None:
    """Note every finding about what the blocks say together. `channels`: the names that `tocsin.toml` gives them."""
    _Judge(policy, places, now, notes, channels).run()


def members_of(schedule: Schedule) -> tuple[str, ...]:
    """Everybody who is ever on call by the layers of a schedule, each once; shadows are not (L6)."""
    found: list[str] = []
    for layer in schedule.layers:
        if layer.role != "oncall":
            continue
        if layer.rotation is not None:
            changed = (change.slots or () for change in layer.rotation.changes)
            found += [who for slots in (layer.rotation.slots, *changed) for slot in slots for who in slot]
        found += [who for shift in layer.shifts for who in shift.users]
    return tuple(dict.fromkeys(found))


def reached(target: str, policy: Policy) -> tuple[str, ...]:
    """Everybody whom a target can ever mean."""
    kind, _, name = target.partition(":")
    if kind == "person":
        return (name,)
    if kind == "role":
        return tuple(p.handle for p in policy.roster if name in p.can_act_as)
    schedule = next((s for s in policy.schedules if s.name == name), None)
    seated = tuple(
        who for table in policy.rotations for row in table.rows for seat, who in row.people if seat == name
    )
    if schedule is None and not seated and target == "oncall:primary":
        schedule = next(iter(policy.schedules), None)
    return members_of(schedule) if schedule else tuple(dict.fromkeys(seated))


def default_escalation(policy: Policy) -> Escalation:
    """What holds for an incident of which no route and no service says anything (docs/reference/handbook.md)."""
    return escalation_for(Context(policy, Directory()))


class _Judge:
    def __init__(
        self,
        policy: Policy,
        places: Places,
        now: datetime | None,
        notes: Notebook,
        channels: Collection[str],
    ) -> None:
        self._policy = policy
        self._places = places
        self._now = now
        self._notes = notes
        self._methods = frozenset(METHODS) | frozenset(channels)

    def run(self) -> None:
        for schedule in self._policy.schedules:
            self._schedule(schedule)
        for escalation in self._policy.escalations:
            self._fallback(escalation)
            self._without_ic(escalation)
        self._services()
        self._shadowed()
        for person in self._policy.people:
            self._person(person)

    def _schedule(self, schedule: Schedule) -> None:
        self._lonely(schedule)
        for place, layer in enumerate(schedule.layers):
            path: Path = ("schedule", schedule.name, "layer", place)
            if layer.rotation is not None:
                at = handover_inside(layer, layer.rotation)
                if at is not None:
                    self._inside(path, layer, at)
            if layer.holidays is not None and layer.holidays.dates:
                self._holidays(path, layer.holidays.dates[-1])

    def _lonely(self, schedule: Schedule) -> None:
        members = members_of(schedule)
        if len(members) > 1:
            return
        who = f"only {shown(members[0])} is" if members else "nobody is"
        source = self._places.at("schedule", schedule.name, "layer", 0, "rotation", "members")
        message = f"schedule.{schedule.name}: {who} ever on call"
        self._notes.found("one-person-rota", source, message, "put somebody in who can take over")

    def _inside(self, path: Path, layer: Layer, at: datetime) -> None:
        source = self._places.at(*path, "rotation", "start")
        there = at.astimezone(ZoneInfo(layer.tz))
        message = (
            f"{dotted(path)}: the hand-over of {there:%a %Y-%m-%d %H:%M} {layer.tz} lies inside the layer's hours: the "
            f"person changes in the middle of them (W5)"
        )
        repair = "begin the turns where the hours begin or end, if that is not meant"
        self._notes.found("handoff-in-window", source, message, repair)

    def _holidays(self, path: Path, last: str) -> None:
        if self._now is None or date.fromisoformat(last) >= self._now.date() + timedelta(
            days=HOLIDAYS_LAST_DAYS
        ):
            return
        message = (
            f"{dotted(path)}: the last of the holidays is {last}; behind it every day is an ordinary one (W6)"
        )
        source = self._places.at(*path, "holidays", "dates")
        self._notes.found("holidays-end", source, message, "add the days of the next year")

    def _fallback(self, escalation: Escalation) -> None:
        if escalation.fallback:
            return
        message = f"escalation.{escalation.name}: no fallback; when nobody answers the administrators are called (E5)"
        repair = 'add fallback = ["role:..."] or a person'
        self._notes.found("fallback-missing", escalation.source, message, repair)

    def _without_ic(self, escalation: Escalation) -> None:
        leaders = {p.handle for p in self._policy.roster if "ic" in p.can_act_as}
        targets = [t for step in escalation.steps for t in step.targets] + list(escalation.fallback)
        called = {who for target in targets for who in reached(target, self._policy)}
        if not self._policy.roster or not called or leaders & called:
            return
        named = [t.partition(":")[2] for t in targets if t.startswith(("schedule:", "oncall:"))]
        names = [s.name for s in self._policy.schedules if s.name in named]
        source = escalation.source
        if names:
            source = self._places.at("schedule", names[0], "layer", 0, "rotation", "members")
        message = f"nobody whom escalation.{escalation.name} calls can act as IC"
        repair = 'put somebody in who can act as IC, or add "role:IC" as a target'
        self._notes.found("rotation-without-ic", source, message, repair)

    def _services(self) -> None:
        """Whatever can carry a service's incident must end with somebody (E5)."""
        if ("escalation", "default") not in self._places or self._policy.escalation("default"):
            for service in self._policy.services:
                told = f"service {shown(service.name)}"
                self._ends(told, service.escalation, service.source)
        for route in self._policy.routes:
            if route.escalation is not None and route.service is not None:
                self._ends(f"this route of service {shown(route.service)}", route.escalation, route.source)

    def _ends(self, told: str, name: str | None, source: Source) -> None:
        escalation = self._policy.escalation(name) if name else default_escalation(self._policy)
        if escalation is None:  # it was wrong itself, and has its finding
            return
        if any(reached(target, self._policy) for target in escalation.fallback):
            return
        why = "whose fallback means nobody" if escalation.fallback else "without a fallback"
        message = f"{told} uses the escalation {shown(escalation.name)} {why} (E5)"
        repair = "give it a fallback: a person, a role that somebody may act as, or a schedule with people"
        self._notes.found("block-fallback", source, message, repair)

    def _shadowed(self) -> None:
        routes = self._policy.routes
        for place, route in enumerate(routes):
            for earlier in routes[:place]:
                if earlier.hours or not set(earlier.match) <= set(route.match):
                    continue
                where = f"{earlier.source.file} line {earlier.source.line}"
                message = f"this route never matches: the one of {where} takes all of its signals before"
                repair = "put the more particular route first, or remove one"
                self._notes.found("route-shadowed", route.source, message, repair)
                break

    def _person(self, person: PersonRules) -> None:
        for urgency, rules in (("high", person.high), ("low", person.low)):
            for place, rule in enumerate(rules):
                path: Path = ("person", person.handle, "rules", urgency, place)
                if rule.method not in self._methods:
                    self._method(path, rule.method)
                longest = self._longest_wait(person.handle) if urgency == "high" else None
                if longest is not None and rule.after_s >= longest:
                    self._unreachable(path, rule.after_s, longest)

    def _method(self, path: Path, method: str) -> None:
        source = self._places.at(*path, "method")
        message = f"{dotted(path)}: {shown(method)} is no kind of channel"
        repair = f"write one of {', '.join(METHODS)}; or see that a channel of tocsin.toml has this name"
        self._notes.found("method-unknown", source, message, repair)

    def _unreachable(self, path: Path, after_s: int, longest: int) -> None:
        message = (
            f"{dotted(path)}: {format_duration(after_s)} after the page never comes: every step that calls her is "
            f"stopped by the next one, at the latest after {format_duration(longest)} (N3)"
        )
        repair = "use the method sooner, let the step wait longer, or leave stop_earlier out"
        self._notes.found("rule-unreachable", self._places.at(*path, "after"), message, repair)

    def _longest_wait(self, handle: str) -> int | None:
        """The longest that any step lets her own rules run; None when some step never stops them, or none calls her."""
        longest: int | None = None
        for escalation in self._policy.escalations:
            for place, step in enumerate(escalation.steps):
                if not any(handle in reached(target, self._policy) for target in step.targets):
                    continue
                last = place == len(escalation.steps) - 1 and not escalation.repeat
                if not escalation.stop_earlier or last or step.delay_s is None:
                    return None
                longest = max(longest or 0, step.delay_s)
        return longest


# --- hand-overs inside the hours of a layer (W5) ---------------------------------------------------------------------


def handover_inside(layer: Layer, rotation: Rotation) -> datetime | None:
    """The first hand-over before and after which the same hours of the layer run on, or None.

    Hours in a member's own zone are left out: they differ from person to person.
    """
    home = zone(layer.tz)
    hours = Hours(layer.restrictions, home)
    round_the_clock = hours.whole is None or hours.whole.spans == ((0, WEEK),)
    if round_the_clock or hours.member is not None or len(set(rotation.slots)) < 2:
        return None
    turns = cadence(rotation, home, hours)
    for count in range(HANDOVERS_LOOKED_AT[rotation.unit]):
        at = turns.handoff(count)
        if hours.open(at - 1) and hours.open(at):
            return moment(at)
    return None
