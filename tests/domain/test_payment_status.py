"""What an invoice adds to its issue month: its status on each day, as differences that add up."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from arrears.ledger import payment_status
from arrears.ledger.dated_document import PAYMENT_FAILED, AllocationChange, DatedDocument, Dispute
from arrears.ledger.days import NEVER
from support.figures import status_at

days = st.integers(100, 130)
steps = st.lists(st.tuples(days, st.integers(-60, 100)), max_size=6)
disputes = st.lists(st.builds(Dispute, days, st.none() | days, st.booleans()), max_size=2)
invoices = st.builds(
    lambda issued, total, applied, voided, failed, disputed: DatedDocument(
        "i",
        None,
        "USD",
        total,
        issued,
        None,
        voided,
        [AllocationChange(day, amount, 0, 1) for day, amount in sorted(applied)],
        PAYMENT_FAILED if failed else 0,
        disputed,
    ),
    days | st.just(NEVER),
    st.integers(0, 100),
    steps,
    days | st.just(NEVER),
    st.booleans(),
    disputes,
)


@given(invoices)
def test_changes_added_up_to_a_day_are_the_status_of_that_day(invoice: DatedDocument) -> None:
    changes = list(payment_status.status_changes(invoice))
    assert [day for day, _, _ in changes] == sorted({day for day, _, _ in changes})
    for day in range(95, 140):
        so_far = [after for when, _, after in changes if when <= day]
        assert (so_far[-1] if so_far else None) == status_at(invoice, day)
    for (_, _, after), (_, before, _) in pairwise(changes):
        assert after == before
    assert all(before != after for _, before, after in changes)


def test_a_failed_payment_shows_while_something_is_owed() -> None:
    steps = [AllocationChange(105, 100, 0, 1), AllocationChange(110, -1, 0, 0)]
    failed = DatedDocument("i", None, "USD", 100, 100, None, applied=steps, marks=PAYMENT_FAILED)
    assert list(payment_status.status_changes(failed)) == [
        (100, None, "failed"),
        (105, "failed", "succeeded"),
        (110, "succeeded", "failed"),
    ]
