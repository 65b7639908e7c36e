"""Contact methods of whoever asks: what is used, what is proven, a new address with its proof, taking one away.

Everybody sees and changes only their own: an address counts only once its owner has entered the code that was sent to
it (design rule 24), and until then what was used before stays in use.
"""

from __future__ import annotations

from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tocsin.domain.delivery import Undelivered
from tocsin.domain.people import Method
from tocsin.store.contract import ContactRow, JournalRow
from tocsin.web import models_paging as mp
from tocsin.web import views
from tocsin.web.auth import Caller, caller_of, program_of
from tocsin.web.problems import Problem
from tocsin.wiring import contacts
from tocsin.wiring.program import Program

Json = dict[str, Any]
CODES: Final = 4
"""Codes that one person may have sent within a minute, at once or one after the other: they go to any address."""


def listed(request: Request) -> Response:
    """Your contact methods: of the roster and your own."""
    program, caller = program_of(request), caller_of(request)
    return views.json_response({"contacts": _views(program, caller.handle)})


async def add(request: Request, body: mp.Contact) -> Response:
    """A further address: a code is sent to it, and it counts once you have entered that."""
    program, caller = program_of(request), caller_of(request)
    person, channel, address = _herself(program, caller, body.person), body.channel, body.address
    now = program.clock.now()
    contacts.refuse_unfit(person, channel, address, program.settings.channels)
    people = program.engine.contexts.live.directory
    await run_in_threadpool(contacts.refuse_needless, program.store, people, person, channel, address, now)
    request.app.state.codes.spend(person, now)
    base = program.settings.server.base_url
    try:
        await contacts.ask_for_proof(
            program.store, program.channels[channel], channel, person, address, now, base
        )
    except Undelivered as failed:
        raise Problem(
            502,
            f"The code could not be sent on {channel}: {failed.reason}",
            possible="nothing was kept; check the address, and the channel in tocsin.toml",
        ) from failed
    return views.json_response(
        await run_in_threadpool(_noted, program, "contact_added", person, channel), 201
    )


def verify(request: Request, channel: str, body: mp.Verification) -> Response:
    """Enter the code that was sent to your new address."""
    program, caller = program_of(request), caller_of(request)
    person = _herself(program, caller, body.person)
    contacts.verify(program.store, person, channel, body.code, program.clock.now())
    return views.json_response(_noted(program, "contact_proven", person, channel))


def remove(request: Request, channel: str) -> Response:
    """Take your own address away again; the roster's is used then."""
    program, caller = program_of(request), caller_of(request)
    if contacts.forget(program.store, caller.handle, channel) is None:
        raise Problem(
            404, f"You have no address of your own on {channel[:64]}", possible="see GET /api/v1/contacts"
        )
    _noted(program, "contact_removed", caller.handle, channel)
    return Response(status_code=204)


def _herself(program: Program, caller: Caller, named: str | None) -> str:
    """The handle of whoever asks: nobody adds or proves an address for somebody else."""
    if named is not None and named != caller.handle:
        raise Problem(
            403,
            f"{caller.handle} cannot do this for {named}: only {named} can prove who reads an address",
            possible=f"{named} signs in and does it",
        )
    if program.engine.contexts.live.directory.get(caller.handle) is None:
        raise Problem(404, f"Nobody is known as {caller.handle}", possible="ask an administrator to add you")
    return caller.handle


def _noted(program: Program, kind: str, handle: str, channel: str) -> Json:
    """Live at once, and in the journal without the address; how it stands now."""
    program.store.note(JournalRow(program.clock.now(), kind, f"{handle} on {channel}"))
    program.refresh_people()
    return next((view for view in _views(program, handle) if view["channel"] == channel), {})


def _views(program: Program, handle: str) -> list[Json]:
    """Every channel that reaches her, could again, or waits for a code, in the order of tocsin.toml."""
    rows = {row.channel: row for row in program.store.contacts(handle)}
    used = {m.channel: m for m in program.engine.contexts.live.directory.methods_of(handle)}
    found = (
        _view(name, settings.kind, used.get(name), rows.get(name))
        for name, settings in program.settings.channels.items()
    )
    return [view for view in found if view["address"] or view["waiting"]]


def _view(channel: str, kind: str, method: Method | None, row: ContactRow | None) -> Json:
    address = method.address if method else (row.address or row.tried) if row and row.disabled else ""
    set_aside = row is not None and bool(row.disabled) and row.address in ("", address)
    state = "disabled" if set_aside else "none" if method is None else "usable"
    if state == "usable" and method is not None and method.proven_at:
        state = "proven"
    return {
        "channel": channel,
        "kind": kind,
        "address": address,
        "own": bool(row and row.address and row.address == address),
        "state": state,
        "proven_at": method.proven_at if method else None,
        "disabled": row.disabled if row else "",
        "waiting": row.waiting if row else "",
        "code_until": row.code_until if row else None,
    }
