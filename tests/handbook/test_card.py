"""The card: everything that somebody needs who has only paper, the same bytes until the pager changes hands."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tocsin.domain.people import Directory, Person
from tocsin.domain.policy import built_in_policy
from tocsin.handbook.card import OWN, card
from tocsin.handbook.document import Table, parse_document
from tocsin.handbook.read import read_handbook

ACME = Path(__file__).resolve().parents[2] / "examples" / "acme"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
POLICY = read_handbook(ACME, ACME / "docs" / "ops").policy
PEOPLE = Directory(
    {p.handle: Person(p.handle, p.name, p.email, p.phone, p.chat, p.can_act_as) for p in POLICY.roster}
)


def page(now=NOW, policy=POLICY, people=PEOPLE, rotations=POLICY.rotations):
    return card(policy, people, rotations, now)


def tables(text):
    blocks = [b for s in parse_document("x", text).sections for b in s.blocks if isinstance(b, Table)]
    return [[[c.flat for c in r.cells] for r in (t.header, *t.rows)] for t in blocks]


def test_it_says_whom_to_call_and_how():
    people = tables(page())[0]
    assert people[0] == ["Name", "Phone", "Mail", "Chat", "Can act as"]
    assert people[3] == [
        "Mei Tanaka", "+46 70 174 06 13", "mei@acme.example", "@mei", "IC, Ops/Infra, Scribe",
    ]  # fmt: skip
    assert "2. after 5m: the secondary on call\n3. after 10m: everybody who can be IC\n" in page()


def test_it_says_who_is_on_call_for_four_weeks():
    assert tables(page())[1] == [
        ["From (Europe/Stockholm)", "Primary", "Secondary"],
        ["Mon 2026-11-23 09:00", "Jonas Ek", "Mei Tanaka"],
        ["Mon 2026-11-30 09:00", "Priya Natarajan", "Mei Tanaka"],
        ["Mon 2026-12-07 09:00", "Priya Natarajan", "Jonas Ek"],
        ["Mon 2026-12-14 09:00", "Mei Tanaka", "Priya Natarajan"],
    ]


def test_levels_steps_roles_check_and_places():
    text = page()
    assert "| SEV1 Critical | portal down; nobody can sign in" in text
    assert "| under 5m | under 30m | under 2h | every 15-30m |" in text
    assert "| - | - | next sprint | - |" in text
    assert "1. **Declare:** Anybody may." in text
    assert "4. **Mitigate & Fix:** Keep" in text, "as it is printed: no entities for what is harmless"
    assert "Postmortem" not in text, "not in the first ten minutes"
    assert "- **Scribe:** writes down" in text
    assert "Counts for 30m. Done by Ops/Infra, confirmed by IC." in text
    assert text.count("- [ ] ") == 5
    assert "- Log: docs/ops/incidents.md\n" in text
    assert "- Bring data back: docs/ops/backup_dr.md\n" in text


def test_the_same_bytes_until_the_pager_changes_hands():
    handover = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
    assert page(NOW + timedelta(days=5)) == page()
    assert page(handover - timedelta(seconds=1)) == page()
    assert page(handover) != page()


def test_a_new_number_in_the_roster_changes_it():
    moved = replace(PEOPLE.people["mei"], phone="+46 70 174 06 99")
    people = Directory({**PEOPLE.people, "mei": moved})
    assert "+46 70 174 06 99" in page(people=people)


def test_people_who_are_not_in_the_roster_are_not_on_it():
    people = Directory({**PEOPLE.people, "guest": Person("guest", "A Guest", in_roster=False)})
    assert page(people=people) == page()


def test_a_table_that_ended_or_has_not_begun():
    rotation = replace(POLICY.rotations[0], repeats=False)
    assert "Nobody is on call by this table." in page(rotations=(rotation,))
    assert "Mon 2026-01-05 09:00 | Priya" in page(datetime(2026, 1, 1, tzinfo=UTC), rotations=(rotation,))


def test_without_a_handbook_it_still_helps():
    text = page(policy=built_in_policy(), people=Directory(), rotations=())
    assert "The handbook names nobody." in text
    assert "## When tocsin is down" in text


def test_it_is_known_as_our_own_and_no_part_of_the_handbook(tmp_path):
    ops = tmp_path / "docs" / "ops"
    ops.mkdir(parents=True)
    (ops / "incident_response.md").write_text(
        "# I\n\n## Severity\n\n- **SEV1:** down. Target: ack < 5m.\n", "utf-8"
    )
    before = read_handbook(tmp_path, ops).hash
    (ops / "card.md").write_text(page(), "utf-8")
    assert OWN in page()
    assert read_handbook(tmp_path, ops).hash == before


@pytest.mark.parametrize(
    "text", ["a | b", "<script>", "# h", "\n- x", "[x](javascript:alert(1))", "`x` **y**"]
)
def test_what_others_wrote_stays_text(text):
    person = replace(PEOPLE.people["mei"], name=text, phone=text)
    shown = page(people=Directory({**PEOPLE.people, "mei": person}))
    tokens = MarkdownIt("commonmark").enable("table").parse(shown)
    kinds = {c.type for t in tokens for c in (t.children or [])}
    assert kinds <= {"text", "softbreak", "strong_open", "strong_close", "code_inline"}
    assert len(tables(shown)[0]) == len(tables(page())[0])


RELAY = read_handbook(ACME.parent / "relay", ACME.parent / "relay" / "docs" / "ops").policy


def relay_page(now):
    people = {p.handle: Person(p.handle, p.name, p.email, p.phone, p.chat) for p in RELAY.roster}
    return card(RELAY, Directory(people), RELAY.rotations, now)


def test_schedules_of_a_policy_block_stand_on_it():
    leads = tables(relay_page(NOW))[2]
    assert leads[:3] == [
        ["From (Europe/Stockholm)", "On call"],
        ["Mon 2026-11-23 12:00", "Aroha Tui"],
        ["Mon 2026-12-07 12:00", "Elin Dahl"],
    ]


def test_the_escalation_of_a_policy_block_is_its_ladder():
    text = relay_page(NOW)
    assert "1. at once: the gateway on call\n2. after 5m: the gateway on call, the leads on call\n" in text


def test_with_a_policy_block_too_it_is_the_same_until_the_pager_changes_hands():
    change = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
    minute = timedelta(minutes=1)
    first = relay_page(change)
    assert relay_page(change + timedelta(hours=3)) == first
    assert relay_page(change - minute) != first
