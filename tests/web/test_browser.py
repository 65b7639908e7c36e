"""The pages in Debian's Chromium: live, narrow, by keyboard, without script, and free of accessibility findings."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tocsin.web.live import END
from web.running import Served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text("utf-8")
HOSTILE = "\u202e<script>window.hit=1</script>\"'><img src=x onerror=window.hit=1>\u2066 end"
Opened = Callable[..., Any]


def test_signing_in_by_pressing_the_button(browser: Browser, server: Served) -> None:
    context = browser.new_context(base_url=server.url)
    page = context.new_page()
    page.goto(server.link("mei"))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(server.url + "/")
    page.get_by_label("Mei Tanaka, signed in").or_(page.get_by_text("Mei Tanaka, signed in")).first.wait_for(
        state="attached"
    )
    page.locator("details.me summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(server.url + "/signin")
    context.close()


def test_what_one_declares_appears_at_the_other_within_a_second(signed_in: Opened) -> None:
    with signed_in("mei", "/declare") as mei, signed_in("jonas", "/") as jonas:
        mei.get_by_label("What is wrong?").fill("Payments stand still")
        mei.get_by_label("SEV1").check()
        mei.get_by_role("button", name="Declare and call people").click()
        begun = time.monotonic()
        jonas.get_by_role("link", name="Payments stand still").wait_for(timeout=1000)
        assert time.monotonic() - begun < 1
        mei.wait_for_url("**/i/INC-*")
        mei.get_by_role("heading", level=1, name="Payments stand still").wait_for()


def test_the_incident_page_follows_within_a_second(signed_in: Opened, server: Served) -> None:
    ref = server.declare("Follow me", by="tomas")
    with signed_in("mei", f"/i/{ref}") as mei, signed_in("jonas", f"/i/{ref}") as jonas:
        mei.get_by_role("button", name="Acknowledge").click()
        jonas.get_by_text("Acknowledged by Mei Tanaka").wait_for(timeout=1000)
        assert jonas.get_by_role("button", name="Acknowledge").count() == 0
        mei.get_by_label("What did you see, do or rule out?").fill("the cache is empty")
        mei.get_by_role("button", name="Add note").click()
        jonas.get_by_text("the cache is empty", exact=True).wait_for(timeout=1000)
        assert "the cache is empty" in jonas.locator("#said").inner_text()


def test_what_somebody_types_is_never_overwritten(signed_in: Opened, server: Served) -> None:
    ref = server.declare("Do not disturb")
    with signed_in("mei", f"/i/{ref}") as mei, server.local("jonas") as jonas:
        mei.locator('[data-pick-of="decide"]').check(force=True)
        field = mei.get_by_label("Because").first
        field.fill("half a sen")
        jonas.post(f"/api/v1/incidents/{ref}/mitigate", json={"evidence": "it is green again"})
        mei.get_by_text("it is green again", exact=True).wait_for(timeout=1000)
        assert field.input_value() == "half a sen"
        assert mei.evaluate("document.activeElement.name") == "why"
        field.press_sequentially("tence")
        assert field.input_value() == "half a sentence"
        # once nothing is typed in it any more, the forms follow: a mitigated incident cannot be mitigated
        field.fill("")
        mei.locator('[data-pick-of="note"]').check(force=True)
        mei.locator("h1").click()
        mei.evaluate("document.activeElement.blur()")
        mei.locator('[data-pick-of="mitigate"]').wait_for(state="detached", timeout=1500)


def test_two_people_and_one_seat(signed_in: Opened, server: Served) -> None:
    """The second has no live stream, so that the seat still looks empty there."""
    ref = server.declare("One seat", by="tomas")
    with signed_in("mei", f"/i/{ref}") as mei, signed_in("henrik", f"/i/{ref}") as henrik:
        henrik.evaluate("() => { window.fetch = () => new Promise(() => {}); }")
        mei.get_by_role("button", name="Take it as Incident Commander").click()
        mei.get_by_text("took the seat").wait_for()
        henrik.get_by_role("button", name="Take it as Incident Commander").click()
        henrik.get_by_role("alert").get_by_text("mei holds ic").wait_for()
        henrik.get_by_text("Mei Tanaka").first.wait_for()


@pytest.mark.parametrize("width", [320, 375, 768, 1440])
@pytest.mark.parametrize("path", ["/", "/incidents", "/declare", "/i/{ref}", "/api/docs"])
def test_nothing_is_wider_than_the_window(path: str, width: int, signed_in: Opened, server: Served) -> None:
    ref = server.declare("W" * 150 + " " + "narrow " * 20)
    size = {"width": width, "height": 800}
    with signed_in("mei", path.replace("{ref}", ref), viewport=size) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_targets_are_large_enough_for_a_thumb(signed_in: Opened, server: Served) -> None:
    ref = server.declare("Thumbs", by="tomas")
    size = {"width": 375, "height": 800}
    wanted = "a.btn, button, summary, .kind-pick, select, input[type=text], .nav a, .tabs-phone a, .stages a"
    script = """(wanted) => [...document.querySelectorAll(wanted)]
      .map(e => [e.innerText || e.name, e.getBoundingClientRect()]).filter(([, r]) => r.width && r.height)
      .filter(([, r]) => r.height < 43.5).map(([t, r]) => `${t}: ${r.height}`)"""
    for path in ("/", "/incidents", "/declare", f"/i/{ref}"):
        with signed_in("mei", path, viewport=size, has_touch=True, is_mobile=True) as page:
            assert page.evaluate(script, wanted) == [], path


def test_hostile_text_does_nothing(signed_in: Opened, server: Served) -> None:
    ref = server.declare(HOSTILE)
    with server.local("mei") as client:
        client.post(f"/api/v1/incidents/{ref}/note", json={"text": HOSTILE})
    for path in ("/", f"/i/{ref}"):
        with signed_in("mei", path) as page:
            assert page.evaluate("window.hit") is None
            assert page.locator("img").count() == 0
            assert page.get_by_text("window.hit=1").count() > 0
    with signed_in("mei", f"/i/{ref}") as page, server.local("jonas") as client:
        client.post(f"/api/v1/incidents/{ref}/note", json={"text": HOSTILE + "live"})
        page.get_by_text("live").nth(1).wait_for(timeout=1000)
        assert page.evaluate("window.hit") is None


def test_everything_by_keyboard(signed_in: Opened, server: Served) -> None:
    with signed_in("mei", "/") as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to content"
        page.keyboard.press("c")
        page.wait_for_url("**/declare")
        assert page.evaluate("document.activeElement.name") == "title"
        page.keyboard.type("By keyboard only")
        page.keyboard.press("Enter")
        page.wait_for_url("**/i/INC-*")
        page.get_by_text("live", exact=True).wait_for()
        page.keyboard.press("d")
        assert page.evaluate("document.activeElement.name") == "decision"
        page.keyboard.type("We go back")
        page.keyboard.press("Enter")
        page.get_by_role("listitem").get_by_text("We go back").wait_for()
        page.get_by_text("live", exact=True).wait_for()
        page.keyboard.press("n")
        page.keyboard.type("d is a letter here")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.get_by_role("listitem").get_by_text("d is a letter here").wait_for()
        outline = page.evaluate(
            "(e => { e.focus(); return getComputedStyle(e).outlineStyle })(document.querySelector('.brand'))"
        )
        assert outline == "solid"


def test_without_script(browser: Browser, server: Served) -> None:
    ref = server.declare("No script", by="tomas")
    with server.session("mei") as client:
        value = client.cookies["tocsin"]
    context = browser.new_context(base_url=server.url, java_script_enabled=False)
    context.add_cookies([{"name": "tocsin", "value": value, "url": server.url}])
    page = context.new_page()
    page.goto(f"/i/{ref}")
    page.get_by_role("button", name="Acknowledge").click()
    page.get_by_text("Acknowledged by Mei Tanaka").wait_for()
    page.locator('[data-pick-of="update"]').check(force=True)
    page.get_by_label("Impact", exact=True).fill("nobody signs in")
    page.get_by_label("ETA").fill("unknown")
    page.get_by_label("Next steps").fill("we go back")
    page.get_by_role("button", name="Post update").click()
    page.get_by_role("listitem").get_by_text("nobody signs in").wait_for()
    context.close()


def test_a_broken_line_is_said_and_mends_itself(signed_in: Opened, server: Served) -> None:
    ref = server.declare("Broken line")
    with signed_in("mei", f"/i/{ref}") as page, server.local("jonas") as client:
        page.context.set_offline(True)
        server.program.engine.store.last_seq()
        for queue in tuple(server.feed._listeners):
            server.feed._loop.call_soon_threadsafe(queue.put_nowait, END)
        page.get_by_text("no connection, trying again").wait_for(timeout=3000)
        client.post(f"/api/v1/incidents/{ref}/note", json={"text": "meanwhile"})
        page.context.set_offline(False)
        page.get_by_text("meanwhile", exact=True).wait_for(timeout=5000)
        page.get_by_text("live", exact=True).wait_for()


EXAMINED = [
    *(
        (path, width, scheme)
        for path in ("/", "/incidents", "/declare?title=nobody+can+sign+in", "/i/{ref}")
        for width in (375, 1440)
        for scheme in ("light", "dark")
    ),
    *((path, 375, "dark") for path in ("/signin", "/dev/mailbox")),
    ("/api/docs", 1440, "light"),
]


@pytest.mark.parametrize(("path", "width", "scheme"), EXAMINED)
def test_axe_finds_nothing(path: str, width: int, scheme: str, signed_in: Opened, server: Served) -> None:
    ref = server.declare("Examined", by="tomas")
    with server.local("mei") as client:
        for verb, body in (
            ("note", {"text": "a"}),
            ("decide", {"decision": "b", "why": "c"}),
            ("update", {"impact": "a", "eta": "b", "next_steps": "c"}),
            ("role", {"role": "comms", "person": "tomas"}),
        ):
            client.post(f"/api/v1/incidents/{ref}/{verb}", json=body)
    size = {"width": width, "height": 900}
    options = {"viewport": size, "color_scheme": scheme, "reduced_motion": "reduce", "bypass_csp": True}
    with signed_in("mei", path.replace("{ref}", ref), **options) as page:
        page.evaluate(AXE)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert [
        f"{v['id']}: {n['target']} {n['failureSummary'][:200]}"
        for v in found["violations"]
        for n in v["nodes"]
    ] == []
