"""What would happen and what will hurt, at a terminal: beside a server, without one, and in a narrow window."""

from __future__ import annotations

import re

import pytest

from tocsin.cli import plan as plan_command
from tocsin.cli.output import STDOUT

AT = "2026-01-20T13:00Z"


def test_beside_a_server_the_plan_is_a_timetable(acme, served):
    out = acme.run("plan", "--sev", "SEV1", "--at", AT).stdout
    assert out.startswith("SEV1, declared 2026-01-20 13:00 UTC\nescalation handbook, high urgency\n")
    assert re.search(r"^ +\+0s  13:00:00  step 1, oncall:primary: jonas$", out, re.MULTILINE)
    assert re.search(r"^ +\+0s  13:00:00     call jonas by mail$", out, re.MULTILINE)
    assert re.search(r"^ +\+5m00s  13:05:00  ack runs out: < 5m \(SEV1\)$", out, re.MULTILINE)
    assert "after that" in out
    assert "fallback    role:ic: priya, mei, henrik" in out


def test_without_a_server_the_same_plan_is_made_in_process_and_nothing_is_opened(acme):
    found = acme.json("plan", "--sev", "SEV1", "--at", AT)
    assert found["people"][0] == "jonas"
    assert acme.json("list")["incidents"] == []


def test_a_plan_for_what_is_not_there_is_wrong_use(acme, served):
    done = acme.run("plan", "--sev", "SEV9", expect=2)
    assert "one of SEV1, SEV2, SEV3, SEV4" in done.stderr
    assert "whole day" in acme.run("plan", "--at", "2026-12-24", expect=2).stderr


def test_beyond_the_rotation_somebody_is_still_called(acme, served):
    assert acme.json("plan", "--at", "2033-12-24T23:00Z")["people"]


@pytest.mark.parametrize("width", [40, 59, 60, 80, 200])
def test_a_row_fits_into_any_terminal(width, monkeypatch, capsys):
    monkeypatch.setattr(plan_command, "width_of", lambda: width)
    text = "step 1, schedule:platform, person:somebody-with-a-long-name: " + ", ".join(["priya", "mei"] * 6)
    plan_command.say_row({"at": "2026-01-20T13:00:00Z", "after_s": 300, "kind": "step", "text": text})
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    assert " ".join(" ".join(lines).split()).endswith(" ".join(text.split()[-3:]))
    assert ("step" in lines[0]) == (width >= plan_command.NARROW)


def test_what_is_no_terminal_gets_a_fixed_width():
    assert plan_command.width_of() == plan_command.WIDE or STDOUT.stream.isatty()


def test_routes_are_tried_at_a_terminal(acme, served):
    out = acme.run(
        "route", "test", "--integration", "prometheus", "--label", "team=billing", "--at", AT
    ).stdout
    assert out.startswith("the handbook has no routes\n")
    assert "level       SEV2" in out
    assert "called at 2026-01-20 13:00 UTC: jonas by mail" in out


def test_a_label_without_a_value_is_wrong_use(acme, served):
    assert "write NAME=VALUE" in acme.run("route", "test", "--label", "team", expect=2).stderr


def test_readiness_ends_with_one_while_something_will_hurt(acme, served):
    done = acme.run("readiness", expect=1)
    assert re.search(r"^mei +ready +mail +never proven$", done.stdout, re.MULTILINE)
    assert "warning  never-proven  no page has ever arrived at mei" in done.stdout
    assert "tocsin page test mei" in done.stdout
    one = acme.run("readiness", "@mei", expect=1).stdout
    assert "priya" not in one
    assert "by the handbook" in one
    assert "nobody is known as 'zoe'" in acme.run("readiness", "zoe", expect=2).stderr
