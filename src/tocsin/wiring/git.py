"""Runs the git program so that it can neither ask a question, run a hook nor hang: one call, one answer.

Here: the environment, time limits and what git says when it fails, without addresses (they may hold a password). What
is committed and pushed is `publish`'s.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

NAME = "tocsin"
EMAIL = "tocsin@localhost"
"""Author and committer of everything that tocsin commits; by both its commits are known again."""
LOCAL_S = 20.0
NETWORK_S = 60.0
WORK_TREE_S = 600.0
"""For what writes files or the index that people use: a large checkout may take long, half of one helps nobody."""
GRACE_S = 5.0
"""So long git may clean up behind itself, locks above all, before it is ended for good."""

_REDIRECTING = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_COMMON_DIR",
    "GIT_PREFIX",
)
"""Variables that would lead git to another repository, e.g. when tocsin was started by a hook."""
_SILENT = (
    "GIT_TERMINAL_PROMPT=0",
    "GIT_ASKPASS=false",
    "SSH_ASKPASS=false",
    "SSH_ASKPASS_REQUIRE=never",
    "GCM_INTERACTIVE=never",
    "GIT_OPTIONAL_LOCKS=0",
    "GIT_EDITOR=false",
    "LC_ALL=C",
    *(f"GIT_{who}_{what}" for who in ("AUTHOR", "COMMITTER") for what in (f"NAME={NAME}", f"EMAIL={EMAIL}")),
)
_NO_HOOKS = ("-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "maintenance.auto=false")
_ADDRESS = re.compile(r"'(?:/|\.\.?/|~)[^']*'|\S*(?:://|@[\w.-]+:)\S*")


_HOST = re.compile(r"(?<=connect to )(?:host )?\S+( port \d+)?|(?<=host: )\S+|(?<=hostname )[^\s:]+")
_REJECTED = re.compile(r"! (\[[^\]]*\]).*?(\([^()]*\))?$")
"""Git's word on a ref that was not pushed; the line that begins with `error:` says less."""
_SAYS_LITTLE = "Could not read from remote repository"


class GitFailed(Exception):
    """Git did not do it. `reason`: one line of what it said, without addresses; `code`: its exit code, None without."""

    def __init__(self, reason: str, code: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class Git:
    """The git program in one folder. Safe from one thread; `stop` from any.

    A command with `whole` writes what people use too: `stop` lets it come to its end.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: subprocess.Popen[bytes] | None = None
        """What `stop` may end."""
        self._stopped = threading.Event()

    def __call__(
        self,
        *arguments: str,
        data: bytes | None = None,
        index: Path | None = None,
        limit_s: float = LOCAL_S,
        whole: bool = False,
    ) -> str:
        """What git printed, without the line end. Raises GitFailed."""
        printed = self.raw(*arguments, data=data, index=index, limit_s=limit_s, whole=whole)
        return printed.decode("utf-8", "replace").rstrip("\n")

    def raw(
        self,
        *arguments: str,
        data: bytes | None = None,
        index: Path | None = None,
        limit_s: float = LOCAL_S,
        whole: bool = False,
    ) -> bytes:
        """What git printed, as it is. Raises GitFailed."""
        if self._stopped.is_set():
            raise GitFailed("tocsin is ending")
        cleared = [part for name in _REDIRECTING for part in ("-u", name)]
        more = [f"GIT_INDEX_FILE={index}"] if index else []
        command = ["env", *cleared, *_SILENT, *more, "git", *_NO_HOOKS, *arguments]
        try:
            # A session of its own: there is no terminal that anything could ask on, and all of it can be ended.
            running = subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise GitFailed(f"git cannot be run: {error.strerror}") from None
        if not whole:
            self._running = running
            if self._stopped.is_set():  # it came between the question above and now
                _end(running)
        return self._answer(running, data, arguments[0], WORK_TREE_S if whole else limit_s)

    def _answer(
        self, running: subprocess.Popen[bytes], data: bytes | None, verb: str, limit_s: float
    ) -> bytes:
        try:
            out, err = running.communicate(data, limit_s)
        except subprocess.TimeoutExpired:
            _signal(running, signal.SIGTERM)
            _last_words(running)
            raise GitFailed(f"git {verb} was not done within {limit_s:g} s") from None
        finally:
            self._running = None
        if running.returncode:
            raise GitFailed(_said(err, verb, running.returncode), running.returncode)
        return out

    def asks(self, *arguments: str) -> bool:
        """Whether git answers yes (exit code 0) instead of no (1). Raises GitFailed for anything else."""
        try:
            self(*arguments)
        except GitFailed as failed:
            if failed.code == 1:
                return False
            raise
        return True

    def stop(self) -> None:
        """End what runs, unless people's files are being written, and run nothing more."""
        self._stopped.set()
        running = self._running
        if running is not None:
            _end(running)


def _end(running: subprocess.Popen[bytes]) -> None:
    """Asked first, so that git takes its locks away."""
    _signal(running, signal.SIGTERM)
    try:
        running.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        _signal(running, signal.SIGKILL)


def _last_words(running: subprocess.Popen[bytes]) -> None:
    """The end of one that was asked to end; what it prints is taken, or it might wait for that."""
    try:
        running.communicate(timeout=GRACE_S)
    except subprocess.TimeoutExpired:
        _signal(running, signal.SIGKILL)
        running.communicate()


def _signal(running: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """To the process with everything it started (ssh, a remote helper)."""
    with suppress(ProcessLookupError):  # it has ended by itself
        os.killpg(running.pid, number)


def _said(err: bytes, verb: str, code: int) -> str:
    """The line of git's that says most, made harmless for a public page."""
    lines = [line.strip() for line in err.decode("utf-8", "replace").splitlines() if line.strip()]
    marks = ("fatal:", "error:", "! [", "remote:")
    telling = next(
        (line for mark in marks for line in lines if line.startswith(mark)), lines[-1] if lines else ""
    )
    if _SAYS_LITTLE in telling:
        telling = lines[0]
    if rejected := next(filter(None, map(_REJECTED.match, lines)), None):
        remote = [line for line in lines if line.startswith("remote:") and line != "remote:"]
        telling = " ".join([part for part in rejected.groups() if part] + remote[:2])
    hidden = _HOST.sub("(address)", _ADDRESS.sub("(address)", telling))
    plain = "".join(ch for ch in hidden if ch.isprintable())[:200]
    return f"git {verb}: {plain}" if plain else f"git {verb} ended with code {code}"
