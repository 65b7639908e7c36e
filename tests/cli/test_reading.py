"""`tocsin policy` and `tocsin check` on the handbook that other teams start from, and on what is broken."""

from __future__ import annotations

import json
import shutil

import pytest

SEED = "seed/incident_response.md"


@pytest.fixture
def seed(shell, shared):
    """The specimen alone in a repository: nothing that it links to is there."""
    folder = shell.folder / "docs" / "ops"
    folder.mkdir(parents=True)
    shutil.copy(shared / SEED, folder)
    shell.git("init", "-q")
    return shell


def levels(policy, *names):
    return {s["level"]: tuple(s[name] for name in names) for s in policy["severities"]}


def test_the_figures_of_the_specimen(seed):
    policy = seed.json("policy", "docs/ops/incident_response.md")
    assert levels(policy, "ack_s", "mitigate_s", "resolve_s") == {
        "SEV1": (300, 1800, 7200),
        "SEV2": (900, 3600, 14400),
        "SEV3": (3600, None, 86400),
        "SEV4": (None, None, None),
    }
    assert levels(policy, "update_remind_s", "update_overdue_s") == {
        "SEV1": (900, 1800),
        "SEV2": (900, 1800),
        "SEV3": (None, None),
        "SEV4": (None, None),
    }
    assert levels(policy, "postmortem_s") == {
        "SEV1": (172800,),
        "SEV2": (172800,),
        "SEV3": (432000,),
        "SEV4": (None,),
    }
    assert levels(policy, "calendar")["SEV4"] == ("next sprint",)
    counts = {
        key: len(policy[key]) for key in ("severities", "roles", "steps", "postmortem_sections", "channels")
    }
    assert counts == {"severities": 4, "roles": 4, "steps": 6, "postmortem_sections": 5, "channels": 3}
    assert all(
        entry["file"] == "docs/ops/incident_response.md" and entry["line"] for entry in policy["roles"]
    )


def test_the_findings_of_the_specimen(seed):
    done = seed.run("check", "docs/ops", "--format", "json", expect=1)
    found = json.loads(done.stdout)["findings"]
    by_rule = {rule: [f for f in found if f["rule"] == rule] for rule in {f["rule"] for f in found}}
    assert [f["line"] for f in by_rule["placeholder"]] == [35, 36, 37]
    assert all("TBD" in f["message"] for f in by_rule["placeholder"])
    assert [f["line"] for f in by_rule["open-item"]] == [46, 47]
    missing = [f["message"].split("'")[1] for f in by_rule["link-missing"]]
    assert missing == [
        "docs/ops/incidents.md",
        "docs/ops/cicd_pipeline.md",
        "docs/ops/backup_dr.md",
        "app/api/health/route.ts",
    ]
    assert {*found[0]} == {"file", "line", "rule", "level", "message", "repair"}


def test_findings_as_text_say_where_what_and_how(seed):
    done = seed.run("check", "docs/ops", expect=1)
    assert "docs/ops/incident_response.md:35  placeholder  warning  'TBD' in channel 'Primary'" in done.stdout
    assert "repair: write the real name, number or address" in done.stdout
    assert "a usable policy" in done.stderr


def test_the_policy_as_text_names_lines_and_what_is_absent(seed):
    done = seed.run("policy", "docs/ops")
    assert "incident_response.md:15  SEV1: acknowledge < 5m, mitigate < 30m, resolve < 2h" in done.stdout
    assert "absent: roster" in done.stdout


def test_the_example_has_no_findings(acme):
    assert acme.run("check").stdout == "no findings\n"
    assert acme.json("check") == {"findings": []}


def test_a_secret_in_the_settings_is_a_finding(acme):
    toml = acme.folder / "tocsin.toml"
    toml.write_text(toml.read_text() + 'user = "tocsin"\npassword = "hunter2"\n')
    (found,) = acme.json("check", expect=1)["findings"]
    line = toml.read_text().splitlines().index('password = "hunter2"') + 1
    assert (found["rule"], found["file"], found["line"]) == ("secret-literal", "tocsin.toml", line)
    assert "hunter2" not in acme.run("check", expect=1).stdout


def test_without_severities_there_is_no_policy(shell):
    (shell.folder / "docs").mkdir()
    (shell.folder / "docs" / "a.md").write_text("# Restarting the queue\n\n1. Stop the workers.\n")
    assert "no policy" in shell.run("policy", "docs", expect=2).stderr
    assert "severity-missing" in shell.run("check", "docs", expect=2).stdout


def test_a_path_that_is_not_there_is_unusable_input(shell):
    assert "nowhere.md is not there" in shell.run("check", "nowhere.md", expect=2).stderr


def test_settings_that_cannot_be_used_are_named(acme):
    toml = acme.folder / "tocsin.toml"
    toml.write_text(toml.read_text().replace("[handbook]", "[handbok]"))
    done = acme.run("check", expect=2)
    assert "handbok" in done.stderr
    assert "did you mean handbook?" in done.stderr


def test_hostile_text_cannot_drive_the_terminal(shell):
    (shell.folder / "a.md").write_text(
        "# Sev\n\n- **SEV1:** out\x1b[2Jside. Target: ack < 5\x1b]0;owned\x07m.\n"
    )
    done = shell.run("check", "a.md", expect=None)
    assert "\x1b" not in done.stdout + done.stderr
    assert "\x1b" not in shell.run("policy", "a.md", expect=None).stdout
