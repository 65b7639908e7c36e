"""The handbook in force: asked of the server."""

from __future__ import annotations

from typing import Any

import typer

from tocsin.cli.client import connected
from tocsin.cli.failure import REFUSED
from tocsin.cli.options import AsJson, AsPerson, AtServer
from tocsin.cli.output import STDOUT, columns, emit_json, plain

app = typer.Typer(rich_markup_mode=None)
handbook = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="The handbook in force: status, reload."
)
app.add_typer(handbook, name="handbook")


@handbook.command()
def status(server: AtServer = None, person: AsPerson = None, as_json: AsJson = False) -> None:
    """Show which handbook is in force and what is wrong with the files now; exit code 1 when something is.

    Examples:
      tocsin handbook status
    """
    with connected(server, person) as client:
        found = client.get("handbook")
        findings = client.get("handbook/findings")["findings"]
    _say(found, findings, as_json=as_json)


@handbook.command()
def reload(server: AtServer = None, person: AsPerson = None, as_json: AsJson = False) -> None:
    """Read the files again and put them in force if they are usable. A running server does so by itself.

    Examples:
      tocsin handbook reload
    """
    with connected(server, person) as client:
        found = client.post("handbook/reload")
    if not as_json:
        STDOUT.line(
            "a new policy is in force" if found["changed"] else "the policy in force is the same as before"
        )
    _say(found, found["findings"], as_json=as_json)


def _say(found: dict[str, Any], findings: list[dict[str, Any]], *, as_json: bool) -> None:
    """Which policy, from which commit, and what `check` says. Raises Exit 1 for warnings and errors."""
    if as_json:
        emit_json({**found, "findings": findings})
    else:
        for line in columns([(name, _value(found[name])) for name in _SHOWN if found.get(name)]):
            STDOUT.line(line)
        if found.get("blocked"):
            STDOUT.line("the files as they are now cannot be used: the last good policy stays in force")
        for f in findings:
            STDOUT.line(
                f"{plain(f['file'])}:{f['line']}  {plain(f['rule'])}  {plain(f['level'])}  {plain(f['message'])}"
            )
        STDOUT.line(f"{len(findings)} findings" if findings else "no findings")
    if any(f["level"] != "info" for f in findings):
        raise typer.Exit(REFUSED)


_SHOWN = ("hash", "commit", "activated_at", "files")


def _value(value: Any) -> str:
    return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)
