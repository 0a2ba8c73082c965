"""What a party's page and statement read, in the order in which they know what to ask for.

The reader is handed in, so that the endpoints and the command read the same, and this room stays free of storage.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from arrears.ledger.dated_document import Account, DatedDocument
from arrears.ledger.errors import UNAVAILABLE, ArrearsError
from arrears.ledger.organisation import Organisation
from arrears.ledger.parties import DocumentRecords, MoneyRecord, Party
from arrears.reports.party import OpenDocument, PartyReport, party_report
from arrears.reports.statements import (
    OPEN_ITEM,
    CurrencyStatement,
    InHand,
    activity,
    moves_within,
    open_items,
    sent_within,
    shown_in_open_items,
)

MAX_LISTED = 1_000
"""So many entries a list on a party's page has at most; the newest ones."""


class StatementTooLarge(Exception):
    """A statement has more documents or lines than it may have."""


class PartyReader(Protocol):
    """Reads one party; see arrears.storage.ledger.parties."""

    def as_of(
        self, organisation: Organisation, party: Party, day: int, today: int
    ) -> tuple[Account, list[DatedDocument]]:
        """Its account and the documents that may count on a day."""

    def since(self, organisation: Organisation, party: Party, day: int) -> tuple[Account, list[DatedDocument]]:
        """Its account and its documents that are open, or have anything dated on a day or later."""

    def records(self, organisation: Organisation, party: Party, documents: Iterable[str]) -> dict[str, DocumentRecords]:
        """What the records on some of its documents say, by the documents' ids."""

    def on_account(self, organisation: Organisation, sources: Iterable[str]) -> dict[str, MoneyRecord]:
        """Payments and credits on account by their sources."""


@dataclass(frozen=True, slots=True)
class PartyPage:
    """A page of a party's open documents, and what its other lists show.

    records: of all the documents named. advances: the payments and credits on account, by their sources.
    """

    report: PartyReport
    documents: Sequence[OpenDocument]
    records: Mapping[str, DocumentRecords]
    advances: Mapping[str, MoneyRecord]


def read_report(reader: PartyReader, organisation: Organisation, party: Party, day: int, today: int) -> PartyReport:
    """All that is known of a party as of a day."""
    account, documents = reader.as_of(organisation, party, day, today)
    return party_report(party, account, documents, day, organisation)


def read_page(
    reader: PartyReader, organisation: Organisation, report: PartyReport, documents: Sequence[OpenDocument]
) -> PartyPage:
    """A page of a party's open documents with what only the records say."""
    wanted = {one.document.id for one in documents}
    wanted |= {one.document.id for one in disputed_documents(report)}
    listed = report.on_account[:MAX_LISTED]
    wanted |= {item.id for item in listed if item.of_document}
    records = reader.records(organisation, report.party, sorted(wanted))
    advances = reader.on_account(organisation, [item.source for item in listed if not item.of_document])
    return PartyPage(report, documents, records, advances)


def disputed_documents(report: PartyReport) -> list[OpenDocument]:
    """The open documents that a dispute was ever about, as many as a page lists."""
    return [one for one in report.open_documents if one.document.disputes][:MAX_LISTED]


def read_statement(
    reader: PartyReader,
    organisation: Organisation,
    party: Party,
    kind: str,
    first: int,
    last: int,
    currency: str | None = None,
    most: int | None = None,
) -> list[CurrencyStatement]:
    """A party's statement: its activity from `first` to `last`, or what is open at the end of `last`.

    currency: only this one, which then has a section even if there is nothing in it. Raises ArrearsError (unavailable)
    when it does not add up, as what it was read from was being written, and StatementTooLarge for more than `most`
    documents or lines.
    """
    default = organisation.currency
    if kind == OPEN_ITEM:
        in_hand = InHand(*reader.since(organisation, party, last + 1))
        documents, sources = shown_in_open_items(in_hand, last)
        _check_size(len(documents), most)
        records, sent = reader.records(organisation, party, documents), reader.on_account(organisation, sources)
        statements = open_items(in_hand.renewed(records), records, sent, last, default)
    else:
        in_hand = InHand(*reader.since(organisation, party, first))
        moving = [document.id for document in in_hand.documents if moves_within(document, first, last)]
        _check_size(len(moving), most)
        records = reader.records(organisation, party, moving)
        sent = reader.on_account(organisation, sent_within(in_hand.account, first, last))
        statements = activity(in_hand.renewed(records), records, sent.values(), first, last, default)
    _check_size(sum(len(statement.lines) for statement in statements), most)
    if not all(statement.adds_up for statement in statements):
        raise ArrearsError(UNAVAILABLE, "The party's documents are being written; try again.", retry_after=1)
    if currency is None:
        return statements
    nothing = CurrencyStatement(currency, 0, [], 0, [0] * 5, 0)
    return [next((statement for statement in statements if statement.currency == currency), nothing)]


def _check_size(size: int, most: int | None) -> None:
    if most is not None and size > most:
        raise StatementTooLarge
