"""Watches a tocsin from outside, and tells people by ways of its own when it is gone.

One file that needs nothing but Python 3.11: `tocsin sentinel URL`, or copied to another machine
`python3 sentinel.py URL`. What it watches is `readyz` (the node may get work, the tick is fresh) and `alarmz` (somebody
must look at something). A clean restart takes seconds and pages nobody; a process that was killed is paged about within
90 seconds. With `--listen` it answers the same questions about itself, so that two can watch each other.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import smtplib
import ssl
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType
from typing import Any, Final, Protocol, TypeVar
from urllib.error import HTTPError
from urllib.parse import parse_qsl, unquote, urlsplit

LOOK_LIMIT_S: Final = 10.0
"""Seconds for one question; after them the other side counts as unreachable."""
SEND_LIMIT_S: Final = 15.0
OLD_TICK_S: Final = 30.0
"""A tick that is older is red, whatever else `readyz` says."""
STEADY_LOOKS: Final = 2
"""Well means well for so many looks: a process that starts and dies again and again is one trouble, not many."""
FLICKERS: Final = 2
"""Red again and again within `FLICKER_S`, so many times: then well means well for `CALM_S`."""
FLICKER_S: Final = 1800.0
CALM_S: Final = 300.0
LONGEST_PAUSE_S: Final = 300.0
"""Between two tries to tell while no way takes it: one that is only too slow may have told people each time."""
_ANSWER_BYTES: Final = 65_536
_LAST_S: Final = 0.1
"""What was done a moment ago may still be leaving."""
_REASONS: Final = 10
_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]+")
_DURATION = re.compile(r"(\d{1,6})(s|m|h)?")
_UNITS: Final = {None: 1, "s": 1, "m": 60, "h": 3600}
_PORTS: Final = {"none": 25, "starttls": 587, "tls": 465}
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

FAILURES: Final = (OSError, HTTPException, smtplib.SMTPException, ValueError)
"""What a look or a send may raise."""

Answer = TypeVar("Answer")


# --- what was seen, and what it means --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seen:
    """One look: why it is not ready, and why it is alarmed; `alarms` is None where nobody could be asked."""

    reasons: tuple[str, ...]
    alarms: tuple[str, ...] | None

    @property
    def state(self) -> str:
        """`red`, `alarmed` or `ready`."""
        return "red" if self.reasons else "alarmed" if self.alarms else "ready"

    @property
    def words(self) -> str:
        """The state with its reasons."""
        return ": ".join(filter(None, (self.state, "; ".join(self.reasons or self.alarms or ()))))


Ask = Callable[[str], tuple[int, bytes]]
"""GET a path below the address that is watched: status and body. Raises OSError when there is no answer."""


def look(ask: Ask) -> Seen:
    """Ask `readyz`, then `alarmz`."""
    try:
        reasons = judge_ready(*ask("/readyz"))
    except OSError as lost:
        return Seen((f"it cannot be reached: {plain(_why(lost))}",), None)
    if reasons:
        return Seen(reasons, None)
    try:
        return Seen((), judge_alarms(*ask("/alarmz")))
    except OSError as lost:
        return Seen((), (f"alarmz cannot be read: {plain(_why(lost))}",))


def judge_ready(status: int, body: bytes) -> tuple[str, ...]:
    """Why this answer of `readyz` is red; empty when it is well."""
    said = _document(body)
    if said.get("status") not in ("ready", "not ready"):  # no set: whoever answers may send what has no hash
        return (f"readyz answers {status}, but not as tocsin does",)
    if status != 200 or said["status"] != "ready":
        return _reasons(said) or (f"readyz answers {status}",)
    age = said.get("tick_age_s")
    if isinstance(age, int | float) and age > OLD_TICK_S:
        return (f"the tick is {min(age, 1e9):.0f} s old",)
    return ()


def judge_alarms(status: int, body: bytes) -> tuple[str, ...]:
    """What is alarmed by this answer of `alarmz`; empty when all is quiet."""
    said = _document(body)
    if status == 200 and said.get("status") == "quiet":
        return ()
    return _reasons(said) or (f"alarmz answers {status}",)


def _document(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _reasons(said: dict[str, Any]) -> tuple[str, ...]:
    given = said.get("reasons")
    return tuple(plain(str(reason)) for reason in given[:_REASONS]) if isinstance(given, list) else ()


def plain(text: str, limit: int = 300) -> str:
    """One harmless line."""
    line = " ".join(_HIDDEN.sub(" ", text[: limit * 4]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _why(lost: OSError) -> str:
    inner = getattr(lost, "reason", None)
    told = inner if isinstance(inner, OSError) else lost
    return told.strerror or str(inner or lost) or type(told).__name__


# --- when somebody is told -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Word:
    """What people are told. `state`: `red`, `still red`, `well` or `test`."""

    state: str
    subject: str
    text: str


@dataclass(slots=True)
class Trouble:
    """One thing that can be wrong, in seconds of a clock that only goes forward."""

    what: str
    after: float
    repeat: float
    steady: float
    pause: float = 10
    """Until the second try to tell; it doubles from try to try."""
    since: float | None = None
    well_since: float | None = None
    told_at: float | None = None
    reasons: tuple[str, ...] = ()
    flickers: tuple[float, ...] = ()
    """When people were told that it is red, and when it was red again before they were told anything else."""
    missed_at: float = 0
    tries: int = 0

    def see(self, reasons: tuple[str, ...], now: float) -> str:
        """Which word is due: `red`, `still red`, `well`, or none; it stays due until `told`, with growing pauses."""
        due = self._due(reasons, now)
        return "" if self.tries and now - self.missed_at < self._pause() else due

    def _pause(self) -> float:
        return min(self.pause * 2.0 ** min(self.tries - 1, 20), LONGEST_PAUSE_S)

    def _due(self, reasons: tuple[str, ...], now: float) -> str:
        if reasons:
            if self.told_at is not None and self.well_since is not None:
                self._flickered(now)
            self.since, self.well_since, self.reasons = (
                self.since if self.since is not None else now,
                None,
                reasons,
            )
            if now - self.since < self.after:
                return ""
            if self.told_at is None:
                return "red"
            return "still red" if now - self.told_at >= self.repeat else ""
        if self.since is None:
            return ""
        self.well_since = self.well_since if self.well_since is not None else now
        if self.told_at is None:
            if now - self.well_since >= self.steady:
                self.since = None
            return ""
        flickers = sum(now - at < FLICKER_S for at in self.flickers)
        calm = max(self.steady, CALM_S) if flickers >= FLICKERS else self.steady
        return "well" if now - self.well_since >= calm else ""

    def told(self, state: str, now: float) -> None:
        """Somebody took the word."""
        self.tries = 0
        self.told_at = None if state == "well" else now
        if state == "well":
            self.since = self.well_since = None
        if state == "red":
            self._flickered(now)

    def _flickered(self, now: float) -> None:
        self.flickers = (*(at for at in self.flickers if now - at < FLICKER_S), now)

    def missed(self, now: float) -> None:
        """Nobody took the word, or not in time."""
        self.tries = self.tries + 1 if now - self.missed_at < FLICKER_S else 1
        self.missed_at = now

    def word(self, state: str, url: str, now: float) -> Word:
        """What is said about it."""
        lasted = _span(now - self.since) if self.since is not None else ""
        if state == "well":
            return Word(
                state, f"tocsin is well again: {url}", f"{url} is well again; {self.what} for {lasted}.\n"
            )
        lines = [f"{url}: {self.what} for {lasted}.", "", *(f"- {reason}" for reason in self.reasons), ""]
        lines.append(f"The next word comes in {_span(self.repeat)}, or when it is well again.")
        again = "still " if state == "still red" else ""
        return Word(state, f"tocsin: {again}{self.what}: {url}", "\n".join(lines) + "\n")


class Watcher:
    """Decides from looks what people are told, and when; it does nothing itself."""

    def __init__(
        self,
        url: str,
        *,
        after: float = 45,
        alarmz_after: float = 600,
        repeat: float = 1800,
        steady: float = 20,
        pause: float = 10,
    ) -> None:
        self.url = url
        self.down = Trouble("not ready, so perhaps nobody is paged,", after, repeat, steady, pause)
        self.alarmed = Trouble("alarmed", alarmz_after, repeat, steady, pause)

    def see(self, seen: Seen, now: float) -> list[tuple[Trouble, Word]]:
        """What has to be said now; the caller says `Trouble.told` or `Trouble.missed` of each."""
        found = [(self.down, self.down.see(seen.reasons, now))]
        if seen.alarms is not None:
            found.append((self.alarmed, self.alarmed.see(seen.alarms, now)))
        return [(trouble, trouble.word(state, self.url, now)) for trouble, state in found if state]


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


# --- ways to tell somebody -------------------------------------------------------------------------------


class Way(Protocol):
    """A way to tell people. `send` raises one of `FAILURES`."""

    @property
    def name(self) -> str:
        """How it is called in a log: no secret."""
        ...

    def send(self, word: Word) -> str:
        """Tell them; whom of them it could not tell, with the reason, or nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail server: `smtp://[user:password@]host[:port][?tls=starttls]` or `smtps://...`."""

    host: str
    port: int
    tls: str
    sender: str
    to: tuple[str, ...]
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        """Server and recipients."""
        return f"mail to {', '.join(self.to)} by {self.host}:{self.port}"

    def send(self, word: Word) -> str:
        """One mail to all. What the server says after it took the mail changes nothing: it is not sent again."""
        secure, own = ssl.create_default_context(), "[127.0.0.1]"
        server = (
            smtplib.SMTP_SSL(self.host, self.port, own, timeout=LOOK_LIMIT_S, context=secure)
            if self.tls == "tls"
            else smtplib.SMTP(self.host, self.port, own, timeout=LOOK_LIMIT_S)
        )
        with closing(server):
            if self.tls == "starttls":
                server.starttls(context=secure)
            if self.password:
                server.login(self.user, self.password)
            refused = server.send_message(self._mail(word), parseaddr(self.sender)[1], list(self.to))
            with suppress(*FAILURES):
                server.quit()
        return f"refused: {', '.join(sorted(refused))}" if refused else ""

    def _mail(self, word: Word) -> EmailMessage:
        mail = EmailMessage(policy=policy.SMTP)
        mail["From"], mail["To"], mail["Subject"] = self.sender, ", ".join(self.to), plain(word.subject)
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["Message-ID"] = make_msgid(domain=self.sender.rpartition("@")[2].strip("<> ") or "localhost")
        mail["Auto-Submitted"], mail["Importance"] = "auto-generated", "high"
        mail.set_content(word.text, charset="utf-8", cte="quoted-printable")
        return mail


@dataclass(frozen=True, slots=True)
class Hook:
    """An address that takes a POST with JSON; title and priority stand in the headers too, for a topic of ntfy."""

    url: str = field(repr=False)

    @property
    def name(self) -> str:
        """Host only: the path may hold a token."""
        return f"webhook at {urlsplit(self.url).hostname}"

    def send(self, word: Word) -> str:
        """One POST."""
        headers, body = posted(word)
        request = urllib.request.Request(self.url, body, headers, method="POST")  # noqa: S310
        with _OPENER.open(request, timeout=LOOK_LIMIT_S) as answer:
            answer.read(_ANSWER_BYTES)
        return ""


def posted(word: Word) -> tuple[dict[str, str], bytes]:
    """Headers and body of what a webhook gets."""
    shape = {"text": f"{word.subject}\n{word.text}", "title": word.subject, "state": word.state}
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "tocsin-sentinel",
        "Title": word.subject.encode("ascii", "replace").decode("ascii"),
        "Priority": "3" if word.state == "well" else "5",
    }
    return headers, json.dumps(shape).encode()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer like any other: whoever moved is looked for by people."""

    def redirect_request(self, *_: Any) -> None:
        return


_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


def asker(url: str) -> Ask:
    """Asks over HTTP, without proxies, at most so long; while a question hangs, there is no answer to the next."""

    def ask(path: str) -> tuple[int, bytes]:
        until = time.monotonic() + LOOK_LIMIT_S
        try:
            with _OPENER.open(url + path, timeout=LOOK_LIMIT_S) as answer:
                return answer.status, _read(answer, until)
        except HTTPError as refused:
            with refused:
                return refused.code, _read(refused, until)
        except (HTTPException, ValueError) as garbled:
            raise OSError(f"no HTTP: {type(garbled).__name__}") from None

    single = Single()
    return lambda path: single.within(LOOK_LIMIT_S, lambda: ask(path))


def _read(answer: Any, until: float) -> bytes:
    """The body, or the beginning of a long one. A trickle ends at its time, and gives the connection back."""
    body = bytearray()
    while len(body) < _ANSWER_BYTES and (part := answer.read1(_ANSWER_BYTES - len(body))):
        body += part
        if time.monotonic() > until:
            raise TimeoutError("the answer trickles")
    return bytes(body)


class Single:
    """Bounds work that may hang, one at a time: what hangs for ever costs one thread and no more."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None

    def within(self, limit_s: float, work: Callable[[], Answer]) -> Answer:
        """What `work` returns or raises; TimeoutError when it takes longer, whatever it waits for.

        As long as the last one still hangs, nothing is begun, and that is a TimeoutError too.
        """
        if self._thread is not None:
            self._thread.join(_LAST_S)
            if self._thread.is_alive():
                raise TimeoutError("the last try still hangs")
        found: list[Answer] = []
        failed: list[Exception] = []

        def run() -> None:
            try:
                found.append(work())
            except FAILURES as error:
                failed.append(error)

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        self._thread.join(limit_s)
        if failed:
            raise failed[0]
        if not found:
            raise TimeoutError(f"no answer within {limit_s:g} s")
        return found[0]


# --- the loop --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for."""

    url: str
    ways: tuple[Way, ...]
    interval: float = 10
    after: float = 45
    alarmz_after: float = 600
    repeat: float = 1800
    listen: tuple[str, int] | None = None
    as_json: bool = False


class Sentinel:
    """Looks, tells, waits; until `stop` is set."""

    def __init__(self, plan: Plan, stop: threading.Event, ask: Ask | None = None) -> None:
        self.plan = plan
        self.stop = stop
        self.unsaid: dict[str, str] = {}
        """Ways whose last word was not taken, with the reason."""
        self.looked_at = time.monotonic()
        self._ask = ask or asker(plan.url)
        steady = STEADY_LOOKS * plan.interval
        self._watcher = Watcher(
            plan.url,
            after=plan.after,
            alarmz_after=plan.alarmz_after,
            repeat=plan.repeat,
            steady=steady,
            pause=plan.interval,
        )
        self._sends = [(way, Single()) for way in plan.ways]
        self._state = ""

    def run(self) -> None:
        """One look each interval, counted from its beginning."""
        self.say("watches", f"{self.plan.url}, each {_span(self.plan.interval)}")
        while not self.stop.is_set():
            began = time.monotonic()
            self.once(began)
            self.stop.wait(max(0.0, began + self.plan.interval - time.monotonic()))
        self.say("stopped", "")

    def once(self, now: float) -> None:
        """Look, and tell what has to be told."""
        seen = look(self._ask)
        self.looked_at = time.monotonic()
        if seen.state != self._state:
            self._state = seen.state
            self.say(seen.state, seen.words)
        for trouble, word in self._watcher.see(seen, now):
            if self.stop.is_set():
                return
            if self.tell(word):
                trouble.told(word.state, now)
            else:
                trouble.missed(now)

    def tell(self, word: Word) -> bool:
        """By every way there is: whether at least one took it. The others are named in the log."""
        took = False
        for way, single in self._sends:
            try:
                missed = single.within(SEND_LIMIT_S, lambda way=way: way.send(word))  # type: ignore[misc]
            except FAILURES as failed:
                missed = f"{type(failed).__name__}: {failed}"
            else:
                took = True
                self.say("told", f"{way.name}: {word.subject}")
            self.unsaid.pop(way.name, None)
            if missed:
                self.unsaid[way.name] = plain(missed, 200)
                self.say("not told", f"{way.name}: {self.unsaid[way.name]}")
        return took

    def say(self, state: str, words: str) -> None:
        """One line on standard error; a log that takes none (a full disk, a closed pipe) ends nothing."""
        at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        if self.plan.as_json:
            line = json.dumps({"timestamp": at, "state": state, "words": words})
        else:
            line = f"{at} sentinel {state}" + (f": {words}" if words else "")
        with suppress(OSError, ValueError):
            sys.stderr.write(line + "\n")
            sys.stderr.flush()


def beacon(sentinel: Sentinel, place: tuple[str, int]) -> ThreadingHTTPServer:
    """Answers about the sentinel itself as a tocsin does about itself. Raises OSError where it cannot listen."""

    class Answers(BaseHTTPRequestHandler):
        timeout = LOOK_LIMIT_S

        def do_GET(self) -> None:
            """healthz, readyz, alarmz."""
            age = time.monotonic() - sentinel.looked_at
            patience = 3 * (sentinel.plan.interval + 2 * LOOK_LIMIT_S)
            old = [f"the last look is {age:.0f} s old"] if age > patience else []
            unsaid = [f"{way}: {why}" for way, why in sorted(sentinel.unsaid.items())]
            shapes: dict[str, tuple[str, list[str]]] = {
                "/healthz": ("ok", []),
                "/readyz": ("not ready" if old else "ready", old),
                "/alarmz": ("alarmed" if unsaid else "quiet", unsaid),
            }
            status, reasons = shapes.get(self.path, ("not found", ["there is healthz, readyz and alarmz"]))
            body = json.dumps({"status": status, "reasons": reasons}).encode()
            self.send_response(404 if status == "not found" else 503 if reasons else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Who asks is nobody's business."""

    server = ThreadingHTTPServer(place, Answers)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="beacon", daemon=True).start()
    return server


# --- the command -----------------------------------------------------------------------------------------


class Misused(Exception):
    """The command was called in a way that cannot work; says why, without a secret."""


def seconds(text: str) -> float:
    """`45`, `45s`, `10m`, `1h`. Raises ValueError."""
    found = _DURATION.fullmatch(text)
    if not found or int(found[1]) == 0:
        raise ValueError("a duration is written like 45s, 10m or 1h")
    return float(int(found[1]) * _UNITS[found[2]])


def read_mail_url(url: str, sender: str, to: Sequence[str], password: str) -> Mail:
    """The mail server. Raises Misused, which repeats no secret."""
    try:
        parts = urlsplit(url)
        query, port = dict(parse_qsl(parts.query)), parts.port
    except ValueError:
        raise Misused("--smtp is no address that can be used") from None
    tls = query.pop("tls", "none" if parts.scheme == "smtp" else "tls")
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or query or tls not in _PORTS:
        raise Misused("--smtp is smtp://host:port, smtp://host:port?tls=starttls or smtps://host:port")
    if not sender or not to or not all("@" in address for address in (sender, *to)):
        raise Misused("a mail needs --from and --to, each an address")
    secret = password or unquote(parts.password or "")
    if secret and tls == "none" and parts.hostname not in _LOOPBACK:
        raise Misused("the password would travel unencrypted: use smtps:// or ?tls=starttls")
    user = unquote(parts.username or "")
    if bool(user) != bool(secret):
        raise Misused("user and password belong together: give both or neither")
    return Mail(parts.hostname, port or _PORTS[tls], tls, plain(sender), tuple(map(plain, to)), user, secret)


def read_place(text: str) -> tuple[str, int]:
    """`PORT` or `HOST:PORT`. Raises ValueError."""
    host, _, port = text.rpartition(":")
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError("a place to listen is PORT or HOST:PORT")
    return host.strip("[]") or "127.0.0.1", int(port)


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="sentinel",
        description="Watches a tocsin from outside and pages when it is gone.",
        allow_abbrev=False,
    )
    made.add_argument("url", metavar="URL", help="address of the tocsin, or of another sentinel")
    made.add_argument("--smtp", metavar="URL", help="mail server; or TOCSIN_SENTINEL_SMTP")
    made.add_argument("--from", dest="sender", default="", metavar="ADDRESS", help="whom mails come from")
    made.add_argument("--to", action="append", default=[], metavar="ADDRESS", help="who is told; repeatable")
    made.add_argument("--password-file", metavar="PATH", help="password; or TOCSIN_SENTINEL_PASSWORD")
    made.add_argument("--webhook", metavar="URL", help="takes JSON by POST; or TOCSIN_SENTINEL_WEBHOOK")
    made.add_argument("--interval", type=seconds, default=10.0, help="between looks; 10s")
    made.add_argument("--after", type=seconds, default=45.0, help="so long not ready before a page; 45s")
    made.add_argument(
        "--alarmz-after", type=seconds, default=600.0, help="so long alarmed before a page; 10m"
    )
    made.add_argument("--repeat", type=seconds, default=1800.0, help="again while it lasts; 30m")
    made.add_argument("--listen", type=read_place, metavar="[HOST:]PORT", help="answer about itself there")
    made.add_argument("--once", action="store_true", help="look once; exit code 0 when all is well, else 1")
    made.add_argument(
        "--test", action="store_true", help="tell a test by every way; exit code 1 if one fails"
    )
    made.add_argument("--json", dest="as_json", action="store_true", help="lines and verdict as JSON")
    return made


def read_plan(asked: argparse.Namespace, environ: Mapping[str, str]) -> Plan:
    """Options and environment. Raises Misused."""
    url = str(asked.url).rstrip("/")
    _check_http(url, "URL")
    smtp = asked.smtp or environ.get("TOCSIN_SENTINEL_SMTP", "")
    hook = asked.webhook or environ.get("TOCSIN_SENTINEL_WEBHOOK", "")
    password = environ.get("TOCSIN_SENTINEL_PASSWORD", "")
    if asked.password_file:
        try:
            with open(asked.password_file, encoding="utf-8") as file:  # noqa: PTH123
                password = file.read(4096).strip("\r\n")
        except (OSError, UnicodeDecodeError):
            raise Misused(f"{asked.password_file} cannot be read") from None
    ways: list[Way] = []
    if smtp:
        ways.append(read_mail_url(smtp, asked.sender, asked.to, password))
    if hook:
        _check_http(hook, "--webhook")
        ways.append(Hook(hook))
    if not ways and not asked.once:
        raise Misused("nobody would be told: give --smtp with --from and --to, or --webhook, or --once")
    times = (asked.interval, asked.after, asked.alarmz_after, asked.repeat)
    return Plan(url, tuple(ways), *times, asked.listen, asked.as_json)


def _check_http(url: str, what: str) -> None:
    named = False
    try:
        parts = urlsplit(url)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        named = parts.username is not None
    except ValueError:
        fits = False
    if not fits:
        raise Misused(f"{what} is no http or https address")
    if named:  # it would be taken for the name of a host, and stand in every mail
        raise Misused(f"{what} holds a user or password, which cannot be sent")


def verdict(plan: Plan) -> int:
    """Look once and print it: 0 when it is ready and quiet, else 1."""
    seen = look(asker(plan.url))
    shape = {"state": seen.state, "reasons": seen.reasons, "alarms": seen.alarms}
    sys.stdout.write((json.dumps(shape) if plan.as_json else f"{plan.url} is {seen.words}") + "\n")
    return 0 if seen.state == "ready" else 1


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """The command: returns its exit code, 2 where it was misused."""
    asked = _parser().parse_args(argv)
    try:
        plan = read_plan(asked, os.environ if environ is None else environ)
    except Misused as wrong:
        sys.stderr.write(f"sentinel: {wrong}\n")
        return 2
    if asked.once:
        return verdict(plan)
    stop = threading.Event()
    sentinel = Sentinel(plan, stop)
    if asked.test:
        word = Word(
            "test", f"tocsin: a test of the sentinel of {plan.url}", "Nothing is wrong: this is a test.\n"
        )
        sentinel.tell(word)
        return 1 if sentinel.unsaid else 0
    try:
        server = beacon(sentinel, plan.listen) if plan.listen else None
    except OSError as taken:
        sys.stderr.write(f"sentinel: it cannot listen: {taken.strerror}\n")
        return 2

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    sentinel.run()
    if server is not None:
        server.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
