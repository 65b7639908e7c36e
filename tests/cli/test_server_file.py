"""`var/server.json`: private, whole, and never believed when its process has gone."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys

import pytest

from tocsin.cli.serverfile import RunningServer, find_server, remove_server_file, write_server_file


def server(pid=None, boot="b1"):
    return RunningServer("http://127.0.0.1:1", "tcs_secret", pid or os.getpid(), boot)


@pytest.fixture
def gone():
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_it_is_written_whole_and_for_its_owner_only(tmp_path):
    path = write_server_file(tmp_path / "var", server())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert find_server([tmp_path / "var"]) == server()
    assert [p.name for p in path.parent.iterdir()] == ["server.json"]


def test_the_token_is_not_shown_by_accident():
    assert "tcs_secret" not in repr(server())


def test_a_process_that_is_gone_is_no_server(tmp_path, gone):
    write_server_file(tmp_path, server(pid=gone))
    assert find_server([tmp_path]) is None


def test_the_next_folder_is_looked_at(tmp_path, gone):
    write_server_file(tmp_path / "a", server(pid=gone))
    write_server_file(tmp_path / "b", server())
    assert find_server([tmp_path / "a", tmp_path / "none", tmp_path / "b"]) == server()


def test_a_file_that_others_can_read_is_not_believed(tmp_path):
    write_server_file(tmp_path, server()).chmod(0o644)
    assert find_server([tmp_path]) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"url": 1, "token": 2, "pid": "x", "boot": 4}'])
def test_anything_else_is_no_server(tmp_path, text):
    path = tmp_path / "server.json"
    path.write_text(text)
    path.chmod(0o600)
    assert find_server([tmp_path]) is None


def test_only_its_own_process_removes_it(tmp_path):
    path = write_server_file(tmp_path, server(boot="new"))
    remove_server_file(path, "old")
    assert json.loads(path.read_text())["boot"] == "new"
    remove_server_file(path, "new")
    assert not path.exists()
