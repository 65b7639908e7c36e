"""The desk: the only write path of incident streams. Jobs queue here, are decided in batches and written in bulk.

People's commands come first, then ticks, then intake; a batch is at most 256 jobs or 5 ms of deciding, so that nobody
waits behind a storm. A job's `received_at` is stamped when it is queued, and clocks are judged by it (design rule 3).
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum

import structlog

from tocsin.domain.context import Refused
from tocsin.engine.clock import Clock
from tocsin.engine.live import Contexts
from tocsin.engine.sitting import Answer, Decision, P, Sitting, UnknownIncident
from tocsin.store.contract import ClaimTaken, Commit, Store, StoreUnavailable, VersionConflict

log = structlog.get_logger("tocsin.desk")

BATCH_JOBS = 256
BATCH_SECONDS = 0.005
CONFLICT_TRIES = 20
TRIAL_BYTES = 64 * 1024
Result = Answer | Refused | UnknownIncident


BEFORE_TIME = datetime.min.replace(tzinfo=UTC)


class Rank(IntEnum):
    """Who goes first."""

    PERSON = 0
    TICK = 1
    INTAKE = 2


class Busy(Exception):
    """The desk is shutting down or its queue is full; nothing was done, ask again."""


@dataclass(slots=True)
class Job:
    """Something to decide: `run` works on the sitting, as of the instant the job was queued.

    The rest says what to load before and whom to answer.
    """

    run: Callable[[Sitting, datetime], Answer]
    rank: Rank = Rank.PERSON
    refs: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    alerts: tuple[tuple[str, str], ...] = ()
    key: str | None = None
    """Idempotency key: a second job with it gets the first one's answer."""
    future: Future[Answer] = field(default_factory=Future)
    received_at: datetime = BEFORE_TIME
    order: int = 0


class Desk:
    """Decides and writes. Thread-safe; runs in a thread of its own, or inline by `drain` (tests, drills)."""

    def __init__(self, store: Store, clock: Clock, contexts: Contexts, *, most_waiting: int = 20_000) -> None:
        self.store = store
        self.clock = clock
        self.contexts = contexts
        self._most = most_waiting
        self._queue: list[tuple[int, int, Job]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self.unwritten: str | None = None
        """Why a write failed; None since a trial as large as any command succeeded."""
        self.on_lanes: Callable[[set[str]], None] = lambda _: None
        self.on_due: Callable[[datetime], None] = lambda _: None

    @property
    def waiting(self) -> int:
        """How many jobs wait to be decided."""
        return len(self._queue)

    def submit(self, ref: str, decision: Decision[P], /, *args: P.args, **kwargs: P.kwargs) -> Future[Answer]:
        """Queue a person's command for one incident. The decision gets state, context and received_at."""
        return self.submit_once(None, ref, decision, *args, **kwargs)

    def submit_once(
        self, key: str | None, ref: str, decision: Decision[P], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[Answer]:
        """The same under an idempotency key: a repeat gets the first answer and changes nothing."""
        return self.put(
            Job(lambda sitting, at: sitting.decide(ref, at, decision, *args, **kwargs), refs=(ref,), key=key)
        )

    def put(self, job: Job) -> Future[Answer]:
        """Queue any job. Raises Busy when the desk stops or too much is waiting."""
        with self._changed:
            if self._stopping:
                raise Busy("tocsin is shutting down")
            if len(self._queue) >= self._most and job.rank == Rank.INTAKE:
                raise Busy("too much is waiting")
            # Stamped under the lock: no tick that comes later can be decided for an earlier instant.
            job.received_at = self.clock.now()
            job.order = next(self._order)
            # From here on nobody can cancel it: the caller may go away, the command is decided all the same.
            job.future.set_running_or_notify_cancel()
            heapq.heappush(self._queue, (job.rank, job.order, job))
            self._changed.notify()
        return job.future

    def start(self) -> None:
        """Run in a thread until `stop`."""
        self._thread = threading.Thread(target=self._run, name="desk", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Decide what is queued, then end. New jobs are turned away as Busy."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._stopping:
                    self._changed.wait()
                if not self._queue:
                    return
            self.sit()

    def drain(self) -> None:
        """Decide everything that is queued, in this thread."""
        while self._queue:
            self.sit()

    def sit(self) -> None:
        """Decide and write one batch."""
        with self._changed:
            count = min(BATCH_JOBS, len(self._queue))
            jobs = [heapq.heappop(self._queue)[2] for _ in range(count)]
        if jobs:
            self._settle(jobs)

    def _put_back(self, jobs: list[Job]) -> None:
        with self._changed:
            for job in jobs:
                heapq.heappush(self._queue, (job.rank, job.order, job))

    def _settle(self, jobs: list[Job]) -> None:
        """Answer the jobs; those that time does not allow go back into the queue."""
        for _ in range(CONFLICT_TRIES):
            try:
                results, sitting, commit = self._attempt(jobs)
            except (VersionConflict, ClaimTaken) as conflict:
                log.debug("decided again", reason=str(conflict))
            except StoreUnavailable as down:
                self.unwritten = str(down)
                return _fail(jobs, down)
            except Exception as error:  # one job of the batch is at fault: find it, the others stand
                if len(jobs) == 1:
                    log.exception("a job failed", refs=jobs[0].refs)
                    return _fail(jobs, error)
                middle = len(jobs) // 2
                self._settle(jobs[:middle])
                return self._settle(jobs[middle:])
            else:
                # Outside of the `try`: it is written, whatever happens now must not decide it a second time.
                self._put_back(jobs[len(results) :])
                return self._tell(results, sitting, commit)
        return _fail(jobs, Busy("the incident changes too fast; ask again"))

    def _attempt(self, jobs: list[Job]) -> tuple[list[tuple[Job, Result]], Sitting, Commit]:
        """Decide and write, as many jobs as time allows."""
        results: list[tuple[Job, Result]] = []
        with self.store.begin() as batch:
            sitting = Sitting(batch, self.contexts, self.clock.now())
            sitting.hold(batch.load(sorted({r for job in jobs for r in job.refs})))
            sitting.tail = batch.reserve(
                [c for job in jobs for c in job.claims],
                [a for job in jobs for a in job.alerts],
                [job.key for job in jobs if job.key],
            )
            until = time.perf_counter() + BATCH_SECONDS
            for job in jobs:
                results.append((job, _decide(job, sitting)))
                if time.perf_counter() > until:
                    break
            commit = sitting.commit()
            batch.write(commit)
        return results, sitting, commit

    def _tell(self, results: Iterable[tuple[Job, Result]], sitting: Sitting, commit: Commit) -> None:
        """The batch is written: answer, hint, and raise what was found on the way."""
        if any(job.run is _trial for job, _ in results):
            # Nothing smaller proves it: in a full database a few small writes still find room.
            self.unwritten = None
        for job, result in results:
            if isinstance(result, Answer):
                job.future.set_result(result)
            else:
                job.future.set_exception(result)
        if sitting.lanes:
            self.on_lanes(sitting.lanes)
        due = min((write.next_due for write in commit.streams if write.next_due), default=None)
        if due is not None:
            self.on_due(due)
        for key, reason in sitting.alarms:
            self.alarm(key, reason)

    def alarm(self, key: str, reason: str) -> None:
        """Raise an alarm, as well as the database allows; it is logged in any case."""
        log.error("alarm", alarm=reason)
        try:
            self.store.raise_alarm(key, reason, self.clock.now())
        except StoreUnavailable as down:
            log.critical("cannot store the alarm", alarm=reason, reason=str(down))

    def try_to_write(self) -> None:
        """Queue a write that means nothing, to learn whether the database takes one again. Raises Busy."""
        self.put(Job(_trial, rank=Rank.TICK))

    def alive(self) -> bool:
        """Whether jobs are being decided."""
        return self._thread is not None and self._thread.is_alive()


def _trial(sitting: Sitting, at: datetime) -> Answer:
    """An answer that nobody asks for: large enough that a full database refuses it, forgotten like any other."""
    sitting.answers.append((f"trial/{at.isoformat()}", bytes(TRIAL_BYTES)))
    return Answer("", 0)


def _decide(job: Job, sitting: Sitting) -> Result:
    if job.key is not None:
        known = sitting.tail.answers.get(job.key) or dict(sitting.answers).get(job.key)
        if known is not None:
            ref, _, version = known.decode().partition(" ")
            return Answer(ref, int(version), replayed=True)
    try:
        answer = job.run(sitting, job.received_at)
    except (Refused, UnknownIncident) as refused:
        return refused
    if job.key is not None:
        sitting.answers.append((job.key, f"{answer.ref} {answer.version}".encode()))
    return answer


def _fail(jobs: list[Job], error: Exception) -> None:
    for job in jobs:
        job.future.set_exception(error)
