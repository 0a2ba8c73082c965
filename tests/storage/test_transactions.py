"""Which cancelled transactions are sent again, which are conflicts, and which are faults."""

import json
import time
from typing import Any

import pytest
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.exceptions import ClientError
from botocore.session import get_session

from arrears.imports.import_run import PATIENCE_SECONDS
from arrears.storage.transactions import BRIEF_WAITS, IMPORT_WAITS, PATIENT_WAITS, Failure, failure_of, transact
from support.gate import failure, response

ACTIONS = [{"Delete": {"TableName": "t", "Key": {"pk": {"S": "a"}}}}, {"Delete": {"TableName": "t", "Key": {}}}]


def cancelled(*codes: str) -> dict[str, Any]:
    return {
        "Error": {"Code": "TransactionCanceledException", "Message": "cancelled"},
        "CancellationReasons": [{"Code": code} for code in codes],
    }


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (["None", "ConditionalCheckFailed"], Failure.CONFLICT),
        (["TransactionConflict"], Failure.CONFLICT),
        (["ThrottlingError", "TransactionConflict"], Failure.CONFLICT),
        (["ProvisionedThroughputExceeded", "ConditionalCheckFailed"], Failure.CONFLICT),
        (["None", "ThrottlingError"], Failure.THROTTLE),
        (["ProvisionedThroughputExceeded", "ThrottlingError"], Failure.THROTTLE),
        (["ThrottlingError", "ValidationError"], Failure.FAULT),
        (["ItemCollectionSizeLimitExceeded"], Failure.FAULT),
        ([], Failure.FAULT),
    ],
)
def test_the_reasons_of_a_cancelled_transaction_decide(codes: list[str], expected: Failure) -> None:
    assert failure_of(ClientError(cancelled(*codes), "TransactWriteItems")) is expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("TransactionInProgressException", Failure.CONFLICT),
        ("ProvisionedThroughputExceededException", Failure.THROTTLE),
        ("AccessDeniedException", Failure.FAULT),
    ],
)
def test_what_is_no_cancelled_transaction_says_so_itself(code: str, expected: Failure) -> None:
    assert failure_of(ClientError({"Error": {"Code": code}}, "TransactWriteItems")) is expected


class Line:
    """A client whose transactions fail for these reasons first; waits: how long it waited before each new attempt."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
        self.client: Any = get_session().create_client(
            "dynamodb", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
        )
        self.bodies: list[Any] = []
        self.waits: list[float] = []
        self._answers = list(answers)
        self.client.meta.events.register_first("before-send.dynamodb", self._send)
        monkeypatch.setattr(time, "sleep", self.waits.append)

    def _send(self, request: AWSRequest, **_: Any) -> AWSResponse:
        self.bodies.append(json.loads(request.body))
        if not self._answers:
            return response(200, {})
        reasons = [{"Code": code} for code in self._answers.pop(0)]
        return failure("TransactionCanceledException", "cancelled", CancellationReasons=reasons)


def test_a_throttled_transaction_is_sent_again_with_growing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(monkeypatch, *[["None", "ThrottlingError"]] * len(BRIEF_WAITS))
    transact(line.client, ACTIONS)
    assert [body["TransactItems"] for body in line.bodies] == [ACTIONS] * (len(BRIEF_WAITS) + 1)
    for waited, most in zip(line.waits, BRIEF_WAITS, strict=True):
        assert most / 2 <= waited <= most


def test_each_attempt_has_a_token_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """DynamoDB answers a known token with what became of it: a cancelled transaction would stay cancelled."""
    line = Line(monkeypatch, ["ThrottlingError"])
    transact(line.client, ACTIONS)
    assert len({body["ClientRequestToken"] for body in line.bodies}) == 2


def test_throttling_that_lasts_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(monkeypatch, *[["ThrottlingError"]] * 100)
    with pytest.raises(ClientError) as raised:
        transact(line.client, ACTIONS)
    assert failure_of(raised.value) is Failure.THROTTLE
    assert len(line.bodies) == len(BRIEF_WAITS) + 1


@pytest.mark.parametrize("code", ["ConditionalCheckFailed", "TransactionConflict", "ValidationError"])
def test_conflicts_and_faults_are_raised_at_once(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(monkeypatch, [code])
    with pytest.raises(ClientError):
        transact(line.client, ACTIONS)
    assert len(line.bodies) == 1


def test_a_caller_waits_less_than_two_seconds_and_the_schedule_less_than_a_minute() -> None:
    """Of the 28 seconds that a request has, and of the minute that the worker keeps spare."""
    assert sum(BRIEF_WAITS) < 2
    assert sum(PATIENT_WAITS) < 60


def test_an_import_waits_less_than_the_three_minutes_that_a_run_keeps_spare() -> None:
    """For one transaction of a batch, in each try of the batch and between them."""
    tries = len(PATIENCE_SECONDS) + 1
    assert tries * sum(IMPORT_WAITS) + sum(PATIENCE_SECONDS) < 170
