"""A server that keeps issues as GitHub documents it, and can be told to refuse, to be slow, or to drop an answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "ghp_kept_secret"
REPOSITORY = "acme/portal"
OWN = {"login": "tocsin-writes", "id": 7}


@dataclass(frozen=True)
class Refusal:
    """What is answered instead; `drop`: the request is carried out, and nothing is answered."""

    status: int = 0
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False


@dataclass
class GitHub:
    """`refusals` are used up one by one, by method (`POST`), by path or by `any`."""

    issues: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[tuple[str, Refusal]] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    port: int = 0
    repository: str = REPOSITORY
    by_app: bool = False
    """Whether the token is an app's, which is no user."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def asked(self, method: str) -> int:
        return sum(1 for request in self.requests if request[0] == method)

    def answer(self, method: str, target: str, headers: dict[str, str], body: Any) -> tuple[int, Any]:
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, {"message": "Bad credentials"}
        if urlsplit(target).path == "/user":
            return (403, {"message": "Resource not accessible by integration"}) if self.by_app else (200, OWN)
        path = urlsplit(target).path.removeprefix(f"/repos/{self.repository}/issues")
        if path == urlsplit(target).path:
            return 404, {"message": "Not Found"}
        if not path:
            return self._opened(body) if method == "POST" else (200, self._listed(target))
        number = int(path.strip("/"))
        if number > len(self.issues):
            return 404, {"message": "Not Found"}
        issue = self.issues[number - 1]
        if method == "PATCH":
            issue |= {name: value for name, value in body.items() if name in issue}
        return 200, issue

    def _opened(self, body: Any) -> tuple[int, Any]:
        if not body.get("title"):
            return 422, {
                "message": "Validation Failed",
                "errors": [{"field": "title", "code": "missing_field"}],
            }
        number = len(self.issues) + 1
        issue = {
            "number": number,
            "html_url": f"https://github.example/{self.repository}/issues/{number}",
            "title": body["title"].strip(),
            "body": body.get("body"),
            "state": "open",
            "state_reason": None,
            "user": OWN,
        }
        self.issues.append(issue)
        return 201, issue

    def _listed(self, target: str) -> list[Any]:
        asked = parse_qs(urlsplit(target).query)
        assert asked["state"] == ["all"]
        return self.issues[::-1][: int(asked["per_page"][0])]

    def refusal_of(self, method: str, target: str) -> Refusal | None:
        for at, (name, refusal) in enumerate(self.refusals):
            if name in {method, target, "any"}:
                del self.refusals[at]
                return refusal
        return None


@contextmanager
def github() -> Iterator[GitHub]:
    kept = GitHub()

    class Serve(BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            headers = {name.lower(): value for name, value in self.headers.items()}
            kept.requests.append((self.command, self.path, headers, body))
            refusal = kept.refusal_of(self.command, self.path)
            if refusal is not None and not refusal.drop:
                self.say(refusal.status, {"message": refusal.message}, refusal.headers)
                return
            status, answer = kept.answer(self.command, self.path, headers, body)
            if refusal is not None:
                self.close_connection = True
                self.connection.close()
                return
            self.say(status, answer, {})

        do_GET = do_POST = do_PATCH = handle_one  # noqa: N815

        def say(self, status: int, answer: Any, headers: Mapping[str, str]) -> None:
            content = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {"content-type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            return

        def finish(self) -> None:
            if not self.connection._closed:  # type: ignore[attr-defined]
                super().finish()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Serve)
    kept.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
