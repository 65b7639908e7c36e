"""Reads tocsin.toml and the environment: once, checked completely. Nothing else reads the environment.

A secret is `{ env = "NAME" }` or `{ file = "path" }`; a literal works and is listed in `Settings.literal_secrets`. What
can be configured stands in `values`.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass
from datetime import time, timedelta
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tocsin.config.values import (
    CHANNELS,
    TRACKERS,
    AppriseSettings,
    ChannelSettings,
    ConfigError,
    Database,
    Handbook,
    People,
    Secret,
    Server,
    TrackerSettings,
    key_of,
    settings_of,
)
from tocsin.config.watching import LONGEST, SHORTEST, WATCHING, SelfAlarm
from tocsin.config.whole import Settings
from tocsin.domain.effects import DOCUMENTS_LANE, NOWHERE_LANE, SIREN_LANE, TICKETS_LANE

FILE_NAME: Final = "tocsin.toml"
ENVIRONMENT: Final = {
    "TOCSIN_CONFIG": "path of tocsin.toml or of its folder, instead of looking upwards from the current folder",
    "TOCSIN_URL": "address of the server that the command line speaks to",
    "TOCSIN_TOKEN": "token that the command line signs in with",
    "TOCSIN_AS": "handle of the person on whose behalf the local operator acts",
    "NO_COLOR": "set to anything but the empty string: no colours on the terminal",
}
"""Every variable that tocsin itself reads; those that `{ env = ... }` names come on top."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_REPOSITORY = re.compile(r"[A-Za-z0-9-]{1,39}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_DURATION = re.compile(r"(\d{1,5})(s|m|h)")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours"}
_ENV_OR_FILE = '{ env = "NAME" } or { file = "path" }'
_SECRET_LIMIT = 64 * 1024
"""Bytes of a file that holds a secret."""


@dataclass(frozen=True, slots=True)
class ClientEnvironment:
    """What the command line takes from the environment."""

    url: str | None
    token: Secret | None
    acting_as: str | None
    no_color: bool


def client_environment(environ: Mapping[str, str] | None = None) -> ClientEnvironment:
    """TOCSIN_URL, TOCSIN_TOKEN, TOCSIN_AS and NO_COLOR; an empty variable counts as not set."""
    env = os.environ if environ is None else environ
    token = env.get("TOCSIN_TOKEN")
    return ClientEnvironment(
        url=env.get("TOCSIN_URL") or None,
        token=Secret(token, "env TOCSIN_TOKEN") if token else None,
        acting_as=env.get("TOCSIN_AS", "").lstrip("@") or None,
        no_color=bool(env.get("NO_COLOR")),
    )


def load(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    start: Path | None = None,
    need_secrets: bool = True,
) -> Settings:
    """Read the settings. Raises ConfigError for the first one that cannot be used.

    `path`: the file or its folder; else TOCSIN_CONFIG; else the first tocsin.toml from `start` (default: the current
    folder) upwards; else the defaults. `need_secrets=False` is for commands that carry nothing out.
    """
    env = os.environ if environ is None else environ
    begin = (start or Path.cwd()).resolve()
    file = _find(path or (Path(env["TOCSIN_CONFIG"]) if env.get("TOCSIN_CONFIG") else None), begin)
    document = _parse(file) if file else {}
    return _Reader(file, file.parent if file else begin, env, need_secrets).settings(document)


def _find(path: Path | None, begin: Path) -> Path | None:
    if path is not None:
        file = (begin / path).resolve()
        file = file / FILE_NAME if file.is_dir() else file
        if not file.is_file():
            raise ConfigError(file, "", "there is no such file", "name another, or run tocsin init")
        return file
    return next((f for folder in (begin, *begin.parents) if (f := folder / FILE_NAME).is_file()), None)


def _parse(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(file, "", f"cannot be read: {error.strerror}", "check its permissions") from None
    except UnicodeDecodeError:
        raise ConfigError(file, "", "is not UTF-8", "save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(file, "", f"is no valid TOML: {error}", "repair that line") from None


_Section = TypeVar("_Section")


class _Reader:
    """One pass over one document; gathers the literal and the missing secrets on the way."""

    def __init__(self, file: Path | None, root: Path, env: Mapping[str, str], need_secrets: bool) -> None:
        self.file = file
        self.root = root
        self.env = env
        self.need_secrets = need_secrets
        self.literal: list[str] = []
        self.missing: list[str] = []

    def fail(self, key: str, message: str, repair: str = "") -> ConfigError:
        return ConfigError(self.file, key, message, repair)

    def settings(self, document: dict[str, Any]) -> Settings:
        """The whole document."""
        self.refuse_integrations(document)
        sections = ("server", "people", "database", "handbook", "channel", "ticket", *WATCHING)
        self.refuse_unknown(document, sections, "")
        server = self.section(Server, document.get("server", {}), "server")
        if not 1 <= server.port <= 65535:
            raise self.fail("server.port", f"{server.port} is no port", "1 to 65535")
        return Settings(
            root=self.root,
            file=self.file,
            server=server,
            people=self.section(People, document.get("people", {}), "people"),
            database=self.section(Database, document.get("database", {}), "database"),
            handbook=self.handbook(document.get("handbook", {})),
            channels=dict(self.channels(document.get("channel", {}))),
            ticket=self.ticket(document["ticket"]) if "ticket" in document else None,
            **self.watching(document),
            literal_secrets=tuple(self.literal),
            missing_secrets=tuple(self.missing),
        )

    def channels(self, tables: Any) -> Iterator[tuple[str, ChannelSettings]]:
        """[channel.<name>], by kind."""
        for name, table in self.named(tables, "channel"):
            where = f"channel.{name}"
            if name in (DOCUMENTS_LANE, NOWHERE_LANE, SIREN_LANE, TICKETS_LANE):
                raise self.fail(where, "this name is taken by tocsin itself", "choose another")
            cls, rest = self.by_kind(CHANNELS, table, where, "channel")
            if cls is AppriseSettings and self.need_secrets and find_spec("apprise") is None:
                raise self.fail(f"{where}.kind", "Apprise is not installed", "pip install 'tocsin[apprise]'")
            yield name, self.section(cls, rest, where, name=name)

    def watching(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """[self_alarm], [heartbeat], [watch], [synthetic]: those that are there."""
        found = {n: self.section(cls, document[n], n) for n, cls in WATCHING.items() if n in document}
        if "self_alarm" in found:
            self.check_self_alarm(found["self_alarm"])
        if "watch" in found and "self_alarm" not in found:
            raise self.fail("watch", "nobody would be told", "add [self_alarm]: whom, and by which way")
        if "synthetic" in found:
            try:
                ZoneInfo(found["synthetic"].tz)
            except (ZoneInfoNotFoundError, ValueError):
                raise self.fail("synthetic.tz", "there is no such zone", "as in Europe/Berlin") from None
        return found

    def check_self_alarm(self, said: SelfAlarm) -> None:
        """A way that lacks a part is no way, and nobody would know."""
        if not (said.url or said.webhook or said.hook):
            raise self.fail("self_alarm", "names no way to tell anybody", "add url, webhook or hook")
        for key, value in (("from", said.sender), ("to", said.to)):
            if bool(said.url) != bool(value):
                what = f"self_alarm.{key if said.url else 'url'}"
                raise self.fail(what, "is missing", "a mail needs url, from and to")
        if bool(said.user) != bool(said.password):
            raise self.fail("self_alarm.password", "belongs to user", "give both or neither")

    def handbook(self, table: Any) -> Handbook:
        """[handbook]: what is not committed cannot be pushed."""
        found = self.section(Handbook, table, "handbook")
        if found.push and not found.commit:
            raise self.fail("handbook.push", "needs handbook.commit", "add commit = true")
        return found

    def ticket(self, table: Any) -> TrackerSettings:
        """[ticket], by kind."""
        cls, rest = self.by_kind(TRACKERS, self.table(table, "ticket"), "ticket", "ticket")
        found = self.section(cls, rest, "ticket")
        if not _REPOSITORY.fullmatch(found.repository):
            raise self.fail("ticket.repository", "is no repository", "owner/name, as in its address")
        if _in_the_clear(found.url) and not (found.allow_loopback and _this_machine(found.url)):
            raise self.fail("ticket.url", "would send the token in the clear", "it begins with https://")
        return found

    def by_kind(
        self, kinds: Mapping[str, type[_Section]], table: dict[str, Any], where: str, what: str
    ) -> tuple[type[_Section], dict[str, Any]]:
        """The dataclass that `kind` names, and the other values."""
        kind = table.get("kind")
        cls = kinds.get(kind) if isinstance(kind, str) else None
        if cls is None:
            said = "kind is missing" if kind is None else f"there is no {what} of kind {kind!r}"
            raise self.fail(f"{where}.kind", said, _nearest(str(kind), kinds))
        return cls, {key: value for key, value in table.items() if key != "kind"}

    def named(self, tables: Any, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """The tables below one section."""
        for name, table in self.table(tables, where, ".<name>").items():
            if not _NAME.fullmatch(name):
                raise self.fail(f"{where}.{name}", "is no name", "a to z, 0 to 9, - and _, at most 64")
            yield name, self.table(table, f"{where}.{name}")

    def table(self, value: Any, where: str, below: str = "") -> dict[str, Any]:
        """The value itself, which must be a table."""
        if not isinstance(value, dict):
            raise self.fail(where, f"must be a table, is {_type_name(value)}", f"write [{where}{below}]")
        return value

    def section(self, cls: type[_Section], table: Any, where: str, **given: str) -> _Section:
        """One table as its dataclass."""
        own = settings_of(cls)
        self.refuse_unknown(self.table(table, where), [key_of(f) for f in own], where)
        hints = get_type_hints(cls)
        values: dict[str, Any] = dict(given)
        for f in own:
            key = f"{where}.{key_of(f)}"
            if key_of(f) in table:
                values[f.name] = self.value(table[key_of(f)], hints[f.name], f, key)
            elif f.default is MISSING:
                raise self.fail(key, "is missing", f"add {key_of(f)}: {f.metadata['doc']}")
            else:
                values[f.name] = self.default(f)
        return cls(**values)

    def default(self, f: Field[Any]) -> Any:
        """Defaults hold relative paths too."""
        if isinstance(f.default, Path):
            return self.root / f.default
        if isinstance(f.default, Secret):
            return Secret(self.absolute(f.default.reveal()), f.default.source)
        return f.default

    def value(self, value: Any, wanted: Any, f: Field[Any], key: str) -> Any:
        """One value, converted by the type of its field."""
        kind = _type_of(wanted)
        if kind is Secret:
            return self.secret(value, f, key)
        if kind is tuple:
            return self.items(value, f.metadata["items"], key)
        if kind in (timedelta, time):
            return self.moment(value, kind, key)
        expected = str if kind is Path else kind
        if type(value) is not expected:
            raise self.fail(key, f"must be {_TYPES[expected]}, is {_type_name(value)}", f.metadata["doc"])
        if value == "":
            raise self.fail(key, "is empty", "give a value, or remove the line")
        if f.metadata["link"]:
            self.check_link(value, f, key)
            if _has_password(value):
                raise self.fail(key, "holds a password", "the settings user and password are for that")
        return (self.root / value).resolve() if kind is Path else value

    def items(self, value: Any, what: str, key: str) -> tuple[str, ...]:
        """A list of people, of addresses, or of the words of a command."""
        example = {"handles": '["priya", "jonas"]', "addresses": '["ops@acme.example"]', "words": '["tell"]'}
        if not isinstance(value, list) or not all(isinstance(v, str) and v.strip("@ ") for v in value):
            said = f"must be a list of {what}, is {_type_name(value)}"
            raise self.fail(key, said, example[what])
        if what == "words":
            return tuple(value)
        if what == "addresses" and not all(0 < v.find("@") < len(v) - 1 for v in value):
            raise self.fail(key, "holds something that is no address", example[what])
        return tuple(v.strip().lstrip("@") for v in value)

    def moment(self, value: Any, kind: type[timedelta | time], key: str) -> timedelta | time:
        """`45s`, `10m`, `1h`; or `09:10`."""
        found = _moment(value, kind)
        if found is None:
            shape = (
                'a duration, as in "45s" or "10m"' if kind is timedelta else 'a time of day, as in "09:10"'
            )
            raise self.fail(key, f"is not {shape}", f"write {shape}")
        longest = LONGEST.get(key)
        if isinstance(found, timedelta) and longest and not SHORTEST <= found <= longest:
            raise self.fail(key, "is out of range", f"10s to {longest.total_seconds():.0f}s")
        return found

    def secret(self, value: Any, f: Field[Any], key: str) -> Secret:
        """A literal, `{ env = "NAME" }` or `{ file = "path" }`."""
        if isinstance(value, str):
            found = Secret(value)
            if not f.metadata["literal"] or (f.metadata["link"] and _has_password(value)):
                self.literal.append(key)
        elif isinstance(value, dict) and len(value) == 1 and isinstance(value.get("env"), str):
            found = Secret(self.env.get(value["env"]) or None, f"env {value['env']}")
        elif isinstance(value, dict) and len(value) == 1 and isinstance(value.get("file"), str):
            found = self.from_file(value["file"], key)
        else:
            raise self.fail(key, f"must be a secret, is {_type_name(value)}", _ENV_OR_FILE)
        return self.checked_secret(found, f, key)

    def from_file(self, name: str, key: str) -> Secret:
        """The file's text without the line break at its end."""
        try:
            with (self.root / name).open("rb") as file:
                text = file.read(_SECRET_LIMIT).decode("utf-8").rstrip("\r\n")
        except FileNotFoundError:
            text = ""
        except OSError as error:
            said = f"the file {name} cannot be read: {error.strerror}"
            raise self.fail(key, said, "check its permissions") from None
        except UnicodeDecodeError:
            raise self.fail(key, f"the file {name} is not UTF-8", "store the secret as plain text") from None
        return Secret(text or None, f"file {name}")

    def checked_secret(self, secret: Secret, f: Field[Any], key: str) -> Secret:
        """Present, and an address where one is wanted."""
        if not secret:
            if self.need_secrets:
                raise self.fail(key, f"{secret.source} is not set or empty", "set it before tocsin starts")
            self.missing.append(key)
            return secret
        if secret.reveal() == "":
            raise self.fail(key, "is empty", _ENV_OR_FILE)
        if not f.metadata["link"]:
            return secret
        self.check_link(secret.reveal(), f, key)
        return Secret(self.absolute(secret.reveal()), secret.source)

    def check_link(self, url: str, f: Field[Any], key: str) -> None:
        """The scheme is one of those allowed; the message never repeats the address, which may hold a password."""
        schemes = f.metadata["link"].split()
        try:
            parts = urlsplit(url)
            fits = parts.scheme.split("+")[0] in schemes and bool(parts.netloc or parts.path.strip("/"))
        except ValueError:
            fits = False
        if not fits:
            raise self.fail(
                key,
                "is no address that can be used here",
                f"it begins with {' or '.join(f'{s}://' for s in schemes)}",
            )

    def absolute(self, url: str) -> str:
        """A relative SQLite file counts from the folder of tocsin.toml."""
        scheme, separator, rest = url.partition(":///")
        if separator and scheme.split("+")[0] == "sqlite" and not rest.startswith(("/", ":memory:")):
            return f"{scheme}:///{(self.root / rest).resolve()}"
        return url

    def refuse_integrations(self, document: Mapping[str, Any]) -> None:
        """Whoever configures a sender must not believe that its alerts arrive."""
        if "integration" in document:
            tables = document["integration"]
            where = (
                ".".join(["integration", *list(tables)[:1]]) if isinstance(tables, dict) else "integration"
            )
            said = "this version takes alerts in by no integration yet"
            raise self.fail(where, said, "remove it, and let people declare: tocsin declare")

    def refuse_unknown(
        self, table: Mapping[str, Any], known: list[str] | tuple[str, ...], where: str
    ) -> None:
        """A misspelt setting that is passed over is a setting that does not work."""
        for key in table:
            if key not in known:
                name = ".".join(filter(None, (where, key)))
                repair = _nearest(key, known)
                raise self.fail(name, "there is no such setting", repair)


_TYPES: Final[dict[type, str]] = {str: "a text in quotes", int: "a whole number", bool: "true or false"}


def _type_of(hint: Any) -> Any:
    """The type of a field without its `| None` and its parameters."""
    plain = next(a for a in get_args(hint) if a is not NoneType) if get_origin(hint) is UnionType else hint
    return get_origin(plain) or plain


def _type_name(value: Any) -> str:
    others = {float: "a number with a fraction", list: "a list", dict: "a table"}
    return (_TYPES | others).get(type(value), "a date or time")


def _moment(value: Any, kind: type[timedelta | time]) -> timedelta | time | None:
    if kind is time:
        if isinstance(value, time):
            return value
        found = _TIME_OF_DAY.fullmatch(value) if isinstance(value, str) else None
        return time(int(found[1]), int(found[2])) if found else None
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    return timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None


def _nearest(word: str, known: Any) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"


def _in_the_clear(url: str) -> bool:
    return urlsplit(url).scheme == "http"


def _this_machine(url: str) -> bool:
    """Whether the host is a loopback address, or the name that stands for one."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _has_password(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.password is not None or "password=" in parts.query
    except ValueError:
        return True
