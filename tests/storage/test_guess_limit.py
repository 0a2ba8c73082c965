"""Wrong passwords are limited, and nobody but the guesser is kept out for long."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from arrears.ledger.caller import User
from arrears.ledger.errors import ArrearsError
from arrears.storage.access import authentication, guess_limit
from arrears.storage.access.guess_limit import (
    GUESSES,
    GUESSES_FOR_A_USER,
    GUESSES_FROM_AN_ADDRESS,
    GUESSES_WITH_AN_INTEGRATOR_KEY,
    KNOWN_SECONDS,
    WINDOW_SECONDS,
)
from support.access import ELSEWHERE, OFFICE, PASSWORD, AtomicCounters, World, refused


def guess(world: World, id_: str, times: int, username: str = "ann", address: str = OFFICE) -> list[str]:
    """The codes of the refusals."""
    codes = []
    for number in range(times):
        with pytest.raises(ArrearsError) as caught:
            world.log_in(id_, username, f"wrong guess {number}", address)
        codes.append(caught.value.code)
    return codes


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """One entry per password that is hashed: whether there was a user to compare with."""
    found: list[bool] = []
    check = authentication.check_password

    def counted(password: str, stored: str | None) -> bool:
        found.append(stored is not None)
        return check(password, stored)

    monkeypatch.setattr(authentication, "check_password", counted)
    return found


def test_after_too_many_guesses_not_even_the_password_helps_until_the_window_ends(world: World) -> None:
    id_ = world.organisation()
    token = world.user(id_)
    world.user(id_, username="bob")
    guess(world, id_, GUESSES - 1)
    world.log_in(id_)
    guess(world, id_, 1)
    assert (refused(lambda: world.log_in(id_), "rate_limited").retry_after or 0) > 0
    # Neither the user's token nor anybody else is concerned.
    world.process().authenticate_token(world.user(id_, username="cleo"))
    world.process().authenticate_token(token)
    world.log_in(id_, "bob")
    guess(world, id_, 3)
    world.now += timedelta(seconds=WINDOW_SECONDS)
    world.log_in(id_)


def test_guesses_of_one_moment_do_not_pass_the_limit(world: World, hashed: list[bool]) -> None:
    id_ = world.organisation()
    world.user(id_)
    world.counters = AtomicCounters(world.client, "CountersTable")

    def attempt(number: int) -> str:
        return refused_code(world, id_, f"wrong guess {number}")

    with ThreadPoolExecutor(24) as pool:
        codes = list(pool.map(attempt, range(24)))
    assert (codes.count("unknown_user"), codes.count("rate_limited")) == (GUESSES, 24 - GUESSES)
    refused(lambda: world.log_in(id_), "rate_limited")
    assert len(hashed) == GUESSES


def refused_code(world: World, id_: str, password: str) -> str:
    try:
        world.log_in(id_, password=password)
    except ArrearsError as refusal:
        return refusal.code
    return "let in"


def test_right_passwords_of_one_moment_are_not_counted_as_guesses(world: World) -> None:
    id_ = world.organisation()
    world.user(id_)
    for _ in range(GUESSES * 3):
        world.log_in(id_)
    guess(world, id_, GUESSES - 1)
    world.log_in(id_)


def test_a_stranger_cannot_lock_a_user_out_where_the_user_is_known(world: World) -> None:
    id_ = world.organisation()
    world.user(id_)
    world.log_in(id_, address=OFFICE)
    strangers = [f"198.51.100.{number}" for number in range(GUESSES_FOR_A_USER // GUESSES + 2)]
    for _ in range(3):
        for stranger in strangers:
            guess(world, id_, GUESSES, address=stranger)
        refused(lambda: world.log_in(id_, address="203.0.113.9"), "rate_limited")
        world.log_in(id_, address=OFFICE)
        world.now += timedelta(seconds=WINDOW_SECONDS)
    # Where nobody knows the user, the window that ends helps.
    world.log_in(id_, address="203.0.113.9")


def test_an_address_is_known_for_a_month(world: World) -> None:
    id_ = world.organisation()
    world.user(id_)
    world.log_in(id_, address=OFFICE)
    world.now += timedelta(seconds=KNOWN_SECONDS)
    for number in range(GUESSES_FOR_A_USER // GUESSES):
        guess(world, id_, GUESSES, address=f"198.51.100.{number}")
    refused(lambda: world.log_in(id_, address=OFFICE), "rate_limited")


def test_guesses_at_one_user_from_many_addresses_are_limited(world: World, hashed: list[bool]) -> None:
    id_ = world.organisation()
    world.user(id_)
    for number in range(GUESSES_FOR_A_USER + 10):
        guess(world, id_, 1, address=f"198.51.100.{number}")
    assert len(hashed) == GUESSES_FOR_A_USER


def test_guesses_of_one_address_at_many_users_are_limited(world: World, hashed: list[bool]) -> None:
    id_ = world.organisation()
    world.user(id_)
    for number in range(GUESSES_FROM_AN_ADDRESS + 10):
        guess(world, id_, 1, f"user {number}", ELSEWHERE)
    assert len(hashed) == GUESSES_FROM_AN_ADDRESS
    world.log_in(id_, address=OFFICE)


def test_guesses_with_one_integrator_key_are_limited(
    world: World, hashed: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guess_limit, "GUESSES_WITH_AN_INTEGRATOR_KEY", 20)
    assert GUESSES_WITH_AN_INTEGRATOR_KEY > 20
    id_, other = world.organisation(), world.organisation()
    world.user(id_)
    world.user(other)
    for number in range(30):
        guess(world, id_, 1, f"user {number}", f"198.51.100.{number}")
    assert len(hashed) == 20
    world.log_in(other, address=ELSEWHERE)


def test_all_addresses_of_one_network_in_ipv6_are_one(world: World, hashed: list[bool]) -> None:
    id_ = world.organisation()
    world.user(id_)
    for number in range(GUESSES + 5):
        guess(world, id_, 1, address=f"2001:db8:1:2::{number:x}")
    assert len(hashed) == GUESSES
    world.log_in(id_, address="2001:db8:1:3::1")
    for number in range(GUESSES + 5):
        guess(world, id_, 1, "bob", address=("::ffff:" if number % 2 else "") + ELSEWHERE)
    assert len(hashed) == GUESSES + 1 + GUESSES


def test_attempts_are_counted_and_looked_at_alike_whether_there_is_such_a_user_or_not(
    world: World, hashed: list[bool]
) -> None:
    id_ = world.organisation()
    world.user(id_)
    seen: dict[str, list[Any]] = {"ann": [], "nobody": []}
    for name, outcomes in seen.items():
        for number in range(GUESSES + 2):
            world.reads, world.writes = 0, []
            with pytest.raises(ArrearsError) as caught:
                world.log_in(id_, name, f"wrong guess {number}")
            outcomes.append((str(caught.value), caught.value.retry_after, world.reads, len(world.writes)))
    assert seen["ann"] == seen["nobody"]
    assert hashed == [True] * GUESSES + [False] * GUESSES


def test_what_is_counted_is_deleted_by_itself_and_names_nobody(world: World) -> None:
    id_ = world.organisation()
    world.user(id_)
    guess(world, id_, 2)
    world.log_in(id_)
    counted = world.items("CountersTable")
    assert all(int(item["expires_at_epoch"]["N"]) > world.now.timestamp() for item in counted)
    assert OFFICE not in str(counted)
    assert world.integrator(id_) not in str(counted)
    assert {item["counted"]["N"] for item in counted if "counted" in item} == {"2"}


def test_who_is_known_to_this_process_is_not_kept_out_by_somebody_who_guesses(world: World) -> None:
    id_ = world.organisation()
    world.user(id_)
    user: User = world.log_in(id_, cached=True)
    guess(world, id_, GUESSES)
    assert world.log_in(id_, password=PASSWORD, cached=True) == user
