"""Organisations: created, listed and changed, with every version of their policies."""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from arrears.ledger.days import day_of
from arrears.ledger.ids import folded_name, is_uuid
from arrears.ledger.known_at import moment_of
from arrears.ledger.money import EXPONENTS
from arrears.ledger.organisation import Organisation
from arrears.ledger.origin import Origin
from arrears.ledger.policy import Policy
from arrears.storage.access.audit import Audit
from arrears.storage.access.items import (
    ORGANISATIONS,
    POLICIES,
    Item,
    ItemKey,
    changing_settings,
    key_attributes,
    organisation_item,
    organisation_key,
    partition_of,
    policy_item,
    policy_key,
    put,
    read_policy,
    typed,
)
from arrears.storage.access.names import check_name
from arrears.storage.access.table import AccessTable
from arrears.storage.ledger.change_entries import Entry
from arrears.storage.ledger.change_log import entry_actions

FEATURES = frozenset({"analytics"})


class Organisations:
    """The organisations of one access table. clock: aware moments. ledger_table: its change log has their settings."""

    def __init__(self, table: AccessTable, audit: Audit, clock: Callable[[], datetime], ledger_table: str) -> None:
        self._ledger_table = ledger_table
        self._table = table
        self._audit = audit
        self._clock = clock

    def create(self, name: str, timezone: str, currency: str, id: str | None = None) -> Organisation:
        """A new organisation. id: a UUID of its own, made here if None. Raises ValueError for what cannot be used."""
        if id is not None and not is_uuid(id):
            raise ValueError("the id is not a UUID")
        if currency not in EXPONENTS:
            raise ValueError(f"{currency} is not a currency of ISO 4217, such as EUR")
        check_name(name, "the name")
        organisation = Organisation(
            id=str(uuid4()) if id is None else id.lower(),
            name=name,
            currency=currency,
            timezone=timezone,
            created_on=day_of(self._clock(), _known_timezone(timezone)),
            cursor_secret=secrets.token_hex(32),
            known_from=moment_of(self._clock()),
        )
        policy = organisation.policy
        self._audit.write(
            organisation.id,
            "create_organisation",
            organisation.id,
            {"name": name, "timezone": timezone, "currency": currency},
            put(organisation_key(organisation.id), organisation_item(organisation), new=True),
            put(ItemKey(ORGANISATIONS, organisation.id), {"name": name}),
            put(policy_key(organisation.id, policy.version), policy_item(policy)),
            unmet=f"there is an organisation {organisation.id} already",
        )
        return organisation

    def get(self, id: str) -> Organisation:
        """The organisation as it is now. Raises ValueError if there is none."""
        return self._table.organisation(id)

    def all(self) -> Iterator[Organisation]:
        """All of them, by id."""
        for item in self._table.query(ORGANISATIONS):
            yield self.get(item["sk"])

    def ids_of(self, name: str) -> list[str]:
        """The ids of the organisations of that name, case and spacing folded: names need not be unique."""
        wanted = folded_name(name)
        return [item["sk"] for item in self._table.query(ORGANISATIONS) if folded_name(item["name"]) == wanted]

    def set_policy(self, id: str, changes: Mapping[str, Any]) -> Policy:
        """The next version of the policy, with changes by field name. Raises ValueError for what cannot be used."""
        policy = self.get(id).policy.validated(changes)
        self._change(id, "set_policy", policy_item(policy), policy=policy)
        return policy

    def policies(self, id: str) -> list[Policy]:
        """Every version, oldest first."""
        return [read_policy(item) for item in self._table.query(partition_of(id.lower()), POLICIES)]

    def set_features(self, id: str, features: Sequence[str]) -> None:
        """Switches exactly these features on. Raises ValueError for one that is not known."""
        if not FEATURES.issuperset(features):
            raise ValueError(f"the features are {', '.join(sorted(FEATURES))}")
        self._change(id, "set_features", {"features": sorted(set(features))})

    def set_paged(self, id: str) -> None:
        """Says that all its open accounts are stored so that a page of them can be read alone."""
        if not self.get(id).paged:
            self._change(id, "set_paged", {"paged": True})

    def set_known_from(self, id: str) -> None:
        """Says that every change from now on is kept, if that was not said before."""
        if self.get(id).known_from is None:
            self._change(id, "set_known_from", {"known_from": moment_of(self._clock())})

    def move_known_from(self, id: str, moment: int) -> None:
        """Says that nothing before a moment can be asked for any more. It never moves back, and is not in the audit."""
        update = {
            "Key": key_attributes(organisation_key(id)),
            "UpdateExpression": "SET known_from = :moment",
            "ConditionExpression": "known_from < :moment",
            "ExpressionAttributeValues": {":moment": typed(moment)},
        }
        with suppress(ValueError):
            self._table.transact([{"Update": update}], "it is there already, or the organisation is gone")

    def set_payments_over_api(self, id: str, allowed: bool) -> None:
        """Whether the organisation's customers may pay through the API."""
        self._change(id, "set_payments_over_api", {"payments_over_api": allowed})

    def _change(self, id: str, act: str, values: Item, policy: Policy | None = None) -> None:
        organisation = self.get(id)
        versions = (
            [] if policy is None else [put(policy_key(organisation.id, policy.version), policy_item(policy), new=True)]
        )
        names = {f"#{number}": name for number, name in enumerate(values)}
        update = {
            "Key": key_attributes(organisation_key(organisation.id)),
            "UpdateExpression": "SET " + ", ".join(f"{short} = :{short[1:]}" for short in names),
            "ConditionExpression": "attribute_exists(pk)",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": {f":{short[1:]}": typed(values[name]) for short, name in names.items()},
        }
        content = values if policy is None else {"version": policy.version, **values}
        actions = [{"Update": update}, *versions, *self._logged(organisation, values, policy)]
        self._audit.write(organisation.id, act, organisation.id, content, *actions)

    def _logged(self, organisation: Organisation, values: Item, policy: Policy | None) -> list[Item]:
        """What keeps the settings as they were, and as they are from now on."""
        before = changing_settings(organisation)
        after = {name: values.get(name, value) for name, value in before.items()}
        after["policy"] = (policy or organisation.policy).to_json()
        origin = Origin("operator", self._audit.actor())
        entry = Entry(moment_of(self._clock()), origin, {}, settings=before, settings_after=after)
        return entry_actions(self._ledger_table, organisation.id, entry)


def _known_timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise ValueError(f"{name} is not an IANA time zone, such as Europe/Berlin") from None
    return name
