"""Tables of the documentation that are made from the code and the template."""

import json
from typing import Any

from arrears.api import docusign
from arrears.api.documentation import ADVICE
from arrears.api.errors import KINDS
from generate import records
from template import ROOT, resources, statements, template

DOCS = ROOT / "docs"
_MADE = "<!-- Made by `make docs`; changes by hand are lost. -->\n\n"


_ERRORS = """# Errors

Every error has one code, the same in all three error formats:

- Problem details (RFC 9457): the member `code`, and the end of `type`. A link (`Link: …; rel="help"`) leads to
  `GET /problems/<code>`, which says the same as this page.
- Lago: the member `code`, except for 401, which has none.
- DocuSign: the member `errorCode`: DocuSign's own code where it has one, else ours in capitals.

`type` is a URN, `urn:arrears:problem:<code>`, and not an address, so that a code has the same type in every deployment.

| status | code | DocuSign's errorCode | what happened |
|---|---|---|---|
"""
_LAGO = "| 422 | `validation_errors` | | Lago's: a query parameter cannot be used; `error_details` names it |\n"
_PERMISSIONS = """# Permissions

What the role of each function allows, besides writing to its own log group. No action is a wildcard, and no table is
scanned. The local stack enforces the roles, and tests try what they allow and what they deny.

With `KmsKeyArn`, every role that uses a table may also use that key, through DynamoDB alone.

SAM adds two policies of AWS whose resource is `*`: `AWSLambdaBasicExecutionRole` writes to log groups, and
`AWSLambdaSQSQueueExecutionRole` lets `CloseWorker` and `ImportDrop` receive and delete messages. If other queues share
the account, restrict both with a permissions boundary.

| function | actions | on |
|---|---|---|
"""


def errors() -> str:
    """errors.md: every kind of error."""
    rows, sections = [], []
    for kind in KINDS:
        theirs = docusign.CODES.get(kind.code, kind.code.upper())
        rows.append(f"| {kind.status} | [`{kind.code}`](#{kind.code}) | `{theirs}` | {kind.title} |\n")
        name = f"`urn:arrears:problem:{kind.code}`"
        sections.append(f"\n## {kind.code}\n\n{name} · {kind.status} · {kind.title}.\n\n{ADVICE[kind.code]}\n")
    return _MADE + _ERRORS + "".join(rows) + _LAGO + "".join(sections)


def permissions() -> str:
    """permissions.md: what each function may do."""
    lines = []
    for name in resources("AWS::Serverless::Function"):
        allowed = statements(name)
        shown = name.removesuffix("Function")
        if not allowed:
            lines.append(f"| {shown} | none | |")
        for statement in allowed:
            actions = ", ".join(f"`{action}`" for action in statement["Action"])
            where = ", ".join(f"`{_resource(one)}`" for one in statement["Resource"])
            condition = f", only `{json.dumps(statement['Condition'])}`" if "Condition" in statement else ""
            lines.append(f"| {shown} | {actions} | {where}{condition} |")
    return _MADE + _PERMISSIONS + "\n".join(lines) + "\n"


def _resource(resource: Any) -> str:
    if "Fn::GetAtt" in resource:
        return str(resource["Fn::GetAtt"][0])
    text: str = resource["Fn::Sub"]
    return text.replace("${", "").replace(".Arn}", "").replace("}", "")


_PARAMETERS = """# Parameters

The parameters of a deployment: `make deploy STAGE=prod PARAMETERS="NAME=value NAME=value"`. A stack keeps their values
until you give them again.

| parameter | default | allowed | |
|---|---|---|---|
"""


def parameters() -> str:
    """parameters.md: the parameters of the template."""
    lines = []
    for name, own in template()["Parameters"].items():
        bounds = [f"{word} {own[key]}" for word, key in (("from", "MinValue"), ("to", "MaxValue")) if key in own]
        values = ", ".join(f"`{value}`" for value in own.get("AllowedValues", [])) or " ".join(bounds)
        default = f"`{own['Default']}`" if own["Default"] != "" else "empty"
        lines.append(f"| `{name}` | {default} | {values} | {own['Description']} |\n")
    return _MADE + _PARAMETERS + "".join(lines)


def record_tables() -> str:
    """records.md: every record with its fields."""
    return _MADE + records.text()


FILES = {
    DOCS / "errors.md": errors,
    DOCS / "permissions.md": permissions,
    DOCS / "parameters.md": parameters,
    DOCS / "records.md": record_tables,
}


def write() -> None:
    """Writes them."""
    for path, text in FILES.items():
        path.write_text(text())
