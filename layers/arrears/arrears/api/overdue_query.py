"""What the overdue reports are asked for beside their day and page: filters, order, and the documents of each row."""

from collections.abc import Sequence
from typing import NamedTuple

from arrears.api import dolfin
from arrears.api.errors import ANSWER_TOO_LARGE, INVALID_PARAMETER
from arrears.api.http import Request
from arrears.ledger.errors import ArrearsError
from arrears.ledger.ids import outward_id
from arrears.ledger.money import EXPONENTS
from arrears.ledger.organisation import Organisation
from arrears.reports.aging import RowReference
from arrears.reports.page_request import PageRequest
from arrears.reports.row_selection import AGE, AMOUNT, ORDERS, RowFilter
from arrears.reports.tiers import TIERS, URGENCIES

MAX_DOCUMENTS = 20_000
"""Documents in an answer: each costs a read, and more would not fit into the body of a JSON answer."""


class SideParameters(NamedTuple):
    """The names and values of the parameters of a ledger side.

    party: the type of its counterparties' records. level: the parameter of the tier or urgency. document: the type of
    its documents' records.
    """

    party: str
    level: str
    levels: Sequence[str]
    actions: Sequence[str]
    document: str

    @property
    def party_parameter(self) -> str:
        """The parameter that chooses one counterparty."""
        return f"{self.party}Id"

    @property
    def included(self) -> str:
        """What `include` takes, and the member of a row in which its documents are."""
        return f"{self.document}s"


RECEIVABLES = SideParameters("customer", "tier", TIERS, ("wait", "send_reminder", "call_or_escalate"), "invoice")
PAYABLES = SideParameters(
    "supplier", "urgency", URGENCIES, ("wait", "schedule_payment", "confirm_or_reschedule"), "bill"
)


class OverdueQuery(NamedTuple):
    """What is asked of an overdue report. include: with the documents of each row."""

    report: dolfin.ReportQuery
    wanted: RowFilter
    sort: str
    include: bool

    @classmethod
    def read(cls, request: Request, organisation: Organisation, today: int, side: SideParameters) -> "OverdueQuery":
        """Reads the query. Raises an error for what cannot be used; an id that is not known matches no row."""
        options = {
            side.party_parameter: _party(request, organisation, side),
            "currency": _currency(request),
            side.level: dolfin.read_choice(request, side.level, side.levels),
            "action": dolfin.read_choice(request, "action", side.actions),
            "sort": dolfin.read_choice(request, "sort", tuple(ORDERS)),
            "include": dolfin.read_choice(request, "include", (side.included,)),
        }
        report = dolfin.ReportQuery.read(request, organisation, today, options, {"sort": AGE})
        pinned = report.pinned
        wanted = RowFilter(
            pinned.get(side.party_parameter), pinned.get("currency"), pinned.get(side.level), pinned.get("action")
        )
        return cls(report, wanted, pinned["sort"], "include" in pinned)

    @property
    def filtered(self) -> bool:
        """Whether some rows are not asked for."""
        return any(self.wanted)

    def first_rows(self) -> PageRequest | None:
        """The page of rows that is asked for; None where all have to be read to find it."""
        return None if self.filtered or self.sort != AGE else self.report.first_rows()

    def page(self, rows: list[RowReference]) -> tuple[list[RowReference], str | None]:
        """The rows of this page in the order asked for, and the cursor of the next one if there is one.

        rows: those that are asked for, in the report's order. Raises an error for more documents than an answer has.
        """
        order = ORDERS[self.sort]
        page, next_cursor = self.report.page(sorted(rows, key=order) if self.sort == AMOUNT else rows, order)
        if self.include and sum(row.overdue_count for row in page) > MAX_DOCUMENTS:
            raise ArrearsError(
                ANSWER_TOO_LARGE,
                f"The answer would include more than {MAX_DOCUMENTS:,} documents; ask for it in pages, with `limit`.",
            )
        return page, next_cursor


def _party(request: Request, organisation: Organisation, side: SideParameters) -> str | None:
    """The UUID of the counterparty that is asked for, by that or by the caller's own id."""
    text = request.last(side.party_parameter)
    try:
        return None if text is None else outward_id(organisation.id, side.party, text)
    except UnicodeEncodeError:
        raise ArrearsError(
            INVALID_PARAMETER, f"{side.party_parameter} is not text in UTF-8.", side.party_parameter
        ) from None


def _currency(request: Request) -> str | None:
    text = request.last("currency")
    if text is not None and text.upper() not in EXPONENTS:
        raise ArrearsError(
            INVALID_PARAMETER, "currency is not one of the ISO 4217 codes, such as EUR, GBP or USD.", "currency"
        )
    return None if text is None else text.upper()
