"""`tocsin serve`: starts or says why not, is found, reads the handbook again, and ends cleanly."""

from __future__ import annotations

import json
import signal
import stat
import threading
import time
from dataclasses import replace

import httpx2
import pytest

from tocsin.cli.running import plan_for
from tocsin.config import Server, Settings


def test_it_says_one_line_and_logs_json(served):
    assert served.out.read_text().count("\n") == 1
    assert served.url in served.out.read_text()
    lines = [json.loads(line) for line in served.err.read_text().splitlines()]
    assert any(line["event"] == "ready" for line in lines)
    assert served.token not in served.out.read_text() + served.err.read_text()


def test_its_file_is_private_and_goes_with_it(served):
    assert stat.S_IMODE(served.server_file.stat().st_mode) == 0o600
    assert json.loads(served.server_file.read_text())["pid"] == served.process.pid
    assert served.stop() == 0
    assert not served.server_file.exists()


def test_commands_find_it_and_say_nothing_about_engines(acme, served, mailbox, until):
    done = acme.run("declare", "Sign-in loops", "--sev", "SEV1")
    assert done.stderr == ""
    until(lambda: any("You are called" in mail.subject for mail in mailbox.messages()), "the page")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_within_seconds_with_a_live_stream_open(served, number):
    opened, ended = threading.Event(), threading.Event()

    def listen():
        with served.http() as http, http.stream("GET", "/api/v1/events", timeout=30) as answer:
            for _ in answer.iter_lines():
                opened.set()
        ended.set()

    listener = threading.Thread(target=listen)
    listener.start()
    assert opened.wait(10)
    begin = time.monotonic()
    assert served.stop(number) == 0
    assert time.monotonic() - begin < 4
    listener.join(5)
    assert ended.is_set()


def test_a_command_under_way_is_finished(acme, served, start, any_port):
    acme.run("declare", "Sign-in loops", "--sev", "SEV1")
    assert served.stop() == 0
    start(acme, "serve", port=any_port())
    assert len(acme.json("list")["incidents"]) == 1


@pytest.mark.parametrize(
    ("host", "here"), [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("127.0.0.1", "127.0.0.1")]
)
def test_links_of_a_server_that_listens_everywhere_work_here(host, here, tmp_path):
    plan = plan_for(Settings(root=tmp_path), host, 9000)
    assert plan.local_url == plan.settings.server.base_url == f"http://{here}:9000"
    named = replace(Settings(root=tmp_path), server=Server(url="https://tocsin.acme.example"))
    assert plan_for(named, host, 9000).settings.server.base_url == "https://tocsin.acme.example"


def test_a_taken_port_is_said_clearly(acme, served, any_port):
    port = served.url.rsplit(":", 1)[1]
    done = acme.run("serve", "--port", port, expect=1)
    assert f"127.0.0.1:{port} cannot be used: Address already in use" in done.stderr
    assert "--port" in done.stderr


def test_a_locked_database_is_said_clearly(acme, served, any_port):
    done = acme.run("serve", "--port", str(any_port()), expect=1)
    assert f"in use by process {served.process.pid}" in done.stderr
    assert served.server_file.exists()


def test_settings_that_cannot_be_used_end_it_at_once(acme, any_port):
    toml = acme.folder / "tocsin.toml"
    toml.write_text(toml.read_text() + 'password = { env = "NOT_SET" }\n')
    done = acme.run("serve", "--port", str(any_port()), expect=2)
    assert "NOT_SET" in done.stderr


def ack_seconds(acme):
    levels = acme.json("handbook", "status")["policy"]["severities"]
    return next(level["ack_s"] for level in levels if level["level"] == "SEV1")


def edit(acme, old, new):
    page = acme.folder / "docs" / "ops" / "incident_response.md"
    page.write_text(page.read_text().replace(old, new))


def test_a_changed_handbook_is_read_again(acme, served, until):
    assert ack_seconds(acme) == 300
    edit(acme, "ack < 5m", "ack < 4m")
    until(lambda: ack_seconds(acme) == 240, "the new figure", within=10)


def test_sighup_reads_it_again_and_an_unusable_one_changes_nothing(acme, served, until):
    edit(acme, "## Severity levels", "## Levels of nothing")
    served.process.send_signal(signal.SIGHUP)
    until(lambda: "cannot be used" in served.err.read_text(), "the alarm")
    assert ack_seconds_of_blocked(acme) == 300
    assert httpx2.get(f"{served.url}/alarmz", trust_env=False).status_code == 503
    again = acme.run("handbook", "reload", expect=1)
    assert "the last good policy stays in force" in again.stdout
    edit(acme, "## Levels of nothing", "## Severity levels")
    assert "no findings" in acme.run("handbook", "reload").stdout


def ack_seconds_of_blocked(acme):
    status = acme.json("handbook", "status", expect=1)
    return next(level["ack_s"] for level in status["policy"]["severities"] if level["level"] == "SEV1")


def test_watching_follows_until_it_is_over(acme, served):
    ref = acme.json("declare", "Sign-in loops", "--sev", "SEV4")["ref"]
    found = []
    watcher = threading.Thread(target=lambda: found.append(acme.run("watch", ref, "--json")))
    watcher.start()
    acme.run("ack", "--as", "mei")
    acme.run("mitigate", "--evidence", "seen")
    acme.run("resolve", "--confirmed", "a", "--impact-ended", "b", "--errors-normal", "c")
    acme.run("action", ref, "change", "1", "--owner", "jonas")  # what the level leaves for the next sprint
    for _ in range(50):
        if acme.run("close", ref, expect=None).returncode == 0:
            break
    watcher.join(20)
    kinds = [json.loads(line)["kind"] for line in found[0].stdout.splitlines()]
    assert kinds[0] == "Opened"
    assert kinds[-1] == "Closed"
    assert "Acknowledged" in kinds


def test_a_server_that_is_named_needs_its_token(acme, served):
    done = acme.run("list", "--server", served.url, expect=1)
    assert "Sign in, or send a token" in done.stderr
    token = acme.json("token", "create", "--person", "mei", "--scope", "incident:read")["token"]
    there = {"TOCSIN_URL": served.url, "TOCSIN_TOKEN": token}
    assert acme.run("list", **there).stdout == "no incidents\n"
    refused = acme.run("declare", "x", expect=1, **there)
    assert "mei may not do this" in refused.stderr


def test_a_role_that_only_answers_calls_nobody(acme, start, any_port, mailbox):
    start(acme, "serve", "--role", "web", port=any_port())
    ref = acme.json("declare", "Sign-in loops", "--sev", "SEV1")["ref"]
    assert all(not page["sent"] for page in acme_pages(acme, ref))
    assert mailbox.messages() == ()


def acme_pages(acme, ref):
    server = json.loads((acme.folder / "var" / "server.json").read_text())
    headers = {"authorization": f"Bearer {server['token']}"}
    answer = httpx2.get(f"{server['url']}/api/v1/incidents/{ref}/pages", headers=headers, trust_env=False)
    return answer.json()["pages"]
