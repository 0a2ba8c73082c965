"""The access table and what works on it, with the time in hand."""

from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock
from typing import Any

import pytest

from arrears.ledger.caller import User
from arrears.ledger.errors import ArrearsError
from arrears.storage.access.api_keys import ApiKeys
from arrears.storage.access.audit import Audit
from arrears.storage.access.authentication import Authentication
from arrears.storage.access.counters import Counters
from arrears.storage.access.organisations import Organisations
from arrears.storage.access.table import AccessTable
from arrears.storage.access.users import Users

NOON = datetime(2020, 6, 30, 12, tzinfo=UTC)
CUSTOMER = "11111111-2222-3333-4444-555555555555"
PASSWORD = "correct horse battery"
OFFICE, ELSEWHERE = "192.0.2.1", "198.51.100.7"


class World:
    """The stores, one process after another, and the time in them."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.now = NOON
        self.seconds = 1000.0
        self.tasks: list[Callable[[], None]] = []
        self.reads = 0
        self.writes: list[str] = []
        client.meta.events.register("before-call.dynamodb.BatchGetItem", self._read)
        client.meta.events.register("before-call.dynamodb.UpdateItem", self._wrote)
        self._integrators: dict[str, str] = {}
        self.requests_per_second = 50
        table = AccessTable(client, "AccessTable")
        self.audit = Audit(table, self.clock, lambda: "tester")
        self.organisations = Organisations(table, self.audit, self.clock, "LedgerTable")
        self.counters = Counters(client, "CountersTable")
        self.api_keys = ApiKeys(table, self.audit, self.clock, self.counters)
        self.users = Users(table, self.audit, self.clock)
        self.store = self.process()

    def clock(self) -> datetime:
        return self.now

    def process(self) -> Authentication:
        """Another container: nothing is cached."""
        table = AccessTable(self.client, "AccessTable")
        limit = self.requests_per_second
        return Authentication(table, self.counters, self.clock, limit, lambda: self.seconds, self.tasks.append)

    def organisation(self) -> str:
        """The id of a new organisation."""
        return self.organisations.create("A", "UTC", "USD").id

    def integrator(self, id_: str) -> str:
        """An integrator key of the organisation."""
        if id_ not in self._integrators:
            self._integrators[id_] = self.users.create_integrator_key(id_)
        return self._integrators[id_]

    def user(self, id_: str, **changes: Any) -> str:
        """Makes ann, or whom the changes name; her token."""
        given = {"account": CUSTOMER, "username": "ann", "password": PASSWORD, **changes}
        return self.users.create(id_, **{"integrator_key": self.integrator(id_), **given})

    def log_in(
        self, id_: str, username: str = "ann", password: str = PASSWORD, address: str = OFFICE, cached: bool = False
    ) -> User:
        """Proves who asks, in a process of its own unless it may be cached."""
        process = self.store if cached else self.process()
        return process.authenticate_user(self.integrator(id_), username, password, address)

    def _read(self, **_: Any) -> None:
        self.reads += 1

    def _wrote(self, params: Any, **_: Any) -> None:
        self.writes.append("CountersTable" if b"CountersTable" in params["body"] else "AccessTable")

    def run(self) -> None:
        while self.tasks:
            self.tasks.pop()()

    def items(self, table: str = "AccessTable") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client.scan(TableName=table)["Items"]
        return found


def refused(ask: Callable[[], object], code: str) -> ArrearsError:
    with pytest.raises(ArrearsError) as caught:
        ask()
    assert caught.value.code == code
    return caught.value


class AtomicCounters(Counters):
    """Counters of many threads at once: moto does not take an update as one step."""

    _lock = Lock()

    def add(self, *arguments: Any) -> int:
        with self._lock:
            return super().add(*arguments)

    def add_below(self, *arguments: Any) -> int | None:
        with self._lock:
            return super().add_below(*arguments)
