"""Every verb, by the name it has in the API, on the pages and in the command line."""

from __future__ import annotations

from typing import Final

from tocsin.web.verb import Verb
from tocsin.web.verbs_duties import DUTIES
from tocsin.web.verbs_paging import PAGING
from tocsin.web.verbs_people import PEOPLE
from tocsin.web.verbs_process import PROCESS
from tocsin.web.verbs_work import WORK

VERBS: Final[dict[str, Verb]] = {**PROCESS, **PAGING, **PEOPLE, **WORK, **DUTIES}
