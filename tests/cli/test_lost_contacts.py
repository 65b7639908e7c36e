"""A migration deleted rows: the whole evening typed at a terminal against a running server, then what lies in git.

Times are told relative to now, so nothing waits: the incident was noticed two hours and nine minutes ago.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

SHORT, USUAL = "It counts for 1s", "It counts for 30m"
ROTA = "| {} | {} | Jonas Ek | Mei Tanaka |"
POINTS = (
    "window reaches back 7 days",
    "dump of Sunday, checksum fits",
    "drill 52 days ago passed",
    "noted below",
)
ANSWERED = {
    "Blast radius": "Nine tenants lost 1,842 contacts.",
    "Root cause": "A delete ran without a dry run, and nothing counted the rows before it.",
    "Fixes": "The rows were copied back in one transaction.",
    "Preventions": "Migrations that delete count first.",
}


def answers(first="ok: newest recovery point is fresh"):
    given = [first, *(f"ok: {text}" for text in POINTS)]
    return [word for one in given for word in ("--answer", one)]


class Evening:
    """The shell with a clock that was moved back to when it was noticed."""

    def __init__(self, acme, until):
        self.acme, self.until = acme, until
        self.noticed = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2, minutes=9)
        self.ops = acme.folder / "docs" / "ops"
        self.ref = self.change = ""

    def at(self, minutes, seconds=0):
        """So long after it was noticed, as somebody would type it."""
        return (self.noticed + timedelta(minutes=minutes, seconds=seconds)).isoformat()

    def run(self, who, *words, expect=0):
        return self.acme.run(*words, "--as", who, expect=expect)

    def shown(self):
        return self.acme.json("show", self.ref)

    def counts(self, length):
        """The handbook says how long a check counts."""
        page = self.ops / "backup_dr.md"
        page.write_text(page.read_text().replace(USUAL, length).replace(SHORT, length))
        found = self.acme.json("handbook", "reload")["policy"]["gates"]
        assert [gate["valid_s"] for gate in found] == [1 if length == SHORT else 1800]


@pytest.fixture
def evening(acme, start, any_port, until):
    page = acme.folder / "docs" / "ops" / "incident_response.md"
    lines = page.read_text().splitlines()
    rota = [n for n, line in enumerate(lines) if line[:4] in {"| A ", "| B ", "| C ", "| D "}]
    for n in rota:
        week, starts = lines[n].split("|")[1:3]
        lines[n] = ROTA.format(week.strip(), starts.strip())
    page.write_text("\n".join(lines) + "\n")
    start(acme, "serve", port=any_port())
    return Evening(acme, until)


def planned_change(evening):
    """The check for the migration and the moment to return to; by the time of the incident it has run out."""
    evening.counts(SHORT)
    said = evening.run("jonas", "declare", "Migration merge_contacts", "--change").stdout
    evening.change = said.splitlines()[0]
    assert evening.change.startswith("CHG-")
    assert "called" not in said
    assert "check 1" in evening.run("jonas", "gate", evening.change, "check", *answers()).stdout
    evening.run(
        "jonas", "gate", evening.change, "point", evening.at(-14, 40), "--because", "before the start"
    )
    evening.counts(USUAL)


def until_contained(evening):
    said = evening.run(
        "tomas",
        *("declare", "Contacts missing, data may be lost", "--sev", "SEV1"),
        *("--detected", evening.at(0), "--impact-start", evening.at(-13, 5)),
    ).stdout
    evening.ref = said.splitlines()[0]
    assert "called  jonas, mei" in said or "called  mei, jonas" in said
    evening.run("tomas", "take", evening.ref, "comms")
    evening.run("jonas", "ack", evening.ref)
    evening.run(
        "jonas", "suspect", evening.ref, "merge_contacts", "--author", "jonas", "--at", evening.at(-13, 5)
    )
    assert evening.shown()["seats"] == {"comms": "tomas"}, "who made the change is not proposed"
    evening.run("mei", "take", "ic")
    evening.run("mei", "role", "ops", "jonas")
    started = evening.run(
        "jonas", "legal", "start", "gdpr", "--aware", evening.at(7), "--because", "personal data is gone"
    ).stdout
    assert "henrik" in started
    evening.run("mei", "mitigate", "--evidence", "writes are off: contained, data not back yet")
    evening.run("mei", "time", "mitigated", evening.at(11, 30), "--because", "the flags went off then")


def statement(evening):
    evening.run(
        "tomas",
        *("statement", "draft", "--audience", "status page", "--text", "Some contacts are missing."),
        *("--data", "some contacts missing, nothing exposed, restore under way"),
    )
    early = evening.run("tomas", "statement", "sent", "1", "--where", "status page", expect=1).stderr
    assert "mei" in early
    assert "henrik" in early
    for who in ("mei", "henrik"):
        evening.run(who, "statement", "approve", "1")
    evening.run("tomas", "statement", "sent", "1", "--where", "https://status.acme.example")


def restore(evening):
    evening.run("jonas", "task", "add", "Insert the contacts from memory", "--owner", "jonas", "--db-change")
    refusal = evening.run("jonas", "task", "start", "1", expect=1).stderr
    assert f"check 1 of {evening.change} ran out" in refusal
    assert "go through it: 1. " in refusal
    assert [n for n in range(2, 6) if f"\n  {n}. " in refusal] == [2, 3, 4, 5], "one below the other"
    assert "newest recovery point is fresh" in refusal
    moment = datetime.fromisoformat(evening.at(-14, 40))
    assert f"restore point {moment:%Y-%m-%d %H:%M:%S} UTC" in refusal
    evening.run("jonas", "gate", "check", *answers(), "--restore-point", evening.at(-14, 40))
    waiting = evening.run("jonas", "task", "start", "1", expect=1).stderr
    assert "waits to be confirmed" in waiting
    assert "only the ic (mei) confirms" in evening.run("jonas", "gate", "confirm", "1", expect=1).stderr
    evening.run("mei", "gate", "confirm", "1")
    evening.run("mei", "task", "add", "Restore to a new project", "--owner", "jonas", "--minutes", "60")
    evening.run(
        "tomas", "update", "--impact", "Some contacts are missing", "--eta", "unknown", "--next", "restoring"
    )
    evening.run("jonas", "task", "done", "2", "--result", "restored to a new project")
    evening.run(
        "jonas",
        *("restored", "--source", "recovery point before the migration", "--to", "new project"),
        *("--validation", "1,842 of 1,842 contacts found", "--rpo", "25s", "--rto", "48m"),
        *("--because", "lost contacts"),
    )


def copy_back(evening):
    evening.run("jonas", "task", "drop", "1", "--because", "copied from the restore instead")
    evening.run("mei", "decide", "copy back contacts only", "--why", "nine tenants", "--no-objections")
    evening.run(
        "mei",
        *("task", "add", "Copy 1,842 contacts back", "--owner", "jonas", "--db-change"),
        *("--two-people", "--minutes", "15"),
    )
    exception = "exception: newest recovery point is old, but nothing was written since"
    evening.run("jonas", "gate", "check", *answers(exception), "--restore-point", evening.at(82))
    evening.run("mei", "gate", "confirm", "2")
    alone = evening.run("jonas", "task", "start", "3", expect=1).stderr
    assert "second person" in alone
    evening.run("mei", "task", "approve", "3")
    assert "check 2" in evening.run("jonas", "task", "start", "3").stdout
    evening.run("jonas", "task", "done", "3", "--result", "1,842 rows, verified")
    evening.run("jonas", "time", "impact-end", evening.at(99), "--because", "contacts are back, writes on")


def the_end(evening):
    said = evening.run(
        "mei",
        *("resolve", "--confirmed", "30m watched", "--impact-ended", "contacts are back"),
        *("--errors-normal", "ordinary"),
    ).stdout
    assert re.search(r"(?i)resolve after 2h09m.*missed", said)
    day = (datetime.now(UTC) + timedelta(days=14)).date().isoformat()
    evening.run(
        "mei",
        *("action", evening.ref, "add", "Migrations that delete need a dry run", "--kind", "prevent"),
        *("--owner", "jonas", "--due", day),
    )
    owed = evening.run("mei", "close", evening.ref, expect=1).stderr
    assert "the gdpr deadline" in owed
    assert "the postmortem is not published" in owed
    evening.run(
        "henrik",
        *("legal", evening.ref, "decide", "gdpr", "not notifiable"),
        *("--because", "restored in 2h, nothing exposed"),
    )


def written(evening):
    """The draft, its sections answered as a person would: below the headings that it asks for."""
    draft = evening.ops / "postmortems" / f"{evening.ref}.md"
    evening.until(draft.is_file, "the draft")
    evening.until(lambda: "dry run" in draft.read_text(), "the draft knows of the action")
    told = evening.acme.run("postmortem", evening.ref, "--check", expect=1).stdout
    wanted = [line.split("  ", 1)[1] for line in told.splitlines() if line.startswith("still to be written")]
    assert wanted, told
    where = f"docs/ops/postmortems/{evening.ref}.md"
    refused = evening.run("mei", "postmortem", evening.ref, where, expect=1).stderr
    assert all(name in refused for name in wanted)
    text = draft.read_text()
    machine = text
    for heading, answer in ANSWERED.items():
        before, found, after = text.partition(f"## {heading}\n")
        assert found, heading
        own, mark, rest = after.partition("\n## ")
        text = f"{before}{found}{own}\n{answer}\n{mark}{rest}"
    draft.write_text(text)
    assert "every section is written" in evening.acme.run("postmortem", evening.ref, "--check").stdout
    evening.run("mei", "postmortem", evening.ref, where)
    return machine, draft


def test_the_evening_the_contacts_were_lost(evening):
    planned_change(evening)
    until_contained(evening)
    statement(evening)
    restore(evening)
    copy_back(evening)
    the_end(evening)
    machine, draft = written(evening)
    assert "OVERRIDE" not in evening.acme.run("show", evening.ref).stdout
    before = evening.acme.run("export", evening.ref).stdout
    evening.run("mei", "close", evening.ref)
    check_score(evening)
    check_files(evening, machine, draft)
    assert evening.acme.run("export", evening.ref).stdout.startswith(before)
    state = evening.shown()
    assert state["stage"] == "closed"
    verdicts = {clock["name"]: clock["verdict"] for clock in state["clocks"]}
    assert verdicts == {"ack": "met", "mitigate": "met", "resolve": "missed"}
    assert [one["decision"] for one in state["legal"]] == ["not notifiable"]


def check_score(evening):
    found = evening.acme.json("score", evening.ref)
    verdicts = {line["promise"]: line["verdict"] for line in found["lines"]}
    assert [promise for promise, verdict in verdicts.items() if verdict == "missed"] == ["resolve"]
    assert verdicts["backup check before task 3"] == verdicts["gdpr decision"] == "met"
    assert [promise for promise, verdict in verdicts.items() if verdict == "open"] == ["action 1"]
    said = evening.acme.run("score", evening.ref).stdout
    assert re.search(r"^MISSED +resolve +< 2h \(SEV1\) .* missed by 9m", said, re.MULTILINE)


def rows_of(text, word):
    return [line for line in text.splitlines() if line.startswith("| 20") and word in line]


def check_files(evening, machine, draft):
    """The row, the rows of checks and restores with the newest on top, the draft before and after people wrote."""
    log = evening.ops / "incidents.md"
    closed = "Migrations that delete need a dry run (Jonas Ek,"
    evening.until(lambda: closed in log.read_text() and "A delete ran" in log.read_text(), "the last row")
    (row,) = rows_of(log.read_text(), "SEV1")
    assert f"{evening.ref} Contacts missing, data may be lost" in row
    assert f"({'postmortems/' + evening.ref + '.md'})" in row
    assert "resolve missed by 9m" in row
    assert row.rstrip("| ").endswith("Mei Tanaka")
    kinds = [line.split("|")[2].strip() for line in rows_of(log.read_text(), "Jonas Ek | ")]
    assert kinds == ["Backup check", "Restore", "Backup check", "Backup check", "Drill"]
    second, restore, first, change, _ = rows_of(log.read_text(), "Jonas Ek | ")
    assert "Passed; point 1 by its exception" in second
    assert "confirmed by Mei Tanaka" in second
    assert "1,842 of 1,842 contacts found | 25s | 48m |" in restore
    assert "Passed; confirmed by Mei Tanaka" in first
    assert f"{evening.change} check 1" in change
    assert "Suspected a change: merge_contacts" in machine
    assert "| Mei Tanaka | copy back contacts only | nine tenants |" in machine
    assert "the flags went off then | Mei Tanaka | mitigate: met, before missed |" in machine
    assert re.search(r"\| resolve \(SEV1\) \| under 2h .* missed by 9m", machine)
    assert all(answer in draft.read_text() for answer in ANSWERED.values())
