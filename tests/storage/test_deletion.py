"""Deleting items by keys: what the table leaves undone is asked for again."""

import time
from typing import Any

import pytest

from arrears.storage.deletion import delete_items
from arrears.storage.import_folder import ImportFolders, NotDeleted
from arrears.storage.ledger.deletion import _transactions


class Busy:
    """A table that does every request in part only: the first item of it."""

    def __init__(self) -> None:
        self.deleted: list[str] = []

    def batch_write_item(self, RequestItems: dict[str, list[Any]]) -> Any:  # noqa: N803
        [(table, requests)] = RequestItems.items()
        keys = [request["DeleteRequest"]["Key"]["sk"]["S"] for request in requests]
        assert len(keys) == len(set(keys)) <= 25
        self.deleted.append(keys[0])
        return {"UnprocessedItems": {table: requests[1:]} if requests[1:] else {}}


def test_what_a_busy_table_leaves_undone_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    table: Any = Busy()
    keys = [("p", str(number)) for number in range(40)]
    assert delete_items(table, "t", [*keys[:20], *keys]) == 60 - 5
    assert set(table.deleted) == {sk for _, sk in keys}
    assert delete_items(table, "t", []) == 0


def test_a_transaction_deletes_no_more_than_it_may() -> None:
    items: Any = {("p", str(number)): {"b": {"S": "x" * 390_000}} for number in range(20)}
    small: Any = {("s", str(number)): {"b": {"S": "x"}, "v": {"N": "1"}} for number in range(150)}
    parts = list(_transactions({**items, **small}))
    assert [entry for part in parts for entry in part] == [*items.items(), *small.items()]
    for part in parts:
        assert len(part) <= 100
        assert sum(len(item["b"]["S"]) for _, item in part) <= 3_500_000


class Stubborn:
    """A bucket that keeps its one file."""

    def get_paginator(self, _: str) -> "Stubborn":
        return self

    def paginate(self, **request: str) -> list[dict[str, Any]]:
        if "Delimiter" in request:
            return [{"CommonPrefixes": [{"Prefix": "imports/id/"}]}]
        return [{"Versions": [{"Key": "imports/id/a", "VersionId": "1"}]}]

    def delete_objects(self, **_: Any) -> Any:
        return {"Errors": [{"Key": "imports/id/a"}]}


def test_a_file_that_the_bucket_keeps_is_not_passed_over() -> None:
    bucket: Any = Stubborn()
    with pytest.raises(NotDeleted, match="kept 1 of"):
        ImportFolders("bucket", bucket).delete("id")
    assert ImportFolders("bucket", bucket).delete("other") == 0
