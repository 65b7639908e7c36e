"""docs/reference/oncall.md: a rule names a test that exists or says why it has none, and every cited rule is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "reference" / "oncall.md").read_text("utf-8")
SOURCES = sorted([*(ROOT / "src").rglob("*.py"), *(ROOT / "tests").rglob("*.py")])
LAST = {"T": 12, "R": 13, "W": 6, "L": 6, "A": 14, "F": 9, "V": 6, "E": 21, "N": 12, "P": 10}
RULES = {
    m[1]: m[2] for m in re.finditer(r"^- \*\*([A-Z]\d+)\*\* (.*?)(?=^- \*\*|^## |\Z)", PAGE, re.M | re.S)
}
LATER = {"A12", "A13", "A14", "E16", "E20", "F7", "F8", "N5", "N9", "N11"}
LISTED = r"[TRWLAFVENPS]\d{1,2}(?:(?:, | and | to )[TRWLAFVENPS]\d{1,2})*"
CITED = re.compile(rf"(?:oncall\.md\s+|\()({LISTED})(?=[\s).,:;`])")


@cache
def functions_of(path: str) -> frozenset[str]:
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    tree = ast.walk(ast.parse(file.read_text("utf-8")))
    return frozenset(n.name for n in tree if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


def unknown_tests(page: str) -> list[str]:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page)
    return [f"{path}::{name}" for path, name in named if name not in functions_of(path)]


def unknown_rules(text: str) -> list[str]:
    """Cited here and not on the page. What looks like a rule in a severity (`SEV1`, `(P0)`) is none."""
    found = []
    for match in CITED.finditer(text):
        found += [rule for rule in re.findall(r"[A-Z]\d+", match[1]) if rule not in RULES and rule[1:] != "0"]
    return found


def test_every_rule_is_on_the_page() -> None:
    wanted = {f"{family}{n}" for family, last in LAST.items() for n in range(1, last + 1)} | {"S1", "S5"}
    assert set(RULES) == wanted


def test_every_cited_test_exists() -> None:
    assert unknown_tests(PAGE) == []


def test_every_rule_names_its_test_or_says_why_it_has_none() -> None:
    silent = {rule for rule, text in RULES.items() if not re.search(r"^  Test: `tests/", text, re.M)}
    assert {rule for rule in RULES if RULES[rule].startswith("Not there yet: ")} == LATER
    assert silent == LATER


def test_every_rule_that_is_cited_is_on_the_page() -> None:
    wrong = {
        f"{path.relative_to(ROOT)}: {rule}"
        for path in SOURCES
        if path.name != Path(__file__).name
        for rule in unknown_rules(path.read_text("utf-8"))
    }
    assert wrong == set()


def test_what_is_not_there_is_missed() -> None:
    assert unknown_tests("`tests/test_rules_page.py::test_nothing`") == [
        "tests/test_rules_page.py::test_nothing"
    ]
    assert unknown_tests("`tests/none.py::test_nothing`") == ["tests/none.py::test_nothing"]
    assert unknown_rules("as docs/reference/oncall" + ".md E99 says (T1, T44)") == ["E99", "T44"]
    assert unknown_rules("critical (P0) is not a rule, (E4) is one") == []
