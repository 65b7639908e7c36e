"""Incidents over the API: declare, and every verb."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final

from fastapi import Body as JsonBody
from fastapi import Header, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tocsin.domain.blame import hints
from tocsin.domain.events import PostmortemPublished
from tocsin.engine.sitting import Answer
from tocsin.web import models as m
from tocsin.web import views
from tocsin.web.auth import caller_of, program_of
from tocsin.web.commands import carry_out, once
from tocsin.web.commands import declare as declare_now
from tocsin.web.readers import readable_after
from tocsin.web.stored import known_ref
from tocsin.web.verb import Asked, Verb
from tocsin.web.verbs import VERBS
from tocsin.web.verbs_duties import text_in_repository
from tocsin.wiring.program import Program

Key = Annotated[
    str | None, Header(alias="Idempotency-Key", description="makes a repeat of this request harmless")
]
Limit = Annotated[int, Query(ge=1, le=200, description="at most this many")]
After = Annotated[int, Query(ge=0, le=2**62, description="only what came after this seq")]


async def declare(request: Request, body: m.Declare, key: Key = None) -> Response:
    """Declare an incident; the first pages go out with it."""
    program, caller = program_of(request), caller_of(request)
    keys = once(caller, request.url.path, key, body)
    return await declared(request, await declare_now(program.engine.desk, caller.handle, body, keys))


async def declared(request: Request, answer: Answer) -> Response:
    """What was opened, with its address."""
    program = program_of(request)
    view = await run_in_threadpool(_answer_view, request, answer)
    return views.json_response({**view, "url": views.url_of(program, answer.ref)}, 201)


async def answered(request: Request, answer: Answer) -> Response:
    """What a command did, as an answer. Raises Problem 403 for whoever may not read the incident (any more)."""
    return views.json_response(await run_in_threadpool(_answer_view, request, answer))


def _answer_view(request: Request, answer: Answer) -> views.Json:
    program, state = program_of(request), readable_after(request, answer)
    return {
        "ref": answer.ref,
        "version": answer.version,
        "replayed": answer.replayed,
        "warnings": [*views.warnings_of(answer.events), *_hints(program, answer)],
        "events": [views.event_view(event) for event in answer.events],
        "incident": views.incident_view(program, state),
    }


def _hints(program: Program, answer: Answer) -> list[str]:
    """Words of a published postmortem to look at again: they stop nothing."""
    published = (e for e in answer.events if isinstance(e, PostmortemPublished) and e.checked)
    texts = (text_in_repository(program, e.where) for e in published)
    return [hint for text in texts if text is not None for hint in hints(text)]


def endpoint_of(name: str, verb: Verb) -> Callable[..., Coroutine[Any, Any, Response]]:
    """The endpoint of a verb. A body without required fields may be left out."""
    optional = not any(f.is_required() for f in verb.body.model_fields.values())

    async def endpoint(request: Request, ref: str, body: m.Body | None, key: str | None) -> Response:
        program, caller = program_of(request), caller_of(request)
        given = body if body is not None else verb.body()
        answer = await carry_out(verb, Asked(program, caller, known_ref(ref), given), key, request.url.path)
        return await answered(request, answer)

    one = inspect.Parameter.POSITIONAL_OR_KEYWORD
    wanted = verb.body | None if optional else verb.body
    endpoint.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # what FastAPI reads the body's shape from
        [
            inspect.Parameter("request", one, annotation=Request),
            inspect.Parameter("ref", one, annotation=str),
            inspect.Parameter("body", one, annotation=wanted, default=JsonBody(None if optional else ...)),
            inspect.Parameter("key", one, annotation=Key, default=None),
        ],
        return_annotation=Response,
    )
    endpoint.__name__ = name
    endpoint.__doc__ = verb.words
    return endpoint


VERB_ENDPOINTS: Final = {name: endpoint_of(name, verb) for name, verb in VERBS.items()}
