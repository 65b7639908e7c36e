"""What can be done in the room now: a short row for what is done all the time, the rest behind a menu of groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tocsin.domain import postmortem
from tocsin.domain.context import Context
from tocsin.domain.incident import Incident, Paging, Stage
from tocsin.domain.people import Permission
from tocsin.web.auth import Caller
from tocsin.web.show_calling import may_renew


@dataclass(frozen=True, slots=True)
class Pick:
    """A form that can be chosen; `key` is its verb, with what it does after a hyphen where a verb does several."""

    key: str
    name: str
    letter: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A part of the menu. `open`: it holds what is chosen now."""

    key: str
    name: str
    picks: tuple[Pick, ...]
    open: bool = False


@dataclass(frozen=True, slots=True)
class Menu:
    """The row of what is at hand, and the groups of everything else."""

    at_hand: tuple[Pick, ...] = ()
    groups: tuple[Group, ...] = ()
    chosen: str = ""

    @property
    def keys(self) -> frozenset[str]:
        """Everything that can be chosen."""
        return frozenset(p.key for p in (*self.at_hand, *(p for g in self.groups for p in g.picks)))

    @property
    def shown(self) -> frozenset[str]:
        """The forms that come with the page: those at hand and the chosen one. Others are fetched when chosen."""
        return frozenset((*(pick.key for pick in self.at_hand), *filter(None, (self.chosen,))))


PICKS: Final = {
    pick.key: pick
    for pick in (
        Pick("note", "Note", "N"),
        Pick("decide", "Decision", "D"),
        Pick("update", "Update", "U"),
        Pick("mitigate", "Mitigated", "M"),
        Pick("resolve", "Resolve", "R"),
        Pick("declare", "Declare"),
        Pick("severity", "Severity"),
        Pick("propose", "Propose"),
        Pick("report", "Another report"),
        Pick("merge", "Merge"),
        Pick("dismiss", "Dismiss"),
        Pick("reopen", "Reopen"),
        Pick("task-open", "Task", "T"),
        Pick("gate-check", "Backup check", "B"),
        Pick("gate-point", "Restore point"),
        Pick("restored", "Restore done"),
        Pick("evidence", "File"),
        Pick("suspect", "Suspected change"),
        Pick("role", "Role"),
        Pick("handoff", "Hand over"),
        Pick("shadow", "Shadow"),
        Pick("call", "Call people in"),
        Pick("escalate", "Escalate"),
        Pick("pass", "Pass on"),
        Pick("renew", "Still on it"),
        Pick("snooze", "Snooze"),
        Pick("reassign", "Reassign"),
        Pick("unack", "Take the ack back"),
        Pick("restrict", "Restrict"),
        Pick("statement-draft", "Statement"),
        Pick("legal-start", "Legal deadline"),
        Pick("action-add", "Action", "A"),
        Pick("postmortem", "Postmortem"),
        Pick("ticket", "Ticket"),
        Pick("close", "Close"),
    )
}
GROUPS: Final = (
    (
        "process",
        "Process",
        ("declare", "severity", "propose", "resolve", "reopen", "merge", "report", "dismiss"),
    ),
    ("work", "Work", ("task-open", "gate-check", "gate-point", "restored", "evidence", "suspect")),
    ("calls", "Calls", ("call", "escalate", "pass", "renew", "snooze", "reassign", "unack")),
    ("people", "People", ("role", "handoff", "shadow", "restrict", "statement-draft", "legal-start")),
    ("after", "After", ("action-add", "postmortem", "ticket", "close")),
)
_ALWAYS: Final = frozenset({"note", "evidence", "restrict"})
_AT_WORK: Final = _ALWAYS | {
    "decide",
    "propose",
    "task-open",
    "gate-check",
    "gate-point",
    "restored",
    "suspect",
    "legal-start",
    "statement-draft",
}
_CALLS: Final = frozenset({"call", "escalate", "pass", "renew", "snooze", "reassign", "unack"})
_RUNNING: Final = _AT_WORK | _CALLS | {"severity", "role", "handoff", "shadow", "merge", "report"}
_DECLARED: Final = _RUNNING | {"update", "resolve", "action-add", "ticket"}
_POSSIBLE: Final[dict[Stage, frozenset[str]]] = {
    Stage.TRIAGE: _RUNNING | {"declare", "dismiss"},
    Stage.DECLARED: _DECLARED | {"mitigate"},
    Stage.MITIGATED: _DECLARED,
    Stage.RESOLVED: _AT_WORK | {"reopen", "action-add", "ticket", "postmortem", "close"},
    Stage.CLOSED: _ALWAYS | {"reopen", "action-add"},
    Stage.DISMISSED: frozenset({"note", "reopen"}),
    Stage.MERGED: frozenset({"note"}),
    Stage.RECORDED: _AT_WORK | {"action-add", "postmortem", "close"},
}
_AT_HAND: Final[dict[Stage, tuple[str, ...]]] = {
    Stage.TRIAGE: ("note", "declare", "decide"),
    Stage.DECLARED: ("note", "decide", "update", "mitigate"),
    Stage.MITIGATED: ("note", "decide", "update", "resolve"),
    Stage.RESOLVED: ("note", "postmortem", "action-add", "close"),
    Stage.CLOSED: ("note", "action-add"),
    Stage.RECORDED: ("note", "gate-check", "action-add", "close"),
}


def possible(state: Incident, context: Context, caller: Caller) -> frozenset[str]:
    """The forms that stage and kind allow and whoever looks may use; a shadow sees and does not act."""
    if not caller.may(Permission.RESPOND) or caller.handle in state.room.shadows:
        return frozenset()
    without = set()
    if not context.policy.gates:
        without |= {"gate-check"}
    if not state.seats:
        without |= {"handoff"}
    if state.room.restriction is not None:
        without |= {"restrict"}
    if all(page.person != caller.handle for page in state.open_pages()):
        without |= {"pass"}
    if state.paging != Paging.ACKED:
        without |= {"unack"}
    if not may_renew(state, context, caller.handle):
        without |= {"renew"}
    if state.kind == "test":
        return frozenset()
    if state.kind != "incident":
        without |= {"reopen", "legal-start", "statement-draft", "ticket"}
    if state.stage == Stage.RESOLVED and not owes_postmortem(state, context):
        without |= {"postmortem"}
    return _POSSIBLE[state.stage] - without


def owes_postmortem(state: Incident, context: Context) -> bool:
    """Whether its level promises a postmortem that is not published yet."""
    return postmortem.target_of(state, context) is not None and not state.postmortem_published


def menu_of(state: Incident, context: Context, caller: Caller, doing: str) -> Menu:
    """The menu, with the group open that holds what is being done."""
    found = possible(state, context, caller)
    hand = tuple(key for key in _AT_HAND.get(state.stage, ("note",)) if key in found)
    chosen = doing if doing in found else next(iter(hand), "")
    groups = tuple(
        Group(key, name, tuple(PICKS[k] for k in keys if k in found and k not in hand), chosen in keys)
        for key, name, keys in GROUPS
    )
    shown = tuple(g for g in groups if g.picks)
    return Menu(tuple(PICKS[key] for key in hand), shown, chosen)
