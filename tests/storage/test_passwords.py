"""Stored passwords."""

import pytest

from arrears.storage.access import passwords
from arrears.storage.access.passwords import check_password, hash_password


def test_only_the_password_itself_passes() -> None:
    hashed = hash_password("päss 漢")
    assert check_password("päss 漢", hashed)
    assert not check_password("pass", hashed)
    assert not check_password("", hashed)
    assert not check_password("päss 漢", None)


def test_the_cost_is_that_of_a_memory_hard_hash() -> None:
    kind, memory, block, passes, salt, _ = hash_password("x").split("$")
    # At least 32 MB and three passes: what OWASP names for scrypt.
    assert kind == "scrypt"
    assert (128 * int(memory) * int(block), int(passes)) >= (32 * 2**20, 3)
    assert len(bytes.fromhex(salt)) == 16


def test_no_two_hashes_are_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_MEMORY_COST", 2**4)
    assert hash_password("x") != hash_password("x")


def test_a_hash_keeps_its_own_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_MEMORY_COST", 2**4)
    old = hash_password("x")
    monkeypatch.setattr(passwords, "_MEMORY_COST", 2**5)
    assert check_password("x", old)
    assert hash_password("x").split("$")[1] == "32"
