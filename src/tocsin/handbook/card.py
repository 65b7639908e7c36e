"""The offline card: one page to print, for the hour when neither network nor tocsin is there.

Pure: the same handbook, roster and rota give the same bytes until the pager changes hands; no time of writing stands
on it. Not here: when it is written (the engine), the page at `/card` (web).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tocsin.domain.oncall.rota import Rota
from tocsin.domain.oncall.tables import Turn, turn_at
from tocsin.domain.people import Directory, Person
from tocsin.domain.policy import Gate, Policy, RotationTable, Rung, Severity, Step, Target
from tocsin.handbook.block_check import default_escalation
from tocsin.handbook.grammar import format_duration, plain_target
from tocsin.handbook.inert import inert_line
from tocsin.handbook.rotations import WEEKDAYS

OWN = "Written by tocsin from the handbook, and anew whenever handbook, roster or rota change."
"""The line by which a card is known as tocsin's own; without it the file is somebody else's."""
WEEKS = 4
"""How far the on-call table looks ahead, from the turn that runs now."""
MOST_TURNS = 40
_LATER = ("close", "closing", "postmortem", "post-mortem", "review", "follow-up", "learn")
"""Steps by these names are not for the first ten minutes."""
_WITHOUT = """\
1. Call the people above yourself, in the order of the ladder.
2. One leads. Write every step down with its time in UTC.
3. Where the program is installed, `tocsin declare` works without the server and calls the first people.
4. Afterwards declare it all the same, with `--detected`, and add what you wrote as notes with `--at`."""


def card(
    policy: Policy,
    directory: Directory,
    rotations: Sequence[RotationTable],
    now: datetime,
    rota: Rota | None = None,
) -> str:
    """The page as Markdown; `now` (aware) chooses the first turn of the on-call tables and nothing else.

    `rota` is asked about the schedules of policy blocks; without it the handbook's alone count.
    """
    schedules = rota or Rota(policy.schedules)
    parts = [
        "# Incident card",
        f"{OWN} Print it and keep it where it is found without network. Times are UTC unless a zone is named.",
        f"## Who to call\n\n{_people(policy, directory)}",
        *_ladder(_rungs(policy), policy),
        *(_schedule(name, schedules, directory, now) for name in schedules.schedules),
        *(_rota(rotation, directory, now) for rotation in rotations),
        f"## How bad is it\n\n{_levels(policy.severities)}",
        *_doubt(policy),
        f"## The first ten minutes\n\n{_steps(policy.steps)}",
        f"## Who does what\n\n{_roles(policy)}",
        *(_gate(gate, policy) for gate in policy.gates),
        f"## Where things are\n\n{_places(policy)}",
        f"## When tocsin is down\n\n{_WITHOUT}",
    ]
    return "\n\n".join(parts) + "\n"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell or '-' for cell in cells)} |"


def _table(head: Sequence[str], rows: Sequence[str]) -> str:
    return "\n".join([_row(*head), f"|{'---|' * len(head)}", *rows])


def _people(policy: Policy, directory: Directory) -> str:
    people = [p for p in directory.people.values() if p.in_roster]
    rows = [
        _row(
            inert_line(p.name),
            inert_line(p.phone or ""),
            inert_line(p.email or ""),
            inert_line(p.chat or ""),
            ", ".join(_role(key, policy) for key in p.can_act_as),
        )
        for p in people
    ]
    return (
        _table(("Name", "Phone", "Mail", "Chat", "Can act as"), rows)
        if rows
        else "The handbook names nobody."
    )


def _role(key: str, policy: Policy) -> str:
    role = policy.role(key)
    return inert_line((role.abbreviation or role.name) if role else key.replace("-", " "))


def _rungs(policy: Policy) -> Sequence[Rung]:
    """The ladder that runs where nothing else is said, with all times from the first page."""
    if policy.ladder and policy.escalation("default") is None:
        return policy.ladder
    rungs, after = [], 0
    for step in default_escalation(policy).steps if policy.escalations else ():
        rungs.append(replace(step, after_s=after))
        after += step.delay_s or 0
    return rungs


def _ladder(ladder: Sequence[Rung], policy: Policy) -> list[str]:
    lines = [
        f"{number}. {_when(rung)}: {', '.join(_target(target, policy) for target in rung.targets)}"
        for number, rung in enumerate(ladder, start=1)
    ]
    return ["Nobody answers? Go on by this ladder:\n\n" + "\n".join(lines)] if lines else []


def _when(rung: Rung) -> str:
    return f"after {format_duration(rung.after_s)}" if rung.after_s else "at once"


def _target(target: str, policy: Policy) -> str:
    kind, _, name = target.partition(":")
    if kind == "role":
        return f"everybody who can be {_role(name, policy)}"
    return f"the {inert_line(name)} on call" if kind in {"oncall", "schedule"} else inert_line(name)


def _schedule(name: str, rota: Rota, directory: Directory, now: datetime) -> str:
    """A schedule of a policy block, from the change of people before `now` on."""
    tz = rota.schedule(name).tz
    zone = ZoneInfo(tz)
    back = now - timedelta(weeks=WEEKS)
    known = rota.final(name, back, now + timedelta(weeks=2 * WEEKS))
    running = [interval for interval in known if interval.end > now]
    end = running[0].start + timedelta(weeks=WEEKS) if running else now
    shown = [i for i in running if i.start < end or i.start <= now][:MOST_TURNS]
    rows = [
        _row(
            _local(i.start, zone) if i.start > known[0].start else "",
            inert_line(", ".join(_named(handle, directory) for handle in i.people) or "nobody"),
        )
        for i in shown
    ]
    table = _table((f"From ({inert_line(tz)})", "On call"), rows)
    return f"## On call: {inert_line(name)}\n\n{table}"


def _rota(rotation: RotationTable, directory: Directory, now: datetime) -> str:
    turns = _turns(rotation, now)
    zone = ZoneInfo(rotation.tz)
    columns = list(dict.fromkeys(column for turn in turns for column, _ in turn.people))
    rows = [
        _row(
            _local(turn.start, zone),
            *(inert_line(_named(dict(turn.people).get(column), directory)) for column in columns),
        )
        for turn in turns
    ]
    head = (f"From ({inert_line(rotation.tz)})", *(inert_line(column.capitalize()) for column in columns))
    body = _table(head, rows) if rows else "Nobody is on call by this table."
    until = f"\n\nUntil {_local(turns[-1].end, zone)}." if turns else ""
    return f"## On call\n\n{body}{until}"


def _local(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{WEEKDAYS[local.weekday()].title()[:3]} {local:%Y-%m-%d %H:%M}"


def _turns(rotation: RotationTable, now: datetime) -> list[Turn]:
    """The turn that runs now, or the first to come, and those of the weeks after it."""
    first = turn_at(rotation, now)
    if not isinstance(first, Turn):
        first = turn_at(rotation, first.at) if first.at > now else first
    if not isinstance(first, Turn):
        return []
    turns, end = [first], first.start.astimezone(UTC) + timedelta(weeks=WEEKS)
    while turns[-1].end < end and len(turns) < MOST_TURNS:
        following = turn_at(rotation, turns[-1].end)
        if not isinstance(following, Turn):
            break
        turns.append(following)
    return turns


def _named(handle: str | None, directory: Directory) -> str:
    person: Person | None = directory.get(handle) if handle else None
    return person.name if person else handle or ""


def _levels(severities: Sequence[Severity]) -> str:
    rows = []
    for severity in severities:
        clocks = (severity.ack, severity.mitigate, severity.resolve)
        whole = inert_line(severity.calendar or "") if not any(clocks) else ""
        rows.append(
            _row(
                inert_line(f"{severity.level} {severity.name or ''}"),
                inert_line("; ".join(severity.criteria)),
                *(_target_text(target) for target in clocks[:2]),
                _target_text(severity.resolve) or whole,
                inert_line(severity.update.text if severity.update else ""),
            )
        )
    return _table(("Level", "When", "Acknowledge", "Mitigate", "Resolve", "Updates"), rows)


def _target_text(target: Target | None) -> str:
    return inert_line(plain_target(target.text)) if target else ""


def _doubt(policy: Policy) -> list[str]:
    return (
        [f"In doubt take {inert_line(policy.fallback_level())}, or the worse of two."]
        if policy.severities
        else []
    )


def _steps(steps: Sequence[Step]) -> str:
    first = [step for step in steps if not any(word in step.name.casefold() for word in _LATER)]
    lines = [f"{n}. **{inert_line(step.name)}:** {inert_line(step.text)}" for n, step in enumerate(first, 1)]
    return (
        "\n".join(lines)
        if lines
        else "Say that something is wrong, call the person on call, write down times."
    )


def _roles(policy: Policy) -> str:
    lines = [
        f"- **{inert_line(role.name)}{f' ({inert_line(role.abbreviation)})' if role.abbreviation else ''}:** "
        f"{inert_line(role.duties)}"
        for role in policy.roles
    ]
    return "\n".join(lines) if lines else "The handbook names no roles."


def _gate(gate: Gate, policy: Policy) -> str:
    counts = f"Counts for {format_duration(gate.valid_s)}." if gate.valid_s else "Counts for one change."
    people = [
        f"{word} {_role(key, policy)}"
        for word, key in (("done by", gate.done_by), ("confirmed by", gate.confirmed_by))
        if key
    ]
    said = ", ".join(people)
    said = f" {said[:1].upper()}{said[1:]}." if said else ""
    points = "\n".join(f"- [ ] {inert_line(point.text)}" for point in gate.points)
    return f"## Before the database is changed\n\n{counts}{said} If one point fails: stop.\n\n{points}"


def _places(policy: Policy) -> str:
    lines = [f"- Log: {inert_line(policy.log_path)}"] if policy.log_path else []
    lines += [
        f"- {inert_line(c.name)}: {inert_line(c.text)}" for c in policy.channels if c.placeholder is None
    ]
    lines += [
        f"- {inert_line(b.name)}: {', '.join(inert_line(link) for link in b.links) or 'no document'}"
        for b in policy.runbooks
    ]
    return "\n".join(lines) if lines else "The handbook names no places."
