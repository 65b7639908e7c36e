import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.handbook.labels import (
    LONGEST_HEADING,
    find_levelset,
    leading_clock,
    read_level,
    role_key,
    section_kind,
    slug,
)


@pytest.mark.parametrize(
    ("text", "label", "digit", "name"),
    [
        ("SEV1", "SEV1", 1, None),
        ("SEV-1 (Critical)", "SEV1", 1, "Critical"),
        ("SEV-1: Critical", "SEV1", 1, "Critical"),
        ("Sev 2", "SEV2", 2, None),
        ("🔴 **Sev-0**", "SEV0", 0, None),
        ("`P1`", "P1", 1, None),
        ("P0 - Critical", "P0", 0, "Critical"),
        ("S3", "S3", 3, None),
        ("Severity 1", "SEV1", 1, None),
        ("Priority 2", "P2", 2, None),
        ("High", "High", None, None),
        ("critical severity", "Critical", None, None),
    ],
)
def test_levels(text, label, digit, name):
    level = read_level(text)
    assert level is not None
    assert (level.label, level.digit, level.name) == (label, digit, name)


@pytest.mark.parametrize("text", ["", "P10", "SEV", "Primary", "Step 1", "S", "Higher", "SEV1/2"])
def test_what_is_no_level(text):
    assert read_level(text) is None


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("SEV1/2", ("SEV1", "SEV2")),
        ("Sev1/Sev2", ("SEV1", "SEV2")),
        ("SEV-1/SEV-2", ("SEV1", "SEV2")),
        ("P0-P1", ("P0", "P1")),
        ("P0-P3", ("P0", "P1", "P2", "P3")),
        ("SEV1, SEV2 and SEV3", ("SEV1", "SEV2", "SEV3")),
        ("within 48h for SEV1/2, 5d for SEV3", ("SEV1", "SEV2")),
        ("within 5d for SEV3 only", ("SEV3",)),
    ],
)
def test_levelsets(text, labels):
    found = find_levelset(text)
    assert found is not None
    assert found.labels == labels


@pytest.mark.parametrize("text", ["", "http2", "MP3", "ISO27001", "several", "P100"])
def test_no_levelset(text):
    assert find_levelset(text) is None


@given(st.text())
def test_no_text_breaks_the_labels(text):
    read_level(text)
    find_levelset(text)
    leading_clock(text)
    section_kind(text)
    assert slug(text)


@pytest.mark.parametrize(
    ("text", "clock", "rest"),
    [
        ("acknowledge < 5m", "ack", "< 5m"),
        ("ack: 15m", "ack", "15m"),
        ("Acknowledgement time 5m", "ack", "5m"),
        ("MTTA < 5m", "ack", "< 5m"),
        ("mitigate within 1h", "mitigate", "within 1h"),
        ("contain 1h", "mitigate", "1h"),
        ("Resolution: 4h", "resolve", "4h"),
        ("fix by 2d", "resolve", "2d"),
        ("Response Time: 15 minutes", "respond", "15 minutes"),
        ("Initial response 1h", "respond", "1h"),
        ("notify 30m", "inform", "30m"),
        ("Time to resolve", "resolve", ""),
    ],
)
def test_clocks(text, clock, rest):
    phrase = leading_clock(text)
    assert phrase is not None
    assert (phrase.clock, phrase.rest) == (clock, rest)


@pytest.mark.parametrize(
    "text", ["responsible people", "acknowledges", "information is lost", "fixed assets"]
)
def test_words_that_only_begin_like_a_clock(text):
    assert leading_clock(text) is None


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Incident Commander", "ic"),
        ("IC", "ic"),
        ("incident  manager", "ic"),
        ("Comms Lead", "comms"),
        ("Customer Liaison", "comms"),
        ("Ops/Infra", "ops"),
        ("Technical Lead", "ops"),
        ("Documentation Lead", "scribe"),
        ("billing contact", "billing-contact"),
    ],
)
def test_roles(name, key):
    assert role_key(name) == key


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("Severity Matrix", "severity"),
        ("3. Incident Classification", "severity"),
        ("🚨 Priority levels", "severity"),
        ("Roles", "roles"),
        ("Contact Roster", "roster"),
        ("On-call Rotation", "rotation"),
        ("Process", "process"),
        ("Communication Channels", "channels"),
        ("Comms Templates", "templates"),
        ("Escalation", "escalation"),
        ("Runbooks to Keep Handy", "runbooks"),
        ("Post-incident review", "postmortem"),
        ("Open Items", "open"),
        ("Known gaps", "open"),
        ("Validation checklist", "checklist"),
        ("Related docs/code (source of truth)", "related"),
        ("Feature Flags", None),
    ],
)
def test_headings(heading, kind):
    assert section_kind(heading) == kind


def test_slugs_lose_marks_of_letters():
    assert slug("Tomás Ferreira") == "tomas-ferreira"
    assert slug("—") == "unnamed"


@pytest.mark.parametrize(
    ("before", "kind"), [(0, "gate"), (LONGEST_HEADING - 12, "gate"), (LONGEST_HEADING, None)]
)
def test_of_a_heading_only_so_much_is_looked_at(before, kind):
    assert section_kind(f"{'x' * (before - 1)} backup check before".strip()) == kind


def test_a_heading_as_long_as_a_page_is_read_like_any_other():
    """The patterns see a line of bounded length: no heading makes them look at a page again and again."""
    assert section_kind("check before " * 5_000) is None
    assert section_kind("check before the db " * 5_000) == "gate"
