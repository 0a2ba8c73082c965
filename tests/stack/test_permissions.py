"""The emulator refuses what a function's statements do not allow: that the other tests pass shows least privilege."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from hashlib import sha256
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from arrears.runtime import Services
from arrears_cli.deployment import REGION, Deployment, administrator
from stack.conftest import Tenant
from template import resources, statements

FUNCTIONS = resources("AWS::Serverless::Function")
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"},
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}
KEY = {"pk": {"S": "permissions"}, "sk": {"S": "-"}}
CALLS: dict[str, Callable[[Any, str], object]] = {
    "BatchGetItem": lambda db, table: db.batch_get_item(RequestItems={table: {"Keys": [KEY]}}),
    "DeleteItem": lambda db, table: db.delete_item(TableName=table, Key=KEY),
    "GetItem": lambda db, table: db.get_item(TableName=table, Key=KEY),
    "PutItem": lambda db, table: db.put_item(TableName=table, Item=KEY),
    "Query": lambda db, table: db.query(
        TableName=table, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": KEY["pk"]}
    ),
    "Scan": lambda db, table: db.scan(TableName=table),
    "UpdateItem": lambda db, table: db.update_item(TableName=table, Key=KEY),
    "DeleteTable": lambda db, table: db.delete_table(TableName="not-" + table),
}


def granted(function: str) -> set[tuple[str, str]]:
    """(action, logical id of the table) that the template allows on a table itself."""
    found = set()
    for statement in statements(function):
        for action in statement["Action"]:
            for resource in statement["Resource"]:
                table = resource.get("Fn::GetAtt", [""])[0]
                if table.endswith("Table"):
                    found.add((action.removeprefix("dynamodb:"), table))
    return found


@pytest.fixture(scope="module")
def role_of(stack: Deployment) -> Iterator[Callable[[str], tuple[str, boto3.Session]]]:
    """A role with the deployed policies of a function, which a test may take on as well: its ARN, and its session."""
    session = administrator()
    iam = session.client("iam", endpoint_url=stack.endpoint_url)
    formation = session.client("cloudformation", endpoint_url=stack.endpoint_url)
    made: list[str] = []

    @cache
    def take(function: str) -> tuple[str, boto3.Session]:
        described = formation.describe_stack_resource(StackName=stack.stack_name, LogicalResourceId=f"{function}Role")
        deployed = described["StackResourceDetail"]["PhysicalResourceId"]
        name = f"permissions-{function}"
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
        made.append(name)
        for attached in iam.list_attached_role_policies(RoleName=deployed)["AttachedPolicies"]:
            iam.attach_role_policy(RoleName=name, PolicyArn=attached["PolicyArn"])
        for policy in iam.list_role_policies(RoleName=deployed)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=deployed, PolicyName=policy)["PolicyDocument"]
            iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))
        sts = session.client("sts", endpoint_url=stack.endpoint_url)
        taken = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="test")["Credentials"]
        return role["Arn"], boto3.Session(
            taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"], region_name=REGION
        )

    yield take
    for name in made:
        for attached in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=name, PolicyArn=attached["PolicyArn"])
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
        iam.delete_role(RoleName=name)


def denied(call: Callable[[], object]) -> bool:
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException")
    return False


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_may_do_on_the_tables_what_its_statements_say_and_nothing_else(
    stack: Deployment, role_of: Callable[[str], tuple[str, boto3.Session]], function: str
) -> None:
    client = role_of(function)[1].client("dynamodb", endpoint_url=stack.endpoint_url)
    tables = {
        "LedgerTable": stack.ledger_table,
        "AccessTable": stack.access_table,
        "HistoryTable": stack.history_table,
        "CountersTable": stack.counters_table,
    }
    allowed = {
        (action, table)
        for table, name in tables.items()
        for action, call in CALLS.items()
        if not denied(lambda call=call, name=name: call(client, name))
    }
    assert allowed == {(action, table) for action, table in granted(function) if action in CALLS}


MOVES_KNOWN_FROM = "CloseWorkerFunction"
"""It may update one attribute of an organisation. The local stack knows no conditions on attributes: that the template
has this one is checked in tests/project/test_template.py."""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_role_can_mint_a_key(
    stack: Deployment,
    services: Services,
    tenant: Tenant,
    role_of: Callable[[str], tuple[str, boto3.Session]],
    function: str,
) -> None:
    client = role_of(function)[1].client("dynamodb", endpoint_url=stack.endpoint_url)
    id_, key_id = tenant.organisation_id, "0123456789ab"
    text = f"ar_{id_.replace('-', '')}_{key_id}_{'0' * 48}"
    key = {"pk": {"S": f"O#{id_}"}, "sk": {"S": f"KEY#{key_id}"}}
    values = {":digest": {"S": sha256(text.encode()).hexdigest()}, ":scopes": {"L": [{"S": "ledger:write"}]}}
    item = {**key, "digest": values[":digest"], "scopes": values[":scopes"]}
    put = {"TableName": stack.access_table, "Item": item}
    update = {
        "TableName": stack.access_table,
        "Key": key,
        "UpdateExpression": "SET digest = :digest, scopes = :scopes",
        "ExpressionAttributeValues": values,
    }
    attempts: list[Callable[[], object]] = [
        lambda: client.put_item(**put),
        lambda: client.batch_write_item(RequestItems={stack.access_table: [{"PutRequest": {"Item": item}}]}),
        lambda: client.transact_write_items(TransactItems=[{"Put": put}]),
    ]
    if function != MOVES_KNOWN_FROM:
        attempts += [
            lambda: client.update_item(**update),
            lambda: client.transact_write_items(TransactItems=[{"Update": update}]),
        ]
    assert [denied(attempt) for attempt in attempts] == [True] * len(attempts)
    assert key_id not in {known.id for known in services.api_keys().all(id_)}


def test_a_function_without_the_permission_is_refused_at_work(
    stack: Deployment, role_of: Callable[[str], tuple[str, boto3.Session]]
) -> None:
    """A function under the fallback's role, which has no table, asks for one."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", PROBE)
    session = administrator()
    functions = session.client("lambda", endpoint_url=stack.endpoint_url)
    formation = session.client("cloudformation", endpoint_url=stack.endpoint_url)
    described = formation.describe_stack_resource(StackName=stack.stack_name, LogicalResourceId="FallbackFunction")
    deployed = functions.get_function(FunctionName=described["StackResourceDetail"]["PhysicalResourceId"])
    functions.create_function(
        FunctionName="permissions-probe",
        Runtime="python3.13",
        Handler="app.handler",
        Role=deployed["Configuration"]["Role"],
        Layers=[layer["Arn"] for layer in deployed["Configuration"]["Layers"]],
        Code={"ZipFile": code.getvalue()},
        Timeout=20,
    )
    try:
        answer = functions.invoke(FunctionName="permissions-probe", Payload=json.dumps(stack.access_table))
        assert json.loads(answer["Payload"].read()) in ("AccessDenied", "AccessDeniedException")
    finally:
        functions.delete_function(FunctionName="permissions-probe")


PROBE = """
from botocore.exceptions import ClientError
from botocore.session import get_session

def handler(table, context):
    try:
        get_session().create_client("dynamodb").scan(TableName=table)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "allowed"
"""
