"""The API described: OpenAPI 3.1 as JSON, and as a page of our own that needs no other host."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import Response

from tocsin import __version__
from tocsin.web.shapes import ProblemDocument
from tocsin.web.templating import page
from tocsin.web.views import json_response

_ABOUT: Final = (
    "Incidents, people and the handbook. Send a token as Authorization: Bearer tcs_...; errors are RFC 9457 problem "
    "documents; an Idempotency-Key makes any POST safe to repeat."
)


def openapi_json(request: Request) -> Response:
    """The OpenAPI document."""
    return json_response(openapi_of(request.app))


def openapi_of(app: FastAPI) -> dict[str, Any]:
    """The document, made once per application."""
    if app.openapi_schema is None:
        made = get_openapi(
            title="tocsin",
            version=__version__,
            openapi_version="3.1.0",
            description=_ABOUT,
            routes=app.routes,
        )
        parts = made.setdefault("components", {})
        parts.setdefault("schemas", {})["ProblemDocument"] = ProblemDocument.model_json_schema(
            ref_template="#/components/schemas/{model}"
        )
        parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "tcs_..."}}
        _hoist(parts["schemas"])
        app.openapi_schema = made
    return app.openapi_schema


def _hoist(schemas: dict[str, Any]) -> None:
    """Definitions that came along inside a schema stand beside the others."""
    for schema in list(schemas.values()):
        schemas.update(schema.pop("$defs", {}))


def docs(request: Request) -> Response:
    """The same for reading."""
    return page(
        request,
        "docs.html",
        {"document": openapi_of(request.app), "fields": fields_of, "type_words": type_words},
    )


def fields_of(document: dict[str, Any], schema: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The fields of an object in the document: name, type in words, whether it must be there, description."""
    found = resolved(document, schema or {})
    needed = set(found.get("required", ()))
    return [
        {
            "name": name,
            "type": type_words(document, part),
            "needed": name in needed,
            "about": part.get("description", ""),
        }
        for name, part in found.get("properties", {}).items()
    ]


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """What a schema refers to; of a choice the first that is an object."""
    reference = schema.get("$ref", "")
    if reference:
        found: dict[str, Any] = document["components"]["schemas"].get(reference.rsplit("/", 1)[-1], {})
        return found
    for part in schema.get("anyOf", ()):
        if part.get("type") != "null":
            return resolved(document, part)
    return schema


def type_words(document: dict[str, Any], schema: dict[str, Any]) -> str:
    """The type as people say it: `text`, `list of text`, `IncidentShape or null`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in schema:
        return " or ".join(
            type_words(document, part) for part in schema["anyOf"] if part.get("type") != "null"
        )
    kind = str(schema.get("type", "any"))
    if kind == "array":
        return f"list of {type_words(document, schema.get('items', {}))}"
    if schema.get("format") == "date-time":
        return "instant"
    choice = schema.get("enum")
    words = {"string": "text", "integer": "number", "boolean": "true or false"}.get(kind, kind)
    return f"{words}: {', '.join(map(str, choice))}" if choice else words
