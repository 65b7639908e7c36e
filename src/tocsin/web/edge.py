"""Around every answer: security headers, and what becomes of exceptions."""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI, HTTPException
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tocsin.domain.context import Refused
from tocsin.engine.desk import Busy
from tocsin.engine.sitting import UnknownIncident
from tocsin.store.contract import EVIDENCE_LIMIT, StoreUnavailable
from tocsin.web.problems import Problem, note_failure, problem_of, problem_response
from tocsin.web.templating import page

BODY_LIMIT: Final = 256 * 1024
FILE_LIMIT: Final = EVIDENCE_LIMIT + BODY_LIMIT
"""A file of evidence, with the form around it."""
CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_KINDS: Final = (
    Problem,
    Refused,
    UnknownIncident,
    StoreUnavailable,
    Busy,
    RequestValidationError,
    AnyHTTPException,
)
_MACHINES: Final = ("/api/", "/healthz", "/readyz", "/alarmz", "/metrics")
_FOR_PEOPLE: Final = "/api/docs"


class Edge:
    """Sets the headers that every answer carries, and reads no body beyond the limit.

    Nothing of tocsin is kept by caches unless it says so.
    """

    def __init__(self, app: ASGIApp, *, tls: bool) -> None:
        self.app = app
        self.headers = {**HEADERS, **({"Strict-Transport-Security": "max-age=31536000"} if tls else {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if str(scope.get("path", "")).startswith(_SAYS_TOO_MUCH):
                    headers["Referrer-Policy"] = "no-referrer"
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, limited(scope, receive), with_headers)


_SAYS_TOO_MUCH: Final = ("/a/",)
"""Whose address is a secret: it goes nowhere. (A sign-in link stays with `same-origin`: its form needs an Origin.)"""


class TooLarge(HTTPException):
    """The body is larger than the route takes. An HTTPException: the reader of bodies lets only that through."""

    def __init__(self, limit: int) -> None:
        most = f"{BODY_LIMIT // 1024} KB" if limit == BODY_LIMIT else f"{EVIDENCE_LIMIT // 1024**2} MB"
        super().__init__(413, f"The body is larger than {most}; nothing was done")


def limit_of(scope: Scope) -> int:
    """How much a route takes: a file where files are kept, else little."""
    path = str(scope.get("path", ""))
    takes_files = path.endswith("/evidence") and path.startswith(_WHERE_FILES_ARE_KEPT)
    return FILE_LIMIT if takes_files and scope.get("method") == "POST" else BODY_LIMIT


_WHERE_FILES_ARE_KEPT: Final = ("/api/v1/incidents/", "/i/")


def limited(scope: Scope, receive: Receive) -> Receive:
    """Receive a body up to the limit. Raises TooLarge beyond it."""
    limit = limit_of(scope)
    said = Headers(scope=scope).get("content-length", "")
    if said.isdigit() and int(said) > limit:
        return _refusing(limit)
    left = limit

    async def receive_some() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise TooLarge(limit)
        return message

    return receive_some


def _refusing(limit: int) -> Receive:
    async def refuse() -> Message:
        raise TooLarge(limit)

    return refuse


def catch(app: FastAPI) -> None:
    """Turn what is raised into documents for programs and pages for people."""
    for kind in _KINDS:
        app.add_exception_handler(kind, answer_error)
    app.add_exception_handler(Exception, answer_failure)


async def answer_error(request: Request, error: Exception) -> Response:
    """A problem that has a name."""
    problem = problem_of(error)
    if request.url.path.startswith(_MACHINES) and request.url.path != _FOR_PEOPLE:
        return problem_response(problem)
    if problem.status == 401 and request.method == "GET":
        return RedirectResponse("/signin", status_code=303)
    answer = page(request, "error.html", {"problem": problem}, problem.status)
    answer.headers.update(problem.headers)
    return answer


async def answer_failure(request: Request, error: Exception) -> Response:
    """One that has none: the server's log has the trace, whoever asked gets no detail."""
    note_failure(request, error)
    return await answer_error(request, Problem(500, problem_of(error).detail))
