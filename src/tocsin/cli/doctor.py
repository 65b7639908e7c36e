"""`tocsin doctor`: whether tocsin can run here, point by point, each with what to do about it."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx2
import typer

from tocsin.cli.asked import present
from tocsin.cli.client import Local, settings_here
from tocsin.cli.failure import REFUSED, Failure
from tocsin.cli.options import AsJson, Config
from tocsin.cli.output import STDOUT, emit_json, plain
from tocsin.cli.serverfile import RunningServer
from tocsin.config import Settings
from tocsin.engine.engine import RESTORED
from tocsin.handbook.read import read_handbook
from tocsin.store.contract import HELD, StoreUnavailable
from tocsin.store.opening import HEAD, connected, schema_version

app = typer.Typer(rich_markup_mode=None)

WAL_RESET_FIXED: Final = (3, 51, 3)
OLDEST_PYTHON: Final = (3, 11)
BUILT_AFTER: Final = datetime(2026, 1, 1, tzinfo=UTC)
BEHIND: Final = timedelta(seconds=5)
DISK_NEEDED: Final = 200 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Point:
    """One thing looked at: `state` is ok, note (works, but know this) or wrong."""

    name: str
    state: str
    text: str


@app.command()
def doctor(config: Config = None, as_json: AsJson = False) -> None:
    """Check that tocsin can run here; exit code 1 when something is wrong.

    Examples:
      tocsin doctor
      tocsin doctor --config /etc/tocsin --json
    """
    points = list(_points(config))
    if as_json:
        emit_json({"points": [asdict(point) for point in points]})
    else:
        for point in points:
            colour = {"ok": "green", "note": "yellow", "wrong": "red"}[point.state]
            STDOUT.line(f"{STDOUT.style(f'{point.state:5}', colour)}  {point.name:9}  {plain(point.text)}")
    if any(point.state == "wrong" for point in points):
        raise typer.Exit(REFUSED)


def _points(config: Path | None) -> Iterator[Point]:
    yield _python()
    yield _sqlite()
    yield _zones()
    try:
        settings = settings_here(config)
    except Failure as wrong:
        yield Point("settings", "wrong", wrong.message)
        return
    yield _settings(settings)
    running = Local(settings).server()
    if running is None:
        yield Point("server", "note", "none runs here; tocsin serve starts one")
        yield from _database(settings)
    else:
        yield _server(running)
        yield Point("database", "ok", f"held by the running server, process {running.pid}")
    yield _handbook(settings)
    yield _channels(settings)
    yield _disk(settings)


def _python() -> Point:
    found = platform.python_version()
    good = sys.version_info[:2] >= OLDEST_PYTHON
    return Point("python", "ok" if good else "wrong", found if good else f"{found}: needs 3.11 or newer")


def _sqlite() -> Point:
    """Before 3.51.3 two connections that write and checkpoint at once may lose pages of the log ("WAL reset")."""
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info >= WAL_RESET_FIXED:
        return Point("sqlite", "ok", version)
    words = "older than 3.51.3, whose WAL reset can damage a file that two connections write at once"
    return Point(
        "sqlite", "note", f"{version} is {words}; tocsin writes with one: open the file with nothing else"
    )


def _zones() -> Point:
    try:
        version = importlib.metadata.version("tzdata")
        ZoneInfo("Europe/Stockholm")
    except (importlib.metadata.PackageNotFoundError, ZoneInfoNotFoundError) as missing:
        return Point("tzdata", "wrong", f"time zones are missing ({missing}): install the locked packages")
    return Point("tzdata", "ok", version)


def _settings(settings: Settings) -> Point:
    if settings.file is None:
        return Point("settings", "note", "there is no tocsin.toml from here upwards: defaults")
    if settings.missing_secrets:
        return Point(
            "settings",
            "wrong",
            f"{settings.file}: secrets are not set: {', '.join(settings.missing_secrets)}",
        )
    if settings.literal_secrets:
        return Point(
            "settings", "note", f"{settings.file}: secrets stand in it: {', '.join(settings.literal_secrets)}"
        )
    return Point("settings", "ok", str(settings.file))


def _server(running: RunningServer) -> Point:
    words = f"process {running.pid} at {running.url}"
    try:
        with httpx2.Client(base_url=running.url, trust_env=False, timeout=5.0) as http:
            answers = [http.get(path).json() for path in ("/readyz", "/alarmz")]
    except (httpx2.TransportError, ValueError) as silent:
        return Point("server", "wrong", f"{words} does not answer: {type(silent).__name__}")
    reasons = [str(reason) for answer in answers for reason in answer.get("reasons", [])]
    return (
        Point("server", "wrong", f"{words}: {'; '.join(reasons)}")
        if reasons
        else Point("server", "ok", words)
    )


def _database(settings: Settings) -> Iterator[Point]:
    """Opens it, which takes the lock for a moment; creates nothing."""
    try:
        store = connected(settings.database.url.reveal(), create=False)
    except StoreUnavailable as down:
        there = "there is no database" not in str(down)
        yield Point(
            "database", "wrong" if there else "note", str(down) if there else f"{down}; serve makes it"
        )
        return
    try:
        with store.reading() as link:
            version = schema_version(link.core)
        good = version == HEAD
        yield Point("database", "ok", "reachable, nobody holds it")
        words = f"at {version or 'nothing'}" + (
            "" if good else f", this program needs {HEAD}: serve brings it there"
        )
        yield Point("schema", "ok" if good else "note", words)
        if good and (held := store.meta(HELD)):
            words = RESTORED if held == "1" else held
            yield Point("sending", "wrong", f"nothing is sent: {words}")
        yield _clock(store.meta("last_instant") if good else None)
    except StoreUnavailable as down:
        yield Point("database", "wrong", str(down))
    finally:
        store.close()


def _clock(last: str | None) -> Point:
    now = present()
    if now < BUILT_AFTER:
        return Point("clock", "wrong", f"it reads {now:%Y-%m-%d %H:%M} UTC, before tocsin was made")
    seen = datetime.fromisoformat(last) if last else None
    if seen is not None and seen - now > BEHIND:
        return Point("clock", "wrong", f"it is {seen - now} behind the last instant in the database")
    return Point("clock", "ok", f"{now:%Y-%m-%d %H:%M:%S} UTC")


def _handbook(settings: Settings) -> Point:
    folder = settings.handbook.path
    try:
        reading = read_handbook(None, folder, present(), channels=settings.channels)
    except OSError as error:
        return Point("handbook", "wrong", f"{folder}: {error.strerror}")
    counts = {
        level: sum(f.level == level for f in reading.findings) for level in ("error", "warning", "info")
    }
    words = ", ".join(f"{count} {level}" for level, count in counts.items() if count) or "no findings"
    if reading.blocked:
        return Point("handbook", "wrong", f"{folder}: {words}; it cannot be used: tocsin check")
    return Point("handbook", "note" if counts["warning"] else "ok", f"{folder}: {words}")


def _channels(settings: Settings) -> Point:
    if not settings.channels:
        return Point("channels", "wrong", "none is configured: nobody can be called; add [channel.<name>]")
    return Point("channels", "ok", ", ".join(f"{name} ({c.kind})" for name, c in settings.channels.items()))


def _disk(settings: Settings) -> Point:
    place = next(p for p in (settings.var, *settings.var.parents) if p.exists())
    free = shutil.disk_usage(place).free
    return Point(
        "disk", "ok" if free >= DISK_NEEDED else "wrong", f"{free // 1024 // 1024} MB free in {place}"
    )
