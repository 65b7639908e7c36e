"""The card to print: severities, who to call, the first ten minutes. It works on paper when nothing else does."""

from __future__ import annotations

from markdown_it import MarkdownIt
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from tocsin.handbook.card import card
from tocsin.web.auth import program_of
from tocsin.web.templating import page

_MARKDOWN = (
    MarkdownIt("commonmark", {"html": False}).enable("table").disable(["image", "html_inline", "html_block"])
)


def shown(request: Request) -> Response:
    """One page to print: who to call, how bad it is, what to do first."""
    program = program_of(request)
    live = program.engine.contexts.live
    words = card(live.policy, live.directory, live.rota.tables, program.clock.now(), live.rota)
    return page(request, "card.html", {"card": Markup(_wide(_MARKDOWN.render(words)))})  # noqa: S704  # escaped by the renderer


def _wide(html: str) -> str:
    """Tables scroll by themselves where the window is narrow."""
    opened = '<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>'
    return html.replace("<table>", opened).replace("</table>", "</table></div>")
