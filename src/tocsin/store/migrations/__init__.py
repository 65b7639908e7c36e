"""One linear history of the schema, for both databases. Imported only when a database is behind."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection

from tocsin.store.contract import StoreUnavailable


def config(connection: Connection | None = None) -> Config:
    """Alembic's settings, without a file: the scripts beside this module, on the connection given."""
    found = Config()
    found.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    found.attributes["connection"] = connection
    return found


def head() -> str | None:
    """The newest revision of the script directory."""
    return ScriptDirectory.from_config(config()).get_current_head()


def upgrade(connection: Connection) -> None:
    """To head, inside the transaction that is open. Raises StoreUnavailable for a database of a newer program."""
    try:
        command.upgrade(config(connection), "head")
    except CommandError as error:
        raise StoreUnavailable(f"the database is newer than this program: {error}") from error
