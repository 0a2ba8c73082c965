"""What DynamoDB refuses is refused here too, whatever sends it."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.stored_ledger import Table

HUGE = "x" * 300_000


def put(name: str, pk: str = "p", **more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": name, "Item": {"pk": {"S": pk}, "sk": {"S": "s"}, **more}}}


def refused(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**request)
    return str(error.value)


def test_transactions_have_the_size_that_dynamodb_takes(table: Table) -> None:
    def transact(*actions: Any) -> str:
        return refused(table.client.transact_write_items, TransactItems=list(actions))

    one = put(table.name)
    assert "two actions on one item" in transact(one, {"Delete": {"TableName": table.name, "Key": _key("p")}})
    assert "101 actions" in transact(*(put(table.name, f"p{n}") for n in range(101)))
    assert "4 MB" in transact(*(put(table.name, f"p{n}", b={"S": HUGE}) for n in range(15)))
    assert "an item of" in transact(put(table.name, b={"S": HUGE}, p={"S": HUGE}))
    assert "ipk" in transact(put(table.name, ipk={"N": "1"}, isk={"S": "s"}))
    assert "isk" in transact(put(table.name, ipk={"S": "1"}, isk={"S": ""}))
    assert "pk" in transact(put(table.name, "p" * 2_049))
    assert table.contents() == {}


def test_a_token_belongs_to_one_request(table: Table) -> None:
    one, other = put(table.name), put(table.name, "q")
    table.client.transact_write_items(TransactItems=[one], ClientRequestToken="t" * 36)
    table.open.delete_item(TableName=table.name, Key=_key("p"))
    table.client.transact_write_items(TransactItems=[one], ClientRequestToken="t" * 36)
    assert table.contents() == {}
    again = refused(table.client.transact_write_items, TransactItems=[other], ClientRequestToken="t" * 36)
    assert "IdempotentParameterMismatch" in again


def test_batches_and_queries_that_dynamodb_refuses_are_refused(table: Table) -> None:
    many, twice = [_key(f"p{n}") for n in range(101)], [_key("p")] * 2
    for keys, why in ((many, "101 items"), (twice, "twice"), ([], "0 items")):
        assert why in refused(table.client.batch_get_item, RequestItems={table.name: {"Keys": keys}})
    writes = [{"PutRequest": {"Item": _key(f"p{n}")}} for n in range(26)]
    assert "26 items" in refused(table.client.batch_write_item, RequestItems={table.name: writes})
    query = {
        "TableName": table.name,
        "KeyConditionExpression": "pk = :p",
        "FilterExpression": "begins_with(sk, :p)",
        "ExpressionAttributeValues": {":p": {"S": "p"}},
    }
    assert "filter on a key" in refused(table.client.query, **query)
    assert "whole table" in refused(table.client.scan, TableName=table.name)


def _key(pk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": "s"}}
