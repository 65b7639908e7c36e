"""A room with everything in it, in Debian's Chromium: one form at a time, nothing lost, readable, accessible."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from web.running import Served
from web.test_process import answers, do

pytestmark = pytest.mark.browser

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text("utf-8")
Opened = Callable[..., Any]
API = "/api/v1/incidents"


@pytest.fixture(scope="module")
def rooms(server: Served) -> dict[str, str]:
    """A full room, a drill, a near miss, a change, one that is over, one that was merged."""
    with server.local("jonas") as client:
        made = {
            kind: client.post(API, json={"title": f"A {kind}", "kind": kind}).json()["ref"]
            for kind in ("near-miss", "change")
        }
        drill = {"title": "An exercise", "sev": "SEV1", "drill": True}
        made["drill"] = client.post(API, json=drill).json()["ref"]
    now = server.clock.now()
    earlier = (now - timedelta(minutes=3)).isoformat()
    do(
        server,
        "jonas",
        made["change"],
        "gate",
        do="check",
        answers=answers(p1=("exception", "nothing written")),
    )
    full, child = server.declare("Contacts are missing", by="mei"), server.declare("The same", by="mei")
    made |= {"full": full, "merged": child}
    for who, verb, body in (
        ("jonas", "ack", {}),
        ("jonas", "take", {"role": "ops"}),
        ("henrik", "shadow", {}),
        ("jonas", "suspect", {"what": "merge_contacts", "author": "jonas", "happened": earlier}),
        ("jonas", "legal", {"do": "start", "regime": "gdpr", "aware": earlier, "reason": "rows of people"}),
        ("mei", "propose", {"text": "copy back contacts only"}),
        ("mei", "task", {"do": "open", "text": "Restore beside it", "owner": "jonas", "minutes": 45}),
        ("mei", "task", {"do": "open", "text": "Copy back", "db_change": True, "second": True}),
        ("jonas", "gate", {"do": "check", "answers": answers(p3=("failed", "the checksum differs"))}),
        ("mei", "gate", {"do": "override", "task": 2, "reason": "customers pay twice"}),
        (
            "tomas",
            "statement",
            {"do": "draft", "audience": "status page", "text": "Missing.", "data": "Safe?"},
        ),
        ("mei", "action", {"do": "add", "text": "Alert on bulk deletes", "kind": "detect"}),
        ("mei", "action", {"do": "add", "text": "Count rows", "owner": "jonas", "due": f"{now.date()}"}),
        ("mei", "time", {"name": "impact_start", "at": earlier, "because": "the first mail"}),
        ("mei", "update", {"impact": "a", "eta": "unknown", "next_steps": "b"}),
    ):
        do(server, who, full, verb, **body)
    with server.local("mei") as client:
        client.post(f"{API}/{full}/evidence", params={"name": "rows.txt", "note": "before"}, content=b"1842")
    do(server, "mei", child, "merge", into=full, reason="the same rows")
    made["over"] = server.declare("Payments are late", "SEV2", by="mei")
    do(server, "mei", made["over"], "resolve", confirmed="a", impact_ended="b", errors_normal="c")
    made["restricted"] = server.declare("Rows of another tenant", by="mei")
    do(
        server,
        "mei",
        made["restricted"],
        "restrict",
        codename="Heron",
        readers=["aisha"],
        reason="their data",
    )
    return made


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1440])
@pytest.mark.parametrize(
    "path",
    [
        "/i/{full}",
        "/i/{full}?do=gate-check",
        "/i/{full}?do=action-add",
        "/i/{drill}?do=legal-start",
        "/i/{near-miss}",
        "/i/{change}",
        "/i/{over}?do=close",
        "/i/{merged}",
        "/i/{restricted}?do=restrict",
        "/card",
        "/",
        "/declare?drill=yes&kind=near-miss",
    ],
)
def test_axe_finds_nothing(
    path: str, width: int, scheme: str, signed_in: Opened, rooms: dict[str, str]
) -> None:
    options: dict[str, Any] = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    options |= {"reduced_motion": "reduce", "bypass_csp": True}
    with signed_in("mei", path.format(**rooms), **options) as page:
        for details in page.locator("main details:not([name])").all():
            details.evaluate("d => { d.open = true; }")
        page.evaluate(AXE)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [
        f"{v['id']}: {n['target']} {n['failureSummary'][:200]}"
        for v in found["violations"]
        for n in v["nodes"]
    ] == []


@pytest.mark.parametrize("width", [320, 768, 1024, 1200])
def test_nothing_is_wider_than_the_window(
    width: int, signed_in: Opened, rooms: dict[str, str], server: Served
) -> None:
    long = server.declare("W" * 150)
    for verb, body in (
        ("task", {"do": "open", "text": "W" * 200}),
        ("propose", {"text": "W" * 200}),
        ("suspect", {"what": "W" * 200}),
        ("action", {"do": "add", "text": "W" * 200}),
        ("statement", {"do": "draft", "audience": "W" * 100, "text": "W" * 200, "data": "W" * 200}),
    ):
        do(server, "mei", long, verb, **body)
    for ref in (rooms["full"], long):
        with signed_in("mei", f"/i/{ref}?do=gate-check", viewport={"width": width, "height": 800}) as page:
            for item in page.locator("details.item").all():
                item.evaluate("d => { d.removeAttribute('name'); d.open = true; }")
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_digit_of_a_drill_can_be_read_at_home(signed_in: Opened, rooms: dict[str, str]) -> None:
    card = f'.blaze[data-drill]:has(a[href="/i/{rooms["drill"]}"]) .flag .sev'
    look = (
        "e => { const s = getComputedStyle(e, '::before'); return [s.content, s.color, s.backgroundColor]; }"
    )
    for scheme in ("light", "dark"):
        with signed_in("mei", "/", color_scheme=scheme) as page:
            content, ink, ground = page.locator(card).evaluate(look)
        assert content.startswith('"1"')
        assert ground not in {ink, "rgb(255, 255, 255)"}, "white is for the coloured field of a real one"


def test_targets_are_large_enough_for_a_thumb(signed_in: Opened, rooms: dict[str, str]) -> None:
    wanted = "a.btn, button, summary, .kind-pick, .group-pick, select, input[type=text], input[type=date]"
    script = """(wanted) => [...document.querySelectorAll(wanted)]
      .map(e => [e.innerText || e.name, e.getBoundingClientRect()]).filter(([, r]) => r.width && r.height)
      .filter(([, r]) => r.height < 43.5).map(([t, r]) => `${t}: ${r.height}`)"""
    size = {"width": 375, "height": 800}
    for pick in ("gate-check", "task-open", "action-add", "restored"):
        path = f"/i/{rooms['full']}?do={pick}"
        with signed_in("mei", path, viewport=size, has_touch=True, is_mobile=True) as page:
            assert page.evaluate(script, wanted) == [], pick


def test_one_form_at_a_time_behind_the_menu(signed_in: Opened, server: Served) -> None:
    ref = server.declare("One at a time", by="mei")
    with signed_in("mei", f"/i/{ref}") as page:
        shown = page.locator("form.side:visible")
        assert shown.count() == 1
        page.get_by_label("What did you see, do or rule out?").fill("half a sen")
        page.locator("[data-group-of=work]").check(force=True)
        page.locator("[data-pick-of=task-open]").check(force=True)
        page.get_by_label("What is to be done?").fill("Count the rows")
        assert shown.count() == 1
        page.locator("[data-pick-of=note]").check(force=True)
        assert page.get_by_label("What did you see, do or rule out?").input_value() == "half a sen"
        page.locator("h1").click()
        page.keyboard.press("b")
        page.locator("#do-gate-check").wait_for()
        assert page.locator("[data-group-of=work]").is_checked()
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("t")
        assert page.get_by_label("What is to be done?").input_value() == "Count the rows"
        page.get_by_role("button", name="Open task").click()
        page.locator("#work").get_by_text("Count the rows").wait_for()


def test_what_is_open_stays_open_while_others_work(signed_in: Opened, server: Served) -> None:
    """What was chosen in the menu or opened at a task survives the live picture; what is typed does, too."""
    ref = server.declare("Others work", by="mei")
    do(server, "mei", ref, "task", do="open", text="Count the rows", owner="jonas")
    with signed_in("mei", f"/i/{ref}") as page:
        page.locator("[data-group-of=people]").check(force=True)
        page.locator("[data-pick-of=legal-start]").check(force=True)
        page.locator("#at-task-done-1 summary").click()
        page.locator("h1").click()
        page.evaluate("document.activeElement.blur()")
        do(server, "jonas", ref, "task", do="open", text="Look at the copy", owner="priya")
        page.locator("#work").get_by_text("Look at the copy").wait_for(timeout=1500)
        assert page.locator("#at-task-done-1").evaluate("d => d.open")
        do(server, "jonas", ref, "mitigate", evidence="writes are stopped")
        page.locator('[data-pick-of="mitigate"]').wait_for(state="detached", timeout=1500)
        page.locator("#do-legal-start").wait_for()
        page.locator("#task-done-1-result").fill("23 of")
        do(server, "jonas", ref, "task", do="open", text="And another", owner="priya")
        page.locator("#timeline").get_by_text("And another").wait_for(timeout=1500)
        assert page.locator("#task-done-1-result").input_value() == "23 of"


def test_a_whole_gate_by_keyboard_and_without_script(browser: Any, server: Served) -> None:
    ref = server.declare("Without script", by="mei")
    with server.session("jonas") as client:
        value = client.cookies["tocsin"]
    context = browser.new_context(base_url=server.url, java_script_enabled=False)
    context.add_cookies([{"name": "tocsin", "value": value, "url": server.url}])
    page = context.new_page()
    page.goto(f"/i/{ref}")
    page.locator("[data-group-of=work]").check(force=True)
    page.locator("[data-pick-of=gate-check]").check(force=True)
    page.get_by_role("button", name="Show its form").click()
    form = page.locator("#do-gate-check")
    for n in range(5):
        form.locator(f'[name="answers.{n}.answer"][value=ok]').check()
        form.locator(f'[name="answers.{n}.evidence"]').fill(f"looked at {n}")
    form.get_by_role("button", name="Record this check").click()
    page.get_by_role("listitem").get_by_text("looked at 4").first.wait_for()
    context.close()


def test_the_card_fits_on_paper(signed_in: Opened, tmp_path: Path) -> None:
    with signed_in("mei", "/card") as page:
        page.emulate_media(media="print")
        assert page.locator(".top").is_hidden()
        printed = page.pdf(format="A4")
    assert printed.startswith(b"%PDF")
    assert (
        printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") + printed.count(b"/Type /Page>") <= 2
    )
