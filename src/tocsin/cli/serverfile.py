"""`var/server.json`: how a command finds the server that runs on this machine (design rule 30).

It holds a token of this very process, so only its owner may read it, and it is gone with the process.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

FILE_NAME: Final = "server.json"


@dataclass(frozen=True, slots=True)
class RunningServer:
    """Where it answers, what opens it, and which process it is."""

    url: str
    token: str
    pid: int
    boot: str
    settings: str = ""
    """Its tocsin.toml; where there is none, the folder that it was started in."""

    def __repr__(self) -> str:
        return f"RunningServer({self.url!r}, pid={self.pid})"


def fresh_token() -> tuple[str, str]:
    """A token for the local operator, and the hash by which the application knows it."""
    token = "tcs_" + secrets.token_urlsafe(32)
    return token, hashlib.sha256(token.encode()).hexdigest()


def write_server_file(folder: Path, server: RunningServer) -> Path:
    """Write it at once as a whole, readable by its owner only."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE_NAME
    draft = folder / f".{FILE_NAME}.{server.pid}"
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(server), file)
    draft.replace(path)
    return path


def remove_server_file(path: Path, boot: str) -> None:
    """Remove it if it still names this process; another one may have written it since."""
    found = _read(path)
    if found is not None and found.boot == boot:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


def upwards(folder: Path) -> Iterator[Path]:
    """Where the server of a folder, or of one that it lies in, keeps its file; the nearest first."""
    for above in (folder, *folder.parents):
        yield above / "var"


def find_servers(folders: Iterable[Path]) -> Iterator[RunningServer]:
    """Those whose file names a living process, in that order. A stale one counts as no server at all."""
    for folder in dict.fromkeys(folders):
        found = _read(folder / FILE_NAME)
        if found is not None and _alive(found.pid):
            yield found


def _read(path: Path) -> RunningServer | None:
    """None where it is missing, is not ours alone, or holds something else.

    The search goes up to folders of others: what is looked at is the file that is read, no link, and nothing that
    could keep us waiting.
    """
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), encoding="utf-8") as file:
            about = os.fstat(file.fileno())
            ours = about.st_uid == os.geteuid() and not stat.S_IMODE(about.st_mode) & 0o077
            if not (ours and stat.S_ISREG(about.st_mode)):
                return None
            shape = json.load(file)
        return RunningServer(
            str(shape["url"]),
            str(shape["token"]),
            int(shape["pid"]),
            str(shape["boot"]),
            str(shape.get("settings", "")),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
