import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.handbook.grammar import (
    LONGEST_S,
    Duration,
    Span,
    Unread,
    find_durations,
    find_rhythms,
    format_duration,
    read_cadence,
    read_calendar,
    read_duration,
    read_offset,
    read_promise,
    read_range,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5m", 300),
        ("< 5m", 300),
        ("15 min", 900),
        ("15mins", 900),
        ("15 minutes", 900),
        ("15-minute", 900),
        ("30 s", 30),
        ("2hr", 7200),
        ("2 hrs", 7200),
        ("48h", 172_800),
        ("5d", 432_000),
        ("1 day", 86_400),
        ("1 week", 604_800),
        ("2wks", 1_209_600),
        ("1h 30m", 5400),
        ("1h30m", 5400),
        ("1 hour and 30 minutes", 5400),
        ("1.5h", 5400),
        ("ten minutes", 600),
        ("within 24 hours", 86_400),
        ("**4h**", 14_400),
        ("≤ 1h.", 3600),
    ],
)
def test_durations(text, seconds):
    reading = read_duration(text)
    assert isinstance(reading, Duration), reading
    assert reading.seconds == seconds
    assert reading.business_days is None


@pytest.mark.parametrize(
    ("text", "inclusive"),
    [
        ("< 5m", False),
        ("under 5m", False),
        ("less than 5m", False),
        ("<= 5m", True),
        ("≤ 5m", True),
        ("within 5m", True),
        ("up to 5m", True),
        ("in 5m", True),
        ("5m", True),
    ],
)
def test_comparison_decides_whether_the_limit_itself_is_in_time(text, inclusive):
    reading = read_duration(text)
    assert isinstance(reading, Duration)
    assert reading.inclusive is inclusive


@pytest.mark.parametrize("text", ["5 business days", "five working days", "within 5 business-days"])
def test_business_days_are_no_seconds(text):
    reading = read_duration(text)
    assert isinstance(reading, Duration)
    assert (reading.seconds, reading.business_days) == (None, 5)


@pytest.mark.parametrize("text", ["5", "< 5", "5.5", "3 months", "2 mo", "10 fortnights", "5 x"])
def test_a_number_without_a_known_unit_says_so(text):
    assert read_duration(text) == Unread(read_duration(text).reason, unit_missing=True)


@pytest.mark.parametrize(
    "text", ["", "soon", "0m", "0.1s", "asap", "99999 weeks", "1 business day 2h", "-5m", "5m!"]
)
def test_what_is_no_duration(text):
    reading = read_duration(text)
    assert isinstance(reading, Unread)
    assert not reading.unit_missing
    assert reading.reason


@given(st.integers(min_value=1, max_value=LONGEST_S))
def test_a_written_duration_is_read_back(seconds):
    reading = read_duration(format_duration(seconds))
    assert isinstance(reading, Duration)
    assert reading.seconds == seconds


@given(st.text())
def test_no_text_breaks_the_grammar(text):
    read_promise(text)
    read_cadence(text)
    find_rhythms(text)
    find_durations(text)
    read_offset(text)


def test_durations_in_prose():
    found = find_durations("We answer within 15 minutes, or 1h 30m at night; SEV1 has 3 parts.")
    assert [d.seconds for d in found] == [900, 5400]


@pytest.mark.parametrize("text", ["m5", "v5m2", "x15mx", "5m3"])
def test_identifiers_are_no_durations(text):
    assert find_durations(text) == ()


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("15-30m", 900, 1800),
        ("15–30 min", 900, 1800),
        ("24 to 48 hours", 86_400, 172_800),
        ("15m-30m", 900, 1800),
    ],
)
def test_ranges(text, low, high):
    reading = read_range(text)
    assert isinstance(reading, Span)
    assert (reading.low_s, reading.high_s) == (low, high)


@pytest.mark.parametrize("text", ["30-15m", "0-5m", "5m", "5-7", "5-5m", "3-5 business days"])
def test_what_is_no_range(text):
    assert isinstance(read_range(text), Unread)


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("plan fix in next sprint", "next sprint"),
        ("Next business day", "Next business day"),
        ("same-day", "same-day"),
        ("best effort", "best effort"),
        ("goes to the backlog", "backlog"),
        ("next working morning", "next working morning"),
        ("next quarter", None),
    ],
)
def test_calendar(text, phrase):
    assert read_calendar(text) == phrase


def test_immediate_with_a_bound_is_the_bound():
    promise = read_promise("Immediate (< 15 min)")
    assert not isinstance(promise, Unread)
    assert (promise.seconds, promise.inclusive, promise.immediate) == (900, False, False)
    assert promise.text == "Immediate (< 15 min)"


@pytest.mark.parametrize("text", ["Immediate", "immediately", "Immediate ( )", "Immediate (asap)"])
def test_immediate_without_a_number_has_no_clock(text):
    promise = read_promise(text)
    assert not isinstance(promise, Unread)
    assert promise.immediate
    assert promise.seconds is None


def test_a_range_as_target_is_its_upper_end():
    promise = read_promise("24-48h")
    assert not isinstance(promise, Unread)
    assert (promise.seconds, promise.inclusive) == (172_800, True)


def test_window():
    promise = read_promise("15m (09:00-17:00 CET), otherwise next business day")
    assert not isinstance(promise, Unread)
    assert promise.seconds == 900
    assert promise.window == ("09:00", "17:00", "CET", "next business day")


def test_business_hours_are_no_plain_seconds():
    promise = read_promise("1h (business hours)")
    assert not isinstance(promise, Unread)
    assert (promise.seconds, promise.calendar) == (None, "1h (business hours)")


@pytest.mark.parametrize(
    ("text", "remind", "overdue"),
    [
        ("Update every 15-30m (SEV1/2)", 900, 1800),
        ("Update every 30 minutes", None, 1800),
        ("hourly updates", None, 3600),
        ("updates daily", None, 86_400),
        ("every hour", None, 3600),
    ],
)
def test_rhythms(text, remind, overdue):
    rhythm = find_rhythms(text)[0]
    assert (rhythm.remind_s, rhythm.overdue_s) == (remind, overdue)
    assert text[rhythm.start : rhythm.end] == rhythm.text


@pytest.mark.parametrize(("text", "overdue"), [("30 min", 1800), ("every 4h", 14_400), ("15-30m", 1800)])
def test_a_cadence_cell_needs_no_every(text, overdue):
    rhythm = read_cadence(text)
    assert not isinstance(rhythm, Unread)
    assert rhythm.overdue_s == overdue


@pytest.mark.parametrize(
    ("text", "seconds"), [("T+15", 900), ("at T+30 min", 1800), ("T+1h", 3600), ("T-5", None)]
)
def test_offsets(text, seconds):
    assert read_offset(text) == seconds
