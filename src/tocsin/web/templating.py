"""Pages from templates: all of it is escaped, and untrusted text cannot turn the direction of what surrounds it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from tocsin.domain.spans import span
from tocsin.web.auth import NOBODY, Caller
from tocsin.web.static_files import url_for

FOLDER: Final = Path(__file__).with_name("templates")
ISOLATE: Final = "\u2068{}\u2069"
"""Around untrusted text where no element can stand, as in a page's title."""

ENVIRONMENT: Final = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)


def clock_time(at: datetime) -> str:
    """`13:05:10`."""
    return f"{at:%H:%M:%S}"


def near(at: datetime, now: datetime) -> str:
    """The time, with its day when that is not today."""
    return clock_time(at) if at.date() == now.date() else f"{at.day} {at:%b %H:%M}"


def day_time(at: datetime) -> str:
    """`Tue 20 Jan 2026, 13:05`."""
    return f"{at:%a} {at.day} {at:%b %Y, %H:%M}"


def iso(at: datetime) -> str:
    """For the datetime attribute."""
    return at.isoformat().replace("+00:00", "Z")


def countdown(seconds: float) -> str:
    """`2:40`, `1:51:30`; what is past has a plus."""
    whole = abs(int(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes_left = divmod(minutes, 60)
    shown = f"{hours}:{minutes_left:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
    return f"+{shown}" if seconds < 0 else shown


def typed_time(at: datetime) -> str:
    """`2026-01-28 09:04:30`, as a form takes it back."""
    return f"{at:%Y-%m-%d %H:%M:%S}"


def lower_first(text: str) -> str:
    """In the middle of a sentence."""
    return text[:1].lower() + text[1:]


def document_name(document: str) -> str:
    """`log row`, `postmortem draft`, `row of check 2`."""
    kind, _, number = document.partition("-")
    return f"row of {kind} {number}" if number else {"log": "log row", "postmortem": "draft"}.get(kind, kind)


def initials(name: str) -> str:
    """Up to two letters for a person's mark."""
    words = [word for word in name.replace(".", " ").replace("-", " ").split() if word[:1].isalnum()]
    letters = [words[0][0], words[-1][0]] if len(words) > 1 else [w[:2] for w in words[:1]]
    return "".join(letters).upper() or "?"


def isolated(text: str) -> str:
    """Untrusted text for a place without elements."""
    return ISOLATE.format(text)


ENVIRONMENT.filters.update(
    clock=clock_time,
    near=near,
    day=day_time,
    iso=iso,
    countdown=countdown,
    initials=initials,
    isolated=isolated,
    span=span,
    typed_time=typed_time,
    lower_first=lower_first,
    document_name=document_name,
)
ENVIRONMENT.globals.update(static=url_for)


def render(request: Request, name: str, values: dict[str, Any]) -> str:
    """A template with what every page knows."""
    caller: Caller = getattr(request.state, "caller", NOBODY)
    program = request.app.state.program
    shared = {
        "me": caller,
        "path": request.url.path,
        "now": program.clock.now(),
        "policy_hash": program.engine.contexts.live.policy_hash[:7],
        "mailbox": request.app.state.mailbox is not None,
    }
    return ENVIRONMENT.get_template(name).render(**shared, **values)


def page(request: Request, name: str, values: dict[str, Any], status: int = 200) -> Response:
    """A page as an answer."""
    return Response(render(request, name, values), status_code=status, media_type="text/html; charset=utf-8")
