"""What administrators do: people, sign-in links, tokens, adopting a database, backups, and looking behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Annotated

from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import Response

from tocsin.domain.people import Person
from tocsin.store.contract import BackupElsewhere, JournalRow, SecretRow
from tocsin.web import models as m
from tocsin.web import views
from tocsin.web.api_incidents import Limit
from tocsin.web.auth import PREFIX, Caller, caller_of, digest, new_secret, person_of, program_of
from tocsin.web.problems import Problem, invalid
from tocsin.web.repeat import UNHURRIED_S, Key, Made, repeatable
from tocsin.web.signin import issue_signin_link, link_expiry
from tocsin.web.stored import REF
from tocsin.wiring.program import Program

EFFECT_STATES = ("waiting", "leased", "done", "failed", "dropped", "in_doubt")


def users(request: Request) -> Response:
    """Everybody: the handbook's roster and those added at run time."""
    directory = program_of(request).engine.contexts.live.directory
    return views.json_response(
        {"users": [views.person_view(person, directory) for person in directory.people.values()]}
    )


async def save_user(request: Request, body: m.User, key: Key = None) -> Response:
    """Add somebody, or change the standing of somebody. Roster facts come from the handbook."""
    return await repeatable(request, key, body, partial(_save_user, caller_of(request), body))


def _save_user(caller: Caller, body: m.User, program: Program) -> Made:
    live = program.engine.contexts.live
    known = live.directory.get(body.handle)
    if known is not None and live.directory.admins() == (known.handle,) and body.standing != "admin":
        raise Problem(
            409,
            f"{known.handle} is the last administrator",
            possible="make somebody else an administrator first",
        )
    person = known or Person(body.handle, body.name or body.handle, in_roster=False)
    changed = replace(
        person,
        name=body.name or person.name,
        email=body.email or person.email,
        phone=body.phone or person.phone,
        chat=body.chat or person.chat,
        standing=body.standing,
    )
    program.store.save_person(changed)
    detail = f"{body.handle} is {body.standing}, by {caller.handle}"
    program.store.note(JournalRow(program.clock.now(), "person_saved", detail))
    program.refresh_people()
    directory = program.engine.contexts.live.directory
    return 200 if known else 201, views.person_view(directory.get(body.handle) or changed, directory)


async def signin_link(
    request: Request, handle: str, body: m.Nothing | None = None, key: Key = None
) -> Response:
    """A link that signs this person in once, within ten minutes."""
    return await repeatable(request, key, body or m.Nothing(), partial(_signin_link, handle))


def _signin_link(handle: str, program: Program) -> Made:
    person = person_of(program, handle)
    if person is None:
        raise Problem(404, f"Nobody is known as {handle[:64]}", possible="add them first: POST /api/v1/users")
    expires = link_expiry(program.clock.now())
    return 201, {"url": issue_signin_link(program, person.handle), "expires_at": expires}


def tokens(request: Request) -> Response:
    """Every token, without its secret."""
    rows = program_of(request).store.secrets("token")
    return views.json_response({"tokens": [views.token_view(row) for row in rows]})


async def new_token(request: Request, body: m.Token, key: Key = None) -> Response:
    """A token for a program. It is shown this once; only its hash is stored."""
    return await repeatable(request, key, body, partial(_new_token, caller_of(request), body))


def _new_token(caller: Caller, body: m.Token, program: Program) -> Made:
    owner = person_of(program, body.person or caller.handle)
    if owner is None:
        raise invalid("person", f"nobody is known as {body.person or caller.handle}: name somebody who is")
    now, token = program.clock.now(), new_secret(PREFIX)
    ends = now + timedelta(days=body.expires_in_days) if body.expires_in_days else None
    scopes = tuple(sorted(set(body.scopes)))
    row = SecretRow(digest(token), "token", owner.handle, now, ends, scopes, body.label)
    program.store.save_secret(row)
    detail = f"for {owner.handle} by {caller.handle}: {', '.join(scopes)}"
    program.store.note(JournalRow(now, "token_made", detail))
    return 201, {**views.token_view(row), "token": token}


def delete_token(request: Request, token: Annotated[str, Path(alias="id")]) -> Response:
    """Revoke a token; it is refused from now on."""
    program = program_of(request)
    found = [row for row in program.store.secrets("token") if row.hash[: views.TOKEN_ID_LENGTH] == token]
    if not found:
        raise Problem(404, "There is no token of that id", possible="see GET /api/v1/tokens")
    program.store.delete_secret(found[0].hash)
    detail = f"of {found[0].person} by {caller_of(request).handle}"
    program.store.note(JournalRow(program.clock.now(), "token_revoked", detail))
    return Response(status_code=204)


async def adopt(request: Request, body: m.Nothing | None = None, key: Key = None) -> Response:
    """Make this the home of the database; what was held goes out."""
    make = partial(_adopt, caller_of(request).handle)
    return await repeatable(request, key, body or m.Nothing(), make, UNHURRIED_S)


def _adopt(by: str, program: Program) -> Made:
    held = program.engine.held()
    return 200, {"adopted": True, "was_held": held, "told": program.adopt(by)}


async def backup(request: Request, body: m.Backup, key: Key = None) -> Response:
    """A consistent copy of the database in a new file on the server's machine."""
    if caller_of(request).via != "cli":
        raise Problem(403, "A backup is written by the operator on the server's machine: tocsin backup FILE")
    return await repeatable(request, key, body, partial(_backup, body), UNHURRIED_S)


def _backup(body: m.Backup, program: Program) -> Made:
    target = (program.settings.root / body.file).resolve()
    if target.exists():
        raise Problem(409, f"{target.name} exists already", possible="name a file that does not exist")
    if not target.parent.is_dir():
        raise invalid("file", "its folder does not exist on the server's machine")
    try:
        program.store.backup(str(target))
    except BackupElsewhere as elsewhere:
        raise Problem(409, str(elsewhere)) from elsewhere
    except OSError as error:
        raise Problem(409, f"The backup could not be written: {error.strerror}") from error
    program.store.note(JournalRow(program.clock.now(), "backup", target.name))
    return 201, {"file": str(target), "bytes": target.stat().st_size}


def journal(request: Request, limit: Limit = 100) -> Response:
    """What tocsin did or noticed itself, newest first."""
    rows = program_of(request).store.journal(limit)
    return views.json_response(
        {"journal": [{"at": row.at, "kind": row.kind, "detail": row.detail} for row in rows]}
    )


def effects(
    request: Request,
    ref: Annotated[str | None, Query(description="of one incident")] = None,
    state: Annotated[str | None, Query(json_schema_extra={"enum": list(EFFECT_STATES)})] = None,
    limit: Limit = 100,
) -> Response:
    """What is carried out, newest first: state, attempts, outcome."""
    if ref is not None and not REF.fullmatch(ref):
        raise invalid("ref", "a reference is written INC-2026-0007")
    if state is not None and state not in EFFECT_STATES:
        raise invalid("state", f"one of {', '.join(EFFECT_STATES)}")
    rows = program_of(request).store.effects(ref, state=state, limit=limit)
    return views.json_response({"effects": [views.effect_view(row) for row in rows]})
