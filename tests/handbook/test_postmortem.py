from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tocsin.handbook.document import Table, parse_document
from tocsin.handbook.inert import LIMIT, inert_block, inert_line
from tocsin.handbook.postmortem import PostmortemFacts, Promise, TimelineLine, draft

START = datetime(2026, 1, 20, 13, 3, 30, tzinfo=UTC)
LEARNING = ["Contributing factors", "What went well", "Where we were lucky"]


def at(minutes):
    return START + timedelta(minutes=minutes)


FACTS = PostmortemFacts(
    ref="INC-2026-0007",
    title="Sign-in loops",
    severity="SEV1",
    sections=("timeline", "root cause", "blast radius", "fixes", "preventions"),
    detected=START,
    declared=at(3),
    acked=at(2),
    resolved=at(24),
    due=at(24 + 2880),
    roles=(("Incident Commander", "Mei Tanaka"), ("Ops/Infra", "Priya Natarajan")),
    impact="all tenants",
    timeline=(TimelineLine(at(5), "mei", "rolled back"), TimelineLine(at(0), "smoke", "failed")),
    promises=(
        Promise("Acknowledge", "< 5m", at(5), at(2), kept=True),
        Promise("Mitigate", "< 30m", at(30), at(39), kept=False),
        Promise("Resolve", "< 2h", at(120)),
    ),
)


def headings(text):
    return [s.title for s in parse_document("x", text).sections if s.title]


def tables(text):
    blocks = [b for s in parse_document("x", text).sections for b in s.blocks if isinstance(b, Table)]
    return [[[c.flat for c in r.cells] for r in t.rows] for t in blocks]


def test_the_sections_are_those_of_the_handbook():
    wanted = ["Timeline", "Root cause", "Blast radius", "Fixes", "Preventions", *LEARNING, "Promises"]
    assert headings(draft(FACTS)) == ["INC-2026-0007: Sign-in loops", *wanted]


def test_other_sections_get_a_timeline_of_their_own():
    facts = PostmortemFacts("INC-2026-0007", "x", "SEV1", sections=("What worked well", "Luck"))
    wanted = ["Timeline", "What worked well", "Luck", "Contributing factors", "Promises"]
    assert headings(draft(facts)) == ["INC-2026-0007: x", *wanted]


def test_the_timeline_is_oldest_first_in_utc():
    assert tables(draft(FACTS))[0] == [
        ["2026-01-20 13:03:30", "smoke", "failed"],
        ["13:08:30", "mei", "rolled back"],
    ]


def test_promises_are_kept_missed_or_open():
    assert [row[-1] for row in tables(draft(FACTS))[-1]] == ["kept", "missed by 9m", "open"]


def test_head_known_and_unknown():
    text = draft(FACTS)
    assert "- Acknowledged: 2026-01-20 13:05:30 UTC\n" in text
    assert "- Mitigated: unknown\n" in text
    assert "- Incident Commander: Mei Tanaka\n" in text
    assert "all tenants" in text
    assert "_What made it possible" in text


def test_the_same_facts_give_the_same_bytes():
    assert draft(FACTS) == draft(FACTS)


BLOCKS = [
    "# h",
    "- item",
    "1. one",
    "1) one",
    "> q",
    "```\nx\n```",
    "    code",
    "---",
    "a\n===",
    "| a |\n|---|",
    "+ x",
    "<b>",
    "~~~",
]


@pytest.mark.parametrize("text", BLOCKS)
def test_a_block_of_untrusted_text_is_only_paragraphs(text):
    tokens = MarkdownIt("commonmark").enable("table").parse(inert_block(text))
    assert {t.type for t in tokens} <= {"paragraph_open", "inline", "paragraph_close"}


@given(st.text(alphabet="#-*+=|`>[]()1.) \n\tab<!{}:~_\\&$\u202e\u2028\r\x00"))
def test_any_block_stays_paragraphs_of_text(text):
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(inert_block(text))
    assert {t.type for t in tokens} <= {"paragraph_open", "inline", "paragraph_close"}
    assert {c.type for t in tokens for c in (t.children or [])} <= {"text", "softbreak"}


@given(st.text())
def test_any_line_stays_one_line_of_text(text):
    line = inert_line(text)
    assert "\n" not in line
    assert "<" not in line
    assert inert_line(text) == line


def test_a_long_text_is_cut():
    assert inert_line("x" * 5000) == "x" * (LIMIT - 1) + "…"


@given(st.text(), st.text())
def test_untrusted_texts_add_no_section(title, text):
    facts = PostmortemFacts(
        "INC-2026-0007", title, "SEV1", cause=text, impact=text, timeline=(TimelineLine(START, text, text),)
    )
    assert headings(draft(facts))[1:] == [
        "Timeline",
        "Root cause",
        "Blast radius",
        "Fixes",
        "Preventions",
        *LEARNING,
        "Promises",
    ]
