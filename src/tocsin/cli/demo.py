"""`tocsin demo`, which `make run` calls: the example handbook, a mailbox, and what to type next.

Everything it writes lies below `var/` of the current folder: a copy of examples/acme that is a git work tree of its
own, the database, server.json. Mail goes to the mailbox on this machine and nowhere else.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

import tocsin
from tocsin.cli.asked import present
from tocsin.cli.client import load_settings
from tocsin.cli.failure import Failure
from tocsin.cli.options import AsJson
from tocsin.cli.output import STDOUT, emit_json, plain
from tocsin.cli.running import Plan, plan_for, run
from tocsin.config import Database, EmailSettings, Secret, Settings
from tocsin.domain.oncall.rota import Rota
from tocsin.web.signin import issue_signin_link
from tocsin.wiring.mailbox import Mailbox
from tocsin.wiring.program import Program

app = typer.Typer(rich_markup_mode=None)

EXAMPLE: Final = Path("examples") / "acme"
IDENTITY: Final = (
    "-c",
    "user.name=Acme",
    "-c",
    "user.email=platform@acme.example",
    "-c",
    "commit.gpgsign=false",
)
OWN_DATABASE: Final = "sqlite:///var/tocsin.db"
DEMO_DATABASE: Final = "sqlite:///../tocsin.db"
FIRST: Final = 'declare "Sign-in loops for all users" --sev SEV1'


@app.command(hidden=True)
def demo(
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port of the web.")] = 8080,
    smtp_port: Annotated[
        int,
        typer.Option(
            "--smtp-port", min=1, max=65535, help="Port of the mailbox; if taken, the next free one."
        ),
    ] = 1025,
    as_json: AsJson = False,
) -> None:
    """Serve a copy of the example handbook, with a mailbox, below var/.

    Examples:
      tocsin demo
      tocsin demo --port 8090 --smtp-port 1026
    """
    root = Path.cwd()
    copy = lay_out(root)
    mailbox = Mailbox(port=smtp_port)
    try:
        mailbox.start()
    except OSError as taken:
        raise Failure(
            f"the mailbox has no port: {taken}", possible="choose another with SMTP_PORT="
        ) from None
    try:
        plan = plan_for(settings_of(copy, root, mailbox.port), host, port)
        plan = replace(
            plan,
            another_port="choose another: make run PORT=8090",
            app_options={"mailbox": mailbox},
            ends_with_terminal=True,
        )
        run(plan, lambda program: _say(plan, program, mailbox.port, as_json=as_json))
    finally:
        mailbox.stop()


def lay_out(root: Path) -> Path:
    """The copy of the example, a git work tree with one commit. One that is there is kept with its history."""
    copy = root / "var" / "acme"
    if not copy.exists():
        draft = copy.with_name("acme.part")
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(_example(root), draft, ignore=shutil.ignore_patterns("var", ".git"))
        _name_database(draft / "tocsin.toml")
        _git(draft, "init", "-q", "-b", "main")
        _git(draft, "add", "-A")
        _git(draft, *IDENTITY, "commit", "-q", "--no-verify", "-m", "Handbook of Acme")
        draft.rename(copy)
    return copy


def _name_database(toml: Path) -> None:
    """A command that is typed in the copy while nothing runs uses the database of the server, and no second one."""
    toml.write_text(toml.read_text("utf-8").replace(OWN_DATABASE, DEMO_DATABASE), "utf-8")


def _example(root: Path) -> Path:
    """The example below the current folder, else beside the package."""
    for base in (root, Path(tocsin.__file__).resolve().parents[2]):
        if (base / EXAMPLE / "tocsin.toml").is_file():
            return base / EXAMPLE
    raise Failure(f"{EXAMPLE} is not here", possible="run it from a checkout of tocsin: make run")


def _git(tree: Path, *words: str) -> None:
    try:
        done = subprocess.run(
            ["git", *words], cwd=tree, capture_output=True, text=True, check=False, timeout=60
        )
    except OSError as missing:
        raise Failure(f"git cannot be run: {missing.strerror}", possible="apt-get install git") from None
    if done.returncode:
        raise Failure(f"git {words[-1]} failed: {done.stderr.strip()}")


def settings_of(copy: Path, root: Path, smtp_port: int) -> Settings:
    """The example's settings, with everything that is written moved below var/, and mail to the mailbox."""
    settings = load_settings(copy)
    channels = {
        name: replace(channel, url=f"smtp://127.0.0.1:{smtp_port}")
        if isinstance(channel, EmailSettings)
        else channel
        for name, channel in settings.channels.items()
    }
    database = Database(Secret(f"sqlite:///{root / 'var' / 'tocsin.db'}", "demo"))
    server = replace(settings.server, url=None)
    return replace(settings, root=root, server=server, database=database, channels=channels)


def _on_call(rota: Rota, name: str) -> tuple[str, ...]:
    return rota.who(name, present()) if name in rota.names() else ()


def _say(plan: Plan, program: Program, smtp_port: int, *, as_json: bool) -> None:
    """What to open and what to type. Printed on standard output only: the sign-in link is a secret."""
    live = program.engine.contexts.live
    called = _on_call(live.rota, "primary")
    person = next(iter(called), next(iter(live.directory.people), "operator"))
    known = live.directory.get(person)
    link = issue_signin_link(program, person)
    command = _command_name()
    told = {
        "url": plan.local_url,
        "mailbox": f"{plan.local_url}/dev/mailbox",
        "smtp_port": smtp_port,
        "signin": link,
        "oncall": person,
        "declare": f"{command} {FIRST}",
    }
    if as_json:
        emit_json(told)
    else:
        leaders = (
            *called,
            *_on_call(live.rota, "secondary"),
            *live.directory.who_may_be("ic"),
        )
        leader = next((h for h in leaders if (p := live.directory.get(h)) and p.may_be("ic")), person)
        _say_text(told, f"{known.name} ({person})" if known else person, leader, command)
    STDOUT.stream.flush()


def _say_text(told: dict[str, object], name: str, leader: str, command: str) -> None:
    ack = f"{command} ack --as {told['oncall']}"
    take = [f"  {plain(f'{command} take --as {leader}')}"] if leader != told["oncall"] else []
    lines = [
        f"tocsin runs Acme's handbook (var/acme) on {told['url']}",
        "",
        f"  sign in    {told['signin']}   (once, within 10 minutes)",
        f"  mailbox    {told['mailbox']}   (SMTP on port {told['smtp_port']})",
        f"  on call    {plain(name)}",
        "",
        "Declare a first incident; type this in a second terminal, in this folder:",
        "",
        f"  {told['declare']}",
        "",
        "and then, as the person who is called:",
        "",
        f"  {plain(ack)}",
        *take,
        f'  {command} update --impact "nobody can sign in" --eta unknown --next "rolling back"',
        f'  {command} mitigate --evidence "sign-in works again"',
        f"  {command} show",
        "",
        "Ctrl-C ends it. What it wrote stays in var/; log lines go to standard error.",
    ]
    for line in lines:
        STDOUT.line(line)


def _command_name() -> str:
    """The command itself as it is typed from the current folder."""
    typed = Path(sys.argv[0])
    found = typed if typed.is_absolute() else Path.cwd() / typed
    if found.is_relative_to(Path.cwd()):
        return str(found.relative_to(Path.cwd()))
    on_path = shutil.which("tocsin")
    return "tocsin" if on_path and Path(on_path).resolve() == found.resolve() else str(found)
