"""One tenant's thousand files leave room for another's one."""

import json
import os
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from api.conftest import Clock, load_function
from arrears.imports.dropped_files import Job
from arrears.ledger.organisation import Organisation
from arrears.storage.import_slots import HELD_SECONDS, SLOTS, ImportSlots
from template import resources

FLOODING, OTHER = (f"6a4e7bd0-7a3c-4a12-8d0c-3f4bba6f0c{n}" for n in (11, 12))
NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def slots(ledger_tables: Any, clock: Clock) -> ImportSlots:
    return ImportSlots(ledger_tables, os.environ["LEDGER_TABLE"], clock)


def test_an_organisation_has_so_many_slots_and_no_more_while_another_has_its_own(slots: ImportSlots) -> None:
    held = [slots.take(FLOODING) for _ in range(SLOTS)]
    assert None not in held
    assert slots.take(FLOODING) is None
    assert slots.take(OTHER) is not None
    assert held[1] is not None
    slots.release(held[1])
    assert slots.take(FLOODING) is not None
    assert slots.take(FLOODING) is None


def test_a_run_that_was_killed_holds_its_slot_no_longer_than_it_could_have_run(
    slots: ImportSlots, clock: Clock
) -> None:
    killed = [slots.take(FLOODING) for _ in range(SLOTS)]
    clock.now += timedelta(seconds=HELD_SECONDS - 1)
    assert slots.take(FLOODING) is None
    clock.now += timedelta(seconds=1)
    later = slots.take(FLOODING)
    assert later is not None
    assert killed[0] is not None
    slots.release(killed[0])
    clock.now += timedelta(seconds=1)
    assert [slots.take(FLOODING) is None for _ in range(SLOTS)] == [False, False, True]


def test_slots_leave_no_trace_in_the_ledger(slots: ImportSlots, ledger_tables: Any) -> None:
    slot = slots.take(FLOODING)
    assert slot is not None
    slots.release(slot)
    assert ledger_tables.scan(TableName=os.environ["LEDGER_TABLE"])["Items"] == []


def test_one_organisation_cannot_take_half_of_the_runs_and_a_run_cannot_outlive_its_slot() -> None:
    function = resources("AWS::Serverless::Function")["ImportDropFunction"]
    assert function["Events"]["Drops"]["Properties"]["ScalingConfig"]["MaximumConcurrency"] > SLOTS * 2
    assert function["Timeout"] < HELD_SECONDS


class Queue:
    """Messages that were queued again, and after how long."""

    def __init__(self) -> None:
        self.messages: list[tuple[dict[str, Any], int]] = []

    def hand_over(self, message: dict[str, Any], delay_seconds: int = 0) -> None:
        self.messages.append((message, delay_seconds))


@pytest.fixture
def function(slots: ImportSlots, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The function, whose imports only note the file. queue: what it puts off."""
    module, queue = load_function("functions/import_drop"), Queue()
    services = SimpleNamespace(
        clock=lambda: NOW,
        import_slots=lambda: slots,
        import_bucket=lambda: queue,
        find_organisation=lambda id_: Organisation(id_, "Books", "EUR", "UTC", 1, "00"),
    )
    monkeypatch.setattr(module, "services", lambda: services)
    taken: list[str] = []
    monkeypatch.setattr(module, "import_file", lambda job, *_: taken.append(job.key))
    return SimpleNamespace(handler=module.handler, queue=queue, taken=taken)


def dropped(organisation: str, **more: Any) -> dict[str, Any]:
    """A queue's message for one file."""
    job = {"bucket": "b", "key": f"imports/{organisation}/a.csv", "sequencer": "1", "started_at": NOW.isoformat()}
    return {"Records": [{"messageId": "1", "body": json.dumps({"job": job, **more})}]}


def test_a_file_beyond_the_slots_waits_longer_each_time_and_another_tenant_s_does_not(
    function: SimpleNamespace, slots: ImportSlots
) -> None:
    for _ in range(SLOTS):
        slots.take(FLOODING)
    longest = [20, 40, 80, 160, 320, 640, 900, 900]
    for waits, most in enumerate(longest):
        assert function.handler(dropped(FLOODING, waits=waits), None) == {"batchItemFailures": []}
        message, delay = function.queue.messages[-1]
        assert most // 2 <= delay <= most
        assert message["waits"] == waits + 1
        assert Job(**message["job"]).organisation_id == FLOODING
    assert not function.taken
    function.handler(dropped(OTHER), None)
    assert function.taken == [f"imports/{OTHER}/a.csv"]


def test_a_slot_is_free_again_after_the_import_whatever_became_of_it(
    function: SimpleNamespace, slots: ImportSlots, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(SLOTS + 1):
        function.handler(dropped(FLOODING), None)
    assert len(function.taken) == SLOTS + 1
    assert not function.queue.messages
    assert [slots.take(FLOODING) is None for _ in range(SLOTS + 1)] == [*[False] * SLOTS, True]
