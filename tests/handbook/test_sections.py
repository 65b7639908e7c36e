"""Which sections of a postmortem are written: the draft as it comes, half filled in, and as people rewrite it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.handbook.postmortem import DEFAULT_SECTIONS, PostmortemFacts, TimelineLine, draft
from tocsin.handbook.sections import incomplete

SECTIONS = ("timeline", "root cause", "blast radius", "fixes", "preventions")
AT = datetime(2026, 1, 20, 13, 3, 30, tzinfo=UTC)
QUESTION = "_What made it possible, and why did it stay unseen until then?_"


def only(text: str) -> bool:
    """Whether a file with that below its one section counts as written."""
    return (
        incomplete(
            f"# INC-2026-0001: x\n\n## Root cause\n\n{text}\n\n## Promises\n\nNone.\n", ("root cause",)
        )
        == ()
    )


def test_a_draft_that_knows_nothing_is_missing_everything():
    assert incomplete(draft(PostmortemFacts("INC-2026-0001", "x", "SEV1", SECTIONS)), SECTIONS) == SECTIONS


def test_a_draft_as_it_comes_is_not_a_postmortem():
    facts = PostmortemFacts(
        "INC-2026-0001",
        "x",
        "SEV1",
        SECTIONS,
        impact="all tenants",
        timeline=(TimelineLine(AT, "mei", "ack"),),
    )

    left = incomplete(draft(facts), SECTIONS)
    assert "root cause" in left
    assert "preventions" in left
    assert "timeline" not in left


def test_answered_below_each_question_it_is_complete():
    text = draft(PostmortemFacts("INC-2026-0001", "x", "SEV1", SECTIONS))
    answered = "\n".join(
        f"{line}\n\nAn answer." if line.startswith("_") else line for line in text.split("\n")
    )

    assert incomplete(answered, SECTIONS) == ()


def test_missing_ones_come_by_the_handbooks_names_in_its_order():
    text = "## Fixes\n\nRolled back.\n\n## Timeline\n\n| a | b |\n|---|---|\n| 13:02 | x |\n"

    assert incomplete(text, SECTIONS) == ("root cause", "blast radius", "preventions")


def test_without_sections_of_the_handbook_the_drafts_own_count():
    assert incomplete("", ()) == DEFAULT_SECTIONS


@pytest.mark.parametrize(
    "text",
    [
        "The cookie attribute changed.",
        f"{QUESTION}\n\nThe cookie attribute changed.",
        f"{QUESTION}\nThe cookie attribute changed.",
        f"{QUESTION} The cookie attribute changed.",
        "- the cookie\n- nobody tested the domain",
        "> as Stripe said: expired",
        "```\ntraceback\n```",
        "### Contributing factors\n\nNo test signs in.",
        f"{QUESTION}\n\n### Contributing factors\n\nNo test signs in.",
        "_The cookie attribute changed._",
        "| Factor |\n|---|\n| cookie |",
        "Why did nobody see it? The preview has another domain.",
        "The cookie changed. <!-- more? -->",
    ],
)
def test_an_answer_in_any_form_counts(text):
    assert only(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        QUESTION,
        QUESTION.replace("_", "*"),
        "_What made it possible,\nand why did it stay unseen until then?_",
        f"Suspected: the rotation of a secret at 09:04.\n\n{QUESTION}",
        f"- {QUESTION}\n- _And what else?_",
        "_What belongs under root\\_cause?_",
        "TBD",
        "**TODO**.",
        "-",
        "<!-- write it here -->",
        "---",
        "| Factor |\n|---|",
        "| Factor | Seen |\n|---|---|\n| - | TBD |",
        "### Contributing factors\n\n_What else?_",
    ],
)
def test_a_question_a_blank_and_an_empty_table_do_not(text):
    assert not only(text)


@pytest.mark.parametrize(
    "heading",
    [
        "## Root cause",
        "### 2. Root Cause",
        "## 🔎 Root causes",
        "## Root cause analysis",
        "# Root cause",
        "Root cause\n---",
    ],
)
def test_a_heading_is_known_by_its_words(heading):
    assert incomplete(f"# INC-2026-0001: x\n\n{heading}\n\nThe cookie.\n", ("root cause",)) == ()


def test_fix_is_the_section_fixes():
    assert incomplete("## Fix\n\nRolled back.\n", ("fixes",)) == ()


def test_the_title_of_the_file_is_no_section():
    text = "# INC-2026-0001: Timeline does not load\n\nSome words.\n\n## Fixes\n\nDone.\n"

    assert incomplete(text, ("timeline",)) == ("timeline",)


def test_what_stands_below_the_next_heading_is_not_its_answer():
    assert incomplete("## Root cause\n\n## Fixes\n\nRolled back.\n", ("root cause", "fixes")) == (
        "root cause",
    )


def test_line_ends_and_a_byte_order_mark_make_no_difference():
    text = "\ufeff## Root cause\r\n\r\nThe cookie.\r\n"

    assert incomplete(text, ("root cause",)) == ()


@given(st.text(max_size=300))
def test_any_text_is_judged_and_only_known_names_come_back(text):
    assert set(incomplete(text, SECTIONS)) <= set(SECTIONS)


@pytest.mark.parametrize("piece", ["?", "<!-- ", "*a ", "_a? ", "<!-- x --> <!-- ", "[to be "])
def test_a_paragraph_of_one_piece_again_and_again_is_passed_over_once(piece):
    """Were a pattern to begin again at each piece, this would not come to an end while anybody waits."""
    assert incomplete(f"## Fix\n\n.*{piece * (100_000 // len(piece))}\n", ("Fix",)) == ()


def test_a_comment_that_is_not_closed_hides_nothing_and_a_closed_one_is_no_answer():
    assert incomplete("## Fix\n\nx <!-- so\n", ("Fix",)) == ()
    assert incomplete("## Fix\n\n- <!-- a --><!-- b <!-- c -->\n", ("Fix",)) == ("Fix",)


def test_a_heading_that_comes_again_and_again_is_answered_by_any_of_them():
    again = "## Fix\n\n### Detail\n\n" * 5_000
    assert incomplete(again, ("Fix",)) == ("Fix",)
    assert incomplete(f"{again}Restored.\n", ("Fix",)) == ()
