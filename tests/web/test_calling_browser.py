"""How the room says that people are called, in Debian's Chromium: every standing readable, accessible, one tap away."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tocsin.domain.delivery import permanent
from web.running import Served, served
from web.test_phone import link_to

pytestmark = pytest.mark.browser

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text("utf-8")
Opened = Callable[..., Any]
TITLE = "Invoices of the whole month are sent twice to everybody who ever bought something from us"


def block() -> str:
    """Several ways to Mei, Tomas in his quiet hours, and a step that everybody has to acknowledge."""
    now = datetime.now(UTC)
    start, end = (f"{now + timedelta(hours=hours):%H:%M}" for hours in (-2, 5))
    return f"""
```toml tocsin
[person.mei]
rules.high = [
  {{ method = "screen", after = "0m" }}, {{ method = "pager", after = "0m" }},
  {{ method = "desk-of-the-second-floor", after = "2m" }}, {{ method = "bell", after = "5m" }},
]

[person.tomas]
tz = "UTC"
quiet = {{ start = "{start}", end = "{end}" }}

[escalation.pair]
steps = [{{ targets = ["person:mei", "person:jonas", "person:priya"], delay = "10m", ack = "all" }}]
fallback = ["role:ic"]

[service.ledger]
escalation = "pair"
```
"""


def prepare(home: Path) -> None:
    with (home / "tocsin.toml").open("a", encoding="utf-8") as settings:
        for name in ("desk-of-the-second-floor", "pager", "bell"):
            settings.write(f'\n[channel.{name}]\nkind = "console"\npeople = ["mei"]\n')
    with (home / "docs" / "ops" / "incident_response.md").open("a", encoding="utf-8") as handbook:
        handbook.write(block())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    async def broken(_: object) -> None:
        raise permanent("no such pager")

    with served(tmp_path_factory.mktemp("web"), prepare=prepare) as running:
        running.program.channels["pager"].send = broken  # type: ignore[method-assign]
        yield running


def post(server: Served, person: str, path: str, **body: Any) -> dict[str, Any]:
    with server.local(person) as client:
        answer = client.post(f"/api/v1/{path}", json=body)
    assert answer.status_code in (200, 201), answer.text
    return dict(answer.json())


def paged(server: Served, *to: str, by: str = "jonas", **more: Any) -> str:
    return str(post(server, by, "pages", to=list(to), text=TITLE, **more)["ref"])


def until(server: Served, ref: str, wanted: Callable[[dict[str, Any]], bool]) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with server.local() as client:
            if wanted(client.get(f"/api/v1/incidents/{ref}").json()):
                return
        time.sleep(0.05)
    raise AssertionError(f"{ref} did not come to that")


@pytest.fixture(scope="module")
def rooms(server: Served) -> dict[str, str]:
    """One room for every way the calling can stand."""
    made = {name: paged(server, "mei") for name in ("asked", "tapped")}
    for ref in made.values():
        post(server, "mei", f"incidents/{ref}/ack")
    server.clock.ahead += timedelta(minutes=50)
    for ref in made.values():
        until(server, ref, lambda view: "ack-reminder" not in {d["kind"] for d in view["upcoming"]})
    made["ringing"] = paged(server, "mei", "henrik")
    made["held"] = paged(server, "mei")
    post(server, "mei", f"incidents/{made['held']}/ack")
    post(server, "mei", f"incidents/{made['held']}/call", people=["henrik", "aisha"], reason="more hands")
    made["joined"] = made["held"]
    post(server, "henrik", f"incidents/{made['held']}/ack")
    made["snoozed"] = paged(server, "mei")
    reason = "the provider repairs it at six, and says so on its status page"
    post(server, "jonas", f"incidents/{made['snoozed']}/snooze", for_s=4000, reason=reason)
    both = {"title": "Ledger and bank differ", "service": "ledger", "sev": "SEV2"}
    made["all"] = str(post(server, "aisha", "incidents", **both)["ref"])
    post(server, "mei", f"incidents/{made['all']}/ack")
    made["deferred"] = paged(server, "tomas", "henrik", sev="SEV3")
    made["test"] = str(post(server, "mei", "pages/test")["ref"])
    until(
        server,
        made["ringing"],
        lambda v: "failed" in {w["st"] for p in v["calling"]["pages"] for w in p["ways"]},
    )
    return made


STANDINGS = ["asked", "ringing", "held", "snoozed", "all", "deferred", "test"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1440])
@pytest.mark.parametrize("standing", STANDINGS)
def test_axe_finds_nothing_and_everything_fits(
    standing: str, width: int, scheme: str, signed_in: Opened, rooms: dict[str, str]
) -> None:
    options: dict[str, Any] = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    with signed_in(
        "mei", f"/i/{rooms[standing]}", reduced_motion="reduce", bypass_csp=True, **options
    ) as page:
        page.evaluate(AXE)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [f"{v['id']}: {n['target']}" for v in found["violations"] for n in v["nodes"]] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_phone_asks_with_one_button(
    scheme: str, signed_in: Opened, server: Served, rooms: dict[str, str]
) -> None:
    options: dict[str, Any] = {"viewport": {"width": 375, "height": 812}, "color_scheme": scheme}
    with signed_in("mei", link_to(server, rooms["asked"]), bypass_csp=True, **options) as page:
        assert [b.inner_text().split("\n")[0] for b in page.get_by_role("button").all()] == ["Still on it"]
        page.evaluate(AXE)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert [f"{v['id']}: {n['target']}" for v in found["violations"] for n in v["nodes"]] == []


def said(page: Any) -> str:
    return " ".join(page.locator("#calls").inner_text().split())


@pytest.mark.parametrize(
    ("standing", "words"),
    [
        ("asked", ["Mei", "has it until", "no answer yet"]),
        ("ringing", ["failed", "or sooner", "called if nobody acknowledges"]),
        ("held", ["has it until", "was called in, and joined", "called in to help"]),
        (
            "snoozed",
            ["Snoozed until", "Jonas", "the provider repairs it at six", "A higher severity ends it"],
        ),
        ("all", ["not everybody yet", "Everybody of this step has to acknowledge", "Missing: Jonas"]),
        ("deferred", ["not before: quiet hours"]),
        ("test", ["no answer yet"]),
    ],
)
def test_the_room_says_how_the_calling_stands(
    standing: str, words: list[str], signed_in: Opened, rooms: dict[str, str]
) -> None:
    with signed_in("mei", f"/i/{rooms[standing]}") as page:
        text = said(page)
        assert [w for w in words if w not in text] == [], text


def test_one_tap_says_still_on_it(signed_in: Opened, rooms: dict[str, str]) -> None:
    with signed_in("henrik", f"/i/{rooms['held']}", viewport={"width": 375, "height": 812}) as page:
        button = page.locator("#calls").get_by_role("button", name="Still on it")
        assert button.bounding_box()["height"] >= 36
        button.click()
        page.locator("#timeline").get_by_text("still on it").first.wait_for()
        assert "has it until" in said(page)


@pytest.mark.parametrize(
    ("pick", "typed", "button", "told"),
    [
        ("call", {"Whom": "@aisha, schedule:primary", "What for?": "hands"}, "Call them now", "asked"),
        ("snooze", {"For how long": "45m", "Why?": "provider"}, "Call nobody meanwhile", "until"),
        ("escalate", {"Why?": "beyond me"}, "Call the next step now", "beyond me"),
        ("pass", {"Why?": "on a train"}, "Pass on: call the next ones", "on a train"),
        ("reassign", {"Whom": "aisha", "Why?": "her service"}, "Call them instead", "her service"),
    ],
)
def test_every_form_about_calls_does_what_it_says(
    pick: str, typed: dict[str, str], button: str, told: str, signed_in: Opened, server: Served
) -> None:
    ref = paged(server, "mei")
    with signed_in("mei", f"/i/{ref}", viewport={"width": 375, "height": 812}) as page:
        page.locator(".composer [data-group-of=calls]").check(force=True)
        page.locator(f".composer [data-group=calls] [value={pick}]").check(force=True)
        side = page.locator(f".composer [data-side={pick}]")
        for label, words in typed.items():
            side.get_by_label(label).fill(words)
        side.get_by_role("button", name=button).click()
        page.locator("#timeline").get_by_text(told).first.wait_for()
        assert page.locator(".note-box[role=alert]").count() == 0


def test_a_form_about_calls_that_is_refused_keeps_what_was_typed(signed_in: Opened, server: Served) -> None:
    ref = paged(server, "mei")
    with signed_in("mei", f"/i/{ref}?do=snooze", viewport={"width": 375, "height": 812}) as page:
        side = page.locator(".composer [data-side=snooze]")
        side.get_by_label("For how long").fill("9d")
        side.get_by_label("Why?").fill("a holiday")
        side.get_by_role("button", name="Call nobody meanwhile").click()
        side.get_by_text("more than 7 days").wait_for()
        assert side.get_by_label("Why?").input_value() == "a holiday"


def test_whoever_is_asked_finds_the_answer_in_the_head_of_the_page(
    signed_in: Opened, rooms: dict[str, str]
) -> None:
    with signed_in("mei", f"/i/{rooms['tapped']}", viewport={"width": 375, "height": 812}) as page:
        (button,) = page.get_by_role("button", name="Still on it").all()
        box = button.bounding_box()
        assert box["y"] + box["height"] < 812
        button.click()
        page.locator("#timeline").get_by_text("still on it").first.wait_for()
        assert page.locator("#head").get_by_role("button").count() == 0


def test_a_bystander_is_not_asked_whether_she_is_still_on_it(
    signed_in: Opened, rooms: dict[str, str]
) -> None:
    with signed_in("tomas", f"/i/{rooms['held']}") as page:
        assert page.get_by_role("button", name="Still on it").count() == 0
        assert "has it until" in said(page)
