"""Monthly figures: sums by month, slot and the day from which they count, changed by additions only.

A month's figures are the sums over all its items. Writers of one organisation add to the same months, and transactions
that change one item at the same moment cancel each other. So each month has several items, its slots, and a writer adds
to one of them, drawn at random. Books of earlier versions have items by shard: their numbers are slots like others.

An item holds sums by name. Each kind of figure makes and reads its own names. They have a colon, other attributes none.
"""

import secrets
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import batched
from typing import TYPE_CHECKING, Any, NamedTuple

from arrears.ledger.figures import NO_DUE, NO_MONTH, PAST, Cell, Cells
from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.storage.dynamodb import Item, query
from arrears.storage.ledger import keys
from arrears.storage.ledger.keys import MonthSortKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

    from arrears.storage.ledger.change_entries import MonthChange

SLOTS = 16
"""Items that the present figures of a month are spread over: twice as many as writers that rarely meet in one."""
MOST_NAMES = 250
"""Sums that one expression changes: it has 4 kB. More go to further slots."""
_MOST_VERSION_STEP = 2**31
_MOST_MONTHS = 40
_COUNT, _AMOUNT = "n", "a"
_PAST = "<"

type Sums = Mapping[str, int]
"""Whole numbers by attribute name, such as "n:pending:EUR"."""


class CollectionFigure(NamedTuple):
    """How many invoices of an issue month have a status, in one currency, and their total in minor units."""

    status: str
    currency: str
    invoices: int
    amount: int

    def sums(self) -> Sums:
        """As it is stored."""
        figure = f"{self.status}:{self.currency}"
        return {f"{_COUNT}:{figure}": self.invoices, f"{_AMOUNT}:{figure}": self.amount}


def collection_figures(sums: Sums) -> Iterator[CollectionFigure]:
    """The collection figures among the sums of an item; a count or an amount that is not there is zero."""
    found: dict[str, list[int]] = {}
    for name, number in sums.items():
        kind, _, figure = name.partition(":")
        if kind in (_COUNT, _AMOUNT):
            found.setdefault(figure, [0, 0])[kind == _AMOUNT] = number
    for figure, (invoices, amount) in found.items():
        status, currency = figure.split(":")
        yield CollectionFigure(status, currency, invoices, amount)


class MonthItem(NamedTuple):
    """A stored item of monthly figures. version: grows with every change."""

    place: MonthSortKey
    version: int
    sums: Sums


def month_items(
    client: "DynamoDBClient", table: str, organisation: Organisation, side: Side, collected: bool = False
) -> Iterator[MonthItem]:
    """All items of monthly figures of a side. collected: only with the sums that collection figures are made of."""
    pages = query(
        client,
        TableName=table,
        KeyConditionExpression="pk = :months",
        ExpressionAttributeValues={":months": {"S": keys.months_partition(organisation.id, side)}},
    )
    for page in pages:
        yield from (read_month_item(item, collected) for item in page)


_COLLECTED = f"{_COUNT}:", f"{_AMOUNT}:"


def read_month_item(item: Item, collected: bool = False) -> MonthItem:
    """An item of monthly figures as it is stored; collected: as above."""
    names = (
        [name for name in item if name.startswith(_COLLECTED)] if collected else [name for name in item if ":" in name]
    )
    sums = {name: int(Decimal(item[name]["N"])) for name in names}
    return MonthItem(keys.read_month_sort_key(item["sk"]["S"]), int(item["v"]["N"]), sums)


def cell_name(cell: Cell) -> str:
    """The attribute of a cell in the item of its month: kind, currency, and the due day from the month's first on."""
    if cell.due == NO_DUE:
        return f"{cell.kind}:{cell.currency}"
    return f"{cell.kind}:{cell.currency}:{_PAST if cell.due == PAST else cell.due - _first_day(cell.month)}"


@lru_cache(maxsize=20_000)
def _read_cell(month: str, name: str) -> Cell | None:
    """The cell of a name in the item of a month; None of a collection figure."""
    kind, currency, *due = name.split(":")
    if kind in (_COUNT, _AMOUNT):
        return None
    if not due:
        return Cell(month, kind, currency)
    return Cell(month, kind, currency, PAST if due == [_PAST] else int(due[0]) + _first_day(month))


@lru_cache(maxsize=1000)
def _first_day(month: str) -> int:
    return 0 if month == NO_MONTH else date.fromisoformat(f"{month}-01").toordinal()


def book_cells(client: "DynamoDBClient", table: str, organisation: Organisation, side: Side) -> Cells:
    """What all steady open accounts of a side add up to. Only the sums over all months are sure to be positive."""
    cells: Cells = {}
    for item in month_items(client, table, organisation, side):
        for name, number in item.sums.items():
            cell = _read_cell(item.place.month, name)
            if cell is not None:
                cells[cell] = cells.get(cell, 0) + number
    return {cell: amount for cell, amount in cells.items() if amount}


class MonthChanges:
    """Additions to the figures of an organisation's months that are not written yet."""

    def __init__(self, organisation: str) -> None:
        self._organisation = organisation
        self._sums: dict[tuple[Side, str, int], dict[str, int]] = {}

    def add(self, side: Side, month: str, day: int, sums: Sums) -> None:
        """Adds to a month (YYYY-MM) of a side from a day on; 0 for what counts already."""
        kept = self._sums.setdefault((side, month, day), {})
        for name, change in sums.items():
            kept[name] = kept.get(name, 0) + change

    def add_cells(self, side: Side, cells: Cells) -> None:
        """Adds to a side's sums; where they are of too many months for a transaction, all in one."""
        spread = len({cell.month for cell in cells}) <= _MOST_MONTHS
        for cell, change in cells.items():
            kept = cell if spread else cell._replace(month=NO_MONTH)
            self.add(side, kept.month, 0, {cell_name(kept): change})

    def actions(self, table: str, slot: int) -> list[Any]:
        """What a transaction does for them in one slot: nothing where additions cancel each other."""
        return [
            addition(table, self._organisation, side, MonthSortKey(month, slot + further, day), dict(some))
            for (side, month, day), sums in self._sums.items()
            if any(sums.values())
            for further, some in enumerate(batched(sums.items(), MOST_NAMES, strict=False))
        ]

    def changes(self) -> "list[MonthChange]":
        """What they come to, for the change log. Readers need not import it."""
        from arrears.storage.ledger.change_entries import MonthChange

        found = []
        for (side, month, day), sums in self._sums.items():
            changed = {name: change for name, change in sums.items() if change}
            if changed:
                found.append(MonthChange(side, month, day, changed))
        return found

    def clear(self) -> None:
        """Forgets them."""
        self._sums.clear()


def draw_slot() -> int:
    """A slot for a writer. By the system's randomness: functions restored from one snapshot would draw the same.

    Not 0, into which the daily run brings all others together: its items are larger, and cost more to write.
    """
    return 1 + secrets.randbelow(SLOTS)


def addition(table: str, organisation: str, side: Side, place: MonthSortKey, sums: Sums) -> Any:
    """Adds to an item of a month, which it makes if it is not there.

    The version shows whoever deletes what was read that something was added since.
    """
    added = {**sums, "v": version_step()}
    pk, sk = keys.month_key(organisation, side, place)
    return {
        "Update": {
            "TableName": table,
            "Key": {"pk": {"S": pk}, "sk": {"S": sk}},
            "UpdateExpression": "ADD " + ", ".join(f"#{number} :{number}" for number in range(len(added))),
            "ExpressionAttributeNames": {f"#{number}": name for number, name in enumerate(added)},
            "ExpressionAttributeValues": {
                f":{number}": {"N": str(change)} for number, change in enumerate(added.values())
            },
        }
    }


def version_step() -> int:
    """By how much a version grows: at random, so that an item made again does not come by a version it had before."""
    return 1 + secrets.randbelow(_MOST_VERSION_STEP)
