"""The facts of two incidents, short enough to read: what the draft and the log row are told from."""

from datetime import UTC, date, datetime

from tocsin.domain import events as ev
from tocsin.handbook.retold import Names

NAMES = Names(
    {
        "jonas": "Jonas Ek",
        "mei": "Mei Tanaka",
        "priya": "Priya Natarajan",
        "tomas": "Tomás Ferreira",
        "henrik": "Henrik Lund",
    },
    {"ic": "IC", "comms": "Comms Lead", "ops": "Ops/Infra"},
)
REF = "INC-2026-0003"


def on(time: str, day: int = 5) -> datetime:
    hour, minute, second = (*map(int, time.split(":")), 0)[:3]
    return datetime(2026, 2, day, hour, minute, second, tzinfo=UTC)


def answers(at: datetime, check: int, first: str = "ok", evidence: str = "9m31s old") -> list[ev.Event]:
    others = ("window reaches back 7 days", "dump of Sunday, checksum fits", "drill 52 days ago", "noted")
    said = [(first, evidence), *(("ok", text) for text in others)]
    return [
        ev.GateAnswered(at, "jonas", "backup", check, point, answer, text)
        for point, (answer, text) in enumerate(said, start=1)
    ]


def page(number: int, person: str, at: datetime) -> list[ev.Event]:
    return [
        ev.PageRequested(at, number, person, 0, 0, ("mail", "sms")),
        ev.PageSent(at, number, person, "mail"),
        ev.PageDelayed(at, number, person, "sms", "busy"),
    ]


DECLARED = on("16:34")
LOST_CONTACTS: list[ev.Event] = [
    ev.Opened(DECLARED, REF, "Contacts missing", "p", "person", "SEV1", "tomas", detected=on("16:33")),
    ev.Declared(DECLARED, "tomas", "SEV1", "Contacts missing", "chosen by tomas"),
    ev.RungFired(DECLARED, 0, 0, ("jonas",), DECLARED),
    *page(1, "jonas", DECLARED),
    ev.RungFired(DECLARED, 0, 0, ("mei",), DECLARED, 0, "nobody before rung 1 may be IC"),
    *page(2, "mei", DECLARED),
    ev.PageFailed(DECLARED, 2, "mei", "sms", "no such number"),
    ev.PageFailed(DECLARED, 2, "mei", "sms", "no such number"),
    ev.DocumentWritten(DECLARED, "log", "docs/ops/incidents.md", "d"),
    ev.SeatTaken(on("16:35"), "comms", "tomas", "taken", "tomas"),
    ev.Acknowledged(on("16:36:10"), "jonas", "link"),
    ev.PageEnded(on("16:36:10"), 1, "jonas", "acked"),
    ev.ClockEnded(on("16:36:10"), "ack", "SEV1", "met", 130, on("16:39"), "acked"),
    ev.ChangeSuspected(on("16:37"), "jonas", "migration merge_contacts", "jonas", on("16:20:05")),
    ev.SeatTaken(on("16:38"), "ic", "mei", "taken", "mei"),
    ev.SeatTaken(on("16:38"), "ops", "jonas", "assigned", "mei"),
    ev.LegalStarted(
        on("16:40"), "jonas", "gdpr", on("16:40"), 259_200, on("16:40", 8), "henrik", "personal data is gone"
    ),
    ev.Mitigated(on("16:44:30"), "mei", "writes are off: no further loss; contained, data not back yet"),
    ev.ClockEnded(on("16:44:30"), "mitigate", "SEV1", "met", 690, on("17:03"), "mitigated"),
    ev.StatementDrafted(
        on("16:45"),
        "tomas",
        1,
        "status page",
        "Some contacts are missing.",
        "nothing exposed",
        ("mei", "henrik"),
    ),
    ev.StatementApproved(on("16:45"), "mei", 1),
    ev.StatementApproved(on("16:46"), "henrik", 1),
    ev.StatementSent(on("16:46"), "tomas", 1, "https://status.acme.example"),
    ev.TaskOpened(on("16:50"), "jonas", 1, "Insert the contacts from memory.", "jonas", gate="backup"),
    *answers(on("16:54"), 1),
    ev.GateChecked(
        on("16:54"), "jonas", "backup", 1, True, False, restore_point=on("16:19:40"), valid_until=on("17:24")
    ),
    ev.GateConfirmed(on("16:54"), "mei", "backup", 1),
    ev.TaskOpened(on("16:57"), "mei", 2, "Restore to a new project", "jonas", 60),
    ev.TaskStarted(on("16:57"), "mei", 2),
    ev.UpdatePosted(on("17:01"), "tomas", "Some contacts are missing", "unknown", "the restore runs."),
    ev.UpdateReminded(on("17:16"), on("17:16"), ("tomas",), 1),
    ev.GateLapsing(on("17:19"), "backup", 1, on("17:24"), ("jonas",)),
    ev.GateLapsed(on("17:24"), "backup", 1, on("17:24")),
    ev.TaskDone(on("17:35"), "jonas", 2, "restored beside production"),
    ev.Noted(on("17:37"), "jonas", "jobs stoped in the copy"),
    ev.NoteEdited(on("17:38"), "jonas", 43, "jobs stopped in the copy"),
    ev.RestoreRecorded(
        on("17:45"),
        "jonas",
        1,
        "restore",
        "recovery point 16:19:40",
        "a new project",
        "lost contacts",
        "1,842 of 1,842 contacts found",
        True,
        25,
        2880,
    ),
    ev.Decided(on("17:50"), "mei", "copy back contacts only", "nine tenants"),
    ev.TaskDropped(on("17:50"), "jonas", 1, "copied from the restore instead"),
    ev.TaskOpened(on("17:50"), "mei", 3, "Copy 1,842 contacts back", "jonas", 15, "backup"),
    *answers(on("17:56"), 2, "exception", "newest point 16:44:29, nothing written since"),
    ev.GateChecked(
        on("17:56"),
        "jonas",
        "backup",
        2,
        True,
        True,
        (1,),
        restore_point=on("17:55"),
        valid_until=on("18:26"),
    ),
    ev.TaskStarted(on("18:02"), "jonas", 3, "check 2"),
    ev.TimeLeft(on("18:03"), "resolve", "SEV1", 30, on("18:33"), "mei"),
    ev.TaskDone(on("18:08"), "jonas", 3, "1,842 rows, verified"),
    ev.TimeCorrected(on("18:12"), "jonas", "impact_end", None, on("18:12"), "contacts are back"),
    ev.UpdatePosted(on("18:16"), "tomas", "All 1,842 contacts of 9 tenants are back", "18:42", "we watch"),
    ev.ClockBreached(on("18:33"), "resolve", "SEV1", on("18:33")),
    ev.Resolved(
        on("18:42"), "mei", "30m watched, payments sent again", "contacts back since 18:12", "ordinary"
    ),
    ev.ClockEnded(on("18:42"), "resolve", "SEV1", "missed", 7740, on("18:33"), "resolved"),
    ev.ActionAdded(
        on("18:50"), "mei", 1, "Migrations that delete need a dry run", "prevent", "jonas", date(2026, 2, 19)
    ),
    ev.LegalDecided(on("11:00", 6), "henrik", "gdpr", "not notifiable", "restored in 2h, nothing exposed"),
]
