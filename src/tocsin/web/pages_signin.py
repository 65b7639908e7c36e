"""The pages around signing in and out."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tocsin.web.auth import (
    PLAIN_COOKIE,
    SECURE_COOKIE,
    SESSION_DAYS,
    caller_of,
    check_form,
    is_loopback,
    is_own,
    program_of,
)
from tocsin.web.problems import Problem
from tocsin.web.signin import use_link
from tocsin.web.templating import page


def help_page(request: Request) -> Response:
    """How to get in."""
    return page(request, "signin.html", {"token": ""})


def link_page(request: Request, token: str) -> Response:
    """A button and nothing else: previewers fetch links, and a fetch must change nothing."""
    return page(request, "signin.html", {"token": token[:200]})


async def sign_in(request: Request, token: str) -> Response:
    """Use the link, open a session."""
    program = program_of(request)
    place = request.client.host if request.client else ""
    request.app.state.attempts.spend(place, program.clock.now())
    origin = request.headers.get("origin")
    if (origin is not None and not is_own(request, origin)) or request.headers.get(
        "sec-fetch-site"
    ) == "cross-site":
        raise Problem(403, "This request came from another site", possible="open the link itself")
    secure = is_secure(request)
    if not secure and not is_loopback(urlsplit(f"//{request.headers.get('host', '')}").hostname or ""):
        raise Problem(
            403, "Signing in over a network needs HTTPS", possible="use the address that begins with https"
        )
    cookie = await run_in_threadpool(use_link, program, token)
    request.app.state.attempts.give_back(place)
    answer = RedirectResponse("/", status_code=303)
    set_cookie(answer, cookie, secure=secure)
    return answer


def is_secure(request: Request) -> bool:
    """Whether people reach tocsin over TLS."""
    base = str(program_of(request).settings.server.base_url)
    return request.url.scheme == "https" or (
        base.startswith("https:") and urlsplit(base).netloc == request.headers.get("host", "")
    )


def set_cookie(answer: Response, value: str, *, secure: bool) -> None:
    """The session's cookie: bound to this very host where there is TLS."""
    name = SECURE_COOKIE if secure else PLAIN_COOKIE
    answer.set_cookie(
        name, value, max_age=SESSION_DAYS * 86_400, path="/", secure=secure, httponly=True, samesite="lax"
    )


async def sign_out(request: Request) -> Response:
    """End this session."""
    form = await request.form(max_files=0, max_fields=2)
    sent = form.get("csrf", "")
    check_form(request, sent if isinstance(sent, str) else "")
    caller = caller_of(request)
    if caller.session:
        await run_in_threadpool(program_of(request).store.delete_secret, caller.session)
    answer = RedirectResponse("/signin", status_code=303)
    answer.delete_cookie(SECURE_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    answer.delete_cookie(PLAIN_COOKIE, path="/", httponly=True, samesite="lax")
    return answer
