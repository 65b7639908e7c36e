"""Who is asking, and what they may do. Deny by default: a route without a permission cannot be registered.

Three ways in: a bearer token (`tcs_...`), the session cookie of a signed-in person, and the local operator's token
from `var/server.json`, which alone holds `act:any` and may name somebody with `Tocsin-As`. Of every secret only the
SHA-256 is stored. What a token may do is what its person may do, cut down to its scopes (design rule 24).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from tocsin.domain.people import RIGHTS, Permission, Person
from tocsin.store.contract import SecretRow
from tocsin.web.problems import Problem
from tocsin.wiring.program import Program

PREFIX: Final = "tcs_"
SESSION_DAYS: Final = 14
OPERATOR: Final = "operator"
ACT_AS_HEADER: Final = "Tocsin-As"
SECURE_COOKIE: Final = "__Host-tocsin"
PLAIN_COOKIE: Final = "tocsin"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_HANDLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_CSRF_SALT: Final = b"tocsin form"


@dataclass(frozen=True, slots=True)
class Access:
    """What a route asks for. No permission: everybody may.

    `here`: `only` refuses everybody who is not on this machine, `instead` lets this machine in without a sign-in.
    """

    permission: Permission | None
    here: str = ""

    @property
    def words(self) -> str:
        """As the documentation says it."""
        if self.permission is None:
            return "this machine only" if self.here == "only" else "public"
        return f"{self.permission.value} (or from this machine)" if self.here else self.permission.value


EVERYBODY: Final = Access(None)
THIS_MACHINE: Final = Access(None, "only")
READ: Final = Access(Permission.READ)
DECLARE: Final = Access(Permission.DECLARE)
RESPOND: Final = Access(Permission.RESPOND)
ADMIN: Final = Access(Permission.ADMIN)
METRICS: Final = Access(Permission.METRICS, "instead")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `via` is the way in: `cli` (local operator), `api` (token), `web` (session), empty for nobody."""

    handle: str
    name: str
    rights: frozenset[Permission]
    via: str = ""
    standing: str = ""
    session: str = ""
    csrf: str = ""

    def may(self, permission: Permission) -> bool:
        """Whether the caller holds it."""
        return permission in self.rights


NOBODY: Final = Caller("", "", frozenset())


def digest(secret: str) -> str:
    """What is stored of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def new_secret(prefix: str = "") -> str:
    """32 random bytes, safe in a URL."""
    return prefix + secrets.token_urlsafe(32)


def program_of(request: Request) -> Program:
    """The program behind the application."""
    program: Program = request.app.state.program
    return program


def caller_of(request: Request) -> Caller:
    """Who was let in to this route."""
    caller: Caller = request.state.caller
    return caller


async def admit(request: Request, access: Access) -> Caller:
    """The caller, if the route lets them in. Raises Problem 401 or 403 otherwise."""
    here = bool(access.here) and is_from_here(request)
    if access.here == "only" and not here:
        raise Problem(403, "This page is shown on the machine that tocsin runs on, and nowhere else")
    caller = await run_in_threadpool(identify, request)
    if access.permission is not None and not caller.may(access.permission):
        if access.here == "instead" and here:
            return caller
        if not caller.handle:
            raise Problem(401, "Sign in, or send a token", headers={"WWW-Authenticate": "Bearer"})
        raise Problem(403, f"{caller.handle} may not do this: it needs {access.permission.value}")
    if access.permission is not None and caller.via == "web" and request.method not in SAFE_METHODS:
        check_same_site(request)
    return caller


def identify(request: Request) -> Caller:
    """Who it is, by token or cookie; NOBODY without either. Raises Problem 401 for a token that is not valid."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme:
        if scheme.lower() != "bearer" or not token:
            raise _not_valid("the Authorization header must be: Bearer <token>")
        return _by_token(request, token.strip())
    if ACT_AS_HEADER in request.headers:
        raise Problem(403, f"Only the local operator may use {ACT_AS_HEADER}")
    for name in (SECURE_COOKIE, PLAIN_COOKIE):
        cookie = request.cookies.get(name)
        if cookie:
            return _by_session(request, cookie)
    return NOBODY


def _not_valid(why: str) -> Problem:
    return Problem(401, why, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


def _by_token(request: Request, token: str) -> Caller:
    program = program_of(request)
    local: str | None = request.app.state.local_token_hash
    hashed = digest(token)
    if local is not None and hmac.compare_digest(hashed, local):
        return _local(request, program)
    if ACT_AS_HEADER in request.headers:
        raise Problem(403, f"Only the local operator may use {ACT_AS_HEADER}")
    row = program.store.secret(hashed)
    if row is None or row.kind != "token" or is_over(row, program.clock.now()):
        raise _not_valid("the token is unknown, revoked or has expired")
    person = person_of(program, row.person)
    if person is None:
        raise _not_valid(f"the token belongs to {row.person}, who is not known any more")
    rights = RIGHTS.get(person.standing, frozenset()) & {Permission(s) for s in row.scopes}
    return Caller(person.handle, person.name, rights, "api", person.standing)


def _local(request: Request, program: Program) -> Caller:
    """The local operator: everything, in the name of whoever is named."""
    handle = request.headers.get(ACT_AS_HEADER, "").strip().removeprefix("@")
    if handle and not _HANDLE.fullmatch(handle):
        raise Problem(422, f"{ACT_AS_HEADER}: no handle", errors=[(ACT_AS_HEADER, "no handle")])
    person = person_of(program, handle) or person_of(program, handle.casefold()) if handle else None
    if person is None and handle not in ("", OPERATOR):
        # A slip of the finger must not stop paging in the name of nobody.
        raise Problem(
            422,
            f"{ACT_AS_HEADER}: nobody is known as {handle}",
            possible=f"see tocsin user list; a guest is added with: tocsin user add {handle}",
            errors=[(ACT_AS_HEADER, f"nobody is known as {handle}")],
        )
    handle = person.handle if person else handle
    name = person.name if person else handle or "Operator"
    return Caller(
        handle or OPERATOR, name, frozenset(Permission), "cli", person.standing if person else OPERATOR
    )


def _by_session(request: Request, cookie: str) -> Caller:
    program = program_of(request)
    row = program.store.secret(digest(cookie))
    if row is None or row.kind != "session" or is_over(row, program.clock.now()):
        return NOBODY
    person = person_of(program, row.person)
    if person is None:
        return NOBODY
    rights = RIGHTS.get(person.standing, frozenset())
    return Caller(person.handle, person.name, rights, "web", person.standing, row.hash, csrf_of(cookie))


def is_over(row: SecretRow, now: datetime) -> bool:
    """Whether a secret has expired."""
    return row.expires_at is not None and row.expires_at <= now


def person_of(program: Program, handle: str) -> Person | None:
    """The person of that handle, as known now."""
    return program.engine.contexts.live.directory.get(handle)


def csrf_of(cookie: str) -> str:
    """The form token of a session: follows from the cookie, which a foreign page cannot read."""
    return hmac.new(cookie.encode("utf-8", "replace"), _CSRF_SALT, hashlib.sha256).hexdigest()


def check_same_site(request: Request) -> None:
    """A session may change things from our own pages only. Raises Problem 403."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None and site not in {"same-origin", "none"}:
        raise Problem(403, "This request came from another site")
    if origin is not None and not is_own(request, origin):
        raise Problem(403, "This request came from another site")
    if site is None and origin is None:
        raise Problem(403, "A browser session needs the Origin header; programs send a token instead")


def is_own(request: Request, origin: str) -> bool:
    """Whether an Origin header names this very server."""
    return bool(origin) and urlsplit(origin).netloc == request.headers.get("host", "")


def check_form(request: Request, sent: str) -> None:
    """The form came out of a page of this very session. Raises Problem 403."""
    caller = caller_of(request)
    if caller.via == "web" and not hmac.compare_digest(sent.encode("utf-8", "replace"), caller.csrf.encode()):
        raise Problem(403, "This form is out of date", possible="load the page again and repeat what you did")


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_from_here(request: Request) -> bool:
    """From this machine, not through a proxy, and asked for by a name of this machine (DNS rebinding)."""
    client = request.client.host if request.client else ""
    proxied = any(h in request.headers for h in ("forwarded", "x-forwarded-for", "x-real-ip"))
    asked = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    return is_loopback(client) and not proxied and is_loopback(asked)


def open_session(program: Program, person: str, now: datetime) -> str:
    """A new session of the person: the cookie's value."""
    cookie, expires = new_secret(), now + timedelta(days=SESSION_DAYS)
    program.store.save_secret(SecretRow(digest(cookie), "session", person, now, expires))
    return cookie
