"""The shortcuts past botocore's parser and serialiser: they give and send what these would have."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.exceptions import ClientError
from botocore.session import get_session

from arrears.storage.client import read_fast, write_fast
from arrears.storage.dynamodb import query
from support.dynamodb import failure, response

ITEM = {"pk": {"S": "o#i#1"}, "sk": {"S": "d"}, "v": {"N": "3"}, "p": {"S": '["Zoë \\"Ltd\\"",1234567890123456789012]'}}
KEY = {"pk": {"S": "o#i#1"}, "sk": {"S": "d"}}


class Line:
    """A client whose requests are kept, and answered with what is given."""

    def __init__(self, *answers: AWSResponse) -> None:
        self.client: Any = get_session().create_client(
            "dynamodb", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
        )
        self.bodies: list[Any] = []
        self._answers: Iterator[AWSResponse] = iter(answers)
        self.client.meta.events.register_first("before-send.dynamodb", self._send)

    def _send(self, request: AWSRequest, **_: Any) -> AWSResponse:
        self.bodies.append(json.loads(request.body))
        return next(self._answers)


def without_headers(answer: Any) -> Any:
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


ANSWERS = {
    "query": {"Items": [ITEM, KEY], "Count": 2, "ScannedCount": 2, "LastEvaluatedKey": KEY},
    "batch_get_item": {
        "Responses": {"ledger": [ITEM], "other": []},
        "UnprocessedKeys": {"ledger": {"Keys": [KEY], "ConsistentRead": True}},
    },
}
ASKED: dict[str, dict[str, Any]] = {
    "query": {"TableName": "ledger"},
    "batch_get_item": {"RequestItems": {"ledger": {"Keys": [KEY]}}},
}


@pytest.mark.parametrize("operation", ANSWERS)
def test_what_is_read_is_what_botocore_reads(operation: str) -> None:
    plain, fast = (Line(response(200, ANSWERS[operation])) for _ in range(2))
    read_fast(fast.client)
    answers = [without_headers(getattr(line.client, operation)(**ASKED[operation])) for line in (plain, fast)]
    assert answers[0] == answers[1]
    assert plain.bodies == fast.bodies


@pytest.mark.parametrize("operation", ANSWERS)
def test_errors_are_those_of_botocore(operation: str) -> None:
    line = Line(failure("ResourceNotFoundException", "no such table"))
    read_fast(line.client)
    with pytest.raises(line.client.exceptions.ResourceNotFoundException, match="no such table"):
        getattr(line.client, operation)(**ASKED[operation])


def test_a_busy_table_is_asked_again() -> None:
    line = Line(failure("ThrottlingException", "slow"), response(200, ANSWERS["query"] | {"LastEvaluatedKey": None}))
    read_fast(line.client)
    assert next(query(line.client, TableName="ledger")) == [ITEM, KEY]
    assert len(line.bodies) == 2


ACTIONS: list[Any] = [
    {"Put": {"TableName": "ledger", "Item": ITEM, "ConditionExpression": "attribute_not_exists(pk)"}},
    {"Delete": {"TableName": "ledger", "Key": KEY}},
    {
        "Update": {
            "TableName": "ledger",
            "Key": KEY,
            "UpdateExpression": "ADD #0 :0",
            "ExpressionAttributeNames": {"#0": "n"},
            "ExpressionAttributeValues": {":0": {"N": "-1"}},
        }
    },
]


def test_a_transaction_is_sent_as_botocore_would() -> None:
    plain, fast = (Line(response(200, {})) for _ in range(2))
    write_fast(fast.client)
    for line in (plain, fast):
        line.client.transact_write_items(TransactItems=ACTIONS, ClientRequestToken="token")
    assert plain.bodies == fast.bodies


def test_a_transaction_that_is_sent_again_carries_the_same_token() -> None:
    line = Line(failure("InternalServerError", "oops", 500), response(200, {}))
    write_fast(line.client)
    line.client.transact_write_items(TransactItems=ACTIONS)
    assert line.bodies[0] == line.bodies[1]
    assert line.bodies[0]["ClientRequestToken"]
    assert line.bodies[0]["TransactItems"] == ACTIONS


def test_a_cancelled_transaction_has_its_reasons() -> None:
    reasons = [{"Code": "ConditionalCheckFailed"}, {"Code": "None"}]
    line = Line(failure("TransactionCanceledException", "cancelled", CancellationReasons=reasons))
    write_fast(line.client)
    with pytest.raises(ClientError) as caught:
        line.client.transact_write_items(TransactItems=ACTIONS)
    assert [reason["Code"] for reason in caught.value.response["CancellationReasons"]] == [
        "ConditionalCheckFailed",
        "None",
    ]
