"""How long a user's token counts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from arrears.ledger.errors import INVALID_TOKEN, ArrearsError
from arrears.storage.access import passwords
from arrears.storage.access.audit import Audit
from arrears.storage.access.authentication import Authentication
from arrears.storage.access.organisations import Organisations
from arrears.storage.access.table import AccessTable
from arrears.storage.access.users import Users

NOON = datetime(2020, 6, 30, 12, tzinfo=UTC)
CUSTOMER = "11111111-2222-3333-4444-555555555555"


class World:
    """An organisation, and the time in it."""

    def __init__(self, client: Any) -> None:
        self.client, self.now = client, NOON
        table = AccessTable(client, "AccessTable")
        audit = Audit(table, lambda: self.now)
        self.id = Organisations(table, audit, lambda: self.now).create("A", "UTC", "USD").id
        self.users = Users(table, audit, lambda: self.now)

    def create(self, **options: Any) -> str:
        return self.users.create(self.id, CUSTOMER, "ann", "pass word", "IK", **options)

    def ask(self) -> Authentication:
        """A process that has cached nothing."""
        return Authentication(self.client, "AccessTable", lambda: self.now)


@pytest.fixture
def world(ledger_tables: Any, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(passwords, "_MEMORY_COST", 2**4)
    return World(ledger_tables)


@pytest.mark.parametrize(("options", "days"), [({}, 365), ({"token_days": 7}, 7)])
def test_a_token_expires_and_the_password_does_not(world: World, options: dict[str, int], days: int) -> None:
    token = world.create(**options)
    assert world.users.all(world.id)[0].token_expires_at == NOON + timedelta(days=days)
    world.now = NOON + timedelta(days=days, seconds=-1)
    assert world.ask().authenticate_token(token)
    world.now = NOON + timedelta(days=days)
    with pytest.raises(ArrearsError) as expired:
        world.ask().authenticate_token(token)
    with pytest.raises(ArrearsError) as unknown:
        world.ask().authenticate_token("ut_0")
    assert expired.value.kind is INVALID_TOKEN
    assert (expired.value.detail, expired.value.headers) == (unknown.value.detail, unknown.value.headers)
    assert world.ask().authenticate_user("IK", "ann", "pass word")
    assert world.ask().authenticate_token(world.create())


def test_a_token_that_expires_while_it_is_cached_stops_at_once(world: World) -> None:
    token, process = world.create(), world.ask()
    assert process.authenticate_token(token)
    world.now = NOON + timedelta(days=366)
    with pytest.raises(ArrearsError):
        process.authenticate_token(token)


def test_a_token_from_before_tokens_expired_keeps_counting(world: World) -> None:
    token = world.create()
    [item] = [one for one in world.client.scan(TableName="AccessTable")["Items"] if "token" in one]
    world.client.update_item(
        TableName="AccessTable", Key={"pk": item["pk"], "sk": item["sk"]}, UpdateExpression="REMOVE token_expires_at"
    )
    world.now = NOON + timedelta(days=3_000)
    assert world.ask().authenticate_token(token)
    assert world.users.all(world.id)[0].token_expires_at is None
