"""tocsin.toml: what is read, what is refused and with which words, and that a secret is shown nowhere."""

from __future__ import annotations

import copy
import pickle
import re
from pathlib import Path
from typing import Any

import pytest

from tocsin import config
from tocsin.config import ConfigError, EmailSettings, Secret, Settings, WebhookSettings, load

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"
WHOLE = """
[server]
url = "https://tocsin.acme.example/"
host = "0.0.0.0"
port = 9000
[people]
admins = ["priya", "@jonas"]
[database]
url = { env = "DATABASE_URL" }
[handbook]
path = "handbook"
commit = true
push = true
[ticket]
kind = "github"
repository = "acme/portal"
token = { env = "TICKET_TOKEN" }
[channel.mail]
kind = "email"
url = "smtp://mail.acme.example:587?tls=starttls"
from = "Tocsin <tocsin@acme.example>"
user = "tocsin"
password = { file = "mail.secret" }
[channel.hook]
kind = "webhook"
url = { env = "HOOK_URL" }
secret = { env = "HOOK_SECRET" }
allow_loopback = true
people = ["priya"]
[channel.here]
kind = "console"
"""
ENV = {
    "DATABASE_URL": "postgresql://tocsin:hidden-db@db.acme.example/tocsin",
    "HOOK_URL": "https://hooks.acme.example/in/hidden-path",
    "HOOK_SECRET": "whsec_hidden",
    "TICKET_TOKEN": "ghp_hidden",
}


def write(folder: Path, text: str) -> Path:
    file = folder / "tocsin.toml"
    file.write_text(text, encoding="utf-8")
    return file


def read(folder: Path, text: str, environ: dict[str, str] | None = None, **more: Any) -> Settings:
    return load(write(folder, text), environ or {}, **more)


def refusal(folder: Path, text: str, environ: dict[str, str] | None = None) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read(folder, text, environ)
    return caught.value


@pytest.fixture
def whole(tmp_path: Path) -> Settings:
    (tmp_path / "mail.secret").write_text("hidden-mail\n")
    return read(tmp_path, WHOLE, ENV)


# --- what is read ----------------------------------------------------------------------------------------


def test_every_setting_arrives_typed(whole: Settings, tmp_path: Path) -> None:
    assert whole.server.base_url == "https://tocsin.acme.example"
    assert (whole.server.host, whole.server.port) == ("0.0.0.0", 9000)
    assert whole.people.admins == ("priya", "jonas")
    assert whole.database.url.reveal() == ENV["DATABASE_URL"]
    assert whole.handbook.path == tmp_path / "handbook"
    assert (whole.handbook.commit, whole.handbook.push) == (True, True)
    assert whole.ticket is not None
    assert (whole.ticket.repository, whole.ticket.url) == ("acme/portal", "https://api.github.com")
    assert whole.ticket.token.reveal() == "ghp_hidden"
    mail, hook = whole.channels["mail"], whole.channels["hook"]
    assert isinstance(mail, EmailSettings)
    assert isinstance(hook, WebhookSettings)
    assert (mail.name, mail.sender, mail.people) == ("mail", "Tocsin <tocsin@acme.example>", None)
    assert (hook.allow_loopback, hook.people) == (True, ("priya",))
    assert whole.literal_secrets == ()
    assert whole.missing_secrets == ()


def test_a_channel_gives_the_wiring_plain_values(whole: Settings) -> None:
    assert whole.channels["mail"].values() == {
        "kind": "email",
        "url": "smtp://mail.acme.example:587?tls=starttls",
        "sender": "Tocsin <tocsin@acme.example>",
        "user": "tocsin",
        "password": "hidden-mail",
    }
    assert whole.channels["hook"].values()["secret"] == "whsec_hidden"
    assert whole.channels["here"].values() == {"kind": "console"}


def test_without_a_file_the_defaults_hold_and_paths_count_from_the_start_folder(tmp_path: Path) -> None:
    settings = load(None, {}, start=tmp_path)
    assert settings.file is None
    assert settings.root == tmp_path
    assert settings.server.base_url == "http://127.0.0.1:8080"
    assert settings.database.url.reveal() == f"sqlite:///{tmp_path}/var/tocsin.db"
    assert settings.handbook.path == tmp_path / "docs" / "ops"
    assert settings.var == tmp_path / "var"
    assert settings.channels == {}
    assert (settings.handbook.commit, settings.handbook.push, settings.ticket) == (False, False, None)


def test_the_file_is_found_upwards(tmp_path: Path) -> None:
    file = write(tmp_path, "[server]\nport = 1\n")
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    settings = load(None, {}, start=deep)
    assert settings.file == file
    assert settings.handbook.path == tmp_path / "docs" / "ops"


def test_the_variable_wins_over_the_search_and_the_argument_over_the_variable(tmp_path: Path) -> None:
    for name, port in (("cwd", 1), ("variable", 2), ("argument", 3)):
        (tmp_path / name).mkdir()
        write(tmp_path / name, f"[server]\nport = {port}\n")
    env = {"TOCSIN_CONFIG": str(tmp_path / "variable")}
    start = tmp_path / "cwd"
    assert load(None, {}, start=start).server.port == 1
    assert load(None, env, start=start).server.port == 2
    assert load(tmp_path / "argument" / "tocsin.toml", env, start=start).server.port == 3


@pytest.mark.parametrize(
    ("url", "resolved"),
    [
        ("sqlite:///var/x.db", "sqlite:///{root}/var/x.db"),
        ("sqlite:////srv/x.db", "sqlite:////srv/x.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("postgresql://db.acme.example/tocsin", "postgresql://db.acme.example/tocsin"),
        ("postgresql+psycopg:///tocsin?host=/run/postgresql", "postgresql+psycopg:///tocsin?host=/run/postgresql"),
    ],
)  # fmt: skip
def test_a_relative_database_file_counts_from_the_folder_of_the_settings(
    url: str, resolved: str, tmp_path: Path
) -> None:
    settings = read(tmp_path, f'[database]\nurl = "{url}"\n')
    assert settings.database.url.reveal() == resolved.format(root=tmp_path)


def test_an_ipv6_host_is_bracketed_in_links(tmp_path: Path) -> None:
    assert read(tmp_path, '[server]\nhost = "::1"\n').server.base_url == "http://[::1]:8080"


# --- secrets ---------------------------------------------------------------------------------------------


def test_no_secret_is_shown(whole: Settings) -> None:
    shown = f"{whole!r} {whole} {whole.channels} {whole.database.url} {whole.database.url!r}"
    assert "hidden" not in shown
    assert str(whole.database.url) == "***"


def test_a_secret_is_not_pickled_but_compared() -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret("hidden"))
    with pytest.raises(TypeError, match="not pickled"):
        copy.deepcopy(Secret("hidden"))
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert {Secret("a"), Secret("a")} == {Secret("a")}


def test_a_literal_is_accepted_and_named(tmp_path: Path) -> None:
    text = WHOLE.replace('{ file = "mail.secret" }', '"hidden"').replace(
        '{ env = "HOOK_SECRET" }', '"hidden"'
    )
    text = text.replace('{ env = "DATABASE_URL" }', '"postgresql://db/x?password=hidden"')
    settings = read(tmp_path, text, ENV)
    assert set(settings.literal_secrets) == {
        "database.url",
        "channel.mail.password",
        "channel.hook.secret",
    }
    assert settings.channels["mail"].values()["password"] == "hidden"


def test_an_address_without_a_password_may_stand_in_the_file(tmp_path: Path) -> None:
    assert read(tmp_path, '[database]\nurl = "postgresql://tocsin@db/x"\n').literal_secrets == ()


def test_a_missing_secret_is_refused_where_it_is_needed_and_named_where_not(tmp_path: Path) -> None:
    found = refusal(tmp_path, WHOLE, {})
    assert (found.key, found.message) == ("database.url", "env DATABASE_URL is not set or empty")
    settings = read(tmp_path, WHOLE, {}, need_secrets=False)
    assert "channel.mail.password" in settings.missing_secrets
    assert len(settings.missing_secrets) == 5
    with pytest.raises(ConfigError, match="env DATABASE_URL is missing"):
        settings.database.url.reveal()


# --- what is refused -------------------------------------------------------------------------------------

MAIL = '[channel.mail]\nkind = "email"\nurl = "smtp://mail"\nfrom = "t@acme.example"\n'
TICKET = '[ticket]\nkind = "github"\nrepository = "acme/portal"\ntoken = "hidden"\n'
IN_THE_CLEAR = 'url = "http://{}/api"\nallow_loopback = true\n'
REFUSED = [
    ("[sever]\n", "sever", "no such setting", "server"),
    ("[server]\nprot = 1\n", "server.prot", "no such setting", "did you mean port?"),
    ("[server]\nzzzz = 1\n", "server.zzzz", "no such setting", "known are url, host, port"),
    ('[server]\nport = "8080"\n', "server.port", "must be a whole number, is a text in quotes", "port to listen on"),
    ("[server]\nport = true\n", "server.port", "must be a whole number, is true or false", ""),
    ("[server]\nport = 0\n", "server.port", "0 is no port", "1 to 65535"),
    ('[server]\nhost = ""\n', "server.host", "is empty", "remove the line"),
    ("[server]\nurl = 2026-01-01\n", "server.url", "is a date or time", ""),
    ('[server]\nurl = "tocsin.acme.example"\n', "server.url", "no address", "http:// or https://"),
    ('[server]\nurl = "http://[::1"\n', "server.url", "no address", ""),
    ("server = 1\n", "server", "must be a table, is a whole number", "write [server]"),
    ('[people]\nadmins = "priya"\n', "people.admins", "must be a list of handles", '["priya", "jonas"]'),
    ("[people]\nadmins = [1]\n", "people.admins", "must be a list of handles", ""),
    ('[database]\nurl = "mysql://x/y"\n', "database.url", "no address", "sqlite:// or postgresql://"),
    ("[database]\nurl = { envv = 1 }\n", "database.url", "must be a secret", '{ env = "NAME" }'),
    ('[database]\nurl = ""\n', "database.url", "is empty", ""),
    ('[database]\nurl = { file = "none" }\n', "database.url", "file none is not set or empty", "set it"),
    ("[handbook]\npush = true\n", "handbook.push", "needs handbook.commit", "add commit = true"),
    ('[handbook]\npush = "origin"\n', "handbook.push", "must be true or false", "pushed"),
    ("ticket = 1\n", "ticket", "must be a table", "write [ticket]"),
    ("[ticket]\n", "ticket.kind", "kind is missing", "github"),
    ('[ticket]\nkind = "jira"\n', "ticket.kind", "no ticket of kind 'jira'", "github"),
    (TICKET.replace("acme/portal", "portal"), "ticket.repository", "is no repository", "owner/name"),
    (TICKET.replace("acme/portal", "acme/../x"), "ticket.repository", "is no repository", "owner/name"),
    (TICKET.replace("token", "tokken"), "ticket.tokken", "no such setting", "did you mean token?"),
    (TICKET + 'url = "http://git.acme.example"\n', "ticket.url", "token in the clear", "https://"),
    (TICKET + 'url = "HTTP://git.acme.example"\n', "ticket.url", "token in the clear", "https://"),
    (TICKET + 'url = "Http://127.0.0.1:3000"\n', "ticket.url", "token in the clear", "https://"),
    (TICKET + IN_THE_CLEAR.format("git.acme.example"), "ticket.url", "token in the clear", "https://"),
    (TICKET + IN_THE_CLEAR.format("127.0.0.1.acme.example"), "ticket.url", "token in the clear", "https://"),
    ('[channel.tickets]\nkind = "console"\n', "channel.tickets", "taken by tocsin", "choose another"),
    ("[channel]\nmail = 1\n", "channel.mail", "must be a table", "[channel.mail]"),
    ("channel = []\n", "channel", "must be a table, is a list", "[channel.<name>]"),
    ("[channel.mail]\n", "channel.mail.kind", "kind is missing", "apprise, console, email"),
    ('[channel.mail]\nkind = "emial"\n', "channel.mail.kind", "no channel of kind 'emial'", "did you mean email?"),
    ("[channel.mail]\nkind = 1\n", "channel.mail.kind", "no channel of kind 1", ""),
    (MAIL + 'form = "x"\n', "channel.mail.form", "no such setting", "did you mean from?"),
    (MAIL.replace('from = "t@acme.example"\n', ""), "channel.mail.from", "is missing", "add from"),
    (MAIL.replace("smtp://", "smtp://a:hidden@"), "channel.mail.url", "holds a password", "user and password"),
    (MAIL.replace("smtp:", "http:"), "channel.mail.url", "no address", "smtp:// or smtps://"),
    ('[channel."A B"]\nkind = "console"\n', "channel.A B", "is no name", ""),
    ('[channel.documents]\nkind = "console"\n', "channel.documents", "taken by tocsin", "choose another"),
    ('[integration.x]\nkind = "y"\n', "integration.x", "takes alerts in by no integration yet", "remove it"),
    ("integration = 1\n", "integration", "takes alerts in by no integration yet", "remove it"),
    ("not toml", "", "no valid TOML", "line"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "key", "message", "repair"), REFUSED)
def test_what_cannot_be_used_is_refused_with_place_and_repair(
    text: str, key: str, message: str, repair: str, tmp_path: Path
) -> None:
    found = refusal(tmp_path, text)
    assert found.file == tmp_path / "tocsin.toml"
    assert found.key == key
    assert message in found.message
    assert repair in found.repair
    assert str(found).startswith(f"{found.file}: {key}")


@pytest.mark.parametrize("host", ["127.0.0.1:3000", "localhost", "[::1]"])
def test_a_token_goes_in_the_clear_only_to_this_machine_and_where_that_is_allowed(
    host: str, tmp_path: Path
) -> None:
    ticket = read(tmp_path, TICKET + IN_THE_CLEAR.format(host)).ticket
    assert ticket is not None
    assert ticket.url == f"http://{host}/api"


def test_a_refusal_repeats_no_secret(tmp_path: Path) -> None:
    for line in ('url = "mysql://a:hidden@db/x"', 'url = { env = "U" }'):
        found = refusal(tmp_path, f"[database]\n{line}\n", {"U": "mysql://a:hidden@db/x"})
        assert "hidden" not in f"{found} {found!r} {found.repair}"


def test_a_named_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load(tmp_path / "none.toml", {})
    with pytest.raises(ConfigError, match="no such file"):
        load(None, {"TOCSIN_CONFIG": "none"}, start=tmp_path)


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tocsin.toml").write_bytes(b"# caf\xe9\n")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(tmp_path, {})


def test_a_binary_secret_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\xfe")
    found = refusal(tmp_path, '[database]\nurl = { file = "key" }\n')
    assert "not UTF-8" in found.message


# --- the environment of the command line, and the reference ----------------------------------------------


def test_the_client_environment() -> None:
    env = {"TOCSIN_URL": "http://x", "TOCSIN_TOKEN": "tcs_hidden", "TOCSIN_AS": "@priya", "NO_COLOR": "1"}
    found = config.client_environment(env)
    assert (found.url, found.acting_as, found.no_color) == ("http://x", "priya", True)
    assert found.token == Secret("tcs_hidden")
    assert "hidden" not in repr(found)


def test_empty_variables_count_as_not_set() -> None:
    env = {"TOCSIN_URL": "", "TOCSIN_TOKEN": "", "TOCSIN_AS": "", "NO_COLOR": ""}
    assert config.client_environment(env) == config.client_environment({})
    assert config.client_environment({}) == config.ClientEnvironment(None, None, None, no_color=False)


def test_the_reference_names_every_setting_once_with_words() -> None:
    found = list(config.reference())
    names = [name for name, _ in found]
    assert len(set(names)) == len(names)
    assert {"server.url", "people.admins", "database.url", "handbook.path"} <= {*names}
    assert 'channel.<name> (kind = "email").from' in names
    assert all(doc.strip() for _, doc in found)


def test_the_reference_page_names_every_setting_and_variable() -> None:
    page = (REFERENCE / "settings.md").read_text(encoding="utf-8")
    for name in [re.sub(r" \(.*?\)", "", name) for name, _ in config.reference()] + list(config.ENVIRONMENT):
        assert f"`{name}`" in page, name
    for kind in (*config.CHANNELS, *config.TRACKERS):
        assert f"`{kind}`" in page
