"""The phrases of a handbook that hold a number: durations, ranges, calendars, cadences, targets.

Pure functions of text; each returns a frozen reading or `Unread` with the reason. The grammar is described for
users in docs/reference/handbook.md. Levels and clock names are in `labels`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

MINUTE, HOUR, DAY, WEEK = 60, 3600, 86400, 7 * 86400
LONGEST_S = 3660 * DAY
"""Ten years: a longer promise is a slip of the keyboard, and would overflow dates."""

_UNITS = {
    "s": 1, "sec": 1, "secs": 1, "second": 1, "seconds": 1,
    "m": MINUTE, "min": MINUTE, "mins": MINUTE, "minute": MINUTE, "minutes": MINUTE,
    "h": HOUR, "hr": HOUR, "hrs": HOUR, "hour": HOUR, "hours": HOUR,
    "d": DAY, "day": DAY, "days": DAY,
    "w": WEEK, "wk": WEEK, "wks": WEEK, "week": WEEK, "weeks": WEEK,
}  # fmt: skip
_NUMBER_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty-five": 45, "sixty": 60, "ninety": 90,
}  # fmt: skip
_WORD = "|".join(sorted(_NUMBER_WORDS, key=len, reverse=True))
_UNIT = "|".join(sorted(_UNITS, key=len, reverse=True))
_BUSINESS = r"(?:business|working)[ -]days?"
_NUMBER = rf"(?:\d{{1,9}}(?:\.\d{{1,6}})?|\b(?:{_WORD})\b)"
_AMOUNT = rf"{_NUMBER}[ -]?(?:{_BUSINESS}|{_UNIT})(?![A-Za-z])"
_CMP = r"(?:<=|<|≤|less than|within|under|up to|in)"
_STRICT = frozenset({"<", "less than", "under"})

_DURATION = re.compile(
    rf"(?<![\w.])(?:(?P<cmp>{_CMP})\s*)?(?P<amounts>{_AMOUNT}(?:(?:\s*|,\s*| and ){_AMOUNT})*)(?![A-Za-z0-9])",
    re.I,
)
_ONE_AMOUNT = re.compile(rf"(?P<number>{_NUMBER})[ -]?(?P<unit>{_BUSINESS}|{_UNIT})(?![A-Za-z])", re.I)
_BARE_NUMBER = re.compile(rf"(?:{_CMP}\s*)?\d+(?:\.\d+)?", re.I)
_ODD_UNIT = re.compile(rf"(?:{_CMP}\s*)?\d+(?:\.\d+)?\s*(?P<unit>[A-Za-z]+)", re.I)
_RANGE = re.compile(
    rf"(?:(?P<cmp>{_CMP})\s*)?(?P<low>{_NUMBER})\s*(?:{_UNIT})?\s*(?:-|–|—|\bto\b)\s*(?P<high>{_AMOUNT})",
    re.I,
)
_CALENDAR = re.compile(
    r"(?:next|same)[ -](?:(?:business|working)[ -])?(?:day|sprint|release|morning)\b|\bbest[ -]effort\b|\bbacklog\b",
    re.I,
)
_IMMEDIATE = re.compile(r"immediate(?:ly)?\s*(?:\(\s*(?P<bound>[^()]*)\s*\))?", re.I)
_EVERY = re.compile(
    rf"\bevery\s+(?P<span>{_RANGE.pattern.replace('?P<cmp>', '?:')}|{_AMOUNT}|hour\b|day\b)", re.I
)
_ADVERBS = {"hourly": HOUR, "daily": DAY}
_ADVERB = re.compile(r"\b(?:hourly|daily)\b", re.I)
_WINDOW = re.compile(
    r"(?P<first>[^()]+?)\s*\(\s*(?:(?P<start>\d{1,2}:\d{2})\s*(?:-|–|to)\s*(?P<end>\d{1,2}:\d{2})\s*(?P<tz>[A-Za-z_/+-]+)?"
    r"|(?P<hours>(?:business|working|office) hours))\s*\)\s*(?:[,;]?\s*(?:otherwise|else)\s+(?P<otherwise>.+))?",
    re.I,
)
_OFFSET = re.compile(rf"\bT\s?\+\s?(?P<number>\d{{1,9}})\s?(?P<unit>{_UNIT})?(?![A-Za-z0-9])")


@dataclass(frozen=True, slots=True)
class Unread:
    """A phrase that is none of the known forms, with the reason; `unit_missing` when only the unit lacks."""

    reason: str
    unit_missing: bool = False


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time: `seconds`, or `business_days` where a calendar is needed. Exactly one of them is set.

    `comparison` is as written; without one the limit itself still counts as met, like `within`.
    """

    text: str
    seconds: int | None = None
    business_days: int | None = None
    comparison: str | None = None

    @property
    def inclusive(self) -> bool:
        """Whether an answer exactly at the limit is in time: not after `<`, `under`, `less than`."""
        return self.comparison not in _STRICT


@dataclass(frozen=True, slots=True)
class Span:
    """`15-30m`: from `low_s` to `high_s` seconds."""

    text: str
    low_s: int
    high_s: int
    comparison: str | None = None


@dataclass(frozen=True, slots=True)
class Promise:
    """What one target phrase says: a duration, a calendar phrase, a window, or `Immediate` without a number."""

    text: str
    seconds: int | None = None
    inclusive: bool = True
    calendar: str | None = None
    business_days: int | None = None
    window: tuple[str, str, str | None, str | None] | None = None
    immediate: bool = False


@dataclass(frozen=True, slots=True)
class Rhythm:
    """`every 15-30m`: remind after `remind_s` (absent for a single number), overdue after `overdue_s` seconds.

    `start` and `end` are positions in the text that was searched.
    """

    text: str
    remind_s: int | None
    overdue_s: int
    start: int
    end: int


def read_duration(text: str) -> Duration | Unread:
    """The whole text as a duration: `< 5m`, `1h 30m`, `within five business days`. `m` is minutes, never months."""
    phrase = _tidy(text)
    match = _DURATION.fullmatch(phrase)
    if match is None:
        return _why_no_duration(phrase)
    return _sum(match)


def find_durations(text: str) -> tuple[Duration, ...]:
    """Every duration inside prose, in order; what does not add up is left out."""
    return tuple(duration for _, _, duration in locate_durations(text))


def locate_durations(text: str) -> tuple[tuple[int, int, Duration], ...]:
    """Like `find_durations`, each with its start and end in the text."""
    readings = ((match, _sum(match)) for match in _DURATION.finditer(text))
    return tuple((m.start(), m.end(), r) for m, r in readings if isinstance(r, Duration))


def format_duration(seconds: int) -> str:
    """Seconds as the shortest form that `read_duration` reads back: `1h 30m`, `2d`; weeks are written as days."""
    parts = []
    for name, size in (("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{name}")
    return " ".join(parts) or "0s"


def plain_target(text: str) -> str:
    """A target phrase in words, `under 5m` for `< 5m`: signs need marks of their own in Markdown."""
    return re.sub(r"(?:<=|≤)\s*", "within ", re.sub(r"<(?!=)\s*", "under ", text))


def read_range(text: str) -> Span | Unread:
    """The whole text as a range with one unit: `15-30m`, `24 to 48 hours`."""
    match = _RANGE.fullmatch(_tidy(text))
    return Unread("no range") if match is None else _span(match)


def read_calendar(text: str) -> str | None:
    """The first calendar phrase in the text as written (`next sprint`), or None."""
    match = _CALENDAR.search(text)
    return match[0] if match else None


def find_rhythms(text: str) -> tuple[Rhythm, ...]:
    """Every cadence in the text: `every 15-30m`, `every 4 hours`, `hourly`, `daily`."""
    found = [_rhythm(match) for match in _EVERY.finditer(text)]
    found += [Rhythm(m[0], None, _ADVERBS[m[0].lower()], *m.span()) for m in _ADVERB.finditer(text)]
    return tuple(sorted((r for r in found if r is not None), key=lambda r: r.start))


def read_cadence(text: str) -> Rhythm | Unread:
    """A table cell as a cadence; there the word `every` may lack (`30 min`)."""
    rhythms = find_rhythms(text)
    if rhythms:
        return rhythms[0]
    span = read_range(text)
    if isinstance(span, Span):
        return Rhythm(span.text, span.low_s, span.high_s, 0, len(text))
    duration = read_duration(text)
    if isinstance(duration, Duration) and duration.seconds is not None:
        return Rhythm(duration.text, None, duration.seconds, 0, len(text))
    return duration if isinstance(duration, Unread) else Unread("a cadence in business days cannot be kept")


def read_offset(text: str) -> int | None:
    """`T+15` or `T+15 min` as seconds (minutes unless a unit is given), or None."""
    match = _OFFSET.search(text)
    return None if match is None else int(match["number"]) * _UNITS[(match["unit"] or "m").lower()]


def read_promise(text: str) -> Promise | Unread:
    """A target phrase as written behind a clock's name or in its table cell; all forms of the grammar."""
    phrase = _tidy(text)
    window = _WINDOW.fullmatch(phrase)
    if window is not None:
        return _windowed(phrase, window)
    immediate = _IMMEDIATE.fullmatch(phrase)
    if immediate is not None:
        bound = immediate["bound"]
        return replace(read_bounded(bound), text=phrase) if bound else Promise(phrase, immediate=True)
    return _plain(phrase)


def read_bounded(bound: str) -> Promise:
    """The bound behind `Immediate (...)`; one that cannot be read leaves a bare `Immediate`."""
    reading = _plain(_tidy(bound))
    return reading if isinstance(reading, Promise) else Promise(bound, immediate=True)


def to_promise(duration: Duration) -> Promise:
    """A duration as a target phrase."""
    return Promise(duration.text, duration.seconds, duration.inclusive, business_days=duration.business_days)


def _plain(phrase: str) -> Promise | Unread:
    duration = read_duration(phrase)
    if isinstance(duration, Duration):
        return replace(to_promise(duration), text=phrase)
    span = read_range(phrase)
    if isinstance(span, Span):
        return Promise(phrase, span.high_s, span.comparison not in _STRICT)
    calendar = read_calendar(phrase)
    if calendar is not None:
        return Promise(phrase, calendar=calendar)
    return duration


def _windowed(phrase: str, match: re.Match[str]) -> Promise | Unread:
    first = _plain(_tidy(match["first"]))
    if isinstance(first, Unread):
        return first
    if match["hours"]:
        # Which hours these are only a calendar knows: plain seconds would be a promise nobody made.
        return Promise(phrase, calendar=phrase)
    return replace(first, text=phrase, window=(match["start"], match["end"], match["tz"], match["otherwise"]))


def _why_no_duration(phrase: str) -> Unread:
    if _BARE_NUMBER.fullmatch(phrase):
        return Unread("the number has no unit", unit_missing=True)
    odd = _ODD_UNIT.fullmatch(phrase)
    if odd is not None:
        return Unread(f"{odd['unit']!r} is no unit of time known here", unit_missing=True)
    return Unread("no duration")


def _sum(match: re.Match[str]) -> Duration | Unread:
    seconds, business, plain = 0.0, 0.0, False
    for amount in _ONE_AMOUNT.finditer(match["amounts"]):
        number = _number(amount["number"])
        size = _UNITS.get(amount["unit"].lower())
        if size is None:
            business += number
        else:
            seconds, plain = seconds + number * size, True
    text, comparison = match[0].strip(), (match["cmp"] or "").lower() or None
    if business:
        whole = business == int(business) and not plain
        return (
            Duration(text, None, int(business), comparison) if whole else Unread("only whole business days")
        )
    return _checked(text, seconds, comparison)


def _checked(text: str, seconds: float, comparison: str | None) -> Duration | Unread:
    if round(seconds) < 1:
        return Unread("zero is no time to answer in")
    if seconds > LONGEST_S:
        return Unread("longer than ten years")
    return Duration(text, round(seconds), None, comparison)


def _span(match: re.Match[str]) -> Span | Unread:
    high = read_duration(match["high"])
    unit = _ONE_AMOUNT.match(match["high"])
    if not isinstance(high, Duration) or high.seconds is None or unit is None:
        return Unread("a range needs hours, minutes or days")
    low = round(_number(match["low"]) * _UNITS[unit["unit"].lower()])
    if not 0 < low < high.seconds:
        return Unread("a range runs from the smaller to the larger number")
    return Span(match[0], low, high.seconds, (match["cmp"] or "").lower() or None)


def _rhythm(match: re.Match[str]) -> Rhythm | None:
    phrase = match["span"].lower()
    if phrase in {"hour", "day"}:
        return Rhythm(match[0], None, HOUR if phrase == "hour" else DAY, *match.span())
    span = read_range(phrase)
    if isinstance(span, Span):
        return Rhythm(match[0], span.low_s, span.high_s, *match.span())
    duration = read_duration(phrase)
    if isinstance(duration, Duration) and duration.seconds is not None:
        return Rhythm(match[0], None, duration.seconds, *match.span())
    return None


def _number(text: str) -> float:
    word = _NUMBER_WORDS.get(text.lower())
    return float(text) if word is None else float(word)


def _tidy(text: str) -> str:
    """One line, single blanks, without the emphasis, full stop and brackets that surround a cell's content."""
    return " ".join(text.replace("**", "").replace("`", "").split()).rstrip(".").strip("~ ")
