"""Backup, restore, adopt; people, links and tokens; doctor."""

from __future__ import annotations

import shutil


def test_a_backup_of_a_running_server_brings_everything_back(acme, served, mailbox):
    first = acme.json("declare", "Sign-in loops", "--sev", "SEV3")["ref"]
    copy = acme.json("backup", "monday.db")["file"]
    assert copy == str(acme.folder / "monday.db")
    acme.run("declare", "After the backup", "--sev", "SEV3")
    assert "stop it first" in acme.run("restore", copy, "--yes", expect=1).stderr
    served.stop()
    assert "--yes is missing" in acme.run("restore", copy, expect=2).stderr
    assert "nothing is sent until: tocsin adopt" in acme.run("restore", copy, "--yes").stdout
    assert "nothing is sent: restored from a backup" in points(acme, expect=1)["sending"][1]
    assert [row["ref"] for row in acme.json("list")["incidents"]] == [first]
    sent = len(mailbox.messages())
    assert "nothing was sent" in acme.run("declare", "Held", "--sev", "SEV1").stderr
    assert len(mailbox.messages()) == sent
    acme.run("adopt")
    assert any("Held" in mail.subject for mail in mailbox.messages())


def test_a_backup_that_is_none_changes_nothing(acme):
    acme.run("declare", "Sign-in loops", "--sev", "SEV3")
    (acme.folder / "junk.db").write_bytes(b"no database at all")
    acme.run("restore", "junk.db", "--yes", expect=1)
    acme.run("restore", "nothing.db", "--yes", expect=1)
    assert len(acme.json("list")["incidents"]) == 1


def test_a_copied_folder_is_held_until_adopted(acme, tmp_path, mailbox):
    acme.run("declare", "Sign-in loops", "--sev", "SEV3")
    sent = len(mailbox.messages())
    other = type(acme)(tmp_path / "other", acme.environment)
    shutil.copytree(acme.folder, other.folder)
    assert "run tocsin adopt" in other.run("declare", "Elsewhere", "--sev", "SEV1").stderr
    assert len(mailbox.messages()) == sent
    other.run("adopt")
    assert len(mailbox.messages()) > sent


def test_people_links_and_tokens(acme, served):
    acme.run(
        "user", "add", "@sam", "--name", "Sam Roth", "--email", "sam@acme.example", "--standing", "observer"
    )
    people = {row["handle"]: row for row in acme.json("user", "list")["users"]}
    assert (people["sam"]["standing"], people["sam"]["in_roster"]) == ("observer", False)
    assert people["mei"]["in_roster"]
    assert "Sam Roth" in acme.run("user", "list").stdout
    link = acme.run("user", "link", "sam").stdout.strip()
    assert link.startswith(f"{served_base(acme)}/signin/")
    assert "Nobody is known as" in acme.run("user", "link", "nobody", expect=1).stderr

    made = acme.json(
        "token", "create", "--person", "mei", "--scope", "incident:read", "--label", "board", "--days", "90"
    )
    assert made["token"].startswith("tcs_")
    listed = acme.run("token", "list").stdout
    assert made["id"] in listed
    assert made["token"] not in listed
    there = {"TOCSIN_URL": served.url, "TOCSIN_TOKEN": made["token"]}
    acme.run("list", **there)
    acme.run("token", "revoke", made["id"])
    assert "revoked" in acme.run("list", expect=1, **there).stderr
    acme.run("token", "create", "--scope", "everything", expect=2)


def served_base(acme):
    text = (acme.folder / "tocsin.toml").read_text()
    return next(line.split('"')[1] for line in text.splitlines() if line.startswith("url"))


def points(shell, expect=0):
    return {
        point["name"]: (point["state"], point["text"])
        for point in shell.json("doctor", expect=expect)["points"]
    }


def test_doctor_on_a_healthy_folder(acme):
    acme.run("list")
    found = points(acme)
    assert {
        "python",
        "sqlite",
        "tzdata",
        "settings",
        "database",
        "schema",
        "clock",
        "handbook",
        "channels",
        "disk",
    } <= set(found)
    assert found["database"] == ("ok", "reachable, nobody holds it")
    assert found["handbook"][1].endswith("no findings")
    assert found["channels"] == ("ok", "mail (email)")
    assert "ok" in acme.run("doctor").stdout


def test_doctor_creates_nothing(acme):
    points(acme)
    assert not (acme.folder / "var").exists()


def test_doctor_beside_a_server_asks_the_server(acme, served):
    found = points(acme)
    assert found["server"][0] == "ok"
    assert str(served.process.pid) in found["database"][1]


def test_doctor_names_what_is_wrong(acme):
    page = acme.folder / "docs" / "ops" / "incident_response.md"
    page.write_text(page.read_text().replace("## Severity levels", "## Nothing"))
    toml = acme.folder / "tocsin.toml"
    toml.write_text(toml.read_text().split("[channel.mail]")[0])
    found = points(acme, expect=1)
    assert found["handbook"][0] == "wrong"
    assert found["channels"][0] == "wrong"


def test_doctor_knows_what_the_old_sqlite_can_do(monkeypatch):
    from tocsin.cli import doctor

    monkeypatch.setattr("sqlite3.sqlite_version", "3.51.2")
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 51, 2))
    assert doctor._sqlite().state == "note"
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 51, 3))
    assert doctor._sqlite().state == "ok"
