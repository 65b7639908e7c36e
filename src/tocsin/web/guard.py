"""Routes that cannot exist without saying who may use them (design rule 22).

`Entry` is a line of the route list in `app`; `GuardedRoute` lets nobody in before the permission is checked, and
`refuse_unguarded` ends the start of an application that has any other route.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, NamedTuple

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from tocsin.web.auth import Access, admit
from tocsin.web.problems import Problem
from tocsin.web.shapes import answers, body_of

Endpoint = Callable[..., Response | Awaitable[Response]]


class Entry(NamedTuple):
    """One route: `answer` names the shape of a good answer in the OpenAPI document; without it the route is a page."""

    method: str
    path: str
    endpoint: Endpoint
    access: Access
    answer: str = ""
    status: int = 200
    takes: str = ""
    """The body where it is no JSON: a name of `shapes`."""


class GuardedRoute(APIRoute):
    """A route that asks first who it is."""

    def __init__(self, entry: Entry) -> None:
        self.access = entry.access
        words = (entry.endpoint.__doc__ or "").strip().splitlines() or [""]
        # Probes ask for health by HEAD, and previewers of messages for what a link leads to.
        seen_by_head = entry.method == "GET" and entry.path.endswith(("z", "/a/{token}"))
        methods = [entry.method, "HEAD"] if seen_by_head else [entry.method]
        super().__init__(
            entry.path,
            entry.endpoint,
            methods=methods,
            response_model=None,
            response_class=Response,
            status_code=entry.status,
            include_in_schema=bool(entry.answer),
            responses=answers(entry.answer, entry.status, entry.access) if entry.answer else None,
            summary=words[0],
            description="\n".join(words),
            operation_id=f"{entry.method}_{entry.path}".lower().translate(_PLAIN) if entry.answer else None,
            openapi_extra={
                "x-permission": entry.access.words,
                "security": [{"token": []}] if entry.access.permission else [],
                **({"requestBody": body_of(entry.takes)} if entry.takes else {}),
            },
        )

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The endpoint, behind its permission."""
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            request.state.caller = await admit(request, self.access)
            if self.include_in_schema:
                self._refuse_unknown(request)
            return await answer(request)

        return handle

    def _refuse_unknown(self, request: Request) -> None:
        """A misspelt parameter that is passed over is a filter that does not work. Raises Problem 422."""
        known = {field.alias for field in self.dependant.query_params}
        unknown = [name for name in request.query_params if name not in known]
        if unknown:
            errors = [(name[:100], "there is no such parameter") for name in unknown[:20]]
            raise Problem(422, f"{errors[0][0]}: {errors[0][1]}", errors=errors)


_PLAIN = str.maketrans({"/": "_", "{": "", "}": "", "-": "_", ".": "_"})


def register(app: FastAPI, entries: Iterable[Entry]) -> None:
    """Add the routes, then look that there is none without a permission."""
    app.router.routes.extend(GuardedRoute(entry) for entry in entries)
    refuse_unguarded(app)


def unguarded(app: FastAPI) -> list[str]:
    """Every route of the application that names no permission."""
    return [
        getattr(route, "path", repr(route))
        for route in app.router.routes
        if not isinstance(getattr(route, "access", None), Access) or not isinstance(route, GuardedRoute)
    ]


def refuse_unguarded(app: FastAPI) -> None:
    """Raises RuntimeError when a route could be used without a permission."""
    found = unguarded(app)
    if found:
        raise RuntimeError(f"routes without a permission: {', '.join(found)}")
