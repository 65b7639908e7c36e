"""Speaks the HTTP API: to a configured server, to the one that runs here, or in process on the local database.

A POST carries an idempotency key of its own, so that asking again after a broken connection changes nothing twice.
"""

from __future__ import annotations

import importlib
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol, cast

import httpx2

from tocsin import config
from tocsin.cli.failure import MISUSED, REFUSED, Failure, misused
from tocsin.cli.output import STDERR, plain
from tocsin.cli.serverfile import RunningServer, find_servers, upwards
from tocsin.config import ClientEnvironment, ConfigError, Settings, client_environment

API: Final = "/api/v1/"
TRY_AGAIN_S: Final = 15.0
"""How long a broken connection is tried again."""
STARTING_S: Final = 20.0
"""How long a server that holds the database but does not answer yet is waited for."""
SAY_AFTER_S: Final = 2.0
"""Waiting longer than this is said."""
PAUSE_S: Final = 0.15
TIMEOUT: Final = httpx2.Timeout(30.0, connect=5.0)
_HANDLE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_MISUSE: Final = frozenset({400, 405, 415, 422})


class Connection(Protocol):
    """A way to the API."""

    def send(self, method: str, path: str, headers: dict[str, str], body: Any, params: dict[str, Any]) -> Any:
        """One request; an `httpx2.Response`. Bytes go as they are, all else as JSON. Raises httpx2.TransportError."""
        ...

    def finish(self) -> None:
        """What is left to do after a command that changed something."""
        ...

    def close(self) -> None:
        """End."""
        ...


def content_of(body: Any) -> dict[str, Any]:
    """How a body is handed to httpx2."""
    return {"content": body} if isinstance(body, bytes) else {"json": body}


class Wire:
    """To a server over HTTP."""

    def __init__(self, url: str, token: str | None) -> None:
        self.url = url.rstrip("/")
        headers = {"authorization": f"Bearer {token}"} if token else {}
        encrypted = self.url.startswith("https:")
        # A proxy of the environment must not get between a command and the server on the same machine.
        self.http = httpx2.Client(
            base_url=self.url, headers=headers, timeout=TIMEOUT, trust_env=encrypted, verify=encrypted
        )

    def send(
        self, method: str, path: str, headers: dict[str, str], body: Any, params: dict[str, Any]
    ) -> httpx2.Response:
        """One request over the wire."""
        return self.http.request(method, path, headers=headers, params=params, **content_of(body))

    def finish(self) -> None:
        """The server does everything else."""

    def close(self) -> None:
        """Close the connection."""
        self.http.close()


class Client:
    """The API for commands. `again` finds the server anew after a broken connection."""

    def __init__(self, way: Connection, acting_as: str | None, local: Local | None = None) -> None:
        self.way = way
        self._local = local
        self._as = {"tocsin-as": acting_as} if acting_as else {}

    def get(self, path: str, **params: Any) -> Any:
        """GET below /api/v1; parameters that are None are left out."""
        return self._ask("GET", path, {}, None, {k: _typed(v) for k, v in params.items() if v is not None})

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """POST below /api/v1; fields that are None are left out."""
        sent = {k: _typed(v) for k, v in (body or {}).items() if v is not None}
        return self._ask("POST", path, {"idempotency-key": uuid.uuid4().hex}, sent, {})

    def command(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """POST something that may call people; without a server, calls the first ones here."""
        answer = self.post(path, body)
        self.way.finish()
        return answer

    def upload(self, path: str, content: bytes, media_type: str, **params: Any) -> Any:
        """POST bytes below /api/v1."""
        headers = {"idempotency-key": uuid.uuid4().hex, "content-type": media_type}
        given = {k: _typed(v) for k, v in params.items() if v is not None}
        answer = self._ask("POST", path, headers, content, given)
        self.way.finish()
        return answer

    def text(self, path: str) -> str:
        """GET a plain text below /api/v1."""
        found: str = self._ask("GET", path, {}, None, {}, text=True)
        return found

    def delete(self, path: str, **params: Any) -> Any:
        """DELETE below /api/v1; parameters that are None are left out."""
        return self._ask("DELETE", path, {}, None, {k: v for k, v in params.items() if v is not None})

    def _ask(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: Any,
        params: dict[str, Any],
        *,
        text: bool = False,
    ) -> Any:
        until = time.monotonic() + TRY_AGAIN_S
        while True:
            try:
                answer = self.way.send(method, API + path, {**headers, **self._as}, body, params)
            except httpx2.TransportError as broken:
                self._reconnect(broken, until)
                continue
            if answer.status_code == 503 and time.monotonic() < until:
                time.sleep(PAUSE_S)
                continue
            if answer.status_code == 401 and self._local is not None and time.monotonic() < until:
                self._look_again()  # it was started anew, and its file with the new token is about to be there
                continue
            return answer.text if text and answer.is_success else _content(answer)

    def _reconnect(self, broken: httpx2.TransportError, until: float) -> None:
        """Wait a little and look for the server again: it may have been started anew with another token."""
        if time.monotonic() >= until:
            raise Failure(
                f"the server does not answer ({type(broken).__name__}); whether it was done is not known",
                possible="look with tocsin list, then ask again",
            ) from None
        self._look_again()

    def _look_again(self) -> None:
        time.sleep(PAUSE_S)
        found = self._local.server() if self._local else None
        if found is not None:
            self.way.close()
            self.way = Wire(found.url, found.token)


def _typed(value: Any) -> Any:
    """What was typed as text that can be sent: bytes of another encoding never keep anybody from declaring."""
    if not isinstance(value, str):
        return value
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _content(answer: httpx2.Response) -> Any:
    if answer.status_code == 204:
        return {}
    try:
        content = answer.json()
    except ValueError:
        content = None
    if answer.is_success and content is not None:
        return content
    if not isinstance(content, dict):
        raise Failure(f"the server answered {answer.status_code} and nothing that can be read")
    raise _refusal(answer.status_code, content)


def _refusal(status: int, problem: dict[str, Any]) -> Failure:
    """A problem document as a failure."""
    message = str(problem.get("detail") or problem.get("title") or f"refused with {status}")
    errors = problem.get("errors") or []
    if isinstance(errors, list):
        told = [_error(error) for error in errors]
        message += "".join(f"; {words}" for words in told if words not in message)
    possible = problem.get("possible") or ""
    if isinstance(possible, list):
        possible = ", ".join(str(one) for one in possible)
    return Failure(message, MISUSED if status in _MISUSE else REFUSED, str(possible), problem)


def _error(error: Any) -> str:
    if not isinstance(error, dict):
        return str(error)
    where = error.get("field") or error.get("loc") or error.get("pointer") or ""
    where = ".".join(str(part) for part in where) if isinstance(where, list) else str(where)
    what = error.get("message") or error.get("msg") or error.get("detail") or ""
    return f"{where}: {what}" if where else str(what)


class Local:
    """What runs or lies here: the server of a `var/server.json`, here or above, else the database of tocsin.toml."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def servers(self) -> Iterator[RunningServer]:
        """Those that run beside tocsin.toml, beside the current folder (`make run`), or above one of them."""
        return find_servers((*upwards(self.settings.root), *upwards(Path.cwd())))

    def server(self) -> RunningServer | None:
        """The nearest of them."""
        return next(self.servers(), None)

    def connect(self) -> Connection:
        """To the running server; else in process. Waits for one that is just starting."""
        begun, said = time.monotonic(), False
        while True:
            wire = next((wire for found in self.servers() if (wire := _answering(found))), None)
            if wire is not None:
                return wire
            try:
                return self._in_process()
            except Failure as failed:
                waited = time.monotonic() - begun
                if failed.code == MISUSED or waited >= STARTING_S:
                    raise
                if waited >= SAY_AFTER_S and not said:
                    said = True
                    STDERR.line(f"tocsin: waiting: {plain(failed.message)}")
            time.sleep(PAUSE_S)

    def _in_process(self) -> Connection:
        if self.settings.file is None:
            raise misused(
                "no server runs here and there is no tocsin.toml",
                "start one (tocsin serve, or make run), or name one with --server or TOCSIN_URL",
            )
        # Database, engine and web are heavy: commands that speak to a server never load them.
        module = importlib.import_module("tocsin.cli.inprocess")
        return cast("Connection", module.open_here(load_settings(self.settings.file, need_secrets=True)))


def _answering(server: RunningServer) -> Wire | None:
    """A connection, or None where nobody listens: its file is stale."""
    wire = Wire(server.url, server.token)
    try:
        wire.http.get("/healthz")
    except httpx2.ConnectError:
        wire.close()
        return None
    except httpx2.TransportError:
        return wire
    return wire


def load_settings(
    path: Path | None = None, *, start: Path | None = None, need_secrets: bool = False
) -> Settings:
    """The settings. Raises Failure for what cannot be used."""
    try:
        return config.load(path, start=start, need_secrets=need_secrets)
    except ConfigError as wrong:
        raise misused(str(wrong)) from None


def settings_here(path: Path | None = None) -> Settings:
    """The settings; where no tocsin.toml lies here or further up, those of the server that runs here.

    `make run` is started in a checkout and serves a handbook that lies below it. Raises Failure as `load_settings`.
    """
    found = load_settings(path)
    running = Local(found).server() if found.file is None else None
    place = Path(running.settings) if running and running.settings else None
    if place is None or not place.exists():
        return found
    return load_settings(place) if place.is_file() else load_settings(start=place)


@contextmanager
def connected(server: str | None, acting_as: str | None) -> Iterator[Client]:
    """A client for one command, closed at its end."""
    environment = client_environment()
    client = _client(server or environment.url, acting_as or environment.acting_as, environment)
    try:
        yield client
    finally:
        client.way.close()


def _client(url: str | None, acting_as: str | None, environment: ClientEnvironment) -> Client:
    person = acting_as.lstrip("@") if acting_as else None
    if person is not None and not _HANDLE.fullmatch(person):
        raise misused(f"{person!r} is no handle", "tocsin user list shows them all")
    if url is None:
        local = Local(load_settings())
        return Client(local.connect(), person, local)
    if not url.startswith(("http://", "https://")):
        raise misused(f"{url!r} is no address of a server", "it begins with http:// or https://")
    if environment.token is None:
        STDERR.line("tocsin: TOCSIN_TOKEN is not set: the server will most likely refuse")
    return Client(Wire(url, environment.token.reveal() if environment.token else None), person)
