"""Who is on call over the wire, schedules as they come out, and changing them for a while."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tocsin.domain.schedules import Layer, Rotation, Schedule
from tocsin.store.contract import ADJUSTMENTS_FROM
from tocsin.wiring import overrides
from web.running import Served, served

PLATFORM = "/api/v1/schedules/platform"
NOW = datetime(2026, 3, 20, 12, 0, 30, tzinfo=UTC)
PEOPLE = ("jonas", "mei", "priya")


class Stopped:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Stopped:
    return Stopped()


@pytest.fixture
def rostered(tmp_path: Path, clock: Stopped) -> Iterator[Served]:
    """With a schedule of two layers: a weekly turn, and one of ours who is there on weekdays only by shifts."""
    with served(tmp_path, clock=lambda _: clock) as running:
        rotation = Rotation("2026-01-05T09:00", "week", tuple((p,) for p in PEOPLE))
        layers = (
            Layer("first", 1, "Europe/Stockholm", rotation=rotation),
            Layer("early", 2, "Europe/Stockholm"),
        )
        schedule = Schedule("platform", "Europe/Stockholm", layers)
        contexts = running.program.engine.contexts
        policy = replace(contexts.live.policy, schedules=(schedule,))
        running.program.store.activate_policy("with-platform", policy, None, clock.now())
        contexts.live = replace(contexts.live, policy=policy)
        running.program.refresh_people()
        yield running


def ask(server: Served, path: str, who: str | None = "mei", status: int = 200, **params: Any) -> Any:
    with server.local(who) as client:
        answer = client.get(path, params=params)
    assert answer.status_code == status, answer.text
    return answer.json()


def send(server: Served, path: str, who: str | None = "mei", status: int = 201, **body: Any) -> Any:
    with server.local(who) as client:
        answer = client.post(path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def change(server: Served, status: int = 201, **body: Any) -> Any:
    given = {
        "kind": "set",
        "users": ["mei"],
        "start": "2026-03-21T08:00Z",
        "end": "2026-03-22T08:00Z",
        **body,
    }
    return send(server, f"{PLATFORM}/overrides", status=status, **given)


def on_call(server: Served, at: str) -> list[str]:
    found = ask(server, "/api/v1/oncall", at=at, schedule="platform")
    people: list[str] = found["schedules"][0]["people"]
    return people


def journal(server: Served) -> list[str]:
    rows = ask(server, "/api/v1/journal", None)["journal"]
    return [f"{row['kind']} {row['detail']}" for row in rows]


# --- who ------------------------------------------------------------------------------------------------------------


def test_who_is_on_call_until_when_and_who_is_next(rostered: Served) -> None:
    found = ask(rostered, "/api/v1/oncall")
    assert [row["name"] for row in found["schedules"]] == ["platform", "primary", "secondary"]
    platform = found["schedules"][0]
    assert (platform["people"], platform["until"], platform["next"]) == (
        ["mei"],
        "2026-03-23T08:00Z",
        ["priya"],
    )
    assert platform["names"]["mei"] == "Mei Tanaka"
    assert found["primary"] == found["schedules"][1]["people"]
    assert found["floored"] is False


def test_seconds_are_left_out_and_that_is_said(rostered: Served) -> None:
    found = ask(rostered, "/api/v1/oncall", at="2026-03-23T08:00:59Z")
    assert (found["at"], found["floored"]) == ("2026-03-23T08:00:00Z", True)
    stretch = ask(
        rostered, f"{PLATFORM}/final", **{"from": "2026-03-23T07:00:30Z", "until": "2026-03-23T09:00Z"}
    )
    assert (stretch["from"], stretch["floored"]) == ("2026-03-23T07:00Z", True)


def test_the_final_schedule_is_contiguous_and_minimal_over_the_night_that_is_short(rostered: Served) -> None:
    """oncall.md F1: the hand-over stays at 09:00 of the clock, whatever the clock does."""
    span = {"from": "2026-03-28T00:00Z", "until": "2026-04-10T00:00Z"}
    found = ask(rostered, f"{PLATFORM}/final", **span)["intervals"]
    assert found == [
        {"start": "2026-03-28T00:00Z", "end": "2026-03-30T07:00Z", "people": ["priya"]},
        {"start": "2026-03-30T07:00Z", "end": "2026-04-06T07:00Z", "people": ["jonas"]},
        {"start": "2026-04-06T07:00Z", "end": "2026-04-10T00:00Z", "people": ["mei"]},
    ]


def test_people_stand_by_handle_and_shifts_say_where_they_come_from(rostered: Served) -> None:
    """oncall.md F3."""
    made = change(rostered, kind="add", users=[], add="henrik")["override"]["seq"]
    span = {"from": "2026-03-21T00:00Z", "until": "2026-03-22T00:00Z", "shifts": "true"}
    found = ask(rostered, f"{PLATFORM}/final", **span)
    assert found["intervals"][1]["people"] == ["henrik", "mei"]
    assert [made] in [origin["adjustments"] for origin in found["shifts"][-1]["origins"]]
    assert found["shifts"][0]["origins"][0]["layer"] == "first"


@pytest.mark.parametrize(
    ("span", "field"),
    [
        ({"from": "2026-03-28T00:00Z", "until": "2026-03-28T00:00:59Z"}, "until"),
        ({"from": "2026-03-28T00:00Z", "until": "2026-03-27T00:00Z"}, "until"),
        ({"from": "2026-03-28T00:00Z", "until": "2027-05-03T00:00Z"}, "until"),
        ({"from": "2026-03-28T00:00Z"}, "until"),
        ({"from": "yesterday", "until": "2027-05-03T00:00Z"}, "from"),
        ({"from": "2026-03-28T00:00Z", "until": "2026-03-29T00:00Z", "as_of": "2020-01-01T00:00Z"}, "as_of"),
    ],
)
def test_a_stretch_that_is_none_is_refused_by_name(
    span: dict[str, str], field: str, rostered: Served
) -> None:
    problem = ask(rostered, f"{PLATFORM}/final", status=422, **span)
    assert problem["errors"][0]["field"] == field


def test_an_unknown_schedule_names_those_there_are(rostered: Served) -> None:
    for path, params in (
        ("/api/v1/schedules/nowhere/overrides", {}),
        ("/api/v1/oncall", {"schedule": "nowhere"}),
    ):
        problem = ask(rostered, path, status=404, **params)
        assert "platform, primary, secondary" in problem["possible"]


def test_every_schedule_with_its_zone_and_layers(rostered: Served) -> None:
    found = ask(rostered, "/api/v1/schedules")["schedules"]
    assert (found[0]["name"], found[0]["tz"], found[0]["version"]) == ("platform", "Europe/Stockholm", 0)
    assert [layer["name"] for layer in found[0]["layers"]] == ["first", "early"]
    assert found[1]["name"] == "primary"


# --- overriding -----------------------------------------------------------------------------------------------------


def test_an_override_counts_at_once_everywhere_and_says_who_and_why(rostered: Served) -> None:
    answer = change(rostered, users=["priya"], reason="mei is ill")
    assert answer["override"]["author"] == "mei"
    assert answer["override"]["state"] == "waiting"
    assert answer["version"] == answer["override"]["seq"] >= ADJUSTMENTS_FROM
    assert on_call(rostered, "2026-03-21T12:00Z") == ["priya"]
    assert on_call(rostered, "2026-03-22T08:00Z") == ["mei"]
    assert any("priya" in row and "by mei" in row and "mei is ill" in row for row in journal(rostered))


def test_a_preview_changes_nothing_and_says_who_gains_and_loses(rostered: Served) -> None:
    """oncall.md V5."""
    answer = change(rostered, status=200, users=["priya"], preview=True)
    assert answer["override"] is None
    assert answer["preview"]["people"] == [
        {"person": "mei", "gained_s": 0, "lost_s": 86400},
        {"person": "priya", "gained_s": 86400, "lost_s": 0},
    ]
    assert answer["preview"]["changes"] == [
        {"start": "2026-03-21T08:00Z", "end": "2026-03-22T08:00Z", "before": ["mei"], "after": ["priya"]}
    ]
    assert answer["preview"]["end"] == "2026-05-15T12:00Z"
    assert ask(rostered, f"{PLATFORM}/overrides")["overrides"] == []
    assert on_call(rostered, "2026-03-21T12:00Z") == ["mei"]


def test_a_gap_within_two_weeks_must_be_confirmed(rostered: Served) -> None:
    """oncall.md F5."""
    gone = {"kind": "remove", "users": [], "remove": "mei", "reason": "nobody is there"}
    problem = change(rostered, status=409, **gone)
    assert problem["errors"] == [
        {"field": "confirm", "message": "gap 2026-03-21T08:00Z to 2026-03-22T08:00Z"}
    ]
    assert on_call(rostered, "2026-03-21T12:00Z") == ["mei"]
    change(rostered, confirm=True, **gone)
    assert on_call(rostered, "2026-03-21T12:00Z") == []
    later = {**gone, "remove": "priya", "start": "2026-04-14T08:00Z", "end": "2026-04-15T08:00Z"}
    assert change(rostered, **later)["preview"]["gaps"] == [
        {"start": "2026-04-14T08:00Z", "end": "2026-04-15T08:00Z"}
    ]


def test_replace_chains_count_in_the_order_in_which_they_were_made(rostered: Served) -> None:
    """oncall.md A6."""
    change(rostered, kind="replace", users=[], remove="mei", add="jonas")
    change(rostered, kind="replace", users=[], remove="jonas", add="henrik")
    assert on_call(rostered, "2026-03-21T12:00Z") == ["henrik"]
    seqs = [row["seq"] for row in ask(rostered, f"{PLATFORM}/overrides")["overrides"]]
    assert seqs == sorted(seqs)


def test_an_override_of_a_layer_lets_the_lower_one_show(rostered: Served) -> None:
    """oncall.md A9: set only counts where the layer has somebody."""
    answer = change(rostered, layer="early", users=["henrik"])
    assert answer["warnings"] == ["it changes nobody's time on call"]
    change(rostered, layer="first", users=["henrik"])
    assert on_call(rostered, "2026-03-21T12:00Z") == ["henrik"]


UNFIT: list[tuple[dict[str, Any], str, str]] = [
    ({"end": "2026-03-21T08:00Z"}, "end", "T7"),
    ({"end": "2026-03-21T08:00:59Z"}, "end", "T7"),
    ({"end": "2026-03-20T08:00Z"}, "end", "T7"),
    ({"start": "2026-03-20T11:54Z"}, "start", "R12"),
    ({"end": "2027-06-01T08:00Z"}, "end", "400 days"),
    ({"users": ["nobody-at-all"]}, "users", "A8"),
    ({"users": []}, "reason", "L3"),
    ({"layer": "third"}, "layer", "A9"),
    ({"kind": "add", "users": [], "add": "mei", "layer": "first"}, "layer", "A9"),
    ({"kind": "replace", "users": []}, "remove", "A2"),
    ({"kind": "replace", "users": [], "remove": "mei"}, "add", "A2"),
    ({"kind": "replace", "users": [], "remove": "mei", "add": "mei"}, "add", "A2"),
    ({"kind": "remove", "users": [], "add": "mei"}, "remove", "A3"),
    ({"kind": "add", "users": ["mei"], "add": "mei"}, "users", "A3"),
    ({"add": "mei"}, "add", "A1"),
    ({"start": "2026-03-29T02:30", "end": "2026-03-30T02:30"}, "start", "T9"),
    ({"start": "2026-10-24T02:30", "end": "2026-10-25T02:30"}, "end", "T9"),
    ({"start": "2026-02-30T08:00Z"}, "start", ""),
    ({"start": "1969-01-01T08:00Z"}, "start", ""),
    ({"start": "tomorrow"}, "start", ""),
    ({"kind": "swap"}, "kind", ""),
    ({"expect": -1}, "expect", ""),
    ({"until": "2026-03-22T08:00Z"}, "until", ""),
]


def test_what_does_not_fit_is_refused_naming_field_and_rule(rostered: Served) -> None:
    for wrong, field, rule in UNFIT:
        problem = change(rostered, status=422, **wrong)
        assert (problem["errors"][0]["field"], rule in problem["detail"]) == (field, True), wrong
    assert ask(rostered, f"{PLATFORM}/overrides")["overrides"] == []


def test_a_time_that_does_not_exist_is_proposed_and_one_that_comes_twice_is_asked_about(
    rostered: Served,
) -> None:
    """oncall.md T9."""
    gap = change(rostered, status=422, start="2026-03-29T02:30", end="2026-03-30T02:30")
    assert gap["possible"] == "write 2026-03-29T03:00+02:00"
    twice = change(rostered, status=422, start="2026-10-24T02:30", end="2026-10-25T02:30")
    assert twice["possible"] == "write 2026-10-25T02:30+02:00 or 2026-10-25T02:30+01:00"


@pytest.mark.parametrize("end", ["2026-03-29T24:00", "2026-03-29T24:00Z", "2026-03-29T24:30"])
def test_an_end_at_24_00_is_refused_in_words(rostered: Served, end: str) -> None:
    """oncall.md T8: in a handbook it ends a span; an instant has one way to be written."""
    problem = change(rostered, status=422, start="2026-03-28T09:00", end=end)
    assert problem["errors"][0]["field"] == "end"
    assert "00:00 of the next one" in problem["detail"]


def test_a_reading_without_an_offset_is_the_schedules_clock(rostered: Served) -> None:
    made = change(rostered, start="2026-03-28T09:00", end="2026-03-29T09:00")["override"]
    assert (made["start"], made["end"]) == ("2026-03-28T08:00Z", "2026-03-29T07:00Z")


def test_two_people_do_not_overwrite_each_other(rostered: Served) -> None:
    """oncall.md V3."""
    seen = change(rostered, status=200, preview=True)["version"]
    change(rostered, users=["priya"], expect=seen)
    problem = change(rostered, status=409, users=["jonas"], expect=seen)
    assert "meanwhile" in problem["detail"]
    assert on_call(rostered, "2026-03-21T12:00Z") == ["priya"]


def test_of_two_at_the_same_instant_one_is_told(rostered: Served) -> None:
    """oncall.md V3."""
    seen = change(rostered, status=200, preview=True)["version"]
    statuses: list[int] = []

    def both(person: str) -> None:
        body = {"kind": "set", "users": [person], "start": "2026-03-21T08:00Z", "end": "2026-03-22T08:00Z"}
        with rostered.local(person) as client:
            statuses.append(client.post(f"{PLATFORM}/overrides", json={**body, "expect": seen}).status_code)

    threads = [threading.Thread(target=both, args=(person,)) for person in ("mei", "priya")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201, 409]


def test_the_same_key_makes_one_override(rostered: Served) -> None:
    body = {"kind": "set", "users": ["priya"], "start": "2026-03-21T08:00Z", "end": "2026-03-22T08:00Z"}
    with rostered.local("mei") as client:
        headers = {"Idempotency-Key": "once"}
        answers = [client.post(f"{PLATFORM}/overrides", json=body, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len(ask(rostered, f"{PLATFORM}/overrides")["overrides"]) == 1


# --- ending ---------------------------------------------------------------------------------------------------------


def end(server: Served, seq: int, **params: Any) -> httpx2.Response:
    with server.local("mei") as client:
        return client.delete(f"{PLATFORM}/overrides/{seq}", params=params)


def test_one_that_has_begun_ends_now_and_is_never_deleted(rostered: Served, clock: Stopped) -> None:
    """oncall.md A10."""
    seq = change(rostered, users=["priya"])["override"]["seq"]
    clock.at = datetime(2026, 3, 21, 12, 0, tzinfo=UTC)
    answer = end(rostered, seq).json()
    assert answer["override"]["revoked_at"] == "2026-03-21T12:00Z"
    assert answer["preview"]["people"][0] == {"person": "mei", "gained_s": 20 * 3600, "lost_s": 0}
    assert on_call(rostered, "2026-03-21T11:59Z") == ["priya"]
    assert on_call(rostered, "2026-03-21T12:00Z") == ["mei"]
    assert ask(rostered, f"{PLATFORM}/overrides")["overrides"] == []
    assert ask(rostered, f"{PLATFORM}/overrides", all="true")["overrides"][0]["state"] == "over"
    again = end(rostered, seq)
    assert (again.status_code, "R12" in again.text) == (409, True)
    assert end(rostered, 7).status_code == 404
    assert any("adjustment_closed" in row and "by mei" in row for row in journal(rostered))


def test_ending_one_that_fills_a_gap_must_be_confirmed(rostered: Served) -> None:
    change(rostered, kind="remove", users=[], remove="mei", confirm=True)
    seq = change(rostered, kind="add", users=[], add="priya")["override"]["seq"]
    shown = end(rostered, seq, preview="true")
    assert shown.json()["preview"]["gaps"]
    refused = end(rostered, seq)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (409, "confirm")
    assert end(rostered, seq, confirm="true").status_code == 200
    assert on_call(rostered, "2026-03-21T12:00Z") == []


# --- taking the pager -----------------------------------------------------------------------------------------------


def test_taking_the_pager_lasts_until_the_running_turn_ends(rostered: Served, clock: Stopped) -> None:
    """oncall.md A11."""
    made = send(rostered, f"{PLATFORM}/take", "jonas")["override"]
    assert (made["users"], made["start"], made["end"]) == (
        ["jonas"],
        "2026-03-20T12:00Z",
        "2026-03-23T08:00Z",
    )
    assert on_call(rostered, "2026-03-20T12:00Z") == ["jonas"]
    clock.at += timedelta(minutes=1)
    short = send(rostered, f"{PLATFORM}/take", "priya", until="2026-03-20T12:01:40Z")["override"]
    assert (short["start"], short["end"]) == ("2026-03-20T12:01Z", "2026-03-20T12:02Z")
    past = send(rostered, f"{PLATFORM}/take", "priya", status=422, until="2026-03-20T11:00Z")
    assert past["errors"][0]["field"] == "until"


def test_only_somebody_who_can_be_called_takes_the_pager(rostered: Served) -> None:
    problem = send(rostered, f"{PLATFORM}/take", None, status=409)
    assert "operator" in problem["detail"]


def test_the_column_of_a_table_can_be_taken_too(rostered: Served) -> None:
    """A handbook in prose has the same: `primary` is a schedule like any other."""
    send(rostered, "/api/v1/schedules/primary/take", "henrik", until="2026-03-20T18:00Z")
    assert ask(rostered, "/api/v1/oncall", at="2026-03-20T17:00Z")["primary"] == ["henrik"]


def test_an_observer_changes_nothing(rostered: Served) -> None:
    with rostered.local(None) as client:
        client.post("/api/v1/users", json={"handle": "watcher", "name": "W", "standing": "observer"})
        token = client.post("/api/v1/tokens", json={"person": "watcher", "scopes": ["incident:read"]}).json()
    with rostered.bearer(token["token"]) as client:
        assert client.get("/api/v1/oncall").status_code == 200
        assert client.post(f"{PLATFORM}/take").status_code == 403
        assert client.delete(f"{PLATFORM}/overrides/1").status_code == 403


# --- what was known -----------------------------------------------------------------------------------------------


def test_who_was_on_call_by_what_was_known_then(rostered: Served, clock: Stopped) -> None:
    """oncall.md V1."""
    before = clock.at
    clock.at += timedelta(hours=1)
    seq = change(rostered, users=["priya"])["override"]["seq"]
    between = clock.at
    clock.at += timedelta(hours=1)
    end(rostered, seq)
    at = "2026-03-21T12:00Z"
    known = [
        ask(rostered, "/api/v1/oncall", at=at, schedule="platform", as_of=then.isoformat())["schedules"][0][
            "people"
        ]
        for then in (before, between, clock.at)
    ]
    assert known == [["mei"], ["priya"], ["mei"]]


def test_too_many_overrides_are_refused(rostered: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overrides, "AT_ONCE", 1)
    change(rostered)
    assert "not over" in change(rostered, status=409)["detail"]


# --- the home page --------------------------------------------------------------------------------------------------


def test_the_home_page_says_who_until_when_and_who_then(rostered: Served) -> None:
    change(rostered, kind="remove", users=[], remove="mei", start="2026-03-20T12:00Z", confirm=True)
    with rostered.session("mei") as client:
        home = client.get("/").text
    assert "Nobody is on call" in home
    assert "Platform" in home
    assert "then <bdi>Mei Tanaka</bdi>" in home


def test_a_begin_of_a_moment_ago_is_now_and_what_was_stays(rostered: Served, clock: Stopped) -> None:
    """Somebody read the preview for a minute and said yes, or the clock of her laptop is behind (R12)."""
    began, end = "2026-03-20T12:00:30Z", "2026-03-20T18:00Z"
    version = change(rostered, 200, start=began, end=end, preview=True)["version"]
    clock.at += timedelta(minutes=3)
    made = change(rostered, start=began, end=end, expect=version)["override"]
    assert (made["start"], made["state"]) == ("2026-03-20T12:03Z", "running")
    clock.at += timedelta(minutes=3)
    late = change(rostered, 422, start=began, end=end)
    assert "R12" in late["detail"]
    over = change(rostered, 422, start="2026-03-20T12:03Z", end="2026-03-20T12:04Z")
    assert "R12" in over["detail"]
