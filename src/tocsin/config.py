"""tocsin.toml and the environment: read once, checked completely, handed on as frozen dataclasses.

The only module that reads the environment. What a setting means is said beside its field; `reference` lists it all, so
that the documentation can be checked for completeness. A secret is `{ env = "NAME" }` or `{ file = "path" }`; a literal
works and is listed in `Settings.literal_secrets`. Policy is not configured here: it stands in the handbook.
"""

from __future__ import annotations

import difflib
import hmac
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, ClassVar, Final, TypeVar, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

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
_ENV_OR_FILE = '{ env = "NAME" } or { file = "path" }'
_SECRET_LIMIT = 64 * 1024
"""Bytes of a file that holds a secret."""


class ConfigError(Exception):
    """A setting that cannot be used: where it stands, what is wrong, how to repair it."""

    def __init__(self, file: Path | None, key: str, message: str, repair: str = "") -> None:
        self.file = file
        self.key = key
        self.message = message
        self.repair = repair
        where = ": ".join(filter(None, (str(file) if file else "", key)))
        super().__init__(f"{where}: {message}" + (f"; {repair}" if repair else ""))


class Secret:
    """A value that is shown to nobody by accident: neither its repr, its text nor a pickle holds it."""

    __slots__ = ("_value", "source")

    def __init__(self, value: str | None, source: str = "literal") -> None:
        self._value = value
        self.source = source
        """Where it comes from: `literal`, `env NAME` or `file PATH`."""

    def reveal(self) -> str:
        """The value itself. Raises ConfigError where it was allowed to be missing and is."""
        if self._value is None:
            raise ConfigError(None, "", f"the secret from {self.source} is missing", "set it")
        return self._value

    def __bool__(self) -> bool:
        return self._value is not None

    def __repr__(self) -> str:
        return f"Secret(*** from {self.source})"

    def __str__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret) or self._value is None or other._value is None:
            return self is other
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")


def about(doc: str, *, key: str | None = None, literal: bool = False, link: str = "") -> dict[str, Any]:
    """What is known of a setting beside its type. `key`: its name in the file, where that is no Python name.

    `literal`: a Secret that may stand in the file, unless it is an address that holds a password. `link`: the
    schemes that the address may have, separated by spaces.
    """
    return {"doc": doc, "key": key, "literal": literal, "link": link}


@dataclass(frozen=True, slots=True)
class Server:
    """[server]"""

    url: str | None = field(
        default=None,
        metadata=about(
            "address that links are built from, as people reach it; default: http://host:port",
            link="http https",
        ),
    )
    host: str = field(
        default="127.0.0.1",
        metadata=about("address to listen on; anything but a loopback address opens tocsin to a network"),
    )
    port: int = field(default=8080, metadata=about("port to listen on, 1 to 65535"))

    @property
    def base_url(self) -> str:
        """What links begin with; no slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.url or f"http://{host}:{self.port}").rstrip("/")


@dataclass(frozen=True, slots=True)
class People:
    """[people]"""

    admins: tuple[str, ...] = field(
        default=(), metadata=about("handles of the administrators, as in the handbook's roster")
    )


@dataclass(frozen=True, slots=True)
class Database:
    """[database]"""

    url: Secret = field(
        default=Secret("sqlite:///var/tocsin.db", "default"),
        metadata=about(
            "sqlite:///file or postgresql://user@host/name; with a password only as { env = ... } or { file = ... }",
            literal=True,
            link="sqlite postgresql postgres",
        ),
    )


@dataclass(frozen=True, slots=True)
class Handbook:
    """[handbook]"""

    path: Path = field(
        default=Path("docs/ops"), metadata=about("folder of the Markdown files, inside a git work tree")
    )
    commit: bool = field(
        default=False,
        metadata=about("whether tocsin commits its own rows, drafts and card, and nothing else"),
    )
    push: bool = field(
        default=False,
        metadata=about("whether its commits are pushed to the branch that is followed; needs commit"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubSettings:
    """[ticket] of kind github: an issue for each declared incident."""

    kind: ClassVar[str] = "github"
    repository: str = field(metadata=about("owner/name of the repository whose issues are the tickets"))
    token: Secret = field(metadata=about("token that may write issues there"))
    url: str = field(
        default="https://api.github.com",
        metadata=about(
            "address of the API; of GitHub Enterprise Server: https://host/api/v3", link="https http"
        ),
    )
    allow_loopback: bool = field(default=False, metadata=about("whether the address may lie on this machine"))


TrackerSettings = GitHubSettings
TRACKERS: Final[dict[str, type[TrackerSettings]]] = {"github": GitHubSettings}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSettings:
    """What every [channel.<name>] may say."""

    kind: ClassVar[str]
    name: str = ""
    people: tuple[str, ...] | None = field(
        default=None, metadata=about("handles of who is reached on this channel; default: everyone")
    )

    def values(self) -> dict[str, Any]:
        """`kind` and what its constructor takes, secrets in the clear: for the wiring, never to be shown."""
        own = (f for f in fields(self) if f.name not in ("name", "people"))
        found = {f.name: getattr(self, f.name) for f in own}
        found["kind"] = self.kind
        return {name: v.reveal() if isinstance(v, Secret) else v for name, v in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailSettings(ChannelSettings):
    """[channel.<name>] of kind email."""

    kind: ClassVar[str] = "email"
    url: str = field(
        metadata=about(
            "mail server: smtp://host:port, smtp://host:port?tls=starttls or smtps://host:port",
            link="smtp smtps",
        )
    )
    sender: str = field(metadata=about("address, or name <address>, that mails come from", key="from"))
    user: Secret | None = field(default=None, metadata=about("user name at the mail server", literal=True))
    password: Secret | None = field(default=None, metadata=about("password at the mail server"))


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings(ChannelSettings):
    """[channel.<name>] of kind webhook."""

    kind: ClassVar[str] = "webhook"
    url: Secret = field(
        metadata=about("address that receives the POST, http or https", literal=True, link="http https")
    )
    secret: Secret = field(
        metadata=about("signing secret of Standard Webhooks: whsec_ and 24 to 64 bytes in base64")
    )
    allow_loopback: bool = field(default=False, metadata=about("whether the address may lie on this machine"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSettings(ChannelSettings):
    """[channel.<name>] of kind console."""

    kind: ClassVar[str] = "console"


CHANNELS: Final[dict[str, type[ChannelSettings]]] = {
    "console": ConsoleSettings,
    "email": EmailSettings,
    "webhook": WebhookSettings,
}


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that was configured. Relative paths are resolved against `root`."""

    root: Path
    """The folder of tocsin.toml; without one, the folder the search began in."""
    file: Path | None = None
    server: Server = field(default_factory=Server)
    people: People = field(default_factory=People)
    database: Database = field(default_factory=Database)
    handbook: Handbook = field(default_factory=Handbook)
    channels: dict[str, ChannelSettings] = field(default_factory=dict)
    ticket: TrackerSettings | None = None
    literal_secrets: tuple[str, ...] = ()
    """Keys where a secret stands in the file itself: a finding of `tocsin check`."""
    missing_secrets: tuple[str, ...] = ()
    """Keys whose secret is not there; empty unless `load` was told that it may be missing."""

    @property
    def var(self) -> Path:
        """The folder of what the running program writes: database, spool, server.json."""
        return self.root / "var"


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


def reference() -> Iterator[tuple[str, str]]:
    """Every setting by its key path (`server.url`, `channel.<name>.url`) with what it means."""
    sections: list[tuple[str, type[Any]]] = [
        ("server", Server),
        ("people", People),
        ("database", Database),
        ("handbook", Handbook),
        *((f'ticket (kind = "{kind}")', cls) for kind, cls in TRACKERS.items()),
        *((f'channel.<name> (kind = "{kind}")', cls) for kind, cls in CHANNELS.items()),
    ]
    for section, cls in sections:
        for f in _settings_of(cls):
            yield f"{section}.{_key(f)}", f.metadata["doc"]


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


def _settings_of(cls: type[Any]) -> list[Field[Any]]:
    return [f for f in fields(cls) if "doc" in f.metadata]


def _key(f: Field[Any]) -> str:
    return f.metadata["key"] or f.name


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
        self.refuse_unknown(document, ("server", "people", "database", "handbook", "channel", "ticket"), "")
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
            yield name, self.section(cls, rest, where, name=name)

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
        if found.url.startswith("http:") and not found.allow_loopback:
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
        own = _settings_of(cls)
        self.refuse_unknown(self.table(table, where), [_key(f) for f in own], where)
        hints = get_type_hints(cls)
        values: dict[str, Any] = dict(given)
        for f in own:
            key = f"{where}.{_key(f)}"
            if _key(f) in table:
                values[f.name] = self.value(table[_key(f)], hints[f.name], f, key)
            elif f.default is MISSING:
                raise self.fail(key, "is missing", f"add {_key(f)}: {f.metadata['doc']}")
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
            return self.handles(value, key)
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

    def handles(self, value: Any, key: str) -> tuple[str, ...]:
        """A list of people."""
        if not isinstance(value, list) or not all(isinstance(v, str) and v.strip("@ ") for v in value):
            raise self.fail(key, f"must be a list of handles, is {_type_name(value)}", '["priya", "jonas"]')
        return tuple(v.strip().lstrip("@") for v in value)

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


def _nearest(word: str, known: Any) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"


def _has_password(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.password is not None or "password=" in parts.query
    except ValueError:
        return True
