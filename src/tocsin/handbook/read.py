"""Reads a handbook folder or a single file into a `Reading`: policy, findings, hash, what was understood.

Here: files, decoding, the hash. The log, postmortems and the card that tocsin writes never count towards the hash,
so that writing a row does not look like a change of policy (design rule 15).
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tocsin.domain.policy import Metadata, Policy
from tocsin.domain.source import Source
from tocsin.handbook.assemble import assemble
from tocsin.handbook.blocks import with_blocks
from tocsin.handbook.check import ChecklistResult, Facts, judge
from tocsin.handbook.document import Document, parse_document
from tocsin.handbook.documents import CARD
from tocsin.handbook.findings import Finding, Notebook
from tocsin.handbook.links import LinkBook, find_root
from tocsin.handbook.log import is_log, without_rows
from tocsin.handbook.passages import read_metadata
from tocsin.handbook.render_policy import policy_json, understood

LOG = "incidents.md"
_SUFFIXES = frozenset({".md", ".markdown"})


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading a handbook gave.

    `policy` is None when it is unusable; `hash` covers policy and texts; `report` says how things were understood
    (`line 14: ...`); `files` and `log_path` are relative to `root`; `commit` is the caller's.
    """

    root: Path
    policy: Policy | None
    findings: tuple[Finding, ...]
    hash: str
    report: tuple[str, ...]
    files: tuple[str, ...]
    log_path: str
    checklist: tuple[ChecklistResult, ...] = ()
    commit: str | None = None

    @property
    def blocked(self) -> bool:
        """Whether a finding of level error keeps this reading from being activated."""
        return self.policy is None or any(f.level == "error" for f in self.findings)


def read_handbook(
    root: Path | None,
    folder: Path,
    now: datetime | None = None,
    commit: str | None = None,
    channels: Collection[str] = (),
) -> Reading:
    """Read the `.md` files of a folder (not below it), or one file. Raises OSError where they cannot be read.

    `root` is what links and names refer to (found from the folder when None). `now`, aware, judges age and the end of
    rotations; without it these rules say nothing. `commit` is kept as given. `channels` are names of configured
    channels, which personal rules may use beside the kinds.
    """
    tree = _tree(root, folder)
    notes = Notebook()
    documents = _documents(tree, folder, notes)
    logs = [d for d in documents if is_log(d.text)]
    home = folder if folder.is_dir() else folder.parent
    log_path = logs[0].name if logs else _name(home / LOG, tree)
    judged = [d for d in documents if d not in logs or d.of_kind("severity")]
    links = LinkBook(tree)
    policy = assemble(judged, links, log_path, notes)
    checklist: tuple[ChecklistResult, ...] = ()
    if policy is not None:
        policy = with_blocks(policy, judged, now, notes, channels)
        links.report(notes)
        checklist = judge(policy, _facts(tree, bool(logs), log_path, judged), now, notes)
    return Reading(
        root=tree,
        policy=policy,
        findings=notes.findings(),
        hash=_hash(policy, judged),
        report=_report(policy, notes),
        files=tuple(d.name for d in documents),
        log_path=log_path,
        checklist=checklist,
        commit=commit,
    )


def _facts(tree: Path, log_read: bool, log_path: str, judged: list[Document]) -> Facts:
    return Facts(tree, log_read or _holds_log(tree / log_path, tree), _validated(judged))


def exit_code(reading: Reading, *, strict: bool = False) -> int:
    """0 clean, 1 findings but a usable policy, 2 no usable policy; `strict` counts findings of level info too."""
    if reading.policy is None:
        return 2
    counted = [f for f in reading.findings if strict or f.level != "info"]
    return 1 if counted else 0


def _tree(root: Path | None, folder: Path) -> Path:
    """The root, or the folder itself where it stands outside of the root. Raises FileNotFoundError."""
    if not folder.exists():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))
    tree = (root or find_root(folder)).resolve()
    home = (folder if folder.is_dir() else folder.parent).resolve()
    return tree if home.is_relative_to(tree) else home


def _documents(tree: Path, folder: Path, notes: Notebook) -> list[Document]:
    if folder.is_dir():
        paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in _SUFFIXES and p.name != CARD)
    else:
        paths = [folder]
    documents = []
    for path in paths:
        # A symbolic link out of the work tree is not the handbook's (design rule 27).
        if not path.is_file() or not path.resolve().is_relative_to(tree):
            continue
        document = _read(path, _name(path, tree), notes)
        if document is not None:
            documents.append(document)
    if not documents and not notes.findings():
        repair = "name the folder that holds the handbook, e.g. docs/ops"
        notes.found("severity-missing", Source(_name(folder, tree), 1), "no Markdown file is here", repair)
    return documents


def _read(path: Path, name: str, notes: Notebook) -> Document | None:
    raw = path.read_bytes()
    try:
        return parse_document(name, raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        message = f"byte {raw[error.start]:#04x} is not UTF-8; the file is not read"
        notes.found("encoding", Source(name, line), message, "save the file as UTF-8")
        return None


def _name(path: Path, tree: Path) -> str:
    absolute = path.absolute()
    for base in (tree, tree.resolve()):
        if absolute.is_relative_to(base):
            return absolute.relative_to(base).as_posix()
    resolved = path.resolve()
    return resolved.relative_to(tree).as_posix() if resolved.is_relative_to(tree) else path.name


def _holds_log(path: Path, tree: Path) -> bool:
    try:
        inside = path.is_file() and path.resolve().is_relative_to(tree)
        return inside and is_log(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        return False


def _validated(documents: list[Document]) -> tuple[Metadata, ...]:
    entries = [entry for d in documents for entry in read_metadata(d, Notebook())]
    return tuple(e for e in entries if e.key.casefold() == "last validated")


def _hash(policy: Policy | None, documents: list[Document]) -> str:
    """SHA-256 over the compiled policy and each file's name and text; a log kept in one of them does not count."""
    parts = [] if policy is None else [json.dumps(policy_json(policy), sort_keys=True, ensure_ascii=False)]
    parts += [f"{d.name}\0{without_rows(d.text)}" for d in documents]
    return hashlib.sha256("\0\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _report(policy: Policy | None, notes: Notebook) -> tuple[str, ...]:
    said = list(notes.remarks())
    main = ""
    if policy is not None:
        said += understood(policy)
        main = policy.severities[0].source.file
    ordered = sorted(said, key=lambda entry: (entry[0].file != main, entry[0].file, entry[0].line))
    return tuple(f"{_place(source, main)}: {text}" for source, text in ordered)


def _place(source: Source, main: str) -> str:
    """`line 14` in the policy document, with the file's name before it elsewhere."""
    line = f"line {source.line}"
    return line if source.file == main or not main else f"{source.file} {line}"
