"""Puts rows back into the log that got lost with a branch, a reset or a checkout, and knows which branch is meant.

A row is lost when neither the file nor the history of the branch knows it. One that people took out with a commit, or
moved into an archive, is in that history and stays out.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import structlog

from tocsin.handbook.carry import OwnRow, carry_row, standing
from tocsin.handbook.documents import Documents
from tocsin.handbook.tables import LogResult
from tocsin.wiring.git import Git, GitFailed
from tocsin.wiring.own_files import Held, OwnFiles

log = structlog.get_logger("tocsin.repository")

BRANCH = "tocsin.branch"
"""Setting of the clone: the branch that tocsin's rows go to, the one that was checked out first."""


def refuse_other_branch(git: Git, branch: str) -> None:
    """Raises Held while another branch than the one that was used so far is checked out; GitFailed."""
    try:
        known = git("config", "--local", "--get", BRANCH)
    except GitFailed as failed:
        if failed.code != 1:
            raise
        git("config", "--local", BRANCH, branch)
        return
    if known != branch:
        raise Held(
            f"{branch} is checked out and tocsin's rows go to {known}: check that out,"
            f" or git config {BRANCH} {branch}"
        )


class KeptRows:
    """Compares what was written with what is there. `writing` is held while the log is read and written."""

    def __init__(self, writing: AbstractContextManager[object], *, anywhere: bool) -> None:
        """`anywhere`: rows that any branch knows are no concern, since it is people who commit."""
        self._writing = writing
        self._branches = "--all" if anywhere else "HEAD"
        self._taken_out: set[tuple[str, str]] = set()
        """Names of rows that people took out, each with the commit it was found at: looked for once."""

    def put_back(self, git: Git, own: OwnFiles, documents: Documents) -> list[str]:
        """Names of the rows that were lost and are in the log again.

        Raises Held, GitFailed, DocumentRefused, OSError.
        """
        with self._writing:
            text, rows = _text(git.folder / own.log), own.newest_rows()
            gone = [row for row in rows if standing(text, row) is None]
            if not gone:
                return []
            head = git("rev-parse", "--verify", "-q", "HEAD^{commit}")
            lost = [row for row in gone if self._is_lost(git, own.log, row, head)]
            for row in reversed(lost):  # the oldest first, since each is put in on top
                documents.put_back(partial(_carried, row))
        names = [row.name for row in lost]
        if names:
            log.warning("rows that were lost are put back", rows=names)
        return names

    def _is_lost(self, git: Git, path: str, row: OwnRow, head: str) -> bool:
        """Whether the branch never had it: what people took out with a commit stays out."""
        if (head, row.name) in self._taken_out:
            return False
        cell = rf"\| *[[*_`]*{row.name}([^0-9A-Za-z_-]|$)"
        if not git("log", "-1", "--format=%H", f"-G{cell}", self._branches, "--", path):
            return True
        self._taken_out.add((head, row.name))
        return False


def _carried(row: OwnRow, text: str) -> LogResult:
    return carry_row(text, row, lambda _: False)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise Held(f"{path.name} is not UTF-8") from None
