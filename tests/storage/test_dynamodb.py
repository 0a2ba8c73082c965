"""The DynamoDB that the other tests run on, held to an independent one: the same requests, the same answers."""

import json
from collections.abc import Callable, Iterator
from functools import cache
from random import Random
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from support.dynamodb import PAGE_BYTES, serving
from template import create_tables

type Request = tuple[str, dict[str, Any]]
LEDGER, HISTORY = "LedgerTable", "HistoryTable"


def key_of(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def item(pk: str, sk: str, **more: Any) -> dict[str, Any]:
    typed = {name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in more.items()}
    return key_of(pk, sk) | typed


def put(table: str, entry: dict[str, Any], condition: str | None = None, **values: Any) -> dict[str, Any]:
    return {"TableName": table, "Item": entry, **conditional(condition, values)}


def conditional(condition: str | None, values: dict[str, Any]) -> dict[str, Any]:
    typed = {f":{name}": {"N": str(v)} if isinstance(v, int) else {"S": v} for name, v in values.items()}
    given = {} if condition is None else {"ConditionExpression": condition}
    return given | ({"ExpressionAttributeValues": typed} if typed else {})


def answers(requests: list[Request]) -> list[Any]:
    """What is answered to requests, one after the other: bodies, or the codes of errors."""
    client = _client()
    create_tables(client)
    return [_answer(client, *request) for request in requests]


@cache
def _client() -> Any:
    """A client that whichever is serving answers."""
    return boto3.client("dynamodb")


def _answer(client: Any, operation: str, request: dict[str, Any]) -> Any:
    try:
        body = getattr(client, operation)(**request)
    except ClientError as error:
        reasons = [reason["Code"] for reason in error.response.get("CancellationReasons", ())]
        return error.response["Error"]["Code"], reasons
    body.pop("ResponseMetadata")
    # What nobody asked for, and the other gives now and then.
    for name in ("ConsumedCapacity", "ItemCollectionMetrics"):
        body.pop(name, None)
    for name in ("Responses", "UnprocessedKeys"):
        for table in body.get(name, {}).values():
            table.sort(key=json.dumps) if isinstance(table, list) else None
    return body


def hold(requests: list[Request]) -> list[Any]:
    """Raises unless both answer alike; what they answer."""
    with serving():
        ours = answers(requests)
    with mock_aws():
        theirs = answers(requests)
    for request, mine, other in zip(requests, ours, theirs, strict=True):
        assert mine == other, request
    return ours


@pytest.fixture
def only() -> Iterator[Callable[[list[Request]], list[Any]]]:
    """Answers of ours alone, where the other is known to be more lenient than AWS."""
    with serving():
        yield answers


CONDITIONS: list[tuple[str, dict[str, Any]]] = [
    ("attribute_not_exists(pk)", {}),
    ("attribute_exists(pk)", {}),
    ("v = :v", {"v": 1}),
    ("v = :v", {"v": "1"}),
    ("v <> :v", {"v": 2}),
    ("t = :t", {"t": "a"}),
    ("attribute_exists(pk) AND (attribute_not_exists(t) OR t < :t)", {"t": "b"}),
    ("attribute_exists(pk) AND (attribute_not_exists(t) OR t >= :t)", {"t": "b"}),
    ("attribute_not_exists(pk) OR t = :t", {"t": "a"}),
    ("NOT t = :t", {"t": "a"}),
    ("v BETWEEN :low AND :high", {"low": 1, "high": 9}),
    ("begins_with(t, :t)", {"t": "a"}),
]


@pytest.mark.parametrize(("condition", "values"), CONDITIONS)
def test_conditions_hold_or_not_for_single_writes(condition: str, values: dict[str, Any]) -> None:
    stored = [item("a", "1", v=1, t="a"), item("a", "2", v=10), item("a", "3", t="c"), item("a", "4")]
    requests: list[Request] = [("put_item", put(LEDGER, each)) for each in stored]
    for entry in (*stored, item("a", "5")):
        key = {"TableName": LEDGER, "Key": key_of("a", entry["sk"]["S"])}
        requests += [
            ("put_item", put(LEDGER, entry, condition, **values)),
            ("delete_item", key | conditional(condition, values)),
            ("get_item", key | {"ConsistentRead": True}),
        ]
    hold(requests)


@pytest.mark.parametrize(("condition", "values"), CONDITIONS)
def test_transactions_are_made_whole_or_not_at_all_and_say_why(condition: str, values: dict[str, Any]) -> None:
    stored = [item("a", str(n), v=n, t="abcd"[n]) for n in range(4)]
    requests: list[Request] = [("put_item", put(LEDGER, each)) for each in stored]
    for number in range(5):
        key = key_of("a", str(number))
        check = {"TableName": LEDGER, "Key": key, **conditional(condition, values)}
        requests.append(
            (
                "transact_write_items",
                {
                    "TransactItems": [
                        {"Put": put(HISTORY, item(f"new {number}", "1", t="x"), "attribute_not_exists(pk)")},
                        {"ConditionCheck": check},
                        {"Delete": {"TableName": LEDGER, "Key": key_of("a", str(number + 1))}},
                    ]
                },
            )
        )
        requests += [("get_item", {"TableName": HISTORY, "Key": key_of(f"new {number}", "1")})]
        requests += [("get_item", {"TableName": LEDGER, "Key": key_of("a", str(number + 1))})]
    hold(requests)


UPDATES: list[dict[str, Any]] = [
    {"UpdateExpression": "ADD #0 :0, #1 :1", "ExpressionAttributeNames": {"#0": "one", "#1": "two"}},
    {"UpdateExpression": "SET t = :0"},
    {"UpdateExpression": "SET t = :0 ADD guesses :1"},
    {"UpdateExpression": "SET t = :0, u = :1 REMOVE guesses"},
    {"UpdateExpression": "REMOVE t"},
]


@pytest.mark.parametrize("returned", ["NONE", "ALL_OLD", "ALL_NEW"])
def test_updates_add_set_and_remove(returned: str) -> None:
    requests: list[Request] = []
    for update in UPDATES * 2:
        needed = {name: {"N": "-7"} for name in (":0", ":1") if name in update["UpdateExpression"]}
        values = {"ExpressionAttributeValues": needed} if needed else {}
        for entry in ("1", "2"):
            key = {"TableName": LEDGER, "Key": key_of("a", entry)}
            requests.append(("update_item", key | update | values | {"ReturnValues": returned}))
            requests.append(("get_item", key))
    hold(requests)


def test_an_update_returns_what_it_has_updated() -> None:
    key = {"TableName": LEDGER, "Key": key_of("a", "1")}
    values = {":0": {"N": "3"}, ":1": {"N": "1"}}
    count = {"UpdateExpression": "SET t = :0 ADD guesses :1", "ExpressionAttributeValues": values}
    update = ("update_item", key | count | {"ReturnValues": "UPDATED_NEW"})
    found = hold([("put_item", put(LEDGER, item("a", "1", t=2, guesses=4, v=1))), update])
    assert found[-1]["Attributes"] == {"t": {"N": "3"}, "guesses": {"N": "5"}}


def test_sums_are_exact_to_the_last_digit() -> None:
    key = {"TableName": LEDGER, "Key": key_of("a", "1")}
    add = {"UpdateExpression": "ADD n :n", "ExpressionAttributeValues": {":n": {"N": "9999999999999999999999999999"}}}
    found = hold([("update_item", key | add)] * 3 + [("get_item", key)])
    assert found[-1]["Item"]["n"] == {"N": "29999999999999999999999999997"}


def shelves() -> list[Request]:
    """Items with texts whose order matters, some in the index."""
    texts = ["", "a", "a#", "a#1", "a#10", "a#2", "aa", "b", "~", "é", "\U0001f600"]
    shown = [{"ipk": {"S": "i"}, "isk": {"S": f"k{text}"}, "p": {"S": "x"}} for text in texts]
    return [
        ("put_item", put(LEDGER, item("p", f"k{text}", v=n) | (shown[n] if n % 2 else {})))
        for n, text in enumerate(texts)
    ]


RANGES: list[tuple[str, dict[str, str]]] = [
    ("", {}),
    *[(f" AND {{sk}} {comparison} :a", {"a": "ka#1"}) for comparison in ("=", "<", "<=", ">", ">=")],
    *[(" AND begins_with({sk}, :a)", {"a": prefix}) for prefix in ("k", "ka", "ka#", "ké", "z")],
    (" AND {sk} BETWEEN :a AND :b", {"a": "ka", "b": "kb"}),
]


@pytest.mark.parametrize(("condition", "values"), RANGES)
@pytest.mark.parametrize("forward", [True, False])
def test_queries_find_ranges_in_order(condition: str, values: dict[str, str], forward: bool) -> None:
    typed = {f":{name}": {"S": text} for name, text in values.items()}
    requests = shelves()
    for names in ({"pk": "pk", "sk": "sk", "key": "p"}, {"pk": "ipk", "sk": "isk", "key": "i", "IndexName": "state"}):
        index = {"IndexName": names["IndexName"]} if "IndexName" in names else {"ConsistentRead": True}
        query = {
            "TableName": LEDGER,
            "KeyConditionExpression": f"{names['pk']} = :key" + condition.format(sk=names["sk"]),
            "ExpressionAttributeValues": {":key": {"S": names["key"]}, **typed},
            "ScanIndexForward": forward,
            **index,
        }
        requests += [("query", query), ("query", query | {"ProjectionExpression": f"{names['sk']}, v"})]
    hold(requests)


def test_queries_filter_what_they_have_read() -> None:
    query = {
        "TableName": LEDGER,
        "KeyConditionExpression": "pk = :key",
        "FilterExpression": "v > :v",
        "ExpressionAttributeValues": {":key": {"S": "p"}, ":v": {"N": "4"}},
    }
    hold([*shelves(), ("query", query), ("query", query | {"Select": "COUNT"})])


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("index", [False, True])
def test_pages_go_on_where_the_one_before_ended(index: bool, forward: bool) -> None:
    """Pages that end before the last item: at the very end, the other does not say that there might be more."""
    names = ("ipk", "isk", "i") if index else ("pk", "sk", "p")
    query: dict[str, Any] = {
        "TableName": LEDGER,
        "KeyConditionExpression": f"{names[0]} = :key",
        "ExpressionAttributeValues": {":key": {"S": names[2]}},
        "ScanIndexForward": forward,
        "Limit": 2,
    } | ({"IndexName": "state"} if index else {})
    [first] = hold([*shelves(), ("query", query)])[-1:]
    second = query | {"ExclusiveStartKey": first["LastEvaluatedKey"]}
    third = second | {"Limit": 100}
    [*_, middle, last] = hold([*shelves(), ("query", second), ("query", third)])
    shown = [entry[names[1]]["S"] for page in (first, last) for entry in page["Items"]]
    assert shown == sorted(shown, reverse=not forward)
    assert len(shown) == (5 if index else 11)
    assert middle["Items"] == last["Items"][:2]


def test_a_page_ends_at_a_megabyte(only: Callable[[list[Request]], list[Any]]) -> None:
    many: list[Request] = [("put_item", put(LEDGER, item("p", f"{n:02}", p="x" * 100_000))) for n in range(25)]
    query = {
        "TableName": LEDGER,
        "KeyConditionExpression": "pk = :key",
        "ExpressionAttributeValues": {":key": {"S": "p"}},
    }
    page = only([*many, ("query", query)])[-1]
    assert page["Count"] == PAGE_BYTES // 100_000 + 1
    assert page["LastEvaluatedKey"] == key_of("p", f"{page['Count'] - 1:02}")


def test_a_page_that_is_full_with_the_last_item_says_that_there_may_be_more(
    only: Callable[[list[Request]], list[Any]],
) -> None:
    query = {
        "TableName": LEDGER,
        "KeyConditionExpression": "pk = :key",
        "ExpressionAttributeValues": {":key": {"S": "p"}},
        "Limit": 11,
    }
    full = only([*shelves(), ("query", query)])[-1]
    assert (full["Count"], "LastEvaluatedKey" in full) == (11, True)


def test_an_index_shows_its_projection_and_follows_every_change() -> None:
    query = {
        "TableName": LEDGER,
        "IndexName": "state",
        "KeyConditionExpression": "ipk = :key",
        "ExpressionAttributeValues": {":key": {"S": "i"}},
    }
    shown = item("a", "1", ipk="i", isk="1", p="x", v=1)
    changes = [
        put(LEDGER, shown),
        put(LEDGER, shown | {"v": {"N": "2"}}),
        put(LEDGER, shown | {"isk": {"S": "2"}}),
        put(LEDGER, shown | {"ipk": {"S": "j"}}),
        put(LEDGER, key_of("a", "1")),
        put(LEDGER, shown),
    ]
    requests: list[Request] = [step for change in changes for step in (("put_item", change), ("query", query))]
    hold([*requests, ("delete_item", {"TableName": LEDGER, "Key": key_of("a", "1")}), ("query", query)])


def test_batches_read_and_write_what_they_name() -> None:
    writes = [{"PutRequest": {"Item": item("a", str(n), v=n)}} for n in range(20)]
    deletes = [{"DeleteRequest": {"Key": key_of("a", str(n))}} for n in range(0, 24, 2)]
    keys = {"Keys": [key_of("a", str(n)) for n in range(24)], "ConsistentRead": True}
    hold(
        [
            ("batch_write_item", {"RequestItems": {LEDGER: writes}}),
            ("batch_write_item", {"RequestItems": {LEDGER: deletes, HISTORY: writes[:5]}}),
            ("batch_get_item", {"RequestItems": {LEDGER: keys, HISTORY: keys}}),
            ("batch_get_item", {"RequestItems": {LEDGER: keys | {"ProjectionExpression": "sk, v"}}}),
        ]
    )


def test_a_batch_has_no_more_than_it_may() -> None:
    keys = [key_of("a", str(n)) for n in range(101)]
    writes = [{"PutRequest": {"Item": key}} for key in keys]
    hold(
        [
            ("batch_get_item", {"RequestItems": {LEDGER: {"Keys": keys}}}),
            ("batch_get_item", {"RequestItems": {LEDGER: {"Keys": keys[:1] * 2}}}),
            ("transact_write_items", {"TransactItems": [{"Put": put(LEDGER, key)} for key in keys]}),
            ("transact_write_items", {"TransactItems": [{"Put": put(LEDGER, keys[0])}] * 2}),
            ("batch_write_item", {"RequestItems": {LEDGER: writes[:25]}}),
        ]
    )


def test_a_table_that_is_not_there_is_refused() -> None:
    hold(
        [
            ("get_item", {"TableName": "nowhere", "Key": key_of("a", "1")}),
            ("put_item", put("nowhere", key_of("a", "1"))),
        ]
    )


@pytest.mark.parametrize("seed", range(4))
def test_any_mix_of_requests_is_answered_alike(seed: int) -> None:
    random = Random(seed)
    hold([_any(random) for _ in range(120)])


def _any(random: Random) -> Request:
    key = key_of(random.choice("ab"), random.choice("123"))
    entry = key | {"v": {"N": str(random.randrange(3))}}
    if random.random() < 0.5:
        entry |= {"ipk": {"S": random.choice("ij")}, "isk": {"S": random.choice("123")}, "p": {"S": "x"}}
    condition, values = random.choice([(None, {}), *CONDITIONS])
    given = conditional(condition, values)
    add = {"UpdateExpression": "ADD n :n"} | given
    add["ExpressionAttributeValues"] = {":n": {"N": "5"}, **given.get("ExpressionAttributeValues", {})}
    writes: list[dict[str, Any]] = [
        {"Put": put(LEDGER, entry, condition, **values)},
        {"Delete": {"TableName": LEDGER, "Key": key, **given}},
        {"Update": {"TableName": LEDGER, "Key": key, **add}},
    ]
    index = {"IndexName": "state", "KeyConditionExpression": "ipk = :key"}
    asked: list[Request] = [
        ("put_item", writes[0]["Put"]),
        ("delete_item", writes[1]["Delete"]),
        ("update_item", writes[2]["Update"] | {"ReturnValues": "ALL_NEW"}),
        ("get_item", {"TableName": LEDGER, "Key": key}),
        ("query", {"TableName": LEDGER, "ExpressionAttributeValues": {":key": {"S": "i"}}, **index}),
        (
            "transact_write_items",
            {"TransactItems": [random.choice(writes), {"Put": put(HISTORY, item("h", str(random.random())))}]},
        ),
    ]
    return random.choice(asked)
