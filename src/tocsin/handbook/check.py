"""Judges a policy that was read: order and gaps of levels, people, age, the validation checklist.

What is wrong with a single phrase is already reported where it is read; here is what only shows when everything is
known. Time enters as `now`; without it the rules about age say nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from tocsin.domain.policy import Metadata, Note, Policy, RotationTable, Severity
from tocsin.handbook.findings import RULES, Finding, Notebook, Rule

STALE_AFTER_DAYS = 90
"""A document validated longer ago than this is reported."""


@dataclass(frozen=True, slots=True)
class ChecklistResult:
    """A point of the validation checklist: `passed` is None where no rule evaluates it."""

    note: Note
    rule: str | None
    passed: bool | None
    reason: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What the judgment needs beside the policy: the tree, the log, each file's `Last validated`."""

    root: Path
    log_found: bool
    validated: tuple[Metadata, ...]


def judge(policy: Policy, facts: Facts, now: datetime | None, notes: Notebook) -> tuple[ChecklistResult, ...]:
    """Note every finding about the policy as a whole and evaluate its checklist."""
    _judge_levels(policy.severities, notes)
    for item in policy.open_items:
        notes.found("open-item", item.source, f"open: {item.text}", "do it, then write None.")
    for person in policy.roster:
        if person.email is None:
            notes.found(
                "unreachable", person.source, f"{person.name} has no e-mail address", "add the address"
            )
    for rotation in policy.rotations:
        _judge_rotation(rotation, policy, now, notes)
    stale = _judge_age(facts.validated, now, notes)
    results = tuple(_evaluate(note, policy, facts, stale, notes) for note in policy.checklist)
    for result in results:
        if result.rule is not None and result.passed is False:
            repair = "repair what is named, or change the checklist"
            notes.found(result.rule, result.note.source, f"not fulfilled: {result.reason}", repair)
    return results


def _judge_levels(severities: tuple[Severity, ...], notes: Notebook) -> None:
    for worse, lesser in pairwise(severities):
        if lesser.rank - worse.rank > 1:
            message = f"between {worse.level} and {lesser.level} a level is missing"
            notes.found("severity-gap", lesser.source, message, "number the levels without a gap")
    for clock in ("ack", "mitigate", "resolve"):
        _judge_order(severities, clock, notes)
    for severity in severities:
        if severity.update is not None and severity.ack is None:
            message = f"{severity.level} has an update cadence but no acknowledge target"
            notes.found(
                "update-without-ack", severity.update.source, message, f"give {severity.level} an ack target"
            )


def _judge_order(severities: tuple[Severity, ...], clock: str, notes: Notebook) -> None:
    slowest: tuple[int, Severity] | None = None
    for severity in severities:
        target = getattr(severity, clock)
        if target is None or target.seconds is None:
            continue
        if slowest is not None and target.seconds < slowest[0]:
            message = f"{slowest[1].level} is slower than {severity.level} in {clock} ({target.text!r})"
            repair = "let the worse level be the faster one"
            notes.found("severity-order", target.source, message, repair)
        if slowest is None or target.seconds > slowest[0]:
            slowest = (target.seconds, severity)


def _judge_rotation(rotation: RotationTable, policy: Policy, now: datetime | None, notes: Notebook) -> None:
    leaders = {p.handle for p in policy.roster if "ic" in p.can_act_as}
    for row in rotation.rows:
        if policy.roster and row.people and not leaders & {handle for _, handle in row.people}:
            message = f"nobody in the row of {row.starts} can act as IC"
            notes.found("rotation-without-ic", row.source, message, "put somebody in who can act as IC")
    end = rotation_end(rotation)
    if now is not None and end is not None and end <= now:
        message = f"the rotation ended at {end:%Y-%m-%d %H:%M} {rotation.tz}"
        notes.found(
            "rotation-ended", rotation.rows[-1].source, message, "add rows, or write: The table repeats."
        )


def rotation_end(rotation: RotationTable) -> datetime | None:
    """The instant after which a table that does not repeat says nothing; None for one that repeats."""
    if rotation.repeats or not rotation.rows:
        return None
    last = date.fromisoformat(rotation.rows[-1].starts) + timedelta(days=rotation.length_days)
    return datetime.combine(last, time.fromisoformat(rotation.clock), ZoneInfo(rotation.tz))


def _judge_age(validated: tuple[Metadata, ...], now: datetime | None, notes: Notebook) -> frozenset[str]:
    """Files whose last validation is too old; each is reported."""
    stale = set()
    for entry in validated:
        day = validation_day(entry)
        if day is None:
            message = f"last validated is {entry.value!r}, which is no date"
        elif now is not None and (now.date() - day).days > STALE_AFTER_DAYS:
            message = f"last validated {(now.date() - day).days} days ago, on {day}"
        else:
            continue
        stale.add(entry.source.file)
        notes.found("stale", entry.source, message, "read it, correct it, write today's date: YYYY-MM-DD")
    return frozenset(stale)


def validation_day(entry: Metadata) -> date | None:
    """The ISO date of a `Last validated` line, or None when it holds none."""
    try:
        return date.fromisoformat(entry.value.strip()[:10])
    except ValueError:
        return None


def _evaluate(
    note: Note, policy: Policy, facts: Facts, stale: frozenset[str], notes: Notebook
) -> ChecklistResult:
    words = note.text.casefold()
    if "placeholder" in words or "on-call" in words or "channels" in words:
        reasons = _blank_reasons(policy, notes)
        rule = "checklist-channels"
    elif "log" in words.replace("/", " ").split():
        reasons = [] if facts.log_found else [f"no log table in {policy.log_path}"]
        rule = "checklist-log"
    elif "runbook" in words:
        reasons = _runbook_reasons(policy, facts.root, stale)
        rule = "checklist-runbooks"
    else:
        return ChecklistResult(note, None, None, "no rule evaluates this point")
    return ChecklistResult(note, rule, not reasons, "; ".join(reasons) or "fulfilled")


def _blank_reasons(policy: Policy, notes: Notebook) -> list[str]:
    blanks = [f for f in notes.findings() if f.rule == "placeholder"]
    reasons = [f"{len(blanks)} blanks (first in line {blanks[0].line})"] if blanks else []
    reasons += [] if policy.channels else ["no channels"]
    reasons += [] if policy.roster else ["no roster"]
    reasons += [] if policy.rotations or policy.schedules else ["no on-call rotation"]
    return reasons


def _runbook_reasons(policy: Policy, root: Path, stale: frozenset[str]) -> list[str]:
    paths = dict.fromkeys(link for runbook in policy.runbooks for link in runbook.links)
    reasons = [f"{path} does not exist" for path in paths if not (root / path).exists()]
    reasons += [f"{path} is out of date" for path in paths if path in stale]
    return reasons or ([] if paths else ["no runbook names a document"])


__all__ = ["RULES", "ChecklistResult", "Facts", "Finding", "Rule", "judge", "rotation_end", "validation_day"]
