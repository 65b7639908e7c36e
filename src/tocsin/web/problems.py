"""Errors as RFC 9457 problem documents: what happened, what was not done, what is possible. Never a stack trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tocsin.domain.context import Refused
from tocsin.engine.desk import Busy
from tocsin.engine.sitting import UnknownIncident
from tocsin.engine.trials import TooSoon
from tocsin.store.contract import StoreUnavailable

log = structlog.get_logger("tocsin.web")

RETRY_AFTER_S: Final = "2"
_TITLES: Final = {
    400: ("unreadable", "The request cannot be read"),
    401: ("not-signed-in", "Not signed in"),
    403: ("not-allowed", "Not allowed"),
    404: ("not-found", "Not found"),
    405: ("wrong-method", "This method is not possible here"),
    408: ("too-slow", "It did not come in time"),
    409: ("refused", "Refused"),
    413: ("too-large", "Too large"),
    422: ("invalid", "The request does not fit"),
    429: ("too-many", "Too many attempts"),
    500: ("internal", "tocsin failed"),
    503: ("unavailable", "Not possible now"),
}


class KeyReused(Refused):
    """The Idempotency-Key was used before, for another request."""


class Problem(Exception):
    """Ends a request with a problem document."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        possible: str = "",
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.possible = possible
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    @property
    def title(self) -> str:
        """The status in a few words."""
        return _TITLES.get(self.status, ("error", "Error"))[1]

    def document(self) -> dict[str, Any]:
        """The problem as JSON values."""
        slug = _TITLES.get(self.status, ("error", ""))[0]
        found: dict[str, Any] = {
            "type": f"urn:tocsin:problem:{slug}",
            "title": self.title,
            "status": self.status,
            "detail": _printable(self.detail),
        }
        if self.possible:
            found["possible"] = _printable(self.possible)
        if self.errors:
            found["errors"] = [{"field": _printable(f), "message": _printable(m)} for f, m in self.errors]
        return found


def _printable(text: str) -> str:
    """Without lone surrogates, which no encoder takes."""
    return text.encode("utf-8", "replace").decode("utf-8")


def invalid(field: str, message: str) -> Problem:
    """One field that does not fit."""
    return Problem(422, f"{field}: {message}", errors=[(field, message)])


def unavailable(down: StoreUnavailable | Busy) -> Problem:
    """The database or the desk cannot take it: nothing was written, the same request may be sent again.

    What the database says may name its place: that stays in the log.
    """
    if isinstance(down, StoreUnavailable):
        log.error("the database is not usable", reason=str(down))
    reason = str(down) if isinstance(down, Busy) else "the database is not usable"
    return Problem(
        503,
        f"Nothing was written and nobody was called: {reason}",
        # A connection that is lost in the very commit leaves it open whether it was written: then the key decides.
        possible="send the same request again; with the same Idempotency-Key it can never count twice",
        headers={"Retry-After": RETRY_AFTER_S},
    )


def problem_of(error: Exception) -> Problem:
    """What an exception is to whoever asked. Anything unknown is an internal failure without details."""
    match error:
        case Problem():
            return error
        case KeyReused():
            return Problem(
                422, error.reason, possible=error.possible, errors=[("Idempotency-Key", error.reason)]
            )
        case TooSoon():
            wait = {"Retry-After": str(error.wait_s)}
            return Problem(429, error.reason, possible=error.possible, headers=wait)
        case Refused():
            return Problem(409, error.reason, possible=error.possible)
        case UnknownIncident():
            return Problem(
                404, f"There is no incident {error.ref[:40]}", possible="see the list of incidents"
            )
        case StoreUnavailable() | Busy():
            return unavailable(error)
        case RequestValidationError():
            return _from_validation(error)
        case HTTPException(status_code=404):
            return Problem(404, "There is nothing at this address", headers=error.headers)
        case HTTPException():
            return Problem(error.status_code, str(error.detail), headers=error.headers)
        case _:
            return Problem(500, "Something went wrong inside tocsin; the log of the server has the reason")


def _from_validation(error: RequestValidationError) -> Problem:
    found = [(field_of(e["loc"]), message_of(e)) for e in error.errors()][:50]
    first = found[0] if found else ("body", "does not fit")
    return Problem(422, f"{first[0]}: {first[1]}", errors=found)


def field_of(loc: Sequence[Any]) -> str:
    """The name of the field as whoever sent it knows it."""
    parts = [str(part) for part in loc]
    if parts and parts[0] in {"body", "query", "path", "header"}:
        parts = parts[1:] or parts
        if parts[0].isdigit():  # the place in a body that is no JSON
            parts = ["body"]
    return ".".join(parts)[:200] or "body"


_MESSAGES: Final = {
    "extra_forbidden": "there is no such field",
    "missing": "is missing",
    "json_invalid": "is no valid JSON",
    "string_unicode": "holds a lone surrogate, which is no text",
}


def message_of(error: Mapping[str, Any]) -> str:
    """What does not fit, without repeating what was sent."""
    kind = str(error.get("type"))
    if kind in {"too_long", "string_too_long"}:
        what = " characters" if isinstance(error.get("input"), str) else ""
        return f"holds more than {error['ctx']['max_length']}{what}"
    known = _MESSAGES.get(kind)
    return known or str(error.get("msg", "does not fit")).removeprefix("Value error, ")


def problem_response(problem: Problem) -> Response:
    """The document as it goes over the wire."""
    return Response(
        msgspec.json.encode(problem.document()),
        status_code=problem.status,
        headers=problem.headers,
        media_type="application/problem+json",
    )


def note_failure(request: Request, error: Exception) -> None:
    """An internal failure stands in the log, with the path and never with the body."""
    log.error("a request failed", path=without_secret(request.url.path), error=type(error).__name__)


_SECRET_PATHS: Final = ("/a/", "/signin/", "/calendar/")
"""What follows these opens something."""


def without_secret(path: str) -> str:
    """A path as it may stand in a log."""
    found = next((begin for begin in _SECRET_PATHS if path.startswith(begin)), None)
    return f"{found}..." if found else path
