"""What a daily run and a month end cost a worker, in a process of its own, by the size of the book.

Run: python -m bench.daily [open documents ...]. As much as is open was settled in the last 45 days. The first run works
through all days of the book; then follow the next day, and the day on which that month is closed.
"""

import json
import os
import subprocess
import sys
import time
from datetime import datetime, timedelta
from typing import Any

from botocore.config import Config
from botocore.session import get_session

from bench import here
from bench.answer import _peak_mb
from bench.server import served
from bench.warm import Book

SIZES = (10_000, 100_000)
MILLION = 1_000_000
NETWORK_SECONDS = 0.02
"""What a request of a run waits for, at about a megabyte each."""


class Bus:
    """An EventBridge client that takes everything."""

    def __init__(self) -> None:
        self.requests = 0

    def put_events(self, Entries: list[Any]) -> dict[str, Any]:  # noqa: N803
        """Takes some entries."""
        self.requests += 1
        return {"Entries": [{"EventId": "1"} for _ in Entries]}


def work(moment: datetime) -> dict[str, Any]:
    """Works through the days of the organisation up to a moment, in this process: what was done and what it took."""
    from arrears.close.run import Closing
    from arrears.storage.events import EventSender
    from arrears.storage.history.store import HistoryStore
    from arrears.storage.ledger.recorder import Recorder

    # The table that answers has to sort a large partition before its first page.
    patient = Config(read_timeout=600, parameter_validation=False)
    services = here.services(get_session().create_client("dynamodb", config=patient))
    client, bus = services.client, Bus()
    closing = Closing(
        services.ledger,
        HistoryStore(client, here.ENVIRONMENT["HISTORY_TABLE"]),
        Recorder(client, here.ENVIRONMENT["LEDGER_TABLE"]),
        EventSender("bus", bus),  # type: ignore[arg-type]
    )
    organisation = services.organisations().get(here.ORGANISATION)
    started, wall = time.process_time(), time.monotonic()
    closed = closing.close(organisation, moment)
    return {
        "months": len(closed.months),
        "escalations": closed.escalations,
        "sent": closed.sent,
        "cpu_seconds": time.process_time() - started,
        "wall_seconds": time.monotonic() - wall,
        "peak_mb": _peak_mb(),
        "put_events": bus.requests,
    }


def measure(size: int) -> dict[str, dict[str, Any]]:
    """The runs of a book with so many open documents."""
    book = Book("invoice", size)
    book.grow(1)
    today = here.now()
    policy_days = book.organisation.policy.close_after_days
    closing_day = (today.replace(day=1) + timedelta(days=32)).replace(day=1) + timedelta(days=policy_days)
    moments = {"first run": today, "next day": today + timedelta(days=1), "month end": closing_day}
    found = {}
    with served(book.table) as endpoint:
        for name, moment in moments.items():
            book.table.reset()
            found[name] = in_process_of_its_own(endpoint, moment)
            asked = dict(book.table.requests)
            found[name] |= {"requests": sum(asked.values()), "read_units": book.table.read_units, "by_operation": asked}
    return found


def in_process_of_its_own(endpoint: str, moment: datetime) -> dict[str, Any]:
    """A run against served tables."""
    command = [sys.executable, "-m", "bench.daily", "work", moment.isoformat()]
    environment = {**os.environ, "AWS_ENDPOINT_URL": endpoint}
    done = subprocess.run(command, cwd=here.ROOT, env=environment, check=True, stdout=subprocess.PIPE)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def estimate(small: dict[str, Any], large: dict[str, Any], sizes: tuple[int, int]) -> dict[str, float]:
    """What a million open documents take by the slope between two sizes; minutes with 2 GB of memory on AWS."""

    def at_a_million(name: str) -> float:
        slope: float = (large[name] - small[name]) / (sizes[1] - sizes[0])
        return large[name] + slope * (MILLION - sizes[1])

    requests = at_a_million("requests") + at_a_million("put_events")
    minutes = (at_a_million("cpu_seconds") + requests * NETWORK_SECONDS) / 60
    return {"peak_mb": at_a_million("peak_mb"), "requests": requests, "minutes": minutes}


def main(sizes: tuple[int, ...]) -> None:
    """Prints each run of each size, and the estimate for a million."""
    here.set_environment()
    found = {}
    for size in sizes:
        found[size] = measure(size)
        for name, figures in found[size].items():
            print(f"{size:>9,} open, {name}:", json.dumps(figures), flush=True)
    if len(sizes) > 1:
        small, large = sizes[-2:]
        for name in found[small]:
            print(f"a million, {name}:", json.dumps(estimate(found[small][name], found[large][name], (small, large))))


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:
        here.set_environment()
        print(json.dumps(work(datetime.fromisoformat(sys.argv[2]))))
    else:
        main(tuple(map(int, sys.argv[1:])) or SIZES)
