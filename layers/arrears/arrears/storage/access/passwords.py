"""Stored forms of secrets: generated ones by a fast hash, chosen ones by a memory-hard one (scrypt, RFC 7914)."""

import hashlib
import hmac
import secrets

_MEMORY_COST = 2**15
_BLOCK_SIZE = 8
_PASSES = 3
_SALT_BYTES = 16


def digest(secret: str) -> str:
    """SHA-256 in hex, enough for what is generated with more than 128 bits of randomness."""
    return hashlib.sha256(secret.encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two hex digests are equal, in a time that does not depend on where they differ."""
    return hmac.compare_digest(one, other)


def hash_password(password: str) -> str:
    """A salted hash with its parameters: "scrypt$N$r$p$salt$hash"."""
    return _hashed(password, _MEMORY_COST, _BLOCK_SIZE, _PASSES, secrets.token_bytes(_SALT_BYTES))


def check_password(password: str, hashed: str | None) -> bool:
    """Whether the password is the hashed one; takes as long when there is no hash to compare with (None)."""
    if hashed is None:
        hash_password(password)
        return False
    _, memory_cost, block_size, passes, salt, _ = hashed.split("$")
    return same(_hashed(password, int(memory_cost), int(block_size), int(passes), bytes.fromhex(salt)), hashed)


def _hashed(password: str, memory_cost: int, block_size: int, passes: int, salt: bytes) -> str:
    key = hashlib.scrypt(
        password.encode(),
        salt=salt,
        n=memory_cost,
        r=block_size,
        p=passes,
        maxmem=2 * 128 * memory_cost * block_size,
    )
    return f"scrypt${memory_cost}${block_size}${passes}${salt.hex()}${key.hex()}"
