"""What was understood, as JSON values and as text: `tocsin policy`, the handbook page, the hash.

The JSON shape is the public one of `tocsin policy --json`: absent is null or empty, every entry has `file` and
`line`, times are seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tocsin.domain.policy import Channel, Gate, Policy, RotationTable, Severity, Target
from tocsin.domain.source import Source
from tocsin.handbook.block_render import block_json, block_words
from tocsin.handbook.findings import Finding
from tocsin.handbook.grammar import format_duration

Json = dict[str, Any]


def policy_json(policy: Policy) -> Json:
    """The policy as plain values, in the shape of `tocsin policy --json`."""
    return {
        "severities": [_severity(s) for s in policy.severities],
        "roles": [
            {
                "key": r.key,
                "name": r.name,
                "abbreviation": r.abbreviation,
                "duties": r.duties,
                **_at(r.source),
            }
            for r in policy.roles
        ],
        "steps": [
            {"number": s.number, "name": s.name, "text": s.text, "links": list(s.links), **_at(s.source)}
            for s in policy.steps
        ],
        "channels": [_channel(c) for c in policy.channels],
        "escalation": [
            {"after_s": r.after_s, "targets": list(r.targets), "via": list(r.via), **_at(r.source)}
            for r in policy.ladder
        ],
        **_people(policy),
        **_documents(policy),
        "log_path": policy.log_path,
        "default_level": policy.default_level,
        "seat_empty_s": policy.seat_empty_s,
        "reopen_s": policy.reopen_s,
        "gates": [_gate(g) for g in policy.gates],
        "sprints": [{"starts": s.starts, "ends": s.ends, **_at(s.source)} for s in policy.sprints],
        **block_json(policy),
    }


def _channel(channel: Channel) -> Json:
    return {
        "name": channel.name,
        "text": channel.text,
        "placeholder": channel.placeholder,
        "handles": list(channel.handles),
        **_at(channel.source),
    }


def _gate(gate: Gate) -> Json:
    return {
        "key": gate.key,
        "name": gate.name,
        "valid_s": gate.valid_s,
        "done_by": gate.done_by,
        "confirmed_by": gate.confirmed_by,
        "points": [{"text": p.text, "exceptions": list(p.exceptions), **_at(p.source)} for p in gate.points],
        **_at(gate.source),
    }


def _people(policy: Policy) -> Json:
    return {
        "roster": [
            {
                "handle": p.handle,
                "name": p.name,
                "can_act_as": list(p.can_act_as),
                "phone": p.phone,
                "chat": p.chat,
                "email": p.email,
                **_at(p.source),
            }
            for p in policy.roster
        ],
        "rotations": [_rotation(r) for r in policy.rotations],
    }


def _documents(policy: Policy) -> Json:
    return {
        "runbooks": [{"name": b.name, "links": list(b.links), **_at(b.source)} for b in policy.runbooks],
        "templates": [
            {"name": t.name, "text": t.text, "fields": list(t.fields), **_at(t.source)}
            for t in policy.templates
        ],
        "postmortem_sections": [{"text": n.text, **_at(n.source)} for n in policy.postmortem_sections],
        "related": [{"text": n.text, "links": list(n.links), **_at(n.source)} for n in policy.related],
        "open_items": [{"text": n.text, "links": list(n.links), **_at(n.source)} for n in policy.open_items],
        "checklist": [{"text": n.text, "links": list(n.links), **_at(n.source)} for n in policy.checklist],
        "metadata": [{"key": m.key, "value": m.value, **_at(m.source)} for m in policy.metadata],
    }


def _at(source: Source) -> Json:
    return {"file": source.file, "line": source.line}


def _severity(severity: Severity) -> Json:
    shape: Json = {"level": severity.level, "name": severity.name, "rank": severity.rank}
    shape["criteria"] = list(severity.criteria)
    for clock in ("ack", "mitigate", "resolve"):
        target: Target | None = getattr(severity, clock)
        shape[f"{clock}_s"] = target.seconds if target else None
        shape[f"{clock}_calendar"] = target.calendar or _business_words(target) if target else None
        shape[f"{clock}_window"] = _window(target)
    update, due = severity.update, severity.postmortem
    shape["update_remind_s"] = update.remind_s if update else None
    shape["update_overdue_s"] = update.overdue_s if update else None
    shape["postmortem_s"] = due.seconds if due else None
    shape["postmortem_business_days"] = due.business_days if due else None
    shape["calendar"] = severity.calendar
    shape["other"] = dict(severity.other)
    return {**shape, **_at(severity.source)}


def _business_words(target: Target) -> str | None:
    return target.text if target.business_days is not None else None


def _window(target: Target | None) -> Json | None:
    if target is None or target.window is None:
        return None
    window = target.window
    return {"from": window.start, "to": window.end, "tz": window.tz, "otherwise": window.otherwise}


def _rotation(rotation: RotationTable) -> Json:
    return {
        "weekday": rotation.weekday,
        "clock": rotation.clock,
        "tz": rotation.tz,
        "repeats": rotation.repeats,
        "length_days": rotation.length_days,
        "rows": [
            {"label": row.label, "starts": row.starts, "people": dict(row.people), **_at(row.source)}
            for row in rotation.rows
        ],
        **_at(rotation.source),
    }


def findings_json(findings: Iterable[Finding]) -> Json:
    """`{"findings": [...]}` as `tocsin check --format json` prints it."""
    return {
        "findings": [
            {
                "file": f.file,
                "line": f.line,
                "rule": f.rule,
                "level": f.level,
                "message": f.message,
                "repair": f.repair,
            }
            for f in findings
        ]
    }


def policy_text(policy: Policy) -> str:
    """The policy for people: one line per thing with its place, then what the document does not say."""
    lines = [f"{source.file}:{source.line}  {text}" for source, text in understood(policy)]
    lines += [f"absent: {text}" for text in absent(policy)]
    return "\n".join(lines) + "\n"


def understood(policy: Policy) -> list[tuple[Source, str]]:
    """Each thing that was understood, in a few words, with the place it was read from."""
    said = [(s.source, f"{s.level}{_name(s)}: {_targets(s)}") for s in policy.severities]
    said += [(s.update.source, f"{s.level} updates {s.update.text}") for s in policy.severities if s.update]
    said += [
        (s.postmortem.source, f"{s.level} postmortem {s.postmortem.text}")
        for s in policy.severities
        if s.postmortem
    ]
    said += [(r.source, f"role {r.name} is {r.key}") for r in policy.roles]
    said += [(s.source, f"step {s.number} {s.name}") for s in policy.steps]
    said += [(c.source, f"channel {c.name}: {c.placeholder or c.text}") for c in policy.channels]
    said += [
        (r.source, f"escalation after {_after(r.after_s)}: {', '.join(r.targets)}") for r in policy.ladder
    ]
    said += [(p.source, f"person {p.handle}: {', '.join(p.can_act_as) or 'no role'}") for p in policy.roster]
    said += [(r.source, _rotation_words(r)) for r in policy.rotations]
    said += [(t.source, f"template {t.name}: {len(t.fields)} fields") for t in policy.templates]
    said += [(b.source, f"runbook {b.name}: {', '.join(b.links) or 'no document'}") for b in policy.runbooks]
    said += [(g.source, _gate_words(g)) for g in policy.gates]
    said += [(s.source, f"sprint {s.starts} to {s.ends}") for s in policy.sprints]
    said += block_words(policy)
    said += [(n.source, f"postmortem section {n.text}") for n in policy.postmortem_sections]
    said += [(n.source, f"open item: {n.text}") for n in policy.open_items]
    return said


def _name(severity: Severity) -> str:
    return f" ({severity.name})" if severity.name else ""


def _targets(severity: Severity) -> str:
    clocks = (("acknowledge", severity.ack), ("mitigate", severity.mitigate), ("resolve", severity.resolve))
    said = [f"{name} {target.text}" for name, target in clocks if target is not None]
    if severity.calendar:
        said.append(severity.calendar)
    return ", ".join(said) or "no target"


def _after(seconds: int) -> str:
    return format_duration(seconds) if seconds else "the first page"


def _rotation_words(rotation: RotationTable) -> str:
    rule = f"weekday {rotation.weekday + 1} at {rotation.clock} {rotation.tz}"
    return f"rotation of {len(rotation.rows)} rows, hand-over {rule}{', repeats' if rotation.repeats else ''}"


def _gate_words(gate: Gate) -> str:
    counts = f"valid for {format_duration(gate.valid_s)}" if gate.valid_s else "good for one change"
    people = [
        f"{word} {role}"
        for word, role in (("done by", gate.done_by), ("confirmed by", gate.confirmed_by))
        if role
    ]
    points = f"{len(gate.points)} point{'s' if len(gate.points) > 1 else ''}"
    return f"check before a database change: {', '.join([points, counts, *people])}"


def absent(policy: Policy) -> list[str]:
    """What the document does not say, so that nobody has to guess what was invented: nothing is."""
    missing = []
    for severity in policy.severities:
        clocks = {
            "acknowledge": severity.ack,
            "mitigate": severity.mitigate,
            "resolve": severity.resolve,
            "update cadence": severity.update,
            "postmortem deadline": severity.postmortem,
        }
        without = [name for name, value in clocks.items() if value is None]
        if without:
            missing.append(f"{severity.level}: {', '.join(without)}")
    parts: dict[str, object] = {
        "roles": policy.roles,
        "steps": policy.steps,
        "channels": policy.channels,
        "escalation": policy.ladder or policy.escalations,
        "roster": policy.roster,
        "rotation": policy.rotations or policy.schedules,
        "templates": policy.templates,
        "runbooks": policy.runbooks,
        "postmortem sections": policy.postmortem_sections,
        "default level": policy.default_level,
        "backup check": policy.gates,
    }
    if any("sprint" in (s.calendar or "") for s in policy.severities):
        parts["sprint calendar"] = policy.sprints
    return missing + [name for name, value in parts.items() if not value]
