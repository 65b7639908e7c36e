"""tocsin is in trouble and says so by ways of its own: the database gone, the mail channel down, a provider dead."""

from __future__ import annotations

import http.server
import json
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import structlog

from cli.conftest import free_port
from tocsin.config import Heartbeat, Secret, SelfAlarm, Watch
from tocsin.sentinel import Word
from tocsin.store.contract import StoreUnavailable
from tocsin.wiring import outside, self_alarm, telling
from tocsin.wiring.loop import Loop
from tocsin.wiring.pulse import OtherTocsin, Pulse
from tocsin.wiring.self_alarm import LONGEST_GAP_S, REPEAT_S, STEADY_S, SelfCheck, Standing, reasons_of
from tocsin.wiring.telling import Ways
from trouble.conftest import Builder, House, PostOffice, eventually, for_a_while

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
RED = Word("red", "tocsin is in trouble: x", "What is wrong:\n- x\n")


@dataclass
class Receiver:
    """Takes requests; `status` for all of them."""

    url: str = ""
    status: int = 200
    asked: list[str] = field(default_factory=list)
    posted: list[tuple[dict[str, str], Any]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            self._answer(b"{}")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.posted.append((dict(self.headers.items()), json.loads(body)))
            self._answer(b"")

        def _answer(self, body: bytes) -> None:
            self.send_response(made.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def other_post() -> Iterator[PostOffice]:
    office = PostOffice()
    office.open()
    yield office
    office.shut()


def mail_settings(office: PostOffice, **more: Any) -> SelfAlarm:
    url = f"smtp://127.0.0.1:{office.port}"
    return SelfAlarm(url=url, sender="tocsin@other.example", to=("ops@other.example",), **more)


def ways(settings: SelfAlarm) -> Ways:
    return Ways(settings, lambda: NOW)


def check(house: House, settings: SelfAlarm) -> SelfCheck:
    engine = house.engine
    return SelfCheck(ways(settings), reasons_of(engine), lambda: engine.stopping, "https://t.example")


def subjects(office: PostOffice) -> list[str]:
    return [mail.subject for mail in office.mails]


# --- what is told, and when ------------------------------------------------------------------------------


def said(*rounds: tuple[list[str], float], taken: bool = True) -> list[tuple[float, str, str]]:
    """What is told when the reasons are these at these seconds."""
    standing, words = Standing("https://t.example"), []
    for reasons, now in rounds:
        word = standing.see(reasons, now)
        if word is not None:
            words.append((now, word.state, word.subject.removeprefix("tocsin is ")))
            if taken:
                standing.told(word, now)
    return words


def lasting(reasons: list[str], begin: float, end: float) -> list[tuple[list[str], float]]:
    return [(reasons, float(now)) for now in range(int(begin), int(end), 10)]


def test_a_reason_is_told_once_again_each_half_hour_and_its_end_once() -> None:
    words = said(*lasting(["a"], 0, 4000), *lasting([], 4000, 4100))
    assert words == [
        (10, "red", "in trouble: a"),
        (10 + REPEAT_S, "still red", "still in trouble: a"),
        (10 + 2 * REPEAT_S, "still red", "still in trouble: a"),
        (4000 + STEADY_S, "well", "well again: https://t.example"),
    ]


def test_what_is_gone_at_the_next_look_is_not_told() -> None:
    assert said((["a"], 0), ([], 10), (["b"], 20), ([], 30), *lasting([], 40, 200)) == []


def test_a_further_reason_is_told_at_once_and_names_the_others() -> None:
    words = said(*lasting(["a"], 0, 100), *lasting(["a", "b"], 100, 200))
    assert words[1] == (110, "red", "in trouble: b (and 1 more)")


def test_another_count_is_the_same_reason_and_another_incident_is_another() -> None:
    reasons = [[f"{n} sends were due for over two minutes"] for n in range(10)]
    assert len(said(*((found, n * 10.0) for n, found in enumerate(reasons)))) == 1
    words = said(*lasting(["INC-2026-0001: nobody"], 0, 50), *lasting(["INC-2026-0002: nobody"], 50, 100))
    assert [subject for _, _, subject in words] == [
        "in trouble: INC-2026-0001: nobody",
        "in trouble: INC-2026-0002: nobody",
    ]


def test_a_reason_that_flickers_is_not_told_again_and_again() -> None:
    rounds = [(["a"] if n % 2 else [], n * 10.0) for n in range(60)]
    assert len(said(*lasting(["a"], -50, 0), *rounds)) == 1


def test_a_storm_of_new_reasons_is_few_words_and_none_waits_longer_than_five_minutes() -> None:
    """One incident that reaches nobody every ten seconds, for an hour."""
    standing, words = Standing("u"), []
    for n in range(360):
        word = standing.see([f"INC-2026-{k:04}: nobody" for k in range(n + 1)], n * 10.0)
        if word is not None:
            words.append((n * 10.0, word.state))
            standing.told(word, n * 10.0)
    times = [at for at, _ in words]
    assert times[:4] == [10, 30, 70, 150]
    assert len(words) < 20
    assert max(later - at for at, later in pairwise(times)) <= LONGEST_GAP_S


def test_what_comes_and_goes_is_not_told_each_time() -> None:
    """Half a minute wrong, half a minute well, for an hour."""
    rounds = [(["a"] if n % 6 < 3 else [], n * 10.0) for n in range(360)]
    words = said(*rounds, *lasting([], 3600, 4200))
    assert len(words) < 20
    assert words[-1][1] == "well"


def test_a_word_that_nobody_took_stays_due() -> None:
    assert [state for _, state, _ in said(*lasting(["a"], 0, 50), taken=False)] == ["red"] * 4


def test_hostile_reasons_are_one_harmless_line_each() -> None:
    standing = Standing("https://t.example")
    hostile = ["x\r\nBcc: all@b.example \x1b[2J\u202e"]
    standing.see(hostile, 0)
    word = standing.see(hostile, 10)
    assert word is not None
    assert "\r" not in word.subject + word.text
    assert "\x1b" not in word.text
    assert "\u202e" not in word.text


def test_many_reasons_are_counted() -> None:
    standing, many = Standing("u"), [f"INC-2026-{n:04}: nobody" for n in range(50)]
    standing.see(many, 0)
    word = standing.see(many, 10)
    assert word is not None
    assert "- and 30 more" in word.text


# --- ways ------------------------------------------------------------------------------------------------


def test_a_mail_goes_to_everybody_and_one_bad_address_keeps_nobody(other_post: PostOffice) -> None:
    other_post.refused.add("gone@other.example")
    settings = SelfAlarm(
        url=f"smtp://127.0.0.1:{other_post.port}",
        sender="Tocsin <tocsin@other.example>",
        to=("gone@other.example", "ops@other.example", "boss@other.example"),
    )
    assert ways(settings).tell(RED)
    assert [mail.to for mail in other_post.mails] == ["ops@other.example", "boss@other.example"]


def test_the_next_way_is_used_when_one_fails(
    other_post: PostOffice, receiver: Receiver, tmp_path: Path
) -> None:
    target = tmp_path / "told"
    script = "import os, sys; open(sys.argv[1], 'w').write(repr(sorted(os.environ)) + sys.stdin.read())"
    hook = (sys.executable, "-I", "-c", script, str(target))
    settings = mail_settings(
        other_post, webhook=Secret(f"{receiver.url}/hidden"), allow_loopback=True, hook=hook
    )
    assert ways(settings).tell(RED)
    assert (len(other_post.kept), len(receiver.posted), target.exists()) == (1, 0, False)
    other_post.shut()
    assert ways(settings).tell(RED)
    headers, body = receiver.posted[0]
    assert (headers["Title"], headers["Priority"], body["state"]) == (RED.subject, "5", "red")
    receiver.status = 500
    assert ways(settings).tell(RED)
    told = target.read_text()
    assert "What is wrong:" in told
    assert "TOCSIN_STATE" in told
    for name in ("HOME", "TOCSIN_TEST_RUN", "VIRTUAL_ENV"):
        assert f"'{name}'" not in told


def test_when_no_way_works_it_is_critical_and_no_secret_is_logged(receiver: Receiver) -> None:
    receiver.status = 500
    settings = SelfAlarm(
        url=f"smtp://127.0.0.1:{free_port()}",
        sender="a@other.example",
        to=("b@other.example",),
        webhook=Secret(f"{receiver.url}/hidden-token"),
        allow_loopback=True,
        hook=("/nowhere/siren",),
    )
    with structlog.testing.capture_logs() as logs:
        assert not ways(settings).tell(RED)
    assert logs[-1]["log_level"] == "critical"
    assert "hidden-token" not in json.dumps(logs)
    assert [entry["way"] for entry in logs if "way" in entry] == ["mail", "mail", "webhook", "hook"]


def test_a_program_that_hangs_is_ended_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "LIMIT_S", 0.5)
    mark = tmp_path / "alive"
    child = f"import time; time.sleep(2); open({str(mark)!r}, 'w')"
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    began = time.monotonic()
    assert not ways(SelfAlarm(hook=(sys.executable, "-c", script))).tell(RED)
    assert time.monotonic() - began < 1.9
    for_a_while(lambda: not mark.exists(), 2.2, "its child was ended too")


def test_a_program_that_cannot_be_killed_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It took the rights of another user, say."""

    def refused(*_: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(telling, "LIMIT_S", 0.1)
    monkeypatch.setattr(telling.os, "killpg", refused)
    telling_ways = ways(SelfAlarm(hook=("/bin/sleep", "4")))
    began = time.monotonic()
    assert not telling_ways.tell(RED)
    assert time.monotonic() - began < 2
    with structlog.testing.capture_logs() as logs:
        assert not any(telling_ways.tell(RED) for _ in range(telling.LEFT_MOST))
    assert "3 of /bin/sleep still run" in str(logs), "and there are never more of them"


def test_a_program_that_fails_told_nobody() -> None:
    assert not ways(SelfAlarm(hook=("/bin/false",))).tell(RED)
    assert ways(SelfAlarm(hook=("/bin/true",))).tell(RED)


def test_no_metadata_service_and_no_loopback_unless_allowed(receiver: Receiver) -> None:
    for url in ("http://169.254.169.254/x", receiver.url):
        assert not ways(SelfAlarm(webhook=Secret(url))).tell(RED)
    assert receiver.posted == []


def test_an_unfit_webhook_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValueError, match=r"self_alarm\.webhook") as caught:
        ways(SelfAlarm(webhook=Secret("https://user:hidden@h.example")))
    assert "hidden" not in str(caught.value)


# --- a whole program in trouble --------------------------------------------------------------------------


def test_it_tells_although_the_database_is_gone(
    house: House, other_post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any, **__: Any) -> Any:
        raise StoreUnavailable("the disk is gone")

    watching = check(house, mail_settings(other_post))
    watching.at(0)
    watching.at(10)
    assert other_post.kept == [], "all is well"
    with monkeypatch.context() as broken:
        for name in ("meta", "alarms"):
            broken.setattr(house.program.store, name, gone)
        watching.at(20)
        watching.at(30)
    assert subjects(other_post) == ["tocsin is in trouble: the database is not usable: see the log"]
    watching.at(40)
    watching.at(60)
    assert subjects(other_post)[1:] == ["tocsin is well again: https://t.example"]


def test_it_tells_although_the_mail_channel_is_down(house: House, other_post: PostOffice) -> None:
    house.post.refused.add("*")
    ref = house.declare()
    eventually(lambda: f"{ref}: nobody can be reached" in house.alarms(), "the siren")
    watching = check(house, mail_settings(other_post))
    watching.at(0)
    watching.at(10)
    assert len(other_post.kept) == 1
    assert f"{ref}: nobody can be reached" in other_post.mails[0].body


def test_it_tells_when_nothing_answers_any_more(
    house: House, other_post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(self_alarm, "LOOK_LIMIT_S", 0.05)
    release = threading.Event()

    def hang() -> list[str]:
        release.wait(20)
        return []

    watching = SelfCheck(ways(mail_settings(other_post)), hang, lambda: False, "u")
    try:
        watching.at(0)
        watching.at(10)
    finally:
        release.set()
    assert "tocsin cannot say how it is" in subjects(other_post)[0]


def test_a_look_that_hangs_stays_red_and_none_is_begun_beside_it(
    other_post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(self_alarm, "LOOK_LIMIT_S", 0.02)
    release, looks = threading.Event(), 0

    def hang() -> list[str]:
        nonlocal looks
        looks += 1
        release.wait(20)
        return []

    watching = SelfCheck(ways(mail_settings(other_post)), hang, lambda: False, "u")
    try:
        for now in range(0, 50, 10):
            watching.at(now)
        assert looks == 1
        assert len(other_post.kept) == 1
    finally:
        release.set()
    eventually(lambda: watching.at(60) or looks > 1, "it looks again once the other has come back")


def test_an_engine_that_ends_on_purpose_tells_nobody(build: Builder, other_post: PostOffice) -> None:
    house = build()
    watching = check(house, mail_settings(other_post))
    house.engine.stop()
    for now in range(0, 100, 10):
        watching.at(now)
    assert other_post.kept == []


def test_while_nobody_can_be_told_the_pause_grows(house: House, other_post: PostOffice) -> None:
    other_post.shut()
    tries: list[int] = []

    class Counting(Ways):
        def tell(self, word: Word) -> bool:
            tries.append(now)
            return super().tell(word)

    watching = SelfCheck(
        Counting(mail_settings(other_post), lambda: NOW), lambda: ["a"], lambda: False, "https://t.example"
    )
    for now in range(0, 400, 10):
        watching.at(now)
    assert tries == [10, 20, 40, 80, 160, 320]
    other_post.open()
    for now in range(400, 700, 10):
        watching.at(now)
    assert len(other_post.kept) == 1


def test_it_runs_by_itself_from_the_settings(
    build: Builder, other_post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outside, "CHECK_EVERY_S", 0.05)
    monkeypatch.setattr(self_alarm, "STANDS_S", 0.0)
    url = f"smtp://127.0.0.1:{other_post.port}"
    house = build(
        toml=f'[self_alarm]\nurl = "{url}"\nfrom = "tocsin@other.example"\nto = ["ops@other.example"]\n'
    )
    house.program.store.raise_alarm("somewhere", "something must be looked at", NOW)
    eventually(lambda: any("must be looked at" in s for s in subjects(other_post)), "it is told")
    house.program.store.clear_alarm("somewhere")


# --- the heartbeat, and another tocsin -------------------------------------------------------------------


def test_the_heartbeat_goes_out_only_while_all_is_well(build: Builder, receiver: Receiver) -> None:
    house = build()
    alive = [True]
    pulse = Pulse(
        Heartbeat(Secret(f"{receiver.url}/ping/1"), allow_loopback=True), house.engine, lambda: alive[0]
    )
    eventually(lambda: house.engine.not_ready() == [], "it is ready")
    pulse.once()
    assert receiver.asked == ["/ping/1"]
    alive[0] = False
    pulse.once()
    assert len(receiver.asked) == 1, "a loop beside it has ended"
    alive[0] = True
    house.engine.auditor.stop()
    pulse.once()
    assert len(receiver.asked) == 1, "the auditor does not run"


def test_no_heartbeat_goes_out_while_nothing_is_sent(build: Builder, receiver: Receiver) -> None:
    """A restored copy waits to be adopted: it is ready, and calls nobody."""
    house = build()
    pulse = Pulse(
        Heartbeat(Secret(f"{receiver.url}/ping/1"), allow_loopback=True), house.engine, lambda: True
    )
    eventually(lambda: house.engine.not_ready() == [], "it is ready")
    house.engine.hold("restored from a backup")
    pulse.once()
    assert receiver.asked == []
    house.engine.release("tomas")
    pulse.once()
    assert receiver.asked == ["/ping/1"]


def test_a_heartbeat_that_is_not_taken_is_said_once(build: Builder, receiver: Receiver) -> None:
    house = build()
    receiver.status = 500
    pulse = Pulse(
        Heartbeat(Secret(f"{receiver.url}/hidden"), allow_loopback=True), house.engine, lambda: True
    )
    with structlog.testing.capture_logs() as logs:
        pulse.once()
        pulse.once()
        receiver.status = 200
        pulse.once()
    said = [entry["event"] for entry in logs if "heartbeat" in entry["event"]]
    assert said == ["the heartbeat is not taken", "the heartbeat is taken again"]
    assert "hidden" not in json.dumps(logs)


def test_another_tocsin_is_watched(house: House, other_post: PostOffice, receiver: Receiver) -> None:
    nothing = timedelta(0)
    settings = Watch(receiver.url, after=nothing, alarmz_after=nothing, allow_loopback=True)
    other = OtherTocsin(settings, ways(mail_settings(other_post)), lambda: False)
    other.once()
    other.once()
    assert len(other_post.kept) == 1, "once, not with every look"
    assert "not as tocsin does" in other_post.mails[0].body
    assert receiver.asked == ["/readyz"] * 2


def test_an_unexpected_end_of_a_round_does_not_end_the_loop() -> None:
    rounds: list[int] = []
    over = threading.Event()

    def once() -> None:
        rounds.append(1)
        if len(rounds) == 1:
            raise KeyError("nobody thought of it")
        over.set()

    loop = Loop("test", 0.01, once)
    loop.start()
    assert over.wait(5)
    assert loop.alive()
    loop.stop()
    assert not loop.alive()


def test_a_round_that_hangs_is_not_alive_and_an_alarm(build: Builder, receiver: Receiver) -> None:
    house, release, begun = build(), threading.Event(), threading.Event()

    def once() -> None:
        begun.set()
        release.wait(20)

    loop = Loop("daily-page", 0.01, once, longest_s=0.05)
    assert loop.trouble() == "", "it has not begun"
    house.engine.companions.append(loop)
    pulse = Pulse(Heartbeat(Secret(f"{receiver.url}/ping/1"), allow_loopback=True), house.engine, loop.alive)
    loop.start()
    try:
        assert begun.wait(5)
        eventually(lambda: house.engine.alarmed() == ["the round daily-page hangs"], "it is an alarm")
        assert not loop.alive()
        eventually(lambda: house.engine.not_ready() == [], "it is ready")
        pulse.once()
        assert receiver.asked == [], "silence is the alarm"
    finally:
        release.set()
    eventually(loop.alive, "the rounds go on again")
    assert house.engine.alarmed() == []
    loop.stop()
    assert loop.trouble() == "", "it was ended"
