"""Keeps the repository up with what was written: a thread that commits and pushes, woken by writes.

It keeps nothing of its own: what is owed is read from git, each minute and after each write. What cannot be done is an
alarm (`commit`, `push`) and is tried again for ever; nobody waits for it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

import structlog

from tocsin.handbook.documents import DocumentRefused
from tocsin.store.contract import Store, StoreUnavailable
from tocsin.wiring.git import Git, GitFailed
from tocsin.wiring.keeper import Keeper
from tocsin.wiring.kept_rows import KeptRows, refuse_other_branch
from tocsin.wiring.own_files import Held, OwnFiles, Place
from tocsin.wiring.publish import Publisher

log = structlog.get_logger("tocsin.repository")

EVERY_S = 60.0
ECHOES_S = (0.2, 1.0, 3.0)
"""Pauses after a write: what was written is recorded a moment later, and is tocsin's only then."""
WAITS_S = (2.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0)
"""Pauses after rounds that failed; the last one for ever."""
UNEXPECTED = (LookupError, OSError, ValueError)
"""What a disk, a row of a newer program or a version nobody thought of may end a round with: the next one goes on."""
COMMIT, PUSH, ROWS = "commit", "push", "rows"
"""Keys of the alarms."""
_SAID = {
    COMMIT: "tocsin's changes are not committed",
    PUSH: "tocsin's commits are not pushed",
    ROWS: "rows of the log are lost",
}


class Repository(Keeper):
    """Commits and, where `push` is set, pushes. `waits` says why nothing may leave here, or None."""

    def __init__(
        self,
        store: Store,
        place: Callable[[], Place | None],
        now: Callable[[], datetime],
        *,
        commit: bool,
        push: bool,
        writing: AbstractContextManager[object],
        waits: Callable[[], str | None],
    ) -> None:
        super().__init__("repository")
        self._store = store
        self._place = place
        self._now = now
        self._commit = commit
        self._push = push
        self._kept = KeptRows(writing, anywhere=not commit)
        self._writing = writing
        self._waits = waits
        self._git: Git | None = None
        self._failures: dict[str, int] = {}

    def stop(self) -> None:
        """End; what is under way is ended too, and done again at the next start."""
        self.stopping.set()
        git = self._git
        if git is not None:
            git.stop()
        super().stop()

    def abandoned(self) -> None:
        """Raise the alarm."""
        self._alarm(COMMIT, "nothing is committed or pushed any more: start tocsin again")

    def rounds(self) -> None:
        """Look at once what an earlier run may have left, then after each write."""
        failed, echoes = 0, list(ECHOES_S)
        while not self.stopping.is_set():
            try:
                failed = 0 if self._isolated() else failed + 1
            except StoreUnavailable as down:
                log.warning("cannot look at the repository", reason=str(down))
                failed += 1
            pause = WAITS_S[min(failed, len(WAITS_S)) - 1] if failed else EVERY_S
            if self.wanted.wait(echoes.pop(0) if echoes else pause):
                self.wanted.clear()
                echoes = list(ECHOES_S)

    def _isolated(self) -> bool:
        """A round; what ends it unexpectedly is an alarm. Raises StoreUnavailable."""
        try:
            return self.round()
        except UNEXPECTED as error:
            log.exception("repository")
            return self._alarm(COMMIT, f"not everything is committed: {explained(error)}")

    def round(self) -> bool:
        """Commit and push what is owed; whether nothing is left. Raises StoreUnavailable."""
        place = self._place()
        if place is None or self._waits() is not None:
            return True
        try:
            git, own = self._tree(place)
        except (Held, GitFailed) as failed:
            if self.stopping.is_set() or not self._commit:
                return True  # a folder that git does not know: nothing gets lost with a branch there
            return self._alarm(COMMIT, f"nothing is committed: {failed.reason}")
        publisher = Publisher(git, own, self._writing)
        if not self._commit:
            return self._attempt(ROWS, lambda: self._put_back(place, git, own, publisher))
        committed = self._attempt(COMMIT, lambda: self._bring(place, git, own, publisher))
        # What is committed already goes out even if the next commit has to wait.
        return (not self._push or self._attempt(PUSH, lambda: self._send(git, publisher))) and committed

    def _bring(self, place: Place, git: Git, own: OwnFiles, publisher: Publisher) -> None:
        refuse_other_branch(git, publisher.checked_out())
        self._put_back(place, git, own, publisher)
        publisher.commit()

    def _send(self, git: Git, publisher: Publisher) -> None:
        refuse_other_branch(git, publisher.checked_out())
        publisher.push()

    def _put_back(self, place: Place, git: Git, own: OwnFiles, publisher: Publisher) -> None:
        if place.documents is None or publisher.under_way():
            return
        try:
            self._kept.put_back(git, own, place.documents)
        except DocumentRefused as refused:
            raise Held(f"a row is not in the log any more: {refused.reason}") from None

    def _tree(self, place: Place) -> tuple[Git, OwnFiles]:
        """Raises Held, GitFailed."""
        folder = (place.root / place.log).parent
        while not folder.is_dir():
            folder = folder.parent
        top = Path(self._git_in(folder)("rev-parse", "--show-toplevel")).resolve()
        return self._git_in(top), OwnFiles(self._store, place, top)

    def _git_in(self, folder: Path) -> Git:
        self._git = git = Git(folder)
        if self.stopping.is_set():
            git.stop()
        return git

    def _attempt(self, key: str, work: Callable[[], object]) -> bool:
        try:
            work()
        except (Held, GitFailed) as failed:
            if self.stopping.is_set():
                return True
            self._failures[key] = self._failures.get(key, 0) + 1
            if isinstance(failed, GitFailed) and self._failures[key] == 1:
                # Somebody may hold the index just now, or the network hiccuped: the next try is seconds away.
                log.warning("repository", reason=failed.reason)
                return False
            return self._alarm(key, f"{_SAID[key]}: {failed.reason}")
        self._failures.pop(key, None)
        self._store.clear_alarm(key)
        return True

    def _alarm(self, key: str, reason: str) -> bool:
        log.warning("repository", reason=reason)
        self._store.raise_alarm(key, reason, self._now())
        return False


def explained(error: Exception) -> str:
    """What happened, without a path: of the system's errors only their kind."""
    said = error.strerror if isinstance(error, OSError) else str(error)
    return said or type(error).__name__


__all__ = ["Held", "Place", "Repository"]
