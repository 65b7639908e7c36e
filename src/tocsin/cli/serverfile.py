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
from collections.abc import Iterable
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


def find_server(folders: Iterable[Path]) -> RunningServer | None:
    """The first file that names a living process. A stale one counts as no server at all."""
    for folder in dict.fromkeys(folders):
        found = _read(folder / FILE_NAME)
        if found is not None and _alive(found.pid):
            return found
    return None


def _read(path: Path) -> RunningServer | None:
    """None where it is missing, is not ours alone, or holds something else."""
    try:
        about = path.stat()
        if about.st_uid != os.geteuid() or stat.S_IMODE(about.st_mode) & 0o077:
            return None
        shape = json.loads(path.read_text(encoding="utf-8"))
        return RunningServer(str(shape["url"]), str(shape["token"]), int(shape["pid"]), str(shape["boot"]))
    except (OSError, ValueError, KeyError, TypeError):
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
