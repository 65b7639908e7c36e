"""A tracker beside the log: one issue for each declared incident, which counts for closing; what it refuses is said."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from channels.github import REPOSITORY, TOKEN, GitHub, Refusal, github
from tocsin.domain import events as ev
from tocsin.domain.restricted import restrict
from trouble.conftest import Builder, House, eventually, for_a_while


@pytest.fixture
def server() -> Iterator[GitHub]:
    with github() as kept:
        yield kept


@pytest.fixture
def node(build: Builder, server: GitHub) -> House:
    return build(
        toml=f'[ticket]\nkind = "github"\nrepository = "{REPOSITORY}"\ntoken = "{TOKEN}"\n'
        f'url = "{server.url}"\nallow_loopback = true\n'
    )


def tickets(house: House, ref: str) -> list[ev.DocumentWritten]:
    return [e for e in house.events(ref, ev.DocumentWritten) if e.document == "ticket"]


def ended(house: House, ref: str) -> None:
    house.do(ref, "ack")
    house.do(ref, "mitigate", evidence="it answers")
    house.do(ref, "resolve", confirmed="seen", impact_ended="over", errors_normal="they are")


def test_an_incident_has_one_issue_from_declare_to_close(node: House, server: GitHub) -> None:
    ref = node.declare("Nobody can sign in", "SEV2")
    eventually(lambda: tickets(node, ref), "its address stands on the timeline")
    (issue,) = server.issues
    assert tickets(node, ref)[0].path == issue["html_url"]
    assert issue["title"] == f"{ref} SEV2: Nobody can sign in"
    assert f"/i/{ref}" in issue["body"]
    ended(node, ref)
    eventually(lambda: "resolved" in issue["body"], "the end stands in it")
    assert issue["state"] == "open"
    eventually(lambda: node.quiet(ref), "everything is carried out")
    node.do(ref, "close")
    eventually(lambda: server.issues[0]["state"] == "closed", "it is closed with the incident")
    assert len(server.issues) == 1


def test_a_ticket_stands_for_the_row_that_cannot_be_written(node: House, server: GitHub) -> None:
    node.log.write_text("# How we work\n\nNo table here.\n", "utf-8")
    ref = node.declare("Nobody can sign in", "SEV2")
    eventually(lambda: tickets(node, ref) and node.events(ref, ev.DocumentRefused), "ticket yes, row no")
    ended(node, ref)
    node.do(ref, "close")


def test_a_drill_has_none(node: House, server: GitHub) -> None:
    answer = node.ask("POST", "/api/v1/incidents", title="A rehearsal", sev="SEV2", drill=True)
    ref = str(answer.json()["ref"])
    eventually(lambda: node.quiet(ref), "everything is carried out")
    assert server.requests == []


def test_an_answer_that_was_lost_opens_no_second_issue(node: House, server: GitHub) -> None:
    server.refusals.append(("POST", Refusal(drop=True)))
    ref = node.declare()
    eventually(lambda: tickets(node, ref), "it is found again")
    assert len(server.issues) == 1


def test_a_tracker_that_is_down_delays_no_page_and_is_caught_up(node: House, server: GitHub) -> None:
    server.refusals += [("any", Refusal(503, "later"))] * 3
    ref = node.declare()
    eventually(node.has(ref, ev.PageSent), "people are called")
    eventually(lambda: tickets(node, ref), "the ticket comes later")
    eventually(lambda: node.alarms() == "", "the alarm is taken back")


def test_a_token_that_ran_out_is_an_alarm_and_repaired_by_the_next_fact(node: House, server: GitHub) -> None:
    server.refusals.append(("any", Refusal(401, "Bad credentials")))
    ref = node.declare("Nobody can sign in", "SEV2")
    eventually(lambda: "the token is not valid" in node.alarms(), "the alarm says what to do")
    assert TOKEN not in node.alarms()
    for_a_while(lambda: server.issues == [], 0.3, "it is not tried again and again")
    ended(node, ref)
    eventually(lambda: tickets(node, ref), "the next fact opens it")
    eventually(lambda: node.alarms() == "", "the alarm is taken back")


def test_a_restricted_incident_is_told_by_its_codename(node: House, server: GitHub) -> None:
    ref = node.declare("Leak at Miller and Sons", "SEV2")
    eventually(lambda: tickets(node, ref), "the ticket is there")
    node.engine.desk.submit(ref, restrict, by="ann", codename="Bluebird", reason="names").result(10)
    eventually(lambda: "Bluebird" in server.issues[0]["title"], "the ticket says the codename")
    eventually(lambda: "Bluebird" in node.row(ref), "so does the row")
    assert "Miller" not in server.issues[0]["title"] + server.issues[0]["body"] + node.row(ref)


def test_a_changed_text_that_tells_on_a_restricted_incident_is_an_alarm_until_it_is_emptied(
    node: House, server: GitHub
) -> None:
    ref = node.declare("Leak at Miller and Sons", "SEV2")
    eventually(lambda: tickets(node, ref), "the ticket is there")
    server.issues[0]["body"] += "\nMiller called."
    node.engine.desk.submit(ref, restrict, by="ann", codename="Bluebird", reason="names").result(10)
    eventually(lambda: "Bluebird" in server.issues[0]["title"], "the ticket says the codename")
    eventually(lambda: "its ticket may still tell" in node.alarms(), "the text is somebody's to take out")
    assert "Miller" not in node.alarms()
    server.issues[0]["body"] = ""
    eventually(lambda: node.alarms() == "", "the text is tocsin's own again")
    assert "Miller" not in server.issues[0]["title"] + server.issues[0]["body"]
