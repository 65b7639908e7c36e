import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tocsin.handbook.document import Table, parse_document
from tocsin.handbook.inert import LIMIT, inert_block, inert_line
from tocsin.handbook.postmortem import (
    Correction,
    DecisionMade,
    FollowUp,
    Override,
    PostmortemFacts,
    Promise,
    Said,
    SuspectedChange,
    TimelineLine,
    draft,
)

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


def section(text, title):
    """What stands below a heading, as Markdown."""
    return text.split(f"\n## {title}\n\n")[1].split("\n\n## ")[0]


def test_the_first_sentences_say_how_it_went():
    facts = replace(FACTS, impact_start=at(-1.5), impact_end=at(20), mitigated=at(12))
    assert draft(facts).split("\n\n")[1] == (
        "Customers felt it from 2026-01-20 13:02:00 UTC to 13:23:30, for 21m 30s. It was detected 1m 30s later; "
        "acknowledged 2m, mitigated 12m and resolved 24m after that."
    )


def test_without_an_impact_start_the_day_is_said_with_the_detection():
    assert "It was detected at 2026-01-20 13:03:30 UTC; acknowledged 2m and resolved" in draft(FACTS)
    assert "Customers" not in draft(FACTS)


def test_an_impact_over_midnight_names_both_days():
    facts = replace(FACTS, impact_start=at(0), impact_end=at(24 * 60))
    assert "from 2026-01-20 13:03:30 UTC to 2026-01-21 13:03:30 UTC, for 1d." in draft(facts)


def test_the_impact_is_marked_in_the_timeline_and_days_are_said_once():
    facts = replace(
        FACTS,
        impact_start=at(-1),
        impact_end=at(20),
        timeline=(*FACTS.timeline, TimelineLine(at(24 * 60), "henrik", "not notifiable")),
    )
    assert tables(draft(facts))[0] == [
        ["2026-01-20 13:02:30", "-", "Impact began"],
        ["13:03:30", "smoke", "failed"],
        ["13:08:30", "mei", "rolled back"],
        ["13:23:30", "-", "Impact ended"],
        ["2026-01-21 13:03:30", "henrik", "not notifiable"],
    ]


def test_suspected_changes_stand_under_the_cause_and_do_not_answer_it():
    facts = replace(FACTS, suspects=(SuspectedChange("release 4e81b7d", at(-1)), SuspectedChange("a flag")))
    body = section(draft(facts), "Root cause")
    assert "- release 4e81b7d, in place since 2026-01-20 13:02:30 UTC\n- a flag\n" in body
    assert body.endswith("_What made it possible, and why did it stay unseen until then?_")


def test_actions_with_kind_owner_day_and_proof():
    facts = replace(
        FACTS,
        actions=(
            FollowUp(
                "Sign in on production",
                "detect",
                "Mei Tanaka",
                "2026-02-01",
                "proven",
                "failed on purpose: seen",
            ),
            FollowUp("Paint it", "process", "", "next sprint"),
            FollowUp("Ask them", "prevent", "Jonas Ek", "", "dropped", "they moved"),
        ),
    )
    assert tables(section(draft(facts), "Preventions")) == [
        [
            ["Sign in on production", "detect", "Mei Tanaka", "2026-02-01", "failed on purpose: seen"],
            ["Paint it", "process", "-", "next sprint", "open"],
            ["Ask them", "prevent", "Jonas Ek", "-", "dropped: they moved"],
        ]
    ]


def test_going_past_a_check_is_bold_with_its_reason():
    facts = replace(
        FACTS,
        overrides=(Override(at(9), "Mei Tanaka", "drop the index", "the disk is full"),),
        timeline=(TimelineLine(at(9), "Mei Tanaka", "went past | the check", strong=True),),
    )
    text = draft(facts)
    assert section(text, "Went past the check") == (
        "- **2026-01-20 13:12:30 UTC: Mei Tanaka let the work go on without a passing check: drop the index.** "
        "Reason: the disk is full"
    )
    assert "| **went past \\| the check** |" in text


def test_decisions_statements_and_corrections_have_their_tables():
    facts = replace(
        FACTS,
        decisions=(DecisionMade(at(8), "Mei Tanaka", "roll back", "the deploy fits"),),
        statements=(Said(at(9), "status page", "status.acme.example", "We look at it.", "safe"),),
        corrections=(
            Correction(at(60), "Mei Tanaka", "impact_start", None, at(-1), "first 400", ("resolve: met",)),
        ),
    )
    text = draft(facts)
    assert tables(section(text, "Decisions"))[0][0][1:] == ["Mei Tanaka", "roll back", "the deploy fits"]
    assert tables(section(text, "Told to people outside"))[0][0][1:3] == [
        "status page",
        "status.acme.example",
    ]
    assert tables(section(text, "Corrected times")) == [
        [["impact start", "unknown", "2026-01-20 13:02:30 UTC", "first 400", "Mei Tanaka", "resolve: met"]]
    ]


def test_what_never_happened_has_no_section():
    assert not {"Decisions", "Told to people outside", "Went past the check", "Corrected times"} & {
        *headings(draft(FACTS))
    }


def test_what_the_score_missed_stands_below_the_promises():
    text = draft(replace(FACTS, missed=("updates: 1 of 3 late",)))
    assert section(text, "Promises").endswith("Also missed:\n\n- updates: 1 of 3 late\n")


def test_targets_are_in_words():
    assert [row[1] for row in tables(draft(FACTS))[-1]] == ["under 5m", "under 30m", "under 2h"]


def test_a_drill_says_so_first():
    assert "**A drill: nobody outside was affected" in draft(replace(FACTS, drill=True)).split("\n\n")[1]


def test_facts_that_were_noted_as_contributing_do_not_answer_the_question():
    body = section(
        draft(replace(FACTS, contributing=("the smoke test runs on the preview domain only",))), LEARNING[0]
    )
    assert body.startswith("- the smoke test runs on the preview domain only\n\n_What else")


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
    assert not re.search(r"<(?![ 0-9])|<<|>", line)
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
