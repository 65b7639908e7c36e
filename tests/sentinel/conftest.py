"""A sentinel as a process of its own, from the file alone; a tocsin, a mailbox and a made-up other side to watch."""

from __future__ import annotations

import http.server
import json
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import acme, eventually, free_port, mailbox, served, shell, start
from tocsin.channels.mailbox import Mailbox

FILE = Path(__file__).resolve().parents[2] / "src" / "tocsin" / "sentinel.py"


@dataclass
class Running:
    """A sentinel that runs; `lines` is what it wrote so far."""

    process: subprocess.Popen[str]
    log: Path

    @property
    def lines(self) -> str:
        return self.log.read_text()

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=15)


@dataclass
class Sentry:
    """Starts `sentinel.py`, copied to a folder where nothing else is, without any installed package."""

    folder: Path
    started: list[Running] = field(default_factory=list)

    def command(self, *words: str) -> list[str]:
        alone = self.folder / "sentinel.py"
        if not alone.exists():
            self.folder.mkdir(exist_ok=True)
            shutil.copy(FILE, alone)
        return [sys.executable, "-I", "-S", str(alone), *words]

    def __call__(self, *words: str, **environment: str) -> Running:
        command = self.command(*words)
        log = self.folder / f"{len(self.started)}.log"
        with log.open("w") as errors:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env={"PATH": "/usr/bin:/bin", **environment},
                stderr=errors,
                text=True,
            )
        self.started.append(Running(process, log))
        return self.started[-1]

    def once(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words),
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def end(self) -> None:
        for running in self.started:
            if running.process.poll() is None:
                running.process.kill()
                running.process.wait(timeout=10)


@pytest.fixture
def sentry(tmp_path: Path) -> Iterator[Sentry]:
    made = Sentry(tmp_path / "elsewhere")
    yield made
    made.end()


@pytest.fixture
def other_mailbox() -> Iterator[Mailbox]:
    """The mail server of the sentinel, another than the one that tocsin uses."""
    box = Mailbox(port=0)
    box.start()
    yield box
    box.stop()


@dataclass
class OtherSide:
    """Answers as told: by path a status and a shape; keeps what is posted."""

    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    posted: list[tuple[dict[str, str], Any]] = field(default_factory=list)
    url: str = ""

    def well(self) -> None:
        self.answers = {
            "/readyz": (200, {"status": "ready", "reasons": [], "tick_age_s": 0.2}),
            "/alarmz": (200, {"status": "quiet", "reasons": []}),
        }


@pytest.fixture
def other_side() -> Iterator[OtherSide]:
    side = OtherSide()
    side.well()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(*side.answers.get(self.path, (404, {})))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            side.posted.append((dict(self.headers.items()), json.loads(body)))
            self._answer(*side.answers.get(self.path, (200, {})))

        def _answer(self, status: int, shape: Any) -> None:
            body = json.dumps(shape).encode() if not isinstance(shape, bytes) else shape
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    side.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield side
    server.shutdown()
    server.server_close()


def mail_words(box: Mailbox) -> list[str]:
    """Options that make the sentinel mail into this box."""
    return ["--smtp", f"smtp://127.0.0.1:{box.port}", "--from", "sentinel@b.example", "--to", "ops@b.example"]


__all__ = ["acme", "eventually", "free_port", "mail_words", "mailbox", "served", "shell", "start"]
