"""Ids: UUIDs as they are, anything else as a stable UUID of its organisation and type."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from arrears.ledger.ids import folded_name, is_uuid, outward_id
from support.records import ORGANISATION, OTHER


def test_a_uuid_stays_in_lower_case() -> None:
    mine = "ABCDEF00-0000-4000-8000-00000000000A"
    assert outward_id(ORGANISATION.id, "invoice", mine) == mine.lower()
    for text in (mine.replace("-", ""), "{" + mine + "}", "urn:uuid:" + mine, mine + "\n"):
        assert not is_uuid(text)


@given(st.text(min_size=1))
def test_any_other_id_is_a_uuid_of_its_type_and_organisation(id: str) -> None:
    made = outward_id(ORGANISATION.id, "invoice", id)
    assert is_uuid(made)
    assert uuid.UUID(made).version == 5
    assert outward_id(ORGANISATION.id, "invoice", made) == made
    assert made not in (outward_id(ORGANISATION.id, "bill", id), outward_id(OTHER.id, "invoice", id))


def test_names_fold_case_and_spacing() -> None:
    assert folded_name(" ACME\t ltd ") == folded_name("Acme  Ltd") != folded_name("AcmeLtd")
