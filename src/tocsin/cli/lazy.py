"""A group of commands whose modules are imported when one of them is used, so that the others cost nothing."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, MutableMapping
from typing import Any, Final, NamedTuple, cast

import typer
from typer.core import TyperCommand, TyperGroup


class Place(NamedTuple):
    """Where a command is defined (a module of this package that has a typer application `app`), and its one line."""

    module: str
    line: str
    hidden: bool = False


CATALOG: Final[dict[str, Place]] = {
    "declare": Place("declaring", "Declare an incident: people are called at once."),
    "list": Place("looking", "List incidents, newest first."),
    "show": Place("looking", "Show one incident: state, clocks, timeline."),
    "watch": Place("looking", "Follow an incident live."),
    "ack": Place("acting", "Acknowledge: you take it, paging stops."),
    "escalate": Place("calling", "Call the next step of the escalation now."),
    "pass": Place("calling", "Pass on the page that calls you."),
    "snooze": Place("calling", "Call nobody for a while."),
    "renew": Place("calling", "Still on it: the acknowledgement holds anew."),
    "unack": Place("calling", "Take the acknowledgement back."),
    "call": Place("calling", "Call further people in."),
    "reassign": Place("calling", "Call other people instead."),
    "take": Place("acting", "Take an empty seat."),
    "role": Place("acting", "Give a role to somebody."),
    "handoff": Place("acting", "Offer your seat to somebody; it counts when they accept."),
    "accept": Place("acting", "Accept a seat that is offered to you."),
    "severity": Place("acting", "Change the severity."),
    "note": Place("acting", "Write a note into the timeline."),
    "decide": Place("acting", "Record a decision and its reason."),
    "propose": Place("talking", "Propose a decision; it gets a number."),
    "report": Place("talking", "Add a further report of the same trouble."),
    "suspect": Place("talking", "Name a change that may have caused it."),
    "task": Place("working", "Tasks: who does what, for how long."),
    "gate": Place("gating", "The backup check before a database change."),
    "restored": Place("working", "Record a restore or a restore drill."),
    "evidence": Place("working", "Keep a file with the incident: stored once, with its SHA-256."),
    "statement": Place("duties", "A text for people outside: drafted, approved, sent."),
    "legal": Place("duties", "A legal deadline, and the decision that ends it."),
    "shadow": Place("talking", "Shadow the IC: see everything, do nothing."),
    "restrict": Place("talking", "Let only named readers see it."),
    "update": Place("acting", "Post the update that is due: impact, ETA, next steps."),
    "mitigate": Place("ending", "Say that the harm has stopped, with evidence."),
    "resolve": Place("ending", "End the incident: three points, each with evidence."),
    "close": Place("ending", "Close it when nothing is owed any more."),
    "postmortem": Place("writeup", "Say where the postmortem is published, or what is due."),
    "dismiss": Place("ending", "It was none: end a triage incident."),
    "time": Place("changing", "Set or correct one of the seven timestamps."),
    "reopen": Place("changing", "It came back: the clocks run on, people are called anew."),
    "merge": Place("changing", "It is the same as another one and goes on there."),
    "action": Place("duties", "Action items: what is done afterwards, and the proof."),
    "actions": Place("duties", "Actions of all incidents, the most urgent first."),
    "ticket": Place("duties", "Link a ticket; it stands for the log row."),
    "score": Place("judging", "Whether the handbook was followed: each promise, with times."),
    "brief": Place("judging", "What somebody who takes over has to know."),
    "export": Place("judging", "The timeline as text, byte-stable, in UTC."),
    "policy": Place("reading", "Show what is understood of a handbook."),
    "check": Place("reading", "Check a handbook: what is missing, contradictory or unclear."),
    "card": Place("reading", "Print the card for the hour without network."),
    "handbook": Place("handbook", "The handbook in force: status, reload."),
    "oncall": Place("oncall", "Who is on call, and the schedule as it comes out."),
    "override": Place("override", "Change who is on call for a while; take the pager."),
    "page": Place("paging", "Page people by hand; `page test` proves that pages arrive."),
    "contact": Place("contact", "Your own contact methods, each proven by a code."),
    "plan": Place("plan", "Show who would be called, when and how, if nobody answered."),
    "route": Place("routing", "Routes: where an alert would go."),
    "readiness": Place("readiness", "Show who can be reached, and what will hurt."),
    "serve": Place("serving", "Run tocsin: web, API, pages and clocks."),
    "demo": Place("demo", "Serve a copy of the example handbook with a mailbox.", hidden=True),
    "sentinel": Place("sentinel", "Watch a tocsin from outside and page when it is gone."),
    "doctor": Place("doctor", "Check that tocsin can run here."),
    "backup": Place("database", "Copy the database while it runs."),
    "restore": Place("database", "Put a backup in place of the database."),
    "adopt": Place("database", "Let a moved or restored database send again."),
    "user": Place("access", "People beside the handbook's roster; sign-in links."),
    "token": Place("access", "Tokens for programs."),
}
"""Every command by its name, in the order in which help lists them."""


def load_command(name: str) -> TyperCommand | TyperGroup:
    """Import the module of a command and take the command from it."""
    module = importlib.import_module(f"tocsin.cli.{CATALOG[name].module}")
    application: typer.Typer = module.app
    group = typer.main.get_group(application)
    command = cast("TyperCommand | TyperGroup", group.commands[name])
    _keep_examples(command)
    return command


def _keep_examples(command: TyperCommand | TyperGroup) -> None:
    """Let help show examples line by line: a backspace tells it not to wrap a paragraph."""
    if command.help:
        command.help = command.help.replace("Examples:\n", "\b\nExamples:\n")
    for child in getattr(command, "commands", {}).values():
        _keep_examples(child)


class LoadedCommands(MutableMapping[str, Any]):
    """All commands by name; looking one up imports its module, asking for names does not."""

    def __getitem__(self, name: str) -> TyperCommand | TyperGroup:
        if name not in CATALOG:
            raise KeyError(name)
        return load_command(name)

    def __setitem__(self, name: str, command: Any) -> None:
        raise TypeError(f"{name}: commands stand in the catalog")

    def __delitem__(self, name: str) -> None:
        raise TypeError(f"{name}: commands stand in the catalog")

    def __iter__(self) -> Iterator[str]:
        return iter(CATALOG)

    def __len__(self) -> int:
        return len(CATALOG)


class LazyGroup(TyperGroup):
    """Lists commands from the catalog and imports only the one that runs."""

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        _keep_examples(self)
        self.commands = LoadedCommands()

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Names only."""
        return list(CATALOG)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """A stand-in that knows its one line: enough for help and for suggestions."""
        place = CATALOG.get(cmd_name)
        return TyperCommand(cmd_name, help=place.line, hidden=place.hidden) if place else None

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command itself, for running it."""
        name, found, rest = super().resolve_command(ctx, args)
        return name, load_command(name) if found is not None and name is not None else found, rest
