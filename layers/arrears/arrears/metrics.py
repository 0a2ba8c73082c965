"""The metrics of the service, written to its log in CloudWatch's embedded metric format. No metric is per tenant.

Each has the stack's name as its service (POWERTOOLS_SERVICE_NAME), so that stacks in one AWS account stay apart.
CloudWatch keeps one metric for each exact set of dimensions: the alarms and widgets of the template use these sets.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import single_metric
from aws_lambda_powertools.metrics import MetricUnit

if TYPE_CHECKING:
    from arrears.ledger.result import Result

    type Write = Callable[[Sequence[dict[str, Any]]], Sequence[Result]]

NAMESPACE = "Arrears"
WRITTEN = frozenset(("created", "updated", "pending", "deleted"))


def measure(name: str, value: float, unit: MetricUnit = MetricUnit.Count, **dimensions: str) -> None:
    """One value of one metric. dimensions: beside the service, which is added where the environment names it."""
    with single_metric(name=name, unit=unit, value=value, namespace=NAMESPACE, default_dimensions=dimensions):
        pass


def measure_records(results: Iterable[str]) -> None:
    """How many records were written and rejected, by what became of each."""
    counts = Counter(results)
    written = sum(counts[result] for result in WRITTEN)
    if written:
        measure("RecordsWritten", written)
    if counts["rejected"]:
        measure("RecordsRejected", counts["rejected"])


def measured(write: "Write") -> "Write":
    """The same writing of records, counted."""

    def write_and_count(records: Sequence[dict[str, Any]]) -> "Sequence[Result]":
        results = write(records)
        measure_records(result.result for result in results)
        return results

    return write_and_count
