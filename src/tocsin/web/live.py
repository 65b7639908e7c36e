"""The live stream: what every incident's timeline gains, as server-sent events with `seq` as their id.

One pump per process reads the feed when something was committed and hands it to every open stream. A stream that was
interrupted resumes by `Last-Event-ID`; one whose reader is too slow ends, and resumes the same way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any, Final, NamedTuple

import msgspec
import structlog
from fastapi import FastAPI, Header, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tocsin.domain import events as ev
from tocsin.domain.incident import Incident
from tocsin.domain.restricted import may_read
from tocsin.store.contract import Recorded, Store, StoreUnavailable, UnknownEvent
from tocsin.web.auth import caller_of, program_of
from tocsin.web.problems import Problem, invalid
from tocsin.web.readers import readable
from tocsin.web.stored import REF
from tocsin.web.views import feed_view

log = structlog.get_logger("tocsin.live")

HEARTBEAT_S: Final = 15.0
POLL_S: Final = 1.0
PAGE: Final = 500
BEHIND: Final = 2000
"""Events a reader may be behind before its stream ends."""
STREAMS: Final = 500
KNOWN: Final = 10_000

WITHHELD: Final = {"version": 0, "kind": "Withheld", "by": "tocsin", "text": "restricted", "show": "machine"}


class Item(NamedTuple):
    """An event as it goes over the wire. `restricted`: the state that says who may read it, where not everybody may."""

    seq: int
    ref: str
    data: bytes
    restricted: Incident | None = None
    hidden: bytes = b""
    """What everybody else gets instead."""


END: Final = Item(-1, "", b"")
STILL: Final = Item(-2, "", b": here\n\n")
"""The heartbeat: keeps proxies and readers from giving up."""


def frame(record: Recorded, restricted: Incident | None = None) -> Item:
    """An event as a frame of the stream."""
    hidden = b""
    if restricted is not None:
        bare = {
            "ref": record.ref,
            "seq": record.seq,
            "at": record.recorded_at,
            "recorded_at": record.recorded_at,
        }
        hidden = _framed(record.seq, {**bare, **WITHHELD})
    return Item(record.seq, record.ref, _framed(record.seq, feed_view(record)), restricted, hidden)


def _framed(seq: int, view: dict[str, Any]) -> bytes:
    return b"id: %d\ndata: %s\n\n" % (seq, msgspec.json.encode(view))


class Restrictions:
    """Which incidents are restricted, as far as the pump has seen: asked of the store once for each."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._open: set[str] = set()

    def frames(self, records: list[Recorded]) -> list[Item]:
        """The events as frames; those of a restricted incident carry its state as it is now."""
        return [frame(record, self._restricted(record)) for record in records]

    def _restricted(self, record: Recorded) -> Incident | None:
        if isinstance(record.event, ev.Restricted):
            self._open.discard(record.ref)
        if record.ref in self._open:
            return None
        try:
            state = self._store.incident(record.ref)
        except UnknownEvent:
            return None
        if state is not None and state.room.restriction is not None:
            return state
        if len(self._open) >= KNOWN:
            self._open.clear()
        self._open.add(record.ref)
        return None

    def forget(self) -> None:
        """Events were passed over unseen."""
        self._open.clear()


class Feed:
    """The pump and everybody who listens. All of it runs on the server's event loop."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._restrictions = Restrictions(store)
        self._changed = asyncio.Event()
        self._listeners: set[asyncio.Queue[Item]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._after = 0
        self._closed = False

    async def run(self) -> None:
        """Read and hand out until `close`."""
        self._loop = asyncio.get_running_loop()
        self._after = await run_in_threadpool(self._store.last_seq)
        self._store.listen(self._hint)
        while not self._closed:
            try:
                async with asyncio.timeout(POLL_S):
                    await self._changed.wait()
            except TimeoutError:
                pass
            self._changed.clear()
            await (self._hand_out() if self._listeners else self._skip())

    async def _skip(self) -> None:
        """Nobody listens: begin at the end when somebody does."""
        try:
            seq = await run_in_threadpool(self._store.last_seq)
        except StoreUnavailable as down:
            log.warning("cannot read the feed", reason=str(down))
            return
        self._restrictions.forget()
        if not self._listeners:
            self._after = seq

    def _hint(self) -> None:
        """Called on whatever thread committed."""
        self._soon(self._changed.set)

    def _soon(self, step: Callable[[], None]) -> None:
        """Do it in the loop, unless that has ended; never raises, since a commit must not fail by it."""
        if self._loop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(step)

    async def _hand_out(self) -> None:
        try:
            while records := await run_in_threadpool(self._store.feed, self._after, PAGE):
                for item in await run_in_threadpool(self._restrictions.frames, records):
                    self._give(item)
                self._after = records[-1].seq
        except StoreUnavailable as down:
            log.warning("cannot read the feed", reason=str(down))

    def _give(self, item: Item) -> None:
        for listener in tuple(self._listeners):
            if listener.qsize() < BEHIND:
                listener.put_nowait(item)
            else:
                self._listeners.discard(listener)
                listener.put_nowait(END)

    def close(self) -> None:
        """End every stream now: the server is about to stop. Safe from any thread."""
        self._closed = True
        self._soon(self._end_all)

    def _end_all(self) -> None:
        self._changed.set()
        for listener in self._listeners:
            listener.put_nowait(END)
        self._listeners.clear()

    @property
    def full(self) -> bool:
        """Whether no further stream can be opened."""
        return self._closed or len(self._listeners) >= STREAMS

    async def stream(self, after: int | None, ref: str | None, person: str) -> AsyncIterator[bytes]:
        """Frames after `after` (None: from now on), of one incident or all, with a heartbeat.

        What a restricted incident's events say is for its readers, in the stream of that very incident.
        """
        queue: asyncio.Queue[Item] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            yield b"retry: 1000\n: tocsin\n\n"
            last = after if after is not None else await run_in_threadpool(self._store.last_seq)
            async for item in self._missed(last):
                last = item.seq
                if ref in (None, item.ref):
                    yield seen_by(item, ref, person)
            while not self._closed:
                item = await _next(queue)
                if item.seq == END.seq:
                    return
                if item.seq == STILL.seq or (item.seq > last and ref in (None, item.ref)):
                    yield seen_by(item, ref, person)
        finally:
            self._listeners.discard(queue)

    async def _missed(self, after: int) -> AsyncIterator[Item]:
        """What was committed after `after`, up to now."""
        while records := await run_in_threadpool(self._store.feed, after, PAGE):
            for item in await run_in_threadpool(Restrictions(self._store).frames, records):
                yield item
            after = records[-1].seq


def seen_by(item: Item, ref: str | None, person: str) -> bytes:
    """The frame, or that something happened that this reader may not see."""
    if item.restricted is None or (ref is not None and may_read(item.restricted, person)):
        return item.data
    return item.hidden


async def _next(queue: asyncio.Queue[Item]) -> Item:
    """The next event, or a heartbeat when none came for a while."""
    try:
        async with asyncio.timeout(HEARTBEAT_S):
            return await queue.get()
    except TimeoutError:
        return STILL


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Run the feed while the application runs."""
    feed: Feed = app.state.feed
    pump = asyncio.create_task(feed.run())
    try:
        yield
    finally:
        feed.close()
        await asyncio.wait({pump}, timeout=2 * POLL_S)
        pump.cancel()


def events(
    request: Request,
    ref: Annotated[str | None, Query(description="events of one incident only")] = None,
    after: Annotated[int | None, Query(ge=0, le=2**62, description="resume after this seq")] = None,
    last: Annotated[str | None, Header(alias="Last-Event-ID", description="resume after this seq")] = None,
) -> Response:
    """Everything that happens, live, as server-sent events; the id of an event is its seq."""
    if ref is not None and not REF.fullmatch(ref):
        raise invalid("ref", "a reference is written INC-2026-0007")
    if last is not None and not (last.isascii() and last.isdigit() and len(last) < 19):
        raise invalid("Last-Event-ID", "the id of an event of this stream")
    if ref is not None and program_of(request).store.incident(ref) is not None:
        readable(request, ref)
    feed: Feed = request.app.state.feed
    if feed.full:
        raise Problem(503, "No further live stream can be opened now", headers={"Retry-After": "5"})
    begin = int(last) if last is not None else after
    headers: dict[str, Any] = {"X-Accel-Buffering": "no"}
    frames = feed.stream(begin, ref, caller_of(request).handle)
    return StreamingResponse(frames, media_type="text/event-stream", headers=headers)
