"""Documents carried out: log rows, rows of checks and restores, postmortem drafts.

Each is rendered from the state as it is when it is written. What is refused stays owed, and is an alarm that names the
file; a draft that a person went on with is theirs, and no alarm.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tocsin.domain.context import Context
from tocsin.domain.delivery import Failure, Undelivered
from tocsin.domain.effects import Write
from tocsin.domain.incident import Incident
from tocsin.engine.ports import Carried
from tocsin.handbook.documents import DocumentRefused, Documents, PostmortemRefused, Written
from tocsin.handbook.postmortem import draft
from tocsin.store.contract import DocumentMemory, Recorded, Taken
from tocsin.wiring.records import log_row, postmortem_facts, restore_log_row, shortfalls
from tocsin.wiring.surroundings import Surroundings


@dataclass(frozen=True, slots=True)
class _Job:
    """One document of one incident, with all that it is rendered from."""

    document: str
    state: Incident
    context: Context
    timeline: list[Recorded]
    documents: Documents
    around: Surroundings

    @property
    def ref(self) -> str:
        return self.state.ref

    @property
    def path(self) -> str:
        is_draft = self.document == "postmortem"
        return self.documents.postmortem_path(self.ref) if is_draft else self.documents.log_path

    def missed(self, *, clocks: bool) -> tuple[str, ...]:
        return shortfalls(self.state, self.context, self.timeline, self.around.now(), clocks=clocks)


def documents_carry(around: Surroundings) -> Callable[[Taken], Awaitable[Carried]]:
    """Writes one document at a time."""

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
    job = _Job(effect.document, state, context, around.timeline_of(taken), documents, around)
    kind = effect.document.partition("-")[0]
    write = {"log": _write_log, "postmortem": _write_postmortem}.get(kind, _write_restore)
    alarm = f"document:{effect.document}:{taken.ref}"
    try:
        carried = write(job)
    except (DocumentRefused, OSError) as refused:
        reason = refused.reason if isinstance(refused, DocumentRefused) else str(refused.strerror)
        around.store.raise_alarm(alarm, f"{taken.ref}: {job.path} cannot be written: {reason}", around.now())
        raise Undelivered(Failure.RETRY, reason, path=job.path) from refused
    around.store.clear_alarm(alarm)
    return carried


def _write_log(job: _Job) -> Carried:
    state, context, documents = job.state, job.context, job.documents
    draft_owed = context.severity(state.level).postmortem is not None and state.resolved_at is not None
    link = documents.postmortem_link(job.ref) if draft_owed and state.room.restriction is None else None
    text = documents.postmortem_text(job.ref) if link else None
    row = log_row(state, context, job.timeline, link, job.missed(clocks=True), text)
    return _row_written(job, documents.write_log(row, *_known(job)))


def _write_restore(job: _Job) -> Carried:
    row = restore_log_row(job.state, job.context, job.timeline, job.document)
    if row is None:
        raise Undelivered(Failure.PERMANENT, f"{job.ref} has no {job.document}")
    return _row_written(job, job.documents.write_restore(row, *_known(job)))


def _known(job: _Job) -> tuple[str | None, str | None]:
    """The row as it was written last, and the header above it."""
    known = job.around.store.document(job.ref, job.document)
    row, _, header = known.content.partition("\n") if known else ("", "", "")
    return row or None, header or None


def _row_written(job: _Job, written: Written) -> Carried:
    content = f"{written.row}\n{written.header}"
    return Carried(written.path, DocumentMemory(job.ref, job.document, written.path, content), content[:80])


def _write_postmortem(job: _Job) -> Carried:
    state, store = job.state, job.around.store
    if state.room.restriction is not None:
        return Carried("restricted: no draft is put where everybody reads it")
    stored = store.policy(state.policy)
    missed = job.missed(clocks=False)
    facts = postmortem_facts(state, job.context, job.timeline, stored.commit if stored else None, missed)
    known = store.document(job.ref, "postmortem")
    try:
        written = job.documents.write_postmortem(job.ref, draft(facts), known.content if known else None)
    except PostmortemRefused as refused:
        if refused.rule != "edited-by-hand" and not state.postmortem_published:
            raise
        return Carried("people went on with it: the draft is theirs")
    digest = written.hash or ""
    return Carried(written.path, DocumentMemory(job.ref, "postmortem", written.path, digest), digest)
