"""The list of all incidents as a page: by stage, newest first, a page at a time."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from tocsin.web.api_reading import STAGES
from tocsin.web.auth import program_of
from tocsin.web.problems import Problem
from tocsin.web.show_home import with_badges
from tocsin.web.stored import REF
from tocsin.web.templating import page

AT_ONCE: Final = 50


def incidents(
    request: Request,
    stage: Annotated[str, Query(description="a stage, open or all")] = "all",
    cursor: Annotated[str | None, Query(description="the last one of the page before")] = None,
    tests: Annotated[bool, Query(description="test pages as well")] = False,
) -> Response:
    """Every incident by its stage, newest first; the worst of the open ones stand on the home page."""
    program = program_of(request)
    if stage != "all" and stage not in STAGES:
        raise Problem(422, f"stage: one of all, {', '.join(STAGES)}")
    if cursor is not None and not REF.fullmatch(cursor):
        raise Problem(422, "cursor: take it from the link to older ones")
    seq = program.store.last_seq()
    rows = program.store.incidents(
        stage=None if stage == "all" else stage,
        level=None,
        q=None,
        before=cursor,
        limit=AT_ONCE + 1,
        tests=tests,
    )
    _, context = program.engine.contexts.active()
    values = {
        "seq": seq,
        "stage": stage,
        "stages": ("all", *STAGES),
        "cursor": cursor,
        "tests": tests,
        "rows": with_badges(rows[:AT_ONCE], context),
        "next": rows[AT_ONCE - 1].ref if len(rows) > AT_ONCE else None,
    }
    return page(request, "incidents.html", values)
