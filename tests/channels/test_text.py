"""Hostile text made harmless, for any text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.channels.text import clean_body, clean_line, clean_links, without

ANY = st.text(st.characters(), max_size=300)
NASTY = st.text(
    st.sampled_from("\r\n\t\x00\x1b\x85\u2028\u2029\u202e\u2066\u200f\ufeff\ud800\U000e0041 aé."),
    max_size=300,
)
DRIVES = {"Cc", "Cs", "Zl", "Zp"}


@given(ANY | NASTY)
def test_a_line_is_one_line_of_visible_text(text: str) -> None:
    line = clean_line(text, 50)
    assert len(line) <= 50
    assert not [c for c in line if unicodedata.category(c) in DRIVES or unicodedata.bidirectional(c) in BIDI]
    assert line == line.strip()
    line.encode("utf-8")


BIDI = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}


@given(ANY | NASTY)
def test_a_body_keeps_lines_and_tabs_and_nothing_that_drives(text: str) -> None:
    body = clean_body(text)
    drives = [c for c in body if unicodedata.category(c) in DRIVES or unicodedata.bidirectional(c) in BIDI]
    assert set(drives) <= {"\n", "\t"}
    body.encode("utf-8")


@given(st.text(st.sampled_from("abcé \t\n.,"), max_size=200))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert clean_body(text) == text


def test_a_cut_is_said() -> None:
    assert clean_body("x" * 11, 10) == "x" * 10 + "\n[cut after 10 characters]"
    assert clean_line("x" * 11, 10) == "x" * 9 + "…"


@pytest.mark.parametrize("url", ["http://x/", "https://x/a?b=c#d", "mailto:a@b.example", "HTTPS://X/"])
def test_links_that_are_passed_on(url: str) -> None:
    assert clean_links([("a\r\nb", url)]) == [("a b", url)]


@pytest.mark.parametrize(
    "url",
    ["", "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//x/", "/a", " https://x/", "https://x/ y",
     "https://x/\r\nBcc: a", "https://x/\u202e", "https://é/", "http://[::1", "jav\tascript:x"],
)  # fmt: skip
def test_links_that_are_not(url: str) -> None:
    assert clean_links([("label", url)]) == []


def test_secrets_are_taken_out() -> None:
    assert without("user tocsin, password horse", ("horse", None, "", "tocsin")) == "user ***, password ***"
