"""Answering from a phone: from declaring to the end of the calls over real sockets, and the page in Chromium."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from cli.conftest import Shell, Starter, clean_environment, eventually, free_port, mailbox, start
from tocsin.channels.mailbox import Mail, Mailbox
from web.running import ROOT, Served
from web.test_phone import DONE, first_called, link_to, paging, press
from web.test_process import do

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["mailbox", "start"]
pytestmark = pytest.mark.browser

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text("utf-8")
QUICK = ROOT / "tests" / "processes" / "quick_handbook.md"
LINK = re.compile(r"^Acknowledge or pass on: (http://\S+)$", re.MULTILINE)
PHONE = {"viewport": {"width": 375, "height": 812}, "has_touch": True, "is_mobile": True}
Opened = Callable[..., "Page"]


@pytest.fixture
def opened(browser: Browser, server: Served) -> Any:
    """Opens a link as a phone does: signed in nowhere. An error on the page, or a foreign request, fails the test."""
    wrong: list[str] = []
    contexts = []

    def page_of(link: str, **options: Any) -> Page:
        context = browser.new_context(base_url=server.url, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda r: wrong.append(r.url) if not r.url.startswith(server.url) else None)
        page.goto(link)
        return page

    yield page_of
    for context in contexts:
        context.close()
    assert wrong == []


# --- the whole way ----------------------------------------------------------------------------------------------------


def quick(folder: Path, smtp_port: int) -> None:
    """A handbook whose steps are seconds apart, so that the next one would be called while the test looks on."""
    (folder / "docs" / "ops").mkdir(parents=True)
    text = QUICK.read_text("utf-8").replace("after 2s", "after 5s").replace("after 4s", "after 8s")
    assert "after 5s, mail the secondary" in text
    (folder / "docs" / "ops" / "incident_response.md").write_text(text, "utf-8")
    (folder / "tocsin.toml").write_text(
        '[database]\nurl = "sqlite:///var/tocsin.db"\n[handbook]\npath = "docs/ops"\n'
        f'[channel.mail]\nkind = "email"\nurl = "smtp://127.0.0.1:{smtp_port}"\nfrom = "tocsin@test.example"\n',
        "utf-8",
    )
    (folder / "var").mkdir()


def called(box: Mailbox, ref: str) -> list[Mail]:
    """Mails that call somebody for this incident, oldest first."""
    return [m for m in reversed(box.messages()) if m.ref == ref and "You are called" in m.subject]


def test_from_declaring_to_the_end_of_the_calls(
    browser: Browser, mailbox: Mailbox, start: Starter, tmp_path: Path
) -> None:
    """Beside an incident that nobody answers, and whose next people are called: there the same ladder goes on."""
    shell = Shell(tmp_path / "node", clean_environment(tmp_path))
    quick(shell.folder, mailbox.port)
    running = start(shell, "serve", port=free_port())
    unanswered = shell.run("declare", "Nobody looks", "--sev", "SEV1").stdout.splitlines()[0]
    ref = shell.run("declare", "Sign-in loops", "--sev", "SEV1").stdout.splitlines()[0]
    mail = eventually(lambda: called(mailbox, ref), "the mail is there")[0]
    before = len(called(mailbox, ref))
    found = LINK.search(mail.body)
    assert found, mail.body
    link = found[1]
    assert mail.body.index(link) < mail.body.index("/i/INC-")

    preview = httpx2.get(link, headers={"User-Agent": "LinkPreview/1.0"}, trust_env=False)
    assert preview.status_code == 200
    assert shell.json("show", ref)["paging"] == "triggered"

    context = browser.new_context(**PHONE)
    page = context.new_page()
    page.goto(link)
    page.get_by_role("heading", level=1, name="Sign-in loops").wait_for()
    page.get_by_role("button", name="Acknowledge").click()
    page.get_by_text("You have it.").wait_for()
    context.close()

    shown = shell.json("show", ref)
    assert shown["paging"] == "acked"
    eventually(lambda: len(called(mailbox, unanswered)) >= before + 2, "the other incident calls on")
    assert len(called(mailbox, ref)) == before
    told = [m for m in mailbox.messages() if m.ref == ref and "Acknowledged with your link" in m.subject]
    assert [m.to for m in told] == [mail.to]
    token = link.rsplit("/", 1)[-1]
    assert token not in running.err.read_text() + running.out.read_text()


# --- the page ---------------------------------------------------------------------------------------------------------


def test_without_script_both_buttons_work(opened: Opened, server: Served) -> None:
    ref, other = server.declare("No script", by="tomas"), server.declare("No script either", by="tomas")
    page = opened(link_to(server, ref), java_script_enabled=False, **PHONE)
    page.get_by_role("button", name="Acknowledge").click()
    page.get_by_text("You have it.").wait_for()
    assert paging(server, ref) == "acked"
    page = opened(link_to(server, other), java_script_enabled=False, **PHONE)
    page.get_by_role("button", name="Pass on").click()
    page.get_by_text("You passed it on.").wait_for()
    assert paging(server, other) == "triggered"


def test_by_keyboard(opened: Opened, server: Served) -> None:
    ref = server.declare("By keyboard", by="tomas")
    page = opened(link_to(server, ref))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the answer"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.value") == "ack"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.get_by_text("You have it.").wait_for()


def test_pressed_twice_is_pressed_once(opened: Opened, server: Served) -> None:
    ref = server.declare("Two thumbs", by="tomas")
    link = link_to(server, ref)
    one, two = opened(link, **PHONE), opened(link, **PHONE)
    for page in (one, two):
        page.get_by_role("button", name="Acknowledge").click()
        page.get_by_text("You have it.").wait_for()
    one.reload()
    one.get_by_text("You have it.").wait_for()


def test_it_counts_down_what_comes_next(opened: Opened, server: Served) -> None:
    page = opened(link_to(server, server.declare("Counting", by="tomas")), **PHONE)
    digits = page.locator(".bigcount .v")
    first = digits.inner_text()
    assert re.fullmatch(r"[0-9]+:[0-9]{2}", first)
    page.wait_for_function("first => document.querySelector('.bigcount .v').textContent !== first", arg=first)


STATES = ("called", "mine", "theirs", "passed", "low", "restricted", "over", "dead")


def in_state(server: Served, name: str) -> str:
    """A link that leads to a page in that state."""
    if name == "dead":
        return "/a/nothing"
    ref = server.declare(
        "A rather long title of an incident that breaks " * 3, "SEV3" if name == "low" else "SEV1", "tomas"
    )
    link = link_to(server, ref)
    if name == "theirs":
        do(server, "henrik" if first_called(server, ref) != "henrik" else "priya", ref, "ack")
    if name == "over":
        do(server, "tomas", ref, "resolve", **DONE)
    if name == "restricted":
        do(server, "tomas", ref, "restrict", codename="Heron", readers=[], reason="x")
    if name in ("mine", "passed"):
        press(server, link, "ack" if name == "mine" else "pass")
    return link


@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing_and_everything_fits(state: str, opened: Opened, server: Served) -> None:
    link = in_state(server, state)
    for width, height, scheme in ((320, 640, "light"), (375, 812, "dark"), (1440, 900, "light")):
        size = {"width": width, "height": height}
        page = opened(link, viewport=size, color_scheme=scheme, bypass_csp=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.evaluate(AXE)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        told = [
            f"{v['id']}: {n['target']} {n['failureSummary']}" for v in found["violations"] for n in v["nodes"]
        ]
        assert told == [], (width, scheme)
        page.context.close()


def test_the_buttons_are_large_and_on_the_first_screen(opened: Opened, server: Served) -> None:
    page = opened(in_state(server, "called"), **PHONE)
    for name, least in (("Acknowledge", 68), ("Pass on", 56)):
        box = page.get_by_role("button", name=name).bounding_box()
        assert box is not None
        assert box["height"] >= least - 0.5
        assert box["y"] + box["height"] <= 812


def test_more_contrast_and_forced_colours_keep_the_words(opened: Opened, server: Served) -> None:
    for options in ({"contrast": "more"}, {"forced_colors": "active"}):
        page = opened(in_state(server, "called"), **PHONE, **options)
        page.get_by_text("SEV1").first.wait_for()
        page.get_by_role("button", name="Acknowledge").wait_for()
