"""``parquetry people``: who may sign in to the review page."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from flows.commands.common import Config, Home, stdout
from flows.ledger.trust import Role
from schemas.errors import UsageError

app = typer.Typer(help="Who may sign in to the review page.", no_args_is_help=True)
CONSOLE = "console"
"""Who acts in the trail, when it is whoever can use this machine's command line."""
Name = Annotated[str, typer.Argument(help="Name of the account; an e-mail address does well.")]
RoleName = Annotated[str, typer.Option("--role", help="reviewer, senior, auditor or admin.")]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input instead of asking.")
]


@app.command("list")
def people(home: Home = None, config: Config = None) -> None:
    """All accounts, with their roles."""
    from rich.table import Table

    from flows.home import open_ledger

    with open_ledger(config, home) as (_, ledger):
        accounts = ledger.accounts()
    if not accounts:
        stdout().print(
            "No accounts: whoever opens the review page types a name. `parquetry people add` adds one."
        )
        return
    table = Table("Name", "Role", "Signs in by", "Active")
    for account in accounts:
        ways = [
            w
            for w, there in (("password", account.has_password), ("single sign-on", account.subject))
            if there
        ]
        table.add_row(account.name, account.role, ", ".join(ways), "yes" if account.active else "no")
    stdout().print(table)


@app.command()
def add(
    name: Name,
    role: RoleName = "reviewer",
    no_password: Annotated[
        bool,
        typer.Option("--no-password", help="For single sign-on: the name is the verified e-mail address."),
    ] = False,
    password_stdin: PasswordStdin = False,
    home: Home = None,
    config: Config = None,
) -> None:
    """Adds an account; with the first one, the review page asks everybody to sign in."""
    from flows.home import open_ledger
    from flows.review.passwords import Passwords

    wanted = _role(role)  # before anybody types a password
    kept = None if no_password else Passwords().hash(_password(password_stdin), name)
    with open_ledger(config, home) as (_, ledger):
        account = ledger.add_account(name, wanted, actor=CONSOLE, password_hash=kept)
    stdout().print(f"Added {account.name} as {account.role}.")


@app.command("set")
def change(
    name: Name,
    role: Annotated[str | None, typer.Option("--role", help="reviewer, senior, auditor or admin.")] = None,
    active: Annotated[
        bool | None,
        typer.Option("--open/--close", help="Whether the account may sign in.", show_default=False),
    ] = None,
    password: Annotated[bool, typer.Option("--password", help="Ask for a new password.")] = False,
    password_stdin: PasswordStdin = False,
    home: Home = None,
    config: Config = None,
) -> None:
    """Changes role, activity or password; the account is signed out everywhere."""
    from flows.home import open_ledger
    from flows.review.passwords import Passwords

    if role is None and active is None and not (password or password_stdin):
        raise UsageError("Nothing to change was named.", remedy="Give --role, --open, --close or --password.")
    wanted = _role(role) if role is not None else None
    kept = Passwords().hash(_password(password_stdin), name) if password or password_stdin else None
    with open_ledger(config, home) as (_, ledger):
        account = ledger.change_account(
            name,
            actor=CONSOLE,
            role=wanted,
            active=active,
            password_hash=kept,
        )
    stdout().print(f"{account.name}: {account.role}, {'active' if account.active else 'closed'}.")


@app.command()
def token(name: Name, home: Home = None, config: Config = None) -> None:
    """Prints a token with which a program uses the JSON API as this account, for 90 days or until it changes."""
    from flows.home import open_ledger
    from flows.review.security import Sessions, load_secret

    with open_ledger(config, home) as (settings, ledger):
        found = ledger.credentials(name)
        if found is None or not found[0].active:
            raise UsageError(
                f"There is no active account {name!r}.", remedy="`parquetry people list` shows them."
            )
        account = found[0]
        ledger.note(CONSOLE, "token made", account=account.name)
        typer.echo(
            Sessions(load_secret(settings.home / "review.key")).bearer(account.account_id, account.epoch)
        )


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError as error:
        roles = ", ".join(Role)
        raise UsageError(f"{text!r} is no role.", remedy=f"The roles are {roles}.") from error


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
