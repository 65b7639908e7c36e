"""The room as a browser without script sees it: what it shows of the whole process, and its forms."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx2
import pytest

from web.running import Served
from web.test_process import answers, do, refused

HOSTILE = "\u202e<script>window.hit=1</script>\"'><img src=x onerror=window.hit=1>\u2066 end"
FORM = re.compile(r"<form\b.*?</form>", re.S)


def form_of(page: str, key: str) -> str:
    """The form that says of itself that it is `key`."""
    found = [form for form in FORM.findall(page) if f'name="form" value="{key}"' in form]
    assert len(found) == 1, (key, len(found))
    return found[0]


def fields_of(form: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([\w.]+)" value="([^"]*)"', form))


def send(client: httpx2.Client, ref: str, key: str, **fields: str) -> httpx2.Response:
    """Fill in the form and press its button."""
    form = form_of(client.get(f"/i/{ref}?do={key}").text, key)
    action = re.findall(r'action="([^"]+)"', form)[0]
    given = {name.replace("__", "."): value for name, value in fields.items()}
    return client.post(action, data={**fields_of(form), **given})


def done(answer: httpx2.Response) -> None:
    assert answer.status_code == 303, re.findall(r'role="alert">.*?</div></div>', answer.text, re.S)


def points(**other: str) -> dict[str, str]:
    given = {}
    for n in range(5):
        given |= {f"answers__{n}__answer": "ok", f"answers__{n}__evidence": f"seen {n + 1}"}
    return given | other


def test_the_whole_process_by_forms(server: Served) -> None:
    ref, other = server.declare("Contacts are missing"), server.declare("The same once more")
    now = server.clock.now()
    with server.session("mei") as mei, server.session("jonas") as jonas, server.session("henrik") as henrik:
        for key, fields in (
            ("propose", {"text": "copy back contacts only"}),
            ("report", {"text": "a second customer", "source": "support"}),
            ("suspect", {"what": "merge_contacts", "author": "jonas", "happened": f"{now:%Y-%m-%d} 00:00"}),
            ("task-open", {"text": "Restore beside it", "owner": "jonas", "minutes": "45"}),
            ("task-open", {"text": "Copy back", "db_change": "yes", "second": "yes"}),
            ("gate-point", {"restore_point": f"{now:%Y-%m-%d %H:%M:%S}", "note": "before the copy"}),
            (
                "restored",
                {
                    "kind": "restore",
                    "passed": "yes",
                    "source": "16:44:29",
                    "target": "a copy",
                    "reason": "rows are gone",
                    "validation": "1,842 found",
                    "rpo_s": "25s",
                    "rto_s": "48m",
                },
            ),
            (
                "legal-start",
                {"regime": "gdpr", "aware": f"{now - timedelta(minutes=1):%H:%M:%S}", "limit_s": "72h"},
            ),
            (
                "statement-draft",
                {"audience": "status page", "text": "Some are missing.", "data": "not exposed"},
            ),
            ("action-add", {"text": "Alert on bulk deletes", "kind": "detect", "owner": "jonas"}),
            ("ticket", {"where": "https://tracker.example/7"}),
            ("severity", {"level": "SEV2", "reason": "nobody else is hit"}),
        ):
            done(send(mei, ref, key, **fields))
        done(send(mei, other, "merge", into=ref, reason="the same rows"))
        done(send(mei, ref, "decide-1", decision="copy back contacts only", why="the rest is fine"))
        done(send(jonas, ref, "gate-check", **points(restore_point=f"{now:%Y-%m-%d %H:%M:%S}")))
        done(send(mei, ref, "gate-confirm-1"))
        done(send(henrik, ref, "task-approve-2"))
        done(send(jonas, ref, "task-start-2"))
        done(send(jonas, ref, "task-done-2", result="1,842 back"))
        done(send(jonas, ref, "task-assign-1", owner="priya"))
        done(send(jonas, ref, "task-drop-1", reason="not needed any more"))
        done(send(mei, ref, "statement-approve-1"))
        done(send(henrik, ref, "statement-approve-1"))
        done(send(mei, ref, "statement-sent-1", where="status page"))
        done(send(henrik, ref, "legal-decide-1", decision="not notifiable", reason="all restored"))
        due = (now + timedelta(days=30)).date().isoformat()
        done(send(mei, ref, "action-change-1", due=due, kind="prevent"))
        done(send(mei, ref, "action-prove-1", proof="the alert fired on 3 March"))
        page = mei.get(f"/i/{ref}").text
    for words in (
        "1,842 back",
        "not notifiable",
        "the alert fired on 3 March",
        "https://tracker.example/7",
        other,
    ):
        assert words in page, words
    state = server.program.store.incident(ref)
    assert state is not None
    assert (state.work.restores, state.duties.ticket) == (1, "https://tracker.example/7")


@pytest.mark.parametrize(
    ("key", "fields", "why", "kept"),
    [
        ("task-open", {"text": "Copy the rows", "minutes": "soon"}, "minutes", "Copy the rows"),
        ("gate-check", points(answers__1__evidence="  "), "point 2: it needs evidence", "seen 4"),
        ("gate-check", points(answers__0__answer="perhaps"), "answers.0.answer", "seen 4"),
        ("legal-start", {"regime": "gdpr", "aware": "yesterday", "reason": "my words"}, "aware", "my words"),
        ("legal-start", {"regime": "gdpr", "aware": "00:00", "limit_s": "100h", "reason": "mine"}, "gives", "mine"),
        ("restored", {"kind": "restore", "source": "here", "target": "there", "reason": " ", "validation": "my words"},
         "passed: is missing", "my words"),
        ("action-add", {"text": "Do better", "due": "2020-01-01"}, "has passed", "Do better"),
        ("suspect", {"what": "A deploy", "happened": "2199-01-01 00:00"}, "future", "A deploy"),
        ("ticket", {"where": "ftp://tracker"}, "http(s)", "ftp://tracker"),
        ("statement-draft", {"audience": "all of them", "text": "a b c", "data": " "}, "data", "all of them"),
    ],
)  # fmt: skip
def test_what_is_refused_stands_beside_its_form_with_what_was_typed(
    key: str, fields: dict[str, str], why: str, kept: str, server: Served
) -> None:
    ref = server.declare()
    with server.session("mei") as client:
        answer = send(client, ref, key, **fields)
    assert answer.status_code in {409, 422}
    form = form_of(answer.text, key)
    assert 'role="alert"' in form
    assert why in re.sub(r"<[^>]+>", "", form)
    assert kept in form
    assert f'value="{key}" data-pick-of="{key}" checked' in answer.text


def test_what_belongs_to_one_thing_is_refused_there(fresh: Served) -> None:
    ref = fresh.declare()
    do(fresh, "mei", ref, "task", do="open", text="Copy back", owner="jonas", db_change=True)
    do(fresh, "mei", ref, "action", do="add", text="Alert on it")
    with fresh.session("mei") as client:
        start = send(client, ref, "task-start-1")
        work = start.text.split('id="work"')[1].split('id="next"')[0]
        assert "needs a passing backup check" in work
        assert "The moment to return to" in work.split('role="alert"')[1].split("</li>")[0]
        proof = send(client, ref, "action-prove-1", proof="  ")
        item = re.findall(r'<details class="item"[^>]*id="at-action-prove-1"[^>]*>', proof.text)
        assert item, "the form is there"
        assert " open>" in item[0]
        corrected = send(client, ref, "time-declared", at="2199-01-01 00:00", because="I think so")
        assert "I think so" in form_of(corrected.text, "time-declared")


def test_what_was_typed_is_shown_even_when_its_form_is_gone(server: Served) -> None:
    ref = server.declare()
    with server.session("mei") as client:
        form = form_of(client.get(f"/i/{ref}").text, "mitigate")
        do(server, "jonas", ref, "mitigate", evidence="green")
        answer = client.post(
            f"/i/{ref}/mitigate", data={**fields_of(form), "evidence": "a long sentence of mine"}
        )
    assert answer.status_code == 409
    assert "it cannot be mitigated" in answer.text
    assert "a long sentence of mine" in answer.text


def test_every_verb_stands_in_the_menu_once_and_one_form_is_chosen(server: Served) -> None:
    ref = server.declare()
    with server.session("mei") as client:
        page = client.get(f"/i/{ref}?do=legal-start").text
        style = re.findall(r'href="(/static/ui[^"]*)"', page)[0]
        rules = client.get(style).text
        picks = re.findall(r'data-pick-of="([\w-]+)"', page)
        assert len(picks) == len(set(picks)) > 15
        assert re.findall(r'data-pick-of="([\w-]+)" checked', page) == ["legal-start"]
        assert re.findall(r'data-group-of="([\w-]+)" checked', page) == ["people"]
        for key in picks:
            assert form_of(client.get(f"/i/{ref}?do={key}").text, key)
            assert f'[value="{key}"]:checked) [data-side="{key}"]' in rules, (
                f"nothing would show the form {key}"
            )
        forms = re.findall(r'<form class="side" id="do-([\w-]+)"', client.get(f"/i/{ref}").text)
    assert forms == ["note", "decide", "update", "mitigate"], "no wall of forms"


# --- what it shows --------------------------------------------------------------------------------------------------


def test_a_drill_is_marked_on_every_page(fresh: Served) -> None:
    with fresh.session("mei") as client:
        form = client.get("/declare").text
        fields = dict(
            re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form.split("<main")[1])
        )
        answer = client.post(
            "/declare", data={**fields, "title": "An exercise", "sev": "SEV1", "drill": "yes"}
        )
        ref = answer.headers["location"].rsplit("/", 1)[1]
        room, home = client.get(f"/i/{ref}").text, client.get("/").text
        assert "People are called as in a real one; nothing is pushed, no ticket is opened" in form
    assert "People are called as in a real one; nothing is pushed, no ticket is opened" in room
    assert "<title>DRILL SEV1" in room
    assert "<b>DRILL</b>" in room
    assert "Nothing is burning." in home
    assert home.count("DRILL") == 1
    assert "An exercise" in home


def test_near_misses_and_changes_stand_apart_on_the_home_page(fresh: Served) -> None:
    with fresh.session("mei") as client:
        fields = {"title": "Mails nearly twice", "kind": "near-miss", "sev": ""}
        form = client.get("/declare").text.split("<main")[1]
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
        where = client.post("/declare", data={**hidden, **fields}).headers["location"]
        with fresh.local() as api:
            change = api.post("/api/v1/incidents", json={"title": "Migration 41", "kind": "change"}).json()[
                "ref"
            ]
        home, room = client.get("/").text, client.get(where).text
        other = client.get(f"/i/{change}?do=gate-check").text
        done(send(client, change, "gate-check", **points()))
        assert "valid" in client.get(f"/i/{change}").text.split('id="work"')[1]
    apart = home.split("Near misses and planned changes")[1]
    assert "Mails nearly twice" in apart
    assert "Migration 41" in apart
    assert "Nothing is burning." in home
    assert "Near miss, recorded" in re.sub(r"<[^>]+>", "", room)
    assert "nobody is called" in room
    assert "Who is what" not in room
    assert 'data-side="gate-check"' in other


def test_a_corrected_time_shows_what_stood_there(server: Served) -> None:
    ref = server.declare()
    earlier = server.clock.now() - timedelta(hours=2)
    with server.session("mei") as client:
        before = client.get(f"/api/v1/incidents/{ref}").json()["times"]["detected"][:19]
        done(send(client, ref, "time-detected", at=f"{earlier:%Y-%m-%d %H:%M:%S}", because="the first mail"))
        page = client.get(f"/i/{ref}").text
    card = page.split('id="times"')[1].split("</section>")[0]
    struck = re.findall(r"<s>(.*?)</s>", card, re.S)
    assert len(struck) == 1
    assert before in struck[0]
    assert "the first mail" in card


def test_two_people_correct_the_same_time(server: Served) -> None:
    ref = server.declare()
    first, second = (server.clock.now() - timedelta(minutes=n) for n in (30, 20))
    with server.session("mei") as mei, server.session("jonas") as jonas:
        form = form_of(jonas.get(f"/i/{ref}").text, "time-detected")
        done(send(mei, ref, "time-detected", at=f"{first:%Y-%m-%d %H:%M:%S}", because="the first mail"))
        late = jonas.post(
            f"/i/{ref}/time",
            data={**fields_of(form), "at": f"{second:%Y-%m-%d %H:%M:%S}", "because": "my watch"},
        )
    assert late.status_code == 409
    assert "somebody corrected it meanwhile" in late.text
    assert "my watch" in form_of(late.text, "time-detected")


def test_what_was_gone_past_stays_to_be_seen(fresh: Served) -> None:
    ref = fresh.declare(by="mei")
    do(fresh, "mei", ref, "task", do="open", text="Delete the doubles", owner="jonas", db_change=True)
    with fresh.session("jonas") as client:
        assert "Go past it" not in client.get(f"/i/{ref}").text
    with fresh.session("mei") as client:
        done(send(client, ref, "gate-override-1", reason="customers pay twice"))
        done(send(client, ref, "task-start-1"))
        done(send(client, ref, "task-done-1"))
        page = client.get(f"/i/{ref}").text
    assert 'data-k="override"' in page
    assert page.split('id="work"')[1].split('id="next"')[0].count("customers pay twice") == 2
    assert "without a passing check" in page


def test_the_last_answers_are_filled_in_with_their_age(server: Served) -> None:
    ref = server.declare(by="mei")
    do(server, "jonas", ref, "gate", do="check", answers=answers(p2=("failed", "only to Monday")))
    with server.session("jonas") as client:
        form = form_of(client.get(f"/i/{ref}?do=gate-check").text, "gate-check")
    assert "only to Monday" in form
    assert re.search(r'name="answers.1.answer" value="failed" required checked', form)
    assert form.count("filled in from") == 5


def test_a_merged_incident_leads_to_the_one_that_goes_on(server: Served) -> None:
    parent, child = server.declare("Exports stand still"), server.declare("Reports are empty")
    do(server, "mei", child, "merge", into=parent, reason="one queue")
    with server.session("mei") as client:
        there, here = client.get(f"/i/{child}").text, client.get(f"/i/{parent}").text
    assert f'goes on in <a href="/i/{parent}">' in there
    assert 'id="do-mitigate"' not in there
    assert f'<a href="/i/{child}">' in here


def test_a_shadow_has_no_forms_and_a_way_out(server: Served) -> None:
    ref = server.declare(by="mei")
    with server.session("priya") as client:
        done(send(client, ref, "shadow", person="priya"))
        page = client.get(f"/i/{ref}").text
        assert "You shadow the IC." in page
        assert "<textarea" not in page
        assert "Take it" not in page
        form = next(f for f in FORM.findall(page) if f'action="/i/{ref}/shadow"' in f)
        assert client.post(f"/i/{ref}/shadow", data=fields_of(form)).status_code == 303
        assert "<textarea" in client.get(f"/i/{ref}").text


def test_a_note_can_be_changed_and_its_first_words_stay(server: Served) -> None:
    ref = server.declare()
    do(server, "mei", ref, "note", text="1,842 rows")
    with server.session("mei") as client:
        link = re.findall(r'href="(\?do=note&amp;replaces=\d+)#compose"', client.get(f"/i/{ref}").text)[0]
        form = form_of(client.get(f"/i/{ref}{link.replace('&amp;', '&')}").text, "note")
        assert ">1,842 rows</textarea>" in form
        sent = {**fields_of(form), "text": "1,843 rows"}
        assert client.post(f"/i/{ref}/note", data=sent).status_code == 303
        page = client.get(f"/i/{ref}").text
        assert "1,842 rows" in page
        assert "1,843 rows" in page
        late = client.post(f"/i/{ref}/note", data={**sent, "text": "1,844 rows", "once": "another"})
    assert late.status_code == 409
    assert "changed meanwhile" in late.text
    assert "1,844 rows" in late.text


def test_a_file_by_form(server: Served) -> None:
    ref = server.declare()
    with server.session("mei") as client:
        form = form_of(client.get(f"/i/{ref}?do=evidence").text, "evidence")
        files = {"file": ("../../rows<b>.txt", b"1842", "text/html")}
        data = {**fields_of(form), "note": "before the copy"}
        assert client.post(f"/i/{ref}/evidence", data=data, files=files).status_code == 303
        page = client.get(f"/i/{ref}").text
        link = re.findall(r'href="(/api/v1/incidents/[^"]+/evidence/[0-9a-f]{64})"', page)[0]
        assert client.get(link).content == b"1842"
        empty = client.post(f"/i/{ref}/evidence", data={**data, "once": "x"}, files={"file": ("", b"")})
        assert empty.status_code == 409
        assert "before the copy" in form_of(empty.text, "evidence")
        wrong = client.post(f"/i/{ref}/evidence", data={**data, "csrf": "x"}, files=files)
        assert wrong.status_code == 403
    assert "rows_b_.txt" in page


def test_hostile_text_is_inert_in_every_part(server: Served) -> None:
    ref = server.declare(HOSTILE, by="mei")
    now = server.clock.now()
    for verb, body in (
        ("propose", {"text": HOSTILE}),
        ("report", {"text": HOSTILE, "source": HOSTILE}),
        ("suspect", {"what": HOSTILE, "author": "jonas"}),
        ("task", {"do": "open", "text": HOSTILE, "db_change": True}),
        ("gate", {"do": "check", "answers": answers(p1=("ok", HOSTILE))}),
        ("gate", {"do": "point", "restore_point": now.isoformat(), "note": HOSTILE}),
        ("restored", {"kind": "restore", "source": HOSTILE, "target": HOSTILE, "reason": HOSTILE,
                      "validation": HOSTILE, "passed": False}),
        ("legal", {"do": "start", "regime": "<b>'x", "aware": now.isoformat(), "reason": HOSTILE}),
        ("statement", {"do": "draft", "audience": HOSTILE, "text": HOSTILE, "data": HOSTILE}),
        ("action", {"do": "add", "text": HOSTILE}),
        ("time", {"name": "impact_start", "at": (now - timedelta(hours=1)).isoformat(), "because": HOSTILE}),
    ):  # fmt: skip
        do(server, "mei", ref, verb, **body)
    with server.local("mei") as client:
        client.post(
            f"/api/v1/incidents/{ref}/evidence", params={"name": HOSTILE, "note": HOSTILE}, content=b"x"
        )
    with server.session("mei") as client:
        page = client.get(f"/i/{ref}").text
    assert "<script>window" not in page
    assert "<img src=x" not in page
    assert "<b>'x" not in page
    body = re.sub(r"<textarea.*?</textarea>", "", page.split("</title>", 1)[1], flags=re.S)
    places = [at for at, letter in enumerate(body) if letter == "\u202e"]
    assert len(places) > 20
    for at in places:
        before = body[:at]
        in_bdi = before.rfind("<bdi>") > before.rfind("</bdi>")
        isolated = before.rfind("\u2068") > before.rfind("<")
        in_field = before.rfind('value="') > before.rfind(">")
        assert in_bdi or isolated or in_field, before[-80:]


def test_the_card_and_the_room_cannot_be_seen_by_strangers(server: Served) -> None:
    ref = server.declare()
    with server.anonymous() as client:
        for path in ("/card", f"/i/{ref}"):
            assert client.get(path).headers["location"] == "/signin"


def test_a_refused_verb_of_the_api_is_the_same_on_the_page(server: Served) -> None:
    ref = server.declare()
    said = refused(server, "mei", ref, "close")
    with server.session("mei") as client:
        form = form_of(client.get(f"/i/{ref}").text, "note")
        page = client.post(f"/i/{ref}/close", data=fields_of(form))
    assert said["detail"] in page.text.replace("&#39;", "'")
