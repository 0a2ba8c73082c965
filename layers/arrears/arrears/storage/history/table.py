"""The history table itself: its keys, conditional writes, and the day through which each organisation is processed.

Whatever a run writes has the condition that the organisation is still processed only as far as it was when the run
began. So a slow run that another one has overtaken writes nothing more.
"""

import random
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from arrears.ledger.ledger_side import Side
from arrears.storage.dynamodb import get_items, query
from arrears.storage.transactions import PATIENT_WAITS, UNMET, Failure, error_codes, failure_of, transact

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_CONFLICT_WAIT_SECONDS = 0.1

SHARDS = 4
"""Partitions over which a kind of item of one organisation is spread: each takes 1,000 write units a second.

Together they take what a new on-demand table does; each is a query more in every run."""

type Item = dict[str, Any]


_CLOSED = {Side.RECEIVABLE: "closed", Side.PAYABLE: "payables_closed"}


class Run(NamedTuple):
    """How far an organisation is processed, and the version of that.

    through: the last day whose escalations are recorded; None: not begun. closed: the day through which the months of
    each ledger side are closed, of the sides that have begun. Months after it wait for late postings.
    """

    through: int | None
    version: int
    closed: Mapping[Side, int] = {}


class Moved(Exception):
    """Somebody else has moved this on."""


class Overtaken(Exception):
    """Another run has finished the days that this one works through."""


class Spread(NamedTuple):
    """A kind of item of one organisation. An item's partition follows from its id.

    Items from before there were several partitions stay in the first of `partitions`, and are changed there.
    """

    whole: str

    def partition(self, id: str) -> str:
        """Where a new item goes. id: a UUID as text."""
        return f"{self.whole}#{int(id[:8], 16) % SHARDS}"

    def partitions(self) -> list[str]:
        """All that may hold items of this kind."""
        return [self.whole, *(f"{self.whole}#{shard}" for shard in range(SHARDS))]


class HistoryTable:
    """One history table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def run(self, organisation: str) -> Run:
        """How far the organisation is processed."""
        item = self._get(f"{organisation}#run", "-")
        return Run(None, 0) if item is None else _read_run(item)

    def runs(self, organisations: Iterable[str]) -> dict[str, Run]:
        """How far each of these organisations is processed, of those that have been looked at."""
        wanted = [(f"{organisation}#run", "-") for organisation in organisations]
        found = get_items(self._client, self._table, wanted)
        return {pk.removesuffix("#run"): _read_run(item) for (pk, _), item in found.items()}

    def advance(self, organisation: str, run: Run) -> None:
        """Notes how far the organisation is processed now. Raises Moved when another run has noted so first.

        run: with the version that was read.
        """
        self._write([self._versioned((f"{organisation}#run", "-"), run.version, _run_attributes(run))])

    def overtake(self, organisation: str) -> None:
        """Makes every run that has begun write nothing more and begin anew, on the book as it is now."""
        while True:
            try:
                self.advance(organisation, self.run(organisation))
            except Moved:
                continue
            return

    def _get(self, pk: str, sk: str) -> Item | None:
        answer = self._client.get_item(TableName=self._table, Key=table_key(pk, sk), ConsistentRead=True)
        return answer.get("Item")

    def _pages(self, pk: str, **options: Any) -> Iterator[list[Item]]:
        return query(
            self._client,
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": pk}},
            ConsistentRead=True,
            **options,
        )

    def _still(self, organisation: str, run: Run) -> Any:
        """The condition that no run has finished since `run` was read."""
        check: dict[str, Any] = {"TableName": self._table, "Key": table_key(f"{organisation}#run", "-")}
        if run.version:
            check["ConditionExpression"] = "v = :v"
            check["ExpressionAttributeValues"] = {":v": {"N": str(run.version)}}
        else:
            check["ConditionExpression"] = "attribute_not_exists(pk)"
        return {"ConditionCheck": check}

    def _put(self, key: tuple[str, str], attributes: Item) -> Any:
        return {"Put": {"TableName": self._table, "Item": {**table_key(*key), **attributes}}}

    def _versioned(self, key: tuple[str, str], version: int, attributes: Item) -> Any:
        put = self._put(key, {**attributes, "v": {"N": str(version + 1)}})
        if version:
            put["Put"]["ConditionExpression"] = "v = :v"
            put["Put"]["ExpressionAttributeValues"] = {":v": {"N": str(version)}}
        else:
            put["Put"]["ConditionExpression"] = "attribute_not_exists(pk)"
        return put

    def _write(self, writes: list[Any]) -> None:
        try:
            transact(self._client, writes, PATIENT_WAITS)
        except ClientError as error:
            if failure_of(error) is not Failure.CONFLICT:
                raise
            codes = error_codes(error)
            if codes[0] == UNMET and "ConditionCheck" in writes[0]:
                raise Overtaken from error
            if UNMET not in codes:
                time.sleep(random.uniform(0, _CONFLICT_WAIT_SECONDS))  # noqa: S311
            raise Moved from error


def _read_run(item: Item) -> Run:
    """A stored run. One from before months waited has closed every month of the days that it has come to."""
    through = int(item["through"]["N"]) if "through" in item else None
    closed = {side: int(item[name]["N"]) for side, name in _CLOSED.items() if name in item}
    if through is not None:
        closed.setdefault(Side.RECEIVABLE, through)
    return Run(through, int(item["v"]["N"]), closed)


def _run_attributes(run: Run) -> Item:
    attributes = {} if run.through is None else {"through": {"N": str(run.through)}}
    return attributes | {_CLOSED[side]: {"N": str(day)} for side, day in run.closed.items()}


def table_key(pk: str, sk: str) -> Item:
    """The two attributes of a key, as the wire has them."""
    return {"pk": {"S": pk}, "sk": {"S": sk}}
