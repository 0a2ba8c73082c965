"""What undoing a large import takes, interrupted twice, and whether the book is the one before.

Run: python -m bench.undo [records]. A book of a tenth as many records comes first; the import adds invoices and
payments, changes and deletes some of the book's. The undo is stopped after a third and after two thirds.
"""

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

from bench import here
from bench.book import LEDGER, Record, organisation_of
from bench.table import Tables
from bench.writes import Mixed

_BATCH = 500


class Stopped(Exception):
    """The undo was stopped."""


def book_and_import(records: int) -> tuple[list[Record], list[Record]]:
    """The records of the book, and those of the import: nine tenths new, some changed or deleted."""
    mixed = Mixed(7, max(records // 20, 10))
    before, added = (list(map(_sent, mixed.batch(size))) for size in (records // 10, records - records // 10))
    ours = [record for record in before if record["type"] == "invoice"]
    changed = [{**record, "total": "1" + record["total"], "number": "changed"} for record in ours[::3]]
    deleted = [{"type": "invoice", "id": record["id"], "deleted": True} for record in ours[1::3]]
    return before, [*added, *changed, *deleted]


def _sent(record: Record) -> Record:
    """As JSON is read: amounts are exact."""
    return {name: f"{value:.2f}" if isinstance(value, float) else value for name, value in record.items()}


def contents(connected: Any, organisation: Any) -> set[str]:
    """Every record of the book as it is exported."""
    from arrears.storage.ledger.export import LedgerExport

    return {json.dumps(record, sort_keys=True) for record in LedgerExport(connected, LEDGER).records(organisation)}


def stopping_after(changes: int) -> Callable[[int], None]:
    """Progress that stops the undo once it has come so far."""
    done = 0

    def progress(count: int) -> None:
        nonlocal done
        done += count
        if done >= changes:
            raise Stopped

    return progress


def timed(table: Tables, work: Callable[[], None]) -> float:
    """Seconds of processor time that something takes, the table's own left out."""
    started, spent = time.process_time(), table.spent
    work()
    return round(time.process_time() - started - (table.spent - spent), 1)


def undone(undo: Any, organisation: Any, import_id: str, now: datetime, records: int) -> Iterator[Callable[[], None]]:
    """Runs of the undo; only the last one comes to its end."""
    from arrears.ledger.origin import OPERATOR

    for stop in (records // 3, records // 3, records * 10):

        def run(stop: int = stop) -> None:
            with suppress(Stopped):
                undo.run(organisation, import_id, now, OPERATOR, stopping_after(stop))

        yield run


def main() -> None:
    """Measures, and prints the figures as one line of JSON."""
    from arrears.ledger.import_ids import import_id
    from arrears.ledger.origin import OPERATOR

    here.set_environment()
    records = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    table = Tables()
    organisation = replace(organisation_of(table)[0], known_from=0)
    connected = here.client()
    table.attach(connected)
    services, began = here.services(connected), here.now() - timedelta(hours=2)
    recorder = services.recorder()
    before, added = book_and_import(records)
    for batch in batched(before, _BATCH, strict=False):
        recorder.record(organisation, batch, began - timedelta(hours=1))
    expected = contents(connected, organisation)
    id_ = import_id(began, "0123456789ab")
    origin = OPERATOR._replace(import_id=id_)

    def bring_in() -> None:
        for batch in batched(added, _BATCH, strict=False):
            if any(result.result == "rejected" for result in recorder.record(organisation, batch, began, origin)):
                raise AssertionError(batch)

    figures: dict[str, Any] = {"records": len(added), "import_cpu_seconds": timed(table, bring_in)}
    changed = contents(connected, organisation) != expected
    runs = undone(services.import_undo(), organisation, id_, here.now(), len(added))
    figures["undo_cpu_seconds"] = [timed(table, run) for run in runs]
    figures["changed"] = changed
    figures["same_as_before"] = contents(connected, organisation) == expected
    figures["peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
