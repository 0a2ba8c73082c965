"""The book of one organisation as reports, `record` and `import` use it: in the tables, or behind the API.

Both answer in the published form, so that a command prints the same wherever its book is.
"""

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from arrears_cli.connection import connect, organisation_of
from arrears_cli.output import Failed

if TYPE_CHECKING:
    from arrears.ledger.ledger_side import Side
    from arrears.ledger.organisation import Organisation
    from arrears.ledger.recording import Result
    from arrears.reports.aging import Report, RowReference
    from arrears.runtime import Services

type Order = Literal["age", "amount"]
_PAGE = 1_000


class EscalationFilter(NamedTuple):
    """Which escalations are asked for. since: a day, or a moment in UTC. customer: as people name it."""

    since: str | None
    tier: str | None
    customer: str | None
    limit: int


class Book(Protocol):
    """What there is to read and write of one organisation."""

    @property
    def identity(self) -> list[str | None]:
        """Which book of which ledger it is: an interrupted import goes on in the same one only."""

    def today(self) -> int:
        """The present day."""

    def moment(self, day: int | None) -> str:
        """Noon of a day, or the present moment if None; RFC 3339."""

    def overdue(self, side: "Side", day: int | None, order: Order, limit: int | None) -> dict[str, Any]:
        """An overdue report as of a day, today if None: its rows in that order, at most `limit` of them."""

    def aging(self, side: "Side", by: str, day: int | None, limit: int | None) -> dict[str, Any]:
        """An aged list by customer, supplier or document as of a day, today if None: at most `limit` of its rows."""

    def history(self, side: "Side", months: int) -> dict[str, Any]:
        """The latest closed months, oldest first."""

    def escalations(self, asked: EscalationFilter) -> dict[str, Any]:
        """Escalations, newest first."""

    def write(self, records: Sequence[dict[str, Any]]) -> "Sequence[Result]":
        """Writes records; one result per record, in order. Raises ArrearsError where the ledger is busy."""


def open_book(organisation: str | None, stack: str | None, url: str | None) -> Book:
    """The book that the options name. Raises Failed where they do not fit together, or something is missing."""
    if url and stack:
        raise Failed("Give either --stack (or ARREARS_STACK) or --url (or ARREARS_URL), not both.")
    if url:
        from arrears_cli.https import RemoteBook

        return RemoteBook.of_environment(url, organisation)
    if organisation is None:
        raise Failed("Name the organisation with --organisation or ARREARS_ORGANISATION.")
    services = connect(stack)
    return StoredBook(services, organisation_of(services, organisation))


class StoredBook:
    """A book in the tables."""

    def __init__(self, services: "Services", organisation: "Organisation") -> None:
        self.services = services
        self.organisation = organisation
        self._write = services.writing(organisation)

    @property
    def identity(self) -> list[str | None]:
        """Organisation, endpoint and table."""
        return [self.organisation.id, self.services.client.meta.endpoint_url, self.services.settings.ledger_table]

    def today(self) -> int:
        """The day in the organisation's time zone."""
        return self.organisation.today(self.services.clock())

    def moment(self, day: int | None) -> str:
        """A moment in the organisation's time zone."""
        zone = ZoneInfo(self.organisation.timezone)
        if day is None:
            return self.services.clock().astimezone(zone).isoformat(timespec="seconds")
        return datetime.combine(date.fromordinal(day), time(12), zone).isoformat()

    def write(self, records: Sequence[dict[str, Any]]) -> "Sequence[Result]":
        """Writes records."""
        return self._write(records)

    def overdue(self, side: "Side", day: int | None, order: Order, limit: int | None) -> dict[str, Any]:
        """An overdue report; rows that are not shown are not worked out."""
        from arrears.ledger.ledger_side import Side
        from arrears.rendering.overdue import payables_body, receivables_body
        from arrears.reports.aging import overdue_report
        from arrears.reports.payables import supplier_row
        from arrears.reports.receivables import customer_row

        today = self.today()
        day = today if day is None else day
        accounts = self.services.ledger.accounts(self.organisation, side, day, today)
        report = overdue_report(accounts, day, self.organisation)
        shown = _ordered(report, order)[:limit]
        if side is Side.RECEIVABLE:
            return receivables_body(report, (customer_row(row, day, report.policy) for row in shown), None)
        return payables_body(report, (supplier_row(row, day, report.policy) for row in shown), None)

    def aging(self, side: "Side", by: str, day: int | None, limit: int | None) -> dict[str, Any]:
        """An aged list; rows that are not shown are not worked out."""
        from arrears.ledger.ledger_side import Side
        from arrears.rendering import aged_list as rendering
        from arrears.reports import aged_list as reports
        from arrears.reports.aged_customers import customer_balance
        from arrears.reports.aged_suppliers import supplier_balance

        organisation, ledger, today = self.organisation, self.services.ledger, self.today()
        day = today if day is None else day
        accounts = ledger.accounts(organisation, side, day, today)
        if by == rendering.BY_DOCUMENT:
            documents = reports.aged_documents(accounts, day, organisation)
            found = documents.rows[:limit]
            references = ledger.references(organisation, side, [one.document.id for one in found])
            rows = [rendering.aged_document_body(reports.aged_document(one, day), side, references) for one in found]
            return rendering.aged_list_body(documents, side, by, rows, None)
        parties = reports.aged_parties(accounts, day, organisation)
        shown, policy = parties.rows[:limit], organisation.policy
        if side is Side.RECEIVABLE:
            limits = ledger.credit_limits(organisation, [one.account.id for one in shown])
            rows = [rendering.aged_customer_body(customer_balance(one, day, policy, limits)) for one in shown]
        else:
            rows = [rendering.aged_supplier_body(supplier_balance(one, day, policy)) for one in shown]
        return rendering.aged_list_body(parties, side, by, rows, None)

    def history(self, side: "Side", months: int) -> dict[str, Any]:
        """Closed months as they were kept."""
        from arrears.rendering.history import month_body
        from arrears.reports.month_close import from_stored

        kept = self.services.history().snapshots(self.organisation.id, months, side)
        return {"months": [month_body(one.end, one.policy_version, from_stored(one.figures), side) for one in kept]}

    def escalations(self, asked: EscalationFilter) -> dict[str, Any]:
        """Escalation records as they were kept."""
        from arrears_cli.administration import customer_id

        customer = None if asked.customer is None else customer_id(self.services, self.organisation, asked.customer)
        found: list[dict[str, Any]] = []
        after: str | None = None
        while True:
            page, after = self.services.history().escalations(
                self.organisation.id,
                min(asked.limit - len(found), _PAGE),
                asked.since or "",
                asked.tier,
                customer,
                after,
            )
            found += page
            if after is None or len(found) >= asked.limit:
                return {"escalations": found, "nextCursor": None}


def _ordered(report: "Report", order: Order) -> "list[RowReference]":
    """The report's rows, which come by age; by amount: larger first inside a currency."""
    if order == "age":
        return report.rows
    return sorted(report.rows, key=lambda row: (*row.sort_key[:2], row.sort_key[3], row.sort_key[2], *row.sort_key[4:]))
