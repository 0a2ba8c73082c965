"""A new type of record touches few modules, and none of them can be forgotten."""

from typing import Any, get_args

import pytest

from arrears.ledger.changes import RECORD_TYPES as CHANGED_TYPES
from arrears.ledger.recording import RECORD_TYPES, named_by
from arrears.ledger.records import Record, read_record
from arrears.storage.ledger.keys import POINTER_LETTERS
from arrears.storage.ledger.recorder import KEYS_OF_NAMED
from support.records import (
    ORGANISATION,
    allocation,
    bill,
    credit,
    customer,
    dispute,
    invoice,
    payment,
    promise,
    reminder,
    supplier,
)

SAMPLES: dict[str, Any] = {
    sample["type"]: sample
    for sample in (
        *(customer(account_number="N"), supplier(), invoice(), bill()),
        *(payment(), credit(), allocation(), reminder(), promise(), dispute()),
    )
}
"""One record of each type."""


def test_every_model_has_its_line_in_the_table_of_record_types() -> None:
    assert set(RECORD_TYPES) == set(get_args(Record))


def test_changes_of_every_type_can_be_asked_for() -> None:
    assert set(CHANGED_TYPES) == set(SAMPLES)


def test_every_type_has_a_sample() -> None:
    assert {type(read_record(sample)) for sample in SAMPLES.values()} == set(RECORD_TYPES)


@pytest.mark.parametrize("kind", SAMPLES)
def test_what_a_record_names_has_a_key_and_a_letter(kind: str) -> None:
    named = list(named_by(ORGANISATION, read_record(SAMPLES[kind])))  # type: ignore[arg-type]
    assert named
    assert {one.what for one in named} <= set(KEYS_OF_NAMED)
    assert {one.kind for one in named if one.what == "pointer"} <= set(POINTER_LETTERS)


def test_no_two_types_share_a_letter() -> None:
    assert len(set(POINTER_LETTERS.values())) == len(POINTER_LETTERS)
