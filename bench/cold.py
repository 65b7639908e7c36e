"""From starting the process to the first answer, and what it costs while nothing happens."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.places import HOME, ROOT
from bench.table import Line, median, ms

AIM_S = 1.0
AIM_MB = 120
HELLO = """
import sys
import uvicorn
from fastapi import FastAPI

app = FastAPI()


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"hello": "world"}


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_config=None, access_log=False)
"""
GIVE_UP_S = 30.0


def lines(*, quick: bool) -> Iterator[Line]:
    rounds, settle, idle = (2, 2.0, 3.0) if quick else (7, 5.0, 10.0)
    folder = HOME / "acme"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "examples" / "acme", folder)
    serve = [str(Path(sys.executable).parent / "tocsin"), "serve", "--host", "127.0.0.1", "--port"]
    hello = [sys.executable, "-c", HELLO]
    with _started(serve, folder):
        pass  # makes the database
    starts: dict[str, list[float]] = {"serve": [], "hello": []}
    cpu: dict[str, list[float]] = {"serve": [], "hello": []}
    for number in range(rounds):
        for name, command in (("hello", hello), ("serve", serve)):
            with _started(command, folder) as (pid, took):
                starts[name].append(took)
                cpu[name].append(_cpu_s(pid))
        print(
            f"cold start {number + 1}/{rounds}: {ms(starts['serve'][-1])}, hello world {ms(starts['hello'][-1])}",
            flush=True,
        )
    took, floor = median(starts["serve"]), median(starts["hello"])
    yield Line(
        "Cold start of `tocsin serve` to the first `/healthz`, SQLite",
        ms(took),
        ms(floor),
        f"x {took / floor:.1f}",
        "" if quick else f"<= {ms(AIM_S)}",
        None if quick else took <= AIM_S,
    )
    took, floor = median(cpu["serve"]), median(cpu["hello"])
    yield Line("Processor time of that start", ms(took), ms(floor), f"x {took / floor:.1f}")
    yield from _idle(serve, hello, folder, settle, idle, quick=quick)


def _idle(
    serve: list[str], hello: list[str], folder: Path, settle: float, idle: float, *, quick: bool
) -> Iterator[Line]:
    print(f"idle: {settle:.0f} s to settle, then {idle:.0f} s watched, both processes at once", flush=True)
    with _started(serve, folder) as (pid, _), _started(hello, folder) as (floor, _):
        time.sleep(settle)
        mb, floor_mb = _rss_mb(pid), _rss_mb(floor)
        before = _cpu_s(pid), _cpu_s(floor)
        time.sleep(idle)
        cpu, floor_cpu = ((_cpu_s(p) - b) / idle for p, b in zip((pid, floor), before, strict=True))
    yield Line(
        f"Memory (RSS) after {settle:.0f} s idle",
        f"{mb:.0f} MB",
        f"{floor_mb:.0f} MB",
        f"x {mb / floor_mb:.1f}",
        "" if quick else f"<= {AIM_MB} MB",
        None if quick else mb <= AIM_MB,
    )
    yield Line(f"Share of one core over {idle:.0f} s idle", f"{cpu:.1%}", f"{floor_cpu:.1%}")


@contextlib.contextmanager
def _started(command: list[str], folder: Path) -> Iterator[tuple[int, float]]:
    """The process and how long it took until it answered; it is ended afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TOCSIN_")}
    began = time.perf_counter()
    process = subprocess.Popen(
        [*command, str(port)],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        _wait(process, port)
        yield process.pid, time.perf_counter() - began
    finally:
        process.terminate()
        process.communicate()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + GIVE_UP_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"ended by itself: {process.stderr.read().decode()}")  # type: ignore[union-attr]
        answer = http.client.HTTPConnection("127.0.0.1", port, timeout=GIVE_UP_S)
        try:
            answer.request("GET", "/healthz")
            status = answer.getresponse().status
        except OSError:
            time.sleep(0.002)
            continue
        finally:
            answer.close()
        assert status == 200, status
        return
    raise RuntimeError(f"no answer within {GIVE_UP_S:.0f} s")


def _rss_mb(pid: int) -> float:
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) / 1024


def _cpu_s(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
