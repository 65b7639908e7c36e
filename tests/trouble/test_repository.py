"""The repository: tocsin commits its own rows and nothing else, pushes on top of others, and loses nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tocsin.domain import events as ev
from tocsin.store.contract import UnknownEvent
from tocsin.wiring import card, publish, repository
from tocsin.wiring.git import Git, GitFailed
from trouble.conftest import HANDBOOK, LOG, Builder, House, eventually, for_a_while

OURS = "tocsin <tocsin@localhost>"
PUSHING = "[handbook]\ncommit = true\npush = true\n"
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    **{f"GIT_{who}_{what}": "ann" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def git(folder: Path, *arguments: str) -> str:
    """As a person would: again when somebody else has the index just then."""
    for _ in range(20):
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False
        )
        if "index.lock" not in done.stderr:
            break
    assert done.returncode == 0, done.stderr
    return done.stdout.rstrip("\n")


@dataclass
class Place:
    """A work tree with a handbook, the bare repository that it follows, and how a node is begun in it."""

    build: Builder
    tree: Path
    remote: Path

    def node(self, toml: str = PUSHING, *, start: bool = True) -> House:
        return self.build(toml=toml, start=start)

    @property
    def log(self) -> Path:
        return self.tree / LOG

    def pushed(self, path: str = LOG) -> str:
        """A file as the remote branch has it; empty when it has none."""
        listed = git(self.remote, "ls-tree", "main", "--", path)
        return git(self.remote, "show", f"main:{path}") if listed else ""

    def committed(self, path: str = LOG) -> str:
        head = git(self.tree, "rev-parse", "HEAD")
        listed = git(self.tree, "ls-tree", head, "--", path)
        return git(self.tree, "show", f"{head}:{path}") if listed else ""

    def colleague(self) -> Path:
        """Another clone of the remote branch, as it is now."""
        clone = self.remote.with_name("colleague")
        if clone.exists():
            shutil.rmtree(clone)
        git(self.remote.parent, "clone", "-q", str(self.remote), str(clone))
        return clone

    def push_as_colleague(self, change: Callable[[Path], None], message: str = "by a colleague") -> None:
        clone = self.colleague()
        change(clone)
        git(clone, "add", "-A")
        git(clone, "commit", "-q", "-m", message)
        git(clone, "push", "-q")

    def clean(self) -> bool:
        """Whether the work tree is what was committed, and that is what was pushed."""
        changed = git(self.tree, "status", "--porcelain", "--", "docs")
        return not changed and git(self.tree, "rev-parse", "HEAD") == git(self.remote, "rev-parse", "main")


@pytest.fixture
def place(build: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(repository, "EVERY_S", 0.3)
    monkeypatch.setattr(repository, "ECHOES_S", (0.05, 0.1))
    monkeypatch.setattr(repository, "WAITS_S", (0.1,))
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    tree, remote = build.folder, tmp_path / "remote.git"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(remote))
    git(tree, "init", "-q", "-b", "main")
    ops = tree / "docs" / "ops"
    ops.mkdir(parents=True)
    shutil.copy(HANDBOOK, ops / "incident_response.md")
    (tree / "app.py").write_text("print('one')\n", "utf-8")
    (tree / ".gitignore").write_text("tocsin.*\n/var\n", "utf-8")
    git(tree, "add", "app.py", "docs", ".gitignore")
    git(tree, "commit", "-q", "-m", "begin")
    git(tree, "remote", "add", "origin", str(remote))
    git(tree, "push", "-q", "-u", "origin", "main")
    return Place(build, tree, remote)


def add_row(ref: str, text: str = "of their own") -> Callable[[Path], None]:
    """A colleague puts a row of their own on top of the log."""

    def change(clone: Path) -> None:
        log = clone / LOG
        lines = log.read_text("utf-8").splitlines(keepends=True)
        at = next(n for n, line in enumerate(lines) if line.startswith("|---"))
        lines.insert(at + 1, f"| 2026-01-02 03:04 | SEV3 | {ref} {text} | - | - | - | - | ann |\n")
        log.write_text("".join(lines), "utf-8")

    return change


def edit(path: str, old: str, new: str) -> Callable[[Path], None]:
    def change(clone: Path) -> None:
        text = (clone / path).read_text("utf-8")
        assert old in text
        (clone / path).write_text(text.replace(old, new), "utf-8")

    return change


def resolved(house: House, ref: str) -> None:
    house.do(ref, "ack")
    house.do(ref, "mitigate", evidence="it answers")
    house.do(ref, "resolve", confirmed="seen", impact_ended="over", errors_normal="they are")


# --- what is committed ------------------------------------------------------------------------------------


def test_a_row_and_a_draft_are_committed_and_pushed_by_tocsin(place: Place) -> None:
    house = place.node()
    ref = house.declare()
    eventually(lambda: ref in place.pushed(), "the row is pushed")
    resolved(house, ref)
    draft = f"docs/ops/postmortems/{ref}.md"
    eventually(lambda: "resolved" in place.pushed() and place.pushed(draft) != "", "the end is pushed")
    eventually(place.clean, "nothing is left over")

    authors = git(place.remote, "log", "--format=%an <%ae>", "main").splitlines()
    assert authors[-1] == "ann <ann>"
    assert set(authors[:-1]) == {OURS}
    touched = git(place.remote, "diff", "--name-only", "main~1", "main").splitlines()
    assert set(touched) <= {LOG, draft, "docs/ops/card.md"}
    assert "Everything is down" not in git(place.remote, "log", "--format=%B", "main")


def test_what_people_staged_or_changed_stays_theirs(place: Place) -> None:
    house = place.node()
    first = house.declare("The first")
    eventually(lambda: first in place.pushed(), "the log is there")
    eventually(place.clean, "nothing is left over")
    (place.tree / "app.py").write_text("print('staged')\n", "utf-8")
    git(place.tree, "add", "app.py")
    edit("docs/ops/incident_response.md", "\n", "\n\n<!-- half done -->\n")(place.tree)
    (place.tree / "new.txt").write_text("new\n", "utf-8")
    second = house.declare("The second")

    eventually(lambda: second in place.pushed(), "the second row is pushed")
    assert git(place.tree, "diff", "--name-only", "--cached").splitlines() == ["app.py"]
    assert git(place.tree, "diff", "--name-only").splitlines() == ["docs/ops/incident_response.md"]
    assert "new.txt" in git(place.tree, "status", "--porcelain", "--untracked-files=all")
    assert "half done" not in place.pushed("docs/ops/incident_response.md")


def test_a_half_done_edit_of_the_log_is_not_committed_with_a_row(place: Place) -> None:
    house = place.node()
    first = house.declare("The first")
    eventually(lambda: first in place.pushed(), "the log is there")
    edit(LOG, "Newest on top.", "Newest on top. (half a thought")(place.tree)
    second = house.declare("The second")

    eventually(lambda: second in place.pushed(), "the second row is pushed")
    assert "half a thought" not in place.pushed()
    assert "half a thought" in place.log.read_text("utf-8")
    assert second in place.log.read_text("utf-8")
    changes = git(place.tree, "diff", "--", LOG)
    assert [line for line in changes.splitlines() if line[:1] in "+-" and second in line] == []


def test_a_draft_that_a_person_goes_on_with_is_not_committed_for_them(place: Place) -> None:
    house = place.node()
    ref = house.declare()
    resolved(house, ref)
    draft = f"docs/ops/postmortems/{ref}.md"
    eventually(lambda: place.pushed(draft) != "", "the draft is pushed")
    before = place.pushed(draft)
    with (place.tree / draft).open("a", encoding="utf-8") as file:
        file.write("\nHalf a sentence\n")
    other = house.declare("Another one")

    eventually(lambda: other in place.pushed(), "the row of another incident is pushed")
    assert place.pushed(draft) == before
    assert "Half a sentence" in (place.tree / draft).read_text("utf-8")


def test_no_hook_runs_and_no_signature_is_asked_for(place: Place) -> None:
    hooks = place.tree / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("pre-commit", "commit-msg", "pre-push", "post-commit", "reference-transaction"):
        hook = hooks / name
        hook.write_text("#!/bin/sh\ntouch hook-ran\nexit 1\n", "utf-8")
        hook.chmod(0o755)
    git(place.tree, "config", "commit.gpgSign", "true")
    git(place.tree, "config", "gpg.program", "false")
    house = place.node()
    ref = house.declare()
    eventually(lambda: ref in place.pushed(), "the row is pushed")
    assert not list(place.tree.rglob("hook-ran"))


def test_without_the_setting_nothing_is_committed(place: Place) -> None:
    house = place.node(toml="")
    ref = house.declare()
    eventually(lambda: ref in house.row(ref), "the row is written")
    eventually(lambda: house.quiet(ref), "everything is carried out")
    assert git(place.tree, "log", "--format=%an") == "ann"
    assert LOG in git(place.tree, "status", "--porcelain", "--untracked-files=all")


def test_committed_without_push_stays_here(place: Place) -> None:
    house = place.node(toml="[handbook]\ncommit = true\n")
    ref = house.declare()
    eventually(lambda: ref in place.committed(), "the row is committed")
    for_a_while(lambda: place.pushed() == "", 0.5, "nothing is pushed")
    assert house.alarms() == ""


def test_a_drill_is_committed_and_marked_and_goes_out_only_with_a_real_one(place: Place) -> None:
    house = place.node()
    eventually(lambda: place.pushed("docs/ops/card.md"), "the card is pushed")
    answer = house.ask("POST", "/api/v1/incidents", title="A rehearsal", sev="SEV1", drill=True)
    drill = str(answer.json()["ref"])
    eventually(lambda: "Drill: yes" in git(place.tree, "log", "-1", "--format=%B"), "the drill is committed")
    assert "DRILL" in next(line for line in place.committed().splitlines() if drill in line)
    for_a_while(lambda: drill not in place.pushed(), 1.0, "a drill pushes nothing")
    ref = house.declare("A real one")
    eventually(lambda: ref in place.pushed(), "the real one is pushed")


# --- others push --------------------------------------------------------------------------------------------


def test_a_row_that_others_pushed_meanwhile_stands_beside_ours(place: Place) -> None:
    house = place.node()
    first = house.declare("The first")
    eventually(lambda: first in place.pushed(), "the log is there")
    place.push_as_colleague(add_row("EXT-9"))
    place.push_as_colleague(edit("app.py", "one", "two"))
    second = house.declare("The second")

    eventually(lambda: second in place.pushed(), "our row is pushed")
    rows = [line for line in place.pushed().splitlines() if line.startswith("| 2")]
    assert [next(r for r in (second, "EXT-9", first) if r in row) for row in rows] == [second, "EXT-9", first]
    eventually(place.clean, "the work tree follows")
    assert "two" in (place.tree / "app.py").read_text("utf-8")
    parents = git(place.remote, "log", "--format=%P", "main").splitlines()
    assert all(len(line.split()) <= 1 for line in parents), "no merge commits"


def test_several_rounds_that_could_not_be_pushed_go_out_together(place: Place) -> None:
    house = place.node()
    away = place.remote.with_name("away.git")
    first = house.declare("The first")
    eventually(lambda: first in place.pushed(), "the log is there")
    place.remote.rename(away)
    second = house.declare("The second")
    eventually(lambda: "commits are not pushed" in house.alarms(), "the alarm says so")
    assert str(place.remote) not in house.alarms(), "an address may hold a password"
    third = house.declare("The third")
    eventually(lambda: third in place.committed(), "it is committed meanwhile")
    resolved(house, second)
    away.rename(place.remote)
    place.push_as_colleague(add_row("EXT-1"))

    eventually(lambda: third in place.pushed() and "resolved" in place.pushed(), "all of it is pushed")
    eventually(lambda: house.alarms() == "", "the alarm is taken back")
    assert place.pushed().count(second) == place.log.read_text("utf-8").count(second)
    assert "EXT-1" in place.pushed()
    eventually(place.clean, "the work tree follows")


def test_a_row_that_others_changed_is_theirs_and_an_alarm(place: Place) -> None:
    house = place.node()
    first = house.declare("The first")
    eventually(lambda: first in place.pushed(), "the log is there")
    place.push_as_colleague(edit(LOG, "The first", "The first (our shop)"))
    house.do(first, "severity", level="SEV2", reason="half of it is back")
    second = house.declare("The second")

    eventually(lambda: "not as it was written last" in house.alarms(), "the alarm names the row")
    eventually(lambda: second in place.pushed(), "other rows do not wait for it")
    assert "The first (our shop)" in place.pushed()
    place.push_as_colleague(edit(LOG, "The first (our shop)", "The first"))
    eventually(lambda: "SEV2" in place.pushed(), "once it is put back our row goes out")
    eventually(lambda: house.alarms() == "", "the alarm is taken back")


def test_a_header_that_others_changed_holds_the_row_here(place: Place) -> None:
    house = place.node()
    first = house.declare("The first")
    eventually(lambda: first in place.pushed(), "the log is there")
    place.push_as_colleague(edit(LOG, "| Impact |", "| Effect |"))
    house.do(first, "severity", level="SEV2", reason="half of it is back")

    eventually(lambda: "header" in house.alarms(), "the alarm says what it is")
    assert "SEV2" in place.committed(), "the row is kept"
    place.push_as_colleague(edit(LOG, "| Effect |", "| Impact |"))
    eventually(lambda: "SEV2" in place.pushed(), "the row goes out")


def test_conflict_markers_that_others_pushed_hold_everything(place: Place) -> None:
    house = place.node()
    first = house.declare("The first")
    eventually(lambda: first in place.pushed(), "the log is there")
    good = place.pushed()
    place.push_as_colleague(
        edit(LOG, "# Incident Log\n", "# Incident Log\n<<<<<<< HEAD\n=======\n>>>>>>> x\n")
    )
    second = house.declare("The second")
    eventually(lambda: "conflict markers" in house.alarms(), "the alarm says what it is")

    def put_back(clone: Path) -> None:
        (clone / LOG).write_text(good + "\n", "utf-8")

    place.push_as_colleague(put_back)
    eventually(lambda: second in place.pushed(), "the row goes out")


def test_an_edited_draft_on_the_remote_branch_stays(place: Place) -> None:
    house = place.node()
    ref = house.declare()
    resolved(house, ref)
    draft = f"docs/ops/postmortems/{ref}.md"
    eventually(lambda: place.pushed(draft) != "", "the draft is pushed")
    place.push_as_colleague(edit(draft, "Status: draft", "Status: nearly"))
    house.do(ref, "action", do="add", text="More water", owner="ann", due="2027-01-04")
    eventually(lambda: "More water" in place.pushed(), "the log says so")
    assert "Status: nearly" in place.pushed(draft)
    eventually(lambda: "nearly" in read_now(place.tree / draft), "the work tree follows")


def read_now(path: Path) -> str:
    """Between removing a file and writing it anew git shows none."""
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return ""


def test_who_pushes_at_the_same_moment_costs_one_more_try(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = place.node()
    first = house.declare("The first")
    eventually(lambda: first in place.pushed(), "the log is there")
    eventually(place.clean, "nothing is left over")
    plain, answers = publish.Publisher._pushed, list[bool]()

    def pushed(self: publish.Publisher, *arguments: Any) -> bool:
        if not answers:
            place.push_as_colleague(add_row("EXT-9"))
        answers.append(plain(self, *arguments))
        return answers[-1]

    monkeypatch.setattr(publish.Publisher, "_pushed", pushed)
    second = house.declare("The second")
    eventually(lambda: second in place.pushed(), "both rows are there")
    assert "EXT-9" in place.pushed()
    eventually(lambda: answers[:2] == [False, True], "the second try was the one")


def test_what_a_remote_says_when_it_refuses_is_repeated(place: Place) -> None:
    hook = place.remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'GH006: main is protected'\nexit 1\n", "utf-8")
    hook.chmod(0o755)
    house = place.node()
    house.declare()
    eventually(
        lambda: (
            "remote rejected] (pre-receive hook declined) remote: GH006: main is protected" in house.alarms()
        ),
        "the alarm says why",
    )


def test_a_tag_of_the_same_name_is_no_obstacle(place: Place) -> None:
    git(place.tree, "tag", "main")
    house = place.node()
    ref = house.declare()
    eventually(lambda: ref in place.pushed(), "the row is pushed")
    eventually(place.clean, "nothing is left over")


def test_nothing_is_staged_when_the_branch_cannot_be_moved(place: Place) -> None:
    house = place.node()
    first = house.declare("The first")
    eventually(lambda: first in place.pushed(), "the log is there")
    eventually(place.clean, "nothing is left over")
    lock = place.tree / ".git" / "refs" / "heads" / "main.lock"
    lock.write_text("", "utf-8")
    second = house.declare("The second")
    eventually(lambda: "not committed: git update-ref" in house.alarms(), "the alarm says why")
    assert git(place.tree, "diff", "--cached", "--name-only") == ""
    lock.unlink()
    eventually(lambda: second in place.pushed(), "it goes out by itself")
    eventually(place.clean, "nothing is left over")


# --- rows that people lose ------------------------------------------------------------------------------------


def test_another_branch_gets_no_rows_unless_it_is_said(place: Place) -> None:
    house = place.node()
    first = house.declare("The first")
    eventually(lambda: first in place.pushed(), "the log is there")
    eventually(place.clean, "nothing is left over")
    git(place.tree, "checkout", "-q", "-b", "feature")
    git(place.tree, "push", "-q", "-u", "origin", "feature")
    second = house.declare("The second")
    eventually(lambda: "feature is checked out and tocsin's rows go to main" in house.alarms(), "the alarm")
    eventually(lambda: second in house.row(second), "the row is written all the same")
    assert second not in git(place.remote, "show", f"feature:{LOG}")
    git(place.tree, "checkout", "-q", "main")
    eventually(lambda: second in place.pushed(), "it goes where the others are")
    eventually(lambda: house.alarms() == "", "the alarm is taken back")
    git(place.tree, "checkout", "-q", "feature")
    git(place.tree, "config", "tocsin.branch", "feature")
    third = house.declare("The third")
    eventually(lambda: third in git(place.remote, "show", f"feature:{LOG}"), "it goes where it was told to")


def test_rows_that_a_reset_threw_away_are_written_again(place: Place) -> None:
    house = place.node(toml="[handbook]\ncommit = true\n")
    first = house.declare("The first")
    second = house.declare("The second")
    eventually(lambda: first in place.committed() and second in place.committed(), "both are committed")
    eventually(lambda: house.quiet(first) and house.quiet(second), "everything is carried out")
    git(place.tree, "reset", "-q", "--hard", "origin/main")
    eventually(lambda: first in place.committed() and second in place.committed(), "both are there again")
    rows = [line for line in place.committed().splitlines() if line.startswith("| 2")]
    assert [next(r for r in (second, first) if r in row) for row in rows] == [second, first]


def test_rows_that_a_checkout_threw_away_are_written_again(place: Place) -> None:
    house = place.node(toml="")
    first = house.declare("The first")
    eventually(lambda: first in house.row(first) and house.quiet(first), "the row is written")
    git(place.tree, "add", "docs")
    git(place.tree, "commit", "-q", "-m", "the log")
    second = house.declare("The second")
    eventually(lambda: second in house.row(second) and house.quiet(second), "the row is written")
    git(place.tree, "checkout", "-q", "--", ".")
    eventually(lambda: second in house.row(second), "the row is there again")
    assert place.log.read_text("utf-8").count(first) == 1
    assert git(place.tree, "log", "-1", "--format=%an") == "ann"


def test_a_row_that_people_took_out_with_a_commit_stays_out(place: Place) -> None:
    house = place.node()
    first = house.declare("The first")
    eventually(lambda: first in place.pushed(), "the log is there")
    eventually(lambda: house.quiet(first) and place.clean(), "nothing is left over")
    edit(LOG, house.row(first) + "\n", "")(place.tree)
    git(place.tree, "commit", "-q", "-m", "into the archive", LOG)
    git(place.tree, "push", "-q")
    for_a_while(lambda: house.row(first) == "", 1.5, "it stays out")
    assert house.alarms() == ""


# --- what lies beside the drafts ---------------------------------------------------------------------------------


def test_what_others_put_beside_the_drafts_keeps_nothing_back(place: Place) -> None:
    house = place.node()
    ref = house.declare("The first")
    resolved(house, ref)
    folder = place.tree / "docs" / "ops" / "postmortems"
    draft = folder / f"{ref}.md"
    eventually(lambda: place.pushed(f"docs/ops/postmortems/{ref}.md") != "", "the draft is pushed")
    (folder / "graph.png").write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe\x00")
    (folder / "INC-1999-0001.md").write_bytes(b"\xff\xfe")
    git(folder, "init", "-q", "nested")
    draft.write_bytes(b"\xff\xfe in another encoding")
    second = house.declare("The second")
    eventually(lambda: second in place.pushed(), "the row is pushed")
    eventually(lambda: house.alarms() == "", "there is nothing to say")
    assert git(place.remote, "ls-tree", "--name-only", "main:docs/ops/postmortems") == f"{ref}.md"


# --- rounds that end unexpectedly -----------------------------------------------------------------------------


def test_an_incident_of_a_newer_program_keeps_no_other_row_back(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = place.node()
    first = house.declare("The first")
    eventually(lambda: first in place.pushed(), "the log is there")
    store, unknown = house.program.store, True
    plain = store.incident

    def incident(ref: str) -> Any:
        if ref == first and unknown and threading.current_thread().name == "repository":
            raise UnknownEvent(ref, "Future", "written by a newer program")
        return plain(ref)

    monkeypatch.setattr(store, "incident", incident)
    house.do(first, "severity", level="SEV2", reason="half of it is back")
    second = house.declare("The second")
    eventually(lambda: second in place.pushed(), "the other row goes out")
    eventually(lambda: f"{first}: written by a newer program" in house.alarms(), "the alarm says why")
    unknown = False
    eventually(lambda: "SEV2" in place.pushed(), "it goes out once it can be read")
    eventually(lambda: house.alarms() == "", "the alarm is taken back")


@pytest.mark.parametrize(
    "error", [PermissionError(13, "Permission denied", "/x"), KeyError("x"), ValueError("y")]
)
def test_a_round_that_ends_unexpectedly_is_an_alarm_and_the_next_one_goes_on(
    place: Place, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = place.node()
    first = house.declare("The first")
    eventually(lambda: first in place.pushed(), "the log is there")

    def refuse(self: publish.Publisher) -> bool:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(publish.Publisher, "commit", refuse)
        second = house.declare("The second")
        eventually(lambda: "not everything is committed" in house.alarms(), "the alarm says so")
        assert "/x" not in house.alarms()
    eventually(lambda: second in place.pushed(), "the next round does it")
    eventually(lambda: house.alarms() == "", "the alarm is taken back")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(
    ("owner", "says"),
    [(repository.Repository, "committed or pushed any more"), (card.CardKeeper, "looks after it any more")],
)
def test_a_thread_that_is_gone_is_an_alarm(
    place: Place, owner: type, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fall(self: object) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr(owner, "round" if owner is repository.Repository else "write", fall)
    house = place.node()
    eventually(lambda: says in house.alarms(), "the alarm says so")


def test_a_card_that_cannot_be_made_is_an_alarm(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card, "EVERY_S", 0.1)
    with monkeypatch.context() as patch:
        patch.setattr(card, "card", lambda *_: {}["no such role"])
        house = place.node()
        eventually(lambda: "the card cannot be written" in house.alarms(), "the alarm says so")
    eventually(lambda: house.alarms() == "", "the next round writes it")


# --- what was restricted ---------------------------------------------------------------------------------------


def restricted(house: House, ref: str) -> None:
    house.do(ref, "restrict", codename="Heron", readers=[], reason="people are named")


def test_what_was_committed_before_a_restriction_is_not_pushed_after_it(place: Place) -> None:
    house = place.node()
    away = place.remote.with_name("away.git")
    first = house.declare("Zero")
    eventually(lambda: first in place.pushed(), "the log is there")
    eventually(place.clean, "nothing is left over")
    place.remote.rename(away)
    ref = house.declare("Tenant Umbra leaks")
    resolved(house, ref)
    draft = f"docs/ops/postmortems/{ref}.md"
    eventually(lambda: place.committed(draft) != "", "the draft is committed")
    (place.tree / draft).write_text("# What a person wrote\n", "utf-8")
    restricted(house, ref)
    eventually(lambda: "Heron" in place.committed(), "the row says the codename")
    away.rename(place.remote)

    eventually(lambda: "Heron" in place.pushed(), "the codename is pushed")
    assert place.pushed(draft) == ""
    assert "Umbra" not in git(place.remote, "log", "-p", "main")
    eventually(lambda: place.committed(draft) == "", "the branch holds the draft no more")
    assert (place.tree / draft).read_text("utf-8") == "# What a person wrote\n"
    eventually(lambda: house.alarms() == "", "there is nothing to say")
    other = house.declare("Another one")
    eventually(lambda: other in place.pushed(), "the next one goes out")


def test_the_draft_of_a_restricted_incident_is_not_committed(place: Place) -> None:
    house = place.node(toml="")
    ref = house.declare("Tenant Umbra leaks")
    resolved(house, ref)
    draft = f"docs/ops/postmortems/{ref}.md"
    eventually((place.tree / draft).exists, "the draft is written")
    restricted(house, ref)
    eventually(lambda: "Heron" in house.row(ref) and house.quiet(ref), "the row says the codename")
    house.engine.stop()
    house.program.close()
    place.build.houses.clear()
    house = place.node()
    eventually(lambda: "Heron" in place.pushed(), "the row is pushed")
    for_a_while(lambda: place.committed(draft) == "", 0.5, "the draft stays here")


def test_others_are_told_not_to_push_what_was_restricted(place: Place) -> None:
    house = place.node(toml="[handbook]\ncommit = true\n")
    ref = house.declare("Tenant Umbra leaks")
    eventually(lambda: "Umbra" in place.committed(), "the row is committed")
    eventually(lambda: house.quiet(ref), "everything is carried out")
    restricted(house, ref)
    eventually(lambda: "Heron" in place.committed(), "the codename is committed")
    house.engine.stop()
    house.program.close()
    place.build.houses.clear()
    git(place.tree, "commit", "-q", "--allow-empty", "-m", "of a person")
    house = place.node()
    eventually(lambda: "do not push it as it is" in house.alarms(), "the alarm says so")
    assert "Umbra" not in git(place.remote, "log", "-p", "main")


# --- what must not be pushed or followed -----------------------------------------------------------------------


def test_unpushed_commits_of_others_are_neither_pushed_nor_rebased(place: Place) -> None:
    house = place.node()
    first = house.declare("The first")
    eventually(lambda: first in place.pushed(), "the log is there")
    (place.tree / "app.py").write_text("print('mine')\n", "utf-8")
    git(place.tree, "commit", "-q", "-m", "not ready", "app.py")
    mine = git(place.tree, "rev-parse", "HEAD")
    second = house.declare("The second")

    eventually(
        lambda: "main holds a commit of others that is not pushed" in house.alarms(), "the alarm says why"
    )
    assert second not in place.pushed()
    assert mine in git(place.tree, "log", "--format=%H").splitlines()
    git(place.tree, "push", "-q")
    eventually(lambda: house.alarms() == "", "the alarm is taken back")
    assert second in place.pushed()


def test_a_work_tree_that_cannot_follow_says_so_and_loses_nothing(place: Place) -> None:
    house = place.node()
    first = house.declare("The first")
    eventually(lambda: first in place.pushed(), "the log is there")
    eventually(place.clean, "nothing is left over")
    (place.tree / "app.py").write_text("print('half done')\n", "utf-8")
    place.push_as_colleague(edit("app.py", "one", "two"))
    second = house.declare("The second")

    eventually(lambda: second in place.pushed(), "the row is pushed all the same")
    eventually(
        lambda: "cannot follow" in house.alarms() and "app.py" in house.alarms(), "the alarm names the file"
    )
    assert (place.tree / "app.py").read_text("utf-8") == "print('half done')\n"
    third = house.declare("The third")
    eventually(lambda: third in place.pushed(), "the next one is pushed as well")
    assert place.pushed().count("The second") == 1
    git(place.tree, "checkout", "-q", "--", "app.py")
    eventually(place.clean, "the work tree follows once the way is free")
    eventually(lambda: house.alarms() == "", "the alarm is taken back")


@pytest.mark.parametrize(
    ("trouble", "says", "repair"),
    [
        (("checkout", "-q", "--detach"), "no branch is checked out", ("checkout", "-q", "main")),
        (
            ("branch", "--unset-upstream"),
            "follows no branch of a remote",
            ("branch", "-q", "--set-upstream-to", "origin/main"),
        ),
    ],
)
def test_what_keeps_it_from_being_pushed_is_said(
    place: Place, trouble: tuple[str, ...], says: str, repair: tuple[str, ...]
) -> None:
    house = place.node()
    first = house.declare("The first")
    eventually(lambda: first in place.pushed(), "the log is there")
    eventually(place.clean, "nothing is left over")
    git(place.tree, *trouble)
    second = house.declare("The second")
    eventually(lambda: says in house.alarms(), "the alarm says why")
    git(place.tree, *repair)
    eventually(lambda: second in place.pushed(), "it goes out by itself")
    eventually(lambda: house.alarms() == "", "the alarm is taken back")


def test_a_merge_in_progress_is_not_disturbed(place: Place) -> None:
    house = place.node()
    first = house.declare("The first")
    eventually(lambda: first in place.pushed(), "the log is there")
    eventually(place.clean, "nothing is left over")
    git(place.tree, "branch", "aside")
    git(place.tree, "commit", "-q", "--allow-empty", "-m", "one")
    git(place.tree, "push", "-q")
    git(place.tree, "checkout", "-q", "aside")
    git(place.tree, "commit", "-q", "--allow-empty", "-m", "other")
    git(place.tree, "checkout", "-q", "main")
    eventually(lambda: house.quiet(first), "everything is carried out")
    git(place.tree, "merge", "-q", "--no-commit", "--no-ff", "aside")
    second = house.declare("The second")
    eventually(house.has(second, ev.DocumentRefused), "the log waits for the merge")
    assert (place.tree / ".git" / "MERGE_HEAD").exists()
    git(place.tree, "merge", "--abort")
    eventually(lambda: second in place.pushed(), "it goes out by itself")


def test_outside_of_git_the_alarm_says_so(build: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "WAITS_S", (0.1,))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(build.folder.parent))
    house = build(toml=PUSHING)
    eventually(
        lambda: "nothing is committed: git rev-parse: fatal: not a git repository" in house.alarms(), "alarm"
    )
    ref = house.declare()
    eventually(lambda: ref in house.row(ref), "the log is written all the same")


# --- an end at any point ----------------------------------------------------------------------------------------


class Killed(BaseException):
    """As if the process had ended here."""


COMMANDS = (
    "config",
    "hash-object",
    "write-tree",
    "commit-tree",
    "update-index",
    "update-ref",
    "push",
    "read-tree",
)


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("command", COMMANDS)
def test_an_end_before_or_after_any_command_loses_nothing(
    place: Place, command: str, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = place.node(start=False)
    house.engine.companions.clear()
    house.engine.start()
    first = house.declare("The first")
    eventually(lambda: house.quiet(first), "the row is written")
    worker = house.program.repository
    assert worker.round()
    place.push_as_colleague(add_row("EXT-3"))
    second = house.declare("The second")
    eventually(lambda: house.quiet(second), "the row is written")

    _end_at(command, after, worker, monkeypatch)
    assert worker.round(), house.alarms()
    assert place.clean()
    rows = [line for line in place.pushed().splitlines() if line.startswith("| 2")]
    assert [next(r for r in (second, "EXT-3", first) if r in row) for row in rows] == [second, "EXT-3", first]


def _end_at(
    command: str, after: bool, worker: repository.Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run rounds of which each ends at one more call of that command, until one gets through."""
    plain = Git.raw
    for survived in range(20):
        left = survived

        def raw(self: Git, *arguments: str, **options: object) -> bytes:
            nonlocal left
            here = arguments[0] == command
            if here and left == 0 and not after:
                raise Killed
            done = plain(self, *arguments, **options)  # type: ignore[arg-type]
            if here and left == 0:
                raise Killed
            left -= here
            return done

        with monkeypatch.context() as patch:
            patch.setattr(Git, "raw", raw)
            try:
                worker.round()
            except Killed:
                continue
            return
    pytest.fail(f"{command} is called again and again")


# --- the git program ---------------------------------------------------------------------------------------------


def test_git_never_hangs_and_never_asks(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nsleep 30\n", "utf-8")
    slow.chmod(0o755)
    with pytest.raises(GitFailed, match="not done within"):
        Git(tmp_path)("-c", f"alias.slow=!{slow}", "slow", limit_s=0.2)


def sluggish(tmp_path: Path, seconds: float) -> tuple[str, ...]:
    """A git command that takes its time, says when it began, and tidies up when it is asked to end."""
    git(tmp_path, "init", "-q")
    script = tmp_path / "sluggish"
    script.write_text(
        "#!/bin/sh\n"
        "trap 'rm -f lock; touch tidied; exit 1' TERM\n"
        f"touch lock began\nsleep {seconds} & wait\nrm lock\ntouch done\n",
        "utf-8",
    )
    script.chmod(0o755)
    return ("-c", f"alias.slow=!{script}", "slow")


def test_git_may_tidy_up_when_its_time_is_over(tmp_path: Path) -> None:
    slow = sluggish(tmp_path, 30)
    with pytest.raises(GitFailed, match="not done within"):
        Git(tmp_path)(*slow, limit_s=0.5)
    eventually((tmp_path / "tidied").exists, "it took its lock away")
    assert not (tmp_path / "lock").exists()


@pytest.mark.parametrize(("whole", "then"), [(True, "done"), (False, "tidied")])
def test_a_stop_lets_git_finish_what_people_use_and_tidy_up_the_rest(
    tmp_path: Path, whole: bool, then: str
) -> None:
    program, slow = Git(tmp_path), sluggish(tmp_path, 1)

    def run() -> None:
        with suppress(GitFailed):
            program(*slow, whole=whole)

    thread = threading.Thread(target=run)
    thread.start()
    eventually((tmp_path / "began").exists, "it runs")
    program.stop()
    thread.join()
    eventually((tmp_path / then).exists, "it came to a good end")
    assert not (tmp_path / "lock").exists()
    with pytest.raises(GitFailed, match="tocsin is ending"):
        program("status")


def test_git_that_does_not_want_to_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tocsin.wiring.git.GRACE_S", 0.2)
    git(tmp_path, "init", "-q")
    deaf = tmp_path / "deaf"
    deaf.write_text("#!/bin/sh\ntrap '' TERM\nsleep 30\n", "utf-8")
    deaf.chmod(0o755)
    with pytest.raises(GitFailed, match="not done within"):
        Git(tmp_path)("-c", f"alias.slow=!{deaf}", "slow", limit_s=0.2)


def test_what_people_use_is_written_by_whole_commands_alone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, seen = Git.raw, set()

    def raw(self: Git, *arguments: str, **options: object) -> bytes:
        if arguments[0] in {"update-index", "read-tree"} and options.get("index") is None:
            seen.add((arguments[0], options.get("whole")))
        return plain(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Git, "raw", raw)
    house = place.node()
    first = house.declare("The first")
    eventually(lambda: first in place.pushed(), "the log is there")
    place.push_as_colleague(add_row("EXT-3"))
    second = house.declare("The second")
    eventually(lambda: second in place.pushed() and place.clean(), "the work tree follows")
    assert seen == {("update-index", True), ("read-tree", True)}


def test_a_lock_of_its_own_that_was_left_behind_is_no_obstacle(place: Place) -> None:
    (place.tree / ".git" / "tocsin-index.lock").write_text("", "utf-8")
    house = place.node()
    ref = house.declare()
    eventually(lambda: ref in place.pushed(), "the row is pushed")
    eventually(lambda: house.alarms() == "", "there is nothing to say")


def test_addresses_are_not_repeated(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    with pytest.raises(GitFailed) as failed:
        Git(tmp_path)("fetch", "https://ann:secret@127.0.0.1:1/x.git")
    assert "secret" not in failed.value.reason
    assert "127.0.0.1" not in failed.value.reason


def test_commits_are_known_by_author_and_committer() -> None:
    assert f"{publish.NAME} <{publish.EMAIL}>" == OURS
