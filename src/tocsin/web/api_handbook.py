"""The handbook in force, and who is asking."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from tocsin.engine.live import BUILT_IN_HASH
from tocsin.handbook.render_policy import findings_json, policy_json
from tocsin.web import models as m
from tocsin.web import views
from tocsin.web.auth import caller_of, program_of
from tocsin.web.repeat import UNHURRIED_S, Key, repeatable
from tocsin.wiring.program import Program


def me(request: Request) -> Response:
    """Who is asking, and what they may do."""
    caller = caller_of(request)
    return views.json_response(
        {
            "handle": caller.handle,
            "name": caller.name,
            "standing": caller.standing,
            "permissions": sorted(p.value for p in caller.rights),
            "via": caller.via,
        }
    )


def handbook(request: Request) -> Response:
    """The policy that new incidents are pinned to."""
    return views.json_response(handbook_view(program_of(request)))


def handbook_view(program: Program) -> views.Json:
    """The active policy with its hash and the commit it was read from."""
    live = program.engine.contexts.live
    stored = None if live.policy_hash == BUILT_IN_HASH else program.store.policy(live.policy_hash)
    reading = program.reading
    return {
        "hash": live.policy_hash,
        "commit": stored.commit if stored else None,
        "activated_at": stored.activated_at if stored else None,
        "blocked": reading is None or reading.blocked,
        "files": list(reading.files) if reading else [],
        "policy": policy_json(live.policy),
    }


def findings(request: Request) -> Response:
    """What the handbook leaves unclear, as of its last reading."""
    reading = program_of(request).reading
    return views.json_response(findings_json(reading.findings if reading else ()))


async def reload(request: Request, body: m.Nothing | None = None, key: Key = None) -> Response:
    """Read the handbook again and activate it if it is usable; else the last good one stays."""
    return await repeatable(request, key, body or m.Nothing(), _reload, UNHURRIED_S)


def _reload(program: Program) -> tuple[int, views.Json]:
    before = program.engine.contexts.live.policy_hash
    reading = program.reload()
    view = handbook_view(program)
    shown = findings_json(reading.findings if reading else ())
    return 200, {**view, "changed": view["hash"] != before, **shown}
