"""On a terminal: what is missing is asked for, and colours appear unless NO_COLOR says otherwise."""

from __future__ import annotations

import os
import pty
import subprocess

import pytest


def at_a_terminal(shell, words, answers=(), **environment):
    """Run it with a terminal of its own and type the answers; everything that appears."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [shell.command, *words],
        cwd=shell.folder,
        env={**shell.environment, "TERM": "xterm", **environment},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    for answer in answers:
        os.write(ours, f"{answer}\n".encode())
    seen = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    os.close(ours)
    return process.wait(timeout=20), seen.decode()


def test_what_is_missing_is_asked_for(acme, served):
    acme.run("declare", "Sign-in loops", "--sev", "SEV3")
    code, seen = at_a_terminal(acme, ["update", "--impact", "some users"], ["unknown", "rolling back"])
    assert code == 0
    assert "Impact" not in seen.split("Update by")[0]
    assert "ETA" in seen
    assert "Impact: some users. ETA: unknown. Next: rolling back" in seen


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colours(acme, environment, coloured):
    code, seen = at_a_terminal(acme, ["doctor"], **environment)
    assert code == 0
    assert ("\x1b[32mok" in seen) is coloured
    assert "ok" in seen


def test_restoring_asks_first(acme):
    acme.run("list")
    acme.run("backup", "copy.db")
    code, seen = at_a_terminal(acme, ["restore", "copy.db"], ["n"])
    assert code == 1
    assert "not restored" in seen
