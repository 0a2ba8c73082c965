"""Stores the open accounts of an older book so that a page of them can be read alone.

Writers do the same to each account that they change. This does it to all others, account by account: it may be stopped
anywhere and run again, while others read and write. Afterwards no open account is of the older form.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from itertools import batched

from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.ledger.origin import OPERATOR, Origin
from arrears.ledger.recording import Recording
from arrears.storage.dynamodb import Key, query
from arrears.storage.ledger import keys
from arrears.storage.ledger.recorder import Recorder, Session

_BATCH = 100


class LedgerUpgrade(Recorder):
    """Upgrades books in one ledger table."""

    def run(
        self,
        organisation: Organisation,
        now: datetime,
        progress: Callable[[int], None] = lambda _: None,
        origin: Origin = OPERATOR,
    ) -> int:
        """Upgrades every open account that needs it, and looks again until none does; how many there were.

        progress: called with the number of accounts of each batch that is done. origin: who does it.
        Raises ArrearsError (unavailable) when others keep changing the same accounts.
        """
        upgraded, session = 0, Session(organisation, now, origin)
        while found := self._upgrade_listed(session, progress):
            upgraded += found
        return upgraded

    def _upgrade_listed(self, session: Session, progress: Callable[[int], None]) -> int:
        upgraded = 0
        for batch in batched(self._older(session.organisation), _BATCH, strict=False):
            steps = [partial(_write_again, account=keys.account_in(key)) for key in batch]
            upgraded += sum(self._run(session, steps, batch))
            progress(len(batch))
        return upgraded

    def _older(self, organisation: Organisation) -> Iterator[Key]:
        """The accounts that are listed in the older form. Those listed so moments after they were upgraded, too."""
        for side in Side:
            for shard in range(organisation.shards):
                for page in query(
                    self._client,
                    TableName=self._table,
                    IndexName=keys.INDEX,
                    KeyConditionExpression="ipk = :partition AND isk > :rows",
                    ExpressionAttributeValues={
                        ":partition": {"S": keys.open_partition(organisation.id, shard, side)},
                        ":rows": {"S": keys.AFTER_ROWS},
                    },
                    ProjectionExpression="pk, sk",
                ):
                    for item in page:
                        if item["sk"]["S"] == keys.ACCOUNT:
                            yield item["pk"]["S"], keys.ACCOUNT


def _write_again(recording: Recording, account: str) -> bool:
    """Writes an account in the present form, unless it is in it: only such have been counted."""
    found = recording.work.account(account, "")
    if found.counted_on:
        return False
    recording.work.touch(found)
    return True
