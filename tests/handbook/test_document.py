from hypothesis import given
from hypothesis import strategies as st

from tocsin.handbook.document import Code, Html, Item, Paragraph, Quote, Table, parse_document

TEXT = """# Title

Status: active\x20\x20
Owner: Ops

## 1. Severity levels

- **SEV1 (Critical):** down, see `docs/a.md` and [b](b.md). <!-- TBD -->
  - nested point
3) third
4) **bold** later

| Level | Text |
| --- | --- |
| SEV1 | a \\| b |
| `x` | **y** |

> Hello {name}
> again

```sh
SEV1
```

<table><tr><td>1</td></tr></table>

### Notes

Plain words.
"""


def parsed(text=TEXT):
    return parse_document("docs/ops/x.md", text)


def blocks(kind, text=TEXT):
    return [b for s in parsed(text).sections for b in s.blocks if isinstance(b, kind)]


def test_sections_have_line_kind_and_depth():
    heads = [(s.title, s.depth, s.line, s.kind) for s in parsed().sections[1:]]
    assert heads == [
        ("Title", 1, 1, None),
        ("1. Severity levels", 2, 6, "severity"),
        ("Notes", 3, 27, "severity"),
    ]


def test_a_paragraph_keeps_its_lines():
    inline = blocks(Paragraph)[0].inline
    assert (inline.text, inline.line) == ("Status: active\nOwner: Ops", 3)


def test_items_have_number_depth_line_and_lead():
    items = [(i.line, i.depth, i.number, i.inline.lead) for i in blocks(Item)]
    assert items == [
        (8, 1, None, "SEV1 (Critical):"),
        (9, 2, None, None),
        (10, 1, 3, None),
        (11, 1, 4, "bold"),
    ]


def test_inline_text_codes_links_and_no_comments():
    inline = blocks(Item)[0].inline
    assert inline.flat == "SEV1 (Critical): down, see docs/a.md and b."
    assert inline.codes == ("docs/a.md",)
    assert inline.links == ("b.md",)
    assert "docs/a.md" not in inline.bare
    assert inline.named() == ("SEV1 (Critical)", "down, see docs/a.md and b.")


def test_table_cells_unescape_pipes_and_keep_lines():
    table = blocks(Table)[0]
    assert [c.flat for c in table.header.cells] == ["Level", "Text"]
    assert [[c.flat for c in r.cells] for r in table.rows] == [["SEV1", "a | b"], ["x", "y"]]
    assert [r.line for r in table.rows] == [15, 16]


def test_quote_code_and_html():
    assert [(q.text, q.line) for q in blocks(Quote)] == [("Hello {name}\nagain", 18)]
    assert [(c.text, c.info, c.line) for c in blocks(Code)] == [("SEV1\n", "sh", 21)]
    assert [h.line for h in blocks(Html)] == [25]


def test_crlf_and_byte_order_mark_change_nothing():
    plain, windows = parsed(), parsed("\ufeff" + TEXT.replace("\n", "\r\n"))
    assert windows.sections == plain.sections


def test_front_matter_is_metadata_and_keeps_line_numbers():
    document = parsed("---\nowner: Ops\n# comment\nlast validated: '2026-01-01'\n---\n# Title\n")
    assert document.front_matter == (("owner", "Ops", 2), ("last validated", "2026-01-01", 4))
    assert [(s.title, s.line) for s in document.sections[1:]] == [("Title", 6)]


def test_wiki_links():
    assert blocks(Item, "- see [[runbooks/rollback|the page]]\n")[0].inline.links == ("runbooks/rollback",)


def test_bold_in_the_middle_is_no_name():
    assert blocks(Item, "- Primary: **TBD** (x)\n")[0].inline.named() == ("Primary", "TBD (x)")


def test_a_web_address_is_no_name():
    assert blocks(Item, "- https://acme.example/x\n")[0].inline.named()[0] is None


def test_an_empty_item_and_a_list_in_an_item():
    assert [i.inline.flat for i in blocks(Item, "-\n- - inner\n")] == ["", "", "inner"]


@given(st.text(alphabet="#-*|`>[]()1.) \n\tab<!{}:~_\\\r\ufeff"))
def test_no_text_breaks_the_walk(text):
    parse_document("x.md", text)
