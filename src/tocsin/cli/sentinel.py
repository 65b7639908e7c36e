"""`tocsin sentinel`: watches a tocsin from outside; the work is done by a file that also runs without tocsin."""

from __future__ import annotations

from typing import Annotated

import typer

from tocsin import sentinel as watching

app = typer.Typer(rich_markup_mode=None)


def _option(name: str, metavar: str, words: str) -> typer.models.OptionInfo:
    found: typer.models.OptionInfo = typer.Option(name, metavar=metavar, help=words)
    return found


Url = Annotated[str, typer.Argument(metavar="URL", help="Address of the tocsin, or of another sentinel.")]
Smtp = Annotated[str | None, _option("--smtp", "URL", "Mail server; or TOCSIN_SENTINEL_SMTP.")]
From = Annotated[str | None, _option("--from", "ADDRESS", "Whom mails come from.")]
To = Annotated[list[str] | None, _option("--to", "ADDRESS", "Who is told; repeatable.")]
Password = Annotated[
    str | None, _option("--password-file", "PATH", "Its password; or TOCSIN_SENTINEL_PASSWORD.")
]
Hook = Annotated[str | None, _option("--webhook", "URL", "Takes JSON by POST; or TOCSIN_SENTINEL_WEBHOOK.")]
Interval = Annotated[str, _option("--interval", "DURATION", "Between two looks.")]
After = Annotated[str, _option("--after", "DURATION", "So long not ready before anybody is told.")]
Alarmz = Annotated[str, _option("--alarmz-after", "DURATION", "So long alarmed before anybody is told.")]
Repeat = Annotated[str, _option("--repeat", "DURATION", "Again, while it lasts.")]
Listen = Annotated[str | None, _option("--listen", "[HOST:]PORT", "Answer there about the sentinel itself.")]
Once = Annotated[bool, typer.Option("--once", help="Look once; exit code 0 when all is well, else 1.")]
Test = Annotated[bool, typer.Option("--test", help="Tell a test by every way; exit code 1 when one fails.")]
AsJson = Annotated[bool, typer.Option("--json", help="Lines and verdict as JSON.")]


@app.command()
def sentinel(
    url: Url,
    smtp: Smtp = None,
    sender: From = None,
    to: To = None,
    password_file: Password = None,
    webhook: Hook = None,
    interval: Interval = "10s",
    after: After = "45s",
    alarmz_after: Alarmz = "10m",
    repeat: Repeat = "30m",
    listen: Listen = None,
    once: Once = False,
    test: Test = False,
    as_json: AsJson = False,
) -> None:
    """Watch a tocsin from outside and page by its own ways when it is gone.

    Better on another machine, where Python alone is enough: python3 sentinel.py URL, with the same options.

    Examples:
      tocsin sentinel https://tocsin.acme.example --smtp smtps://mail.b.example --from t@b.example --to ops@b.example
      tocsin sentinel https://tocsin.acme.example --webhook https://ntfy.sh/a-topic-nobody-guesses
      tocsin sentinel https://tocsin.acme.example --once
    """
    given = {"--smtp": smtp, "--from": sender, "--password-file": password_file, "--webhook": webhook}
    given |= {"--interval": interval, "--after": after, "--alarmz-after": alarmz_after, "--repeat": repeat}
    words = [f"{name}={value}" for name, value in (given | {"--listen": listen}).items() if value is not None]
    words += [f"--to={address}" for address in to or ()]
    words += [name for name, is_so in (("--once", once), ("--test", test), ("--json", as_json)) if is_so]
    raise typer.Exit(watching.main([*words, "--", url]))
