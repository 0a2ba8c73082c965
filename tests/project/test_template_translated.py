"""What CloudFormation gets: SAM's own translation of the template, linted, and seen to change when it should."""

import json
import re
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs
from samcli.yamlhelper import yaml_dump, yaml_parse

from template import ROOT, resources, statements, translated

FUNCTIONS = resources("AWS::Serverless::Function")


@pytest.mark.parametrize("canary", ["false", "true"])
def test_the_translated_template_has_no_lint(canary: str) -> None:
    """Under every combination of its conditions: cfn-lint tries them all. What SAM itself decides on is given here."""
    text = json.dumps(translated(CanaryDeployment=canary, Release="a" * 64))
    # SAM has used up what only it reads: parameters that it resolved, and its own settings.
    found = lint(text, config=ManualArgs(regions=["us-east-1"], ignore_checks=["W2001"]))
    assert [f"{match.rule.id} {match.message} at {match.path}" for match in found] == []


def test_the_lint_finds_what_depends_on_a_resource_that_may_not_be_there() -> None:
    """As the API once did, and with it the stage: with ApiGatewayAccount=existing neither would have been made."""
    whole = translated()
    whole["Resources"]["ApiStage"]["DependsOn"] = "ApiGatewayAccountSetting"
    found = lint(json.dumps(whole), config=ManualArgs(regions=["us-east-1"], ignore_checks=["W2001"]))
    assert "E3005" in [match.rule.id for match in found]


def test_sam_writes_out_the_merges_and_anchors_that_cloudformation_does_not_take() -> None:
    built = yaml_dump(yaml_parse((ROOT / "template.yaml").read_text()))
    assert not re.findall(r"^.*(?:<<: |: [&*]\w).*$", built, re.MULTILINE)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_allows_what_the_permissions_page_shows_and_no_more(function: str) -> None:
    whole = translated()["Resources"]
    role = whole[f"{function}Role"]["Properties"]
    shared = [one["Ref"] for one in role["ManagedPolicyArns"] if "Ref" in one]
    documents = [one["PolicyDocument"] for one in role.get("Policies", [])]
    documents += [whole[name]["Properties"]["PolicyDocument"] for name in shared]
    allowed = [allowance(one) for document in documents for one in document["Statement"]]
    assert sorted(allowed) == sorted(allowance(one) for one in statements(function))


def allowance(statement: dict[str, Any]) -> str:
    """A statement as text, its name aside, a single action or resource as a list of one."""
    lists = {name: value if isinstance(value, list) else [value] for name, value in statement.items() if name != "Sid"}
    return json.dumps(lists, sort_keys=True)


def test_the_account_s_log_role_is_set_once_the_api_is_there() -> None:
    """API Gateway refuses the setting in an account that never had an API."""
    whole = translated()["Resources"]
    assert whole["ApiGatewayAccountSetting"]["DependsOn"] == "Api"
    assert whole["Api"]["Type"] == "AWS::ApiGateway::RestApi"


# --- versions


def versions(**parameters: str) -> dict[str, str]:
    """The logical id of each function's published version: another id is another version."""
    found = translated(**parameters)["Resources"]
    return {
        one["Properties"]["FunctionName"]["Ref"]: name
        for name, one in found.items()
        if one["Type"] == "AWS::Lambda::Version"
    }


def test_another_release_publishes_every_function_anew() -> None:
    first, second = versions(Release="a" * 64), versions(Release="b" * 64)
    assert first.keys() == second.keys() == FUNCTIONS.keys()
    assert not set(first.values()) & set(second.values())
    assert first == versions(Release="a" * 64)


def test_lambda_publishes_only_what_differs_so_the_release_is_in_the_configuration_too() -> None:
    """PublishVersion answers the version before when neither code nor configuration has changed."""
    for name in FUNCTIONS:
        described = translated(Release="a" * 64)["Resources"][name]["Properties"]["Description"]
        assert described.endswith("a" * 64)
        assert len(described) <= 256


def test_without_a_release_a_parameter_alone_publishes_nothing() -> None:
    """Why there is a release: SAM hashes references unresolved."""
    assert versions(MemorySize="512", LogLevel="DEBUG") == versions()


def test_the_stage_waits_for_the_role_of_its_access_logs() -> None:
    stage = one_of(translated()["Resources"], "AWS::ApiGateway::Stage")
    assert stage["Properties"]["Variables"]["logsRole"] == {
        "Fn::If": ["CreateApiGatewayAccount", {"Ref": "ApiGatewayAccountSetting"}, "existing"]
    }


def one_of(found: dict[str, Any], kind: str) -> dict[str, Any]:
    [one] = [resource for resource in found.values() if resource["Type"] == kind]
    return one
