"""Issues as tickets: opened once, kept up to date, what people changed stays; documented refusals are told apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from channels.github import REPOSITORY, TOKEN, GitHub, Refusal, github
from channels.test_contract import NOW, run
from tocsin.channels.tickets import GitHubIssues, Kept, StillTold, Ticket
from tocsin.domain.delivery import Failure, Undelivered

TICKET = Ticket(
    mark="e1/INC-2026-0001",
    title="INC-2026-0001 SEV1: Nobody can sign in",
    text="- Severity: SEV1",
    closed=False,
    reason="completed",
    since=datetime(2026, 1, 20, 13, 6, tzinfo=UTC),
)


@pytest.fixture
def server() -> Iterator[GitHub]:
    with github() as kept:
        yield kept


def client(server: GitHub, **more: Any) -> GitHubIssues:
    values: dict[str, Any] = {
        "repository": REPOSITORY,
        "token": TOKEN,
        "url": server.url,
        "now": lambda: NOW,
        "allow_loopback": True,
        "limit_s": 2.0,
        **more,
    }
    return GitHubIssues(**values)


def write(server: GitHub, ticket: Ticket = TICKET, kept: Kept | None = None, **more: Any) -> Kept:
    return run(client(server, **more).write(ticket, kept))


def refused(server: GitHub, **more: Any) -> Undelivered:
    with pytest.raises(Undelivered) as caught:
        write(server, **more)
    assert TOKEN not in str(caught.value)
    return caught.value


# --- one issue for each incident -------------------------------------------------------------------------------


def test_it_is_opened_with_what_is_known(server: GitHub) -> None:
    done = write(server)
    (issue,) = server.issues
    assert (done.number, done.address) == (1, issue["html_url"])
    assert issue["title"] == TICKET.title
    assert issue["body"].startswith("- Severity: SEV1\n")
    headers = server.requests[-1][2]
    assert headers["accept"] == "application/vnd.github+json"
    assert headers["x-github-api-version"] == "2022-11-28"
    assert headers["user-agent"] == "tocsin"


def test_it_is_brought_up_to_date_closed_and_opened_again(server: GitHub) -> None:
    first = write(server)
    second = write(server, replace(TICKET, text="- Severity: SEV2"), first)
    assert "SEV2" in server.issues[0]["body"]
    third = write(server, replace(TICKET, text="- done", closed=True), second)
    assert (server.issues[0]["state"], server.issues[0]["state_reason"]) == ("closed", "completed")
    write(server, replace(TICKET, text="- again"), third)
    assert (server.issues[0]["state"], server.issues[0]["state_reason"]) == ("open", "reopened")
    assert len(server.issues) == 1


def test_what_says_the_same_is_not_written(server: GitHub) -> None:
    kept = write(server)
    again = write(server, TICKET, kept)
    assert again == kept
    assert server.asked("PATCH") == 0


def test_a_text_that_people_changed_stays_and_title_and_state_are_set(server: GitHub) -> None:
    kept = write(server)
    server.issues[0]["body"] += "\nOur own findings."
    done = write(server, replace(TICKET, text="- newer", closed=True), kept)
    assert server.issues[0]["body"].endswith("Our own findings.")
    assert "newer" not in server.issues[0]["body"]
    assert server.issues[0]["state"] == "closed"
    write(server, replace(TICKET, text="- newest"), done)
    assert server.issues[0]["body"].endswith("Our own findings.")
    assert server.issues[0]["state"] == "open"


RESTRICTED = replace(TICKET, title="INC-2026-0001 SEV1: Heron", text="- Severity: SEV1", restricted=True)


def test_a_restriction_reaches_the_title_whatever_people_changed(server: GitHub) -> None:
    kept = write(server, replace(TICKET, title="INC-2026-0001 SEV1: Tenant Umbra leaks"))
    server.issues[0]["title"] += " (see the wiki)"
    done = write(server, RESTRICTED, kept)
    assert server.issues[0]["title"] == RESTRICTED.title
    assert server.issues[0]["body"].startswith("- Severity: SEV1\n")
    assert write(server, RESTRICTED, done) == done


def test_what_a_changed_text_still_tells_is_said_until_it_is_emptied(server: GitHub) -> None:
    kept = write(server, replace(TICKET, title="INC-2026-0001 SEV1: Umbra", text="- Impact: Umbra's names"))
    server.issues[0]["body"] += "\nA colleague's line about Umbra."
    for _ in range(2):
        with pytest.raises(StillTold, match="people changed the text of #1") as caught:
            write(server, replace(RESTRICTED, closed=True), kept)
        assert caught.value.kind == Failure.RETRY
    assert server.issues[0]["title"] == RESTRICTED.title
    assert server.issues[0]["state"] == "closed"
    assert "colleague" in server.issues[0]["body"]
    server.issues[0]["body"] = "\r\n"
    done = write(server, replace(RESTRICTED, closed=True), kept)
    assert server.issues[0]["body"].startswith("- Severity: SEV1\n")
    assert write(server, replace(RESTRICTED, closed=True), done) == done


def test_an_issue_of_which_nobody_knows_is_found_again(server: GitHub) -> None:
    server.refusals.append(("POST", Refusal(drop=True)))
    assert refused(server).kind == Failure.IN_DOUBT
    assert len(server.issues) == 1
    done = write(server, replace(TICKET, closed=True))
    assert done.number == 1
    assert len(server.issues) == 1
    assert server.issues[0]["state"] == "closed"


@pytest.mark.parametrize("user", [{"login": "stranger", "id": 666}, {"login": "tocsin-writes"}, None])
def test_an_issue_that_somebody_else_opened_is_never_taken_over(server: GitHub, user: object) -> None:
    write(server)
    server.issues[0] |= {"user": user, "title": "mine"}
    assert write(server).number == 2
    assert server.issues[0]["title"] == "mine"


def test_a_token_that_is_no_user_takes_no_issue_over(server: GitHub) -> None:
    write(server)
    server.by_app = True
    assert write(server).number == 2


def test_who_the_token_is_has_to_be_known_before_another_is_opened(server: GitHub) -> None:
    write(server)
    server.refusals.append(("/user", Refusal(503, "later")))
    assert refused(server).kind == Failure.RETRY
    assert len(server.issues) == 1


def test_the_mark_of_another_database_is_another_ticket(server: GitHub) -> None:
    write(server)
    assert write(server, replace(TICKET, mark="e2/INC-2026-0001")).number == 2


def test_nobody_is_called_and_nothing_linked_by_what_a_title_says(server: GitHub) -> None:
    write(server, replace(TICKET, title="@acme/everyone see #12", text="cc @mei, x#3 <!-- hidden"))
    issue = server.issues[0]
    shown = issue["title"] + issue["body"]
    for call in ("@acme", "#12", "@mei", "#3"):
        assert call not in shown
        assert f"{call[0]}\u2060{call[1:]}" in shown


def test_another_repository_is_never_asked(server: GitHub) -> None:
    server.repository = "acme/other"
    failure = refused(server)
    assert failure.kind == Failure.PERMANENT
    assert failure.reason.endswith("there is no acme/portal, or the token may not see it")


# --- every refusal that is documented ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refusal", "kind", "after", "says"),
    [
        (Refusal(401, "Bad credentials"), Failure.PERMANENT, None, "token is not valid"),
        (Refusal(403, "Resource not accessible"), Failure.PERMANENT, None, "may not write issues"),
        (Refusal(403, "secondary rate limit", {"retry-after": "90"}), Failure.RETRY, 90, "too many requests"),
        (Refusal(403, "You have exceeded a secondary rate limit"), Failure.RETRY, 60, "too many requests"),
        (Refusal(429, "slow down"), Failure.RETRY, 60, "too many requests"),
        (Refusal(404, "Not Found"), Failure.PERMANENT, None, "there is no acme/portal"),
        (Refusal(410, "Issues are disabled"), Failure.PERMANENT, None, "has no issues"),
        (Refusal(422, "Validation Failed"), Failure.PERMANENT, None, "not accepted: Validation Failed"),
        (Refusal(301, "Moved", {"location": "/x"}), Failure.PERMANENT, None, "has moved"),
        (Refusal(500, "oops"), Failure.RETRY, None, "500 from"),
        (Refusal(503, "later", {"retry-after": "7"}), Failure.RETRY, 7, "503 from"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_refusal_is_told_apart(
    server: GitHub, method: str, refusal: Refusal, kind: Failure, after: float | None, says: str
) -> None:
    server.refusals.append((method, refusal))
    failure = refused(server)
    assert (failure.kind, failure.after) == (kind, after)
    assert says in failure.reason
    assert server.issues == []


def test_a_limit_that_is_used_up_is_waited_out(server: GitHub) -> None:
    reset = str(int(NOW.timestamp()) + 120)
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}
    server.refusals.append(("any", Refusal(403, "API rate limit exceeded", headers)))
    failure = refused(server)
    assert failure.kind == Failure.RETRY
    assert failure.after == pytest.approx(120, abs=1)


def test_a_wrong_token_says_so(server: GitHub) -> None:
    with pytest.raises(Undelivered, match="token is not valid"):
        write(server, token="other")


def test_an_answer_that_is_no_issue_is_in_doubt(server: GitHub) -> None:
    server.refusals.append(("POST", Refusal(201, "no issue")))
    assert refused(server).kind == Failure.IN_DOUBT


def test_this_machine_is_asked_only_where_the_settings_say_so(server: GitHub) -> None:
    assert refused(server, allow_loopback=False).kind == Failure.PERMANENT
    assert server.requests == []


def test_the_token_is_shown_nowhere(server: GitHub) -> None:
    assert TOKEN not in repr(client(server))
