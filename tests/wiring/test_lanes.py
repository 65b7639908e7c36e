"""What a message says its link is for: the same as the page behind it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tocsin.domain import events as ev
from tocsin.domain.effects import Send
from tocsin.domain.events import Text
from tocsin.domain.fold import fold
from tocsin.domain.incident import ASKED, Page
from tocsin.wiring.lanes import _asks

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
OPENED = ev.Opened(NOW, "INC-2026-0001", Text("Checkout answers 500"), "hash", "person", "SEV1", "mei")
PAGE = Page(1, "jonas", 0, 1, ("mail",), NOW)


@pytest.mark.parametrize(
    ("kind", "page", "about", "says"),
    [
        ("incident", PAGE, "page", "Acknowledge or pass on"),
        ("incident", PAGE, "ack-reminder", "Say that you are still on it"),
        ("test", PAGE, "page", "Acknowledge: it arrived"),
        ("incident", replace(PAGE, shadow=True), "page", "Say that you have seen it; others are called"),
        ("incident", replace(PAGE, rung=ASKED), "page", "Acknowledge: you come"),
    ],
)
def test_the_link_says_what_the_answer_does(kind: str, page: Page, about: str, says: str) -> None:
    state = replace(fold([OPENED]), kind=kind, pages=(page,))
    assert _asks(Send("jonas", "mail", about, "page/1/mail", page=1), state) == says
