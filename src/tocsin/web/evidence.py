"""Files kept as evidence: taken in while they come, stored once by their hash, given back as a download only.

Whatever is in them, it is never run and never shown inside a page of ours: a download carries no type but bytes, and
a sandbox around it.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import unicodedata
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import Query
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from tocsin.domain import crew, response
from tocsin.domain import events as ev
from tocsin.domain.context import Refused
from tocsin.engine.sitting import Answer
from tocsin.store.contract import EVIDENCE_LIMIT
from tocsin.web import models as m
from tocsin.web.api_incidents import Key, answered
from tocsin.web.auth import Caller, caller_of, program_of
from tocsin.web.commands import carry_out
from tocsin.web.models_work import Evidence
from tocsin.web.problems import Problem
from tocsin.web.readers import readable
from tocsin.web.stored import records_of, state_of
from tocsin.web.verb import Asked, refuse_stranger
from tocsin.web.verbs_work import EVIDENCE
from tocsin.wiring.program import Program

NAME_LIMIT: Final = 150
AT_ONCE: Final = 2
WITHIN_S: Final = 120.0
BYTES: Final = "application/octet-stream"
_TYPE: Final = re.compile(r"[A-Za-z0-9][\w.+-]{0,60}/[A-Za-z0-9][\w.+-]{0,60}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_UNSAFE: Final = re.compile(r"[^\w. ()+-]")
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}


async def keep(
    request: Request,
    ref: str,
    name: Annotated[m.Line, Query(min_length=1, description="what the file is called")],
    note: Annotated[m.Prose, Query(description="what it shows")] = "",
    key: Key = None,
) -> Response:
    """Keep a file as evidence: the body is the file itself, at most 20 MB."""
    program, caller = program_of(request), caller_of(request)
    await run_in_threadpool(_may_keep, program, caller, ref)
    kind = request.headers.get("content-type", "")
    with taking_in(request):
        async with in_time():
            body = await _received(request)
        answer = await _kept(program, caller, ref, body, (name, note, kind), key, request.url.path)
    return await answered(request, answer)


async def may_send(request: Request, ref: str) -> None:
    """Before a form with a file is read. Raises UnknownIncident, and Refused for whoever may not read the incident."""
    program, handle = program_of(request), caller_of(request).handle
    await run_in_threadpool(lambda: refuse_stranger(state_of(program, ref), handle))


async def keep_sent(request: Request, ref: str, sent: UploadFile, note: str, key: str | None) -> Answer:
    """Keep a file that came with a form. Raises as `keep`."""
    program, caller = program_of(request), caller_of(request)
    await run_in_threadpool(_may_keep, program, caller, ref)
    body = await sent.read(EVIDENCE_LIMIT + 1)
    about = (shown_name(sent.filename or ""), note, sent.content_type or "")
    return await _kept(program, caller, ref, body, about, key, request.url.path)


def _may_keep(program: Program, caller: Caller, ref: str) -> None:
    """Before anything is read or stored: whether a file would be taken at all.

    Raises UnknownIncident; Refused for strangers to a restricted incident, for whoever shadows, and where it is over.
    """
    state = state_of(program, ref)
    refuse_stranger(state, caller.handle)
    crew.refuse_shadow(state, caller.handle)
    context = program.engine.contexts.pinned(state.policy)
    any_file = partial(response.evidence, digest="0" * 64, size=1, name="any", media_type=BYTES)
    any_file(state, context, program.clock.now(), by=caller.handle)


@dataclass(slots=True)
class Uploads:
    """How many files are being taken in: each is held in memory until it is stored. Used on the event loop alone."""

    now: int = 0


@contextmanager
def taking_in(request: Request) -> Iterator[None]:
    """Take in one file. Raises Problem 503 while others are."""
    uploads: Uploads = request.app.state.uploads
    if uploads.now >= AT_ONCE:
        raise Problem(
            503,
            f"{AT_ONCE} files are being taken in already; nothing was kept",
            possible="send it again in a few seconds",
            headers={"Retry-After": "5"},
        )
    uploads.now += 1
    try:
        yield
    finally:
        uploads.now -= 1


@asynccontextmanager
async def in_time() -> AsyncIterator[None]:
    """Receive a file: whoever sends it slowly keeps others out. Raises Problem 408."""
    try:
        async with asyncio.timeout(WITHIN_S):
            yield
    except TimeoutError:
        raise Problem(
            408,
            f"The file did not come within {WITHIN_S:g} s; nothing was kept",
            possible="send it again over a better line, or keep it elsewhere and note the place",
        ) from None


async def _received(request: Request) -> bytes:
    """The body, read only as far as it may go. Raises Problem 413."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > EVIDENCE_LIMIT:
            raise _too_large()
    return bytes(body)


def _too_large() -> Problem:
    return Problem(
        413,
        f"The file is larger than {EVIDENCE_LIMIT // 1024**2} MB; nothing was kept",
        possible="keep it where your team keeps large files, and note the place",
    )


async def _kept(
    program: Program,
    caller: Caller,
    ref: str,
    body: bytes,
    about: tuple[str, str, str],
    key: str | None,
    path: str,
) -> Answer:
    """Store the bytes first, then the fact that names them: a fact without its file must not be."""
    if not body:
        raise Refused("the file is empty", "send the file itself as the body")
    if len(body) > EVIDENCE_LIMIT:
        raise _too_large()
    name, note, said = about
    media_type = said.split(";", 1)[0].strip().lower()
    media_type = media_type if _TYPE.fullmatch(media_type) else BYTES
    digest = await run_in_threadpool(lambda: hashlib.sha256(body).hexdigest())
    fact = Evidence(digest=digest, size=len(body), media_type=media_type, name=shown_name(name), note=note)
    await run_in_threadpool(program.store.keep_evidence, digest, body, media_type, program.clock.now())
    return await carry_out(EVIDENCE, Asked(program, caller, ref, fact), key, path)


def shown_name(name: str) -> str:
    """The last part of a file's name, without what could be taken for a path, a control or a direction."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    safe = _UNSAFE.sub("_", last).strip(" .")
    stem, dot, ending = safe.rpartition(".")
    if len(safe) > NAME_LIMIT and dot and len(ending) < NAME_LIMIT // 4:
        safe = f"{stem[: NAME_LIMIT - len(ending) - 1]}.{ending}"
    return safe[:NAME_LIMIT] or "evidence"


def download(request: Request, ref: str, digest: str) -> Response:
    """A kept file of this incident, as a download."""
    program = program_of(request)
    readable(request, ref)
    known = [
        record.event
        for record in records_of(program, ref)
        if isinstance(record.event, ev.EvidenceAdded) and record.event.digest == digest
    ]
    found = program.store.evidence(digest) if known and _DIGEST.fullmatch(digest) else None
    if found is None:
        raise Problem(404, f"There is no such file in {ref}", possible="its timeline names every file")
    name = disposition(known[-1].name)
    return Response(found[1], media_type=BYTES, headers={**HEADERS, "Content-Disposition": name})


def disposition(name: str) -> str:
    """The header that saves a file under its name instead of showing it."""
    safe = shown_name(name)
    plain = safe.encode("ascii", "replace").decode().replace("?", "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(safe, safe='')}"
