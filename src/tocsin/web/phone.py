"""The page behind a phone link: GET shows it and changes nothing, POST answers (design rule 23).

Previewers and scanners fetch links, so only the form of the page itself answers. Whoever holds the link is the person
who was called, for this one page; it opens nothing else, sets no cookie, and a session of the browser plays no part.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tocsin.domain import answering
from tocsin.domain import events as ev
from tocsin.domain.context import Context, Refused
from tocsin.domain.effects import BY_LINK
from tocsin.domain.incident import Incident, Paging
from tocsin.domain.people import Person
from tocsin.engine.sitting import Decision
from tocsin.store.contract import SecretRow
from tocsin.web import show_incident as show
from tocsin.web import show_phone as shown
from tocsin.web.auth import is_over, person_of, program_of
from tocsin.web.commands import Once, submit
from tocsin.web.forms import Values, text
from tocsin.web.problems import Problem
from tocsin.web.stored import records_of
from tocsin.web.templating import page
from tocsin.wiring.phone_links import KIND, PATH, hash_of
from tocsin.wiring.program import Program

FIELDS: Final = 6
KNOCKS: Final = 40
"""Requests a minute: of one link, and of what is no link from one address."""
TOKEN_LIMIT: Final = 200
_SALT: Final = b"tocsin phone form"
PASSED_ON: Final = "passed on by phone"


@dataclass(frozen=True, slots=True)
class Link:
    """A link that was found, with what it leads to."""

    row: SecretRow
    person: Person
    state: Incident
    context: Context

    @property
    def by_way_of(self) -> str:
        """How an answer names its way."""
        return f"{BY_LINK}{self.row.label}"


class DeadLink(Exception):
    """A link that answers nothing: `why` is `unknown` or `expired`."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def link_of(request: Request, token: str) -> Link:
    """What a token leads to. Raises DeadLink, and Problem 429 where too many are tried."""
    program = program_of(request)
    now, hashed = program.clock.now(), hash_of(token[:TOKEN_LIMIT], program.store.epoch)
    row = program.store.secret(hashed)
    if row is None or row.kind != KIND:
        # Only what is no link counts against an address: behind one proxy nobody keeps others from answering.
        request.app.state.knocks.spend(request.client.host if request.client else "", now)
        raise DeadLink("unknown")
    request.app.state.knocks.spend(hashed, now)
    person = person_of(program, row.person)
    state = program.store.incident(row.ref or "")
    if person is None or state is None or not person.active(now):
        raise DeadLink("unknown")
    if is_over(row, now):
        raise DeadLink("expired")
    return Link(row, person, state, program.engine.contexts.pinned(state.policy))


def opened(request: Request, token: str) -> Response:
    """The page of one call: what is broken, who is called, and two buttons. Fetching it changes nothing."""
    try:
        return _page(request, token, link_of(request, token))
    except DeadLink as dead:
        return _dead(request, dead)


async def answered(request: Request, token: str) -> Response:
    """Acknowledge, pass on or say that she is still on it, by the form of the page itself; then show how it stands."""
    form = await request.form(max_files=0, max_fields=FIELDS)
    try:
        link = await run_in_threadpool(link_of, request, token)
    except DeadLink as dead:
        return _dead(request, dead)
    sent, do = text(form, "page"), text(form, "do")
    if request.headers.get("sec-fetch-site") == "cross-site" or not hmac.compare_digest(
        sent.encode("utf-8", "replace"), form_of(token).encode()
    ):
        problem = Problem(
            403, "Nothing was done: the answer did not come from this page", possible="press again"
        )
        return await run_in_threadpool(_page, request, token, link, problem)
    decide = _DEEDS.get(do)
    if decide is None:
        problem = Problem(
            422, "Nothing was done: there is no such answer", possible="press one of the buttons"
        )
        return await run_in_threadpool(_page, request, token, link, problem)
    try:
        await _carry_out(program_of(request), link, do, text(form, "once"))
    except Refused as refused:
        problem = Problem(409, refused.reason, possible=refused.possible)
        try:
            link = await run_in_threadpool(link_of, request, token)
        except DeadLink as dead:  # it ran out while it was answered
            return _dead(request, dead)
        return await run_in_threadpool(_page, request, token, link, problem)
    return RedirectResponse(f"{PATH}{token}", status_code=303)


async def _carry_out(program: Program, link: Link, do: str, once: str) -> None:
    """Raises Refused, StoreUnavailable, Busy."""
    decision = _DEEDS[do](link)
    keys = [
        hashlib.sha256(f"{link.row.hash}|{do}|{once[:TOKEN_LIMIT]}|{n}".encode()).hexdigest() for n in (1, 2)
    ]
    await submit(
        program.engine.desk,
        lambda sitting, at: sitting.decide(link.state.ref, at, decision),
        Once(*keys) if once else None,
        link.state.ref,
    )


def _acknowledging(link: Link) -> Decision[[]]:
    return partial(take_by_link, by=link.person.handle, page=link.row.page or 0, via=link.by_way_of)


def take_by_link(
    state: Incident, context: Context, now: datetime, *, by: str, page: int, via: str
) -> list[ev.Event]:
    """Pressing again what one has done already is no second fact. A link to learn along by never takes anything."""
    if state.paging == Paging.ACKED and state.acked_by == by:
        return []
    called = state.page(page)
    if called is not None and called.outcome is not None and shown.learns(state, called, by):
        if called.outcome == "acked":
            return []
        raise Refused("you learn along, and your call has ended", "sign in to take it")
    return answering.acknowledge(state, context, now, by=by, via=via)


def _passing_on(link: Link) -> Decision[[]]:
    return partial(_pass_on, by=link.person.handle, page=link.row.page or 0)


def _pass_on(state: Incident, context: Context, now: datetime, *, by: str, page: int) -> list[ev.Event]:
    """Her newest open page counts: an earlier link of hers passes on the call that she has now."""
    mine = [p.number for p in state.open_pages() if p.person == by]
    return answering.pass_on(state, context, now, by=by, page=mine[-1] if mine else page, reason=PASSED_ON)


def _renewing(link: Link) -> Decision[[]]:
    return partial(answering.renew_ack, by=link.person.handle)


_DEEDS: Final = {"ack": _acknowledging, "pass": _passing_on, "renew": _renewing}


def form_of(token: str) -> str:
    """What the form of a link's page carries: only whoever has seen the page knows it."""
    return hmac.new(token.encode("utf-8", "replace"), _SALT, hashlib.sha256).hexdigest()[:32]


def _page(request: Request, token: str, link: Link, problem: Problem | None = None) -> Response:
    now, state, context, person = program_of(request).clock.now(), link.state, link.context, link.person
    over = shown.over_of(state, now)
    values: Values = {
        "badge": show.badge_of(state, context),
        "state": state,
        "person": person,
        "problem": problem,
        "over": over,
        "test": state.kind == shown.TEST,
        "form": form_of(token),
        "once": secrets.token_urlsafe(12),
        "address": f"{PATH}{token}",
        "hers": lambda at: shown.her_time(at, person.tz, now),
    }
    if over is None:
        values |= _running(program_of(request), link, now)
    return page(request, "phone.html", values, problem.status if problem else 200)


def _running(program: Program, link: Link, now: datetime) -> dict[str, Any]:
    state, context, handle = link.state, link.context, link.person.handle
    found = state.page(link.row.page or 0)
    passed = found is not None and found.outcome == "superseded" and _passed_on(program, link)
    return {
        "standing": shown.standing_of(state, context, found, handle, now, passed=passed),
        "next": shown.next_of(state, context, handle, now),
        "calls": shown.lines_of(state, context, handle),
        "facts": shown.facts_of(state, context, now),
    }


def _passed_on(program: Program, link: Link) -> bool:
    """Whether she had the next step called herself since this page."""
    events = [record.event for record in records_of(program, link.state.ref)]
    since = link.row.created_at
    return any(isinstance(e, ev.Escalated) and e.by == link.person.handle and e.at >= since for e in events)


def _dead(request: Request, dead: DeadLink) -> Response:
    return page(request, "phone_dead.html", {"why": dead.why}, 410 if dead.why == "expired" else 404)
