"""Every verb beyond the spine, typed at a terminal: what it does over HTTP, and what is said to odd input."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta

import pytest

from tocsin.cli import asked, gating, parts, telling, words
from tocsin.cli.failure import Failure

DONE = ("--confirmed", "a", "--impact-ended", "b", "--errors-normal", "c")
FIVE = [word for n in range(1, 6) for word in ("--answer", f"ok: seen {n}")]


def before(**gone):
    return (datetime.now(UTC) - timedelta(**gone)).replace(microsecond=0).isoformat()


def declared(acme, title="Sign-in loops", level="SEV1", *more):
    return acme.run("declare", title, "--sev", level, *more).stdout.splitlines()[0]


def refused(acme, *words, code=1):
    return acme.run(*words, expect=code).stderr


# --- the course of it -------------------------------------------------------------------------------------------------


def test_a_time_is_corrected_and_two_people_do_not_overwrite_each_other(acme, served):
    ref = declared(acme)
    shown = acme.json("show", ref)["times"]["detected"]
    earlier = before(minutes=40)
    said = acme.run("time", "detected", earlier, "--because", "first mail", "--was", shown, "--as", "mei")
    assert "first mail" in said.stdout
    late = refused(acme, "time", ref, "detected", before(minutes=3), "--because", "alert", "--was", shown)
    assert "somebody corrected it meanwhile" in late
    assert "future" in refused(acme, "time", ref, "impact-end", before(minutes=-9), "--because", "x")
    assert "--because is missing" in refused(acme, "time", ref, "detected", earlier, code=2)
    assert "name" in refused(acme, "time", ref, "finished", earlier, "--because", "x", code=2)
    assert "expected [REF] NAME TIME" in refused(acme, "time", ref, "detected", "13:05", "x", code=2)
    times = acme.run("show", ref).stdout.split("times:\n")[1]
    assert re.match(r"  detected +20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC\n", times)


def test_what_comes_back_is_reopened_and_two_that_are_one_go_on_as_one(acme, served):
    first = declared(acme, "Exports stand still", "SEV3")
    assert "nothing to reopen" in refused(acme, "reopen", first, "--because", "x")
    acme.run("resolve", first, *DONE)
    assert "--because is missing" in refused(acme, "reopen", first, code=2)
    assert "declared" in acme.run("reopen", "--because", "it is back").stdout.splitlines()[0]
    assert "reopened" in acme.run("show", first).stdout
    second = declared(acme, "Reports are empty", "SEV3")
    merged = acme.run("merge", second, first, "--because", "the same queue").stdout
    assert "merged" in merged.splitlines()[0]
    assert f"goes on in  {first}" in acme.run("show", second).stdout
    assert f"took in   {second}" in acme.run("show", first).stdout
    assert first in refused(acme, "merge", second, first, "--because", "again")
    assert "itself" in refused(acme, "merge", first, first, "--because", "x")
    assert "INC-2020-0001" in refused(acme, "merge", first, "INC-2020-0001", "--because", "x")
    assert "expected REF INTO" in refused(acme, "merge", first, code=2)


def test_an_older_one_is_followed_and_a_drill_says_so_first(acme, served):
    first = declared(acme, "The portal is down", "SEV3", "--drill")
    assert acme.run("show", first).stdout.startswith("DRILL")
    assert acme.run("show", first, "--markdown").stdout.startswith("# DRILL ")
    assert re.search(
        rf"^{first}  SEV3  .* UTC  DRILL The portal is down$", acme.run("list").stdout, re.MULTILINE
    )
    acme.run("resolve", first, *DONE)
    said = acme.run("declare", "--from", first).stdout.splitlines()
    assert said[0] != first
    assert said[1].startswith("DRILL"), "what follows a drill is one"
    found = acme.json("show", said[0])
    assert (found["follows"], found["level"], found["title"]) == (first, "SEV3", "The portal is down")
    assert f"follows  {first}" in acme.run("show", said[0]).stdout
    told = refused(acme, "declare", "--from", said[0], "--detected", "13:05", code=2)
    assert "--detected cannot be said" in told
    assert "tocsin time" in told


def test_what_follows_a_restricted_one_does_not_say_its_title(acme, served):
    first = declared(acme, "Tenant Umbra sees the rows of others", "SEV3")
    acme.run("restrict", first, "--codename", "Heron", "--because", "a tenant's data")
    acme.run("resolve", first, *DONE)
    again = acme.json("declare", "--from", first)
    assert again["incident"]["title"] == "Heron"
    named = acme.json("declare", "Rows are mixed up again", "--from", first)
    assert named["incident"]["title"] == "Rows are mixed up again"


def test_what_almost_happened_and_what_is_planned_call_nobody(acme, served):
    miss = acme.run("declare", "Mails nearly went out twice", "--near-miss").stdout
    change = acme.run("declare", "Migration 41", "--change").stdout
    assert change.startswith("CHG-")
    assert "called" not in miss + change
    number = change.splitlines()[0].rsplit("-", 1)[1].lstrip("0")
    assert acme.json("show", number)["kind"] == "change"
    assert {row["kind"] for row in acme.json("list", "--stage", "recorded")["incidents"]} == {
        "near-miss",
        "change",
    }
    listed = acme.run("list", "--stage", "recorded").stdout
    assert re.search(r"^CHG-\S+ +change +recorded .* Migration 41$", listed, re.MULTILINE)
    assert re.search(r"^INC-\S+ +near miss +recorded .* Mails nearly went out twice$", listed, re.MULTILINE)
    assert re.match(r"\S+\n\S+  near miss  recorded, ", miss)
    again = miss.splitlines()[0].rsplit("-", 1)[1].lstrip("0")
    for which in (number, again):
        acme.run("close", which)
    assert acme.json("list", "--stage", "recorded")["incidents"] == []
    assert [acme.json("show", which)["kind"] for which in (number, again)] == ["change", "near-miss"]
    assert "There is no incident INC-" in refused(acme, "show", "77")
    assert "has no severity" in refused(acme, "declare", "x", "--near-miss", "--sev", "SEV1")
    assert "exclude each other" in refused(acme, "declare", "x", "--near-miss", "--change", code=2)


# --- what is said -----------------------------------------------------------------------------------------------------


def test_what_is_said_in_the_room(acme, served):
    ref = declared(acme)
    written = acme.run("note", "Rolled back to 214", "--as", "mei").stdout
    seen = re.search(r"\[(\d+)\] mei: Rolled back to 214$", written, re.MULTILINE).group(1)
    assert f"[{seen}] mei: Rolled back to 214\n" in acme.run("show", ref).stdout
    changed = acme.run("note", "Rolled back to 213", "--replaces", seen, "--as", "mei").stdout
    newer = re.search(
        rf"\[(\d+)\] mei changed entry {seen}: Rolled back to 213$", changed, re.MULTILINE
    ).group(1)
    told = acme.run("show", ref).stdout
    assert f"[{seen}, replaced by {newer}] mei: Rolled back to 214\n" in told
    assert f"[{newer}] mei changed entry {seen}: Rolled back to 213\n" in told
    late = refused(acme, "note", "Rolled back to 212", "--replaces", seen)
    assert "was changed meanwhile" in late
    acme.run("propose", "Roll back to 9f3c1ab", "--as", "priya")
    acme.run("suspect", ref, "release 4e81b7d", "--author", "@jonas", "--at", before(minutes=5))
    acme.run("report", "another customer", "--source", "support")
    acme.run("shadow", "--as", "aisha")
    assert "aisha" in refused(acme, "note", "I do something", "--as", "aisha")
    shown = acme.run("show", ref).stdout
    assert "shadows:\n  aisha\n" in shown
    assert "proposals:\n  1  priya  Roll back to 9f3c1ab\n" in shown
    assert re.search(r"suspected:\n  .* UTC  release 4e81b7d  by jonas\n", shown)
    acme.run("decide", "Roll back", "--proposal", "1", "--why", "last known good", "--as", "mei")
    acme.run("shadow", "--leave", "--as", "aisha")
    assert "shadows:" not in acme.run("show", ref).stdout
    assert "proposal 9 is not known" in refused(acme, "decide", "x", "--proposal", "9")
    assert "expected [REF] TEXT" in refused(acme, "propose", "two", "words", code=2)
    assert "expected [REF] [HANDLE]" in refused(acme, "shadow", ref, "a", "b", code=2)


def test_a_restricted_one_goes_by_its_codename(acme, served):
    ref = declared(acme, "A tenant sees another's invoices")
    acme.run("ack", "--as", "mei")
    assert "--codename is missing" in refused(acme, "restrict", ref, code=2)
    acme.run(
        "restrict",
        ref,
        "--codename",
        "Heron",
        "--reader",
        "henrik",
        "--because",
        "a tenant's data",
        "--as",
        "mei",
    )
    assert "invoices" in acme.run("show", ref, "--as", "henrik").stdout
    # Aisha is neither called nor at work; whoever was called reads on.
    hidden = acme.run("show", ref, "--as", "aisha", expect=None)
    assert "invoices" not in hidden.stdout + hidden.stderr
    listed = acme.run("list", "--as", "aisha").stdout
    assert "invoices" not in listed
    acme.run("restrict", ref, "--lift", "--because", "they were told", "--as", "mei")
    assert "invoices" in acme.run("show", ref, "--as", "aisha").stdout


def test_a_file_is_kept_with_its_hash(acme, served):
    declared(acme)
    picture = acme.folder / "errors.png"
    picture.write_bytes(b"\x89PNG not really")
    digest = hashlib.sha256(picture.read_bytes()).hexdigest()
    assert digest[:12] in acme.run("evidence", "errors.png", "--note", "error rate").stdout
    assert "errors.png" in acme.run("evidence", "1", str(picture)).stdout
    assert "cannot be read" in refused(acme, "evidence", "missing.png", code=2)
    assert "cannot be read" in refused(acme, "evidence", "docs", code=2)
    picture.write_bytes(b"")
    assert "is empty" in refused(acme, "evidence", "errors.png")
    with picture.open("wb") as file:
        file.truncate(20 * 1024 * 1024 + 1)
    assert "larger than 20 MB" in refused(acme, "evidence", "errors.png", code=2)
    assert "expected [REF] FILE" in refused(acme, "evidence", "errors.png", "other.png", code=2)


# --- work -------------------------------------------------------------------------------------------------------------


def test_a_check_that_was_gone_past_is_red_for_ever(acme, served):
    ref = declared(acme)
    acme.run("ack", "--as", "mei")
    acme.run("take", "ic", "--as", "mei", expect=None)
    assert "not done yet" in acme.run("gate", ref, "show").stdout
    acme.run("task", "add", "Copy the rows back", "--owner", "jonas", "--db-change")
    missing = refused(acme, "gate", "check", code=2)
    assert "--answer is missing" in missing
    assert "5. The moment to return to" in missing
    few = refused(acme, "gate", "check", *FIVE[:4])
    assert "5 points, 2 were answered" in few
    failed = ["--answer", "failed: 30m behind", *FIVE[2:]]
    acme.run("gate", ref, "check", *failed, "--as", "jonas")
    assert "30m behind" in refused(acme, "task", "start", "1")
    assert "failed, 0m ago: 30m behind" in acme.run("gate", "show").stdout
    assert "--because is missing" in refused(acme, "gate", "override", "1", code=2)
    assert "only the IC (mei)" in refused(acme, "gate", "override", "1", "--because", "x", "--as", "jonas")
    acme.run("gate", "override", "1", "--because", "every minute loses orders", "--as", "mei")
    acme.run("task", "start", "1", "--as", "jonas")
    shown = acme.run("show", ref).stdout
    assert re.search(r"^OVERRIDE  .*every minute loses orders$", shown, re.MULTILINE)
    assert "1  backup  by jonas  FAILED at point 1" in shown
    assert re.search(r"^  1  started  jonas +since \d\d:\d\d:\d\d +Copy the rows back", shown, re.MULTILINE)
    assert re.search(
        r"^- \*\*.*every minute loses orders\*\*$", acme.run("show", "--markdown").stdout, re.MULTILINE
    )
    (line,) = [one for one in acme.json("score", ref)["lines"] if one["verdict"] == "missed"]
    assert line["promise"] == "backup check before task 1"
    assert "every minute loses orders" in line["note"]


def test_tasks_need_what_they_need(acme, served):
    declared(acme)
    acme.run("task", "add", "Count the rows", "--owner", "@jonas", "--minutes", "10")
    acme.run("task", "add", "Switch the flag", "--owner", "priya", "--two-people")
    acme.run("task", "assign", "2", "jonas")
    assert "second person" in refused(acme, "task", "start", "2", "--as", "jonas")
    acme.run("task", "approve", "2", "--as", "mei")
    acme.run("task", "start", "2", "--as", "jonas")
    acme.run("task", "done", "1", "--result", "23 of 23")
    assert "--because is missing" in refused(acme, "task", "drop", "2", code=2)
    acme.run("task", "drop", "2", "--because", "not needed")
    assert [task["state"] for task in acme.json("show")["tasks"]] == ["done", "dropped"]
    assert "owner: does not belong to start" in refused(acme, "task", "start", "2", "--owner", "mei", code=2)
    assert "minutes" in refused(acme, "task", "add", "x", "--minutes", "0", code=2)
    assert "has no task 9" in refused(acme, "task", "start", "9")
    brief = acme.run("brief").stdout
    assert "Sign-in loops" in brief or "SEV1" in brief


def test_a_restore_is_a_row_of_its_own(acme, served, until):
    declared(acme, "Rehearsal of the restore", "SEV3", "--drill")
    about = ("--source", "dump of Sunday", "--to", "copy", "--validation", "counts differ")
    acme.run("restored", "--kind", "drill", *about, "--failed", "--rto", "1h 20m", "--because", "practice")
    log = acme.folder / "docs" / "ops" / "incidents.md"
    until(lambda: "counts differ" in log.read_text(), "the row")
    assert re.search(r"counts differ.*\| 1h 20m \|", log.read_text())
    assert "--to is missing" in refused(acme, "restored", "--source", "x", code=2)
    assert "no length of time" in refused(acme, "restored", *about, "--rto", "long", code=2)
    assert "restore, drill" in refused(acme, "restored", *about, "--kind", "party")


# --- what is owed -----------------------------------------------------------------------------------------------------


def test_actions_are_proven_and_listed(acme, served):
    ref = declared(acme)
    day = datetime.now(UTC).date() + timedelta(days=7)
    acme.run("action", ref, "add", "Alert on refused events", "--kind", "detect", "--owner", "priya")
    acme.run("action", "change", "1", "--due", day.isoformat(), "--owner", "mei")
    assert re.search(rf"{ref}  1  open  {day}  mei  detect  Alert on", acme.run("actions").stdout)
    assert acme.run("actions", "--overdue").stdout == "no actions\n"
    assert acme.run("actions", "--owner", "jonas").stdout == "no actions\n"
    assert "--proof is missing" in refused(acme, "action", "prove", "1", code=2)
    acme.run("action", "prove", "1", "--proof", "fired in a drill")
    assert acme.run("actions").stdout == "no actions\n"
    assert "proven" in acme.run("actions", "--all").stdout
    assert "kind" in refused(acme, "action", "add", "x", "--kind", "later", code=2)
    assert "due" in refused(acme, "action", "add", "x", "--due", "soon", code=2)
    assert "has passed" in refused(acme, "action", "add", "x", "--due", "2020-01-01")
    assert "exclude each other" in refused(acme, "actions", "--overdue", "--all", code=2)
    assert "actions:\n  1  proven" in acme.run("show", ref).stdout


def test_a_legal_deadline_ends_by_a_decision_only(acme, served):
    ref = declared(acme)
    assert "--aware is missing" in refused(acme, "legal", "start", "gdpr", code=2)
    acme.run(
        "legal", "start", "gdpr", "--aware", before(minutes=5), "--limit", "24h", "--because", "rows gone"
    )
    assert re.search(r"legal:\n  gdpr  DUE 20.*  owner henrik", acme.run("show", ref).stdout)
    acme.run("resolve", *DONE)
    assert "the gdpr deadline" in refused(acme, "close")
    assert "--because is missing" in refused(acme, "legal", ref, "decide", "gdpr", "notified", code=2)
    assert "decision" in refused(acme, "legal", ref, "decide", "gdpr", "maybe", "--because", "x", code=2)
    acme.run("legal", ref, "decide", "gdpr", "notified", "--because", "told on the portal", "--as", "henrik")
    assert "gdpr  decided: notified" in acme.run("show", ref).stdout


def test_nothing_goes_out_that_nobody_approved(acme, served):
    ref = declared(acme)
    acme.run("ack", "--as", "mei")
    acme.run("take", "ic", "--as", "mei", expect=None)
    assert "--data is missing" in refused(
        acme, "statement", "draft", "--audience", "a", "--text", "b", code=2
    )
    acme.run(
        "statement",
        "draft",
        "--audience",
        "status page",
        "--text",
        "Sign-in fails.",
        "--data",
        "nothing lost",
    )
    assert "waits for mei" in acme.run("show", ref).stdout
    refused(acme, "statement", "sent", "1", "--where", "status page")
    refused(acme, "statement", "approve", "1", "--as", "jonas")
    acme.run("statement", "approve", "1", "--as", "mei")
    acme.run("statement", "sent", "1", "--where", "https://status.acme.example")
    assert "1  sent  status page  Sign-in fails." in acme.run("show", ref).stdout
    assert "http" in refused(acme, "ticket", ref, "TICKET-1", code=2)
    acme.run("ticket", ref, "https://tickets.acme.example/12")
    assert "ticket  https://tickets.acme.example/12" in acme.run("show", ref).stdout


def test_an_export_begins_with_every_earlier_one(acme, served):
    ref = declared(acme)
    first = acme.run("export", ref).stdout
    acme.run("note", "caf\u00e9 \u202e", "--as", "mei")
    second = acme.run("export", ref).stdout
    assert second.startswith(first)
    assert len(second) > len(first)
    assert acme.json("export", ref)["text"] == second
    assert "INC-2020-0001" in refused(acme, "export", "INC-2020-0001")


# --- without a server -------------------------------------------------------------------------------------------------


def test_the_card_needs_no_server_and_no_database(acme):
    card = acme.run("card").stdout
    assert card.startswith("# Incident card\n")
    assert "| Mei Tanaka | +46 70 174 06 13 |" in card
    assert not (acme.folder / "var").exists()
    assert acme.json("card", "docs/ops")["card"] == card
    (acme.folder / "empty").mkdir()
    assert "no policy can be read" in refused(acme, "card", "empty", code=2)
    assert "is not there" in refused(acme, "card", "nowhere", code=2)


def test_the_card_of_the_server_is_the_same(acme, served, until):
    written = acme.folder / "docs" / "ops" / "card.md"
    until(written.is_file, "the server's own card")
    assert acme.run("card").stdout == written.read_text()


def test_a_postmortem_is_checked_where_it_lies(acme):
    path = acme.folder / "docs" / "ops" / "postmortems" / "INC-2026-0007.md"
    assert "cannot be read" in refused(acme, "postmortem", "INC-2026-0007", "--check", code=2)
    path.parent.mkdir()
    path.write_text("# What we know\n\n## Timeline\n\nIt began at nine.\n\n## Root cause\n\nHuman error.\n")
    for words_ in (["INC-2026-0007"], ["docs/ops/postmortems/INC-2026-0007.md"], [str(path)]):
        said = acme.run("postmortem", *words_, "--check", expect=1).stdout
        assert "still to be written  preventions" in said
        assert "still to be written  root cause" not in said
        assert re.search(r'hint  "human error" \(line 9\)', said)
    assert not (acme.folder / "var").exists()
    found = acme.json("postmortem", str(path), "--check", expect=1)
    assert found["missing"] == ["blast radius", "fixes", "preventions"]
    rest = "".join(f"\n## {name}\n\nWe know it.\n" for name in ("Blast radius", "Fixes", "Preventions"))
    path.write_text(path.read_text() + rest)
    assert "every section is written" in acme.run("postmortem", str(path), "--check").stdout


def test_work_goes_on_without_a_server(acme):
    ref = declared(acme, "Migration 41 failed", "SEV3")
    acme.run("task", "add", "Count the rows", "--owner", "jonas")
    acme.run("action", ref, "add", "Count first", "--owner", "jonas")
    assert "nothing to reopen" in refused(acme, "reopen", ref, "--because", "x")
    picture = acme.folder / "log.txt"
    picture.write_text("seen")
    acme.run("evidence", "log.txt")
    assert "Count the rows" in acme.run("brief").stdout
    assert "Count the rows" in acme.run("export", "1").stdout
    assert acme.run("score", "1").stderr == ""


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        (["task", "7"], "what is to be done is missing"),
        (["task", "seven", "start", "1"], "'seven' is none of add, start"),
        (["task", "start", "one"], "'one' is no number of a task"),
        (["task", "start", "0"], "'0' is no number of a task"),
        (["task", "assign", "1"], "expected [REF] assign N HANDLE, got 1 words"),
        (["gate", "7", "check", "now"], "expected [REF] check, got 1 words"),
        (["gate", "point", "later"], "'later' is no time"),
        (["legal", "decide", "gdpr"], "expected [REF] decide REGIME DECISION"),
        (["statement", "approve"], "expected [REF] approve N"),
        (["action", "prove", "-1"], "No such option"),
        (["note", "x", "--replaces", "first"], "Invalid value for '--replaces'"),
        (["ticket", "7", "a", "b"], "expected [REF] ADDRESS"),
    ],
)
def test_odd_input_is_wrong_use_and_says_what_is_expected(acme, typed, named):
    assert named in refused(acme, *typed, code=2)


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "typed", "meant"),
    [
        ((0, 10), "23:50", "2026-03-01T23:50"),
        ((0, 10), "00:05", "2026-03-02T00:05"),
        ((0, 10), "09:00", "2026-03-02T09:00"),
        ((5, 59), "18:00", "2026-03-01T18:00"),
        ((5, 59), "17:59", "2026-03-02T17:59"),
        ((6, 0), "18:00", "2026-03-02T18:00"),
        ((9, 0), "23:50", "2026-03-02T23:50"),
        ((23, 0), "23:50", "2026-03-02T23:50"),
    ],
)
def test_in_the_night_the_evening_is_yesterday(monkeypatch, now, typed, meant):
    monkeypatch.setattr(asked, "present", lambda: datetime(2026, 3, 2, *now, tzinfo=UTC))
    assert asked.moment(typed, "--at") == f"{meant}:00+00:00"
    assert asked.moment(typed, "--at", ahead=True) == f"2026-03-02T{typed}:00+00:00"


@pytest.mark.parametrize(
    ("typed", "meant"), [("25s", 25), ("48m", 2880), ("1h 20m", 4800), ("1h20min", 4800), ("3d", 259200)]
)
def test_lengths_of_time(typed, meant):
    assert asked.seconds(typed, "--rto") == meant


@pytest.mark.parametrize("typed", ["", "7", "1h20", "-5m", "h", "\u0663m", "1.5h"])
def test_no_length_of_time_names_the_option(typed):
    with pytest.raises(Failure, match="--rto"):
        asked.seconds(typed, "--rto")


def test_a_verb_is_told_from_a_reference():
    verbs = {"add": "TEXT", "start": "N", "show": ""}
    assert words.take_apart(["7", "start", "2"], verbs) == ("7", "start", ["2"])
    assert words.take_apart(["start", "2"], verbs) == (None, "start", ["2"])
    assert words.take_apart(["add", "7"], verbs) == (None, "add", ["7"])
    assert words.take_apart(["show"], verbs) == (None, "show", [])


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        (timedelta(seconds=50), "0m ago"),
        (timedelta(minutes=119), "119m ago"),
        (timedelta(hours=30), "30h ago"),
        (timedelta(days=52), "52d ago"),
        (timedelta(minutes=-5), "0m ago"),
    ],
)
def test_ages(gone, said):
    assert telling.ago((asked.present() - gone).isoformat()) == said


def test_a_point_is_asked_with_its_last_answer(monkeypatch, capsys):
    typed = iter(["maybe", "failed", "30m behind"])
    shown = []

    def prompt(text, default=None, err=False):
        shown.append((text.strip(), default))
        return next(typed)

    monkeypatch.setattr(gating.typer, "prompt", prompt)
    last = {"answer": "ok", "evidence": "2m behind", "at": (asked.present() - timedelta(hours=5)).isoformat()}
    point = {"point": 1, "text": "The stream keeps up", "exceptions": [], "last": last}
    assert gating._asked(point) == {"answer": "failed", "evidence": "30m behind"}
    assert shown == [("ok/failed", "ok"), ("one of ok, failed", None), ("what shows it", None)]
    assert "last, 5h ago: ok: 2m behind" in capsys.readouterr().err


def entry(at, text, **more):
    return {"at": at, "kind": "Noted", "by": "mei", "text": text, "show": "person", **more}


NIGHT = [
    entry("2026-03-01T23:58:00+00:00", "before"),
    entry("2026-03-01T23:59:30+00:00", "still before"),
    entry("2026-03-02T00:00:10+00:00", "after"),
    entry("2026-03-03T09:00:00+00:00", "later"),
]
INCIDENT = {
    "ref": "INC-2026-0007",
    "title": "Sign-in loops",
    "level": "SEV1",
    "kind": "incident",
    "stage": "declared",
    "paging": "acked",
    "url": "",
}


def test_the_timeline_says_the_day_where_it_changes(capsys):
    telling.say_incident(INCIDENT, NIGHT)
    assert capsys.readouterr().out.split("\n\n")[-1].splitlines() == [
        "2026-03-01 (UTC)",
        "23:58:00  person    before",
        "23:59:30  person    still before",
        "2026-03-02 (UTC)",
        "00:00:10  person    after",
        "2026-03-03 (UTC)",
        "09:00:00  person    later",
    ]
    assert telling.markdown(INCIDENT, NIGHT).split("## Timeline (UTC)\n\n")[1].splitlines() == [
        "### 2026-03-01",
        "",
        "- 23:58 before",
        "- 23:59 still before",
        "",
        "### 2026-03-02",
        "",
        "- 00:00 after",
        "",
        "### 2026-03-03",
        "",
        "- 09:00 later",
    ]


def test_a_note_has_the_number_to_replace_it_by_and_says_when_that_was_done(capsys):
    events = [
        entry("2026-03-01T23:58:00+00:00", "mei: changed entry 9: nothing", version=4),
        entry("2026-03-01T23:59:00+00:00", "mei changed entry 4: at last", version=6, kind="NoteEdited"),
        entry("2026-03-01T23:59:01+00:00", "mei acknowledged", version=9, kind="Acknowledged"),
    ]
    telling.say_timeline(events, telling.Days())
    assert [line.split("person    ")[1] for line in capsys.readouterr().out.splitlines()[1:]] == [
        "[4, replaced by 6] mei: changed entry 9: nothing",
        "[6] mei changed entry 4: at last",
        "mei acknowledged",
    ]
    assert "\\[4, replaced by 6\\] mei: changed" in telling.markdown(INCIDENT, events)


def test_what_is_followed_live_says_the_day_once(capsys):
    days = telling.Days()
    for one in NIGHT[:3]:
        telling.say_timeline([one], days)
    assert [line for line in capsys.readouterr().out.splitlines() if "(UTC)" in line] == [
        "2026-03-01 (UTC)",
        "2026-03-02 (UTC)",
    ]


def test_an_override_without_its_timeline_is_shown_all_the_same():
    found = parts.parts_of({"overrides": [{"gate": "backup", "task": 3}]}, [])
    assert found == [parts.Part("OVERRIDE", [("task 3", "went past the backup check")], red=True)]
