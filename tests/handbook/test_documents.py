"""The shell around the documents: never half a file, never over what people wrote, never outside of the tree."""

import os
from datetime import UTC, datetime

import pytest

from tocsin.handbook.card import OWN
from tocsin.handbook.documents import CardRefused, Documents, LogRefused, PostmortemRefused
from tocsin.handbook.log import RESTORE_HEADER, LogRow, RestoreRow, is_log

ROW = LogRow("INC-2026-0007", datetime(2026, 1, 20, 13, 6, tzinfo=UTC), "SEV1", "Sign-in loops")
REF = ROW.ref
CHECK = RestoreRow(
    f"{REF} check 1", ROW.at, "Backup check", "Jonas Ek", "before the copy", validation="Passed"
)


@pytest.fixture
def root(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / "docs" / "ops").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def documents(root):
    return Documents(root, root / "docs" / "ops", "docs/ops/incidents.md")


@pytest.fixture
def log(root):
    return root / "docs" / "ops" / "incidents.md"


def files(root):
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())


def test_a_missing_log_is_begun(documents, log, root):
    written = documents.write_log(ROW, None)
    assert written.changed
    assert is_log(log.read_text("utf-8"))
    assert written.row in log.read_text("utf-8")
    assert files(root) == ["docs/ops/incidents.md"]


def test_a_log_that_already_says_so_is_not_replaced(documents, log):
    first = documents.write_log(ROW, None)
    before = log.stat().st_ino
    again = documents.write_log(ROW, first.row, first.header)
    assert not again.changed
    assert log.stat().st_ino == before


def test_what_others_wrote_meanwhile_is_merged(documents, log):
    first = documents.write_log(ROW, None)
    log.write_text(log.read_text("utf-8") + "\nA note by hand.\n", "utf-8")
    documents.write_log(LogRow(REF, ROW.at, "SEV2", "Sign-in loops"), first.row, first.header)
    text = log.read_text("utf-8")
    assert text.endswith("\nA note by hand.\n")
    assert "| SEV2 |" in text


def test_bytes_and_mode_are_kept(documents, log):
    documents.write_log(ROW, None)
    raw = b"\xef\xbb\xbf" + log.read_bytes().replace(b"\n", b"\r\n")
    log.write_bytes(raw)
    log.chmod(0o640)
    written = documents.write_log(LogRow("INC-2026-0008", ROW.at, "SEV1", "x"), None)
    assert log.read_bytes().replace(written.row.encode() + b"\r\n", b"") == raw
    assert log.stat().st_mode & 0o777 == 0o640


def refusal(call, *args):
    with pytest.raises((LogRefused, PostmortemRefused)) as caught:
        call(*args)
    return caught.value.rule, caught.value.permanent


def test_a_merge_in_progress_holds_the_row(documents, root, log):
    (root / ".git" / "MERGE_HEAD").write_text("abc\n")
    assert refusal(documents.write_log, ROW, None) == ("merge", False)
    assert not log.exists()


def test_a_merge_in_a_linked_work_tree_holds_the_row(tmp_path, root):
    tree = tmp_path / "linked"
    (tree / "docs" / "ops").mkdir(parents=True)
    git = root / ".git" / "worktrees" / "linked"
    git.mkdir(parents=True)
    (tree / ".git").write_text(f"gitdir: {git}\n")
    (git / "MERGE_HEAD").write_text("abc\n")
    documents = Documents(tree, tree / "docs" / "ops", "docs/ops/incidents.md")
    assert refusal(documents.write_log, ROW, None) == ("merge", False)


@pytest.mark.parametrize(
    ("text", "rule", "permanent"),
    [
        ("# Playbook\n", "no-header", True),
        ("<<<<<<< HEAD\n", "conflict", False),
        ("| Date | SEV | Summary |\n|---|---|---|\n| 1 | 2 | INC-2026-0007 mine |\n", "edited-by-hand", True),
    ],
)
def test_refusals_leave_the_file_alone(documents, log, text, rule, permanent):
    log.write_text(text, "utf-8")
    assert refusal(documents.write_log, ROW, None) == (rule, permanent)
    assert log.read_text("utf-8") == text


def test_a_changed_header_is_refused(documents, log):
    first = documents.write_log(ROW, None)
    log.write_text(log.read_text("utf-8").replace("Impact", "Effect"), "utf-8")
    assert refusal(documents.write_log, ROW, first.row, first.header) == ("header-changed", True)


def test_a_log_that_is_not_utf8_is_refused(documents, log):
    log.write_bytes(b"caf\xe9")
    assert refusal(documents.write_log, ROW, None) == ("encoding", True)


def test_nothing_is_written_outside_of_the_tree(root, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (root / "docs" / "away").symlink_to(outside)
    (root / "docs" / "loop").symlink_to(root / "docs" / "loop")
    for path in ("../incidents.md", "docs/away/incidents.md", ".git/config", "docs/loop", "/etc/passwd"):
        documents = Documents(root, root / "docs" / "ops", path)
        assert refusal(documents.write_log, ROW, None) == ("outside", True)
    documents = Documents(root, root / "docs" / "away", "docs/ops/incidents.md")
    assert refusal(documents.write_postmortem, REF, "x", None) == ("outside", True)
    assert list(outside.iterdir()) == []


def test_a_failed_write_leaves_no_trace(documents, log, root, monkeypatch):
    documents.write_log(ROW, None)
    before = log.read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        documents.write_log(LogRow("INC-2026-0008", ROW.at, "SEV1", "x"), None)
    assert log.read_bytes() == before
    assert files(root) == ["docs/ops/incidents.md"]


def test_a_postmortem_is_written_and_rewritten_while_untouched(documents, root):
    first = documents.write_postmortem(REF, "# one\n", None)
    assert (first.path, first.changed) == ("docs/ops/postmortems/INC-2026-0007.md", True)
    second = documents.write_postmortem(REF, "# two\n", first.hash)
    assert (root / second.path).read_text("utf-8") == "# two\n"
    assert not documents.write_postmortem(REF, "# two\n", None).changed


@pytest.mark.parametrize("known", [True, False])
def test_a_postmortem_edited_by_hand_is_never_overwritten(documents, root, known):
    first = documents.write_postmortem(REF, "# one\n", None)
    (root / first.path).write_text("# mine\n", "utf-8")
    refused = refusal(documents.write_postmortem, REF, "# two\n", first.hash if known else None)
    assert refused == ("edited-by-hand", True)
    assert (root / first.path).read_text("utf-8") == "# mine\n"


@pytest.mark.parametrize("ref", ["../x", "INC-2026-1/../../x", "", "inc-2026-1", "INC-2026-0001\n"])
def test_a_strange_reference_names_no_file(documents, ref):
    assert refusal(documents.write_postmortem, ref, "x", None) == ("reference", True)


def test_links_from_the_log(root):
    near = Documents(root, root / "docs" / "ops", "docs/ops/incidents.md")
    far = Documents(root, root / "docs" / "ops", "INCIDENTS.md")
    assert near.postmortem_link(REF) == "postmortems/INC-2026-0007.md"
    assert far.postmortem_link(REF) == "docs/ops/postmortems/INC-2026-0007.md"


def test_the_highest_number_in_the_log(documents):
    assert documents.highest_number(2026) == 0
    documents.write_log(ROW, None)
    assert documents.highest_number(2026) == 7


# --- restores and checks --------------------------------------------------------------------------------------------


def test_a_missing_log_is_begun_with_both_tables(documents, log):
    check = documents.write_restore(CHECK, None)
    documents.write_log(ROW, None)
    text = log.read_text("utf-8")
    assert is_log(text)
    assert check.row in text
    assert text.count("INC-2026-0007") == 2
    assert not documents.write_restore(CHECK, check.row, check.header).changed


def test_a_merge_in_progress_holds_the_restore_row(documents, root, log):
    (root / ".git" / "MERGE_HEAD").write_text("abc\n")
    assert refusal(documents.write_restore, CHECK, None) == ("merge", False)
    assert not log.exists()


@pytest.mark.parametrize(
    ("text", "rule", "permanent"),
    [
        ("# Playbook\n", "no-header", True),
        ("| Date | SEV | Summary |\n|---|---|---|\n", "no-header", True),
        ("<<<<<<< HEAD\n", "conflict", False),
        (
            f"| Date | Kind | Reason | Result |\n|---|---|---|---|\n| 1 | 2 | {REF} check 1 | ? |\n",
            "edited-by-hand",
            True,
        ),
    ],
)
def test_refusals_of_a_restore_row_leave_the_file_alone(documents, log, text, rule, permanent):
    log.write_text(text, "utf-8")
    assert refusal(documents.write_restore, CHECK, None) == (rule, permanent)
    assert log.read_text("utf-8") == text


def test_a_changed_header_of_the_second_table_is_refused(documents, log):
    first = documents.write_restore(CHECK, None)
    log.write_text(log.read_text("utf-8").replace("| Initiator |", "| Who began |"), "utf-8")
    changed = RestoreRow(CHECK.ref, CHECK.at, CHECK.kind, CHECK.initiator, CHECK.reason, validation="Failed")
    assert refusal(documents.write_restore, changed, first.row, first.header) == ("header-changed", True)


def test_after_a_person_added_the_table_the_row_goes_in(documents, log):
    log.write_text("| Date | SEV | Summary |\n|---|---|---|\n", "utf-8")
    assert refusal(documents.write_restore, CHECK, None) == ("no-header", True)
    header = f"| {' | '.join(RESTORE_HEADER)} |\n|{'---|' * len(RESTORE_HEADER)}\n"
    log.write_text(f"{log.read_text('utf-8')}\n{header}", "utf-8")
    assert documents.write_restore(CHECK, None).row in log.read_text("utf-8")


# --- the card -------------------------------------------------------------------------------------------------------


def test_the_card_is_written_anew_only_when_it_says_something_else(documents, root):
    first = documents.write_card(f"{OWN} one\n")
    again = documents.write_card(f"{OWN} one\n")
    third = documents.write_card(f"{OWN} two\n")
    assert (first.path, first.changed, again.changed, third.changed) == (
        "docs/ops/card.md",
        True,
        False,
        True,
    )
    assert (root / "docs" / "ops" / "card.md").read_text("utf-8") == f"{OWN} two\n"


def test_a_card_of_somebody_elses_is_left_alone(documents, root):
    card = root / "docs" / "ops" / "card.md"
    card.write_text("# Our own card\n", "utf-8")
    with pytest.raises(CardRefused) as caught:
        documents.write_card(f"{OWN}\n")
    assert caught.value.permanent
    assert card.read_text("utf-8") == "# Our own card\n"


def test_the_postmortem_as_it_stands(documents):
    assert documents.postmortem_text(REF) is None
    documents.write_postmortem(REF, "# draft\n", None)
    assert documents.postmortem_text(REF) == "# draft\n"
