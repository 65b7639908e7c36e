"""Text from outside is read as written: what could act is written as an entity, what cannot stays as it was said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tocsin.handbook.inert import inert_block, inert_line


def children(markdown):
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(markdown)
    assert {t.type for t in tokens} <= {"paragraph_open", "inline", "paragraph_close"}
    return [child for token in tokens for child in token.children or []]


def shown(markdown):
    found = children(markdown)
    assert {c.type for c in found} <= {"text", "text_special", "softbreak"}, found
    return "".join(c.content for c in found)


@pytest.mark.parametrize("text", ["Mitigate & Fix", "< 5m (SEV1)", "<5m & more", "a &5 b", "3 < 4 <5 & 6"])
def test_what_begins_nothing_needs_no_entity(text):
    assert inert_line(text) == text
    assert shown(inert_line(text)) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("R&D", "R&amp;D"),
        ("&lt; 5m", "&amp;lt; 5m"),
        ("&#60;", "&amp;#60;"),
        ("<b>", "&lt;b&gt;"),
        ("</b", "&lt;/b"),
        ("<!-- x -->", "&lt;!-- x --&gt;"),
        ("<?php", "&lt;?php"),
        ("<5@mail.example>", "&lt;5@mail.example&gt;"),
        ("<<<<<<< HEAD", "&lt;" * 7 + " HEAD"),
        ("ends with &", "ends with &amp;"),
        ("ends with <", "ends with &lt;"),
    ],
)
def test_what_could_begin_something_is_an_entity(text, written):
    assert inert_line(text) == written
    assert shown(inert_line(text)) == text


@given(st.text(alphabet="<>&;#!?/@.:-5x a=\"'l&lt;http://\u00a0\n", max_size=30))
def test_nothing_becomes_a_tag_an_entity_or_a_link(text):
    said = " ".join(text.split())
    if said:
        assert shown(f"x {inert_line(text)} y") == f"x {said} y"
    assert not [c for c in children(inert_block(text)) if c.type not in {"text", "text_special", "softbreak"}]


@given(st.text(alphabet="<>&;#@.5x a", max_size=12), st.text(alphabet="<>&;#@.5x a", max_size=12))
def test_two_texts_side_by_side_begin_nothing_together(one, other):
    assert shown(f"x{inert_line(one)}{inert_line(other)}y").startswith("x")
