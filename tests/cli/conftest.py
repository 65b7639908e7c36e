"""The real program as real processes, on loopback, in folders of their own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tocsin.channels.mailbox import Mailbox

ROOT = Path(__file__).resolve().parents[2]
TOCSIN = str(Path(sys.executable).with_name("tocsin"))
WITHIN_S = 20.0


def eventually(check: Callable[[], Any], what: str, within: float = WITHIN_S) -> Any:
    """The first true answer of `check`, asked again and again until the time is up."""
    until = time.monotonic() + within
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > until:
            pytest.fail(f"not within {within:g} s: {what}")
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment(home: Path) -> dict[str, str]:
    """Nothing of the caller's: no TOCSIN_ variable, no proxy, no git configuration."""
    return {
        "PATH": f"{Path(TOCSIN).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


@dataclass
class Shell:
    """Runs tocsin in one folder, as somebody at a terminal would."""

    folder: Path
    environment: dict[str, str]
    command: str = TOCSIN

    def run(self, *words: str, expect: int | None = 0, **more: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [TOCSIN, *words],
            cwd=self.folder,
            env={**self.environment, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if expect is not None:
            assert done.returncode == expect, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *words: str, expect: int = 0) -> Any:
        return json.loads(self.run(*words, "--json", expect=expect).stdout)

    def git(self, *words: str, tree: Path | None = None) -> str:
        command = ["git", "-c", "user.name=Test", "-c", "user.email=test@localhost", *words]
        done = subprocess.run(
            command, cwd=tree or self.folder, env=self.environment, capture_output=True, text=True, check=True
        )
        return done.stdout


@dataclass
class Running:
    """A tocsin process that serves."""

    process: subprocess.Popen[str]
    url: str
    out: Path
    err: Path
    server_file: Path
    ended: list[int] = field(default_factory=list)

    @property
    def token(self) -> str:
        return str(json.loads(self.server_file.read_text())["token"])

    def http(self) -> httpx2.Client:
        headers = {"authorization": f"Bearer {self.token}"}
        return httpx2.Client(base_url=self.url, headers=headers, trust_env=False, verify=False, timeout=10)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Tell it to end; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=15)


def answers(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/readyz", trust_env=False, verify=False, timeout=5).status_code == 200
    except httpx2.TransportError:
        return False


@dataclass
class Starter:
    """Starts processes and ends those that a test left over."""

    started: list[Running] = field(default_factory=list)

    def __call__(self, shell: Shell, *words: str, port: int, wait: bool = True) -> Running:
        number = len(self.started)
        out, err = (shell.folder.parent / f"{shell.folder.name}-{number}.{end}" for end in ("out", "err"))
        with out.open("w") as stdout, err.open("w") as stderr:
            process = subprocess.Popen(
                [TOCSIN, *words, "--port", str(port)],
                cwd=shell.folder,
                env=shell.environment,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                text=True,
            )
        running = Running(process, f"http://127.0.0.1:{port}", out, err, shell.folder / "var" / "server.json")
        self.started.append(running)
        if wait:
            eventually(lambda: self._up(running), f"{words} is ready", within=30)
        return running

    @staticmethod
    def _up(running: Running) -> bool:
        if running.process.poll() is not None:
            pytest.fail(f"ended with {running.process.returncode}: {running.err.read_text()}")
        return running.server_file.exists() and answers(running.url)

    def end(self) -> None:
        for running in self.started:
            if running.process.poll() is None:
                running.process.kill()
                running.process.wait(timeout=10)


@pytest.fixture
def start() -> Iterator[Starter]:
    starter = Starter()
    yield starter
    starter.end()


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """An empty folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    return Shell(folder, clean_environment(tmp_path))


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox(port=0)
    box.start()
    yield box
    with contextlib.suppress(OSError):
        box.stop()


@pytest.fixture
def acme(shell: Shell, mailbox: Mailbox) -> Shell:
    """A copy of the example as a git work tree, whose mail goes to `mailbox`."""
    shutil.copytree(ROOT / "examples" / "acme", shell.folder, dirs_exist_ok=True)
    toml = shell.folder / "tocsin.toml"
    toml.write_text(toml.read_text().replace(":1025", f":{mailbox.port}"))
    shell.git("init", "-q", "-b", "main")
    shell.git("add", "-A")
    shell.git("commit", "-q", "-m", "Handbook")
    return shell


@pytest.fixture
def served(acme: Shell, start: Starter) -> Running:
    """`tocsin serve` in the copy of the example."""
    return start(acme, "serve", port=free_port())


@pytest.fixture
def clone(shell: Shell) -> Shell:
    """What `make run` needs of a checkout, committed."""
    shutil.copytree(ROOT / "examples", shell.folder / "examples")
    shutil.copy(ROOT / ".gitignore", shell.folder)
    shell.git("init", "-q", "-b", "main")
    shell.git("add", "-A")
    shell.git("commit", "-q", "-m", "Checkout")
    return shell


@pytest.fixture
def any_port() -> Callable[[], int]:
    return free_port


@pytest.fixture
def until() -> Callable[..., Any]:
    """`eventually`, for test modules."""
    return eventually
