"""Reads changes from the change log, page by page, newest first."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from arrears.ledger.changes import SETTINGS_TYPES, ChangeFilter, RecordedChange
from arrears.ledger.organisation import Organisation
from arrears.storage.ledger import keys
from arrears.storage.ledger.change_entries import Entry
from arrears.storage.ledger.change_walk import ChangeWalk, Step

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

MOST_ENTRIES, MOST_ITEMS = 1_000, 5_000
"""After so many entries of the log, or items that it changed, a page ends with what it has found."""
_DOCUMENTS, _COUNTERPARTIES = ("invoice", "bill"), ("customer", "supplier", "reminder", "promise")


class ChangePosition(NamedTuple):
    """Where a page ends: before the change of this number in the entry of this moment and name."""

    moment: int
    name: str
    number: int


class ChangePage(NamedTuple):
    """Changes, newest first, and where to go on; None at the end."""

    changes: list[RecordedChange]
    after: ChangePosition | None


class ChangeReader:
    """Reads the changes of one ledger table, an organisation at a time."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def page(
        self,
        organisation: Organisation,
        asked: ChangeFilter,
        limit: int,
        first: int = 0,
        last: int | None = None,
        after: Sequence[Any] | None = None,
    ) -> ChangePage:
        """At most `limit` changes from the moment `last` (None: the present) back to `first`, both included.

        after: the position at which the page before ended. A page has less, and still a position, where it would read
        too much.
        """
        found: list[RecordedChange] = []
        entries = items = 0
        start_at = None if after is None else ChangePosition(*after)
        for step, start in self._steps(organisation, asked, first, last, start_at):
            entry = step.entry
            if entries >= MOST_ENTRIES or items >= MOST_ITEMS:
                return ChangePage(found, ChangePosition(entry.moment, entry.name, start))
            for number, change in enumerate(changes_of(organisation, step)):
                if number >= start and asked.takes(change, organisation):
                    if len(found) == limit:
                        return ChangePage(found, ChangePosition(entry.moment, entry.name, number))
                    found.append(change)
            entries, items = entries + 1, items + len(step.items)
        return ChangePage(found, None)

    def every(
        self, organisation: Organisation, asked: ChangeFilter, first: int = 0, last: int | None = None
    ) -> Iterator[RecordedChange]:
        """All changes that are asked for."""
        for step, _ in self._steps(organisation, asked, first, last, None):
            for change in changes_of(organisation, step):
                if asked.takes(change, organisation):
                    yield change

    def _steps(
        self,
        organisation: Organisation,
        asked: ChangeFilter,
        first: int,
        last: int | None,
        after: ChangePosition | None,
    ) -> Iterator[tuple[Step, int]]:
        """The entries that are left, each with the number of its first change that is."""
        walk = ChangeWalk(self._client, self._table, organisation.id)

        def wanted(entry: Entry) -> bool:
            return _may_have(entry, asked)

        for step in walk.newest_first(first, last if after is None else after.moment, wanted):
            at = step.entry.moment, step.entry.name
            if after is None or at < after[:2]:
                yield step, 0
            elif at == after[:2]:
                yield step, after.number


def changes_of(organisation: Organisation, step: Step) -> Iterator[RecordedChange]:
    """The changes of an entry, of records and of settings, always in the same order."""
    entry = step.entry
    for change in step.changes(organisation.id):
        yield RecordedChange(entry.moment, entry.origin, *change)
    yield from _settings_changes(organisation, entry)


def _settings_changes(organisation: Organisation, entry: Entry) -> Iterator[RecordedChange]:
    before, after = entry.settings, entry.settings_after
    if before is None or after is None:
        return
    moment, origin, id_ = entry.moment, entry.origin, organisation.id
    if before["policy"] != after["policy"]:
        yield RecordedChange(moment, origin, "policy", id_, None, before["policy"], after["policy"])
    old, new = ({name: value for name, value in one.items() if name != "policy"} for one in (before, after))
    if old != new:
        yield RecordedChange(moment, origin, "organisation", id_, None, old, new)


def _may_have(entry: Entry, asked: ChangeFilter) -> bool:
    """Whether an entry may have a change that is asked for, by itself: then its items are read."""
    if asked.import_id not in (None, entry.origin.import_id):
        return False
    if asked.type is None or asked.type in SETTINGS_TYPES:
        return asked.type is None
    if asked.type in _DOCUMENTS:
        return any(sk == keys.DOCUMENT and keys.document_kind((pk, sk)) == asked.type for pk, sk in entry.before)
    part = keys.COUNTERPARTY if asked.type in _COUNTERPARTIES else None
    return any(sk == part or (part is None and sk in (keys.DOCUMENT, keys.ON_ACCOUNT)) for _, sk in entry.before)
