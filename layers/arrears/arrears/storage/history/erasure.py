"""Erasing one customer from what is kept of closed months. Escalation records name customers by their ids only."""

from arrears.ledger.erasure import ERASED
from arrears.ledger.ledger_side import Side
from arrears.storage.history.snapshots import Snapshot, SnapshotStore, rows_partition, snapshots_partition
from arrears.storage.history.table import table_key
from arrears.storage.ledger.codec import compact


class HistoryErasure(SnapshotStore):
    """Erases in one history table."""

    def erase(self, organisation: str, customer: str) -> int:
        """Puts `erased` for a customer's name in the stored rows of every closed month; how many months it changed.

        A run that read the book before the name was erased there writes nothing more. Figures are not touched.
        """
        self.overtake(organisation)
        months = [
            item["sk"]["S"] for page in self._pages(snapshots_partition(organisation, Side.RECEIVABLE)) for item in page
        ]
        return sum(self._erase_month(organisation, month, customer) for month in months)

    def _erase_month(self, organisation: str, month: str, customer: str) -> bool:
        changed = False
        while (snapshot := self.snapshot(organisation, month)) is not None:
            rows = self.snapshot_rows(organisation, month, snapshot)
            named = [row for row in rows if row["customerId"] == customer and row["customerName"] != ERASED]
            if not named:
                self._delete_strays(organisation, month, snapshot)
                break
            for row in named:
                row["customerName"] = ERASED
            part, parts = self._put_rows(organisation, month, map(compact, rows))
            changed = self._point(organisation, month, snapshot, part, parts) or changed
        return changed

    def _point(self, organisation: str, month: str, snapshot: Snapshot, part: str, parts: int) -> bool:
        """Lets the month have other rows; False when somebody else has done so meanwhile."""
        try:
            self._client.update_item(
                TableName=self._table,
                Key=table_key(snapshots_partition(organisation, Side.RECEIVABLE), month),
                UpdateExpression="SET #part = :part, parts = :parts",
                ConditionExpression="#part = :stored",
                ExpressionAttributeNames={"#part": "part"},
                ExpressionAttributeValues={
                    ":part": {"S": part},
                    ":parts": {"N": str(parts)},
                    ":stored": {"S": snapshot.rows_part},
                },
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _delete_strays(self, organisation: str, month: str, snapshot: Snapshot) -> None:
        """Deletes rows that are not the month's: from before an erasure, or of a run that another one was before."""
        partition = rows_partition(organisation, month)
        for page in self._pages(partition, ProjectionExpression="sk"):
            for item in page:
                if not item["sk"]["S"].startswith(f"{snapshot.rows_part}#"):
                    self._client.delete_item(TableName=self._table, Key=table_key(partition, item["sk"]["S"]))
