"""Monthly collection figures: sums by month, shard and the day from which they count, changed by additions only."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from arrears.ledger.figures import NO_DUE, NO_MONTH, PAST, Cell, Cells
from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.storage.dynamodb import Item, Key, query
from arrears.storage.ledger import keys
from arrears.storage.transactions import Failure, failure_of, transact

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_COUNT, _AMOUNT = "n", "a"
_AHEAD_OF = "<"
_SHORTEST_CELL = 4
""""pk", "sk" and "v" are shorter."""


class MonthFigure(NamedTuple):
    """What a shard's invoices of an issue month add up to in one status and currency, from `day` on (0: already)."""

    month: str
    shard: int
    day: int
    status: str
    currency: str


def month_figures(
    client: "DynamoDBClient", table: str, organisation: Organisation
) -> Iterator[tuple[MonthFigure, int, int]]:
    """All stored monthly figures: count and gross amount in minor units."""
    for item in month_items(client, table, organisation):
        location = keys.read_month_sort_key(item["sk"]["S"])
        for name, value in item.items():
            kind, _, figure = name.partition(":")
            if kind == _COUNT and figure:
                status, currency = figure.split(":")
                count, amount = int(Decimal(value["N"])), int(Decimal(item[f"{_AMOUNT}:{figure}"]["N"]))
                yield MonthFigure(*location, status, currency), count, amount


def month_items(client: "DynamoDBClient", table: str, organisation: Organisation) -> Iterator[Item]:
    """The items of all monthly figures."""
    pages = query(
        client,
        TableName=table,
        KeyConditionExpression="pk = :months",
        ExpressionAttributeValues={":months": {"S": keys.months_partition(organisation.id)}},
    )
    for page in pages:
        yield from page


def cell_name(cell: Cell) -> str:
    """The attribute of a cell in the item of its month: kind, currency, and the due day from the month's first on."""
    kind, currency = cell.kind, cell.currency
    if cell.due == NO_DUE:
        return kind + currency
    return f"{kind}{currency}{_AHEAD_OF if cell.due == PAST else cell.due - _first_day(cell.month)}"


def _read_cell(month: str, name: str) -> Cell:
    kind, currency, due = name[0], name[1:4], name[4:]
    if not due:
        return Cell(month, kind, currency)
    return Cell(month, kind, currency, PAST if due == _AHEAD_OF else int(due) + _first_day(month))


@lru_cache(maxsize=1000)
def _first_day(month: str) -> int:
    return 0 if month == NO_MONTH else date.fromisoformat(f"{month}-01").toordinal()


def book_cells(client: "DynamoDBClient", table: str, organisation: Organisation, side: Side) -> Cells:
    """What all steady open accounts of a side add up to."""
    cells: Cells = {}
    pages = query(
        client,
        TableName=table,
        KeyConditionExpression="pk = :months",
        ExpressionAttributeValues={":months": {"S": keys.cells_partition(organisation.id, side)}},
    )
    for page in pages:
        for item in page:
            month = keys.read_month_sort_key(item["sk"]["S"]).month
            for name, value in item.items():
                if len(name) >= _SHORTEST_CELL and ":" not in name:
                    cell = _read_cell(month, name)
                    cells[cell] = cells.get(cell, 0) + int(value["N"])
    return {cell: amount for cell, amount in cells.items() if amount}


class MonthChanges:
    """Additions to monthly figures that are not written yet."""

    def __init__(self) -> None:
        self._sums: dict[Key, dict[str, int]] = {}

    def __len__(self) -> int:
        return len(self._sums)

    def add(self, key: Key, figure: tuple[str, str], count: int, amount: int) -> None:
        """Adds to a figure (status, currency) of a month's item."""
        sums = self._sums.setdefault(key, {})
        for kind, change in ((_COUNT, count), (_AMOUNT, amount)):
            name = ":".join((kind, *figure))
            sums[name] = sums.get(name, 0) + change

    def add_cell(self, key: Key, cell: Cell, change: int) -> None:
        """Adds to a cell in a month's item."""
        sums = self._sums.setdefault(key, {})
        name = cell_name(cell)
        sums[name] = sums.get(name, 0) + change

    def actions(self, table: str) -> list[Any]:
        """What a transaction does for them: nothing where additions cancel each other."""
        return [_addition(table, key, sums) for key, sums in self._sums.items() if any(sums.values())]

    def clear(self) -> None:
        """Forgets them."""
        self._sums.clear()


def merge_due(client: "DynamoDBClient", table: str, item: Item) -> bool:
    """Moves figures that were to count from a later day to those of today; False if somebody else changed them."""
    pk, sk = item["pk"]["S"], item["sk"]["S"]
    month, shard, _ = keys.read_month_sort_key(sk)
    sums = {name: int(Decimal(value["N"])) for name, value in item.items() if ":" in name}
    delete: Any = {
        "TableName": table,
        "Key": {"pk": {"S": pk}, "sk": {"S": sk}},
        "ConditionExpression": "v = :v",
        "ExpressionAttributeValues": {":v": item["v"]},
    }
    today = pk, keys.month_sort_key(month, shard, 0)
    try:
        transact(client, [{"Delete": delete}, _addition(table, today, sums)])
    except ClientError as error:
        if failure_of(error) is Failure.CONFLICT:
            return False
        raise
    return True


def _addition(table: str, key: Key, sums: Mapping[str, int]) -> Any:
    """Adds to a month's figures; their version shows whoever deletes what was read that something was added since."""
    added = {**sums, "v": 1}
    pk, sk = key
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
