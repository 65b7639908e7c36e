"""`var/server.json`: private, whole, and never believed when its process has gone."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys

import pytest

from tocsin.cli.serverfile import RunningServer, find_servers, remove_server_file, upwards, write_server_file


def find_server(folders):
    return next(find_servers(folders), None)


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


def test_it_is_found_from_every_folder_below_and_the_nearest_counts(tmp_path):
    far, near = tmp_path / "far", tmp_path / "far" / "near"
    (near / "deep" / "down").mkdir(parents=True)
    write_server_file(far / "var", server(boot="far"))
    assert find_server(upwards(near / "deep" / "down")) == server(boot="far")
    write_server_file(near / "var", server(boot="near"))
    assert [one.boot for one in find_servers(upwards(near / "deep"))] == ["near", "far"]
    assert find_server(upwards(tmp_path)) is None


def test_further_up_nothing_of_somebody_else_is_believed(tmp_path, monkeypatch):
    below = tmp_path / "here"
    below.mkdir()
    write_server_file(tmp_path / "var", server())
    assert find_server(upwards(below)) == server()
    owner = os.geteuid()
    monkeypatch.setattr("tocsin.cli.serverfile.os.geteuid", lambda: owner + 1)
    assert find_server(upwards(below)) is None


def test_a_link_or_a_pipe_in_its_place_is_no_server_and_keeps_nobody_waiting(tmp_path):
    path = write_server_file(tmp_path / "elsewhere", server())
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "server.json").symlink_to(path)
    (tmp_path / "pipe").mkdir()
    os.mkfifo(tmp_path / "pipe" / "server.json", 0o600)
    assert find_server([tmp_path / "linked", tmp_path / "pipe", tmp_path / "elsewhere"]) == server()
    assert find_server([tmp_path / "linked", tmp_path / "pipe"]) is None


def test_a_file_of_an_older_program_names_no_settings(tmp_path):
    path = write_server_file(tmp_path, server())
    old = json.loads(path.read_text())
    del old["settings"]
    path.write_text(json.dumps(old))
    assert find_server([tmp_path]) == server()


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
