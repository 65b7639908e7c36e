"""The application: every route with its permission, and nothing else."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from tocsin import __version__
from tocsin.web import (
    api_admin,
    api_contacts,
    api_handbook,
    api_incidents,
    api_oncall,
    api_paging,
    api_plan,
    api_reading,
    api_work,
    documentation,
    evidence,
    health,
    live,
    pages,
    pages_card,
    pages_incident,
    pages_list,
    pages_signin,
    phone,
    static_files,
)
from tocsin.web.auth import ADMIN, DECLARE, EVERYBODY, METRICS, READ, RESPOND, THIS_MACHINE, Access
from tocsin.web.edge import Edge, catch
from tocsin.web.guard import Entry, register
from tocsin.web.judged import Judged
from tocsin.web.readers import Reads
from tocsin.web.repeat import Answers
from tocsin.web.shapes import EMPTY, FILE, STREAM, TEXT
from tocsin.web.signin import Attempts
from tocsin.web.verbs import VERBS
from tocsin.wiring.program import Program

INCIDENTS = [
    Entry("POST", "/api/v1/incidents", api_incidents.declare, DECLARE, "declared", 201),
    Entry("GET", "/api/v1/incidents", api_reading.listed, READ, "incidents"),
    Entry("GET", "/api/v1/incidents/{ref}", api_reading.shown, READ, "incident"),
    Entry("GET", "/api/v1/incidents/{ref}/timeline", api_reading.timeline, READ, "timeline"),
    Entry("GET", "/api/v1/incidents/{ref}/alerts", api_reading.alerts, READ, "alerts"),
    Entry("GET", "/api/v1/incidents/{ref}/pages", api_reading.pages_of, READ, "pages"),
    Entry("GET", "/api/v1/incidents/{ref}/score", api_work.scored, READ, "score"),
    Entry("GET", "/api/v1/incidents/{ref}/brief", api_work.briefed, READ, "brief"),
    Entry("GET", "/api/v1/incidents/{ref}/gates", api_work.gates, READ, "gates"),
    Entry("GET", "/api/v1/incidents/{ref}/export", api_work.exported, READ, TEXT),
    Entry("POST", "/api/v1/incidents/{ref}/evidence", evidence.keep, RESPOND, "answer", takes=FILE),
    Entry("GET", "/api/v1/incidents/{ref}/evidence/{digest}", evidence.download, READ, FILE),
    Entry("GET", "/api/v1/actions", api_work.actions, READ, "actions"),
    Entry("GET", "/api/v1/pages", api_reading.pages, READ, "pages"),
    Entry("POST", "/api/v1/pages", api_paging.page, RESPOND, "declared", 201),
    Entry("POST", "/api/v1/pages/test", api_paging.page_test, RESPOND, "declared", 201),
    Entry("GET", "/api/v1/events", live.events, READ, STREAM),
]
COMMANDS = [
    Entry(
        "POST",
        f"/api/v1/incidents/{{ref}}/{name}",
        api_incidents.VERB_ENDPOINTS[name],
        Access(verb.permission),
        "answer",
    )
    for name, verb in VERBS.items()
]
ON_CALL = [
    Entry("GET", "/api/v1/oncall", api_oncall.oncall, READ, "oncall"),
    Entry("GET", "/api/v1/schedules", api_oncall.schedules, READ, "schedules"),
    Entry("GET", "/api/v1/schedules/{name}/final", api_oncall.final, READ, "final"),
    Entry("GET", "/api/v1/schedules/{name}/overrides", api_oncall.listed, READ, "overrides"),
    Entry("POST", "/api/v1/schedules/{name}/overrides", api_oncall.add, RESPOND, "override", 201),
    Entry("DELETE", "/api/v1/schedules/{name}/overrides/{seq}", api_oncall.remove, RESPOND, "override"),
    Entry("POST", "/api/v1/schedules/{name}/take", api_oncall.take, RESPOND, "override", 201),
]
CONTACTS = [
    Entry("GET", "/api/v1/contacts", api_contacts.listed, READ, "contacts"),
    Entry("POST", "/api/v1/contacts", api_contacts.add, RESPOND, "contact", 201),
    Entry("POST", "/api/v1/contacts/{channel}/verify", api_contacts.verify, RESPOND, "contact"),
    Entry("DELETE", "/api/v1/contacts/{channel}", api_contacts.remove, RESPOND, EMPTY, 204),
]
HANDBOOK = [
    Entry("GET", "/api/v1/me", api_handbook.me, READ, "me"),
    Entry("GET", "/api/v1/handbook", api_handbook.handbook, READ, "handbook"),
    Entry("GET", "/api/v1/handbook/findings", api_handbook.findings, READ, "findings"),
    Entry("GET", "/api/v1/plan", api_plan.planned, READ, "plan"),
    Entry("GET", "/api/v1/routes/test", api_plan.tried, READ, "tried"),
    Entry("GET", "/api/v1/readiness", api_plan.ready, READ, "readiness"),
    Entry("POST", "/api/v1/handbook/reload", api_handbook.reload, ADMIN, "reload"),
]
ADMINISTRATION = [
    Entry("GET", "/api/v1/users", api_admin.users, ADMIN, "users"),
    Entry("POST", "/api/v1/users", api_admin.save_user, ADMIN, "user", 201),
    Entry("POST", "/api/v1/users/{handle}/signin-link", api_admin.signin_link, ADMIN, "link", 201),
    Entry("GET", "/api/v1/tokens", api_admin.tokens, ADMIN, "tokens"),
    Entry("POST", "/api/v1/tokens", api_admin.new_token, ADMIN, "new token", 201),
    Entry("DELETE", "/api/v1/tokens/{id}", api_admin.delete_token, ADMIN, EMPTY, 204),
    Entry("POST", "/api/v1/adopt", api_admin.adopt, ADMIN, "adopted"),
    Entry("POST", "/api/v1/backup", api_admin.backup, ADMIN, "backup", 201),
    Entry("GET", "/api/v1/journal", api_admin.journal, ADMIN, "journal"),
    Entry("GET", "/api/v1/effects", api_admin.effects, ADMIN, "effects"),
]
HEALTH = [
    Entry("GET", "/healthz", health.healthz, EVERYBODY),
    Entry("GET", "/readyz", health.readyz, EVERYBODY),
    Entry("GET", "/alarmz", health.alarmz, EVERYBODY),
    Entry("GET", "/metrics", health.metrics, METRICS),
]
DOCUMENTATION = [
    Entry("GET", "/api/openapi.json", documentation.openapi_json, READ),
    Entry("GET", "/api/docs", documentation.docs, READ),
]
PAGES = [
    Entry("GET", "/", pages.home, READ),
    Entry("GET", "/incidents", pages_list.incidents, READ),
    Entry("GET", "/declare", pages.declare_form, DECLARE),
    Entry("POST", "/declare", pages.declare, DECLARE),
    Entry("GET", "/i/{ref}", pages_incident.incident, READ),
    Entry("POST", "/i/{ref}/evidence", pages_incident.keep_file, RESPOND),
    Entry("POST", "/i/{ref}/{verb}", pages_incident.act, RESPOND),
    Entry("GET", "/card", pages_card.shown, READ),
    Entry("GET", "/signin", pages_signin.help_page, EVERYBODY),
    Entry("GET", "/signin/{token}", pages_signin.link_page, EVERYBODY),
    Entry("POST", "/signin/{token}", pages_signin.sign_in, EVERYBODY),
    Entry("POST", "/signout", pages_signin.sign_out, READ),
    Entry("GET", "/a/{token}", phone.opened, EVERYBODY),
    Entry("POST", "/a/{token}", phone.answered, EVERYBODY),
    Entry("GET", "/dev/mailbox", pages.mailbox, THIS_MACHINE),
]
FILES = [Entry("GET", "/static/{name:path}", static_files.static, EVERYBODY)]
ROUTES = [
    *INCIDENTS,
    *COMMANDS,
    *ON_CALL,
    *CONTACTS,
    *HANDBOOK,
    *ADMINISTRATION,
    *HEALTH,
    *DOCUMENTATION,
    *PAGES,
    *FILES,
]


def create_app(program: Program, *, mailbox: Any = None, local_token_hash: str | None = None) -> FastAPI:
    """The application over a wired program; whoever calls it starts and stops the engine.

    `mailbox`: something with `messages()`, shown at `/dev/mailbox`. `local_token_hash`: SHA-256 of the local
    operator's token.
    """
    app = FastAPI(
        title="tocsin",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=live.lifespan,
    )
    app.state.program = program
    app.state.mailbox = mailbox
    app.state.local_token_hash = local_token_hash
    app.state.answers = Answers()
    app.state.attempts = Attempts()
    app.state.knocks = Attempts(phone.KNOCKS, "Too many requests for links like this one")
    app.state.codes = Attempts(api_contacts.CODES, "Too many codes were asked for")
    app.state.reads = Reads()
    app.state.judged = Judged(program)
    app.state.uploads = evidence.Uploads()
    app.state.feed = live.Feed(program.store)
    catch(app)
    app.add_middleware(Edge, tls=str(program.settings.server.url or "").startswith("https:"))
    register(app, ROUTES)
    return app
