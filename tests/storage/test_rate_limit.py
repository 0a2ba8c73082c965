"""No API key and no user takes what all share."""

from contextlib import suppress
from datetime import timedelta

import pytest

from arrears.ledger.errors import RATE_LIMITED, ArrearsError
from arrears.storage.access import rate_limit
from arrears.storage.access.authentication import Authentication
from arrears.storage.access.rate_limit import SEVERAL, WINDOW_SECONDS
from support.access import World, refused


def admitted(process: Authentication, key: str) -> bool:
    try:
        process.authenticate(key)
    except ArrearsError as refusal:
        if refusal.code is not RATE_LIMITED:
            raise
        return False
    return True


@pytest.mark.parametrize("containers", [1, 10, 40])
def test_a_tenant_who_floods_is_held_to_the_limit_and_no_other_notices(world: World, containers: int) -> None:
    flooding, calm = (world.api_keys.create(world.organisation()) for _ in range(2))
    processes = [world.process() for _ in range(containers)]
    windows, sent, through = 2, 0, 0
    for second in range(windows * WINDOW_SECONDS):
        for number in range(200):
            world.now += timedelta(milliseconds=5)
            sent += 1
            through += admitted(processes[number % containers], flooding)
        assert all(admitted(processes[(second + number) % containers], calm) for number in range(5))
    assert sent == windows * 2_000
    limit = windows * WINDOW_SECONDS * world.requests_per_second
    # Each container reports once a second: what it admits in between is beyond the limit.
    assert limit <= through <= limit + windows * 200
    assert world.writes.count("CountersTable") <= 2 * containers * (windows * WINDOW_SECONDS + 1)


def test_ordinary_use_costs_no_request_more(world: World) -> None:
    key = world.api_keys.create(world.organisation())
    for _ in range(20):
        world.store.authenticate(key)
        world.now += timedelta(seconds=WINDOW_SECONDS / (SEVERAL - 1))
    assert world.writes == []


def test_a_container_writes_at_most_once_a_second(world: World) -> None:
    key = world.api_keys.create(world.organisation())
    for _ in range(100):
        world.store.authenticate(key)
        world.now += timedelta(milliseconds=20)
    assert 1 <= len(world.writes) <= 3


def test_a_refusal_says_when_the_window_ends(world: World) -> None:
    world.requests_per_second = 1
    process, key = world.process(), world.api_keys.create(world.organisation())
    world.now += timedelta(seconds=3)
    while admitted(process, key):
        world.now += timedelta(milliseconds=100)
    refusal = refused(lambda: process.authenticate(key), "rate_limited")
    written = len(world.writes)
    for _ in range(50):
        assert not admitted(process, key)
    assert len(world.writes) == written
    world.now += timedelta(seconds=refusal.retry_after or 0)
    assert admitted(process, key)


def test_users_are_limited_by_password_and_token_together(world: World) -> None:
    world.requests_per_second = 1
    id_ = world.organisation()
    token, other = world.user(id_), world.user(id_, username="bob")
    world.store = world.process()
    for _ in range(5):
        world.store.authenticate_token(token)
        world.log_in(id_, cached=True)
        world.now += timedelta(seconds=1)
    with suppress(ArrearsError):
        for _ in range(SEVERAL):
            world.store.authenticate_token(token)
    refused(lambda: world.store.authenticate_token(token), "rate_limited")
    refused(lambda: world.log_in(id_, cached=True), "rate_limited")
    world.store.authenticate_token(other)


def test_what_is_not_authenticated_counts_against_nobody(world: World) -> None:
    world.requests_per_second = 1
    process, key = world.process(), world.api_keys.create(world.organisation())
    wrong = key[:-1] + ("1" if key[-1] == "0" else "0")
    for _ in range(100):
        refused(lambda: process.authenticate(wrong), "unauthorised")
    assert admitted(process, key)
    assert not world.items("CountersTable")


def test_a_process_remembers_a_bounded_number_of_holders(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "HOLDERS", 3)
    id_ = world.organisation()
    first, *others = [world.api_keys.create(id_) for _ in range(4)]
    for key in [*[first] * (SEVERAL - 1), *others, first]:
        world.store.authenticate(key)
    assert not world.items("CountersTable"), "the first key was forgotten, so its last request is one, not several"


def test_what_is_counted_is_deleted_by_itself(world: World) -> None:
    key = world.api_keys.create(world.organisation())
    for _ in range(SEVERAL):
        world.store.authenticate(key)
    [counted] = world.items("CountersTable")
    assert counted["counted"] == {"N": str(SEVERAL)}
    assert 0 < int(counted["expires_at_epoch"]["N"]) - world.now.timestamp() <= 2 * WINDOW_SECONDS
