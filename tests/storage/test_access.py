"""Organisations, keys, users, policies and the audit, on tables made from the template."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from arrears.ledger.caller import Scope
from arrears.ledger.policy import Policy
from arrears.storage.access import api_keys, authentication, passwords, users
from support.access import CUSTOMER, NOON, PASSWORD, World, refused

# --- Organisations --------------------------------------------------------------------------------------------------


def test_an_organisation_comes_back_as_it_was_made(world: World) -> None:
    made = world.organisations.create("Acme GmbH", "Europe/Berlin", "EUR")
    assert world.organisations.get(made.id) == made
    assert (made.name, made.timezone, made.currency) == ("Acme GmbH", "Europe/Berlin", "EUR")
    assert date.fromordinal(made.created_on) == date(2020, 6, 30)
    assert (made.features, made.shards, made.payments_over_api, made.policy) == ({"analytics"}, 1, True, Policy())
    assert len(bytes.fromhex(made.cursor_secret)) == 32


def test_the_created_day_is_the_organisations(world: World) -> None:
    made = world.organisations.create("Kiritimati", "Pacific/Kiritimati", "AUD")
    assert date.fromordinal(made.created_on) == date(2020, 7, 1)


def test_an_organisation_has_the_id_that_it_is_created_with(world: World) -> None:
    made = world.organisations.create("Acme", "UTC", "USD", CUSTOMER.upper())
    assert made.id == CUSTOMER
    assert world.organisations.get(CUSTOMER.upper()) == made
    with pytest.raises(ValueError, match="already"):
        world.organisations.create("Again", "UTC", "EUR", CUSTOMER)
    assert world.organisations.get(CUSTOMER).name == "Acme"


def test_all_organisations_are_listed(world: World) -> None:
    made = [world.organisations.create(name, "UTC", "USD") for name in ("A", "B", "C")]
    found = list(world.organisations.all())
    assert sorted(found, key=lambda each: each.name) == made


@pytest.mark.parametrize(
    ("changes", "about"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"timezone": "Berlin"}, "time zone"),
        ({"timezone": "../etc/passwd"}, "time zone"),
        ({"timezone": ""}, "time zone"),
        ({"currency": "eur"}, "currency"),
        ({"currency": "XXX"}, "currency"),
        ({"id": "42"}, "UUID"),
    ],
)
def test_an_organisation_that_cannot_be_is_refused(world: World, changes: dict[str, str], about: str) -> None:
    with pytest.raises(ValueError, match=about):
        world.organisations.create(**{"name": "A", "timezone": "UTC", "currency": "USD", **changes})
    assert world.items() == []


def test_an_unknown_organisation_is_refused(world: World) -> None:
    for ask in (
        lambda: world.organisations.get(CUSTOMER),
        lambda: world.organisations.set_policy(CUSTOMER, {}),
        lambda: world.api_keys.create(CUSTOMER),
        lambda: world.organisations.set_features(CUSTOMER, []),
    ):
        with pytest.raises(ValueError, match="no organisation"):
            ask()
    assert world.items() == []


def test_an_organisation_changes_in_what_may_change(world: World) -> None:
    id_ = world.organisations.create("A", "UTC", "USD").id
    world.organisations.set_features(id_, [])
    world.organisations.set_payments_over_api(id_, False)
    changed = world.organisations.get(id_)
    assert (changed.features, changed.payments_over_api) == (frozenset(), False)
    with pytest.raises(ValueError, match="features are analytics"):
        world.organisations.set_features(id_, ["everything"])


def test_every_version_of_a_policy_stays(world: World) -> None:
    id_ = world.organisations.create("A", "UTC", "USD").id
    second = world.organisations.set_policy(id_, {"firm_from_days": 20, "minimums": {"USD": 2500}})
    third = world.organisations.set_policy(id_, {"default_terms_days": 30})
    assert world.organisations.policies(id_) == [Policy(), second, third]
    assert world.organisations.get(id_).policy == third
    assert (third.version, third.firm_from_days, third.minimums) == (3, 20, {"USD": 2500})
    with pytest.raises(ValueError, match="ascend"):
        world.organisations.set_policy(id_, {"firm_from_days": 40})
    assert len(world.organisations.policies(id_)) == 3


# --- Keys -----------------------------------------------------------------------------------------------------------


def test_a_key_names_its_organisation_and_is_stored_as_a_hash(world: World) -> None:
    organisation = world.organisations.create("A", "UTC", "USD")
    key = world.api_keys.create(organisation.id)
    assert re.fullmatch(rf"ar_{organisation.id.replace('-', '')}_[0-9a-f]{{12}}_[0-9a-f]{{48}}", key)
    assert key.split("_")[3] not in str(world.items())
    caller = world.store.authenticate(key)
    assert (caller.organisation, caller.key_id, caller.scopes) == (organisation, key.split("_")[2], set(Scope))


def test_a_key_allows_its_scopes_only(world: World) -> None:
    id_ = world.organisations.create("A", "UTC", "USD").id
    caller = world.store.authenticate(world.api_keys.create(id_, ["payables:read"]))
    caller.require(Scope.READ_PAYABLES)
    refused(lambda: caller.require(Scope.WRITE_LEDGER), "forbidden")
    with pytest.raises(ValueError, match="admin is no scope"):
        world.api_keys.create(id_, ["admin"])


def test_keys_that_do_not_count_are_refused_alike(world: World) -> None:
    id_ = world.organisations.create("A", "UTC", "USD").id
    other = world.organisations.create("B", "UTC", "USD").id
    key = world.api_keys.create(id_)
    forged = [
        key.replace(id_.replace("-", ""), other.replace("-", "")),
        key.replace(key.split("_")[2], "0" * 12),
        key[:-1] + ("1" if key[-1] == "0" else "0"),
        key + "0",
        key.upper(),
        "",
        "é",
        "ar_" + "0" * 32 + "_" + "0" * 12 + "_" + "0" * 48,
    ]
    for text in forged:
        refused(lambda text=text: world.store.authenticate(text), "unauthorised")
    world.store.authenticate(key)


def test_a_key_that_is_no_key_is_not_looked_up(world: World) -> None:
    refused(lambda: world.store.authenticate("ar_x"), "unauthorised")
    assert world.reads == 0


def test_secrets_are_compared_even_where_there_is_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    monkeypatch.setattr(authentication, "same", lambda one, other: compared.append((len(one), len(other))))
    refused(lambda: world.store.authenticate("ar_" + "0" * 32 + "_" + "0" * 12 + "_" + "0" * 48), "unauthorised")
    refused(lambda: world.store.authenticate_token("ut_" + "0" * 32 + "_" + "0" * 32 + "_" + "0" * 48), "invalid_token")
    assert compared == [(64, 64), (64, 64)]


def test_a_key_is_read_once_a_minute(world: World) -> None:
    id_ = world.organisations.create("A", "UTC", "USD").id
    key = world.api_keys.create(id_)
    world.reads = 0
    for _ in range(3):
        world.store.authenticate(key)
    assert world.reads == 1
    world.seconds += 60
    world.store.authenticate(key)
    assert world.reads == 2


def test_a_new_key_works_at_once_though_it_was_tried_before(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    id_ = world.organisations.create("A", "UTC", "USD").id
    monkeypatch.setattr(api_keys.secrets, "token_hex", lambda size: "ab" * size)
    key = f"ar_{id_.replace('-', '')}_{'ab' * 6}_{'ab' * 24}"
    refused(lambda: world.store.authenticate(key), "unauthorised")
    assert world.api_keys.create(id_) == key
    world.store.authenticate(key)


def test_the_cache_keeps_the_latest_keys_only(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "CACHE_ENTRIES", 3)
    id_ = world.organisations.create("A", "UTC", "USD").id
    keys = [world.api_keys.create(id_) for _ in range(5)]
    for key in keys:
        world.store.authenticate(key)
    reads = world.reads
    for key in reversed(keys[2:]):
        world.store.authenticate(key)
    assert world.reads == reads
    world.store.authenticate(keys[0])
    assert world.reads > reads


def test_revocation_counts_within_a_minute(world: World) -> None:
    id_ = world.organisations.create("A", "UTC", "USD").id
    key = world.api_keys.create(id_)
    world.store.authenticate(key)
    world.api_keys.revoke(id_, key.split("_")[2])
    refused(lambda: world.process().authenticate(key), "unauthorised")
    world.seconds += 60
    refused(lambda: world.store.authenticate(key), "unauthorised")


def test_a_rotated_key_works_until_its_overlap_ends(world: World) -> None:
    id_ = world.organisations.create("A", "UTC", "USD").id
    old = world.api_keys.create(id_, label="billing")
    new = world.api_keys.create(id_, label="billing")
    world.api_keys.revoke(id_, old.split("_")[2], at=NOON + timedelta(hours=1))
    for key in (old, new):
        world.process().authenticate(key)
    world.now += timedelta(hours=1)
    world.process().authenticate(new)
    # Known moments count at once, cached or not.
    refused(lambda: world.process().authenticate(old), "unauthorised")


def test_expiry_counts_at_once(world: World) -> None:
    id_ = world.organisations.create("A", "UTC", "USD").id
    key = world.api_keys.create(id_, expires_at=NOON + timedelta(seconds=10))
    world.store.authenticate(key)
    world.now += timedelta(seconds=10)
    refused(lambda: world.store.authenticate(key), "unauthorised")
    with pytest.raises(ValueError, match="expired"):
        world.api_keys.create(id_, expires_at=NOON)


def test_a_key_that_is_not_cannot_be_revoked(world: World) -> None:
    id_ = world.organisations.create("A", "UTC", "USD").id
    with pytest.raises(ValueError, match="no 0123456789ab"):
        world.api_keys.revoke(id_, "0123456789ab")
    assert len(world.api_keys.all(id_)) == 0


def test_the_day_of_the_last_use_is_written_once_a_day_by_a_process_and_not_by_the_request(world: World) -> None:
    id_ = world.organisations.create("A", "Europe/Berlin", "USD").id
    key = world.api_keys.create(id_)
    world.store.authenticate(key)
    assert world.writes == []
    world.run()
    for process in (world.store, world.process()):
        for _ in range(2):
            world.now += timedelta(minutes=1)
            world.seconds += 60
            process.authenticate(key)
    world.run()
    assert world.api_keys.all(id_)[0].last_used_on == date(2020, 6, 30).toordinal()
    assert world.writes == ["CountersTable"] * 2
    world.now += timedelta(hours=10)
    world.store.authenticate(key)
    world.run()
    assert world.api_keys.all(id_)[0].last_used_on == date(2020, 7, 1).toordinal()


def test_nothing_that_authenticates_writes_to_the_access_table(world: World) -> None:
    id_ = world.organisation()
    key, token = world.api_keys.create(id_), world.user(id_)
    before = world.items()
    for _ in range(5):
        world.store.authenticate(key)
        world.store.authenticate_token(token)
        world.log_in(id_, cached=True)
        refused(lambda: world.log_in(id_, password="not the password"), "unknown_user")
    world.run()
    assert world.items() == before


def test_a_last_use_that_cannot_be_written_harms_nobody(world: World, caplog: pytest.LogCaptureFixture) -> None:
    id_ = world.organisation()
    key = world.api_keys.create(id_)
    world.client.delete_table(TableName="CountersTable")
    for _ in range(5):
        world.store.authenticate(key)
    world.run()
    assert "last used could not be written" in caplog.text
    assert "could not be counted" in caplog.text


def test_keys_are_listed_with_what_is_known_of_them(world: World) -> None:
    id_ = world.organisations.create("A", "UTC", "USD").id
    until = NOON + timedelta(days=1)
    world.api_keys.create(id_, ["payables:read"], until, "backup")
    [found] = world.api_keys.all(id_)
    assert (found.label, found.scopes, found.expires_at, found.created_at) == ("backup", {"payables:read"}, until, NOON)
    assert (found.revoked_at, found.last_used_on, found.organisation_id) == (None, None, id_)


def test_a_key_that_a_busy_table_does_not_return_is_unavailable(world: World) -> None:
    id_ = world.organisations.create("A", "UTC", "USD").id
    key = world.api_keys.create(id_)
    keys = [{"pk": {"S": f"O#{id_}"}, "sk": {"S": "ORGANISATION"}}]

    def unprocessed(parsed: Any, **_: Any) -> None:
        parsed["Responses"] = {}
        parsed["UnprocessedKeys"] = {"AccessTable": {"Keys": keys}}

    world.client.meta.events.register("after-call.dynamodb.BatchGetItem", unprocessed)
    refused(lambda: world.store.authenticate(key), "unavailable")


# --- Users ----------------------------------------------------------------------------------------------------------

SECOND = CUSTOMER.replace("1", "a")


def test_a_user_is_known_by_password_and_by_token(world: World) -> None:
    organisation = world.organisations.create("A", "UTC", "USD")
    token = world.user(organisation.id, account=CUSTOMER.upper(), admin=True)
    by_password = world.log_in(organisation.id)
    assert by_password == world.store.authenticate_token(token)
    assert (by_password.organisation, by_password.accounts) == (organisation, {CUSTOMER: True})
    stored = str(world.items() + world.items("CountersTable"))
    for secret in (PASSWORD, token.split("_")[3], world.integrator(organisation.id)):
        assert secret not in stored
    assert "scrypt$" in stored


def test_users_that_do_not_count_are_refused_alike(world: World) -> None:
    id_ = world.organisation()
    token = world.user(id_)
    refused(lambda: world.store.authenticate_user("other", "ann", PASSWORD), "unknown_integrator")
    refused(lambda: world.log_in(id_, password=PASSWORD.upper()), "unknown_user")
    refused(lambda: world.log_in(id_, "bob"), "unknown_user")
    refused(lambda: world.store.authenticate_token(token[:-1]), "invalid_token")
    refused(lambda: world.store.authenticate_token(token.replace("ut_", "ar_")), "invalid_token")


def test_one_more_account_a_new_password_and_a_new_token(world: World) -> None:
    id_ = world.organisation()
    old = world.user(id_, admin=True)
    new = world.user(id_, account=SECOND, password="another password")
    refused(lambda: world.store.authenticate_token(old), "invalid_token")
    refused(lambda: world.log_in(id_), "unknown_user")
    world.log_in(id_, password="another password")
    assert world.store.authenticate_token(new).accounts == {CUSTOMER: True, SECOND: False}
    [known] = world.users.all(id_)
    assert (known.username, known.created_at) == ("ann", NOON)


def test_a_user_revoked_and_created_anew_has_the_new_account_alone(world: World) -> None:
    id_ = world.organisation()
    world.user(id_, admin=True)
    world.users.revoke(id_, world.users.all(id_)[0].id)
    world.now += timedelta(days=1)
    token = world.user(id_, account=SECOND)
    assert world.process().authenticate_token(token).accounts == {SECOND: False}
    [known] = world.users.all(id_)
    assert (known.accounts, known.created_at, known.revoked_at) == ({SECOND: False}, world.now, None)


def test_one_account_of_a_user_is_taken_away(world: World) -> None:
    id_ = world.organisation()
    world.user(id_, admin=True)
    token = world.user(id_, account=SECOND)
    user_id = world.users.all(id_)[0].id
    world.now += timedelta(minutes=1)
    world.users.revoke_account(id_, user_id, CUSTOMER.upper())
    assert world.process().authenticate_token(token).accounts == {SECOND: False}
    world.now += timedelta(minutes=1)
    world.users.revoke_account(id_, user_id, SECOND)
    assert world.process().authenticate_token(token).accounts == {}
    for user, account in ((user_id, SECOND), ("0" * 32, SECOND)):
        with pytest.raises(ValueError, match="has no"):
            world.users.revoke_account(id_, user, account)
    assert [act.content for act in world.audit.acts(id_)][-2:] == [{"account": CUSTOMER}, {"account": SECOND}]


@pytest.mark.parametrize("revoked", ["the user", "an account"])
def test_an_account_that_is_taken_away_while_another_is_added_does_not_come_back(
    world: World, monkeypatch: pytest.MonkeyPatch, revoked: str
) -> None:
    id_ = world.organisation()
    world.user(id_, admin=True)
    user_id = world.users.all(id_)[0].id

    def meanwhile(password: str) -> str:
        if revoked == "the user":
            world.users.revoke(id_, user_id)
        else:
            world.users.revoke_account(id_, user_id, CUSTOMER)
        return passwords.hash_password(password)

    monkeypatch.setattr(users, "hash_password", meanwhile)
    with pytest.raises(ValueError, match="same moment"):
        world.user(id_, account=SECOND)
    [known] = world.users.all(id_)
    assert known.revoked_at is not None if revoked == "the user" else known.accounts == {}


def test_an_integrator_key_belongs_to_one_organisation(world: World) -> None:
    first, second = world.organisation(), world.organisation()
    world.user(first)
    with pytest.raises(ValueError, match="not one of the organisation's"):
        world.user(second, username="bob", integrator_key=world.integrator(first))
    with pytest.raises(ValueError, match="another organisation"):
        world.users.create_integrator_key(second, world.integrator(first))
    assert world.users.all(second) == []
    world.user(second)
    assert world.log_in(first).organisation.id == first
    assert world.log_in(second).organisation.id == second


def test_a_random_uuid_becomes_the_organisations_integrator_key_with_its_first_user(world: World) -> None:
    first, second, key = world.organisation(), world.organisation(), str(uuid4())
    world.user(first, integrator_key=key)
    assert world.process().authenticate_user(key, "ann", PASSWORD).organisation.id == first
    with pytest.raises(ValueError, match="integrator key"):
        world.user(second, username="bob", integrator_key=key)


def test_an_integrator_key_is_made_and_never_chosen(world: World) -> None:
    id_ = world.organisation()
    made = {world.users.create_integrator_key(id_) for _ in range(3)}
    assert len(made) == 3
    assert {UUID(key).version for key in made} == {4}
    assert world.users.create_integrator_key(id_, min(made)) == min(made)
    for chosen in ("IK", "00000000-0000-0000-0000-000000000000", CUSTOMER, ""):
        with pytest.raises(ValueError, match="random UUID"):
            world.users.create_integrator_key(id_, chosen)
        with pytest.raises(ValueError):
            world.user(id_, integrator_key=chosen)
    assert world.users.all(id_) == []


def test_a_revoked_user_is_refused(world: World) -> None:
    id_ = world.organisation()
    token = world.user(id_)
    world.log_in(id_, cached=True)
    world.users.revoke(id_, world.users.all(id_)[0].id)
    refused(lambda: world.process().authenticate_token(token), "invalid_token")
    world.seconds += 60
    refused(lambda: world.log_in(id_, cached=True), "unknown_user")


@pytest.mark.parametrize(
    "changes",
    [
        {"account": "C1"},
        {"username": ""},
        {"username": "a\tb"},
        {"password": ""},
        {"password": "eleven char"},
        {"password": f" {PASSWORD}"},
        {"password": "x" * 201},
        {"integrator_key": ""},
    ],
)
def test_users_that_cannot_be_are_refused(world: World, changes: dict[str, str]) -> None:
    id_ = world.organisation()
    with pytest.raises(ValueError):
        world.user(id_, **changes)
    assert world.users.all(id_) == []


# --- Audit ----------------------------------------------------------------------------------------------------------


def test_every_administrative_act_is_recorded_without_secrets(world: World) -> None:
    id_ = world.organisations.create("A", "UTC", "USD").id
    world.now += timedelta(seconds=1)
    acts: list[Callable[[], object]] = [
        lambda: world.organisations.set_policy(id_, {"cooldown_days": 3}),
        lambda: world.organisations.set_features(id_, []),
        lambda: world.organisations.set_payments_over_api(id_, False),
        lambda: world.api_keys.create(id_),
        lambda: world.api_keys.revoke(id_, world.api_keys.all(id_)[0].id),
        lambda: world.integrator(id_),
        lambda: world.user(id_, password="very secret indeed"),
        lambda: world.users.revoke(id_, world.users.all(id_)[0].id),
    ]
    for act in acts:
        act()
        world.now += timedelta(seconds=1)
    found = list(world.audit.acts(id_))
    assert [act.act for act in found] == [
        "create_organisation",
        "set_policy",
        "set_features",
        "set_payments_over_api",
        "create_key",
        "revoke_key",
        "create_integrator_key",
        "create_user",
        "revoke_user",
    ]
    assert {act.actor for act in found} == {"tester"}
    assert found[0].at == NOON
    assert "very secret indeed" not in str(found)
    assert "cursor_secret" not in str(found)
    assert found[7].content == {"account": CUSTOMER, "admin": False}


def test_an_act_that_failed_is_not_recorded(world: World) -> None:
    id_ = world.organisations.create("A", "UTC", "USD").id
    with pytest.raises(ValueError):
        world.api_keys.revoke(id_, "0" * 12)
    assert [act.act for act in world.audit.acts(id_)] == ["create_organisation"]


def test_an_organisation_sees_nothing_of_another(world: World) -> None:
    first = world.organisations.create("A", "UTC", "USD").id
    second = world.organisations.create("B", "UTC", "USD").id
    world.api_keys.create(first)
    world.user(first)
    assert (world.api_keys.all(second), world.users.all(second)) == ([], [])
    assert len(list(world.audit.acts(second))) == 1
    with pytest.raises(ValueError):
        world.api_keys.revoke(second, world.api_keys.all(first)[0].id)


# --- Rotation -------------------------------------------------------------------------------------------------------


def test_a_key_is_replaced_by_one_that_may_do_the_same(world: World) -> None:
    id_ = world.organisations.create("A", "UTC", "USD").id
    until = NOON + timedelta(days=30)
    old = world.api_keys.create(id_, ["payables:read"], until, "backup")
    new = world.api_keys.rotate(id_, old.split("_")[2], timedelta(hours=2))
    known = {key.id: key for key in world.api_keys.all(id_)}
    first, second = known[old.split("_")[2]], known[new.split("_")[2]]
    assert (second.label, second.scopes, second.expires_at) == (first.label, first.scopes, first.expires_at)
    assert (first.revoked_at, second.revoked_at) == (NOON + timedelta(hours=2), None)
    for key in (old, new):
        world.process().authenticate(key)
    world.now += timedelta(hours=2)
    refused(lambda: world.process().authenticate(old), "unauthorised")
    world.process().authenticate(new)
    for ended in (old.split("_")[2], "0" * 12):
        with pytest.raises(ValueError, match="still counts"):
            world.api_keys.rotate(id_, ended, timedelta(0))
    assert len(world.api_keys.all(id_)) == 2


def test_what_is_revoked_stays_revoked(world: World) -> None:
    id_ = world.organisations.create("A", "UTC", "USD").id
    key = world.api_keys.create(id_)
    key_id = key.split("_")[2]
    world.api_keys.revoke(id_, key_id, NOON + timedelta(hours=5))
    world.api_keys.revoke(id_, key_id, NOON + timedelta(hours=1))
    world.api_keys.revoke(id_, key_id, NOON + timedelta(hours=3))
    assert world.api_keys.all(id_)[0].revoked_at == NOON + timedelta(hours=1)
    assert [act.act for act in world.audit.acts(id_)].count("revoke_key") == 2
