"""Reads roles, the roster, rotation tables and the escalation ladder.

Names in rotations are matched to the roster; one that it does not hold is reported and kept as a slug, so that it
stays visible. Not here: who is on call at an instant (`domain.oncall`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tocsin.domain.policy import Role, RosterEntry, Rung
from tocsin.domain.source import Source
from tocsin.handbook.blanks import find_blank, is_empty
from tocsin.handbook.document import Item, Row, Section, Table
from tocsin.handbook.findings import Notebook
from tocsin.handbook.grammar import locate_durations
from tocsin.handbook.labels import role_key, slug

_ABBREVIATION = re.compile(r"(?P<name>.+?)\s*\((?P<abbr>[^()]{1,12})\)")
_ROLE_SEPARATOR = re.compile(r"\s*[,;]\s*|\s+and\s+")


def read_roles(section: Section, file: str) -> list[Role]:
    """Roles from `**Name (ABBR):** duties` points and from tables of a role and its duties."""
    roles = []
    for item in section.items():
        name, duties = item.inline.named()
        if name and item.depth == 1:
            roles.append(_role(name, duties, Source(file, item.line)))
    for table in section.tables():
        if names_contacts(table):
            continue
        rows = [row for row in table.rows if len(row.cells) > 1 and row.cells[0].flat]
        roles += [_role(row.cells[0].flat, row.cells[1].flat, Source(file, row.line)) for row in rows]
    return roles


def _role(heading: str, duties: str, source: Source) -> Role:
    match = _ABBREVIATION.fullmatch(heading)
    name, abbreviation = (match["name"], match["abbr"]) if match else (heading, None)
    return Role(role_key(name, abbreviation), name, duties, source, abbreviation)


_ROSTER_COLUMNS = (
    ("name", r"name|person|who|contact"),
    ("roles", r"can act as|roles?|acts as|may act as|function"),
    ("phone", r"phone|mobile|telephone|tel\.?|cell"),
    ("chat", r"slack|chat|teams|handle|discord|mattermost"),
    ("email", r"e-?mail|mail"),
)


def column_names(table: Table, synonyms: tuple[tuple[str, str], ...]) -> dict[str, int]:
    """Which column holds what, by the headers; what no synonym matches is left out."""
    places: dict[str, int] = {}
    for at, cell in enumerate(table.header.cells):
        for meaning, pattern in synonyms:
            if meaning not in places and re.fullmatch(pattern, cell.flat.strip(), re.I):
                places[meaning] = at
                break
    return places


def names_contacts(table: Table) -> bool:
    """Whether a table lists people with a way to reach them, whatever section it stands in."""
    columns = column_names(table, _ROSTER_COLUMNS)
    return "name" in columns and bool({"phone", "chat", "email"} & columns.keys())


def read_roster(section: Section, file: str, notes: Notebook) -> list[RosterEntry]:
    """People from the tables of a roster section; a row whose name is blank is reported and left out."""
    entries: list[RosterEntry] = []
    for table in section.tables():
        columns = column_names(table, _ROSTER_COLUMNS)
        if "name" not in columns or (section.kind != "roster" and not names_contacts(table)):
            continue
        for row in table.rows:
            entry = _person(row, columns, file, notes)
            if entry is None:
                continue
            if any(entry.handle == known.handle for known in entries):
                message = f"the handle {entry.handle!r} is already taken"
                notes.found("duplicate-person", entry.source, message, "give each person an own chat name")
                continue
            entries.append(entry)
    return entries


def _person(row: Row, columns: dict[str, int], file: str, notes: Notebook) -> RosterEntry | None:
    source = Source(file, row.line)
    cells = {meaning: row.cells[at].flat for meaning, at in columns.items()}
    for at in columns.values():
        report_blank(row.cells[at].bare, source, "the roster", notes)
    kept = {m: t for m, t in cells.items() if not is_empty(t) and find_blank(t) is None}
    if "name" not in kept:
        return None
    name, chat, email = kept["name"], kept.get("chat"), kept.get("email")
    roles = [role_key(word) for word in _ROLE_SEPARATOR.split(kept.get("roles", "")) if word.strip()]
    return RosterEntry(
        handle=handle_of(name, chat, email),
        name=name,
        source=source,
        can_act_as=tuple(dict.fromkeys(roles)),
        phone=kept.get("phone"),
        chat=chat,
        email=email,
    )


def handle_of(name: str, chat: str | None, email: str | None) -> str:
    """The chat name without @, else the local part of the e-mail address, else the slug of the name."""
    if chat and chat.startswith("@") and not re.search(r"\s", chat):
        return chat[1:]
    if email and "@" in email:
        return email.partition("@")[0]
    return slug(name)


def report_blank(text: str, source: Source, where: str, notes: Notebook) -> str | None:
    """Report an undecided blank in a place where somebody must be reachable; returns it."""
    blank = find_blank(text)
    if blank is not None:
        notes.found("placeholder", source, f"{blank!r} in {where}", "write the real name, number or address")
    return blank


def find_person(text: str, roster: tuple[RosterEntry, ...]) -> RosterEntry | None:
    """The person that a cell means: by name, chat name, handle, or a first name that only one of them has."""
    wanted = slug(text.lstrip("@"))
    for entry in roster:
        if wanted in {slug(entry.name), slug(entry.handle)} or text == entry.email:
            return entry
    first = [entry for entry in roster if slug(entry.name.split()[0]) == wanted]
    return first[0] if len(first) == 1 else None


_VIA = (
    ("call", r"(?<!\bon[-‐‑– ])\bcall|\bphone|\bring\b"),
    ("sms", r"\bsms\b|\btext\b"),
    ("email", r"\b(?:e-?)?mail(?:s|ed)?\b|\bwrites?\b"),
    ("page", r"(?<!\bfirst )(?<!\bstatus )(?<!\bthe )\bpage[sd]?\b"),
    ("push", r"\bpush(?:es|ed)?\b"),
)
"""What an escalation sentence asks for, by its verbs; `on-call` is a person, `the first page` a time."""
_TARGETS = (
    ("oncall:primary", r"\bprimary\b|\bon-call(?: person| engineer)?\b"),
    ("oncall:secondary", r"\bsecondary\b|\bbackup\b"),
    ("role:ic", r"\b(?:every|all|any)\s+ics?\b|\bincident commanders?\b|\bincident managers?\b|\bIC\b"),
)
_NO_ANSWER = re.compile(r"no (?:answer|ack\w*|response)|unanswered|\bafter\b|\bif not\b", re.I)


@dataclass(frozen=True, slots=True)
class Ladder:
    """The rungs of an escalation text; `unread` are the clauses that gave none."""

    rungs: tuple[Rung, ...]
    unread: tuple[str, ...] = ()


def read_ladder(text: str, source: Source, roster: tuple[RosterEntry, ...]) -> Ladder:
    """`call the primary on-call; no answer in 5m, call the secondary`: one rung per clause.

    All times count from the first page, so `10m` is ten minutes after it; a clause without a time is rung 0.
    """
    rungs: list[Rung] = []
    unread: list[str] = []
    for clause in re.split(r"[;\n]|\.\s+", text):
        if not clause.strip(" ."):
            continue
        rung = _rung(clause, source, roster)
        if rung is None or (rung.after_s == 0 and rungs):
            unread.append(clause.strip())
        else:
            rungs.append(rung)
    return Ladder(tuple(sorted(rungs, key=lambda r: r.after_s)), tuple(unread))


def _rung(clause: str, source: Source, roster: tuple[RosterEntry, ...]) -> Rung | None:
    found: list[tuple[int, str]] = []
    for target, pattern in _TARGETS:
        match = re.search(pattern, clause, re.I)
        # `the primary on-call` is one target; a bare `on-call` in `the secondary on-call` is none of its own.
        if match is not None and not (match[0].lower().startswith("on-call") and _names_secondary(clause)):
            found.append((match.start(), target))
    for entry in roster:
        at = clause.find(entry.name)
        if at >= 0:
            found.append((at, f"person:{entry.handle}"))
    if not found:
        return None
    times = locate_durations(clause) if _NO_ANSWER.search(clause) else ()
    after_s = times[0][2].seconds if times else 0
    via = sorted((m.start(), name) for name, pattern in _VIA if (m := re.search(pattern, clause, re.I)))
    return Rung(after_s or 0, tuple(t for _, t in sorted(found)), source, tuple(name for _, name in via))


def _names_secondary(clause: str) -> bool:
    """Whether the clause is about the second person on call."""
    return re.search(r"\bsecondary\b|\bbackup\b", clause, re.I) is not None


def ladder_lines(section: Section, file: str) -> list[tuple[str, Source]]:
    """The text of an escalation section, as one text per list or paragraph."""
    items = section.items()
    if items:
        return [("; ".join(_clause(item) for item in items), Source(file, items[0].line))]
    return [(p.inline.flat, Source(file, p.line)) for p in section.paragraphs()]


def _clause(item: Item) -> str:
    return item.inline.flat.rstrip(".")
