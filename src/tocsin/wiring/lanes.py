"""Lanes made of channels and documents: renders words and documents, and hands them over.

Words and documents are made when they are carried, from the state as it is then.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from tocsin.channels.port import Channel, Message
from tocsin.domain.context import Context
from tocsin.domain.delivery import Failure, Undelivered
from tocsin.domain.effects import DOCUMENTS_LANE, NOWHERE_LANE, SIREN_LANE, TICKETS_LANE, Send, Write
from tocsin.domain.incident import Incident
from tocsin.engine.live import Contexts
from tocsin.engine.ports import Carried, Lane
from tocsin.engine.words import words_for
from tocsin.handbook.documents import DocumentRefused, Documents, PostmortemRefused
from tocsin.handbook.postmortem import draft
from tocsin.store.contract import DocumentMemory, Recorded, Store, Taken
from tocsin.wiring.records import log_row, postmortem_facts

log = structlog.get_logger("tocsin.siren")

Carry = Callable[[Taken], Awaitable[Carried]]

DOCUMENT_WAITS_S = (1.0, 5.0, 15.0, 30.0, 60.0)
TIMELINE_LIMIT = 10_000


def _nobody_waits() -> None:
    return


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What carrying needs besides the effect; `contexts` is set once the engine exists."""

    store: Store
    contexts: Callable[[], Contexts]
    now: Callable[[], datetime]
    base_url: str
    documents: Callable[[], Documents | None]
    writing: threading.Lock = field(default_factory=threading.Lock)
    """Held while a document is written: one that outlived its time limit must not overtake the next one."""
    written: Callable[[], None] = _nobody_waits

    def subject_of(self, taken: Taken) -> tuple[Incident, Context]:
        """State and context of the incident. Raises Undelivered when it is gone."""
        state = self.store.incident(taken.ref)
        if state is None:
            raise Undelivered(Failure.PERMANENT, f"there is no incident {taken.ref}")
        return state, self.contexts().pinned(state.policy)


def lanes(around: Surroundings, channels: Mapping[str, Channel]) -> list[Lane]:
    """One lane per channel, documents one at a time, the siren, and the lane of people nobody can reach."""
    own = [
        Lane(DOCUMENTS_LANE, _documents_carry(around), slots=1, waits_s=DOCUMENT_WAITS_S, for_ever=True),
        Lane(TICKETS_LANE, _tickets_carry),
        Lane(SIREN_LANE, _siren_carry(around)),
        Lane(NOWHERE_LANE, _nowhere_carry),
    ]
    return [Lane(name, _channel_carry(name, channel, around)) for name, channel in channels.items()] + own


def _channel_carry(name: str, channel: Channel, around: Surroundings) -> Carry:
    async def carry(taken: Taken) -> Carried:
        send = taken.effect
        if not isinstance(send, Send):
            raise Undelivered(Failure.PERMANENT, f"a channel carries no {type(send).__name__}")
        message = await asyncio.to_thread(_message, name, send, taken, around)
        return Carried((await channel.send(message)).detail)

    return carry


def _message(name: str, send: Send, taken: Taken, around: Surroundings) -> Message:
    state, context = around.subject_of(taken)
    methods = context.directory.methods_of(send.person)
    address = next((m.address for m in methods if m.channel == name), None)
    if address is None:
        raise Undelivered(Failure.PERMANENT, f"{send.person} has no address on {name} any more")
    now = around.now()
    words = words_for(send, state, context, now)
    return Message(
        key=taken.key,
        to=address,
        person=send.person,
        subject=words.subject,
        text=words.text,
        ref=taken.ref,
        about=send.about,
        sent_at=now,
        urgent=send.urgent,
        links=(("Open the incident", f"{around.base_url}/i/{taken.ref}"),),
    )


async def _tickets_carry(taken: Taken) -> Carried:  # noqa: ARG001
    """Without a tracker nothing is owed."""
    return Carried("no ticket: none is configured")


async def _nowhere_carry(taken: Taken) -> Carried:
    person = taken.effect.person if isinstance(taken.effect, Send) else "nobody"
    raise Undelivered(Failure.PERMANENT, f"{person} has no contact method")


def _siren_carry(around: Surroundings) -> Carry:
    async def carry(taken: Taken) -> Carried:
        """The path that needs no channel: the log at CRITICAL, and `alarmz` red until somebody answers."""
        note = taken.effect.note if isinstance(taken.effect, Send) else ""
        log.critical("nobody can be reached", ref=taken.ref, reason=note)
        reason = f"{taken.ref}: nobody can be reached"
        await asyncio.to_thread(around.store.raise_alarm, f"dead-end:{taken.ref}", reason, around.now())
        return Carried("alarm raised")

    return carry


def _documents_carry(around: Surroundings) -> Carry:
    def write(taken: Taken) -> Carried:
        with around.writing:
            carried = _write(taken, around)
        around.written()
        return carried

    async def carry(taken: Taken) -> Carried:
        return await asyncio.to_thread(write, taken)

    return carry


def _write(taken: Taken, around: Surroundings) -> Carried:
    effect, documents = taken.effect, around.documents()
    if not isinstance(effect, Write):
        raise Undelivered(Failure.PERMANENT, f"not a document: {type(effect).__name__}")
    if documents is None:
        raise Undelivered(Failure.RETRY, "there is no handbook folder to write into")
    state, context = around.subject_of(taken)
    timeline = around.store.timeline(taken.ref, limit=TIMELINE_LIMIT)
    write = _write_log if effect.document == "log" else _write_postmortem
    path = documents.log_path if effect.document == "log" else documents.postmortem_path(taken.ref)
    alarm = f"document:{effect.document}:{taken.ref}"
    try:
        carried = write(taken.ref, state, context, timeline, documents, around)
    except (DocumentRefused, OSError) as refused:
        reason = refused.reason if isinstance(refused, DocumentRefused) else str(refused.strerror)
        around.store.raise_alarm(alarm, f"{taken.ref}: {path} cannot be written: {reason}", around.now())
        raise Undelivered(Failure.RETRY, reason, path=path) from refused
    around.store.clear_alarm(alarm)
    return carried


def _write_log(
    ref: str,
    state: Incident,
    context: Context,
    timeline: list[Recorded],
    documents: Documents,
    around: Surroundings,
) -> Carried:
    owed = context.severity(state.level).postmortem is not None and state.resolved_at is not None
    row = log_row(state, context, timeline, documents.postmortem_link(ref) if owed else None)
    known = around.store.document(ref, "log")
    last, _, header = known.content.partition("\n") if known else ("", "", "")
    written = documents.write_log(row, last or None, header or None)
    content = f"{written.row}\n{written.header}"
    return Carried(written.path, DocumentMemory(ref, "log", written.path, content), content[:80])


def _write_postmortem(
    ref: str,
    state: Incident,
    context: Context,
    timeline: list[Recorded],
    documents: Documents,
    around: Surroundings,
) -> Carried:
    stored = around.store.policy(state.policy)
    text = draft(postmortem_facts(state, context, timeline, stored.commit if stored else None))
    known = around.store.document(ref, "postmortem")
    try:
        written = documents.write_postmortem(ref, text, known.content if known else None)
    except PostmortemRefused:
        if not state.postmortem_published:
            raise
        return Carried("published: the draft is not needed any more")
    digest = written.hash or ""
    return Carried(written.path, DocumentMemory(ref, "postmortem", written.path, digest), digest)
