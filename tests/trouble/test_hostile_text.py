"""Text that means harm: refused with the name of its field, or shown as written wherever it goes (design rule 27)."""

from __future__ import annotations

import email
import re
from email import policy
from typing import Any

import httpx2
import pytest
from markdown_it import MarkdownIt

from cli.conftest import Running, Shell
from trouble.conftest import LOG, House, PostOffice, eventually

REFUSED = {
    "CRLF": "down\r\nBcc: evil@test.example",
    "a carriage return": "all is well\rSEV1",
    "NUL": "down\x00",
    "ANSI escape": "\x1b[2J\x1b[31mall is well",
    "C1 control": "down\x9b31m",
    "backspace": "down\x08\x08\x08\x08up",
    "a lone surrogate": "down \ud800",
}
FIELDS = [
    ("declare", "title", {}),
    ("note", "text", {}),
    ("decide", "decision", {}),
    ("mitigate", "evidence", {}),
    ("update", "impact", {"eta": "unknown", "next_steps": "we go on"}),
    ("update", "eta", {"impact": "some", "next_steps": "we go on"}),
    ("resolve", "confirmed", {"impact_ended": "13:00", "errors_normal": "yes"}),
]


def send(house: House, ref: str, verb: str, body: dict[str, str]) -> httpx2.Response:
    path = "/api/v1/incidents" if verb == "declare" else f"/api/v1/incidents/{ref}/{verb}"
    return house.ask("POST", path, **body)


@pytest.mark.parametrize(("verb", "field", "rest"), FIELDS)
def test_what_no_text_holds_is_refused_with_the_name_of_its_field(
    house: House, verb: str, field: str, rest: dict[str, str]
) -> None:
    ref = house.declare()
    before = house.program.store.last_seq()
    for name, text in REFUSED.items():
        answer = send(house, ref, verb, {**rest, field: text})
        assert answer.status_code == 422, (name, answer.text)
        assert [e["field"] for e in answer.json()["errors"]] == [field], name
    long = send(house, ref, verb, {**rest, field: "x" * 20_000})
    assert long.status_code == 422
    assert field in long.json()["detail"]
    huge = send(house, ref, verb, {**rest, field: "x" * 1024 * 1024})
    assert huge.status_code == 413, huge.text
    eventually(lambda: house.quiet(ref), "what was under way is done", within=10)
    events = house.program.store.timeline(ref, after=before)
    assert not [
        r for r in events if type(r.event).__name__ in {"Noted", "Decided", "Mitigated", "UpdatePosted"}
    ]


BIDI = "\u202e\u2066\u200f\u061c"
INERT = [
    "<script>alert(1)</script> & <img src=x onerror=alert(1)>",
    "a | b | c \\| d",
    "`code` ```fence``` **bold** _it_",
    f"sign-in {BIDI}txt.exe",
    "[here](javascript:alert(1)) ![x](https://evil.example/x.png) <https://evil.example>",
    "<!-- comment --> --> |---|---|",
    "# heading\n- point\n| a | b |\n|---|---|\nBcc: evil@test.example",
    "<!channel> <@U1> {{7*7}} ${HOME} %s =cmd|' /C calc'!A0",
    "tab\there, Ünïcödé, 日本語, 🚒",
]
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that drive a terminal or turn the direction of writing."""


@pytest.fixture
def mailbox(post: PostOffice) -> PostOffice:
    """The example's mail goes here, where the raw messages are kept."""
    return post


def of_markdown(text: str) -> list[Any]:
    """All tokens, as a reader's Markdown sees them."""
    flat = []
    for token in MarkdownIt("commonmark", {"html": True}).enable("table").parse(text):
        flat += [token, *(token.children or [])]
    return flat


def assert_inert(markdown: str, *, links_to: str) -> None:
    assert not STEERING.search(markdown)
    tokens = of_markdown(markdown)
    kinds = {t.type for t in tokens}
    assert not kinds & {"html_block", "html_inline", "image", "code_inline", "fence", "code_block"}, kinds
    targets = [str(t.attrGet("href")) for t in tokens if t.type == "link_open"]
    assert all(target.startswith(links_to) for target in targets), targets


def the_story_of(client: httpx2.Client, text: str) -> str:
    """An incident that says the same hostile thing wherever something can be said."""
    answer = client.post("/api/v1/incidents", json={"title": text, "sev": "SEV1"})
    assert answer.status_code == 201, answer.text
    ref = str(answer.json()["ref"])
    for verb, body in (
        ("ack", {}),
        ("note", {"text": text}),
        ("decide", {"decision": text, "why": text}),
        ("update", {"impact": text, "eta": "unknown", "next_steps": text}),
        ("mitigate", {"evidence": text}),
        ("resolve", {"confirmed": text, "impact_ended": text, "errors_normal": text}),
    ):
        done = client.post(f"/api/v1/incidents/{ref}/{verb}", json=body)
        assert done.status_code == 200, (verb, done.text)
    return ref


def test_what_is_accepted_is_inert_everywhere(served: Running, acme: Shell, post: PostOffice) -> None:
    with served.http() as client:
        client.headers["Tocsin-As"] = "mei"
        refs = {the_story_of(client, text): text for text in INERT}
        for ref, text in refs.items():
            incident = client.get(f"/api/v1/incidents/{ref}").json()
            assert incident["title"] == " ".join(text.split()), "as it was said, on one line"
            events = client.get(f"/api/v1/incidents/{ref}/timeline").json()["events"]
            (noted,) = [e["text"] for e in events if e["kind"] == "Noted"]
            assert " ".join(text.split()) in " ".join(noted.split())
            shown = client.get(f"/i/{ref}").text
            assert "<script>alert" not in shown
            assert "onerror=alert(1)>" not in shown
            assert 'href="javascript:' not in shown
    log = acme.folder / LOG
    drafts = {ref: log.parent / "postmortems" / f"{ref}.md" for ref in refs}
    for ref in refs:
        eventually(lambda ref=ref: drafts[ref].is_file(), f"{ref}: postmortem")
        eventually(lambda ref=ref: "resolved" in row_of(log.read_text("utf-8"), ref), f"{ref}: row")
    check_log(log.read_text("utf-8"), refs)
    for path in drafts.values():
        assert_inert(path.read_text("utf-8"), links_to="../")
    eventually(lambda: {m.ref for m in post.mails} >= refs.keys(), "a mail about each")
    check_mails(post)
    for ref in refs:
        check_terminal(acme.run("show", ref).stdout)
    steering = next(ref for ref, text in refs.items() if BIDI in text)
    check_terminal(acme.run("show", steering, "--json").stdout)
    check_terminal(acme.run("list", "--stage", "resolved").stdout)


def row_of(log: str, ref: str) -> str:
    return next((line for line in log.splitlines() if ref in line), "")


def check_log(text: str, refs: dict[str, str]) -> None:
    assert_inert(text, links_to="postmortems/INC-")
    header = next(line for line in text.splitlines() if line.startswith("| Date"))
    for ref in refs:
        row = row_of(text, ref)
        assert len(re.findall(r"(?<!\\)\|", row)) == header.count("|"), row


def check_mails(post: PostOffice) -> None:
    for raw in post.kept:
        message = email.message_from_bytes(raw, policy=policy.default)
        assert message["Bcc"] is None
        assert str(message["To"]).endswith("@acme.example")
        subject = str(message["Subject"])
        assert not STEERING.search(subject)
        assert "\n" not in subject
        body = message.get_body(("plain",))
        assert body is not None
        assert message.get_content_type() == "text/plain"
        assert not STEERING.search(body.get_content().replace("\r\n", "\n"))


def check_terminal(shown: str) -> None:
    assert shown
    assert not STEERING.search(shown)
