"""Times and lengths of time as people type them into a form."""

from __future__ import annotations

import html
from datetime import UTC, datetime

import pytest

from tocsin.domain.context import Refused
from tocsin.web import show_verbs
from tocsin.web.forms import instant, seconds
from tocsin.web.static_files import FILES
from web.running import Served
from web.test_pages import hidden
from web.test_room import form_of, send


@pytest.mark.parametrize(
    ("now", "typed", "meant"),
    [
        ("2026-01-28T13:05:22", "13:05", "2026-01-28T13:05:00"),
        ("2026-01-28T13:05:22", " 9:41 ", "2026-01-28T09:41:00"),
        ("2026-01-28T13:05:22", "13:05:22", "2026-01-28T13:05:22"),
        ("2026-01-28T00:00:00", "00:00", "2026-01-28T00:00:00"),
        ("2026-01-28T00:10:00", "23:50", "2026-01-27T23:50:00"),
        ("2026-01-28T05:59:59", "18:00", "2026-01-27T18:00:00"),
        ("2026-03-01T01:00:00", "22:15:30", "2026-02-28T22:15:30"),
        ("2026-01-28T13:05:22", "2026-01-27 23:50", "2026-01-27T23:50:00"),
        ("2026-01-28T13:05:22", "2026-01-27T23:50:10 UTC", "2026-01-27T23:50:10"),
        ("2026-01-28T13:05:22", "2026-01-28T10:00:00+02:00", "2026-01-28T08:00:00"),
    ],
)
def test_a_time_that_is_said_in_full(now: str, typed: str, meant: str) -> None:
    assert instant(typed, datetime.fromisoformat(now).replace(tzinfo=UTC)) == f"{meant}+00:00"


@pytest.mark.parametrize(
    ("now", "typed", "why", "possible"),
    [
        ("13:05:22", "13:06", "13:06 is ahead: it is 13:05:22 UTC", "2026-01-27 13:06"),
        ("13:05:22", "23:50", "is ahead", "2026-01-27 23:50"),
        ("05:59:59", "17:59", "is ahead", "2026-01-27 17:59"),
        ("06:00:00", "18:00", "is ahead", "2026-01-27 18:00"),
        ("13:05:22", "2026-01-28", "a day without an hour", "2026-01-28 09:41"),
        ("13:05:22", "yesterday", "no time", "09:41"),
        ("13:05:22", "2026-01-28 9", "no time", "09:41"),
        ("13:05:22", "2026-02-30 09:41", "no time", "09:41"),
        ("13:05:22", "24:00", "no time", "09:41"),
    ],
)
def test_a_time_that_could_mean_another_day_is_refused(now: str, typed: str, why: str, possible: str) -> None:
    with pytest.raises(Refused) as refused:
        instant(typed, datetime.fromisoformat(f"2026-01-28T{now}+00:00"))
    assert why in refused.value.reason
    assert possible in refused.value.possible


@pytest.mark.parametrize(
    ("typed", "meant"), [("72h", 259_200), ("1h 12m", 4320), ("25", 25), ("soon", "soon")]
)
def test_a_length_of_time(typed: str, meant: object) -> None:
    assert seconds(typed) == meant


def test_the_form_keeps_what_was_typed_beside_the_reason(server: Served) -> None:
    ref, day = server.declare(), f"{server.clock.now():%Y-%m-%d}"
    typed = {"regime": "gdpr", "aware": day, "reason": "rows of people"}
    with server.session("mei") as client:
        room = send(client, ref, "legal-start", **typed)
        fields = hidden(client.get("/declare").text, "/declare")
        declared = client.post(
            "/declare", data={**fields, "title": "Contacts are missing", "sev": "SEV2", "detected": day}
        )
    assert (room.status_code, declared.status_code) == (422, 422)
    for form, others in (
        (form_of(room.text, "legal-start"), ("rows of people",)),
        (declared.text, ("Contacts are missing", 'value="SEV2" checked')),
    ):
        assert "a day without an hour" in html.unescape(form)
        for words in (f'value="{day}"', *others):
            assert words in form, words


def test_every_form_and_every_group_of_the_menu_can_be_seen_once_it_is_chosen() -> None:
    """A form is shown by a line of the style sheet alone: without one it is there, and nobody sees it."""
    style = FILES["ui.css"].content.decode()
    groups = {key for key, _, _ in show_verbs.GROUPS}
    assert [
        key for key in show_verbs.PICKS if f'[value="{key}"]:checked) [data-side="{key}"]' not in style
    ] == []
    assert [g for g in groups if f'[data-group-of="{g}"]:checked) [data-group="{g}"]' not in style] == []
