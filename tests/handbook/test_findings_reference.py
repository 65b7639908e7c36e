"""Every rule's bad example gives the finding, its good example does not: the reference is what the program does."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tocsin.handbook.check import RULES
from tocsin.handbook.read import read_handbook

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "findings.md"
SEVERITIES = "# Incident response\n\n## Severity Matrix\n\n- **SEV1:** down. Target: ack < 5m.\n\n"
LOG = "| Date | SEV | Summary |\n|---|---|---|\n"
BEFORE_THE_TABLE_ENDS = datetime(2026, 11, 4, tzinfo=UTC)
LATER = datetime(2026, 11, 24, tzinfo=UTC)


def sections() -> dict[str, tuple[str, list[str]]]:
    parts = re.split(r"(?m)^## `([a-z-]+)`\n", REFERENCE.read_text("utf-8"))[1:]
    fences = re.compile(r"(?ms)^(`{3,})markdown\n(.*?)^\1$")
    return {
        name: (body, [text for _, text in fences.findall(body)])
        for name, body in zip(parts[::2], parts[1::2], strict=True)
    }


SECTIONS = sections()
WITH_EXAMPLES = sorted(name for name, (_, examples) in SECTIONS.items() if examples)


def rules_broken(tmp_path: Path, fragment: str, now: datetime, *, log: bool) -> set[str]:
    ops = tmp_path / "docs" / "ops"
    ops.mkdir(parents=True)
    text = fragment if fragment.startswith("# ") else SEVERITIES + fragment
    (ops / "incident_response.md").write_text(text, "utf-8")
    (ops / "rollback.md").write_text("# Rolling back\n", "utf-8")
    if log:
        (ops / "incidents.md").write_text(LOG, "utf-8")
    return {finding.rule for finding in read_handbook(tmp_path, ops, now).findings}


def test_every_rule_has_its_section():
    assert sorted(SECTIONS) == sorted(RULES)


@pytest.mark.parametrize("name", sorted(RULES))
def test_the_section_names_the_level(name):
    assert SECTIONS[name][0].lstrip().lower().startswith(RULES[name].level)


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_the_bad_example_gives_the_finding(name, tmp_path):
    now = LATER if name == "rotation-ended" else BEFORE_THE_TABLE_ENDS
    assert name in rules_broken(tmp_path, SECTIONS[name][1][0], now, log=False)


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_the_good_example_gives_none_at_all(name, tmp_path):
    now = LATER if name == "rotation-ended" else BEFORE_THE_TABLE_ENDS
    assert rules_broken(tmp_path, SECTIONS[name][1][1], now, log=True) == set()


def test_only_the_encoding_has_no_example():
    assert set(RULES) - set(WITH_EXAMPLES) == {"encoding"}
