"""A million generated rows through `arrears import`, killed twice on the way, into a table behind a socket.

The table answers at once and is in a process of its own, so what is measured is the command: records per second of
its own processor time, its peak memory, and the write units that a record costs.
"""

import csv
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from bench import here
from bench.book import organisation_of
from bench.server import served
from bench.table import Tables

ROWS_PER_CUSTOMER = 20
MAPPING = """
title = "Generated"
[[table]]
name = "invoices"
columns = ["invoice", "customer", "issued", "due", "amount"]
dates = "YYYY-MM-DD"
[[table.record]]
type = "invoice"
id = "{invoice}"
customer_id = "{customer}"
number = "{invoice}"
currency = "EUR"
total = "{amount}"
issued_on = "{issued}"
due_on = "{due}"
[[table.record]]
type = "payment"
when = { paid = { above = 0 } }
id = "{invoice}/paid"
invoice_id = "{invoice}"
amount = "{paid}"
paid_on = "{paid_on}"
"""


def generate(path: Path, rows: int) -> tuple[int, int, int]:
    """Writes the file; its records, the sum of totals and the sum of payments, in cents."""
    chance = random.Random(rows)
    records, totals, paid_cents = 0, 0, 0
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["invoice", "customer", "issued", "due", "amount", "paid", "paid_on"])
        for number in range(rows):
            issued = date(2022, 1, 1) + timedelta(days=chance.randrange(1_500))
            due, total = issued + timedelta(days=30), chance.randrange(1_000, 1_000_000)
            paid = chance.choices((0, total // 3, total), (55, 10, 35))[0]
            customer = f"C{chance.randrange(rows // ROWS_PER_CUSTOMER + 1):06d}"
            on = str(due + timedelta(days=chance.randrange(-20, 60))) if paid else ""
            amounts = f"{total / 100:.2f}", f"{paid / 100:.2f}" if paid else ""
            writer.writerow([f"INV-{number:07d}", customer, issued, due, *amounts, on])
            records += 2 if paid else 1
            totals += total
            paid_cents += paid
    return records, totals, paid_cents


def run(folder: Path, kill_at: int | None) -> int:
    """The command in a process of its own, killed once it has done so many rows; its peak memory in KB."""
    peak = 0
    command = [sys.executable, "-c", "from arrears_cli import main; main()", "import", "rows.csv"]
    options = ["--organisation", here.ORGANISATION, "--mapping", "own.toml", "--json"]
    with (folder / "said").open("ab") as said, (folder / "result").open("wb") as result:
        process = subprocess.Popen([*command, *options], cwd=folder, stderr=said, stdout=result)
        while process.poll() is None:
            time.sleep(0.05)
            peak = max(peak, _peak_memory(process.pid))
            if kill_at is not None and _done(folder) >= kill_at:
                process.send_signal(signal.SIGKILL)
                process.wait()
    if kill_at is None and process.returncode:
        raise RuntimeError((folder / "said").read_text())
    return peak


def _peak_memory(process: int) -> int:
    """Of the program itself: what the kernel adds up for children counts this process before it became that one."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)


def _done(folder: Path) -> int:
    state = folder / "rows.csv.import-state.json"
    return int(json.loads(state.read_bytes())["progress"]["rows"]) if state.exists() else 0


def measure(rows: int) -> dict[str, float]:
    """Imports so many rows, and checks that nothing is lost or doubled."""
    here.set_environment()
    table = Tables()
    organisation_of(table)
    table.reset()
    folder = Path(mkdtemp(prefix="bulk-import-"))
    try:
        records, totals, paid = generate(folder / "rows.csv", rows)
        (folder / "own.toml").write_text(MAPPING)
        with served(table) as endpoint:
            _describe(folder, endpoint)
            started = time.monotonic()
            peak = max(run(folder, kill_at) for kill_at in (rows // 3, 2 * rows // 3, None))
            seconds = time.monotonic() - started
        result = json.loads((folder / "result").read_bytes())["files"][0]
    finally:
        shutil.rmtree(folder)
    kept = _kept(table)
    if kept != (rows, totals, paid) or result["rows"] != rows or result["records"] != records:
        raise AssertionError((kept, (rows, totals, paid), result))
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "rows": rows,
        "records": records,
        "records_per_second": records / seconds,
        "records_per_cpu_second": records / (used.ru_utime + used.ru_stime),
        "peak_memory_mb": peak / 1024,
        "write_units_per_record": table.write_units / records,
        "requests_per_record": table.requests.total() / records,
    }


def _describe(folder: Path, endpoint: str) -> None:
    stack = {"stack_name": "bench", "region": "us-east-1", "base_url": "", "endpoint_url": endpoint}
    tables = {name.lower(): value for name, value in here.ENVIRONMENT.items() if name.endswith("_TABLE")}
    (folder / ".local").mkdir()
    (folder / ".local" / "stack.json").write_text(json.dumps({**stack, **tables}))


def _kept(table: Tables) -> tuple[int, int, int]:
    """Invoices in the table, the sum of their totals and of what was paid on them, in cents."""
    from arrears.storage.ledger import keys
    from arrears.storage.ledger.entities import read_document

    invoices = totals = paid = 0
    for item in table.ledger.items():
        if item["sk"]["S"] == keys.DOCUMENT:
            dated = read_document("invoice", keys.document_id((item["pk"]["S"], item["sk"]["S"])), item).dated
            invoices += 1
            totals += dated.total
            paid += sum(change.payments for change in map(_change, dated.applied))
    return invoices, totals, paid


def _change(change: Any) -> Any:
    from arrears.ledger.dated_document import AllocationChange

    return AllocationChange(*change)


if __name__ == "__main__":
    os.environ.pop("ARREARS_STACK", None)
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000), indent=2))
