"""An access table that was written before there was a counters table stays readable."""

import hashlib
import json
from datetime import UTC, date, datetime

from arrears.ledger.policy import Policy
from support.access import CUSTOMER, World, refused

ORGANISATION = "5b0a1f6e-6d0f-4c43-9a57-6f3f3b6f9d01"
PARTITION = {"S": f"O#{ORGANISATION}"}
KEY = f"ar_{ORGANISATION.replace('-', '')}_0123456789ab_{'1f' * 24}"
INTEGRATOR, USERNAME, PASSWORD = "chosen", "ann", "pw"
USER_ID = hashlib.sha256(json.dumps([INTEGRATOR, USERNAME]).encode()).hexdigest()[:32]
TOKEN = f"ut_{ORGANISATION.replace('-', '')}_{USER_ID}_{'2e' * 24}"
CREATED = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)


def digest(text: str) -> dict[str, str]:
    return {"S": hashlib.sha256(text.encode()).hexdigest()}


def scrypt(password: str) -> dict[str, str]:
    salt = bytes(range(16))
    hashed = hashlib.scrypt(password.encode(), salt=salt, n=16, r=8, p=1)
    return {"S": f"scrypt$16$8$1${salt.hex()}${hashed.hex()}"}


ITEMS = [
    {
        "pk": PARTITION,
        "sk": {"S": "ORGANISATION"},
        "name": {"S": "Acme"},
        "currency": {"S": "EUR"},
        "timezone": {"S": "Europe/Berlin"},
        "created_on": {"S": "2020-01-02"},
        "cursor_secret": {"S": "ab" * 32},
        "features": {"L": [{"S": "analytics"}]},
        "shards": {"N": "4"},
        "payments_over_api": {"BOOL": True},
        "policy": {"S": json.dumps(Policy().to_json())},
    },
    {"pk": {"S": "ORGANISATIONS"}, "sk": {"S": ORGANISATION}, "name": {"S": "Acme"}},
    {"pk": PARTITION, "sk": {"S": "POLICY#000001"}, "policy": {"S": json.dumps(Policy().to_json())}},
    {
        "pk": PARTITION,
        "sk": {"S": "KEY#0123456789ab"},
        "scopes": {"L": [{"S": "receivables:read"}]},
        "label": {"S": "billing"},
        "digest": digest(KEY),
        "created_at": {"S": CREATED.isoformat()},
        "last_used_on": {"S": "2020-06-29"},
    },
    {
        "pk": PARTITION,
        "sk": {"S": f"USER#{USER_ID}"},
        "username": {"S": USERNAME},
        "accounts": {"M": {CUSTOMER: {"BOOL": True}}},
        "password": scrypt(PASSWORD),
        "token": digest(TOKEN),
        "created_at": {"S": CREATED.isoformat()},
    },
    {"pk": {"S": f"I#{digest(INTEGRATOR)['S']}"}, "sk": {"S": "INTEGRATOR"}, "organisation": {"S": ORGANISATION}},
    {
        "pk": PARTITION,
        "sk": {"S": f"GUESSES#{USER_ID}#5311"},
        "guesses": {"N": "10"},
        "expires_at_epoch": {"N": "1593518700"},
    },
    {
        "pk": PARTITION,
        "sk": {"S": "AUDIT#2020-01-02T03:04:05.000000+00:00#00ff00ff"},
        "at": {"S": "2020-01-02T03:04:05.000000+00:00"},
        "actor": {"S": "command line"},
        "act": {"S": "create_organisation"},
        "subject": {"S": ORGANISATION},
        "content": {"S": '{"name": "Acme"}'},
    },
]


def stored(world: World) -> None:
    for item in ITEMS:
        world.client.put_item(TableName="AccessTable", Item=item)


def test_what_was_stored_before_counts_as_it_did(world: World) -> None:
    stored(world)
    [organisation] = world.organisations.all()
    assert (organisation.id, organisation.shards, organisation.policy) == (ORGANISATION, 4, Policy())
    assert world.organisations.policies(ORGANISATION) == [Policy()]
    caller = world.store.authenticate(KEY)
    assert (caller.organisation, caller.key_id, caller.scopes) == (organisation, "0123456789ab", {"receivables:read"})
    user = world.store.authenticate_token(TOKEN)
    assert (user.organisation, user.accounts) == (organisation, {CUSTOMER: True})
    # A password shorter and an integrator key simpler than those that are taken today.
    assert world.store.authenticate_user(INTEGRATOR, USERNAME, PASSWORD) == user
    refused(lambda: world.process().authenticate_user(INTEGRATOR, USERNAME, "PW"), "unknown_user")
    [act] = world.audit.acts(ORGANISATION)
    assert (act.actor, act.at) == ("command line", CREATED)


def test_what_was_stored_before_can_be_administered(world: World) -> None:
    stored(world)
    [key] = world.api_keys.all(ORGANISATION)
    assert (key.label, key.created_at, key.last_used_on) == ("billing", CREATED, date(2020, 6, 29).toordinal())
    world.store.authenticate(KEY)
    world.run()
    assert world.api_keys.all(ORGANISATION)[0].last_used_on == date(2020, 6, 30).toordinal()
    second = CUSTOMER.replace("1", "a")
    token = world.users.create(ORGANISATION, second, USERNAME, "correct horse battery", INTEGRATOR)
    assert world.process().authenticate_token(token).accounts == {CUSTOMER: True, second: False}
    world.users.revoke_account(ORGANISATION, USER_ID, CUSTOMER)
    world.api_keys.revoke(ORGANISATION, "0123456789ab")
    refused(lambda: world.process().authenticate(KEY), "unauthorised")
    [user] = world.users.all(ORGANISATION)
    assert (user.accounts, user.created_at) == ({second: False}, CREATED)
