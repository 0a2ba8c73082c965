"""Deleting one organisation from the history table, found by its keys alone."""

from collections.abc import Iterable, Iterator

from arrears.ledger.ledger_side import Side
from arrears.storage.deletion import delete_items
from arrears.storage.history.snapshots import rows_partition, snapshots_partition
from arrears.storage.history.table import HistoryTable, Spread


class HistoryDeletion(HistoryTable):
    """Deletes in one history table."""

    def delete(self, organisation: str, months: Iterable[str]) -> int:
        """Deletes everything of the organisation; how many items it asked to delete.

        months (YYYY-MM): those that may have stored rows without having been closed, as a run died in between.
        """
        snapshots = [snapshots_partition(organisation, side) for side in Side]
        closed = [month for _, month in self._keys(snapshots_partition(organisation, Side.RECEIVABLE))]
        rows = [rows_partition(organisation, month) for month in sorted({*closed, *months})]
        spread = [
            partition
            for kind in ("tier", "outbox", "escalation")
            for partition in Spread(f"{organisation}#{kind}").partitions()
        ]
        # The months go last: they say where rows may be.
        every = (*rows, *spread, f"{organisation}#run", *snapshots)
        return sum(delete_items(self._client, self._table, self._keys(partition)) for partition in every)

    def _keys(self, partition: str) -> Iterator[tuple[str, str]]:
        for page in self._pages(partition, ProjectionExpression="pk, sk"):
            for item in page:
                yield item["pk"]["S"], item["sk"]["S"]
