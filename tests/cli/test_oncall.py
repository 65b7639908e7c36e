"""`tocsin oncall` and `tocsin override` at a shell: what they print, what they refuse."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest

from cli.conftest import ROOT, Shell, Starter, clean_environment, free_port
from tocsin.cli.failure import Failure
from tocsin.cli.override import _when

DAY = timedelta(days=1)
BLOCK = """
## Exactly

```toml tocsin
[schedule.platform]
tz = "Europe/Stockholm"
[[schedule.platform.layer]]
name = "first"
rotation = { start = "2026-01-05T09:00", unit = "week", length = 1, members = ["priya", "jonas", "mei"] }
```
"""


@pytest.fixture(scope="module")
def team(tmp_path_factory):
    """The example with a schedule said exactly, served; all tests share it, each with days of its own."""
    home = tmp_path_factory.mktemp("team")
    shell = Shell(home / "here", clean_environment(home))
    shutil.copytree(ROOT / "examples" / "acme", shell.folder)
    document = shell.folder / "docs" / "ops" / "incident_response.md"
    document.write_text(document.read_text("utf-8") + BLOCK, "utf-8")
    starter = Starter()
    starter(shell, "serve", port=free_port())
    yield shell
    starter.end()


def ahead(days: int, hour: int = 12) -> datetime:
    day = datetime.now(UTC) + days * DAY
    return day.replace(hour=hour, minute=0, second=0, microsecond=0)


def shown(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%MZ}"


def override(team, *words: str, **more):
    return team.run("override", *words, "--as", "mei", **more)


def test_a_week_of_a_schedule_is_whole_minutes_without_holes(team):
    """docs/reference/oncall.md F1: the clock goes forward on 2026-03-29, and 09:00 stays 09:00."""
    span = ("--from", "2026-03-22T00:00Z", "--until", "2026-04-01T00:00Z")
    found = team.json("oncall", "platform", *span)
    assert found == [
        {"start": "2026-03-22T00:00Z", "end": "2026-03-23T08:00Z", "people": ["jonas"]},
        {"start": "2026-03-23T08:00Z", "end": "2026-03-30T07:00Z", "people": ["mei"]},
        {"start": "2026-03-30T07:00Z", "end": "2026-04-01T00:00Z", "people": ["priya"]},
    ]
    printed = team.run("oncall", "platform", *span).stdout.splitlines()
    assert printed[1] == "2026-03-23 08:00 UTC  2026-03-30 07:00 UTC  6d23h  mei"


def test_who_is_on_call_now_and_then(team):
    lines = team.run("oncall", "--at", "2026-03-24T12:00Z").stdout.splitlines()
    assert lines[0].split()[:2] == ["platform", "mei"]
    assert "until 2026-03-30 07:00 UTC" in lines[0]
    assert "then priya (Priya Natarajan)" in lines[0]
    assert [line.split()[0] for line in lines] == ["platform", "primary", "secondary"]
    done = team.run("oncall", "platform", "--at", "2026-03-30T07:00:59Z", "--json")
    assert json.loads(done.stdout)["schedules"][0]["people"] == ["priya"]
    assert "seconds were left out" in done.stderr


NO_STRETCH = [
    (("platform", "--from", "2026-03-22T00:00Z"), "--until is missing"),
    (("--from", "2026-03-22T00:00Z", "--until", "2026-03-23T00:00Z"), "which schedule is missing"),
    (("platform", "--from", "2026-03-22T00:00Z", "--until", "2026-03-22T00:00Z"), "T7"),
    (("platform", "--from", "2026-03-22T00:00Z", "--until", "2028-03-22T00:00Z"), "400 days"),
    (("platform", "--from", "2026-03-22", "--until", "2026-03-23T00:00Z"), "whole day"),
    (("platform", "--at", "12:00", "--from", "12:00", "--until", "13:00"), "--at does not go with"),
]


def test_a_stretch_that_is_none(team):
    for words, said in NO_STRETCH:
        assert said in team.run("oncall", *words, expect=2).stderr, words


def test_an_unknown_schedule_names_those_there_are(team):
    done = team.run("oncall", "nowhere", expect=1)
    assert "platform, primary, secondary" in done.stderr


def test_overriding_listing_and_ending(team):
    start, end = shown(ahead(2)), shown(ahead(3))
    span = ("--from", start, "--until", end)
    dry = override(team, "add", "platform", "--set", "henrik", *span, "--preview")
    assert "henrik +1d00h" in dry.stdout
    assert "henrik" not in override(team, "list", "platform").stdout
    made = override(team, "add", "platform", "--set", "henrik", *span, "--reason", "a journey")
    number = made.stdout.split()[1].rstrip(":")
    listed = override(team, "list", "platform").stdout
    [row] = [line for line in listed.splitlines() if line.startswith(number)]
    assert row.split()[:4] == [number, "waiting", "only", "henrik"]
    assert row.endswith("by mei  a journey")
    assert team.json("oncall", "platform", "--from", start, "--until", end) == [
        {"start": start, "end": end, "people": ["henrik"]}
    ]
    assert "is over" in override(team, "remove", "platform", number).stdout
    assert number not in override(team, "list", "platform").stdout
    assert f"{number}  over" in override(team, "list", "platform", "--all").stdout


def test_a_gap_is_named_and_needs_a_yes(team):
    span = ("--from", shown(ahead(5)), "--until", shown(ahead(6)))
    words = ("add", "platform", "--set", "nobody", *span, "--reason", "the office is closed")
    refused = override(team, *words, expect=1)
    assert f"{shown(ahead(5))} to {shown(ahead(6))}" in refused.stderr
    assert "--yes leaves the gap" in refused.stderr
    made = override(team, *words, "--yes")
    assert "GAP" in made.stderr
    assert "NOBODY" in team.run("oncall", "platform", "--at", shown(ahead(5))).stdout


def test_taking_the_pager(team):
    made = override(team, "take", "platform", "--json").stdout
    answer = json.loads(made)
    assert answer["override"]["users"] == ["mei"]
    assert team.json("oncall", "platform")["schedules"][0]["people"] == ["mei"]
    own = override(team, "take", "primary", "--until", shown(ahead(1)), "--json")
    assert json.loads(own.stdout)["override"]["end"] == shown(ahead(1))


UNFIT = [
    (("--set", "mei", "--from", "2030-03-31T02:30", "--until", "2030-04-01T00:00"), "does not exist"),
    (("--set", "mei", "--from", "now", "--until", "2030-10-27T02:30"), "happens twice"),
    (("--set", "mei", "--add", "jonas", "--from", "now", "--until", "23:59"), "do not go together"),
    (("--from", "now", "--until", "23:59"), "is missing"),
    (("--replace", "mei", "--from", "now", "--until", "23:59"), "belong together"),
    (("--set", "ghost", "--from", "now", "--until", shown(ahead(1))), "nobody is known as"),
    (("--set", "mei", "--from", "soon", "--until", "23:59"), "is no time"),
    (("--set", "mei", "--from", "2026-03-22", "--until", "23:59"), "is no time"),
    (("--set", "mei", "--from", shown(ahead(2)), "--until", shown(ahead(1))), "T7"),
    (("--set", "mei", "--from", "now", "--until", "23:59", "--tz", "Mars/Olympus"), "no time zone"),
    (("--set", "mei", "--from", "now", "--until", shown(ahead(1)), "--layer", "x"), "no layer"),
]


def test_what_does_not_fit_is_refused(team):
    for words, said in UNFIT:
        assert said in override(team, "add", "platform", *words, expect=2).stderr, words


def test_a_zone_that_only_the_server_knows_is_said(monkeypatch):
    """Another machine, with older time zones."""
    with pytest.raises(Failure, match="does not know the time zone 'Europe/Atlantis'"):
        _when("09:00", "--from", "Europe/Atlantis")


def test_times_are_the_schedules_clock_or_another_one(team):
    words = (
        "add",
        "platform",
        "--set",
        "henrik",
        "--from",
        "2027-02-01T09:00",
        "--until",
        "2027-02-02T09:00",
    )
    for zone, start in (((), "2027-02-01T08:00Z"), (("--tz", "America/New_York"), "2027-02-01T14:00Z")):
        done = override(team, *words, *zone, "--preview", "--json")
        assert json.loads(done.stdout)["preview"]["changes"][0]["start"] == start
