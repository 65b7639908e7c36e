"""How incidents, timelines and answers read in a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any, Final

from tocsin.cli.asked import present
from tocsin.cli.output import STDERR, STDOUT, clock_time, columns, day_time, parse_instant, plain
from tocsin.cli.parts import Part, parts_of

Json = dict[str, Any]
_COLOURS = {
    "breach": "red",
    "OVERRIDE": "red",
    "page": "yellow",
    "decision": "blue",
    "met": "green",
    "update": "blue",
}
_NOTES: Final = frozenset({"Noted", "NoteEdited"})
_REPLACES: Final = re.compile(r"\S+ changed entry ([1-9][0-9]{0,8}): ")
_UPCOMING = {
    "rung": "the next people are called",
    "way": "called by the next way too",
    "quiet-end": "called: the quiet hours are over",
    "gone": "noted as gone",
    "asked": "whoever was called in is called again",
    "snooze-end": "people are called again: the snooze ends",
    "ack-reminder": "whoever acknowledged is asked: still on it?",
    "ack-timeout": "people are called anew, unless somebody is still on it",
    "ack-owner": "the administrators are reminded",
    "test-end": "the test page ends",
    "breach": "is missed",
    "update-reminder": "update reminder",
    "update-overdue": "update overdue",
    "handover": "hand-over reminded or withdrawn",
    "seat": "alarm: no incident commander",
    "time-left": "minutes left to resolve",
    "postmortem": "postmortem due",
    "task": "the owner of the task is asked",
    "gate-lapsing": "the backup check runs out soon",
    "gate-lapsed": "the backup check runs out",
    "long": "a hand-over is proposed",
    "legal-reminder": "legal deadline, reminder",
    "legal-overdue": "LEGAL DEADLINE",
    "action-due": "action due",
    "action-overdue": "action overdue",
}

_OF_PAGES: Final = frozenset({"way", "quiet-end", "gone", "asked"})


def say_state(incident: Json) -> None:
    """One line: reference, level, stage, title; a drill says so first."""
    drill = STDOUT.style("DRILL  ", "yellow") if incident.get("drill") else ""
    level = plain(level_of(incident))
    STDOUT.line(
        f"{drill}{STDOUT.style(plain(incident['ref']), 'bold')}  {level}  "
        f"{plain(incident['stage'])}, {plain(incident['paging'])}  {plain(incident['title'])}"
    )


def level_of(incident: Json) -> str:
    """Its level; what has none says its kind in words."""
    kind = str(incident.get("kind") or "").replace("-", " ")
    return str(incident["level"] or ("" if kind == "incident" else kind) or "-")


class Days:
    """The day of a timeline, said before its first entry and wherever it changes."""

    def __init__(self) -> None:
        self._last = ""

    def new(self, event: Json) -> str:
        """The day of that entry, as `2026-11-24`, if it is another than that of the entry before; else nothing."""
        at = parse_instant(event.get("at"))
        day = f"{at.astimezone(UTC):%Y-%m-%d}" if at else self._last
        changed, self._last = day != self._last, day
        return day if changed else ""


def say_timeline(events: list[Json], days: Days) -> None:
    """Timeline lines, with the day where it changes. `days` goes on from call to call."""
    replaced = replaced_notes(events)
    for event in events:
        if day := days.new(event):
            STDOUT.line(STDOUT.style(f"{day} (UTC)", "bold"))
        say_events([event], replaced)


def replaced_notes(events: list[Json]) -> dict[int, int]:
    """Which entry stands in place of which, as far as these entries tell."""
    found = ((event, _REPLACES.match(str(event.get("text")))) for event in events)
    return {int(m[1]): e["version"] for e, m in found if m and e["kind"] == "NoteEdited" and "version" in e}


def entry_of(event: Json, replaced: Mapping[int, int]) -> str:
    """What stands before a note: the number of the entry, by which it can be replaced, and what took its place."""
    number = event.get("version")
    if number is None or event["kind"] not in _NOTES:
        return ""
    return f"[{number}, replaced by {replaced[number]}] " if number in replaced else f"[{number}] "


def say_events(events: list[Json], replaced: Mapping[int, int] | None = None) -> None:
    """Lines of what has just happened: time, a word that says what it is (in a list), the sentence."""
    for event in events:
        show = plain(event.get("show") or "")
        show = "OVERRIDE" if show == "override" else show
        word = STDOUT.style(f"{show:8}", _COLOURS.get(show, "dim")) + "  " if show else ""
        text = entry_of(event, replaced or {}) + plain(event.get("text", ""))
        STDOUT.line(f"{clock_time(event.get('at'))}  {word}{text}")


def say_warnings(answer: Json) -> None:
    """What the server wants people to know; on standard error."""
    for warning in answer.get("warnings") or []:
        STDERR.line(f"{STDERR.style('warning:', 'yellow')} {plain(warning)}")
    if answer.get("replayed"):
        STDERR.line("tocsin: this had already been done; nothing was done twice")


def say_answer(answer: Json) -> None:
    """What a command on an incident did, and what comes next."""
    say_state(answer["incident"])
    events = answer.get("events") or []
    first = answer["version"] - len(events) + 1
    say_events([{**event, "version": version} for version, event in enumerate(events, first)])
    say_next(answer["incident"])
    say_warnings(answer)


def say_next(incident: Json, most: int = 3) -> None:
    """The next deadlines."""
    for line in upcoming(incident)[:most]:
        STDOUT.line(f"next  {line}")


def upcoming(incident: Json) -> list[str]:
    """What happens by itself, earliest first, as `13:10:00  the next people are called`."""
    found = sorted(incident.get("upcoming") or [], key=lambda one: str(one.get("due")))
    return [f"{soon(one.get('due'))}  {_deadline(one)}" for one in found]


def soon(text: str | None) -> str:
    """An instant that lies ahead: the time, with the date when that is not today."""
    due = parse_instant(text)
    if due is not None and due.astimezone(UTC).date() == present().date():
        return f"{clock_time(text)} UTC"
    return day_time(text)


def ago(text: str | None) -> str:
    """How old an instant is, as `4m ago`, `3h ago`, `12d ago`."""
    moment = parse_instant(text)
    if moment is None:
        return "-"
    minutes = max(0, int((present() - moment).total_seconds())) // 60
    if minutes < 120:
        return f"{minutes}m ago"
    return f"{minutes // 60}h ago" if minutes < 48 * 60 else f"{minutes // (24 * 60)}d ago"


def _deadline(one: Json) -> str:
    kind, key = str(one.get("kind")), plain(one.get("key") or "")
    key = f"page {int(key)}" if kind in _OF_PAGES and key.isdecimal() else key
    words = _UPCOMING.get(kind, plain(kind))
    return f"{key} {words}".strip()


def say_incident(incident: Json, events: list[Json]) -> None:
    """Everything: state, what was gone past, seats, clocks, work and duties, what comes, timeline."""
    say_state(incident)
    STDOUT.line(plain(incident.get("url") or ""))
    parts = parts_of(incident, events)
    for part in parts:
        if part.red:
            _say_part(part)
    facts = [("opened", day_time(incident.get("opened_at")))]
    facts += [(plain(role), plain(person)) for role, person in (incident.get("seats") or {}).items()]
    for line in columns(facts):
        STDOUT.line(line)
    for line in columns([_clock(clock) for clock in incident.get("clocks") or []]):
        STDOUT.line(line)
    for part in parts:
        if not part.red:
            _say_part(part)
    say_next(incident, most=8)
    if events:
        STDOUT.line()
    say_timeline(events, Days())


def _say_part(part: Part) -> None:
    if part.red:
        for row in part.rows:
            STDOUT.line(STDOUT.style(f"{part.name}  {'  '.join(plain(word) for word in row if word)}", "red"))
        return
    STDOUT.line(f"{part.name}:")
    for line in columns(part.rows):
        STDOUT.line(f"  {line}")


def _clock(clock: Json) -> tuple[str, ...]:
    """A promise and how it stands, in words."""
    due = f"due {soon(clock['due'])}" if clock.get("due") else "no limit"
    verdict = clock.get("verdict") or ("LATE" if clock.get("breached") else "running")
    ended = f"ended {clock_time(clock['ended_at'])}" if clock.get("ended_at") else ""
    return (
        str(clock["name"]),
        str(clock["level"]),
        str(clock.get("target") or "-"),
        due,
        str(verdict),
        ended,
    )


def markdown(incident: Json, events: list[Json]) -> str:
    """The incident as a Markdown document; untrusted text cannot start a table, a link or HTML."""
    drill = "DRILL " if incident.get("drill") else ""
    lines = [f"# {drill}{_md(incident['ref'])}: {_md(incident['title'])}", ""]
    lines += [
        f"- Severity: {_md(level_of(incident))}",
        f"- State: {_md(incident['stage'])}",
    ]
    lines += [f"- Opened: {day_time(incident.get('opened_at'))}"]
    lines += [f"- {_md(role)}: {_md(person)}" for role, person in (incident.get("seats") or {}).items()]
    lines += ["", "| Clock | Level | Target | Due (UTC) | Verdict |", "|---|---|---|---|---|"]
    for clock in incident.get("clocks") or []:
        name, level, target, _, verdict, _ = _clock(clock)
        due = day_time(clock.get("due"))
        lines.append(f"| {' | '.join(_md(cell) for cell in (name, level, target, due, verdict))} |")
    for part in parts_of(incident, events):
        mark = "**" if part.red else ""
        lines += ["", f"## {part.name.capitalize() if not part.red else part.name}", ""]
        lines += [f"- {mark}{_md('; '.join(word for word in row if word))}{mark}" for row in part.rows]
    lines += ["", "## Timeline (UTC)", *_timeline_md(events)]
    return "\n".join(lines)


def _timeline_md(events: list[Json]) -> Iterator[str]:
    """A heading for each day, and its entries."""
    days, replaced = Days(), replaced_notes(events)
    for event in events:
        if day := days.new(event):
            yield from ("", f"### {day}", "")
        text = f"{entry_of(event, replaced)}{event.get('text', '')}"
        yield f"- {day_time(event.get('at'))[11:16]} {_md(text)}"


def _md(text: object) -> str:
    words = plain(text)
    for sign in "\\`*_[]<>|#":
        words = words.replace(sign, "\\" + sign)
    return words
