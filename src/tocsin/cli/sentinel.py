"""`tocsin sentinel`: watches a tocsin from outside; the work is done by a file that also runs without tocsin."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from tocsin import sentinel as watching

app = typer.Typer(rich_markup_mode=None)

Words = str | None
_SPAN: Final = "DURATION"


@app.command()
def sentinel(
    url: Annotated[str, typer.Argument(metavar="URL", help="Address of the tocsin, or of another sentinel.")],
    smtp: Annotated[
        Words, typer.Option("--smtp", metavar="URL", help="Mail server; or TOCSIN_SENTINEL_SMTP.")
    ] = None,
    sender: Annotated[Words, typer.Option("--from", metavar="ADDRESS", help="Whom mails come from.")] = None,
    to: Annotated[
        list[str] | None, typer.Option("--to", metavar="ADDRESS", help="Who is told; repeatable.")
    ] = None,
    password_file: Annotated[
        Words,
        typer.Option("--password-file", metavar="PATH", help="Its password; or TOCSIN_SENTINEL_PASSWORD."),
    ] = None,
    webhook: Annotated[
        Words,
        typer.Option("--webhook", metavar="URL", help="Takes JSON by POST; or TOCSIN_SENTINEL_WEBHOOK."),
    ] = None,
    interval: Annotated[str, typer.Option("--interval", metavar=_SPAN, help="Between two looks.")] = "10s",
    after: Annotated[
        str, typer.Option("--after", metavar=_SPAN, help="So long not ready before anybody is told.")
    ] = "45s",
    alarmz_after: Annotated[
        str, typer.Option("--alarmz-after", metavar=_SPAN, help="So long alarmed before anybody is told.")
    ] = "10m",
    repeat: Annotated[str, typer.Option("--repeat", metavar=_SPAN, help="Again, while it lasts.")] = "30m",
    listen: Annotated[
        Words, typer.Option("--listen", metavar="[HOST:]PORT", help="Answer there about the sentinel itself.")
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="Look once; exit code 0 when all is well, else 1.")
    ] = False,
    test: Annotated[
        bool, typer.Option("--test", help="Tell a test by every way; exit code 1 when one fails.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Lines and verdict as JSON.")] = False,
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
    given |= {"--listen": listen}
    words = [f"{name}={value}" for name, value in given.items() if value is not None]
    words += [f"--to={address}" for address in to or ()]
    words += [name for name, is_so in (("--once", once), ("--test", test), ("--json", as_json)) if is_so]
    raise typer.Exit(watching.main([*words, "--", url]))
