"""Calling people by hand at a shell: what it prints and refuses, with a server and without one."""

from __future__ import annotations

import re
import shutil

import pytest

from cli.conftest import ROOT, Shell, Starter, clean_environment, eventually, free_port

CODE = re.compile(r"([0-9]{8}) is your code")


def to_screen(shell: Shell) -> Shell:
    """The example, which pages to the server's own screen instead of a mail server."""
    shutil.copytree(ROOT / "examples" / "acme", shell.folder)
    settings = shell.folder / "tocsin.toml"
    text = settings.read_text("utf-8").split("[channel.mail]", maxsplit=1)[0]
    settings.write_text(f'{text}[channel.screen]\nkind = "console"\n', "utf-8")
    return shell


@pytest.fixture(scope="module")
def team(tmp_path_factory):
    home = tmp_path_factory.mktemp("team")
    shell = to_screen(Shell(home / "here", clean_environment(home)))
    starter = Starter()
    running = starter(shell, "serve", port=free_port())
    shell.screen = running.out  # type: ignore[attr-defined]
    yield shell
    starter.end()


@pytest.fixture
def alone(tmp_path):
    """No server runs: the command does it itself."""
    return to_screen(Shell(tmp_path / "here", clean_environment(tmp_path)))


def as_mei(shell, *words, **more):
    return shell.run(*words, "--as", "mei", **more)


def declared(shell) -> str:
    return str(shell.json("declare", "Ledger and bank differ", "--sev", "SEV2", "--as", "mei")["ref"])


def test_a_page_by_hand_tells_who_is_called_and_who_is_next(team):
    made = team.json("page", "@mei", "Can you look at the invoices?", "--as", "jonas")
    shown = team.run("show", made["ref"]).stdout
    assert re.search(r"called:\n +mei +since [0-9:]{8} +step 1 of 1 +screen (under way|taken)", shown), shown
    assert re.search(r"\n +next +[0-9:]{8} UTC +\w+", shown), shown
    as_mei(team, "ack", made["ref"])
    shown = team.run("show", made["ref"]).stdout
    assert re.search(r"\n +mei +has it until .* tocsin renew", shown), shown
    assert "is still on it" in as_mei(team, "renew", made["ref"]).stdout


def test_snooze_escalate_and_taking_back_at_a_shell(team):
    ref = declared(team)
    said = as_mei(team, "snooze", ref, "--for", "45m", "--because", "provider").stdout
    assert "snoozed" in said
    shown = team.run("show", ref).stdout
    assert re.search(r"snoozed +until .* by mei: provider", shown), shown
    as_mei(team, "escalate", ref, "--because", "beyond me")
    assert team.json("show", ref)["paging"] == "triggered"
    as_mei(team, "ack", ref)
    as_mei(team, "unack", ref, "--because", "I have to leave")
    view = team.json("show", ref)
    assert (view["paging"], view["calling"]["holds_until"]) == ("triggered", None)


def test_passing_on_and_calling_people_in(team):
    ref = team.json("page", "mei", "Look at it", "--as", "jonas")["ref"]
    refused = team.run("pass", ref, "--as", "tomas", expect=1)
    assert "is not being called" in refused.stderr
    as_mei(team, "pass", ref, "--because", "on a train")
    as_mei(team, "call", ref, "@tomas", "--because", "two more hands")
    assert "tomas" in {page["person"] for page in team.json("show", ref)["calling"]["pages"]}
    as_mei(team, "reassign", ref, "aisha", "--because", "her service")
    people = {page["person"] for page in team.json("show", ref)["calling"]["pages"]}
    assert "aisha" in people


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["snooze", "REF", "--because", "x"], 2, "either --for or --until"),
        (["snooze", "REF", "--for", "soon", "--because", "x"], 2, "no length of time"),
        (["snooze", "REF", "--for", "8d", "--because", "x"], 1, "7 days"),
        (["snooze", "REF", "--until", "2020-01-01T00:00Z", "--because", "x"], 1, "passed"),
        (["escalate", "REF"], 2, "--because is missing"),
        (["escalate", "REF", "--because", "  "], 1, "needs a reason"),
        (["call", "REF", "--because", "x"], 2, "is an incident"),
        (["call", "REF", "nobody-here", "--because", "x"], 1, "nobody is known as"),
        (["call", "REF", "schedule:moon", "--because", "x"], 1, "no schedule"),
        (["reassign", "REF", "role:king", "--because", "x"], 1, "no role"),
        (["page", "mei"], 2, "expected WHO TEXT"),
        (["page", "mei", "   "], 1, "says nothing"),
        (["page", "mei", "x", "--sev", "SEV9"], 1, "SEV9"),
        (["page", "test", "nobody-here"], 1, "nobody is known as"),
        (["contact", "add", "pigeon", "roof"], 1, "no channel"),
        (["contact", "verify", "screen", "1234"], 2, "eight digits"),
        (["contact", "verify", "screen", "12345678"], 1, "no code was sent"),
        (["contact", "remove", "screen"], 1, "no address of your own"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_odd_input_gets_a_clear_error(team, incident, words, code, says):
    failed = as_mei(team, *(incident if word == "REF" else word for word in words), expect=code)
    assert says in failed.stderr
    assert "Traceback" not in failed.stderr


@pytest.fixture(scope="module")
def incident(team) -> str:
    return declared(team)


def test_a_test_page_is_answered_by_its_number_and_stands_in_no_list(team):
    made = team.json("page", "test", "--as", "aisha")
    ref = made["ref"]
    assert ref.startswith("TEST-")
    assert ref not in team.run("list").stdout
    assert ref in team.run("list", "--tests").stdout
    assert "only she can answer it" in as_mei(team, "ack", ref, expect=1).stderr
    number = str(int(ref.rsplit("-", 1)[1]))
    answered = team.run("ack", number, "--as", "aisha").stdout
    assert ref in answered
    assert "answered" in answered


def test_an_own_address_counts_from_its_code_on(team):
    added = as_mei(team, "contact", "add", "screen", "mei at home").stdout
    assert "until it is entered nothing changes" in added
    code = eventually(lambda: CODE.search(team.screen.read_text("utf-8")), "the code on the screen")[1]
    listed = as_mei(team, "contact", "list").stdout
    assert re.search(r"screen +mei +of the roster .* mei at home waits for its code", listed), listed
    assert "mei at home" in as_mei(team, "contact", "verify", "screen", code).stdout
    assert re.search(
        r"screen +mei at home +your own +last arrived 0m ago", as_mei(team, "contact", "list").stdout
    )
    as_mei(team, "contact", "remove", "screen")
    assert re.search(r"screen +mei +of the roster", as_mei(team, "contact", "list").stdout)


def test_without_a_server_the_command_calls_by_itself_and_says_what_is_missing(alone):
    paged = alone.run("page", "mei", "Look at it", "--as", "jonas")
    assert "no engine is running" in paged.stderr
    ref = re.search(r"INC-[0-9-]+", paged.stdout)[0]
    assert "[SEV2 " in paged.stdout + paged.stderr
    as_mei(alone, "snooze", ref, "--for", "10m", "--because", "x")
    as_mei(alone, "escalate", ref, "--because", "y")
    tested = alone.run("page", "test", "--as", "mei")
    assert "TEST-" in tested.stdout
    added = as_mei(alone, "contact", "add", "screen", "mei at home")
    code = CODE.search(added.stdout + added.stderr)[1]
    as_mei(alone, "contact", "verify", "screen", code)
