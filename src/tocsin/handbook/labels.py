"""Names of a handbook: severity labels and sets of them, clock names, role names, section headings.

Pure functions of text, with the alias tables that docs/reference/handbook.md lists for users.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

WORD_ORDERS = (
    ("critical", "high", "medium", "low"),
    ("critical", "high", "moderate", "low"),
    ("critical", "major", "minor"),
    ("high", "medium", "low"),
    ("high", "moderate", "low"),
)
"""Word levels whose order everybody agrees on, worst first; any other set of words is asked about."""

LEVEL_WORDS = frozenset(word for order in WORD_ORDERS for word in order) | {
    "emergency", "urgent", "severe", "normal", "trivial", "cosmetic", "blocker",
}  # fmt: skip

_NUMBERED = r"(?:SEV(?:ERITY)?[- ]?|S[- ]?|P(?:RIORITY )?)(?P<digit>\d)(?!\d|[A-Za-z])"
_ANY_NUMBERED = _NUMBERED.replace("?P<digit>", "?:")
_LEVEL = re.compile(rf"{_NUMBERED}\s*(?:[-–—:,(]\s*)?(?P<name>(?:[^\W\d_][^()]*?)?)\)?", re.I)
_WORD_LEVEL = re.compile(
    rf"(?P<word>{'|'.join(sorted(LEVEL_WORDS))})\b(?:\s*(?:severity|priority|incident))?s?", re.I
)
_SET = re.compile(
    rf"(?<![A-Za-z0-9])(?P<first>{_ANY_NUMBERED})(?P<more>(?:\s*(?:/|-|–|,|&|\band\b)\s*(?:{_ANY_NUMBERED}|\d(?![\dA-Za-z])))*)",
    re.I,
)
_SET_PART = re.compile(rf"(?P<sep>/|-|–|,|&|\band\b)\s*(?P<part>{_ANY_NUMBERED}|\d)", re.I)


@dataclass(frozen=True, slots=True)
class Level:
    """A severity label: `label` normalised (`SEV1`, `P0`, `Critical`), `digit` absent for words, extra `name`."""

    label: str
    digit: int | None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class LevelSet:
    """Labels named together (`SEV1/2`); `start` and `end` are positions in the text that was searched."""

    labels: tuple[str, ...]
    start: int
    end: int


def read_level(text: str) -> Level | None:
    """The whole text as a level: `SEV-1 (Critical)`, `P0 - Critical`, `🔴 **Sev 2**`, `High`; None otherwise."""
    phrase = _bare(text)
    match = _LEVEL.fullmatch(phrase)
    if match is not None and len(match["name"]) <= 40:
        return Level(_label(phrase), int(match["digit"]), match["name"].strip(" -–—:") or None)
    word = _WORD_LEVEL.fullmatch(phrase)
    return Level(word["word"].capitalize(), None) if word else None


def find_levelset(text: str) -> LevelSet | None:
    """The first set of numbered levels in prose: `SEV1/2`, `P0-P1`, `SEV-1, SEV-2 and SEV-3`."""
    match = _SET.search(text)
    if match is None:
        return None
    labels = [_label(match["first"])]
    prefix = labels[0].rstrip("0123456789")
    for part in _SET_PART.finditer(match["more"]):
        label = prefix + part["part"][-1]
        if part["sep"] in "-–":
            low, high = int(labels[-1][-1]), int(label[-1])
            labels += [f"{prefix}{n}" for n in range(low + 1, high)]
        labels.append(label)
    return LevelSet(tuple(dict.fromkeys(labels)), match.start(), match.end())


def _label(phrase: str) -> str:
    head = phrase.lstrip()[:1].upper()
    digit = re.search(r"\d", phrase)
    assert digit is not None, "called for numbered levels only"
    if head == "P":
        return f"P{digit[0]}"
    return f"{'SEV' if phrase.lstrip()[:3].upper() == 'SEV' else 'S'}{digit[0]}"


def _bare(text: str) -> str:
    """Without emoji, emphasis and the colon or dash that leads on to the text."""
    kept = "".join(
        ch for ch in text if unicodedata.category(ch) not in {"So", "Cf", "Mn", "Cc"} or ch == "\n"
    )
    return " ".join(kept.replace("**", "").replace("`", "").split()).strip(" :-–—.")


CLOCK_WORDS = {
    "ack": r"acknowledge?ments?|acknowledged?|acked|ack|mtta|time to acknowledge",
    "mitigate": r"mitigated?|mitigation|contained|containment|contain|restored?",
    "resolve": r"resolved?|resolution|fix(?:ed)? by",
    "respond": r"(?:first |initial )?respon(?:se|d)|sla",
    "inform": r"notify|notification|inform",
}
"""Clock names by what they mean; `respond` is read as acknowledge and reported, `inform` is kept as text."""

_CLOCK = re.compile(
    r"(?:(?:target|max(?:imum)?|time)\s+)?(?:to\s+)?(?P<word>"
    + "|".join(f"(?P<{clock}>{words})" for clock, words in CLOCK_WORDS.items())
    + r")(?:\s+(?:time|target|sla))*\b\s*(?:[:=–—]|\bis\b)?\s*(?P<rest>.*)",
    re.I | re.S,
)


@dataclass(frozen=True, slots=True)
class ClockPhrase:
    """`ack < 15m` split: the clock, its name as written, and what follows."""

    clock: str
    word: str
    rest: str

    @property
    def by_alias(self) -> bool:
        """Whether the name says `response`, which is read as acknowledge."""
        return self.clock == "respond"


def leading_clock(text: str) -> ClockPhrase | None:
    """The clock that a piece of text begins with, or None."""
    match = _CLOCK.match(text.strip().lstrip("*`"))
    if match is None:
        return None
    clock = next(name for name in CLOCK_WORDS if match[name])
    word = match[0][: match.start("rest")].strip(" :=–—") if match["rest"] else match[0].strip(" :=")
    return ClockPhrase(clock, word, match["rest"].strip())


ROLE_ALIASES = {
    "ic": ("ic", "incident commander", "commander", "incident manager", "incident lead", "lead"),
    "comms": (
        "comms", "comms lead", "communications", "communications lead", "communication lead", "communicator",
        "customer liaison", "comms manager",
    ),
    "ops": (
        "ops", "ops/infra", "ops lead", "operations", "operations lead", "operator", "ops engineer", "technical lead",
        "tech lead", "fixer", "infra",
    ),
    "scribe": ("scribe", "documentation lead", "note taker", "notetaker"),
}  # fmt: skip
_ROLE_BY_NAME = {alias: key for key, aliases in ROLE_ALIASES.items() for alias in aliases}


def role_key(name: str, abbreviation: str | None = None) -> str:
    """`ic`, `comms`, `ops`, `scribe` by the alias table, else a slug of the name."""
    for candidate in (name, abbreviation or ""):
        key = _ROLE_BY_NAME.get(" ".join(candidate.casefold().split()))
        if key is not None:
            return key
    return slug(name)


def slug(text: str) -> str:
    """Lower-case ASCII words joined by hyphens; letters with marks lose the marks (`Tomás` -> `tomas`)."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "unnamed"


_DB = r"\b(?:db|databases?|migrations?|schema)\b"
_GATE = (
    r"\bbackup (?:check(?:list)?|gate)s?\b|\b(?:db|database)[ -](?:change )?gate\b"
    rf"|\b(?:check(?:list)?|gate)s?\b.*\bbefore\b.*{_DB}|\bbefore\b.*{_DB}.*\bchang"
    rf"|\bbefore\b.*\bchang.*{_DB}"
)
LONGEST_HEADING = 200
"""So much of a heading is looked at; the patterns below are for lines, not for pages."""
SECTION_WORDS = (
    ("gate", _GATE),
    ("checklist", r"validation|\bchecklist\b"),
    ("open", r"\bopen items?\b|\bknown gaps?\b|\btodos?\b"),
    ("related", r"\brelated\b|\breferences\b|\bsee also\b"),
    ("templates", r"\btemplates?\b"),
    ("runbooks", r"\brunbooks?\b"),
    ("postmortem", r"\bpost[- ]?mortems?\b|\bpost[- ]incident\b|\breview\b"),
    ("rotation", r"\bon[- ]?call\b|\brotation\b|\brota\b"),
    ("severity", r"\bseverit(?:y|ies)\b|\bsev\b|\bclassification\b|\bpriorit(?:y|ies)\b|\bincident levels\b"),
    ("escalation", r"\bescalation\b"),
    ("roster", r"\broster\b|\bcontacts?\b|\bteam\b"),
    ("roles", r"\broles?\b|\bresponsibilities\b"),
    ("channels", r"\bcommunications?\b|\bchannels?\b"),
    ("process", r"\bprocess\b|\bprocedures?\b|\bworkflow\b|\bphases\b|\bsteps\b"),
    ("metadata", r"\bmetadata\b"),
    ("sprints", r"\bsprints?\b"),
)
"""Heading words by meaning, the more particular first: `Comms Templates` is no channel list."""


def section_kind(heading: str) -> str | None:
    """What a heading announces, number prefix and emoji ignored; None when none of the words occurs."""
    words = re.sub(r"^\s*\d+(?:\.\d+)*[.)]?\s+", "", _bare(heading[:LONGEST_HEADING])).casefold()
    return next((kind for kind, pattern in SECTION_WORDS if re.search(pattern, words)), None)
