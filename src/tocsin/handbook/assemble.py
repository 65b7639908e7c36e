"""Puts the passages of a handbook's documents together into one policy.

The policy document is the one that defines severities. Severities, roles, roster, rotation, escalation, channels,
templates and the process may also stand in a neighbouring file of the folder; open items, checklist, runbooks,
related documents and metadata are those of the policy document alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tocsin.domain.policy import (
    DEFAULT_REOPEN_S,
    DEFAULT_SEAT_EMPTY_S,
    Channel,
    Policy,
    Role,
    RosterEntry,
    Rung,
    Severity,
    Step,
)
from tocsin.domain.source import Source
from tocsin.handbook.candidates import check_sections
from tocsin.handbook.document import Document, Section
from tocsin.handbook.findings import Notebook
from tocsin.handbook.gates import read_gates
from tocsin.handbook.labels import read_level, section_kind
from tocsin.handbook.levels import (
    default_level,
    merge_drafts,
    reopen_time,
    seat_empty,
    with_cadence,
    with_postmortem,
)
from tocsin.handbook.links import LinkBook
from tocsin.handbook.passages import (
    Resolver,
    read_channels,
    read_metadata,
    read_notes,
    read_open_items,
    read_required_sections,
    read_runbooks,
    read_steps,
    read_templates,
)
from tocsin.handbook.people import ladder_lines, read_ladder, read_roles, read_roster
from tocsin.handbook.rotations import read_rotations
from tocsin.handbook.severities import Draft, read_drafts
from tocsin.handbook.sprints import read_sprints

_POSTMORTEM = re.compile(r"post[- ]?mortem|post[- ]incident", re.I)
_ESCALATION = re.compile(r"escalat", re.I)

HEADINGS_NAMED = 6

Placed = tuple[Section, str]
"""A section and the file it stands in."""


def assemble(documents: list[Document], links: LinkBook, log_path: str, notes: Notebook) -> Policy | None:
    """The policy of the documents, or None with a finding when no severities can be read."""
    drafts: list[Draft] = []
    main: list[Document] = []
    for document in documents:
        read = [d for s in document.of_kind("severity") for d in read_drafts(s, document.name, notes)]
        drafts += read
        main += [document] if read else []
    severities = merge_drafts(drafts, notes)
    if not severities:
        if not drafts:
            report_missing(documents, notes)
        return None
    return _Assembly(main, documents, links, notes).policy(severities, log_path)


def report_missing(documents: list[Document], notes: Notebook) -> None:
    """Say that no severities were found, and which headings were seen instead."""
    named = [document for document in documents if _report_headings(document, notes)]
    if named or not documents:
        return
    likely = next((d for d in documents if "incident" in d.name.lower()), documents[0])
    seen = [s.title for s in likely.sections if s.title]
    sections = likely.of_kind("severity")
    if sections:
        line, message = sections[0].line, f"section {sections[0].title!r} defines no level that can be read"
    else:
        line, message = 1, "no severity section"
        message += (
            f"; headings seen: {', '.join(repr(t) for t in seen[:12])}" if seen else "; no heading either"
        )
        message += "; this looks like a runbook or a stub"
    repair = "add `## Severity Matrix` with points like `- **SEV1:** outage. Target: ack < 5m, resolve < 2h.`"
    notes.found("severity-missing", Source(likely.name, line), message, repair)


def _report_headings(document: Document, notes: Notebook) -> bool:
    """Say that levels which stand as headings are not read; False where none does."""
    levels = [s for s in document.sections if _is_level(s)]
    if not levels or (len(levels) == 1 and levels[0].kind != "severity"):
        return False
    first = levels[0]
    where = ", ".join(f"{s.title!r} in line {s.line}" for s in levels[:HEADINGS_NAMED])
    more = ", ..." if len(levels) > HEADINGS_NAMED else ""
    message = (
        f"levels stand as headings ({where}{more}); this version reads bullets, numbered lists and tables"
    )
    said = next(
        (block.inline.flat.rstrip(".") for block in first.spoken() if block.inline.flat), "what it means"
    )
    line = f"- **{first.title.rstrip(' :')}:** {said[:80]}. Target: ack < 5m, resolve < 2h."
    repair = f"write each level as one point below `## Severity Matrix`, with your own times: `{line}`"
    notes.found("severity-missing", Source(document.name, first.line), message, repair)
    return True


def _is_level(section: Section) -> bool:
    """Whether a heading is a level: with a number anywhere, by a word inside a section about severities."""
    level = read_level(section.title)
    return level is not None and (level.digit is not None or section.kind == "severity")


class _Assembly:
    """One pass over the documents: which sections count, and what is read from them."""

    def __init__(
        self, main: list[Document], documents: list[Document], links: LinkBook, notes: Notebook
    ) -> None:
        self._main = main
        self._documents = documents
        self._links = links
        self._notes = notes

    def policy(self, severities: tuple[Severity, ...], log_path: str) -> Policy:
        roster = self._roster()
        steps = [x for s, f in self._sections("process") for x in read_steps(s, f, self._paths(f))]
        channels = [c for s, f in self._sections("channels") for c in read_channels(s, f, self._notes)]
        rotations = [
            r for s, f in self._anywhere("rotation") for r in read_rotations(s, f, roster, self._notes)
        ]
        deadlines = list(self._postmortem_lines(steps))
        severities = with_cadence(severities, self._cadence_lines(steps))
        severities = with_postmortem(severities, deadlines, self._notes)
        required = (read_required_sections(text, source) for text, source in deadlines)
        roles = self._roles()
        limit = seat_empty(self._texts("roles", "process"))
        return Policy(
            severities=severities,
            roles=roles,
            steps=tuple(steps),
            channels=tuple(channels),
            ladder=self._ladder(channels, roster),
            roster=roster,
            rotations=tuple(rotations),
            templates=tuple(t for s, f in self._sections("templates") for t in read_templates(s, f)),
            runbooks=tuple(b for s, f in self._own("runbooks") for b in read_runbooks(s, f, self._paths(f))),
            postmortem_sections=tuple(next((found for found in required if found), [])),
            related=tuple(n for s, f in self._own("related") for n in read_notes(s, f, self._paths(f))),
            open_items=tuple(n for s, f in self._own("open") for n in read_open_items(s, f, self._paths(f))),
            checklist=tuple(n for s, f in self._own("checklist") for n in read_notes(s, f, self._paths(f))),
            metadata=tuple(m for document in self._main for m in read_metadata(document, self._notes)),
            log_path=log_path,
            default_level=default_level(self._texts("severity", "process")),
            seat_empty_s=limit or DEFAULT_SEAT_EMPTY_S,
            seat_promised=limit is not None,
            gates=read_gates(self._checks(), steps, roles, self._notes),
            sprints=tuple(x for s, f in self._anywhere("sprints") for x in read_sprints(s, f, self._notes)),
            reopen_s=reopen_time(self._said()) or DEFAULT_REOPEN_S,
        )

    def _paths(self, file: str) -> Resolver:
        return lambda inline: self._links.paths(inline, file)

    def _own(self, kind: str) -> list[Placed]:
        return [(s, d.name) for d in self._main for s in d.of_kind(kind)]

    def _anywhere(self, kind: str) -> list[Placed]:
        return [(s, d.name) for d in self._documents for s in d.of_kind(kind)]

    def _sections(self, kind: str) -> list[Placed]:
        return self._own(kind) or self._anywhere(kind)

    def _checks(self) -> list[Placed]:
        return check_sections(self._documents, self._main, self._links.root)

    def _roster(self) -> tuple[RosterEntry, ...]:
        sections = [*self._anywhere("roster"), *self._anywhere("rotation"), *self._anywhere("roles")]
        return tuple(entry for s, f in sections for entry in read_roster(s, f, self._notes))

    def _roles(self) -> tuple[Role, ...]:
        roles: dict[str, Role] = {}
        for section, file in self._sections("roles"):
            for role in read_roles(section, file):
                roles.setdefault(role.key, role)
        return tuple(roles.values())

    def _ladder(self, channels: list[Channel], roster: tuple[RosterEntry, ...]) -> tuple[Rung, ...]:
        texts = [(c.text, c.source) for c in channels if _ESCALATION.search(c.name) and c.placeholder is None]
        texts += [line for s, f in self._sections("escalation") for line in ladder_lines(s, f)]
        rungs: list[Rung] = []
        for text, source in texts:
            ladder = read_ladder(text, source, roster)
            rungs = rungs or list(ladder.rungs)
            for clause in ladder.unread:
                repair = "write clauses like: no answer in 5m, call the secondary"
                self._notes.found(
                    "escalation-unread", source, f"{clause!r} is no rung that is understood", repair
                )
        return tuple(rungs)

    def _texts(self, *kinds: str) -> Iterable[tuple[str, Source]]:
        for kind in kinds:
            for section, file in self._sections(kind):
                for block in section.spoken():
                    yield block.inline.flat, Source(file, block.line)

    def _said(self) -> Iterable[tuple[str, Source]]:
        """Every sentence of the policy document, wherever it stands."""
        for document in self._main:
            for section in document.sections:
                yield from ((b.inline.flat, Source(document.name, b.line)) for b in section.spoken())

    def _cadence_lines(self, steps: list[Step]) -> Iterable[tuple[str, Source]]:
        yield from ((f"{step.name}: {step.text}", step.source) for step in steps)
        yield from self._texts("channels")
        for section, file in self._sections("severity"):
            yield from ((p.inline.flat, Source(file, p.line)) for p in section.paragraphs())

    def _postmortem_lines(self, steps: list[Step]) -> Iterable[tuple[str, Source]]:
        for step in steps:
            if _POSTMORTEM.search(step.name) or _POSTMORTEM.search(step.text):
                yield step.text, step.source
        for section, file in self._own("postmortem"):
            if section_kind(section.title) == "postmortem":
                for block in section.spoken():
                    yield block.inline.flat, Source(file, block.line)
