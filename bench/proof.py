"""Proofs that what is measured is the product: rows, pages and answers, byte for byte."""

import os
from collections.abc import Iterator
from typing import Any
from urllib.request import Request, urlopen
from uuid import uuid4

from arrears.storage.ledger.recorder import Recorder
from arrears_cli.deployment import ADMINISTRATOR
from bench import here
from bench.book import LEDGER, OPEN_PER_ACCOUNT, Bulk, Record, contacts, open_papers, organisation_of, settled_papers
from bench.table import Tables, rows
from bench.warm import FUNCTIONS
from local_stack.local import LocalStack
from support.dynamodb import Item

OPEN, SETTLED = 200, 600


class Unequal(AssertionError):
    """What should be the same is not."""


def _records(kind: str, today: int) -> Iterator[Record]:
    accounts = OPEN // OPEN_PER_ACCOUNT
    yield from contacts(kind, accounts, today)
    for papers in (open_papers(kind, OPEN, today), settled_papers(kind, 0, SETTLED, accounts, today)):
        for paper in papers:
            yield from paper.records()


def bulk_is_recording() -> int:
    """A book filled in bulk has the rows that recording it leaves; so many."""
    recorded, bulk = Tables(), Tables()
    organisation, _ = organisation_of(recorded)
    organisation_of(bulk)
    today = organisation.today(here.now())
    connected = here.client()
    recorded.attach(connected)
    for kind in ("invoice", "bill"):
        recorder = Recorder(connected, LEDGER, draw_slot=lambda: 0)
        results = recorder.record(organisation, list(_records(kind, today)), here.now())
        if any(result.result != "created" for result in results):
            raise Unequal(next(result for result in results if result.result != "created"))
        filled = Bulk(bulk, organisation, kind, OPEN // OPEN_PER_ACCOUNT, today)
        filled.add(open_papers(kind, OPEN, today))
        filled.add(settled_papers(kind, 0, SETTLED, OPEN // OPEN_PER_ACCOUNT, today))
    if _rows(recorded) != _rows(bulk) or _months(recorded) != _months(bulk):
        raise Unequal("rows")
    return sum(map(len, recorded.state.partitions.values()))


def _rows(table: Tables) -> dict[str, list[Item]]:
    return {key: rows(table.state, key) for key, shown in table.state.partitions.items() if shown}


def _months(table: Tables) -> Any:
    """The figures of all months, without the versions that count additions."""
    items = table.ledger.own.partitions[f"{here.ORGANISATION}#m"]
    return {
        place: {name: value for name, value in item.items() if name != "v" and value != {"N": "0"}}
        for place, item in items.items()
    }


def answers_are_the_stacks() -> int:
    """The same small book on the local stack gives the same bodies, and the same pages; how many bodies."""
    stack = LocalStack.of_checkout().up()
    organisation_id = str(uuid4())
    table, here_bodies = _recorded_here(organisation_id)
    os.environ.update(ADMINISTRATOR, AWS_ENDPOINT_URL=stack.endpoint_url or "")
    try:
        connected = here.client()
        services = here.services(connected, stack.access_table)
        organisation = services.organisations().create("Bench", "Europe/Berlin", "EUR", organisation_id)
        key = services.api_keys().create(organisation_id)
        today = organisation.today(here.now())
        for kind in ("invoice", "bill"):
            Recorder(connected, stack.ledger_table).record(organisation, list(_records(kind, today)), here.now())
        for partition, expected in _rows(table).items():
            if _page(connected, stack.ledger_table, partition) != expected:
                raise Unequal(partition)
    finally:
        del os.environ["AWS_ENDPOINT_URL"]
        here.set_environment()
    for function, (_, path) in FUNCTIONS.items():
        request = Request(stack.base_url + path, headers={"Authorization": f"Bearer {key}"})
        with urlopen(request, timeout=60) as response:
            if response.read() != here_bodies[function].encode():
                raise Unequal(function)
    return len(here_bodies)


def _recorded_here(organisation_id: str) -> tuple[Tables, dict[str, str]]:
    """The small book in a table here, and the bodies of the answers on it."""
    from arrears import runtime

    table = Tables()
    connected = here.client()
    table.attach(connected)
    services = here.services(connected)
    organisation = services.organisations().create("Bench", "Europe/Berlin", "EUR", organisation_id)
    key = services.api_keys().create(organisation_id)
    today = organisation.today(here.now())
    for kind in ("invoice", "bill"):
        Recorder(connected, LEDGER).record(organisation, list(_records(kind, today)), here.now())
    runtime.services.cache_clear()
    table.attach(runtime.services().client)
    events = {name: here.event(path, key) for name, (_, path) in FUNCTIONS.items()}
    return table, {name: here.handler(name)(event, None)["body"] for name, event in events.items()}


def _page(connected: Any, table: str, partition: str) -> list[Any]:
    answer = connected.query(
        TableName=table,
        IndexName="state",
        KeyConditionExpression="ipk = :partition",
        ExpressionAttributeValues={":partition": {"S": partition}},
        ProjectionExpression="isk, p",
    )
    found: list[Any] = answer["Items"]
    return found
