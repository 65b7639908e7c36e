"""Real processes on real databases; started and ended as in the command line's tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.conftest import Shell, clean_environment, mailbox, start

__all__ = ["mailbox", "node_folder", "start"]

QUICK = Path(__file__).with_name("quick_handbook.md")


@pytest.fixture
def node_folder(tmp_path: Path) -> Callable[..., Shell]:
    """Makes a folder for one node: the quick handbook, a database, a mail server."""

    def make(name: str, database: str, smtp_port: int) -> Shell:
        folder = tmp_path / name
        (folder / "docs" / "ops").mkdir(parents=True)
        shutil.copy(QUICK, folder / "docs" / "ops" / "incident_response.md")
        (folder / "tocsin.toml").write_text(
            '[database]\nurl = { env = "DATABASE_URL" }\n'
            '[handbook]\npath = "docs/ops"\n'
            f'[channel.mail]\nkind = "email"\nurl = "smtp://127.0.0.1:{smtp_port}"\nfrom = "tocsin@test.example"\n'
        )
        return Shell(folder, {**clean_environment(tmp_path), "DATABASE_URL": database})

    return make
