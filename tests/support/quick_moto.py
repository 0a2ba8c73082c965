"""moto copies a whole table for each action of a transaction, to take it back should one fail. One copy does."""

import copy
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from moto.dynamodb import models
from moto.dynamodb.models.table import Table


def quicken(patch: pytest.MonkeyPatch) -> None:
    """Lets moto copy each table once in a transaction."""
    whole = models.DynamoDBBackend.transact_write_items
    within = threading.local()

    def transact_write_items(self: Any, transact_items: Any) -> None:
        within.copies = {}
        try:
            whole(self, transact_items)
        finally:
            within.copies = None

    def deepcopy(value: Any) -> Any:
        copies = getattr(within, "copies", None)
        if copies is None or not isinstance(value, Table):
            return copy.deepcopy(value)
        if id(value) not in copies:
            copies[id(value)] = copy.deepcopy(value)
        return copies[id(value)]

    patch.setattr(models, "copy", SimpleNamespace(deepcopy=deepcopy))
    patch.setattr(models.DynamoDBBackend, "transact_write_items", transact_write_items)
