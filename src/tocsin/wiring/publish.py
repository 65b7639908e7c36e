"""Commits what is tocsin's and pushes it: on top of what others have pushed, never over it, never by force.

Commits are built beside the index and the work tree, from the last commit and tocsin's own rows, so that nothing that
people have staged, changed or left half done goes with them. What is owed is read from git each time: nothing is kept
here, and an end at any point is made good by the next round. Decision record 0005 says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import structlog

from tocsin.wiring.git import EMAIL, NAME, NETWORK_S, Git, GitFailed
from tocsin.wiring.own_files import Held, OwnFiles

log = structlog.get_logger("tocsin.repository")

TRIES = 3
"""So often others may push in between before the next round goes on."""
REFS_NAMED = 3
DRILL = "Drill: yes"
_UNDER_WAY = {
    "MERGE_HEAD": "a merge",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
}


@dataclass(frozen=True, slots=True)
class Change:
    """A file as the next commit shall hold it."""

    path: str
    old: str | None
    new: str


@dataclass(frozen=True, slots=True)
class Ahead:
    """A commit that the remote branch has not got. `own`: made by tocsin and as tocsin made it."""

    id: str
    own: bool
    drill: bool
    message: str


@dataclass(frozen=True, slots=True)
class Upstream:
    """The branch of a remote that this one follows; `tracking` is what is known of it here."""

    tracking: str
    remote: str
    branch: str


class Publisher:
    """One work tree. `writing` is held while files are read for a commit and while the work tree follows a push."""

    def __init__(self, git: Git, own: OwnFiles, writing: AbstractContextManager[object]) -> None:
        self._git = git
        self._own = own
        self._writing = writing

    def checked_out(self) -> str:
        """The branch. Raises Held without one, GitFailed."""
        return self._branch()

    def under_way(self) -> str | None:
        """What people have begun in the work tree and not finished. Raises GitFailed."""
        for name, what in _UNDER_WAY.items():
            if (self._git.folder / self._git("rev-parse", "--git-path", name)).exists():
                return what
        return None

    def commit(self) -> bool:
        """Commit what is tocsin's and not committed yet; whether there was anything. Raises Held, GitFailed."""
        with self._writing:
            changed = self._changed()
            if not changed:
                return False
            branch, head = self._branch(), self._head()
            self._stage_again(head, [path for path, staged in changed.items() if staged])
            held: list[str] = []
            changes = [c for path in changed if (c := self._change(path, head, held)) is not None]
            if changes:
                self._refuse_under_way()
                made = self._commit_tree(head, {c.path: c.new for c in changes}, self._message(changes))
                self._move(branch, head, made, "commit")
                for change in changes:
                    self._stage(change)
        _refuse_held(held, "in the last commit")
        _refuse_held([*self._own.unknown.values()], "some incidents cannot be read")
        return bool(changes)

    def push(self) -> None:
        """Bring tocsin's commits to the remote branch. Raises Held, GitFailed while that is not possible."""
        branch = self._branch()
        if not self._owed(branch):
            return
        upstream = self._upstream(branch)
        for _ in range(TRIES):
            self._fetch(upstream)
            head = self._head()
            ahead = self._ahead(upstream, head)
            if not any(c.own and not c.drill for c in ahead):
                return
            telling = self._telling(ahead)
            self._refuse_others(branch, ahead, telling)
            tip = self._git("rev-parse", upstream.tracking)
            held: list[str] = []
            as_it_is = self._contains(head, tip) and not telling
            new = head if as_it_is else self._rebuilt(head, tip, ahead, held)
            if new != head:
                _refuse_held([*self._own.unknown.values()], "some incidents cannot be read")
            if new != tip and not self._pushed(upstream, new):
                continue
            _refuse_held(held, "on the remote branch")
            if new != head:
                self._follow(branch, head, new)
            return
        raise Held(f"others push to {upstream.branch} all the time: tried again soon")

    # --- what is there -------------------------------------------------------------------------------------

    def _changed(self) -> dict[str, bool]:
        """Files of tocsin's that differ from the last commit, each with whether the index does; no ignored ones."""
        options = ("--porcelain=v1", "-z", "--untracked-files=all", "--no-renames")
        listed = self._git("--literal-pathspecs", "status", *options, "--", *self._own.paths)
        entries = [(entry[3:], entry[0] not in " ?") for entry in listed.split("\0") if len(entry) > 3]
        return {path: staged for path, staged in entries if self._own.may_own(path)}

    def _change(self, path: str, head: str, held: list[str]) -> Change | None:
        try:
            old, mine = self._text(head, path), self._work_tree_text(path)
        except Held as unreadable:
            if path == self._own.log:
                raise
            log.info("not tocsin's any more", reason=unreadable.reason)
            return None
        new = self._own.with_own(path, old, mine)
        held += new.held
        return Change(path, old, new.text) if new.text is not None and new.text != old else None

    def _branch(self) -> str:
        try:
            # Not its short form: that is another one while a tag has the same name.
            return self._git("symbolic-ref", "-q", "HEAD").removeprefix("refs/heads/")
        except GitFailed as failed:
            if failed.code == 1:
                raise Held("no branch is checked out in the work tree: check one out") from None
            raise

    def _head(self) -> str:
        try:
            return self._git("rev-parse", "--verify", "-q", "HEAD^{commit}")
        except GitFailed as failed:
            if failed.code == 1:
                raise Held(
                    "nothing was committed in this repository yet: commit the handbook first"
                ) from None
            raise

    def _refuse_under_way(self) -> None:
        if what := self.under_way():
            raise Held(f"{what} is in progress in the work tree: finish it, or abort it")

    def _entry(self, tree: str, path: str) -> tuple[str, str] | None:
        """Mode and blob of a file in a commit."""
        listed = self._git("--literal-pathspecs", "ls-tree", "-z", "--full-tree", tree, "--", path)
        if not listed:
            return None
        mode, _, rest = listed.partition(" ")
        return mode, rest.partition(" ")[2].partition("\t")[0]

    def _text(self, commit: str, path: str) -> str | None:
        """A file of a commit as it would lie in the work tree, None where there is none."""
        entry = self._entry(commit, path)
        return self._blob_text(entry[1], path) if entry else None

    def _blob_text(self, blob: str, path: str) -> str:
        return _decoded(self._git.raw("cat-file", "--filters", f"--path={path}", blob), path)

    def _work_tree_text(self, path: str) -> str | None:
        try:
            return _decoded((self._git.folder / path).read_bytes(), path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Held(f"{path} cannot be read: {error.strerror}") from None

    # --- committing ----------------------------------------------------------------------------------------

    def _commit_tree(self, parent: str, texts: dict[str, str], message: str) -> str:
        """A commit of the parent's files with these instead; the parent itself when that changes nothing."""
        tree = self._tree(parent, texts)
        if tree == self._git("rev-parse", f"{parent}^{{tree}}"):
            return parent
        return self._git("commit-tree", tree, "-p", parent, data=message.encode())

    def _tree(self, parent: str, texts: Mapping[str, str | None]) -> str:
        """The parent's files with these instead, without those that are None."""
        index = Path(self._git("rev-parse", "--absolute-git-dir")) / "tocsin-index"
        # Nobody else uses that name: a lock on it is one that an end by force has left.
        index.with_name(f"{index.name}.lock").unlink(missing_ok=True)
        try:
            self._git("read-tree", parent, index=index)
            for path, text in texts.items():
                if text is None:
                    self._git("update-index", "--force-remove", "--", path, index=index)
                    continue
                entry = self._entry(parent, path)
                info = f"{entry[0] if entry else '100644'},{self._blob(path, text)},{path}"
                self._git("update-index", "--add", "--cacheinfo", info, index=index)
            return self._git("write-tree", index=index)
        finally:
            index.unlink(missing_ok=True)

    def _blob(self, path: str, text: str) -> str:
        return self._git("hash-object", "-w", "--stdin", f"--path={path}", data=text.encode())

    def _staged(self, path: str) -> tuple[str, str, str]:
        """Mode, blob and stage of a file in the index that people use; empty without one."""
        listed = self._git("--literal-pathspecs", "ls-files", "-s", "-z", "--full-name", "--", path)
        mode, _, rest = listed.rstrip("\0").partition("\t")[0].partition(" ")
        blob, _, stage = rest.partition(" ")
        return mode, blob, stage

    def _move(self, branch: str, old: str, new: str, why: str) -> None:
        """The branch goes on; git refuses when somebody else has moved it meanwhile."""
        if (self._git.folder / self._git("rev-parse", "--git-path", "index.lock")).exists():
            raise GitFailed("somebody uses the index of the work tree just now")
        self._git("update-ref", "-m", f"tocsin: {why}", f"refs/heads/{branch}", new, old)

    def _stage_again(self, head: str, paths: list[str]) -> None:
        """What an end between commit and index has left: files that stand in the index as they were before."""
        if not paths or self._git("log", "-1", "--format=%an <%ae>", head) != f"{NAME} <{EMAIL}>":
            return
        for path in paths:
            before, after = self._entry(f"{head}^", path), self._entry(head, path)
            if after is not None and after != before and self._staged(path)[1] == (before or ("", ""))[1]:
                self._refuse_under_way()
                self._stage(Change(path, self._text(f"{head}^", path), self._text(head, path) or ""))

    def _stage(self, change: Change) -> None:
        """Tell the index: without that the commit would look undone. What people have staged there stays."""
        path = change.path
        mode, blob, stage = self._staged(path)
        if stage not in {"", "0"} or (not blob and change.old is not None):
            return  # a merge, or a removal, that people have staged
        staged = self._blob_text(blob, path) if blob else None
        new = change.new if staged == change.old else self._own.with_own(path, staged, change.new).text
        if new is not None and new != staged:
            info = f"{mode or '100644'},{self._blob(path, new)},{path}"
            self._git("update-index", "--add", "--cacheinfo", info, whole=True)

    def _message(self, changes: list[Change]) -> str:
        refs = [ref for c in changes for ref in self._own.refs_of(c.path, c.old, c.new)]
        named = list(dict.fromkeys(refs))
        what = {self._own.log: "log row", self._own.card: "card"}
        kinds = dict.fromkeys(what.get(c.path, "postmortem draft") for c in changes)
        subject = f"Incidents: {', '.join(kinds)}"
        if named:
            subject += f" of {', '.join(named[:REFS_NAMED])}" + (
                " and more" if len(named) > REFS_NAMED else ""
            )
        drill = self._own.only_drills(named) and all(c.path != self._own.card for c in changes)
        return f"{subject}\n\n{DRILL}\n" if drill else f"{subject}\n"

    # --- pushing -------------------------------------------------------------------------------------------

    def _owed(self, branch: str) -> bool:
        """Whether a commit of tocsin's that is no drill is not on the remote branch, as far as is known here."""
        upstream = self._upstream(branch)
        if not self._git.asks("show-ref", "--verify", "-q", upstream.tracking):
            return True
        return any(c.own and not c.drill for c in self._ahead(upstream, self._head()))

    def _upstream(self, branch: str) -> Upstream:
        found = self._git(
            "for-each-ref",
            "--format=%(upstream)%00%(upstream:remotename)%00%(upstream:remoteref)",
            f"refs/heads/{branch}",
        ).split("\0")
        if len(found) != 3 or not found[0] or found[1] in {"", "."}:
            raise Held(f"the branch {branch} follows no branch of a remote: git push -u, once")
        return Upstream(*found)

    def _fetch(self, upstream: Upstream) -> None:
        refspec = f"+{upstream.branch}:{upstream.tracking}"
        options = ("--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "-q")
        self._git("fetch", *options, upstream.remote, refspec, limit_s=NETWORK_S)

    def _ahead(self, upstream: Upstream, head: str) -> list[Ahead]:
        """Oldest first."""
        listed = self._git(
            "log", "--reverse", "-z", "--format=%H%n%an <%ae>%n%cn <%ce>%n%B", f"{upstream.tracking}..{head}"
        )
        found, us = [], f"{NAME} <{EMAIL}>"
        for entry in filter(None, listed.split("\0")):
            id_, author, committer, message = entry.split("\n", 3)
            own = author == committer == us
            found.append(Ahead(id_, own, DRILL in message.splitlines(), message))
        return found

    def _refuse_others(self, branch: str, ahead: list[Ahead], telling: bool) -> None:
        others = sum(not c.own for c in ahead)
        if others:
            what = "a commit of others that is" if others == 1 else f"{others} commits of others that are"
            then = "push first, tocsin's follow"
            if telling:
                then = (
                    "do not push it as it is, a commit of tocsin's below tells of what was restricted since"
                )
            raise Held(f"{branch} holds {what} not pushed: {then}")

    def _telling(self, ahead: list[Ahead]) -> bool:
        """Whether these commits may tell what was restricted since: then only what may be known goes out, as one.

        Raises Held while the last of them does, since the row is still to be written anew.
        """
        found = False
        for commit in (c for c in ahead if c.own):
            listed = self._git("diff-tree", "--no-commit-id", "--name-only", "-r", "-z", commit.id)
            for path in filter(None, listed.split("\0")):
                old, new = self._text(f"{commit.id}^", path), self._text(commit.id, path)
                refs = self._own.refs_of(path, old, new) if path == self._own.log else []
                found |= self._own.is_secret(path) or any(self._own.is_restricted(ref) for ref in refs)
        if found:
            before, now = (self._text(at, self._own.log) for at in (f"{ahead[0].id}^", ahead[-1].id))
            if unveiled := self._own.unveiled(before, now):
                raise Held(
                    f"{unveiled[0]} was restricted: its row is pushed once it says no more than it may"
                )
        return found

    def _contains(self, head: str, tip: str) -> bool:
        return self._git.asks("merge-base", "--is-ancestor", tip, head)

    def _rebuilt(self, head: str, tip: str, ahead: list[Ahead], held: list[str]) -> str:
        """What tocsin's commits change, once more on top of the remote branch; that branch itself if it has it all."""
        try:
            base = self._git("merge-base", tip, head)
        except GitFailed as failed:
            if failed.code == 1:
                raise Held("the remote branch shares no history with this one") from None
            raise
        changed = self._git("diff", "--name-only", "-z", "--no-renames", base, head).split("\0")

        def by_us(path: str, line: str) -> bool:
            found = self._git("log", "-1", f"-S{line}", "--format=%an <%ae>", tip, "--", path)
            return found == f"{NAME} <{EMAIL}>"

        texts = {}
        for path in filter(None, changed):
            before, mine, theirs = (self._text(commit, path) for commit in (base, head, tip))
            version = self._own.onto(path, before, mine, theirs, by_us)
            held += version.held
            if version.text is not None:
                texts[path] = version.text
        return self._commit_tree(tip, texts, _joined(ahead))

    def _pushed(self, upstream: Upstream, new: str) -> bool:
        """False when somebody else was faster. Never forced."""
        options = ("--no-verify", "--no-signed", "--recurse-submodules=no", "-q")
        try:
            self._git("push", *options, upstream.remote, f"{new}:{upstream.branch}", limit_s=NETWORK_S)
        except GitFailed as failed:
            if "(fetch first)" in failed.reason or "(non-fast-forward)" in failed.reason:
                return False
            raise
        return True

    def _follow(self, branch: str, head: str, new: str) -> None:
        """The branch and the work tree go on to what was pushed; git refuses where that would cost changes."""
        with self._writing:
            self._refuse_under_way()
            try:
                self._git("update-index", "-q", "--refresh", "--ignore-missing", whole=True)
            except GitFailed as failed:
                if failed.code != 1:  # 1: there are changed files, which is nobody's fault
                    raise
            try:
                self._git("read-tree", "-m", "-u", self._without_secrets(head, new), new, whole=True)
            except GitFailed as failed:
                said = failed.reason.removeprefix("git read-tree: error: ")
                raise Held(
                    f"pushed, but this work tree cannot follow, commit what is open there: {said}"
                ) from None
            self._git("update-ref", "-m", "tocsin: followed", f"refs/heads/{branch}", new, head)

    def _without_secrets(self, head: str, new: str) -> str:
        """The files that are left behind: a draft that was taken back stays in the work tree, known to git no more."""
        gone = self._git("diff", "--name-only", "-z", "--no-renames", "--diff-filter=D", head, new).split(
            "\0"
        )
        secrets = [path for path in filter(None, gone) if self._own.is_secret(path)]
        if not secrets:
            return head
        self._git("update-index", "--force-remove", "--", *secrets, whole=True)
        return self._tree(head, dict.fromkeys(secrets))


def _refuse_held(held: list[str], where: str) -> None:
    if held:
        raise Held(f"{where}: {'; '.join(held[:2])}")


def _joined(ahead: list[Ahead]) -> str:
    """One commit's message, or all of their subjects in one."""
    if len(ahead) == 1:
        return ahead[0].message
    subjects = dict.fromkeys(commit.message.partition("\n")[0] for commit in ahead)
    first, *rest = subjects
    return "\n".join([first, "", *rest]).rstrip() + "\n"


def _decoded(data: bytes, path: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Held(f"{path} is not UTF-8") from None
