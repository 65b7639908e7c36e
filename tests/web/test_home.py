"""The home page when much is open, and the list of everything."""

from __future__ import annotations

import re

import pytest

from tocsin.web.show_home import BURNING
from web.running import Served
from web.test_process import API, do

CARD = re.compile(r'<h2 id="b\d+"><a href="[^"]*"><bdi>([^<]*)</bdi>')
ROW = re.compile(r'<li class="row">.*?<bdi>([^<]*)</bdi>.*?<span class="end meta">(\w+)</span>', re.S)


def opened(server: Served, title: str, sev: str, *, drill: bool = False) -> str:
    with server.local("tomas") as client:
        answer = client.post(API, json={"title": title, "sev": sev, "drill": drill})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["ref"])


def test_the_worst_that_is_real_comes_first(fresh: Served) -> None:
    taken = opened(fresh, "Worst, taken", "SEV1")
    opened(fresh, "Worst, still calling", "SEV1")
    opened(fresh, "Exercise", "SEV1", drill=True)
    opened(fresh, "Older", "SEV3")
    opened(fresh, "Second", "SEV2")
    opened(fresh, "Newer", "SEV3")
    do(fresh, "mei", taken, "ack")
    with fresh.session("mei") as client:
        home = client.get("/").text
    assert CARD.findall(home) == [
        "Worst, still calling",
        "Worst, taken",
        "Second",
        "Newer",
        "Older",
        "Exercise",
    ]
    assert "5 incidents are burning" in home
    assert "open incidents" not in home


def test_nothing_is_cut_off_in_silence(fresh: Served) -> None:
    """A severe incident stands above whatever came later, and what does not fit is counted and can be reached."""
    over = opened(fresh, "Over long ago", "SEV2")
    do(fresh, "tomas", over, "resolve", confirmed="a", impact_ended="b", errors_normal="c")
    opened(fresh, "Nobody can sign in", "SEV1")
    for n in range(BURNING):
        opened(fresh, f"Small thing {n}", "SEV4")
    for n in range(2):
        opened(fresh, f"Exercise {n}", "SEV1", drill=True)
    with fresh.session("mei") as client:
        home = client.get("/").text
        found = CARD.findall(home)
        assert found[0] == "Nobody can sign in"
        assert len(found) == BURNING
        assert found[-1] == "Small thing 1"
        assert f"{BURNING + 1} incidents are burning" in home
        assert "Over long ago" in home
        [rest] = re.findall(r'href="(/incidents\?stage=open)">All (\d+) open incidents', home)
        assert rest[1] == str(BURNING + 3)
        first = client.get(rest[0]).text
        [older] = re.findall(r'href="([^"]*cursor[^"]*)"', first)
        second = client.get(older.replace("&amp;", "&")).text
    listed = [title for title, _ in (*ROW.findall(first), *ROW.findall(second))]
    assert len(listed) == len(set(listed)) == BURNING + 3
    assert (listed[0], listed[-1]) == ("Exercise 1", "Nobody can sign in")
    assert first.count("DRILL") == 2
    assert "cursor=" not in second


def test_the_list_by_stage(fresh: Served) -> None:
    done = opened(fresh, "Over", "SEV2")
    do(fresh, "tomas", done, "resolve", confirmed="a", impact_ended="b", errors_normal="c")
    opened(fresh, "Burns", "SEV2")
    with fresh.session("mei") as client:
        for stage, wanted in (
            ("", [("Burns", "declared"), ("Over", "resolved")]),
            ("?stage=open", [("Burns", "declared")]),
            ("?stage=resolved", [("Over", "resolved")]),
            ("?stage=merged", []),
        ):
            page = client.get(f"/incidents{stage}")
            assert ROW.findall(page.text) == wanted, stage
            assert page.text.count('aria-current="true"') == 1
        assert "There is none." in client.get("/incidents?stage=merged").text


@pytest.mark.parametrize("query", ["stage=burning", "cursor=x", "stage=", "cursor=%27"])
def test_a_list_that_there_is_not(query: str, server: Served) -> None:
    with server.session("mei") as client:
        assert client.get(f"/incidents?{query}").status_code == 422


def test_the_list_says_no_more_than_a_codename(fresh: Served) -> None:
    ref = opened(fresh, "Rows of tenant Umbra", "SEV1")
    do(fresh, "tomas", ref, "restrict", codename="Heron", readers=[], reason="their data")
    with fresh.session("henrik") as client:
        pages = client.get("/").text + client.get("/incidents").text
    assert "Heron" in pages
    assert "Umbra" not in pages


def test_strangers_see_no_list(server: Served) -> None:
    with server.anonymous() as client:
        assert client.get("/incidents").headers["location"] == "/signin"
