"""A neighbour: the same figures by SQL over the same book, in DuckDB in this process."""

import csv
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from bench.book import Paper, open_papers, settled_papers

SCHEMA = """
create table invoice (id varchar, account integer, currency varchar, total bigint, issued integer, due integer);
create table payment (invoice varchar, paid_on integer, amount bigint)
"""
OUTSTANDING = """
with applied as (
    select invoice, sum(amount) amount, max(paid_on) paid_on from payment where paid_on <= $day group by all
),
state as (
    select i.*, i.total - coalesce(a.amount, 0) owed, a.paid_on
    from invoice i left join applied a on a.invoice = i.id
    where i.issued <= $day
)
"""
AGING = (
    OUTSTANDING
    + """
select currency, least(greatest(($day - due + 29) // 30, 0), 4) bucket, sum(owed)::bigint, count(*)
from state where owed > 0 group by all order by all
"""
)
ROWS = (
    OUTSTANDING
    + """
, late as (
    select account, currency, sum(owed)::bigint as owed, count(*) as invoices, max($day - due) as days,
           list(id order by due, id) as ids
    from state where owed > 0 and due < $day group by all
), behaviour as (
    select account, count(*) as settled, sum(paid_on - due)::bigint as late,
           count(*) filter (paid_on <= due) as on_time
    from state where owed <= 0 and paid_on > $day - 365 group by all
)
select l.*, b.settled, b.late, b.on_time from late l left join behaviour b using (account) order by days desc, owed desc
"""
)


@dataclass(frozen=True, slots=True)
class Queried:
    """The neighbour's time for an overdue report. aging: open invoices by currency and bucket."""

    open: int
    history: int
    cpu_ms: float
    wall_ms: float
    aging: dict[str, list[int]]


def measured(
    open_count: int, histories: Iterable[int], accounts: int, today: int, rounds: int = 7
) -> Iterator[Queried]:
    """Loads a book of invoices, and asks for the report as its history grows."""
    connection = duckdb.connect()
    connection.execute("set threads to 1")
    connection.execute(SCHEMA)
    _load(connection, open_papers("invoice", open_count, today))
    before = 0
    for history in histories:
        if history > before:
            more = (history - before) * open_count
            _load(connection, settled_papers("invoice", before * open_count, more, accounts, today))
            before = history
        yield _report(connection, open_count, history, today, rounds)


def _load(connection: Any, papers: Iterable[Paper]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        invoices, payments = Path(folder, "invoice.csv"), Path(folder, "payment.csv")
        with invoices.open("w", newline="") as first, payments.open("w", newline="") as second:
            write_invoice, write_payment = csv.writer(first).writerow, csv.writer(second).writerow
            for paper in papers:
                write_invoice((paper.id, paper.account, paper.currency, paper.total, paper.issued, paper.due))
                for day, amount in paper.paid:
                    write_payment((paper.id, day, amount))
        connection.execute(f"copy invoice from '{invoices}' (header false)")
        connection.execute(f"copy payment from '{payments}' (header false)")


def _report(connection: Any, open_count: int, history: int, today: int, rounds: int) -> Queried:
    cpus, walls = [], []
    buckets: list[Any] = []
    for _ in range(rounds):
        cpu, wall = time.process_time(), time.perf_counter()
        buckets = connection.execute(AGING, {"day": today}).fetchall()
        connection.execute(ROWS, {"day": today}).fetchall()
        cpus.append(time.process_time() - cpu)
        walls.append(time.perf_counter() - wall)
    found: dict[str, list[int]] = {}
    for currency, bucket, _, count in buckets:
        found.setdefault(currency, [0] * 5)[bucket] = count
    return Queried(open_count, history, statistics.median(cpus) * 1000, statistics.median(walls) * 1000, found)
