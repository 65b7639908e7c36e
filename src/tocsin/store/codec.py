"""Events, states, effects and policies as JSON text and back; domain dataclasses as they are, no twin classes.

Free text leaves an event before it is stored: the field keeps a reference, the hash of a nonce and the text, and the
text goes into a row of its own (design rule 20). The nonce keeps a short text from being guessed by its hash.
An event row carries kind and schema number; `UPCASTERS` lift what an older program wrote (design rule 19).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, get_args, get_type_hints

import msgspec

from tocsin.domain.effects import Drop, Effect, Send, Write
from tocsin.domain.events import EVENT_KINDS, SCHEMA, Event, Text
from tocsin.domain.incident import Incident
from tocsin.domain.people import Person
from tocsin.domain.policy import Policy
from tocsin.domain.schedules import Adjustment

REDACTED = "[redacted]"
"""How a text reads whose row was blanked or is gone."""
NONCE_BYTES = 16

Body = dict[str, Any]
UPCASTERS: dict[tuple[str, int], Callable[[Body], Body]] = {}
"""(kind, schema it was written with) -> the body one schema later. Applied until `SCHEMA[kind]` is reached."""


def _text_fields(kind: type[Event]) -> tuple[str, ...]:
    hints = get_type_hints(kind)
    return tuple(name for name, hint in hints.items() if hint is Text or Text in get_args(hint))


TEXT_FIELDS: dict[str, tuple[str, ...]] = {name: _text_fields(kind) for name, kind in EVENT_KINDS.items()}
"""The free-text fields of every kind that has some."""

_EVENTS = {name: msgspec.json.Decoder(kind) for name, kind in EVENT_KINDS.items()}
_EFFECTS: dict[str, msgspec.json.Decoder[Any]] = {
    cls.__name__: msgspec.json.Decoder(cls) for cls in (Send, Write, Drop)
}
EFFECT_KINDS = tuple(_EFFECTS)
_STATE = msgspec.json.Decoder(Incident)
_POLICY = msgspec.json.Decoder(Policy)
_PERSON = msgspec.json.Decoder(Person)
_ADJUSTMENT = msgspec.json.Decoder(Adjustment)
_WORDS = msgspec.json.Decoder(tuple[str, ...])
_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class TextRow:
    """A text beside its event: what it is referenced by, and what makes the reference unguessable."""

    hash: str
    nonce: bytes
    body: bytes


def to_json(value: object) -> str:
    """Any value of the domain as JSON text."""
    return _ENCODER.encode(value).decode()


# --- events --------------------------------------------------------------------------------------------------------


def reference(text: str, nonce: bytes) -> str:
    """What stands in the event instead of the text."""
    return hashlib.sha256(nonce + text.encode()).hexdigest()


def part_texts(event: Event, texts: list[TextRow]) -> Event:
    """The event with references instead of texts; the texts are appended to `texts`. An empty text stays empty."""
    fields = TEXT_FIELDS[kind_of(event)]
    if not fields:
        return event
    changes: dict[str, Any] = {}
    for name in fields:
        text = getattr(event, name)
        if text:
            nonce = os.urandom(NONCE_BYTES)
            changes[name] = reference(text, nonce)
            texts.append(TextRow(changes[name], nonce, text.encode()))
    return replace(event, **changes) if changes else event


def references(event: Event) -> list[str]:
    """The references in an event that was read."""
    return [value for name in TEXT_FIELDS[kind_of(event)] if (value := getattr(event, name))]


def join_texts(event: Event, texts: Mapping[str, bytes | None]) -> Event:
    """The event with its texts back in place; what is not there any more reads as redacted."""
    fields = TEXT_FIELDS[kind_of(event)]
    if not fields:
        return event
    changes: dict[str, Any] = {}
    for name in fields:
        if found := getattr(event, name):
            body = texts.get(found)
            changes[name] = REDACTED if body is None else body.decode()
    return replace(event, **changes) if changes else event


def kind_of(event: Event) -> str:
    """The name an event is stored under. Raises LookupError for a class that is no kind."""
    name = type(event).__name__
    if name not in EVENT_KINDS:
        raise LookupError(f"unknown event kind {name}")
    return name


def decode_event(kind: str, schema: int, body: str | bytes) -> Event:
    """An event as it was stored, texts still as references.

    Raises LookupError for a kind or a schema that this program does not know.
    """
    current = SCHEMA.get(kind)
    if current is None:
        raise LookupError(f"unknown event kind {kind}")
    if schema == current:
        event: Event = _EVENTS[kind].decode(body)
        return event
    return _upcast(kind, schema, current, msgspec.json.decode(body))


def _upcast(kind: str, schema: int, current: int, body: Body) -> Event:
    while schema < current:
        lift = UPCASTERS.get((kind, schema))
        if lift is None:
            break
        body = lift(body)
        schema += 1
    if schema != current:
        raise LookupError(f"unknown schema {schema} of event kind {kind}")
    event: Event = msgspec.convert(body, type=EVENT_KINDS[kind])
    return event


# --- everything else -----------------------------------------------------------------------------------------------


def decode_state(stored: str) -> Incident:
    """A snapshot written with the current fold."""
    return _STATE.decode(stored)


class Unreadable(Exception):
    """A stored effect that is not shaped as this program expects it."""


def decode_effect(kind: str, stored: str) -> Effect:
    """An effect by the name of its class. Raises LookupError for an unknown one, Unreadable for another shape."""
    decoder = _EFFECTS.get(kind)
    if decoder is None:
        raise LookupError(f"unknown effect kind {kind}")
    try:
        effect: Effect = decoder.decode(stored)
    except msgspec.MsgspecError as error:
        raise Unreadable(str(error)) from error
    return effect


def decode_policy(stored: str) -> Policy:
    """A compiled policy."""
    return _POLICY.decode(stored)


def decode_person(stored: str) -> Person:
    """A person known at run time."""
    return _PERSON.decode(stored)


def decode_adjustment(stored: str) -> Adjustment:
    """An adjustment as it was made."""
    return _ADJUSTMENT.decode(stored)


def decode_words(stored: str) -> tuple[str, ...]:
    """A stored tuple of words (scopes)."""
    return _WORDS.decode(stored)


def storable(text: str) -> str:
    """Text for a plain column: PostgreSQL cannot hold a NUL there. What is said in events is kept exactly."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")


def join_words(words: Iterable[str]) -> str:
    """Words one per line, so that SQL can append one on either database."""
    return "".join(f"{word}\n" for word in words)


def split_words(stored: str) -> tuple[str, ...]:
    """The words that `join_words` or SQL put together."""
    return tuple(stored.split("\n")[:-1])
