"""What would take longer than twenty seconds is refused, and the answer names the command that has no limit."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from api.conftest import NOON, Api, check
from arrears.api.routes import RECEIVABLES_HISTORY
from arrears.ledger.known_at import instant_text
from arrears.storage.ledger.change_entries import Entry
from arrears.storage.ledger.change_log import ChangeLog
from support import records

BOOK = (
    records.invoice("I1", customer_id="C1", currency="EUR", total="10", issued_on="2020-05-01", due_on="2020-05-31"),
    records.bill("B1", supplier_id="S1", currency="EUR", total="10", issued_on="2020-05-01", due_on="2020-05-31"),
)
LARGE = [
    ("/receivables/overdue", {}, "arrears receivables"),
    ("/receivables/overdue", {"sort": "amount", "currency": "EUR"}, "arrears receivables"),
    ("/payables/overdue", {}, "arrears payables"),
    ("/receivables/aging", {}, "arrears aging --side receivables"),
    ("/receivables/aging", {"by": "document"}, "arrears aging --side receivables"),
    ("/payables/aging", {}, "arrears aging --side payables"),
    ("/receivables/customers/C1", {}, "arrears customer show"),
    ("/receivables/customers/C1/statement", {}, "arrears statement"),
    ("/payables/suppliers/S1", {}, "arrears supplier"),
    ("/payables/suppliers/S1/statement", {}, "arrears statement"),
]


def pass_with_each_look(api: Api, patch: pytest.MonkeyPatch, seconds: float) -> None:
    """Lets so many seconds pass each time that somebody looks at the clock."""
    looks = count()
    patch.setattr(type(api.clock), "__call__", lambda _: NOON + timedelta(seconds=seconds * next(looks)))


def pass_with_each_change(api: Api, patch: pytest.MonkeyPatch, seconds: float) -> Iterator[int]:
    """Lets so many seconds pass with each entry of the change log that is read; counts them."""
    looked = count()
    read = ChangeLog.entries

    def slowly(*arguments: Any, **options: Any) -> Iterator[Entry]:
        for entry in read(*arguments, **options):
            next(looked)
            api.clock.now += timedelta(seconds=seconds)
            yield entry

    patch.setattr(ChangeLog, "entries", slowly)
    return looked


@pytest.mark.parametrize(("path", "query", "command"), LARGE)
def test_an_answer_that_takes_too_long_is_refused_and_names_the_command(
    api: Api, monkeypatch: pytest.MonkeyPatch, path: str, query: dict[str, str], command: str
) -> None:
    api.stored(*BOOK)
    pass_with_each_look(api, monkeypatch, 21)
    answer = api.dolfin(path, **query)
    assert (answer.status, answer.body["code"]) == (422, "too_large")
    check("problem", answer.body)
    assert f"`{command}`" in answer.body["detail"]


@pytest.mark.parametrize(("path", "query", "_"), LARGE)
def test_an_answer_in_time_is_given(
    api: Api, monkeypatch: pytest.MonkeyPatch, path: str, query: dict[str, str], _: str
) -> None:
    api.stored(*BOOK)
    pass_with_each_look(api, monkeypatch, 0.5)
    assert api.dolfin(path, **query).status == 200


@pytest.mark.parametrize(("path", "query", "command"), LARGE)
def test_a_past_moment_since_which_too_much_has_changed_is_refused_and_names_the_command(
    api: Api, monkeypatch: pytest.MonkeyPatch, path: str, query: dict[str, str], command: str
) -> None:
    api.stored({"type": "customer", "id": "C1", "name": "Ann"}, *BOOK)
    api.clock.now += timedelta(hours=1)
    moment = instant_text(api.clock.now)
    api.clock.now += timedelta(hours=1)
    api.stored({"type": "customer", "id": "C2", "name": "Bob"})
    looked = pass_with_each_change(api, monkeypatch, 21)
    answer = api.dolfin(path, **query, knownAt=moment)
    assert (answer.status, answer.body["code"], next(looked)) == (422, "too_large", 1)
    assert f"`{command}`" in answer.body["detail"]


def test_closed_months_are_answered_however_long_it_takes(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    pass_with_each_look(api, monkeypatch, 21)
    assert api.dolfin(RECEIVABLES_HISTORY).status == 200
