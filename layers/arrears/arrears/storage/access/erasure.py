"""Erasing the users of one customer's account from the access table."""

import json
from typing import Any

from arrears.ledger.erasure import ERASED
from arrears.storage.access.items import AUDIT, USERS, Item, ItemKey, key_attributes, partition_of, typed
from arrears.storage.access.table import AccessTable


def erase_users(table: AccessTable, organisation_id: str, account: str) -> int:
    """Takes a customer's account away from its users and deletes those who have no other; how many users it changed.

    A user counts no more within the minute that it is cached for. Older audit entries named users: these say `erased`.
    Raises ValueError when a user is changed at the same moment.
    """
    partition = partition_of(organisation_id)
    users = [user for user in table.query(partition, USERS) if account in user["accounts"]]
    for user in users:
        table.transact([_without(user, account)], "somebody else changed a user at the same moment; try again")
    for entry in table.query(partition, AUDIT):
        content = json.loads(entry["content"])
        if content.get("account") == account and content.get("username", ERASED) != ERASED:
            table.transact([_rewritten(entry, {**content, "username": ERASED})], "the audit was changed; try again")
    return len(users)


def _without(user: Item, account: str) -> Item:
    """Deletes the user, or only its account where it has others; nobody may have changed it meanwhile."""
    action: dict[str, Any] = {
        **_key(user),
        "ConditionExpression": "accounts = :accounts",
        "ExpressionAttributeValues": {":accounts": typed(user["accounts"])},
    }
    others = {other: admin for other, admin in user["accounts"].items() if other != account}
    if not others:
        return {"Delete": action}
    action["UpdateExpression"] = "SET accounts = :others"
    action["ExpressionAttributeValues"][":others"] = typed(others)
    return {"Update": action}


def _rewritten(entry: Item, content: dict[str, Any]) -> Item:
    return {
        "Update": {
            **_key(entry),
            "UpdateExpression": "SET content = :content",
            "ConditionExpression": "attribute_exists(pk)",
            "ExpressionAttributeValues": {":content": typed(json.dumps(content))},
        }
    }


def _key(item: Item) -> Item:
    return {"Key": key_attributes(ItemKey(item["pk"], item["sk"]))}
