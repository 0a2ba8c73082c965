"""How long a user's token counts."""

from datetime import timedelta

import pytest

from support.access import NOON, World, refused


@pytest.mark.parametrize(("options", "days"), [({}, 365), ({"token_days": 7}, 7)])
def test_a_token_expires_and_the_password_does_not(world: World, options: dict[str, int], days: int) -> None:
    id_ = world.organisation()
    token = world.user(id_, **options)
    assert world.users.all(id_)[0].token_expires_at == NOON + timedelta(days=days)
    world.now = NOON + timedelta(days=days, seconds=-1)
    assert world.process().authenticate_token(token)
    world.now = NOON + timedelta(days=days)
    expired = refused(lambda: world.process().authenticate_token(token), "invalid_token")
    unknown = refused(lambda: world.process().authenticate_token("ut_0"), "invalid_token")
    assert (expired.detail, expired.retry_after) == (unknown.detail, unknown.retry_after)
    assert world.log_in(id_)
    assert world.process().authenticate_token(world.user(id_))


def test_a_token_that_expires_while_it_is_cached_stops_at_once(world: World) -> None:
    token, process = world.user(world.organisation()), world.process()
    assert process.authenticate_token(token)
    world.now = NOON + timedelta(days=366)
    refused(lambda: process.authenticate_token(token), "invalid_token")


def test_a_token_from_before_tokens_expired_keeps_counting(world: World) -> None:
    id_ = world.organisation()
    token = world.user(id_)
    [item] = [one for one in world.items() if "token" in one]
    world.client.update_item(
        TableName="AccessTable", Key={"pk": item["pk"], "sk": item["sk"]}, UpdateExpression="REMOVE token_expires_at"
    )
    world.now = NOON + timedelta(days=3_000)
    assert world.process().authenticate_token(token)
    assert world.users.all(id_)[0].token_expires_at is None
