"""Writes log rows, postmortems and the card into the work tree: the thin shell around `log` and the drafts.

Each write re-reads the file just before, merges, and replaces it by rename, so that a reader or a crash sees the old
or the new file and never half of one. Nothing is written outside of the work tree or over what people wrote.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tocsin.handbook.card import OWN
from tocsin.handbook.log import (
    LogHeld,
    LogResult,
    LogRow,
    RestoreRow,
    highest_number,
    new_log_text,
    write_restore_row,
    write_row,
)

POSTMORTEMS = "postmortems"
CARD = "card.md"
_REF = re.compile(r"[A-Z]{2,8}-\d{4}-\d{1,9}")
_RETRY_RULES = frozenset({"conflict"})


class DocumentRefused(Exception):
    """A document was not written. `permanent`: only a person can change that; else the same call may succeed later."""

    def __init__(self, rule: str, reason: str, *, permanent: bool) -> None:
        super().__init__(reason)
        self.rule = rule
        self.reason = reason
        self.permanent = permanent


class LogRefused(DocumentRefused):
    """The log row was not written: conflict or merge in progress, header changed, no header, row edited by hand."""


class PostmortemRefused(DocumentRefused):
    """The postmortem was not written: somebody has edited it, or it leads out of the work tree."""


class CardRefused(DocumentRefused):
    """The card was not written: one of somebody else's stands there, or it leads out of the work tree."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: `path` relative to the root, `changed` False when the file already said so.

    For a log `row` and `header` are to be handed in next time; for a postmortem `hash` is.
    """

    path: str
    changed: bool
    row: str | None = None
    header: str | None = None
    hash: str | None = None


class Documents:
    """The files of one handbook that tocsin writes: the log, the postmortems and the card.

    Args:
        root: top of the work tree; nothing outside of it is ever opened.
        folder: the handbook folder.
        log_path: the log relative to the root, as `Reading.log_path` says.
    """

    def __init__(self, root: Path, folder: Path, log_path: str) -> None:
        self._root = root.resolve()
        self._folder = folder
        self.log_path = log_path

    def write_log(self, row: LogRow, previous: str | None, known_header: str | None = None) -> Written:
        """Insert or update the incident's row.

        Args:
            row: what the log shall say.
            previous: `Written.row` of the last time, None when there was none.
            known_header: `Written.header` of the last time, None to accept any.

        Raises:
            LogRefused: the row must be kept and written later; see its `rule` and `permanent`.
            OSError: the disk refused.
        """
        return self._write_log(lambda text: write_row(text, row, previous, known_header))

    def write_restore(
        self, row: RestoreRow, previous: str | None, known_header: str | None = None
    ) -> Written:
        """Insert or update the row of a restore or a check in the second table of the log.

        The arguments and what it raises are those of `write_log`; a log of the team's own without such a table is
        refused too.
        """
        return self._write_log(lambda text: write_restore_row(text, row, previous, known_header))

    def put_back(self, carried: Callable[[str], LogResult]) -> Written:
        """Put a row that was lost into the log again, as it was written last. Raises as `write_log` does."""
        return self._write_log(carried)

    def _write_log(self, written: Callable[[str], LogResult]) -> Written:
        path = self._inside(self._root / self.log_path, LogRefused)
        if (self._git_folder() / "MERGE_HEAD").exists():
            raise LogRefused("merge", "a merge is in progress in the work tree", permanent=False)
        text = self._text(path, LogRefused)
        result = written(text if text is not None else new_log_text())
        if isinstance(result, LogHeld):
            raise LogRefused(result.rule, result.reason, permanent=result.rule not in _RETRY_RULES)
        changed = result.text != text
        if changed:
            _replace(path, result.text)
        return Written(self.log_path, changed, row=result.row, header=result.header)

    def write_postmortem(self, ref: str, text: str, previous_hash: str | None) -> Written:
        """Write `<folder>/postmortems/<ref>.md`, unless somebody has edited it since.

        Args:
            ref: the incident's reference, e.g. `INC-2026-0007`.
            text: the draft.
            previous_hash: `Written.hash` of the last time, None when there was none.

        Raises:
            PostmortemRefused: the file is not the one that was written last, or leads out of the work tree.
            OSError: the disk refused.
        """
        if _REF.fullmatch(ref) is None:
            raise PostmortemRefused("reference", f"{ref!r} is no reference of an incident", permanent=True)
        path = self._inside(self._root / self._folder / POSTMORTEMS / f"{ref}.md", PostmortemRefused)
        name = path.relative_to(self._root).as_posix()
        current = self._text(path, PostmortemRefused)
        digest = text_hash(text)
        if current is not None and text_hash(current) == digest:
            return Written(name, changed=False, hash=digest)
        if current is not None and text_hash(current) != previous_hash:
            reason = f"{name} was edited; the draft is not put over it"
            raise PostmortemRefused("edited-by-hand", reason, permanent=True)
        _replace(path, text)
        return Written(name, changed=True, hash=digest)

    def postmortem_text(self, ref: str) -> str | None:
        """The postmortem as it stands in the work tree, None without one.

        Raises:
            PostmortemRefused: it leads out of the work tree or is not UTF-8.
        """
        path = self._inside(self._root / self._folder / POSTMORTEMS / f"{ref}.md", PostmortemRefused)
        return self._text(path, PostmortemRefused)

    def write_card(self, text: str) -> Written:
        """Write `<folder>/card.md`, unless a card of somebody else's stands there.

        Raises:
            CardRefused: the card there is not tocsin's own, or leads out of the work tree.
            OSError: the disk refused.
        """
        path = self._inside(self._root / self._folder / CARD, CardRefused)
        name = path.relative_to(self._root).as_posix()
        current = self._text(path, CardRefused)
        if current is not None and current != text and OWN not in current:
            reason = f"{name} was not written by tocsin: give it another name"
            raise CardRefused("edited-by-hand", reason, permanent=True)
        if current != text:
            _replace(path, text)
        return Written(name, changed=current != text, hash=text_hash(text))

    def postmortem_link(self, ref: str) -> str:
        """The link from the log to a postmortem, relative to the log's folder."""
        folder = PurePosixPath((self._root / self._folder).resolve().relative_to(self._root).as_posix())
        target = folder / POSTMORTEMS / f"{ref}.md"
        return os.path.relpath(target, PurePosixPath(self.log_path).parent).replace(os.sep, "/")

    def postmortem_path(self, ref: str) -> str:
        """Where the postmortem stands, relative to the root."""
        return os.path.normpath(PurePosixPath(self.log_path).parent / self.postmortem_link(ref))

    def highest_number(self, year: int) -> int:
        """The highest number of a reference of that year in the log, 0 without one.

        Raises:
            LogRefused: the log leads out of the work tree or is not UTF-8.
        """
        text = self._text(self._inside(self._root / self.log_path, LogRefused), LogRefused)
        return highest_number(text or "", year)

    def _inside(self, path: Path, error: type[DocumentRefused]) -> Path:
        """The path with links followed, refused when it leaves the work tree or enters `.git`."""
        astray = error("outside", f"{path.name} leads out of the work tree", permanent=True)
        try:
            resolved = path.resolve()
        except RuntimeError:
            raise astray from None
        if not resolved.is_relative_to(self._root) or ".git" in resolved.relative_to(self._root).parts:
            raise astray
        return resolved

    def _git_folder(self) -> Path:
        """`.git`, or the folder that a linked work tree's `.git` file names."""
        git = self._root / ".git"
        if git.is_file():
            target = git.read_text("utf-8").partition("gitdir:")[2].strip()
            return (self._root / target) if target else git
        return git

    @staticmethod
    def _text(path: Path, error: type[DocumentRefused]) -> str | None:
        try:
            return path.read_bytes().decode("utf-8")
        except FileNotFoundError:
            return None
        except UnicodeDecodeError:
            raise error("encoding", f"{path.name} is not UTF-8", permanent=True) from None


def text_hash(text: str) -> str:
    """The hash by which a written document is known again."""
    return hashlib.sha256(text.encode()).hexdigest()


def _replace(path: Path, text: str) -> None:
    """Put the text in place by temp file, fsync and rename, keeping the mode of the file that was there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o644
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
