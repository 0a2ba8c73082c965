"""What passes through a run without being in memory as it is: rows in order, and accounts with their documents."""

import json
from random import Random

import pytest

from arrears.close.sorted_rows import SortedRows
from arrears.storage.ledger.compressed import Compressed

NAMES = ("Ann", "Äöü & Söhne", "Tab\tand\nbreak", "Line\u2028separator", "", '\\ "quoted"', "日本")


@pytest.mark.parametrize("runs", [0, 1, 7, 60])
def test_rows_come_in_the_order_of_their_keys_whatever_is_in_them(runs: int) -> None:
    rng, rows, expected = Random(runs), SortedRows(), []
    for run in range(runs):
        some = []
        for number in range(rng.choice((0, 1, 5, 300))):
            name = rng.choice(NAMES)
            key = (
                rng.random() < 0.5,
                rng.choice(("EUR", "USD")),
                -rng.randrange(90),
                -rng.randrange(9),
                name,
                f"{run}-{number}",
            )
            some.append((key, json.dumps({"key": key, "name": name}, ensure_ascii=False)))
        some.sort()
        rows.add(some)
        expected += some
    for _ in ("once", "and again, when a write is tried again"):
        assert list(rows) == [row for _, row in sorted(expected)]


def test_parts_have_all_that_was_kept_of_their_accounts_once() -> None:
    rng = Random(1)
    accounts = [f"account {number}" for number in range(500)]
    kept: list[Compressed[tuple[str, int]]] = [Compressed(), Compressed()]
    expected: list[dict[str, list[int]]] = [{}, {}]
    for number in range(30_000):
        which, account = rng.randrange(2), rng.choice(accounts)
        kept[which].add(account, (account, number))
        expected[which].setdefault(account, []).append(number)
    found: list[dict[str, list[int]]] = [{}, {}]
    part_of: dict[str, int] = {}
    for part, both in enumerate(zip(*(one.parts() for one in kept), strict=True)):
        for which, things in enumerate(both):
            for account, number in things:
                found[which].setdefault(account, []).append(number)
                assert part_of.setdefault(account, part) == part
    assert found == expected
    assert not [thing for one in kept for part in one.parts() for thing in part]
