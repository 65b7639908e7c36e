"""Pages by hand, and test pages: by anybody who responds, to people and schedules."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from tocsin.engine.byhand import paging
from tocsin.engine.trials import testing
from tocsin.web import models_paging as mp
from tocsin.web.api_incidents import Key, declared
from tocsin.web.auth import caller_of, program_of
from tocsin.web.commands import once, submit


async def page(request: Request, body: mp.PageByHand, key: Key = None) -> Response:
    """Page people or whoever is on call on a schedule, until one of them answers."""
    program, caller = program_of(request), caller_of(request)
    run = paging(caller.handle, tuple(body.to), body.text, body.sev)
    answer = await submit(program.engine.desk, run, once(caller, request.url.path, key, body))
    return await declared(request, answer)


async def page_test(request: Request, body: mp.PageTest | None = None, key: Key = None) -> Response:
    """A test page to a person (default: you), by all her ways; her answer proves that they arrive."""
    program, caller = program_of(request), caller_of(request)
    given = body or mp.PageTest()
    run = testing(given.person or caller.handle, caller.handle, limited=True)
    answer = await submit(program.engine.desk, run, once(caller, request.url.path, key, given))
    return await declared(request, answer)
