"""By hand what the schedule does every day, and a look at what it has kept."""

import re
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arrears_cli.book import read_known_at
from arrears_cli.closed_month import Month, check_month, put_documents
from arrears_cli.connection import OrganisationId, Stack, connect, organisation_of
from arrears_cli.output import Failed, Json, money, put, put_table, say, share
from arrears_cli.reports import BUCKETS, KnownAt, SideName, SideOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arrears.storage.ledger.reconcile import Difference

snapshots = typer.Typer(help="Closed months.", no_args_is_help=True)


def close(
    organisation_id: OrganisationId,
    through: Annotated[
        str | None,
        typer.Option(metavar="MONTH", help="Last month to work through, YYYY-MM; it is closed without waiting."),
    ] = None,
    stack: Stack = None,
    as_json: Json = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before a month is closed early.")] = False,
) -> None:
    """Work through all complete days: record escalations, close the months that wait for no more late postings."""
    from arrears.ledger.days import NEVER, day_text

    last = NEVER if through is None else check_month(through)
    services = connect(stack)
    organisation = organisation_of(services, organisation_id)
    if through is not None and not yes:
        _ask_ahead(organisation.policy.close_after_days, last, organisation.today(services.clock()))
    services.audit().write(organisation.id, "close", organisation.id, {"through": through})
    now = services.clock()
    organisation = services.reading(organisation_of(services, organisation_id), now).organisation
    closed = services.closing().close(organisation, now, last)
    day = None if closed.through is None else day_text(closed.through)
    body = {
        "through": day,
        "months": closed.months,
        "payablesMonths": closed.payables_months,
        "escalations": closed.escalations,
        "sent": closed.sent,
    }
    done = f"Worked through {day}." if day else "There is nothing to work through yet."
    months = _closed("months", closed.months) + _closed("months of payables", closed.payables_months)
    put(body, as_json, " ".join((done, months or "No month closed,", f"{closed.escalations} escalations recorded.")))


def _closed(what: str, months: "Sequence[str]") -> str:
    return f"{len(months)} {what} closed ({months[0]} to {months[-1]}), " if months else ""


def _ask_ahead(close_after_days: int, through: int, today: int) -> None:
    """Asks before the latest month that has ended is closed while it waits for late postings.

    No earlier one can wait: close_after_days are fewer than a month's. Raises Failed where the answer is no.
    """
    from arrears.ledger.days import day_text, month_of

    ended = date.fromordinal(today).replace(day=1).toordinal() - 1
    closes_on = ended + 1 + close_after_days
    if through < ended or closes_on <= today:
        return
    say(
        f"{month_of(ended)} waits for late postings, and would be closed on {day_text(closes_on)}. "
        "A closed month never changes."
    )
    if not typer.confirm("Close it now?", err=True):
        raise Failed("Nothing was closed.")


@snapshots.command("show")
def show_snapshot(
    organisation_id: OrganisationId,
    month: Month,
    side: SideOption = SideName.RECEIVABLES,
    documents: Annotated[
        bool, typer.Option("--documents", help="List what was open at its end, as known at its close.")
    ] = False,
    known_at: KnownAt = None,
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Show a closed month as it was closed, as it would be closed now, and the difference."""
    from arrears.close.months import month_as_known
    from arrears.ledger.known_at import instant_text
    from arrears.rendering.history import month_body
    from arrears.reports.month_close import from_stored

    check_month(month)
    of = side.of_ledger
    services = connect(stack)
    organisation = organisation_of(services, organisation_id)
    moment = read_known_at(known_at, organisation, services.clock())
    snapshot = services.history().snapshot(organisation.id, month, of)
    if snapshot is None or (moment is not None and snapshot.recorded_at > instant_text(moment)):
        raise Failed(f"{month} is not closed.")
    if documents:
        put_documents(services, organisation, snapshot, of, as_json)
        return
    reading = services.reading(organisation, moment)
    present = month_as_known(reading.ledger, services.history(), reading.organisation, snapshot, of)
    then, now = (
        month_body(snapshot.end, snapshot.policy_version, figures, of)
        for figures in (from_stored(snapshot.figures), present)
    )
    differences = _currencies(then, now)
    body = {"then": then, "now": now, "difference": {"currencies": differences}, "closedAt": snapshot.recorded_at}
    if as_json:
        put(body, True, "")
        return
    for difference in differences:
        _put_month(f"{month} {difference['currency']}", difference["currency"], then, now, difference)


def _currencies(then: dict[str, Any], now: dict[str, Any]) -> list[dict[str, Any]]:
    """Now less then, per currency of either."""
    was, is_ = _by_currency(then), _by_currency(now)
    return [
        {"currency": currency, **_less(is_.get(currency, {}), was.get(currency, {}))} for currency in {**was, **is_}
    ]


def _by_currency(month: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {entry["currency"]: entry for entry in month["currencies"]}


def _less(now: dict[str, Any], then: dict[str, Any]) -> dict[str, Any]:
    """The difference of two objects' numbers, by name; what is missing or null on one side is left out."""
    found: dict[str, Any] = {}
    for name in {**then, **now}:
        was, is_ = then.get(name), now.get(name)
        if isinstance(was, dict) or isinstance(is_, dict):
            found[name] = _less(is_ or {}, was or {})
        elif name != "currency" and (was, is_) != (None, None):
            found[name] = _number(Decimal(str(is_ or 0)) - Decimal(str(was or 0)))
    return found


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _put_month(
    title: str, currency: str, then: dict[str, Any], now: dict[str, Any], difference: dict[str, Any]
) -> None:
    columns = [
        _flat(_by_currency(then).get(currency, {})),
        _flat(_by_currency(now).get(currency, {})),
        _flat(difference),
    ]
    names = [name for name in {**columns[0], **columns[1]} if name != "currency"]
    rows = [(_title(name), *(_shown(name, column.get(name), currency) for column in columns)) for name in names]
    put_table(title, ("figure", "then", "now", "difference"), rows, ("then", "now", "difference"))


def _title(name: str) -> str:
    """A figure's name in words: `buckets d31To60 amount` is "buckets 31-60 amount"."""
    words = (BUCKETS.get(word) or re.sub("(?=[A-Z])", " ", word).lower() for word in name.split())
    return " ".join(words)


def _shown(name: str, value: Any, currency: str) -> str:
    """A figure as people read it: rates in percent, days with one decimal, amounts with the currency's decimals."""
    if value is None:
        return ""
    if name.startswith("rollRates"):
        return share(value)
    if name == "cei":
        return share(value / 100)
    if name == "dso":
        return f"{value:.1f}"
    return str(value) if name.lower().endswith("count") else money(value, currency)


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{prefix}{name} ") if isinstance(value, dict) else {prefix + name: value}
    return flat


def reconcile(
    organisation_id: OrganisationId,
    mend: Annotated[bool, typer.Option("--mend", help="Mend what differs. Nothing else may write meanwhile.")] = False,
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Work out accounts and monthly figures anew from the documents, and say what differs or is missing in the log."""
    from arrears.storage.ledger.reconcile import CHANGE_LOG, Notice

    services = connect(stack)
    organisation = organisation_of(services, organisation_id)
    if mend:
        services.audit().write(organisation.id, "reconcile_mend", organisation.id, {})
    found, notices = [], []
    for finding in services.reconciliation().run(organisation, services.clock(), mend):
        if isinstance(finding, Notice):
            notices.append(finding)
            say(f"note: {finding.kind} {finding.what} {finding.detail}")
        else:
            found.append(finding)
            say(_sentence(finding))
    body = {
        "differences": [_difference_body(difference) for difference in found],
        "notices": [asdict(notice) for notice in notices],
        "mended": mend,
    }
    missing = sum(difference.kind == CHANGE_LOG for difference in found)
    what = f"{len(found) - missing} differences mended" if mend else f"{len(found)} differences found"
    cannot = f"; {missing} cannot be mended." if missing else "."
    put(body, as_json, what + cannot if found else "Everything adds up.")
    if missing or (found and not mend):
        raise typer.Exit(1)


def _sentence(difference: "Difference") -> str:
    from arrears.storage.ledger.reconcile import CHANGE_LOG

    if difference.kind == CHANGE_LOG:
        before = "none" if difference.recomputed is None else f"the one of {difference.recomputed}"
        return f"change log: the change of {difference.what} at {difference.stored} is missing; before it is {before}"
    return (
        f"{difference.kind} {difference.what}: {difference.field} is {difference.stored}, "
        f"the documents say {difference.recomputed}"
    )


def _difference_body(difference: "Difference") -> dict[str, Any]:
    return {
        "kind": difference.kind,
        "what": difference.what,
        "field": difference.field,
        "stored": difference.stored,
        "recomputed": difference.recomputed,
    }
