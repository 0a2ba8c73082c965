"""The book of one organisation as reports, `record` and `import` use it: in the tables, or behind the API.

Both answer in the published form, so that a command prints the same wherever its book is.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from arrears_cli.connection import connect, organisation_of
from arrears_cli.output import Failed

if TYPE_CHECKING:
    from arrears.ledger.ledger_side import Side
    from arrears.ledger.organisation import Organisation
    from arrears.ledger.result import Result
    from arrears.reports.aging import Report, RowReference
    from arrears.reports.book_reading import BookReading
    from arrears.reports.row_selection import RowFilter
    from arrears.runtime import Services

Order = Literal["age", "amount"]
_PAGE = 1_000
FROM_AFTER_TO = "--from is after --to, which is today where it is not given."


class OverdueRequest(NamedTuple):
    """What is asked of an overdue report. day: today if None. limit: so many rows at most, all if None.

    party: a customer's or supplier's UUID, or the caller's own id of it. level: its tier or urgency. include: with the
    documents of each row.
    """

    day: int | None = None
    order: Order = "age"
    limit: int | None = None
    party: str | None = None
    currency: str | None = None
    level: str | None = None
    action: str | None = None
    include: bool = False


class StatementRequest(NamedTuple):
    """What is asked of a statement. kind: activity or open_item. last: today if None. first: of the month of `last`."""

    kind: str
    first: int | None = None
    last: int | None = None
    currency: str | None = None


class EscalationFilter(NamedTuple):
    """Which escalations are asked for. since: a day, or a moment in UTC. customer: as people name it."""

    since: str | None
    tier: str | None
    customer: str | None
    limit: int


class ChangesRequest(NamedTuple):
    """Which changes are asked for. since, until: a day, or a moment. customer, supplier, id: as people name them."""

    since: str | None
    until: str | None
    type: str | None
    id: str | None
    customer: str | None
    supplier: str | None
    import_id: str | None


class Book(Protocol):
    """What there is to read and write of one organisation."""

    @property
    def identity(self) -> list[str | None]:
        """Which book of which ledger it is: an interrupted import goes on in the same one only."""

    @property
    def known_at(self) -> str | None:
        """The moment of which it is read, as answers name it; None: the present."""

    def today(self) -> int:
        """The present day."""

    def moment(self, day: int | None) -> str:
        """Noon of a day, or the present moment if None; RFC 3339."""

    def overdue(self, side: "Side", asked: OverdueRequest) -> dict[str, Any]:
        """An overdue report with the rows that are asked for."""

    def aging(self, side: "Side", by: str, day: int | None, limit: int | None) -> dict[str, Any]:
        """An aged list as of a day, today if None. by: customer, supplier or document."""

    def party(self, side: "Side", id: str, day: int | None) -> dict[str, Any]:
        """Everything known of a customer or supplier. Raises Failed or ArrearsError where there is none."""

    def statement(self, side: "Side", id: str, asked: StatementRequest) -> dict[str, Any]:
        """The statement of a customer or supplier. Raises as `party` does."""

    def history(self, side: "Side", months: int) -> dict[str, Any]:
        """The latest closed months of a ledger side, oldest first."""

    def escalations(self, asked: EscalationFilter) -> dict[str, Any]:
        """Escalations, newest first."""

    def changes(self, asked: ChangesRequest) -> Iterator[dict[str, Any]]:
        """Changes, newest first, as they are read."""

    def write(self, records: Sequence[dict[str, Any]], import_id: str = "") -> "Sequence[Result]":
        """Writes records; one result per record, in order. Raises ArrearsError where the ledger is busy.

        import_id: of the import that they belong to.
        """


def open_book(organisation: str | None, stack: str | None, url: str | None, known_at: str | None = None) -> Book:
    """The book that the options name. Raises Failed where they do not fit together, or something is missing.

    known_at: the moment of which it is read, as it is typed: see arrears.ledger.known_at.
    """
    if url and stack:
        raise Failed("Give either --stack (or ARREARS_STACK) or --url (or ARREARS_URL), not both.")
    if url:
        from arrears_cli.https import RemoteBook

        return RemoteBook.of_environment(url, organisation, known_at)
    if organisation is None:
        raise Failed("Name the organisation with --organisation or ARREARS_ORGANISATION.")
    services = connect(stack)
    found = organisation_of(services, organisation)
    return StoredBook(services, found, read_known_at(known_at, found, services.clock()))


def read_known_at(text: str | None, organisation: "Organisation", now: datetime) -> datetime | None:
    """The moment of which an answer is to be, None: the present. Raises Failed for one that cannot be used."""
    from arrears.ledger.known_at import parse_known_at

    try:
        return None if text is None else parse_known_at(text, organisation, now)
    except ValueError as error:
        raise Failed(f"--known-at {error}.") from None


class StoredBook:
    """A book in the tables. known_at: the moment of which it is read, None: the present."""

    def __init__(self, services: "Services", organisation: "Organisation", known_at: datetime | None = None) -> None:
        self.services = services
        self.organisation = organisation
        self._known_at = known_at
        self._then = services.reading(organisation, known_at)

    @property
    def identity(self) -> list[str | None]:
        """Organisation, endpoint and table."""
        return [self.organisation.id, self.services.client.meta.endpoint_url, self.services.settings.ledger_table]

    @property
    def known_at(self) -> str | None:
        """The moment of which it is read."""
        from arrears.ledger.known_at import instant_text

        return None if self._known_at is None else instant_text(self._known_at)

    def today(self) -> int:
        """The day in the organisation's time zone."""
        return self.organisation.today(self.services.clock())

    def moment(self, day: int | None) -> str:
        """A moment in the organisation's time zone."""
        zone = ZoneInfo(self.organisation.timezone)
        if day is None:
            return self.services.clock().astimezone(zone).isoformat(timespec="seconds")
        return datetime.combine(date.fromordinal(day), time(12), zone).isoformat()

    def write(self, records: Sequence[dict[str, Any]], import_id: str = "") -> "Sequence[Result]":
        """Writes records, in the name of who runs the command."""
        origin = self.services.operator()._replace(import_id=import_id)
        return self.services.writing(self.organisation, origin)(records)

    def overdue(self, side: "Side", asked: OverdueRequest) -> dict[str, Any]:
        """An overdue report; rows that are not shown are not worked out."""
        from arrears.ledger.ledger_side import Side
        from arrears.rendering.overdue import payables_body, receivables_body
        from arrears.reports.aging import with_accounts
        from arrears.reports.overdue_page import read_overdue
        from arrears.reports.page_request import PageRequest
        from arrears.reports.payables import row_urgency, supplier_row
        from arrears.reports.receivables import customer_row, row_tier
        from arrears.reports.row_selection import AGE, select_rows, totals_of

        reading, wanted = self._reading(side, asked)
        first = asked.limit is not None and asked.order == AGE and not any(wanted)
        report = read_overdue(reading, PageRequest(None, asked.limit) if first and asked.limit else None)
        if side is Side.RECEIVABLE:
            chosen = select_rows(report, wanted, row_tier, customer_row, reading.judgeable)
        else:
            chosen = select_rows(report, wanted, row_urgency, supplier_row, reading.judgeable)
        page = list(with_accounts(_page(chosen, asked), reading.complete))
        totals = totals_of(chosen) if any(wanted) else None
        if side is Side.RECEIVABLE:
            customers = (customer_row(row, report.day, report.policy) for row in page)
            body = receivables_body(report, customers, None, totals)
            return self._with_documents(side, body, "customers", "invoice", page, report) if asked.include else body
        suppliers = (supplier_row(row, report.day, report.policy) for row in page)
        body = payables_body(report, suppliers, None, totals)
        return self._with_documents(side, body, "suppliers", "bill", page, report) if asked.include else body

    def _reading(self, side: "Side", asked: OverdueRequest) -> "tuple[BookReading, RowFilter]":
        from arrears.ledger.ids import outward_id
        from arrears.ledger.ledger_side import Side
        from arrears.reports.book_reading import BookReading
        from arrears.reports.row_selection import RowFilter

        kind = "customer" if side is Side.RECEIVABLE else "supplier"
        then = self._then
        party = asked.party and outward_id(then.organisation.id, kind, asked.party)
        day = then.today if asked.day is None else asked.day
        reading = BookReading(then.ledger, then.organisation, side, day, then.today)
        return reading, RowFilter(party, asked.currency, asked.level, asked.action)

    def _with_documents(
        self, side: "Side", body: dict[str, Any], rows: str, kind: str, page: "list[RowReference]", report: "Report"
    ) -> dict[str, Any]:
        """The body with the overdue documents of each row."""
        from arrears.rendering.overdue_documents import document_bodies

        references_of = partial(self._then.ledger.references, self._then.organisation, side)
        for row, documents in zip(body[rows], document_bodies(page, report.day, kind, references_of), strict=True):
            row[f"{kind}s"] = documents
        return body

    def aging(self, side: "Side", by: str, day: int | None, limit: int | None) -> dict[str, Any]:
        """An aged list."""
        from arrears_cli.stored_reports import aged_body

        return aged_body(self._then, side, by, day, limit)

    def party(self, side: "Side", id: str, day: int | None) -> dict[str, Any]:
        """The page of a customer or supplier."""
        from arrears_cli.stored_reports import party_body

        return party_body(self._then, side, id, day)

    def statement(self, side: "Side", id: str, asked: StatementRequest) -> dict[str, Any]:
        """A statement."""
        from arrears_cli.stored_reports import statement_of

        return statement_of(self._then, side, id, asked)

    def history(self, side: "Side", months: int) -> dict[str, Any]:
        """Closed months as they were kept."""
        from arrears.rendering.history import month_body
        from arrears.reports.month_close import from_stored

        kept = self.services.history().snapshots(self.organisation.id, months, side, self.known_at)
        return {"months": [month_body(one.end, one.policy_version, from_stored(one.figures), side) for one in kept]}

    def escalations(self, asked: EscalationFilter) -> dict[str, Any]:
        """Escalation records as they were kept."""
        from arrears.ledger.ids import outward_id

        customer = asked.customer and outward_id(self.organisation.id, "customer", asked.customer)
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
                self.known_at,
            )
            found += page
            if after is None or len(found) >= asked.limit:
                return {"escalations": found, "nextCursor": None}

    def changes(self, asked: ChangesRequest) -> Iterator[dict[str, Any]]:
        """Changes as the log has them. The audit says first that somebody has read it."""
        from arrears.ledger.changes import ChangeFilter
        from arrears.ledger.ids import outward_id
        from arrears.rendering.changes import change_body

        party = asked.customer and "c" + outward_id(self.organisation.id, "customer", asked.customer)
        party = party or (asked.supplier and "s" + outward_id(self.organisation.id, "supplier", asked.supplier))
        wanted = ChangeFilter(asked.type, asked.id, party, asked.import_id)
        first = _bound(asked.since, self.organisation, "--since", end=False) or 0
        last = _bound(asked.until, self.organisation, "--until", end=True)
        self.services.audit().write(self.organisation.id, "read_changes", self.organisation.id, {})
        return map(change_body, self.services.changes().every(self.organisation, wanted, first, last))


def _bound(text: str | None, organisation: "Organisation", option: str, end: bool) -> int | None:
    from arrears.ledger.known_at import parse_bound

    try:
        return None if text is None else parse_bound(text, organisation, end)
    except ValueError as error:
        raise Failed(f"{option} {error}.") from None


def _page(rows: "list[RowReference]", asked: OverdueRequest) -> "list[RowReference]":
    """The rows to show, in the order asked for; they come by age."""
    from arrears.reports.row_selection import AGE, ORDERS

    return (rows if asked.order == AGE else sorted(rows, key=ORDERS[asked.order]))[: asked.limit]


def nobody(side: "Side", id: str) -> Failed:
    """The error that a side has no such customer or supplier."""
    from arrears.rendering.aged_list import BY_PARTY

    return Failed(f"There is no {BY_PARTY[side]} {id}.")
