"""Every fact there is: it has a sentence, effects can be derived from it, and a state can take it up."""

from __future__ import annotations

import types
import typing
from dataclasses import fields
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.told import DAY, PEOPLE, REF, Told, acme, directory
from tocsin.domain import clocks, effects, narrate, spans
from tocsin.domain import events as ev
from tocsin.domain.due import Deadline
from tocsin.domain.effects import NOWHERE_LANE, Drop, Send, Write
from tocsin.domain.fold import evolve, fold
from tocsin.domain.incident import TIMES

KINDS = sorted(ev.EVENT_KINDS)
HANDLES = (*(p.handle for p in PEOPLE), "somebody-unknown")
instants = st.integers(0, 365 * 24 * 3600).map(lambda seconds: DAY + timedelta(seconds=seconds))
texts = st.one_of(st.sampled_from(("", "a\nb", "<b>&", "| a |", "x" * 400)), st.text(max_size=20))
BY_NAME: dict[str, st.SearchStrategy[Any]] = {
    "channels": st.lists(st.sampled_from(("mail", "text", "voice")), unique=True, max_size=3).map(tuple),
    "channel": st.sampled_from(("mail", "text", "voice")),
    "clock": st.sampled_from(("ack", "mitigate", "resolve")),
    "document": st.sampled_from(("log", "postmortem")),
    "level": st.sampled_from(("SEV1", "SEV2", "SEV3", "SEV4")),
    "new": st.sampled_from(("SEV1", "SEV4")),
    "outcome": st.sampled_from(("acked", "stopped", "superseded", "unreachable")),
    "page": st.integers(1, 3),
    "people": st.lists(st.sampled_from(HANDLES), max_size=3).map(tuple),
    "person": st.sampled_from(HANDLES),
    "role": st.sampled_from(("ic", "comms")),
    "rung": st.integers(0, 3),
    "run": st.integers(1, 3),
    "took_s": st.integers(0, 10**7),
    "verdict": st.sampled_from(("met", "missed", "void")),
}


def of_type(hint: Any) -> st.SearchStrategy[Any]:
    if hint is ev.Text or hint is str:
        return texts
    if hint is datetime:
        return instants
    if hint is date:
        return instants.map(datetime.date)
    if hint in (int, bool):
        return st.integers(0, 10) if hint is int else st.booleans()
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return st.one_of(*(st.none() if a is type(None) else of_type(a) for a in typing.get_args(hint)))
    assert typing.get_origin(hint) is tuple, hint
    return st.lists(of_type(typing.get_args(hint)[0]), max_size=3).map(tuple)


def facts(kind: str) -> st.SearchStrategy[ev.Event]:
    """Any fact of that kind, with values of the right kind but in no sensible order."""
    cls = ev.EVENT_KINDS[kind]
    hints = typing.get_type_hints(cls)
    names = [f.name for f in fields(cls)]
    plain = (str, str | None, int, tuple[str, ...])  # `new` is a level here and an instant there
    named = {n for n in names if n in BY_NAME and hints[n] in plain}
    given_ = {n: BY_NAME[n] if n in named else of_type(hints[n]) for n in names}
    if kind == "TimeCorrected":
        given_["name"] = st.sampled_from(TIMES)
    return st.builds(cls, **given_)


def underway() -> Told:
    told = Told()
    told.alert()
    told.until("13:06:00").declare("mei")
    return told


STATE = underway().state


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_sentence_effects_and_a_place_in_the_state(kind: str) -> None:
    @settings(max_examples=15)
    @given(facts(kind))
    def check(event: ev.Event) -> None:
        sentence = narrate.sentence(event)
        assert sentence
        assert sentence == sentence.strip()
        assert "\n" not in sentence
        assert narrate.actor(event)
        assert narrate.kind_of(event)
        after = evolve(None if kind == "Opened" else STATE, event)
        assert after.version == (1 if kind == "Opened" else STATE.version + 1)
        for effect in effects.derive(event, after, directory(without=("tomas",))):
            assert isinstance(effect, Send | Write | Drop)
            assert effect.topic
            assert not isinstance(effect, Send) or effect.lane
        assert effects.derive(event, after, directory()) == effects.derive(event, after, directory())

    check()


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "Opened"])
def test_a_stream_begins_with_its_opening(kind: str) -> None:
    cls = ev.EVENT_KINDS[kind]
    with pytest.raises(LookupError, match="begins with Opened"):
        fold([object.__new__(cls)])


def test_a_fact_that_nobody_knows_is_refused_loudly() -> None:
    class Invented(ev.Event):
        pass

    ev.EVENT_KINDS.pop("Invented", None)
    with pytest.raises(LookupError, match="unknown event kind Invented"):
        evolve(STATE, Invented(DAY))


def test_an_empty_stream_has_no_state() -> None:
    with pytest.raises(LookupError):
        fold([])


def test_a_notice_to_somebody_without_a_method_fails_where_it_is_seen() -> None:
    event = ev.UpdateAsked(DAY, ("tomas",), "mitigated")

    sent = effects.derive(event, STATE, directory(without=("tomas",)))
    assert [(e.person, e.lane) for e in sent if isinstance(e, Send)] == [("tomas", NOWHERE_LANE)]


def test_a_page_goes_out_on_every_channel_under_a_topic_that_its_end_drops() -> None:
    requested = ev.PageRequested(DAY, 12, "mei", 0, 1, ("mail", "text"))
    sent = effects.derive(requested, STATE, directory())
    ended = effects.derive(ev.PageEnded(DAY, 12, "mei", "acked"), STATE, directory())
    other = effects.derive(ev.PageEnded(DAY, 1, "mei", "acked"), STATE, directory())

    assert [e.topic for e in sent] == ["page/12/mail", "page/12/text"]
    assert all(e.topic.startswith(ended[0].topic) for e in sent)
    assert not any(e.topic.startswith(other[0].topic) for e in sent), "page 1 is not page 12"


def test_the_log_row_is_written_from_the_declare_on_and_the_postmortem_at_resolve() -> None:
    told = Told()
    told.alert()
    told.severity("SEV2", by="tomas")
    assert not [e for _, e in told.effects if isinstance(e, Write)]

    told.declare("mei", "SEV2").resolve()
    written = [e.document for _, e in told.effects if isinstance(e, Write)]
    assert [d for d in written if d != "ticket"] == ["log", "log", "postmortem"]


def test_an_update_drops_the_reminders_that_wait() -> None:
    event = ev.UpdatePosted(DAY, "tomas", ev.Text("a"), ev.Text("b"), ev.Text("c"))
    reminder = effects.derive(ev.UpdateReminded(DAY, DAY, ("mei",), 1), STATE, directory())

    dropped = [e.topic for e in effects.derive(event, STATE, directory()) if isinstance(e, Drop)]
    assert all(any(e.topic.startswith(topic) for topic in dropped) for e in reminder)


def test_whatever_a_sender_writes_the_opening_says_it_in_one_line() -> None:
    forged = ev.Opened(DAY, REF, ev.Text("disk\n13:01 mei acknowledged"), "pinned", "alert", "SEV1")

    assert narrate.sentence(forged) == "Opened by an alert, provisionally SEV1: disk 13:01 mei acknowledged"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (45, "45s"), (160, "2m40s"), (3960, "1h06m"), (183600, "2d03h")]
)
def test_spans_read_as_people_say_them(seconds: int, text: str) -> None:
    assert spans.span(seconds) == text


def test_a_state_that_does_not_settle_is_refused_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    told = underway()
    standing = [Deadline(DAY, "handover", "nobody offers this")]
    monkeypatch.setattr(clocks, "deadlines", lambda state, context: standing)

    with pytest.raises(RuntimeError, match="did not settle"):
        clocks.advance(told.state, acme(), told.now)


def test_the_pages_kept_in_the_state_are_few_and_open_ones_are_never_forgotten() -> None:
    told = Told()
    told.alert()
    told.wait(days=3)

    assert len(told.events(ev.PageRequested)) > 400
    assert len(told.state.pages) <= 60
    ended = {e.page for e in told.events(ev.PageEnded)}
    asked = {e.page for e in told.events(ev.PageRequested)}
    assert {p.number for p in told.state.open_pages()} == asked - ended
    assert told.state == fold(told.timeline)
