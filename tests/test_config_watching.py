"""The sections about watching and being watched: what is read, and what is refused with which words."""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path

import pytest

from tocsin.config import ConfigError, Settings, load
from tocsin.config import read as reading

WHOLE = """
[self_alarm]
url = "smtps://other.example"
from = "Tocsin <tocsin@other.example>"
to = ["ops@acme.example", "boss@acme.example"]
user = "tocsin"
password = { env = "OTHER_PASSWORD" }
webhook = { env = "OTHER_HOOK" }
hook = ["/usr/local/bin/siren", "--loud", "@all"]
[heartbeat]
url = "https://hc.example/ping/1"
every = "2m"
[watch]
url = "https://other-tocsin.example"
after = "1m"
[synthetic]
person = "@priya"
at = "09:30"
tz = "Europe/Berlin"
"""
ENV = {"OTHER_PASSWORD": "hidden-mail", "OTHER_HOOK": "https://ntfy.example/hidden-topic"}
ALARM = '[self_alarm]\nhook = ["siren"]\n'
MAIL = '[self_alarm]\nurl = "smtp://other.example"\n'


def read(folder: Path, text: str, **environ: str) -> Settings:
    (folder / "tocsin.toml").write_text(text, "utf-8")
    return load(folder, environ)


def test_every_setting_arrives_typed(tmp_path: Path) -> None:
    settings = read(tmp_path, WHOLE, **ENV)
    alarm, beat, watch, page = settings.self_alarm, settings.heartbeat, settings.watch, settings.synthetic
    assert alarm is not None
    assert (alarm.url, alarm.sender) == ("smtps://other.example", "Tocsin <tocsin@other.example>")
    assert alarm.to == ("ops@acme.example", "boss@acme.example")
    assert alarm.hook == ("/usr/local/bin/siren", "--loud", "@all")
    assert alarm.webhook is not None
    assert alarm.webhook.reveal() == ENV["OTHER_HOOK"]
    assert beat is not None
    assert (beat.every, beat.allow_loopback) == (timedelta(minutes=2), False)
    assert watch is not None
    assert (watch.after, watch.alarmz_after) == (timedelta(minutes=1), timedelta(minutes=10))
    assert page is not None
    assert (page.person, page.at, page.tz) == ("@priya", time(9, 30), "Europe/Berlin")
    assert "hidden" not in repr(settings)


def test_without_them_nothing_is_watched(tmp_path: Path) -> None:
    settings = read(tmp_path, "")
    assert (settings.self_alarm, settings.heartbeat, settings.watch, settings.synthetic) == (None,) * 4


@pytest.mark.parametrize(
    ("text", "key", "said", "repair"),
    [
        ("[self_alarm]\n", "self_alarm", "names no way", "add url, webhook or hook"),
        (MAIL, "self_alarm.from", "is missing", "url, from and to"),
        (MAIL + 'from = "a@b.example"\n', "self_alarm.to", "is missing", "url, from and to"),
        (ALARM + 'to = ["a@b.example"]\n', "self_alarm.url", "is missing", "url, from and to"),
        (MAIL + 'from = "a@b.example"\nto = ["ops"]\n', "self_alarm.to", "that is no address", "ops@"),
        (MAIL + 'from = "a@b.example"\nto = "ops"\n', "self_alarm.to", "a list of addresses", "ops@"),
        (ALARM + 'user = "x"\n', "self_alarm.password", "belongs to user", "both or neither"),
        ('[self_alarm]\nhook = "siren"\n', "self_alarm.hook", "a list of words", '["tell"]'),
        ('[self_alarm]\nwebhook = "ftp://x"\n', "self_alarm.webhook", "no address", "http://"),
        ("[heartbeat]\n", "heartbeat.url", "is missing", "called with GET"),
        ('[heartbeat]\nurl = "https://a"\nevery = "1s"\n', "heartbeat.every", "out of range", "10s to 3600s"),
        ('[heartbeat]\nurl = "https://a"\nevery = 60\n', "heartbeat.every", "a duration", "45s"),
        ('[heartbeat]\nurl = "https://a"\nevery = "soon"\n', "heartbeat.every", "a duration", "45s"),
        ('[watch]\nurl = "https://a"\n', "watch", "nobody would be told", "add [self_alarm]"),
        ("[synthetic]\n", "synthetic.person", "is missing", "handle of who gets it"),
        ('[synthetic]\nperson = "a"\nat = "25:00"\n', "synthetic.at", "a time of day", "09:10"),
        ('[synthetic]\nperson = "a"\ntz = "Mars/Olympus"\n', "synthetic.tz", "no such zone", "Europe/Berlin"),
        ('[synthetic]\nperson = "a"\nhour = 9\n', "synthetic.hour", "no such setting", "known are"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, text: str, key: str, said: str, repair: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert caught.value.key == key
    assert said in caught.value.message
    assert repair in caught.value.repair


def test_apprise_that_is_not_installed_is_refused_and_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = '[channel.else]\nkind = "apprise"\nurl = { env = "A" }\n'
    monkeypatch.setattr(reading, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"channel\.else\.kind: Apprise is not installed; pip install"):
        read(tmp_path, text, A="json://127.0.0.1/")
    assert load(tmp_path, {"A": "json://127.0.0.1/"}, need_secrets=False).channels["else"].kind == "apprise"
