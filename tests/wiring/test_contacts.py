"""Which addresses are used: the roster's at once, one's own once it is proven, none that is known to fail."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tocsin.config import ConsoleSettings, EmailSettings
from tocsin.domain.people import Method, Person
from tocsin.store.contract import ContactRow
from tocsin.wiring.people import directory
from wiring.rotas import MONDAY, at, policy

MAIL = EmailSettings(name="mail", url="smtp://127.0.0.1:1025", sender="tocsin@test.example")
ROSTER = Method("mail", "mei@test.example", "email")
OWN = ContactRow("mei", "mail", "mei@home.example", MONDAY, verified_at=at(1))
OF_ROSTER = ContactRow("mei", "mail", "", MONDAY, tried="mei@test.example")


def methods(*rows: ContactRow, person: str = "mei", hook: bool = False) -> tuple[Method, ...]:
    channels = {"mail": MAIL, **({"hook": ConsoleSettings(name="hook")} if hook else {})}
    return directory(policy(), (), channels, (), rows).methods_of(person)


def test_an_address_of_the_roster_is_used_at_once_and_is_unproven() -> None:
    assert methods() == (ROSTER,)
    assert methods(OWN, person="jonas") == (Method("mail", "jonas@test.example", "email"),)


def test_it_is_proven_when_a_message_arrived_there() -> None:
    assert methods(replace(OF_ROSTER, last_ok=at(2))) == (replace(ROSTER, proven_at=at(2)),)
    assert methods(replace(OF_ROSTER, last_ok=at(2), tried="old@test.example")) == (ROSTER,)


def test_ones_own_address_is_used_once_it_is_verified() -> None:
    assert methods(replace(OWN, verified_at=None)) == (ROSTER,)
    assert methods(OWN) == (Method("mail", "mei@home.example", "email"),)
    assert methods(replace(OWN, last_ok=at(2)))[0].proven_at == at(2)


def test_a_disabled_address_is_not_used() -> None:
    """N10; the roster's stands in for one's own, and any other method for it."""
    assert methods(replace(OWN, disabled="refused")) == (ROSTER,)
    assert methods(replace(OF_ROSTER, disabled="refused"), hook=True) == (Method("hook", "mei", "console"),)


def test_where_nothing_else_is_left_a_disabled_address_is_tried_all_the_same() -> None:
    """N10: a page that may come back unread beats none, and the first one that arrives proves the address anew."""
    assert methods(replace(OF_ROSTER, disabled="refused")) == (ROSTER,)
    mail = replace(OF_ROSTER, disabled="refused")
    assert methods(mail, replace(mail, channel="hook", tried="mei"), hook=True) == (
        ROSTER,
        Method("hook", "mei", "console"),
    )


def tried(*rows: ContactRow) -> tuple[tuple[str, str], ...]:
    channels = {"mail": MAIL, "hook": ConsoleSettings(name="hook")}
    found = directory(policy(), (), channels, (), rows).to_try("mei")
    return tuple((method.channel, method.address) for method in found)


def test_a_test_page_tries_what_is_switched_off_too() -> None:
    """N10: of a channel with two addresses the one that was switched off, to see whether it works again."""
    hook = ("hook", "mei")
    assert tried() == (("mail", "mei@test.example"), hook)
    assert tried(replace(OF_ROSTER, disabled="refused")) == (hook, ("mail", "mei@test.example"))
    assert tried(replace(OWN, disabled="refused")) == (("mail", "mei@home.example"), hook)
    assert tried(replace(OWN, disabled="refused", verified_at=None))[0] == ("mail", "mei@test.example")


def test_an_address_that_the_roster_changed_is_not_disabled_by_the_failures_of_the_old_one() -> None:
    row = replace(OF_ROSTER, disabled="refused", tried="typo@test.example")
    assert methods(row) == (ROSTER,)


def test_somebody_without_an_address_in_the_roster_is_reached_by_her_own() -> None:
    guest = Person("zoe", "Zoe", in_roster=False)
    own = replace(OWN, person="zoe")
    for rows, expected in (((), ()), ((own,), ("mei@home.example",))):
        found = directory(policy(), [guest], {"mail": MAIL}, (), rows).methods_of("zoe")
        assert tuple(method.address for method in found) == expected


@pytest.mark.parametrize("people", [("jonas",), None])
def test_a_channel_that_is_for_others_stays_so(people: tuple[str, ...] | None) -> None:
    only = replace(MAIL, people=people)
    found = directory(policy(), (), {"mail": only}, (), [OWN]).methods_of("mei")
    assert bool(found) is (people is None)


def test_one_row_speaks_of_one_channel_only() -> None:
    hook = ConsoleSettings(name="hook")
    row = replace(OF_ROSTER, disabled="refused")
    found = directory(policy(), (), {"mail": MAIL, "hook": hook}, (), [row]).methods_of("mei")
    assert found == (Method("hook", "mei", "console"),)
