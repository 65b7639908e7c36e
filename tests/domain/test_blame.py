"""Hints at blame: what is found, what is left alone, and that each says what to write instead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.domain import blame


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("Jonas should have redeployed.", "should have"),
        ("He shouldn’t have touched it.", "shouldn't have"),
        ("We ought to have seen it.", "ought to have"),
        ("It was human error.", "human error"),
        ("A careless migration.", "careless"),
        ("Nobody was negligent, they said.", "negligent"),
        ("The engineer failed  to check the dump.", "failed to"),
        ("She forgot to set it.", "forgot to"),
        ("He did not bother to ask.", "did not bother to"),
        ("It is Jonas's fault.", "jonas's fault"),
        ("The night shift is to blame.", "to blame"),
        ("The secret was rolled by mistake.", "mistake"),
        ("Obviously the flag was off.", "obviously"),
        ("Root cause: Jonas", "root cause: Jonas"),
        ("## Root cause\n\nJonas Ek.\n", "root cause: Jonas Ek"),
        ("**Root cause:** @jonas", "root cause: @jonas"),
    ],
)
def test_a_judgement_gets_a_hint_that_says_what_to_write_instead(text: str, phrase: str) -> None:
    (hint,) = blame.hints(text)

    said, _, advice = hint.partition(": ") if "root cause" not in phrase else hint.rpartition(": ")
    assert said.startswith(f'"{phrase}"')
    assert len(advice.split()) > 5


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The secret was rolled at 09:04 with immediate expiry; 23 events were refused.",
        "Two tenants could have seen booking titles.",
        "Root cause: the webhook secret was rotated without a redeploy",
        "The log said `connection failed to open`.",
        "> support wrote: you should have told us\n\nWe told them at 10:12.",
        "```\nfailed to bind: careless config\n```\n",
        "This is a blameless review.",
        "The default case of the switch was wrong.",
    ],
)
def test_plain_facts_code_and_quotations_are_left_alone(text: str) -> None:
    assert blame.hints(text) == ()


def test_a_phrase_is_said_once_with_its_lines_and_the_first_place_comes_first() -> None:
    text = "# Sign-in\n\nHuman error.\nHe should have asked.\n\n> should have\n\nShe should have asked.\n"

    first, second = blame.hints(text)
    assert first.startswith('"human error" (line 3): ')
    assert second.startswith('"should have" (line 4, 8): ')


def test_many_places_are_counted() -> None:
    (hint,) = blame.hints("careless\n" * 9)

    assert hint.startswith('"careless" (line 1, 2, 3, 4, 5 and 4 more): ')


def test_after_code_the_text_is_read_again() -> None:
    hints = blame.hints("```\nx\n```\nHuman error.\n\n~~~\ncareless\n~~~\n> careless\nSloppy.\n")

    assert [hint.split('"')[1] for hint in hints] == ["human error", "sloppy"]


@given(st.text(max_size=400))
def test_any_text_can_be_looked_at(text: str) -> None:
    assert all(hint.count("\n") == 0 for hint in blame.hints(text))


# --- a long or hostile text ------------------------------------------------------------------------------------

ALL_OF_IT = blame.LONGEST


@pytest.mark.parametrize(
    "piece",
    [
        "\n",
        " \n",
        "<!-- ",
        "a.",
        "root cause ",
        "Root cause: A ",
        "should \n",
        "'s ",
        "a`",
        "> \n",
        "did ",
        "``` x\n```\n",
    ],
)
def test_a_text_of_one_piece_again_and_again_is_passed_over_once(piece: str) -> None:
    """Were any pattern to begin again at each piece, this would not come to an end while anybody waits."""
    text = (piece * ALL_OF_IT)[: ALL_OF_IT - 20] + "\n\nSloppy.\n"

    phrases = [hint.split('"')[1] for hint in blame.hints(text)]
    assert [phrase for phrase in phrases if "root cause" not in phrase] == ["sloppy"]


def test_a_judgement_on_every_line_is_counted() -> None:
    count = ALL_OF_IT // len("careless\n")

    (hint,) = blame.hints("careless\n" * count)

    assert f"and {count - blame.LINES_NAMED} more" in hint


def test_what_stands_behind_the_longest_text_is_not_looked_at() -> None:
    fits = "x " * (ALL_OF_IT // 2 - 10) + "\n\n"

    assert blame.hints(f"{fits}Sloppy.")
    assert blame.hints(f"{fits}{' ' * 30}Sloppy.") == ()


def test_the_same_text_is_looked_at_once() -> None:
    text = "Jonas should have asked, said the review of the twelfth."
    before = blame._hints.cache_info()
    first = blame.hints(text)

    assert blame.hints("".join(text)) == first
    after = blame._hints.cache_info()
    assert (after.misses - before.misses, after.hits - before.hits) == (1, 1)


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("\n\n\n  - **Root   cause:**\n\n\n**Jonas Ek\n", "root cause: Jonas Ek"),
        ("what the root cause is: Jonas\n", None),
        ("Root cause: jonas\n", None),
        (f"{'-' * 60} Root cause: Jonas\n", None),
        ("a <!-- careless --> b <!-- careless -->", None),
    ],
)
def test_a_name_as_cause_stands_first_in_its_line(text: str, phrase: str | None) -> None:
    hints = blame.hints(text)
    assert [hint.split('"')[1] for hint in hints] == ([phrase] if phrase else [])
