"""The whole first incident, as the guide tells it: `make run`, the printed lines, the mail, the log, the postmortem."""

from __future__ import annotations

import re
import shlex
import signal

import httpx2
import pytest


@pytest.fixture
def demo(clone, start, any_port):
    return start(clone, "demo", "--smtp-port", str(any_port()), port=any_port())


def printed(demo, until):
    """What it said on standard output, complete."""
    until(lambda: "Ctrl-C ends it" in demo.out.read_text(), "it says what to do")
    return demo.out.read_text()


def mails(demo):
    return httpx2.get(f"{demo.url}/dev/mailbox", trust_env=False).text


def typed(clone, text, words):
    """Type a printed line in a second terminal, in the same folder."""
    line = next(line.strip() for line in text.splitlines() if f"tocsin {words}" in line)
    command, *rest = shlex.split(line)
    assert command.endswith("tocsin")
    return clone.run(*rest)


def answer_every_question(draft):
    """As a person would: the draft asks in italics, and a sentence of ours takes the place of each question."""
    text, asked = re.subn(r"^_.+_$", "We know it now.", draft.read_text(), flags=re.MULTILINE)
    assert asked
    draft.write_text(text.replace("## Preventions\n", "## Preventions\n\nA release is tried out first.\n"))


def test_from_the_first_line_to_the_postmortem(clone, demo, until):
    text = printed(demo, until)
    called = re.search(r"on call\s+.*\((\w+)\)", text).group(1)

    declared = typed(clone, text, "declare").stdout
    ref = declared.splitlines()[0]
    assert re.fullmatch(r"INC-20\d\d-0001", ref)
    assert re.search(rf"^called  .*\b{called}\b", declared, re.MULTILINE)
    assert re.search(r"^acknowledge by \d\d:\d\d:\d\d UTC: tocsin ack", declared, re.MULTILINE)
    assert f"{demo.url}/i/{ref}" in declared

    until(lambda: "You are called" in mails(demo) and ref in mails(demo), "the page is in the mailbox")
    assert f"{called}@acme.example" in mails(demo)

    acked = typed(clone, text, "ack").stdout
    assert f"{called} acknowledged by cli" in acked
    assert "ack after" in acked
    typed(clone, text, "update")
    typed(clone, text, "mitigate")
    assert "nobody can sign in" in typed(clone, text, "show").stdout

    refused = clone.run("close", ref, expect=1)
    assert "it cannot be closed" in refused.stderr
    clone.run(
        "resolve", "--confirmed", "release 215", "--impact-ended", "no calls", "--errors-normal", "0.1 %"
    )
    ops = clone.folder / "var" / "acme" / "docs" / "ops"
    until((ops / "postmortems" / f"{ref}.md").is_file, "the draft of the postmortem")
    until(lambda: ref in (ops / "incidents.md").read_text(), "the row in the log")
    assert clone.run("close", "1", expect=1).stderr.startswith("tocsin: not yet")
    where = f"docs/ops/postmortems/{ref}.md"
    unwritten = clone.run("postmortem", "1", where, expect=1).stderr
    assert "not written yet" in unwritten
    assert "root cause" in unwritten
    answer_every_question(ops / "postmortems" / f"{ref}.md")
    clone.run("postmortem", "1", where)
    until(lambda: clone.run("close", "1", expect=None).returncode == 0, "closed")
    assert clone.json("show", "1")["stage"] == "closed"
    assert clone.git("status", "--porcelain") == ""


def test_every_folder_of_the_checkout_speaks_to_the_one_server(clone, demo, until):
    printed(demo, until)
    ref = clone.run("declare", "Sign-in loops", "--sev", "SEV1").stdout.splitlines()[0]
    tree = clone.folder / "var" / "acme"
    for folder in (tree, tree / "docs" / "ops", clone.folder / "examples"):
        there = type(clone)(folder, clone.environment)
        assert [row["ref"] for row in there.json("list")["incidents"]] == [ref], folder
        assert str(demo.process.pid) in there.run("doctor").stdout
    assert not (tree / "var" / "tocsin.db").exists()


def test_the_checkout_knows_the_handbook_that_is_served(clone, demo, until):
    printed(demo, until)
    ops = clone.folder / "var" / "acme" / "docs" / "ops"
    told = {point["name"]: point for point in clone.json("doctor")["points"]}
    assert told["settings"]["text"] == str(ops.parents[1] / "tocsin.toml")
    assert told["handbook"]["text"] == f"{ops}: no findings"
    assert "SEV1" in clone.run("card").stdout
    assert clone.run("check").stdout == "no findings\n"
    ref = clone.run("declare", "Sign-in loops", "--sev", "SEV3").stdout.splitlines()[0]
    clone.run(
        "resolve", "--confirmed", "release 215", "--impact-ended", "no calls", "--errors-normal", "0.1 %"
    )
    draft = ops / "postmortems" / f"{ref}.md"
    until(draft.is_file, "the draft of the postmortem")
    for named in (ref, f"docs/ops/postmortems/{ref}.md"):
        assert clone.run("postmortem", named, "--check", expect=1).stdout.startswith(
            f"{draft}\nstill to be written"
        )


def test_what_is_typed_in_the_copy_after_the_end_uses_the_same_database(clone, demo, until):
    printed(demo, until)
    clone.run("declare", "Sign-in loops", "--sev", "SEV4")
    assert demo.stop(signal.SIGINT) == 0
    tree = type(clone)(clone.folder / "var" / "acme", clone.environment)
    tree.run("declare", "While nothing runs", "--sev", "SEV4")
    assert [row["title"] for row in tree.json("list")["incidents"]] == ["While nothing runs", "Sign-in loops"]


def test_the_sign_in_link_works_and_stands_in_no_log(clone, demo, until):
    link = re.search(r"sign in\s+(\S+)", printed(demo, until)).group(1)
    assert httpx2.get(link, trust_env=False).status_code == 200
    assert link.rsplit("/", 1)[1] not in demo.err.read_text()


def test_its_copy_is_a_work_tree_that_outlives_it(clone, demo, start, any_port, until):
    tree = clone.folder / "var" / "acme"
    clone.run("declare", "Sign-in loops", "--sev", "SEV1")
    log = tree / "docs" / "ops" / "incidents.md"
    until(lambda: "Sign-in loops" in log.read_text(), "the row in the log")
    history = clone.git("log", "--format=%an %s", tree=tree)
    assert history == "Acme Handbook of Acme\n"
    assert demo.stop(signal.SIGINT) == 0
    assert not demo.server_file.exists()
    start(clone, "demo", "--smtp-port", str(any_port()), port=any_port())
    assert clone.git("log", "--format=%an %s", tree=tree) == history
    assert "Sign-in loops" in log.read_text()
    assert [row["title"] for row in clone.json("list")["incidents"]] == ["Sign-in loops"]
    assert clone.git("status", "--porcelain") == ""


def test_a_taken_port_is_named_with_the_way_out(clone, demo, start, any_port):
    port = int(demo.url.rsplit(":", 1)[1])
    second = clone.run("demo", "--port", str(port), "--smtp-port", str(any_port()), expect=1)
    assert f"127.0.0.1:{port} cannot be used" in second.stderr
    assert "PORT=" in second.stderr


def test_a_taken_mail_port_means_the_next_free_one(clone, demo, until, any_port, start, tmp_path):
    taken = int(re.search(r"SMTP on port (\d+)", printed(demo, until)).group(1))
    other = type(clone)(tmp_path / "other", clone.environment)
    clone.git("clone", "-q", str(clone.folder), str(other.folder))
    second = start(other, "demo", "--smtp-port", str(taken), port=any_port())
    assert int(re.search(r"SMTP on port (\d+)", printed(second, until)).group(1)) > taken
