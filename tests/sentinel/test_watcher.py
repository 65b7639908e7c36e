"""When somebody is told, in made-up time; and what an answer of the other side means."""

from __future__ import annotations

import io
import json
import socketserver
import threading
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin import sentinel
from tocsin.sentinel import (
    Mail,
    Misused,
    Plan,
    Seen,
    Sentinel,
    Watcher,
    Word,
    judge_alarms,
    judge_ready,
    look,
    read_mail_url,
    read_place,
    seconds,
)

WELL = Seen((), ())
RED = Seen(("it cannot be reached: Connection refused",), None)
ALARMED = Seen((), ("INC-2026-0007: nobody can be reached",))
INTERVAL = 10


def told(*parts: tuple[Seen, int], taken: bool = True, **more: Any) -> list[tuple[int, str]]:
    """What is said while the looks are these, each for so many seconds; a look every ten seconds."""
    watcher = Watcher("https://t.example", **more)
    now, said = 0, []
    for seen, lasting in parts:
        for _ in range(lasting // INTERVAL):
            for trouble, word in watcher.see(seen, now):
                said.append((now, word.state))
                if taken:
                    trouble.told(word.state, now)
                else:
                    trouble.missed(now)
            now += INTERVAL
    return said


def test_it_is_told_once_after_the_time_and_again_each_half_hour() -> None:
    assert told((WELL, 100), (RED, 3700)) == [(150, "red"), (1950, "still red"), (3750, "still red")]


def test_well_again_is_said_once_and_only_where_red_was_said() -> None:
    assert told((RED, 100), (WELL, 600)) == [(50, "red"), (120, "well")]
    assert told((RED, 40), (WELL, 600)) == []


def test_a_clean_restart_says_nothing() -> None:
    assert told((WELL, 300), (RED, 30), (WELL, 300), (RED, 30), (WELL, 300)) == []


def test_a_process_that_starts_and_dies_again_and_again_is_one_trouble() -> None:
    rounds = [(RED, 30), (WELL, 10)] * 5
    assert told(*rounds) == [(50, "red")]


def test_a_word_that_nobody_took_comes_again_with_growing_pauses() -> None:
    """A mail server that is only too slow may have sent it each time."""
    times = [at for at, _ in told((RED, 1700), taken=False)]
    assert times == [50, 60, 80, 120, 200, 360, 660, 960, 1260, 1560]


def test_what_was_missed_in_one_outage_keeps_the_next_one_no_longer_than_a_pause() -> None:
    assert told((RED, 90), (WELL, 40), (RED, 100), taken=False) == [
        (50, "red"),
        (60, "red"),
        (80, "red"),
        (180, "red"),
    ]


def test_a_crash_loop_is_few_words() -> None:
    """A minute down, half a minute up, for an hour; well is what stays well."""
    said = told(*[(RED, 60), (WELL, 30)] * 40, (WELL, 400))
    assert said == [(50, "red"), (80, "well"), (140, "red"), (1940, "still red"), (3870, "well")]


def test_alarms_have_more_time_and_an_outage_does_not_end_them() -> None:
    assert told((ALARMED, 700), (RED, 300), (ALARMED, 100)) == [(600, "red"), (750, "red"), (1020, "well")]
    assert told((ALARMED, 590), (WELL, 100)) == []


@given(
    st.lists(
        st.tuples(st.sampled_from([WELL, RED]), st.integers(1, 60).map(lambda n: n * INTERVAL)), max_size=20
    )
)
def test_red_and_well_alternate_and_no_long_red_is_silent(parts: list[tuple[Seen, int]]) -> None:
    said = told(*parts)
    states = [state for _, state in said if state != "still red"]
    assert states == ["red", "well"] * (len(states) // 2) + ["red"] * (len(states) % 2)
    now = 0
    for seen, lasting in parts:
        if seen is RED and lasting > 60:
            before = [state for at, state in said if at < now + 60 and state != "still red"]
            assert before[-1:] == ["red"], "whoever is red for a minute has been told of"
        now += lasting


@pytest.mark.parametrize(
    ("status", "shape", "red"),
    [
        (200, {"status": "ready", "reasons": []}, ""),
        (200, {"status": "ready", "reasons": [], "tick_age_s": 29.0}, ""),
        (200, {"status": "ready", "reasons": [], "tick_age_s": 31.0}, "the tick is 31 s old"),
        (503, {"status": "not ready", "reasons": ["the desk does not run"]}, "the desk does not run"),
        (503, {"status": "not ready", "reasons": []}, "readyz answers 503"),
        (200, {"status": "not ready", "reasons": []}, "readyz answers 200"),
        (200, {"hello": "world"}, "not as tocsin does"),
        (502, b"<html>bad gateway</html>", "readyz answers 502, but not as tocsin does"),
        (200, [], "not as tocsin does"),
        (200, {"status": ["ready"]}, "not as tocsin does"),
        (200, b"[" * 60_000, "not as tocsin does"),
        (200, {"status": "ready", "tick_age_s": 10**400}, "the tick is 1000000000 s old"),
    ],
)
def test_what_an_answer_of_readyz_means(status: int, shape: Any, red: str) -> None:
    body = shape if isinstance(shape, bytes) else json.dumps(shape).encode()
    assert red in "; ".join(judge_ready(status, body))
    assert bool(judge_ready(status, body)) is bool(red)


def test_what_an_answer_of_alarmz_means() -> None:
    assert judge_alarms(200, b'{"status": "quiet", "reasons": []}') == ()
    assert judge_alarms(503, b'{"status": "alarmed", "reasons": ["a", "b"]}') == ("a", "b")
    assert judge_alarms(500, b"oops") == ("alarmz answers 500",)


def test_alarms_are_not_asked_for_while_it_is_red() -> None:
    def ask(path: str) -> tuple[int, bytes]:
        if path == "/readyz":
            raise ConnectionRefusedError(111, "Connection refused")
        raise AssertionError(path)

    assert look(ask) == RED


def test_reasons_from_the_other_side_are_harmless_in_a_mail() -> None:
    hostile = "x\r\nBcc: all@b.example\r\n\r\n\u202egnp \x1b[2J" + "y" * 9_999
    (reason,) = judge_ready(503, json.dumps({"status": "not ready", "reasons": [hostile]}).encode())
    assert len(reason) <= 300
    assert "\n" not in reason
    assert "\x1b" not in reason
    mail: EmailMessage = Mail("h", 25, "none", "a@b.example", ("c@b.example",))._mail(
        Word("red", f"tocsin: {hostile}", reason)
    )
    assert "Bcc" not in mail
    assert mail["Message-ID"].endswith("@b.example>")


class Grudging(socketserver.StreamRequestHandler):
    """Takes a mail for some only, and hangs up where a farewell is due."""

    taken: ClassVar[list[bytes]] = []

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        for line in self.rfile:
            word = line.upper()
            if word.startswith(b"QUIT"):
                return
            if word.startswith(b"DATA"):
                self.wfile.write(b"354 go on\r\n")
                self.taken.append(b"".join(iter(self.rfile.readline, b".\r\n")))
            gone = word.startswith(b"RCPT") and b"GONE@" in word
            self.wfile.write(b"550 nobody\r\n" if gone else b"250 fine\r\n")


def test_a_mail_that_was_taken_is_not_sent_again_and_who_was_refused_is_said() -> None:
    Grudging.taken.clear()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Grudging) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        way = Mail(
            "127.0.0.1", server.server_address[1], "none", "a@b.example", ("c@b.example", "gone@b.example")
        )
        watching = Sentinel(Plan("https://t.example", (way,)), threading.Event())
        assert watching.tell(Word("red", "tocsin: gone", "gone"))
        server.shutdown()
    assert len(Grudging.taken) == 1
    assert watching.unsaid == {way.name: "refused: gone@b.example"}


def test_a_log_that_takes_nothing_does_not_end_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is what people have to be told of."""

    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(28, "No space left on device")

    way = Deaf()
    watching = Sentinel(Plan("https://t.example", (way,), after=0), threading.Event(), lambda _: (503, b"{}"))
    monkeypatch.setattr("sys.stderr", Full())
    watching.once(0)
    assert way.told == ["red"]


@dataclass
class Deaf:
    """Takes every word."""

    name: str = "deaf"
    told: list[str] = field(default_factory=list)

    def send(self, word: Word) -> str:
        self.told.append(word.state)
        return ""


def test_many_reasons_are_few() -> None:
    body = json.dumps({"status": "not ready", "reasons": [str(n) for n in range(1000)]}).encode()
    assert len(judge_ready(503, body)) == 10


# --- the words of the command ----------------------------------------------------------------------------


def test_durations() -> None:
    assert [seconds(text) for text in ("45", "45s", "10m", "1h")] == [45, 45, 600, 3600]
    for text in ("", "0", "0s", "-1", "1d", "soon", "1.5s"):
        with pytest.raises(ValueError, match="a duration is written like"):
            seconds(text)


def test_places() -> None:
    assert [read_place(t) for t in ("80", "0.0.0.0:81", "[::1]:82")] == [
        ("127.0.0.1", 80),
        ("0.0.0.0", 81),
        ("::1", 82),
    ]
    for text in ("", "x", "0", "70000", "h:"):
        with pytest.raises(ValueError, match="a place to listen"):
            read_place(text)


def test_a_mail_server_is_read() -> None:
    mail = read_mail_url("smtps://me:p%40ss@mail.example", "a@b.example", ["c@b.example"], "")
    assert (mail.host, mail.port, mail.tls, mail.user, mail.password) == (
        "mail.example",
        465,
        "tls",
        "me",
        "p@ss",
    )
    assert "p@ss" not in repr(mail)
    assert "p@ss" not in mail.name
    assert read_mail_url("smtp://h?tls=starttls", "a@b", ["c@b"], "").port == 587


@pytest.mark.parametrize(
    ("url", "sender", "to", "why"),
    [
        ("https://mail.example", "a@b", ["c@d"], "is smtp://host:port"),
        ("smtp://", "a@b", ["c@d"], "is smtp://host:port"),
        ("smtp://h?tls=maybe", "a@b", ["c@d"], "is smtp://host:port"),
        ("smtp://h:port", "a@b", ["c@d"], "no address"),
        ("smtp://h", "", ["c@d"], "needs --from and --to"),
        ("smtp://h", "a@b", [], "needs --from and --to"),
        ("smtp://h", "a@b", ["ops"], "needs --from and --to"),
        ("smtp://u:hidden@mail.example", "a@b", ["c@d"], "unencrypted"),
        ("smtps://:hidden@mail.example", "a@b", ["c@d"], "belong together"),
    ],
)
def test_a_mail_server_that_cannot_be_used_is_refused(url: str, sender: str, to: list[str], why: str) -> None:
    with pytest.raises(Misused, match=why) as caught:
        read_mail_url(url, sender, to, "")
    assert "hidden" not in str(caught.value)


def test_an_answer_that_trickles_is_no_answer() -> None:
    release = threading.Event()
    try:
        with pytest.raises(TimeoutError, match="no answer within"):
            sentinel.Single().within(0.1, lambda: release.wait(20))
    finally:
        release.set()


def test_while_a_question_hangs_it_is_red_and_none_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would hold a thread and a connection."""
    release, asked = threading.Event(), []

    class Opener:
        def open(self, url: str, timeout: float) -> Any:
            asked.append((url, timeout))
            release.wait(20)
            raise OSError("gone")

    monkeypatch.setattr(sentinel, "_OPENER", Opener())
    monkeypatch.setattr(sentinel, "LOOK_LIMIT_S", 0.02)
    ask = sentinel.asker("https://t.example")
    try:
        seen = [look(ask) for _ in range(5)]
    finally:
        release.set()
    assert [found.state for found in seen] == ["red"] * 5
    assert len(asked) == 1


def test_a_way_that_hangs_is_not_tried_beside_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    release, tries = threading.Event(), []

    class Slow(Deaf):
        def send(self, word: Word) -> str:
            tries.append(word)
            release.wait(20)
            return ""

    monkeypatch.setattr(sentinel, "SEND_LIMIT_S", 0.02)
    watching = Sentinel(Plan("https://t.example", (Slow(),)), threading.Event())
    try:
        assert not any(watching.tell(Word("red", "tocsin: gone", "gone")) for _ in range(3))
    finally:
        release.set()
    assert len(tries) == 1


def test_a_body_that_trickles_gives_its_connection_back() -> None:
    class Trickle:
        def read1(self, _: int) -> bytes:
            return b"x"

    with pytest.raises(TimeoutError, match="trickles"):
        sentinel._read(Trickle(), 0.0)
