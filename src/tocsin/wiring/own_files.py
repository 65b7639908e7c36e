"""What in the repository is tocsin's: rows of the log, drafts nobody has edited, the card; and whose version wins.

A row is tocsin's while it reads as it was written last, a draft while its hash is the one that was kept, a card while
it says so. All else in these files is people's, and is neither committed for them nor taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tocsin.domain.incident import Incident
from tocsin.handbook.card import OWN
from tocsin.handbook.carry import OwnRow, carry_row, holds, line_of, refs_changed
from tocsin.handbook.documents import Documents, text_hash
from tocsin.handbook.log import LogHeld, new_log_text, without_rows
from tocsin.store.contract import Store, UnknownEvent

NEWEST = 30


@dataclass(frozen=True, slots=True)
class Place:
    """Where tocsin writes, relative to `root`: the log, the folder of the postmortems, the card."""

    root: Path
    log: str
    postmortems: str
    card: str
    documents: Documents | None = None


class Held(Exception):
    """Something of tocsin's cannot be put there now; the reason is one sentence for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Version:
    """A file as it shall be, None where it shall not; `held` says what could not be put there, in sentences."""

    text: str | None
    held: tuple[str, ...] = ()


class OwnFiles:
    """Judges versions of the files; paths are relative to the top of the work tree, texts None where there is none."""

    def __init__(self, store: Store, place: Place, top: Path) -> None:
        self._store = store
        self.unknown: dict[str, str] = {}
        """Incidents that cannot be read, each with a sentence about it."""
        self.log = _below(place, place.log, top)
        self.postmortems = _below(place, place.postmortems, top)
        self.card = _below(place, place.card, top)

    @property
    def paths(self) -> tuple[str, ...]:
        """Everything that may hold something of tocsin's."""
        return (self.log, self.postmortems, self.card)

    def may_own(self, path: str) -> bool:
        """Whether tocsin ever wrote this file: a picture, notes, a folder of somebody's are nobody's business."""
        if path in {self.log, self.card}:
            return True
        file = PurePosixPath(path)
        known = str(file.parent) == self.postmortems and file.suffix == ".md"
        return known and self._store.document(file.stem, "postmortem") is not None

    def refs_of(self, path: str, old: str | None, new: str | None) -> list[str]:
        """The incidents that a change of this file is about."""
        if path == self.log:
            return refs_changed(old or "", new or "")
        return [PurePosixPath(path).stem] if path != self.card else []

    def only_drills(self, refs: Iterable[str]) -> bool:
        """Whether all of these are drills, and there is one at all."""
        states = [self._incident(ref) for ref in refs]
        return bool(states) and all(state is not None and state.drill for state in states)

    def _incident(self, ref: str) -> Incident | None:
        """None as well for one that a newer program wrote: its rows wait, and keep no others back."""
        try:
            return self._store.incident(ref)
        except UnknownEvent as unknown:
            self.unknown[ref] = f"{unknown}: its rows wait"
            return None

    def is_restricted(self, ref: str) -> bool:
        """Whether only some may know what this incident is about."""
        state = self._incident(ref)
        return ref in self.unknown or (state is not None and state.room.restriction is not None)

    def is_secret(self, path: str) -> bool:
        """Whether this is the draft of a restricted incident: it stays where it is, and goes nowhere."""
        return path not in {self.log, self.card} and self.is_restricted(PurePosixPath(path).stem)

    def unveiled(self, old: str | None, new: str | None) -> list[str]:
        """Restricted incidents with a row that one version of the log has not got and that says more than it may."""
        refs = [ref for ref in refs_changed(old or "", new or "") if self.is_restricted(ref)]
        before = set((old or "").splitlines())
        found = []
        for own in self._memories(refs):
            line = line_of(new or "", own)
            if line is not None and line not in before and not self._may_be_said(own, line):
                found.append(own.name)
        return found

    def with_own(self, path: str, theirs: str | None, mine: str | None) -> Version:
        """`theirs` (a commit, the index) with what is tocsin's in `mine` (the work tree), and nothing else of it.

        Raises Held for a log that people began and never committed.
        """
        if mine is None:
            return Version(theirs)
        if path != self.log:
            return Version(mine if self._is_kept(path, mine) and not self.is_secret(path) else theirs)
        text = theirs if theirs is not None else _beginning(path, mine)
        return self._carried(text, mine, self._rows(refs_changed(theirs or "", mine)), lambda _: True)

    def onto(
        self,
        path: str,
        base: str | None,
        mine: str | None,
        theirs: str | None,
        by_us: Callable[[str, str], bool],
    ) -> Version:
        """`theirs` (what others have pushed) with what tocsin changed from `base` to `mine`.

        `by_us(path, line)` knows whether a line that stands in theirs was put there by tocsin: a row that others have
        changed is held. Raises Held when the log is gone.
        """
        if self.is_secret(path):
            return Version(theirs)
        if theirs in (base, mine):
            return Version(mine)
        if path == self.card and theirs is not None and OWN in theirs:
            return Version(mine)
        if path != self.log:
            return Version(theirs)  # edited there: a draft is never put over what people wrote
        if theirs is None:
            raise Held(f"{path} is gone on the remote branch: pull, and say where the log is now")
        before = [*(base or "").splitlines()]

        def may_replace(line: str) -> bool:
            return line in before or by_us(path, line)

        return self._carried(
            theirs, mine or "", self._rows(refs_changed(base or "", mine or "")), may_replace
        )

    def _carried(
        self, text: str, mine: str, rows: list[OwnRow], may_replace: Callable[[str], bool]
    ) -> Version:
        """Lowest row first, since each is put in on top. A row that is held keeps no other one back."""
        held = []
        lines = [line.rstrip("\r\n") for line in mine.splitlines()]
        present = [row for row in rows if holds(mine, row)]
        for row in sorted(present, key=lambda own: -lines.index(line_of(mine, own) or own.row)):
            result = carry_row(text, row, may_replace)
            if isinstance(result, LogHeld):
                held.append(result.reason)
            else:
                text = result.text
        return Version(text, tuple(dict.fromkeys(held)))

    def newest_rows(self, limit: int = NEWEST) -> list[OwnRow]:
        """Rows of the newest incidents, newest first: older ones may have gone into an archive."""
        found = self._store.incidents(stage=None, level=None, q=None, before=None, limit=limit, tests=False)
        return self._rows(row.ref for row in found)

    def _rows(self, refs: Iterable[str]) -> list[OwnRow]:
        """The rows of these incidents as they were written last, without those that say too much by now."""
        return [own for own in self._memories(refs) if self._may_be_said(own, own.row)]

    def _may_be_said(self, own: OwnRow, line: str) -> bool:
        """Of a restricted incident only a row with its codename: an older one is written anew before it goes out."""
        state = self._incident(own.name.partition(" ")[0])
        if state is None or state.room.restriction is None:
            return True
        return _letters(state.known_as) in _letters(line)

    def _memories(self, refs: Iterable[str]) -> list[OwnRow]:
        found = []
        for ref in refs:
            state = self._incident(ref)
            for document in (name for name, _ in state.documents) if state else ():
                kind, _, number = document.partition("-")
                memory = self._store.document(ref, document)
                if memory is not None and kind in {"log", "check", "restore"}:
                    row, _, header = memory.content.partition("\n")
                    found.append(OwnRow(f"{ref} {kind} {number}" if number else ref, document, row, header))
        return found

    def _is_kept(self, path: str, text: str) -> bool:
        """Whether a draft or the card is the one that was written last."""
        if path == self.card:
            return OWN in text
        memory = self._store.document(PurePosixPath(path).stem, "postmortem")
        return memory is not None and memory.content == text_hash(text)


def _letters(text: str) -> str:
    """A text without what escaping may add."""
    return "".join(ch for ch in text if ch.isalnum())


def _below(place: Place, path: str, top: Path) -> str:
    """A path of the handbook's root as one of the work tree's top, links followed. Raises Held outside of it."""
    resolved = (place.root / path).resolve()
    if not resolved.is_relative_to(top):
        raise Held(f"{path} lies outside of the git work tree")
    return resolved.relative_to(top).as_posix()


def _beginning(path: str, mine: str) -> str:
    """What a log that git does not know yet begins with. Raises Held for one that people began."""
    if not mine.startswith(new_log_text().rstrip("\n")):
        raise Held(f"{path} was never committed: commit it once, tocsin's rows follow")
    return without_rows(mine)
