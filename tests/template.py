"""template.yaml as data: the one place where tables, routes and permissions are defined, for tests that need them."""

from functools import cache
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[1]

TABLE_PROPERTIES = ("AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "KeySchema")
"""What a table is for its readers and writers; the rest is how it is kept."""


@cache
def template() -> dict[str, Any]:
    """The template, its short tags (`!Ref`) in their long form (`{"Ref": …}`)."""
    return yaml_parse((ROOT / "template.yaml").read_text())


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """The properties of every resource of that type, by logical id."""
    found = template()["Resources"].items()
    return {name: resource["Properties"] for name, resource in found if resource["Type"] == kind}


def create_tables(client: Any) -> dict[str, str]:
    """Create the template's tables through a DynamoDB client; returns each one's name by its logical id."""
    for name, properties in resources("AWS::DynamoDB::Table").items():
        wanted = {key: properties[key] for key in TABLE_PROPERTIES if key in properties}
        client.create_table(TableName=name, **wanted)
    return {name: name for name in resources("AWS::DynamoDB::Table")}
