"""The OpenAPI document is true: generated requests are answered as it says, good and bad ones."""

from __future__ import annotations

import os
from typing import Any
from unittest.mock import MagicMock

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from tocsin.web.app import create_app
from tocsin.web.documentation import openapi_of
from web.running import LOCAL, Served

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
LEFT_OUT = {"/api/v1/events", "/api/v1/backup"}
"""A stream does not end, and files would be written wherever the generator points."""
OTHER_KINDS = {"text/event-stream", "text/plain", "application/octet-stream"}
EXAMPLES = int(os.environ.get("TOCSIN_API_EXAMPLES", "8"))

DOCUMENT = openapi_of(create_app(MagicMock(name="program")))
OPERATIONS = [
    found
    for result in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()
    if (found := result.ok()).path not in LEFT_OUT
]


@pytest.fixture(scope="module")
def begun(server: Served) -> Served:
    """With something in it: generated references seldom hit."""
    server.declare()
    return server


def checked(case: Case, server: Served, checks: tuple[Any, ...]) -> None:
    """References that could be one become the one there is."""
    if case.path_parameters and "ref" in case.path_parameters:
        case.path_parameters["ref"] = "INC-2026-0001"
    headers = {"Authorization": f"Bearer {LOCAL}", "Tocsin-As": "mei"}
    case.call_and_validate(base_url=server.url, headers=headers, checks=list(checks), timeout=10)


@pytest.mark.parametrize("mode", ["positive", "negative"])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: f"{o.method.upper()} {o.path}")
def test_generated_requests(operation: Any, mode: str, begun: Served) -> None:
    wanted = GenerationMode.POSITIVE if mode == "positive" else GenerationMode.NEGATIVE
    checks = CHECKS if mode == "positive" else (*CHECKS, negative_data_rejection)

    @seed(7)
    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        deadline=None,
        database=None,
    )
    @given(case=operation.as_strategy(generation_mode=wanted))
    def each(case: Case) -> None:
        checked(case, begun, checks)

    each()


def test_the_document_is_3_1_and_complete(server: Served) -> None:
    with server.local() as client:
        document = client.get("/api/openapi.json").json()
        page = client.get("/api/docs").text
    assert document["openapi"] == "3.1.0"
    schemas = document["components"]["schemas"]
    wanted = {part.split("'")[0] for part in str(document).split("#/components/schemas/")[1:]}
    assert wanted <= schemas.keys()
    for path, methods in document["paths"].items():
        assert path.startswith("/api/v1/")
        for method, operation in methods.items():
            assert operation["x-permission"], path
            assert f"{method.upper()} {path}" in page
            kinds = {kind for answer in operation["responses"].values() for kind in answer.get("content", {})}
            assert kinds <= {"application/json", "application/problem+json", *OTHER_KINDS}
