"""Text made harmless, times and references as people type them."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.cli import asked, output
from tocsin.cli.failure import Failure


@given(st.text())
def test_no_text_can_drive_a_terminal(text):
    shown = output.plain(text)
    assert all(c.isprintable() or c in " \u00a0\u3000" or ord(c) > 127 for c in shown)
    assert not {c for c in shown if ord(c) < 32 or 127 <= ord(c) < 160}


def test_escapes_are_spelled_out():
    assert output.plain("a\x1b[2Jb\rc\u202ed") == "a\\x1b[2Jb\\x0dc\\u202ed"
    assert output.plain("two\nlines") == "two lines"
    assert output.plain("two\nlines", lines=True) == "two\nlines"


def test_json_escapes_what_drives_a_terminal(capsys):
    output.emit_json({"title": "a\x1b[2J\u202e\x9b"})
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "\x9b" not in out


class Tty(io.StringIO):
    def isatty(self):
        return True


def test_no_color_is_honoured(monkeypatch):
    monkeypatch.setattr("sys.stdout", Tty())
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert output.STDOUT.style("late", "red") == "\x1b[31mlate\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert output.STDOUT.style("late", "red") == "late"


def test_no_colour_off_a_terminal(monkeypatch):
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert output.STDOUT.style("late", "red") == "late"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2026-11-24T13:05Z", "2026-11-24T13:05:00+00:00"),
        ("2026-11-24T13:05:07+01:00", "2026-11-24T13:05:07+01:00"),
        ("2026-11-24 13:05", "2026-11-24T13:05:00+00:00"),
    ],
)
def test_instants(typed, meant):
    assert asked.moment(typed, "--at") == meant


@pytest.mark.parametrize("typed", ["9:05", "09:05", "09:05:00"])
def test_a_clock_means_today_in_utc(typed):
    assert asked.moment(typed, "--at") == f"{asked.present():%Y-%m-%d}T09:05:00+00:00"


@pytest.mark.parametrize("typed", ["25:00", "noon", "", "2026-13-01"])
def test_no_time_is_wrong_use_naming_the_option(typed):
    with pytest.raises(Failure, match="--at") as failed:
        asked.moment(typed, "--at")
    assert failed.value.code == 2


@pytest.mark.parametrize("typed", ["2026-11-24", "20261124", " 2026-11-24 "])
def test_a_day_without_a_time_is_no_time(typed):
    with pytest.raises(Failure, match=r"--at.*say the time too") as failed:
        asked.moment(typed, "--at")
    assert (failed.value.code, failed.value.possible) == (2, "write 2026-11-24T13:05Z")


class Listing:
    """What is listed, and what is answered for one that is over: 404 unless said otherwise."""

    def __init__(self, *refs, drills=(), over=None):
        self.refs, self.drills, self.over = refs, drills, over or {}

    def get(self, path, **params):
        if path != "incidents":
            status = self.over.get(path.removeprefix("incidents/"), 404)
            if status != 200:
                raise Failure("refused", problem={"status": status})
            return {}
        rows = [{"ref": ref, "drill": ref in self.drills} for ref in self.refs]
        return {"incidents": rows, "next": None}


@pytest.mark.parametrize(
    ("typed", "refs", "meant"),
    [
        (None, ["INC-2026-0003"], "INC-2026-0003"),
        ("3", ["INC-2025-0003", "INC-2026-0004"], "INC-2025-0003"),
        ("#4", ["INC-2025-0003", "INC-2026-0004"], "INC-2026-0004"),
        ("inc-2026-7", [], "INC-2026-0007"),
        ("2026-7", [], "INC-2026-0007"),
        ("INC-2026-12345", [], "INC-2026-12345"),
    ],
)
def test_references(typed, refs, meant):
    assert asked.find_incident(Listing(*refs), typed) == meant


def test_a_number_that_is_not_open_is_of_this_year():
    assert asked.find_incident(Listing(), "9") == f"INC-{asked.present().year}-0009"


@pytest.mark.parametrize(("status", "kind"), [(200, "CHG"), (403, "CHG"), (404, "INC")])
def test_a_number_that_is_not_open_may_be_a_change(status, kind):
    year = asked.present().year
    over = Listing("INC-2020-0004", over={f"CHG-{year}-0009": status})
    assert asked.find_incident(over, "9") == f"{kind}-{year}-0009"
    assert asked.find_incident(over, f"{year}-9") == f"{kind}-{year}-0009"
    assert asked.find_incident(over, "INC-9") == f"INC-{year}-0009"


def test_a_server_that_cannot_say_is_not_taken_for_a_no():
    with pytest.raises(Failure):
        asked.find_incident(Listing(over={f"CHG-{asked.present().year}-0009": 503}), "9")


def test_without_a_reference_it_must_be_clear_which_is_meant():
    with pytest.raises(Failure, match="no incident is open"):
        asked.find_incident(Listing(), None)
    with pytest.raises(Failure, match="2 incidents are open: INC-2026-0001, INC-2026-0002"):
        asked.find_incident(Listing("INC-2026-0001", "INC-2026-0002"), None)


def test_drills_do_not_stand_in_the_way_of_the_only_real_one():
    a, b, c = "INC-2026-0001", "INC-2026-0002", "INC-2026-0003"
    assert asked.find_incident(Listing(a, b, c, drills=(a, c)), None) == b
    assert asked.find_incident(Listing(a, drills=(a,)), None) == a
    for unclear in (Listing(a, b, drills=(a, b)), Listing(a, b, c, drills=(a,))):
        with pytest.raises(Failure, match="incidents are open"):
            asked.find_incident(unclear, None)


@pytest.mark.parametrize(
    ("words", "ref", "rest"),
    [
        (["7", "text"], "7", ["text"]),
        (["text"], None, ["text"]),
        (["7"], None, ["7"]),
        (["INC-2026-0007", "SEV1"], "INC-2026-0007", ["SEV1"]),
    ],
)
def test_a_leading_reference_is_taken_off(words, ref, rest):
    assert asked.split_reference(words) == (ref, rest)
