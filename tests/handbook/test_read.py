"""Whole handbooks: the document that started it, a complete set of its kind, and our own example."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tocsin.domain.source import Source
from tocsin.handbook.links import find_root
from tocsin.handbook.read import exit_code, read_handbook
from tocsin.handbook.render_policy import findings_json, policy_json, policy_text

ACME = Path(__file__).resolve().parents[2] / "examples" / "acme"
NOW = datetime(2026, 1, 20, tzinfo=UTC)


def seconds(policy, name):
    return [getattr(s, name).seconds if getattr(s, name) else None for s in policy.severities]


def found(reading, rule):
    return [(f.file, f.line) for f in reading.findings if f.rule == rule]


@pytest.fixture
def seed(shared):
    return read_handbook(None, shared / "seed" / "incident_response.md", NOW)


@pytest.fixture
def specimens(shared):
    return read_handbook(shared / "specimens", shared / "specimens" / "docs" / "ops", NOW)


@pytest.fixture
def acme():
    return read_handbook(ACME, ACME / "docs" / "ops", datetime(2026, 11, 24, tzinfo=UTC))


@pytest.fixture(params=["seed", "specimens", "acme"])
def policy(request):
    return request.getfixturevalue(request.param).policy


def test_severities_have_the_targets_of_the_document(policy):
    assert [s.level for s in policy.severities] == ["SEV1", "SEV2", "SEV3", "SEV4"]
    assert [s.rank for s in policy.severities] == [1, 2, 3, 4]
    assert seconds(policy, "ack") == [300, 900, 3600, None]
    assert seconds(policy, "mitigate") == [1800, 3600, None, None]
    assert seconds(policy, "resolve") == [7200, 14_400, 86_400, None]
    assert policy.severities[3].calendar == "next sprint"
    assert not any(t.inclusive for s in policy.severities for t in (s.ack, s.mitigate, s.resolve) if t)


def test_cadence_and_postmortem_by_level(policy):
    cadence = [(s.update.remind_s, s.update.overdue_s) if s.update else None for s in policy.severities]
    assert cadence == [(900, 1800), (900, 1800), None, None]
    assert seconds(policy, "postmortem") == [172_800, 172_800, 432_000, None]
    assert all(s.postmortem.inclusive for s in policy.severities[:3])


def test_roles_steps_and_required_sections(policy):
    assert [(r.key, r.name, r.abbreviation) for r in policy.roles] == [
        ("ic", "Incident Commander", "IC"),
        ("comms", "Comms Lead", None),
        ("ops", "Ops/Infra", None),
        ("scribe", "Scribe", None),
    ]
    names = ["Declare", "Stabilize", "Communicate", "Mitigate & Fix", "Close", "Postmortem"]
    assert [(s.number, s.name) for s in policy.steps] == list(enumerate(names, start=1))
    wanted = ["timeline", "root cause", "blast radius", "fixes", "preventions"]
    assert [n.text for n in policy.postmortem_sections] == wanted


def test_everything_has_file_and_line(policy):
    def places(value):
        if isinstance(value, Source):
            yield value
        elif isinstance(value, tuple):
            for part in value:
                yield from places(part)
        elif hasattr(value, "__dataclass_fields__"):
            for name in value.__dataclass_fields__:
                yield from places(getattr(value, name))

    sources = list(places(policy))
    assert len(sources) > 25
    here = {"incident_response.md"} | {g.source.file.rpartition("/")[2] for g in policy.gates}
    assert all(s.file.rpartition("/")[2] in here and s.line >= 1 for s in sources)


def test_seed_criteria_and_step_texts_are_verbatim(seed, shared):
    assert seed.policy.severities[0].criteria == ("Prod outage", "auth/billing down", "data loss risk")
    assert seed.policy.severities[1].criteria == (
        "Major functionality degraded (payments delayed, tenant isolation risk)",
    )
    lines = (shared / "seed" / "incident_response.md").read_text("utf-8").splitlines()
    assert all(lines[s.source.line - 1].replace("`", "").endswith(s.text) for s in seed.policy.steps)
    assert seed.policy.steps[0].links == ("docs/ops/incidents.md",)
    assert [(s.level, s.source.line) for s in seed.policy.severities] == [
        ("SEV1", 15), ("SEV2", 16), ("SEV3", 17), ("SEV4", 18),
    ]  # fmt: skip


def test_seed_says_what_is_undecided_and_missing(seed):
    file = "incident_response.md"
    assert found(seed, "placeholder") == [(file, 35), (file, 36), (file, 37)]
    assert found(seed, "open-item") == [(file, 46), (file, 47)]
    assert found(seed, "link-missing") == [(file, 9), (file, 10), (file, 11), (file, 12)]
    assert found(seed, "checklist-log") == [(file, 51)]
    assert found(seed, "checklist-runbooks") == [(file, 52)]
    assert found(seed, "checklist-channels") == [(file, 53)]
    assert found(seed, "gate-step") == [(file, 30)]
    assert len(seed.findings) == 13
    assert exit_code(seed) == 1
    assert not seed.blocked


def test_seed_is_absent_where_it_says_nothing(seed):
    policy = seed.policy
    assert (policy.roster, policy.rotations, policy.ladder, policy.templates) == ((), (), (), ())
    assert [c.placeholder for c in policy.channels] == ["TBD", "TBD", "TBD"]
    text = policy_text(policy)
    for name in ("escalation", "roster", "rotation", "templates"):
        assert f"absent: {name}\n" in text
    assert "absent: SEV3: mitigate, update cadence\n" in text


def test_seed_in_its_place_in_a_repository(shared, tmp_path):
    (tmp_path / ".git").mkdir()
    ops = tmp_path / "docs" / "ops"
    ops.mkdir(parents=True)
    shutil.copy(shared / "seed" / "incident_response.md", ops)
    reading = read_handbook(None, ops, NOW)
    assert reading.root == tmp_path.resolve()
    assert reading.log_path == "docs/ops/incidents.md"
    assert len(found(reading, "link-missing")) == 4


def test_specimens_are_clean_while_valid(specimens):
    assert specimens.findings == ()
    assert exit_code(specimens, strict=True) == 0
    assert [(r.rule, r.passed) for r in specimens.checklist] == [
        ("checklist-log", True), ("checklist-runbooks", True), ("checklist-channels", True),
    ]  # fmt: skip


def test_specimens_later_say_only_what_is_true(shared):
    reading = read_handbook(None, shared / "specimens" / "docs" / "ops", datetime(2026, 11, 24, tzinfo=UTC))
    rules = sorted(f.rule for f in reading.findings)
    assert rules == ["checklist-runbooks", "rotation-ended", "stale", "stale", "stale"]
    assert found(reading, "rotation-ended") == [("docs/ops/incident_response.md", 57)]


@pytest.mark.parametrize(
    ("now", "ended"),
    [(datetime(2026, 2, 9, 7, 59, 59, tzinfo=UTC), False), (datetime(2026, 2, 9, 8, 0, tzinfo=UTC), True)],
)
def test_the_rotation_ends_at_the_hour_of_the_hand_over_in_its_zone(shared, now, ended):
    reading = read_handbook(None, shared / "specimens" / "docs" / "ops", now)
    assert bool(found(reading, "rotation-ended")) is ended


def test_specimens_roster_rotation_and_ladder(specimens):
    policy = specimens.policy
    assert [p.handle for p in policy.roster] == ["priya", "jonas", "mei", "tomas", "aisha", "henrik"]
    assert policy.roster[4].can_act_as == ("comms", "scribe", "billing-contact")
    rotation = policy.rotations[0]
    assert (rotation.weekday, rotation.clock, rotation.tz) == (0, "09:00", "Europe/Stockholm")
    assert (rotation.repeats, rotation.length_days) == (False, 7)
    assert rotation.rows[0].people == (("primary", "jonas"), ("secondary", "mei"))
    assert (rotation.rows[3].label, rotation.rows[3].starts) == ("2026-W06", "2026-02-02")
    assert [(r.after_s, r.targets, r.via) for r in policy.ladder] == [
        (0, ("oncall:primary",), ("call", "sms")),
        (300, ("oncall:secondary",), ("call",)),
        (600, ("role:ic",), ("call",)),
    ]


def test_specimens_channels_templates_runbooks_log(specimens):
    policy = specimens.policy
    assert policy.channels[0].handles == ("#incidents", "#status")
    assert [t.source.line for t in policy.templates] == [62, 66, 70, 74]
    assert policy.templates[0].fields == ("sev", "id", "summary", "impact", "ic", "next_update")
    assert policy.runbooks[3].links == ("docs/ops/cicd_pipeline.md",)
    assert (policy.log_path, policy.open_items) == ("docs/ops/incidents.md", ())
    assert [m.key for m in policy.metadata] == ["Status", "Owner", "Last validated"]


def test_our_own_example_has_no_finding_at_all(acme):
    assert acme.findings == ()
    assert exit_code(acme, strict=True) == 0
    assert acme.policy.rotations[0].repeats
    assert acme.policy.fallback_level() == "SEV2"
    assert [s.name for s in acme.policy.severities] == ["Critical", "Major", "Minor", "Low"]
    assert {p.email for p in acme.policy.roster} == {f"{p.handle}@acme.example" for p in acme.policy.roster}


def copy_acme(tmp_path):
    shutil.copytree(ACME, tmp_path / "acme")
    return tmp_path / "acme"


def test_hash_follows_the_handbook_and_not_what_tocsin_writes(tmp_path):
    root = copy_acme(tmp_path)
    ops = root / "docs" / "ops"
    before = read_handbook(root, ops)
    log = ops / "incidents.md"
    log.write_text(log.read_text("utf-8") + "| 2026-11-24 | SEV1 | x | - | - | - | - | - |\n", "utf-8")
    (ops / "card.md").write_text("# Card\n", "utf-8")
    (ops / "postmortems").mkdir()
    (ops / "postmortems" / "INC-2026-0001.md").write_text("# x\n", "utf-8")
    assert read_handbook(root, ops).hash == before.hash
    runbook = ops / "backup_dr.md"
    runbook.write_text(runbook.read_text("utf-8") + "\nOne more word.\n", "utf-8")
    assert read_handbook(root, ops).hash != before.hash


@pytest.mark.parametrize("now", [None, NOW, datetime(2030, 1, 1, tzinfo=UTC)])
def test_hash_does_not_depend_on_the_time(now):
    assert (
        read_handbook(ACME, ACME / "docs" / "ops", now).hash
        == read_handbook(ACME, ACME / "docs" / "ops").hash
    )


def test_crlf_and_byte_order_mark_read_alike(tmp_path):
    root = copy_acme(tmp_path)
    path = root / "docs" / "ops" / "incident_response.md"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert (
        read_handbook(root, root / "docs" / "ops").policy == read_handbook(ACME, ACME / "docs" / "ops").policy
    )


def test_policy_json_has_the_public_shape(specimens):
    shape = policy_json(specimens.policy)
    json.dumps(shape)
    first, last = shape["severities"][0], shape["severities"][3]
    assert first["level"] == "SEV1"
    assert (first["ack_s"], first["mitigate_s"], first["resolve_s"]) == (300, 1800, 7200)
    assert (first["update_remind_s"], first["update_overdue_s"]) == (900, 1800)
    assert (first["postmortem_s"], first["file"], first["line"]) == (
        172_800,
        "docs/ops/incident_response.md",
        15,
    )
    assert (last["ack_s"], last["postmortem_s"], last["calendar"]) == (None, None, "next sprint")
    for key in (
        "roles",
        "steps",
        "channels",
        "roster",
        "rotations",
        "runbooks",
        "templates",
        "postmortem_sections",
    ):
        assert shape[key], key
        assert all(entry["file"] and entry["line"] for entry in shape[key])


def test_findings_json(seed):
    first = findings_json(seed.findings)["findings"][0]
    assert sorted(first) == ["file", "level", "line", "message", "repair", "rule"]
    assert all(first.values())


def test_report_says_how_things_were_understood(seed):
    assert "line 15: SEV1: acknowledge < 5m, mitigate < 30m, resolve < 2h" in seed.report
    assert "line 21: role Incident Commander is ic" in seed.report


@pytest.mark.parametrize("make", [".git", None])
def test_the_root_is_the_git_top_or_the_folder_above_docs_ops(tmp_path, make):
    ops = tmp_path / "docs" / "ops"
    ops.mkdir(parents=True)
    if make:
        (tmp_path / make).mkdir()
    assert find_root(ops) == tmp_path.resolve()
    assert find_root(ops / "x.md") == tmp_path.resolve()


def test_the_root_is_else_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert find_root(tmp_path) == Path.cwd()
