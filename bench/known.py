"""What an answer costs as it was known a day, a month and a year ago, against the same answer by what is known today.

Run: python -m bench.known [open documents]. A year of a trade's records is recorded day by day: as many invoices are
issued and paid each day as leave so many open. It takes some minutes.
"""

import json
import os
import random
import statistics
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

from bench import here
from bench.book import DAYS_OUTSTANDING, LEDGER, OPEN_PER_ACCOUNT, Paper, Record, organisation_of
from bench.results import Result
from bench.table import Tables

BACK = {"a day": 1, "a month": 30, "a year": 365}
_RUNS = 5
_BATCH = 500


def days(open_count: int, first: int, last: int) -> Iterator[tuple[int, list[Record]]]:
    """The records of each day: what is issued, and the payments of what was issued some time before."""
    chance, accounts = random.Random("known"), open_count // OPEN_PER_ACCOUNT
    paid: dict[int, list[Record]] = {}
    number = 0
    for day in range(first, last + 1):
        records = paid.pop(day, [])
        for _ in range(open_count // DAYS_OUTSTANDING):
            total, account = chance.randrange(5_000, 2_000_000), chance.randrange(accounts)
            pays = day + 1 + int(chance.expovariate(1 / DAYS_OUTSTANDING))
            number += 1
            issued, payment = Paper("invoice", number, account, "EUR", total, day, ((pays, total),)).records()
            records.append(issued)
            paid.setdefault(pays, []).append(payment)
        yield day, records


class Played:
    """A book in a table of its own, recorded day by day until today."""

    def __init__(self, open_count: int) -> None:
        from arrears.storage.ledger.recorder import Recorder

        here.set_environment()
        self.table = Tables()
        self.organisation, self.key = organisation_of(self.table)
        self._keep_all_moments()
        client = here.client()
        self.table.attach(client)
        self._recorder = Recorder(client, LEDGER)
        self.today = self.organisation.today(here.now())
        self.records = 0
        for day, records in days(open_count, self.today - max(BACK.values()) - 4 * DAYS_OUTSTANDING, self.today):
            moment = here.now() - timedelta(days=self.today - day, minutes=5)
            for batch in batched(records, _BATCH, strict=False):
                self._record(batch, moment)

    def _keep_all_moments(self) -> None:
        """The organisation is from now: its past can be asked for as far back as its records go."""
        for item in self.table.tables[here.ENVIRONMENT["ACCESS_TABLE"]].own.partitions.values():
            for one in item.values():
                if "known_from" in one:
                    one["known_from"] = {"N": "0"}

    def _record(self, records: tuple[Record, ...], moment: datetime) -> None:
        results = self._recorder.record(self.organisation, records, moment)
        if any(result.result != "created" for result in results):
            raise AssertionError(results[0])
        self.records += len(results)

    def cost(self, **query: str) -> tuple[float, float, int]:
        """Milliseconds of processor time, read units and requests of an answer."""
        from arrears import runtime

        runtime.services.cache_clear()
        self.table.attach(runtime.services().client)
        handler, event = here.handler("receivables_overdue"), here.event("/receivables/overdue", self.key, query)
        spent = []
        for _ in range(_RUNS):
            self.table.reset()
            started = time.process_time()
            answer = handler(event, None)
            spent.append(1000 * (time.process_time() - started - self.table.spent))
            if answer["statusCode"] != 200:
                raise AssertionError(answer["body"])
        return statistics.median(spent), self.table.read_units, self.table.requests.total()


def measured(open_count: int) -> Iterator[Result]:
    """Each answer and its ratio to the same without knownAt."""
    from arrears.ledger.days import day_text

    book = Played(open_count)
    for name, back in BACK.items():
        day = day_text(book.today - back)
        for what, page in (("", {}), (", first page", {"limit": "100"})):
            then = book.cost(asOf=day, knownAt=day, **page)
            without = book.cost(asOf=day, **page)
            today = book.cost(**page)
            yield Result(f"known {name} ago{what}", "ms CPU", then[0], without[0])
            yield Result(f"known {name} ago{what}", "read units", then[1], without[1])
            yield Result(f"known {name} ago{what}", "requests", then[2], without[2])
            yield Result(f"known {name} ago{what}, against today's answer", "ms CPU", then[0], today[0])


def main() -> None:
    """Measures, and prints one line a figure."""
    os.environ["POWERTOOLS_LOG_LEVEL"] = "CRITICAL"
    shown: Any = [one.to_json() for one in measured(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)]
    for one in shown:
        sys.stdout.write(json.dumps(one) + "\n")


if __name__ == "__main__":
    main()
