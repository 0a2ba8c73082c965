"""template.yaml as data: where tables, routes and permissions are defined, for tests that need them."""

import os
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[1]

TABLE_PROPERTIES = ("AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "KeySchema")
"""What a table is for its readers and writers; the other properties are how it is kept."""


@cache
def template() -> dict[str, Any]:
    """The template, its short tags (`!Ref`) in their long form (`{"Ref": …}`)."""
    return yaml_parse((ROOT / "template.yaml").read_text())


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """The properties of every resource of that type, by logical id."""
    found = template()["Resources"].items()
    return {name: resource["Properties"] for name, resource in found if resource["Type"] == kind}


def statements(function: str) -> list[dict[str, Any]]:
    """What a function's role allows: its own statements, those of the template's managed policies that it names, and
    what SAM adds for a queue of failed calls."""
    shared = resources("AWS::IAM::ManagedPolicy")
    properties = resources("AWS::Serverless::Function")[function]
    policies = properties.get("Policies", [])
    documents = [shared[one["Ref"]]["PolicyDocument"] if "Ref" in one else one for one in policies]
    found = [statement for document in documents for statement in document["Statement"]]
    if "EventInvokeConfig" in properties:
        queue = properties["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]["Destination"]
        found.append({"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": [queue]})
    return found


def create_tables(client: Any) -> dict[str, str]:
    """Create the template's tables through a DynamoDB client; returns each one's name by its logical id."""
    for name, properties in resources("AWS::DynamoDB::Table").items():
        wanted = {key: properties[key] for key in TABLE_PROPERTIES if key in properties}
        client.create_table(TableName=name, **wanted)
    return {name: name for name in resources("AWS::DynamoDB::Table")}


class NoPolicies:
    """SAM's managed policies: the template names none by SAM's own short names."""

    def load(self) -> dict[str, str]:
        return {}


def translated(**parameters: str) -> dict[str, Any]:
    """The template as CloudFormation gets it, made by SAM's own translator with those parameters."""
    fragment = deepcopy(template())
    for resource in fragment["Resources"].values():
        for name in ("CodeUri", "ContentUri"):
            if name in resource["Properties"]:
                resource["Properties"][name] = "s3://bucket/code"
    return translate(fragment, parameters)


def translate(packaged: dict[str, Any], parameters: dict[str, str]) -> dict[str, Any]:
    """A packaged template, which it uses up, as CloudFormation gets it with those parameters."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", os.environ.get("AWS_DEFAULT_REGION", "us-east-1"))
        found: dict[str, Any] = transform(packaged, parameters, NoPolicies())
    return found
