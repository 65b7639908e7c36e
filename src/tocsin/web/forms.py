"""What a form sends, in the types that a verb's body wants. Forms are text: instants in UTC, lengths of time as said.

A time that says less than one instant is refused here, by the name of its field. Anything else that cannot be read is
passed on as it was typed: the body's own check names the field. The page shows it again either way.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin

from pydantic import BaseModel
from starlette.datastructures import FormData
from starlette.requests import Request

from tocsin.domain.context import Refused
from tocsin.web import models as m
from tocsin.web.auth import check_form
from tocsin.web.models import Body
from tocsin.web.problems import Problem

FORM_FIELDS: Final = 160
OURS: Final = frozenset({"csrf", "once", "form"})
Values = dict[str, Any]
_CLOCK: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?")
_DAY_AND_CLOCK: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]+([0-9:]{4,8})(?: ?(?:UTC|Z))?")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
SMALL_HOURS: Final = 6
EVENING: Final = 18
"""Before 06:00 a time from 18:00 on is last evening's. No other time ahead of now is taken for yesterday's."""
_SPAN: Final = re.compile(r"(?:([0-9]{1,5})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,7})s)?")


async def read_form(request: Request, *, files: int = 0) -> FormData:
    """The fields that were sent. Raises Problem 403 when the form is not out of this session's page."""
    form = await request.form(max_files=files, max_fields=FORM_FIELDS)
    check_form(request, text(form, "csrf"))
    return form


def text(form: FormData, name: str) -> str:
    """A field as text; browsers send line breaks as CR LF."""
    value = form.get(name, "")
    return value.replace("\r\n", "\n") if isinstance(value, str) else ""


def typed_in(form: FormData) -> Values:
    """Everything that somebody typed or chose, to be shown again."""
    return {name: text(form, name) for name in form if name not in OURS}


def values_of(body: type[Body], given: Values, now: datetime) -> Values:
    """The fields of the body in its own types; an empty optional field was not given.

    Raises Problem 422 for a time that is none, is ahead, or is a day without an hour.
    """
    found: Values = {}
    for name, field in body.model_fields.items():
        kind = _kind(field.annotation)
        if kind == list[str] or (get_origin(kind) is list and name in given):
            found[name] = [word for word in re.split(r"[\s,]+", given.get(name, "")) if word]
        elif get_origin(kind) is list:
            items = _items(name, get_args(kind)[0], given)
            if items:
                found[name] = items
        elif name in given and (given[name] or field.is_required()):
            found[name] = _read(given[name], kind, name, now)
    return found


def _kind(annotation: Any) -> Any:
    """The type without its `None`."""
    if get_origin(annotation) in {Union, UnionType}:
        rest = [part for part in get_args(annotation) if part is not type(None)]
        return _kind(rest[0])
    return _kind(get_args(annotation)[0]) if hasattr(annotation, "__metadata__") else annotation


def _items(name: str, item: type[BaseModel], given: Values) -> list[Values]:
    """A list is sent as `answers.0.evidence`, `answers.0.answer`, `answers.1.evidence` ..."""
    found: dict[int, Values] = {}
    for key, value in given.items():
        parts = key.split(".")
        if len(parts) == 3 and parts[0] == name and parts[1].isdecimal() and parts[2] in item.model_fields:
            found.setdefault(int(parts[1]), {})[parts[2]] = value
    return [found[at] for at in sorted(found)]


def _read(value: str, kind: Any, name: str, now: datetime) -> Any:
    if kind is bool:
        return value == "yes"
    if kind is int:
        return seconds(value) if name.endswith("_s") else _number(value)
    return _time(value, now, name) if kind is datetime else value


def _number(value: str) -> int | str:
    plain = value.strip()
    return int(plain) if plain.isascii() and plain.isdecimal() and len(plain) < 12 else value


def seconds(value: str) -> int | str:
    """`72h`, `1h 12m`, `9m31s`; a plain number counts seconds."""
    plain = "".join(value.lower().replace("min", "m").split())
    if plain.isascii() and plain.isdecimal():
        return _number(plain)
    found = _SPAN.fullmatch(plain)
    if found is None or not plain:
        return value
    days, hours, minutes, rest = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest


def instant(value: str, now: datetime) -> str:
    """`09:04` is today's in UTC, `2026-01-28 09:04` that day's; `23:50` just after midnight is last evening's.

    Raises Refused for everything that says no instant.
    """
    plain = value.strip()
    clock = _CLOCK.fullmatch(plain)
    if clock is not None:
        return _of_today(plain, clock, now).isoformat()
    if _DAY.fullmatch(plain):
        raise Refused(f"{plain} is a day without an hour", f"write the hour as well: {plain} 09:41, in UTC")
    found = _DAY_AND_CLOCK.fullmatch(plain)
    try:
        if found is not None:
            return datetime.fromisoformat(f"{found[1]}T{found[2]}").replace(tzinfo=UTC).isoformat()
        return m.instant(plain).isoformat()
    except ValueError:
        raise Refused("that is no time", f"write 09:41, or {now:%Y-%m-%d} 09:41, in UTC") from None


def _of_today(plain: str, clock: re.Match[str], now: datetime) -> datetime:
    hour, minute, second = (int(part or 0) for part in clock.groups())
    at = now.replace(hour=hour, minute=minute, second=second, microsecond=0)
    if at <= now:
        return at
    yesterday = at - timedelta(days=1)
    if now.hour < SMALL_HOURS and hour >= EVENING:
        return yesterday
    raise Refused(
        f"{plain} is ahead: it is {now:%H:%M:%S} UTC",
        f"for yesterday write the day as well: {yesterday:%Y-%m-%d} {plain}",
    )


def _time(value: str, now: datetime, name: str) -> str:
    try:
        return instant(value, now)
    except Refused as why:
        raise Problem(
            422, f"{name}: {why.reason}", possible=why.possible, errors=[(name, why.reason)]
        ) from None
