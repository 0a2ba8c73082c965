"""What the template promises: least privilege, logs that end, tables that survive, one shape of gateway errors."""

import json
import re

import pytest
from botocore.session import get_session

from arrears.api import errors
from arrears.api import routes as addresses
from arrears.storage.ledger.keys import changes_partition
from template import ROOT, resources, statements, template

FUNCTIONS = resources("AWS::Serverless::Function")
TABLES = resources("AWS::DynamoDB::Table")


def routes() -> list[tuple[str, str, str]]:
    return [
        (event["Properties"]["Method"], event["Properties"]["Path"], name)
        for name, properties in FUNCTIONS.items()
        for event in properties["Events"].values()
        if event["Type"] == "Api"
    ]


def test_every_address_of_the_code_has_a_function_and_no_other_has_one() -> None:
    deployed = {(method, re.sub("{.*?}", "*", path)) for method, path, name in routes() if name != "FallbackFunction"}
    assert deployed == {(method, re.sub("<.*?>", "*", path)) for path, method in addresses.METHODS.items()}


def test_every_other_path_and_method_reaches_the_fallback() -> None:
    methods = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}
    caught = {(method, path) for method, path, name in routes() if name == "FallbackFunction"}
    assert caught == {(method, path) for method in methods for path in ("/", "/{proxy+}")}


def test_no_two_functions_answer_the_same_request() -> None:
    assert len({(method, path) for method, path, _ in routes()}) == len(routes())


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_do_only_what_is_named(function: str) -> None:
    for statement in statements(function):
        assert statement["Effect"] == "Allow"
        assert isinstance(statement["Action"], list)
        for action in statement["Action"]:
            assert "*" not in action
            assert action != "dynamodb:Scan"
        for resource in statement["Resource"]:
            # Literal resources and substitutions alike: a wildcard would show in the text. Dropped files alone have
            # names that nobody knows before.
            assert "*" not in json.dumps(resource).replace("${ImportBucket.Arn}/imports/*", "")


READING = sorted({name for method, path, name in routes() if method == "GET" or path.endswith("/simulation")})


@pytest.mark.parametrize("function", READING)
def test_a_reading_function_writes_nothing_but_that_a_key_was_used(function: str) -> None:
    writes = [
        (action, statement["Resource"])
        for statement in statements(function)
        for action in statement["Action"]
        if action not in ("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query")
    ]
    assert all(
        action == "dynamodb:UpdateItem" and on == [{"Fn::GetAtt": ["CountersTable", "Arn"]}] for action, on in writes
    )


MOVE_FIRST_MOMENT = {
    "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["O#*"]},
    "ForAllValues:StringEquals": {"dynamodb:Attributes": ["pk", "sk", "known_from"]},
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_function_writes_to_the_access_table(function: str) -> None:
    """Only the daily run moves an organisation's first moment that can be asked for: an update of nothing else."""
    actions = {
        action
        for statement in statements(function)
        for action in statement["Action"]
        if "AccessTable" in json.dumps(statement["Resource"]) and statement.get("Condition") != MOVE_FIRST_MOMENT
    }
    assert actions <= {"dynamodb:BatchGetItem", "dynamodb:Query"}
    moving = [one["Action"] for one in statements(function) if one.get("Condition") == MOVE_FIRST_MOMENT]
    assert moving == ([["dynamodb:UpdateItem"]] if function == "CloseWorkerFunction" else [])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_counts_only_what_is_its_own(function: str) -> None:
    for statement in statements(function):
        if "CountersTable" in json.dumps(statement["Resource"]):
            [keys] = statement["Condition"]["ForAllValues:StringLike"].values()
            assert set(keys) <= {"USE#*", "REQUESTS#*", "GUESSES#*", "KNOWN#*"}
            assert function == "BillingInvoicesPastDueFunction" or set(keys) == {"USE#*", "REQUESTS#*"}


@pytest.mark.parametrize("function", ["CustomersFunction", "SuppliersFunction", "BillingInvoicesPastDueFunction"])
def test_a_function_that_reads_accounts_by_key_queries_nothing_of_the_table_but_its_change_log(function: str) -> None:
    ledger = {"Fn::GetAtt": ["LedgerTable", "Arn"]}
    [statement] = [
        one for one in statements(function) if "dynamodb:Query" in one["Action"] and ledger in one["Resource"]
    ]
    assert statement["Resource"] == [ledger]
    [keys] = statement["Condition"]["ForAllValues:StringLike"].values()
    assert keys == ["*" + changes_partition("")]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_knows_the_tables_that_it_may_use_and_no_others(function: str) -> None:
    variables = FUNCTIONS[function].get("Environment", {}).get("Variables", {})
    known = {value["Ref"] for name, value in variables.items() if name.endswith("_TABLE")}
    granted = json.dumps(statements(function))
    assert {table for table in TABLES if f'"{table}' in granted or f"{{{table}." in granted} == known


@pytest.mark.parametrize("function", [name for name in FUNCTIONS if name != "BillingInvoicesPastDueFunction"])
def test_an_endpoint_with_keys_looks_up_its_caller_by_the_shared_policy(function: str) -> None:
    """Whoever has a limit per key has the policy that counts against it, and nobody else has it."""
    properties = FUNCTIONS[function]
    limited = "REQUESTS_PER_KEY" in properties.get("Environment", {}).get("Variables", {})
    assert ({"Ref": "CallerPolicy"} in properties.get("Policies", [])) == limited


def test_every_role_that_may_use_a_table_may_use_the_customer_s_key() -> None:
    """DynamoDB asks KMS in the caller's name. Through DynamoDB alone: nothing else is to be decrypted with it."""
    policy = resources("AWS::IAM::ManagedPolicy")["TableKeyPolicy"]
    users = {f"{name}Role" for name in FUNCTIONS if "dynamodb:" in json.dumps(statements(name))}
    assert {role["Ref"] for role in policy["Roles"]} == users
    assert {f"{name}Role" for name in FUNCTIONS} >= users
    [statement] = policy["PolicyDocument"]["Statement"]
    assert {"kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"} <= set(statement["Action"])
    assert not [action for action in statement["Action"] if "*" in action]
    assert statement["Resource"] == [{"Ref": "KmsKeyArn"}]
    assert statement["Condition"]["StringEquals"].keys() == {"kms:ViaService"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_its_code_and_a_log_group_of_its_own(function: str) -> None:
    properties = FUNCTIONS[function]
    assert (ROOT / properties["CodeUri"] / "app.py").is_file()
    group = properties["LoggingConfig"]["LogGroup"]["Ref"]
    assert group == function.removesuffix("Function") + "Logs"


@pytest.mark.parametrize("group", resources("AWS::Logs::LogGroup"))
def test_log_groups_have_a_retention(group: str) -> None:
    assert resources("AWS::Logs::LogGroup")[group]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


@pytest.mark.parametrize("table", sorted(TABLES.keys() - {"CountersTable"}))
def test_a_table_is_recoverable_encrypted_protected_and_retained(table: str) -> None:
    resource = template()["Resources"][table]
    properties = resource["Properties"]
    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["SSESpecification"]["SSEEnabled"] is True
    assert properties["DeletionProtectionEnabled"] == {"Fn::If": ["ProtectTables", True, False]}
    assert template()["Parameters"]["DeletionProtection"]["Default"] == "on"


def test_counters_are_encrypted_and_end_by_themselves() -> None:
    properties = TABLES["CountersTable"]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["SSESpecification"] == TABLES["AccessTable"]["SSESpecification"]
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "expires_at_epoch", "Enabled": True}


GATEWAY_RESPONSES = resources("AWS::Serverless::Api")["Api"]["GatewayResponses"]


@pytest.mark.parametrize("kind", GATEWAY_RESPONSES)
def test_the_gateway_s_own_answers_have_the_headers_of_ours(kind: str) -> None:
    headers = GATEWAY_RESPONSES[kind]["ResponseParameters"]["Headers"]
    assert headers["Cache-Control"] == "'no-store'"
    assert headers["X-Content-Type-Options"] == "'nosniff'"
    assert headers["Strict-Transport-Security"] == "'max-age=31536000'"


def test_the_gateway_knows_every_kind_of_answer_that_is_worded() -> None:
    model = get_session().get_service_model("apigateway")
    assert GATEWAY_RESPONSES.keys() <= set(model.shape_for("GatewayResponseType").enum)


def test_what_is_refused_for_another_reason_keeps_its_status() -> None:
    """403 of a firewall rule, 415, 429 of a quota: one status for all of them would be wrong for most."""
    response = GATEWAY_RESPONSES["DEFAULT_4XX"]
    assert "StatusCode" not in response
    body = json.loads(response["ResponseTemplates"]["application/json"])
    assert "status" not in body
    assert {"type", "title", "detail", "instance", "error", "code", "errorCode", "message"} == body.keys()


MANAGED_RULES = resources("AWS::WAFv2::WebACL")["ManagedWebAcl"]["Rules"]


def test_the_firewall_counts_what_batches_cursors_and_plain_clients_would_be_blocked_for() -> None:
    [common] = [rule for rule in MANAGED_RULES if rule["Name"] == "common"]
    overrides = common["Statement"]["ManagedRuleGroupStatement"]["RuleActionOverrides"]
    assert {one["Name"] for one in overrides if one["ActionToUse"] == {"Count": {}}} == {
        "SizeRestrictions_BODY",
        "SizeRestrictions_QUERYSTRING",
        "NoUserAgent_HEADER",
    }


def test_the_firewall_lets_an_address_use_two_keys_to_the_full() -> None:
    """One key alone would otherwise be blocked at a rate that its own limit allows. The rule counts 300 seconds."""
    [limit] = [rule["Statement"]["RateBasedStatement"]["Limit"] for rule in MANAGED_RULES if "Limit" in str(rule)]
    assert limit >= 2 * 300 * template()["Parameters"]["RequestsPerKey"]["Default"]


@pytest.mark.parametrize("kind", sorted(GATEWAY_RESPONSES.keys() - {"DEFAULT_4XX"}))
def test_the_gateway_refuses_in_words_that_every_api_understands(kind: str) -> None:
    response = GATEWAY_RESPONSES[kind]
    body = json.loads(response["ResponseTemplates"]["application/json"])
    known = {entry.code: entry for entry in errors.KINDS}[body["code"]]
    assert body["status"] == response["StatusCode"] == known.status
    assert body["title"] == known.title
    assert body["type"] == f"urn:arrears:problem:{known.code}"
    # Problem details, Lago's error and DocuSign's error, each complete.
    assert {"title", "status", "detail"} <= body.keys()
    assert {"status", "error", "code"} <= body.keys()
    assert {"errorCode", "message"} <= body.keys()
    headers = response["ResponseParameters"]["Headers"]
    assert headers["Content-Type"] == "'application/problem+json'"
    assert ("Retry-After" in headers) == (known.status in (429, 503))


def test_the_access_log_has_no_personal_data() -> None:
    entry = json.loads(resources("AWS::Serverless::Api")["Api"]["AccessLogSetting"]["Format"])
    assert not {"$context.identity.sourceIp", "$context.path", "$context.identity.userAgent"} & set(entry.values())
