"""What the index projects of documents and accounts: one packed JSON array each, and how pages of them are read.

Reading costs what decoding costs, so a page is decoded twice by the C parser (the response, then all its packed
arrays at once) and never walked by botocore's own parser, which takes three times as long as all the rest.
"""

import json
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

import orjson

from arrears.ledger.days import NEVER
from arrears.ledger.document_facts import Account, Facts, Promise, Reminder

if TYPE_CHECKING:
    from botocore.model import OperationModel
    from mypy_boto3_dynamodb.client import DynamoDBClient

_DEFAULTS = tuple(Facts._field_defaults.values())


def compact(value: Any) -> str:
    """JSON in its shortest form."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def pack_document(document: Facts) -> str:
    """A document's facts without its id, which the index key has, and trailing defaults; Facts(id, *packed) unpacks."""
    packed = list(document[1:])
    defaults = list(_DEFAULTS)
    while defaults and packed[-1] in (defaults[-1], []):
        packed.pop()
        defaults.pop()
    return compact(packed)


def pack_account(account: Account, letter: str) -> str:
    """An account without its id."""
    packed = [letter, account.reference, account.name, account.reminders, account.promises, account.history]
    more = [] if account.merged_after == NEVER else [account.merged_after]
    return compact([*packed, account.trimmed, *more])


def unpack_account(id: str, packed: list[Any]) -> Account:
    """The account that was packed."""
    letter, reference, name, reminders, promises, history, *more = packed
    return Account(
        id,
        None if letter == "n" else id,
        reference,
        name,
        [Reminder(*reminder) for reminder in reminders],
        [Promise(*promise) for promise in promises],
        history,
        *more,
    )


_KEPT = {"Query": "Items", "BatchGetItem": "Responses"}
"""Where the answers of an operation have their items."""


def read_fast(client: "DynamoDBClient") -> None:
    """Lets the client's answers keep their items as the wire has them, which for text is what botocore gives."""
    for operation in _KEPT:
        event = f"before-parse.dynamodb.{operation}"
        client.meta.events.register(event, _keep_items, unique_id=f"arrears.keep-items.{operation}")


def _keep_items(
    operation_model: "OperationModel", response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
) -> None:
    if response_dict["status_code"] != 200:
        return
    kept = _KEPT[operation_model.name]
    body = orjson.loads(response_dict["body"])
    if kept in body:
        customized_response_dict[kept] = body.pop(kept)
    response_dict["body"] = orjson.dumps(body)


def write_fast(client: "DynamoDBClient") -> None:
    """Lets the client's transactions go out as they are handed in: they are made in the form of the wire already."""
    operation = "dynamodb.TransactWriteItems"
    events = client.meta.events
    events.register_last(f"before-parameter-build.{operation}", _set_apart, unique_id="arrears.set-apart")
    events.register(f"before-call.{operation}", _put_back, unique_id="arrears.put-back")


def _set_apart(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context["arrears.actions"] = params["TransactItems"]
    params["TransactItems"] = [{}]


def _put_back(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    body = orjson.loads(params["body"])
    body["TransactItems"] = context["arrears.actions"]
    params["body"] = orjson.dumps(body)


def query(client: "DynamoDBClient", **request: Any) -> Iterator[list[dict[str, Any]]]:
    """The pages of a query."""
    while True:
        answer = client.query(**request)
        yield answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def places(pages: Iterator[list[dict[str, Any]]]) -> Iterator[tuple[str, list[Any]]]:
    """Index place and unpacked array of each item, in order."""
    return chain.from_iterable(map(_unpacked, pages))


def _unpacked(items: list[dict[str, Any]]) -> Iterator[tuple[str, list[Any]]]:
    packed = json.loads("[" + ",".join([item["p"]["S"] for item in items]) + "]")
    return zip([item["isk"]["S"] for item in items], packed, strict=True)
