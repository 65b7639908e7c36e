"""The second example handbook: a team in three places, whose policy block says who is called."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from handbook.block_made import placeless
from tocsin.domain.oncall.rota import Rota
from tocsin.handbook.block_write import block_toml
from tocsin.handbook.blocks import with_blocks
from tocsin.handbook.document import parse_document
from tocsin.handbook.findings import Notebook
from tocsin.handbook.read import exit_code, read_handbook

RELAY = Path(__file__).resolve().parents[2] / "examples" / "relay"


@pytest.fixture(scope="module")
def relay():
    return read_handbook(RELAY, RELAY / "docs" / "ops", datetime(2026, 11, 24, tzinfo=UTC))


def test_it_has_no_finding_at_all(relay):
    assert relay.findings == ()
    assert exit_code(relay, strict=True) == 0


@pytest.mark.parametrize(
    ("at", "people"),
    [
        ("2026-02-04T02:00", ("aroha",)),
        ("2026-02-04T09:00", ("noah",)),
        ("2026-02-04T20:00", ("maya",)),
        ("2026-02-11T05:30", ("maya",)),
        ("2026-12-09T09:00", ("elin",)),
    ],
)
def test_the_pager_follows_the_sun(relay, at, people):
    """Auckland, Stockholm, Denver; then an hour that no place covers, and a week in which Elin stands in for Noah."""
    rota = Rota(relay.policy.schedules)
    assert rota.who("gateway", datetime.fromisoformat(at).replace(tzinfo=UTC)) == people


def test_there_is_no_gap_in_two_years_of_clock_changes(relay):
    rota = Rota(relay.policy.schedules)
    start = datetime(2026, 1, 6, tzinfo=UTC)
    for name in ("gateway", "leads"):
        assert rota.gaps(name, start, start + timedelta(days=730)) == ()


def test_its_block_is_stable_when_written_back(relay):
    """V6."""
    text = block_toml(relay.policy)
    document = parse_document("again.md", f"```toml tocsin\n{text}```\n")
    again = with_blocks(relay.policy, [document], None, Notebook())
    assert placeless(again) == placeless(relay.policy)
    assert block_toml(again) == text
