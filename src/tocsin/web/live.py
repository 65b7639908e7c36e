"""The live stream: what every incident's timeline gains, as server-sent events with `seq` as their id.

One pump per process reads the feed when something was committed and hands it to every open stream. A stream that was
interrupted resumes by `Last-Event-ID`; one whose reader is too slow ends, and resumes the same way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any, Final

import msgspec
import structlog
from fastapi import FastAPI, Header, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tocsin.store.contract import Recorded, Store, StoreUnavailable
from tocsin.web.api_incidents import REF
from tocsin.web.problems import Problem, invalid
from tocsin.web.views import feed_view

log = structlog.get_logger("tocsin.live")

HEARTBEAT_S: Final = 15.0
POLL_S: Final = 1.0
PAGE: Final = 500
BEHIND: Final = 2000
"""Events a reader may be behind before its stream ends."""
STREAMS: Final = 500

Item = tuple[int, str, bytes]
"""Seq, reference, and the frame as it goes over the wire."""
END: Final[Item] = (-1, "", b"")
STILL: Final[Item] = (-2, "", b": here\n\n")
"""The heartbeat: keeps proxies and readers from giving up."""


def frame(record: Recorded) -> Item:
    """An event as a frame of the stream."""
    data = msgspec.json.encode(feed_view(record))
    return record.seq, record.ref, b"id: %d\ndata: %s\n\n" % (record.seq, data)


class Feed:
    """The pump and everybody who listens. All of it runs on the server's event loop."""

    def __init__(self, store: Store) -> None:
        self._store = store
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
                self._after = records[-1].seq
                for record in records:
                    self._give(frame(record))
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

    async def stream(self, after: int | None, ref: str | None) -> AsyncIterator[bytes]:
        """Frames after `after` (None: from now on), of one incident or all, with a heartbeat."""
        queue: asyncio.Queue[Item] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            yield b"retry: 1000\n: tocsin\n\n"
            last = after if after is not None else await run_in_threadpool(self._store.last_seq)
            async for item in self._missed(last):
                last = item[0]
                if ref in (None, item[1]):
                    yield item[2]
            while not self._closed:
                seq, of, data = await _next(queue)
                if seq == END[0]:
                    return
                if seq == STILL[0] or (seq > last and ref in (None, of)):
                    yield data
        finally:
            self._listeners.discard(queue)

    async def _missed(self, after: int) -> AsyncIterator[Item]:
        """What was committed after `after`, up to now."""
        while records := await run_in_threadpool(self._store.feed, after, PAGE):
            for record in records:
                yield frame(record)
            after = records[-1].seq


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
    feed: Feed = request.app.state.feed
    if feed.full:
        raise Problem(503, "No further live stream can be opened now", headers={"Retry-After": "5"})
    begin = int(last) if last is not None else after
    headers: dict[str, Any] = {"X-Accel-Buffering": "no"}
    return StreamingResponse(feed.stream(begin, ref), media_type="text/event-stream", headers=headers)
