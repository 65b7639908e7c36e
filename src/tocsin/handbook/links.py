"""Paths that a handbook names: which words are paths, where they lead, and that they stay in the work tree."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from tocsin.domain.source import Source
from tocsin.handbook.document import Inline
from tocsin.handbook.findings import Notebook

_SEGMENT = r"[\w.@+()\[\]-]+"
_FILE = rf"(?:\.{{1,2}}/)*(?:{_SEGMENT}/)*{_SEGMENT}\.[A-Za-z]\w{{0,9}}"
_FOLDER = rf"(?:\.{{0,2}}/?)(?:{_SEGMENT}/)+"
_PATH_IN_CODE = re.compile(rf"{_FILE}|{_FOLDER}")

LONGEST = 240
"""Characters of a path; a longer one is no path of a handbook, and some file systems refuse it."""
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//|#|/")


@dataclass(frozen=True, slots=True)
class Link:
    """A path as written, as repository path, whether the file exists, and whether it leads out of the tree."""

    written: str
    path: str
    exists: bool
    outside: bool = False


def named_paths(inline: Inline) -> tuple[str, ...]:
    """Relative paths in code spans, Markdown links and `[[wiki]]` links, as written, without fragments."""
    paths = [code for code in inline.codes if _is_path(code)]
    for target in inline.links:
        path = unquote(target.split("#")[0].split("?")[0])
        if path and not _ABSOLUTE.match(target):
            paths.append(path if "." in PurePosixPath(path).name or path.endswith("/") else f"{path}.md")
    return tuple(path for path in dict.fromkeys(paths) if path.isprintable() and len(path) <= LONGEST)


def _is_path(code: str) -> bool:
    if len(code) > LONGEST or _ABSOLUTE.match(code) or "@" in code.partition("/")[0]:
        return False
    if "/" not in code:
        return code.endswith((".md", ".markdown"))
    return _PATH_IN_CODE.fullmatch(code) is not None


def resolve(written: str, root: Path, folder: Path) -> Link:
    """Where a path leads: first from the repository root, then from the file's folder.

    What leaves the work tree (`..`, a symbolic link) is `outside` and is never opened.
    """
    candidates = [(base / written, _relative(base / written, root)) for base in (root, folder)]
    for path, inside in candidates:
        if inside is not None and path.exists():
            return Link(written, inside, exists=True)
    kept = next((inside for _, inside in candidates if inside is not None), None)
    astray = any(inside is None and path.exists() for path, inside in candidates)
    return Link(written, kept or written, exists=False, outside=kept is None or astray)


def _relative(path: Path, root: Path) -> str | None:
    """The path below the root with links followed and `..` resolved, or None when it leads outside."""
    try:
        resolved, top = path.resolve(), root.resolve()
    except RuntimeError:
        # Symbolic links in a circle lead nowhere.
        return None
    return resolved.relative_to(top).as_posix() if resolved.is_relative_to(top) else None


@dataclass(slots=True)
class LinkBook:
    """Resolves the paths of one reading and keeps the first place of each one that is broken."""

    root: Path
    broken: dict[str, tuple[Source, Link]] = field(default_factory=dict)

    def paths(self, inline: Inline, file: str) -> tuple[str, ...]:
        """The repository paths that a piece of text in `file` names."""
        links = [resolve(written, self.root, (self.root / file).parent) for written in named_paths(inline)]
        for link in links:
            known = self.broken.get(link.path)
            if not link.exists and (known is None or inline.line < known[0].line):
                self.broken[link.path] = (Source(file, inline.line), link)
        return tuple(link.path for link in links)

    def report(self, notes: Notebook) -> None:
        """Turn what is broken into findings, one per path."""
        for source, link in self.broken.values():
            if link.outside:
                repair = "link to a file inside the repository"
                notes.found("link-outside", source, f"{link.written!r} leads out of the repository", repair)
            else:
                repair = "create the file or correct the path"
                notes.found("link-missing", source, f"{link.written!r} does not exist", repair)


def find_root(path: Path) -> Path:
    """The repository root: the git top level, else the folder above `docs/ops`, else the working directory."""
    start = path.resolve()
    folder = start if start.is_dir() else start.parent
    for candidate in (folder, *folder.parents):
        if (candidate / ".git").exists():
            return candidate
    for candidate in (folder, *folder.parents):
        if candidate.name == "ops" and candidate.parent.name == "docs":
            return candidate.parent.parent
    return Path.cwd()
