"""What is stored can be read: every kind, any values, for ever."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.specimens import NOW, new, notice, page
from tocsin.domain import events as ev
from tocsin.domain.effects import Drop, Effect, Write
from tocsin.domain.events import EVENT_KINDS, SCHEMA
from tocsin.domain.people import Person
from tocsin.domain.policy import built_in_policy
from tocsin.store import codec
from tocsin.store.instants import instant, micros

FROZEN = sorted((Path(__file__).parents[1] / "fixtures" / "events").glob("*.json"))
INSTANTS = st.datetimes(min_value=NOW.replace(year=2, tzinfo=None), timezones=st.just(UTC))

st.register_type_strategy(datetime, INSTANTS)
ANY_EVENT = st.sampled_from(sorted(EVENT_KINDS)).flatmap(lambda kind: st.builds(EVENT_KINDS[kind]))


def stored(event: ev.Event) -> tuple[str, dict[str, bytes]]:
    texts: list[codec.TextRow] = []
    body = codec.to_json(codec.part_texts(event, texts))
    return body, {row.hash: row.body for row in texts}


def read(kind: str, body: str, texts: dict[str, bytes]) -> ev.Event:
    return codec.join_texts(codec.decode_event(kind, SCHEMA[kind], body), texts)


@given(ANY_EVENT)
def test_any_event_comes_back_as_it_was(event: ev.Event) -> None:
    body, texts = stored(event)
    assert read(type(event).__name__, body, texts) == event


@given(ANY_EVENT)
def test_texts_are_only_in_their_rows(event: ev.Event) -> None:
    body, texts = stored(event)
    fields = codec.TEXT_FIELDS[type(event).__name__]
    said = {getattr(event, name) for name in fields} - {""}
    assert {text.decode() for text in texts.values()} == said
    bare = msgspec.json.decode(body)
    assert all(bare[name] == "" or bare[name] in texts for name in fields)


@given(INSTANTS)
def test_an_instant_is_exact_to_the_microsecond(at: datetime) -> None:
    assert instant(micros(at)) == at
    assert micros(at - timedelta(microseconds=1)) == micros(at) - 1


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(TypeError):
        micros(NOW.replace(tzinfo=None))


@given(st.builds(type(new("INC-1").state)))
def test_any_state_comes_back_as_it_was(state) -> None:
    assert codec.decode_state(codec.to_json(state)) == state


@given(st.builds(Person))
def test_any_person_comes_back(person: Person) -> None:
    assert codec.decode_person(codec.to_json(person)) == person


@pytest.mark.parametrize("effect", [page(), notice(), Write("log", "write/log"), Drop("page/1/")])
def test_an_effect_comes_back(effect: Effect) -> None:
    assert codec.decode_effect(type(effect).__name__, codec.to_json(effect)) == effect


def test_a_policy_comes_back() -> None:
    policy = built_in_policy()
    assert codec.decode_policy(codec.to_json(policy)) == policy


def test_the_reference_of_a_text_says_nothing_about_it() -> None:
    event = ev.Noted(NOW, "mei", ev.Text("yes"))
    assert stored(event)[0] != stored(event)[0]
    assert codec.reference("yes", b"n" * 16) == codec.reference("yes", b"n" * 16)
    assert codec.reference("yes", b"n" * 16) != codec.reference("yes", b"m" * 16)


@pytest.mark.parametrize("path", FROZEN, ids=lambda path: path.stem)
def test_what_was_once_stored_is_read(path: Path) -> None:
    """Written with schema 1, texts joined."""
    frozen = path.read_bytes()
    event = codec.decode_event(path.stem, 1, frozen)
    texts = {text: text.encode() for text in codec.references(event)}
    assert codec.join_texts(event, texts) == event
    assert msgspec.json.decode(codec.to_json(event)).items() >= msgspec.json.decode(frozen).items()


def test_an_older_schema_is_lifted_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(codec.SCHEMA, "Closed", 3)
    monkeypatch.setitem(
        codec.UPCASTERS, ("Closed", 1), lambda body: {"at": body["at"], "who": body["closer"]}
    )
    monkeypatch.setitem(codec.UPCASTERS, ("Closed", 2), lambda body: {"at": body["at"], "by": body["who"]})
    old = msgspec.json.encode({"at": NOW, "closer": "mei"})
    assert codec.decode_event("Closed", 1, old) == ev.Closed(NOW, "mei")


@pytest.mark.parametrize(("kind", "schema"), [("Teleported", 1), ("Closed", 99), ("Closed", 0)])
def test_what_is_unknown_is_named(kind: str, schema: int) -> None:
    with pytest.raises(LookupError, match=kind):
        codec.decode_event(kind, schema, b'{"at": "2026-03-02T07:00:00Z", "by": "mei"}')


def test_a_class_that_is_no_kind_is_not_stored() -> None:
    @dataclasses.dataclass(frozen=True, slots=True)
    class Stray:
        at: datetime

    with pytest.raises(LookupError, match="Stray"):
        codec.part_texts(Stray(NOW), [])  # type: ignore[arg-type]
    with pytest.raises(LookupError, match="Stray"):
        codec.decode_effect("Stray", "{}")


def test_every_upcaster_leads_to_a_schema_that_is_known() -> None:
    assert all(kind in SCHEMA and schema < SCHEMA[kind] for kind, schema in codec.UPCASTERS)
