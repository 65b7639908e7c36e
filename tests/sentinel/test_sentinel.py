"""The sentinel as a process: a killed tocsin is paged about, a restarted one is not, and a provider may fail."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from cli.conftest import TOCSIN, Running, Shell, Starter, free_port
from sentinel.conftest import OtherSide, Sentry, eventually, mail_words
from tocsin.channels.mailbox import Mailbox

QUICK = ["--interval", "1s", "--after", "2s", "--alarmz-after", "2s"]
PAGED_WITHIN_S = 90.0


def subjects(box: Mailbox) -> list[str]:
    return [mail.subject for mail in reversed(box.messages())]


def has(box: Mailbox, words: str) -> Callable[[], bool]:
    return lambda: any(words in subject for subject in subjects(box))


# --- a real tocsin ---------------------------------------------------------------------------------------


def test_a_tocsin_that_was_killed_is_paged_about_and_its_return_is_told(
    acme: Shell, start: Starter, sentry: Sentry, other_mailbox: Mailbox
) -> None:
    port = free_port()
    running = start(acme, "serve", port=port)
    watching = sentry(running.url, *QUICK, *mail_words(other_mailbox))
    eventually(lambda: "sentinel ready" in watching.lines, "it is watched")
    assert subjects(other_mailbox) == []

    running.stop(signal.SIGKILL)

    eventually(has(other_mailbox, "not ready"), "it is paged")
    (mail,) = other_mailbox.messages()
    assert (mail.to, mail.sender) == ("ops@b.example", "sentinel@b.example")
    assert "cannot be reached" in mail.body

    start(acme, "serve", port=port)

    eventually(has(other_mailbox, "well again"), "its return is told")
    assert len(subjects(other_mailbox)) == 2
    assert watching.stop() == 0


def test_a_clean_restart_pages_nobody(
    acme: Shell, start: Starter, sentry: Sentry, other_mailbox: Mailbox
) -> None:
    port = free_port()
    running = start(acme, "serve", port=port)
    words = ["--interval", "1s", "--after", "20s", *mail_words(other_mailbox)]
    watching = sentry(running.url, *words)
    eventually(lambda: "sentinel ready" in watching.lines, "it is watched")
    assert running.stop(signal.SIGTERM) == 0
    eventually(lambda: "sentinel red" in watching.lines, "the gap was seen")
    start(acme, "serve", port=port)
    eventually(lambda: watching.lines.count("sentinel ready") == 2, "it is seen to be well")
    assert watching.stop() == 0
    assert subjects(other_mailbox) == []
    assert "told" not in watching.lines


@pytest.mark.soak
def test_with_the_defaults_a_kill_is_paged_within_ninety_seconds_and_a_restart_is_not(
    acme: Shell, start: Starter, sentry: Sentry, other_mailbox: Mailbox
) -> None:
    port = free_port()
    running = start(acme, "serve", port=port)
    watching = sentry(running.url, *mail_words(other_mailbox))
    eventually(lambda: "sentinel ready" in watching.lines, "it is watched")
    for _ in range(3):
        assert running.stop(signal.SIGTERM) == 0
        running = start(acme, "serve", port=port)
        until = time.monotonic() + 35
        eventually(lambda until=until: time.monotonic() > until, "a while passes", within=40)
    assert subjects(other_mailbox) == [], "three clean restarts"

    running.stop(signal.SIGKILL)
    killed = time.monotonic()

    eventually(has(other_mailbox, "not ready"), "it is paged", within=PAGED_WITHIN_S)
    print(f"paged {time.monotonic() - killed:.0f} s after kill -9")


def test_the_command_does_the_same_as_the_file(served: Running, other_mailbox: Mailbox, acme: Shell) -> None:
    words = acme.run("sentinel", served.url, "--once", "--json", expect=None)
    shape = json.loads(words.stdout)
    assert (words.returncode == 0) is (shape["state"] == "ready")
    acme.run("sentinel", served.url, "--test", *mail_words(other_mailbox))
    assert has(other_mailbox, "a test of the sentinel")()
    assert acme.run("sentinel", served.url, expect=2).stderr.startswith("sentinel: nobody would be told")
    assert TOCSIN


# --- what is red, what is only alarmed -------------------------------------------------------------------


def test_an_old_tick_is_red_though_readyz_says_ready(
    sentry: Sentry, other_side: OtherSide, other_mailbox: Mailbox
) -> None:
    other_side.answers["/readyz"] = (200, {"status": "ready", "reasons": [], "tick_age_s": 400.4})
    sentry(other_side.url, *QUICK, *mail_words(other_mailbox))
    eventually(has(other_mailbox, "not ready"), "it is paged")
    assert "the tick is 400 s old" in other_mailbox.messages()[0].body


def test_alarms_that_stay_are_paged_with_their_reasons(
    sentry: Sentry, other_side: OtherSide, other_mailbox: Mailbox
) -> None:
    reason = "INC-2026-0007: nobody can be reached"
    other_side.answers["/alarmz"] = (503, {"status": "alarmed", "reasons": [reason]})
    watching = sentry(other_side.url, *QUICK, *mail_words(other_mailbox))
    eventually(has(other_mailbox, "alarmed"), "it is paged")
    assert reason in other_mailbox.messages()[0].body
    other_side.well()
    eventually(has(other_mailbox, "well again"), "and its end is told")
    assert watching.lines.count("sentinel alarmed") == 1, "one line for each change"


def test_it_is_repeated_while_it_lasts(sentry: Sentry, other_side: OtherSide) -> None:
    other_side.answers["/readyz"] = (503, {"status": "not ready", "reasons": ["the desk does not run"]})
    sentry(other_side.url, *QUICK, "--repeat", "2s", "--webhook", f"{other_side.url}/hook")
    eventually(lambda: len(other_side.posted) >= 3, "it is said again")
    assert [body["state"] for _, body in other_side.posted[:3]] == ["red", "still red", "still red"]
    headers, body = other_side.posted[0]
    assert headers["Title"] == body["title"]
    assert headers["Priority"] == "5"
    assert "the desk does not run" in body["text"]


# --- providers that fail ---------------------------------------------------------------------------------


def test_a_mail_server_that_is_gone_does_not_keep_the_webhook(sentry: Sentry, other_side: OtherSide) -> None:
    nowhere = f"smtp://127.0.0.1:{free_port()}"
    words = ["--smtp", nowhere, "--from", "a@b.example", "--to", "c@b.example"]
    watching = sentry(
        f"http://127.0.0.1:{free_port()}", *QUICK, *words, TOCSIN_SENTINEL_WEBHOOK=f"{other_side.url}/hidden"
    )
    eventually(lambda: other_side.posted, "the webhook is told")
    assert "not told: mail to c@b.example" in watching.lines
    assert "hidden" not in watching.lines


def test_when_no_way_takes_it_it_is_tried_again(sentry: Sentry, other_side: OtherSide) -> None:
    other_side.answers["/hook"] = (500, {})
    watching = sentry(f"http://127.0.0.1:{free_port()}", *QUICK, "--webhook", f"{other_side.url}/hook")
    eventually(lambda: len(other_side.posted) >= 3, "it goes on trying")
    del other_side.answers["/hook"]
    eventually(lambda: "sentinel told" in watching.lines, "until it is taken")


# --- two that watch each other, one look, the end --------------------------------------------------------


def test_a_sentinel_is_watched_by_another(
    sentry: Sentry, other_side: OtherSide, other_mailbox: Mailbox
) -> None:
    port = free_port()
    first = sentry(other_side.url, *QUICK, *mail_words(other_mailbox), "--listen", str(port))
    eventually(lambda: sentry.once(f"http://127.0.0.1:{port}", "--once").returncode == 0, "it answers")
    second = sentry(f"http://127.0.0.1:{port}", *QUICK, "--webhook", f"{other_side.url}/hook")
    eventually(lambda: "sentinel ready" in second.lines, "the second is content with the first")
    first.stop(signal.SIGKILL)
    eventually(lambda: other_side.posted, "the second pages about the first")


def test_a_sentinel_that_can_tell_nobody_is_alarmed_itself(sentry: Sentry, other_side: OtherSide) -> None:
    other_side.answers["/hook"] = (500, {})
    port = free_port()
    sentry(
        f"http://127.0.0.1:{free_port()}",
        *QUICK,
        "--webhook",
        f"{other_side.url}/hook",
        "--listen",
        str(port),
    )

    def alarmed() -> bool:
        found = json.loads(sentry.once(f"http://127.0.0.1:{port}", "--once", "--json").stdout)
        return bool(found["state"] == "alarmed" and "500" in found["alarms"][0])

    eventually(alarmed, "its alarmz is red")


@pytest.mark.parametrize(
    ("answers", "code", "said"),
    [
        ({}, 0, "is ready"),
        ({"/readyz": (503, {"status": "not ready", "reasons": ["x"]})}, 1, "is red: x"),
        ({"/alarmz": (503, {"status": "alarmed", "reasons": ["y"]})}, 1, "is alarmed: y"),
        ({"/readyz": (302, {})}, 1, "not as tocsin does"),
    ],
)
def test_one_look_and_a_verdict(
    sentry: Sentry, other_side: OtherSide, answers: dict[str, Any], code: int, said: str
) -> None:
    other_side.answers |= answers
    done = sentry.once(other_side.url, "--once")
    assert done.returncode == code
    assert said in done.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_once_when_it_is_told_to(sentry: Sentry, other_side: OtherSide, number: int) -> None:
    watching = sentry(other_side.url, "--webhook", f"{other_side.url}/hook")
    eventually(lambda: "sentinel ready" in watching.lines, "it runs")
    began = time.monotonic()
    assert watching.stop(number) == 0
    assert time.monotonic() - began < 3
    assert watching.lines.splitlines()[-1].endswith("sentinel stopped")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["http://127.0.0.1:1"], "nobody would be told"),
        (["ftp://127.0.0.1", "--once"], "URL is no http or https address"),
        (["http://127.0.0.1:1", "--webhook", "nowhere/hidden"], "--webhook is no http"),
        (["https://me:hidden@t.example", "--once"], "URL holds a user or password"),
        (["http://127.0.0.1:1", "--webhook", "https://me:hidden@t.example"], "--webhook holds a user"),
        (["http://127.0.0.1:1", "--once", "--after", "soon"], "--after"),
    ],
)
def test_what_cannot_work_is_refused(sentry: Sentry, words: list[str], why: str) -> None:
    done = sentry.once(*words)
    assert done.returncode == 2
    assert why in done.stderr
    assert "hidden" not in done.stderr


def test_the_password_comes_from_a_file_and_is_never_shown(
    sentry: Sentry, other_side: OtherSide, other_mailbox: Mailbox
) -> None:
    sentry.folder.mkdir(exist_ok=True)
    secret = sentry.folder / "password"
    secret.write_text("hidden-word\n")
    words = mail_words(other_mailbox)
    words[1] = words[1].replace("smtp://", "smtp://tocsin@")
    done = sentry.once(other_side.url, "--test", *words, "--password-file", str(secret))
    assert done.returncode == 1, "this mail server knows no sign-in"
    assert "hidden-word" not in done.stdout + done.stderr
