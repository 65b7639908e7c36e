"""Without a server: the command decides, calls the first people itself, and says that this was all."""

from __future__ import annotations

import json
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

NO_ENGINE = "no engine is running: nobody further will be called"


def test_the_first_page_goes_out_and_the_rest_is_said_to_be_missing(acme, mailbox):
    done = acme.run("declare", "Sign-in loops", "--sev", "SEV1")
    ref = done.stdout.splitlines()[0]
    subjects = [mail.subject for mail in mailbox.messages()]
    assert any(ref in subject and "You are called" in subject for subject in subjects)
    assert NO_ENGINE in done.stderr
    assert re.search(r"^called  \w+", done.stdout, re.MULTILINE)
    assert ref in (acme.folder / "docs" / "ops" / "incidents.md").read_text()


def test_a_page_that_did_not_get_out_is_named(acme, mailbox):
    mailbox.stop()
    done = acme.run("declare", "Sign-in loops", "--sev", "SEV1")
    assert "NOT SENT: page to" in done.stderr
    assert "by mail" in done.stderr
    assert re.search(r"^tried to call  \w+", done.stdout, re.MULTILINE)
    assert not re.search(r"^called ", done.stdout, re.MULTILINE)


def test_commands_at_the_same_time_wait_for_each_other(acme):
    with ThreadPoolExecutor(3) as people:
        done = list(people.map(lambda n: acme.run("declare", f"Trouble {n}", "--sev", "SEV4"), range(3)))
    assert len({one.stdout.splitlines()[0] for one in done}) == 3
    assert len(acme.json("list")["incidents"]) == 3


def test_looking_says_nothing_about_engines(acme):
    assert acme.run("list").stderr == ""
    assert acme.run("list").stdout == "no incidents\n"


def test_one_command_sees_what_another_did(acme):
    acme.run("declare", "Sign-in loops", "--sev", "SEV2")
    acme.run("ack", "--as", "mei")
    acme.run("note", "rolled back", "--as", "jonas")
    shown = acme.json("show")
    assert (shown["stage"], shown["paging"], shown["seats"]) == ("declared", "acked", {"ic": "mei"})
    assert [e["text"] for e in shown["timeline"] if e["by"] == "jonas"] == ["jonas: rolled back"]
    markdown = acme.run("show", "--markdown").stdout
    assert markdown.startswith(f"# {shown['ref']}: Sign-in loops\n")


def test_refused_is_one_and_says_what_is_possible(acme):
    acme.run("declare", "Sign-in loops", "--sev", "SEV2")
    done = acme.run("dismiss", "--because", "none", expect=1)
    assert "only triage can be dismissed" in done.stderr
    assert "possible now: mitigate or resolve it" in done.stderr
    problem = acme.json("dismiss", "--because", "none", expect=1)
    assert (problem["status"], problem["possible"]) == (409, "possible now: mitigate or resolve it")


def test_a_reference_that_is_not_there_is_refused(acme):
    assert "INC-1999-0001" in acme.run("ack", "INC-1999-0001", expect=1).stderr


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["update", "1", "--impact", "x"], "--eta is missing"),
        (["resolve", "1", "--confirmed", "x", "--impact-ended", "y"], "--errors-normal is missing"),
        (["mitigate", "1"], "--evidence is missing"),
        (["declare"], "TITLE is missing"),
        (["note", "1", "two", "words"], "expected [REF] TEXT"),
        (["ack", "seven"], "'seven' is no reference"),
        (["list", "--stage", "nonsense"], "stage"),
        (["declare", "x", "--detected", "later"], "--detected"),
    ],
)
def test_wrong_use_is_two_and_names_the_option(acme, words, named):
    assert named in acme.run(*words, expect=2).stderr


def test_a_level_that_the_handbook_does_not_have(acme):
    done = acme.run("declare", "x", "--sev", "SEV9", expect=1)
    assert "known levels: SEV1, SEV2, SEV3, SEV4" in done.stderr


def test_a_title_cannot_drive_the_terminal(acme):
    done = acme.run("declare", "a \u202e title", "--sev", "SEV3")
    assert "\u202e" not in done.stdout
    assert "\\u202e" in done.stdout
    assert "control character" in acme.run("declare", "a \x1b[2J title", expect=2).stderr


def test_bytes_of_another_encoding_keep_nobody_from_declaring(acme):
    done = acme.run("declare", b"St\xf6rung", "--sev", "SEV3")
    assert "St\ufffdrung" in done.stdout


@pytest.mark.parametrize("handle", ["tom\u00e1s", "Mei Tanaka", "mei\x1b[31m"])
def test_what_is_no_handle_is_wrong_use(acme, handle):
    done = acme.run("ack", "1", "--as", handle, expect=2)
    assert "is no handle" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_field_that_does_not_fit_is_named_once(acme):
    told = acme.run("declare", "x" * 301, expect=2).stderr
    assert told.count("title: holds more than 300 characters") == 1
    told = acme.run("declare", "x", "--detected", "1999-01-01T00:00Z", expect=2).stderr
    assert told.count("no instant of the years 2000 to 2199") == 1


@pytest.mark.parametrize("streams", ["| true", "> /dev/full", ">&-", "2>&- >&-"])
def test_where_nobody_reads_there_is_no_noise(acme, streams):
    done = subprocess.run(
        ["bash", "-c", f"{acme.command} oncall {streams}"],
        cwd=acme.folder,
        env=acme.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""


def test_a_stale_server_file_means_no_server(acme):
    folder = acme.folder / "var"
    folder.mkdir()
    stale = {"url": "http://127.0.0.1:9", "token": "tcs_old", "pid": os.getpid(), "boot": "x"}
    (folder / "server.json").write_text(json.dumps(stale))
    (folder / "server.json").chmod(0o600)
    assert NO_ENGINE in acme.run("declare", "Sign-in loops", "--sev", "SEV3").stderr


def test_without_settings_and_server_there_is_nothing_to_speak_to(shell):
    done = shell.run("declare", "x", expect=2)
    assert "no server runs here and there is no tocsin.toml" in done.stderr


def test_watching_needs_a_server(acme):
    acme.run("declare", "Sign-in loops", "--sev", "SEV3")
    assert "no server is running" in acme.run("watch", expect=1).stderr
