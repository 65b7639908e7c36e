"""Styles, scripts and images, read once at start; each is compressed and carries the digest of its content."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from tocsin.web.problems import Problem

FOLDER: Final = Path(__file__).with_name("static")
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file as it is sent."""

    content: bytes
    zipped: bytes
    kind: str
    digest: str


def _load() -> dict[str, StaticFile]:
    return {
        path.relative_to(FOLDER).as_posix(): _read(path)
        for path in sorted(FOLDER.rglob("*"))
        if path.suffix in _TYPES
    }


def _read(path: Path) -> StaticFile:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:16]
    return StaticFile(content, gzip.compress(content, 9, mtime=0), _TYPES[path.suffix], digest)


FILES: Final = _load()


def url_for(name: str) -> str:
    """The address of a file; changes with its content. Raises KeyError for a file that is not there."""
    return f"/static/{name}?v={FILES[name].digest}"


def static(request: Request, name: str) -> Response:
    """A file of the program."""
    file = FILES.get(name)
    if file is None:
        raise Problem(404, "There is no such file")
    fresh = request.query_params.get("v") == file.digest
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable" if fresh else "no-cache",
        "ETag": f'"{file.digest}"',
        "Vary": "Accept-Encoding",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.zipped, media_type=file.kind, headers={**headers, "Content-Encoding": "gzip"})
    return Response(file.content, media_type=file.kind, headers=headers)
