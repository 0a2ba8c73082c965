"""The bill of materials of the layer: everything that is shipped, as CycloneDX."""

from collections.abc import Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path

import typer
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, License, LicenseExpression
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from local_stack.sam import BUILD, build, building


def bill_of(folder: Path) -> Bom:
    """What is installed in a folder, by name and version, with the licence that each declares."""
    bom = Bom()
    bom.metadata.component = Component(name="arrears-layer", type=ComponentType.APPLICATION)
    for distribution in sorted(distributions(path=[str(folder)]), key=lambda each: each.name.lower()):
        bom.components.add(_component(distribution))
    bom.register_dependency(bom.metadata.component, bom.components)
    return bom


def _component(distribution: Distribution) -> Component:
    name, version = distribution.name, distribution.version
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        purl=PackageURL("pypi", name=name.lower().replace("_", "-"), version=version),
        bom_ref=f"{name}=={version}",
        description=distribution.metadata.get("Summary"),
        licenses=_licenses(distribution),
    )


def _licenses(distribution: Distribution) -> Sequence[License]:
    """The licence as an expression of SPDX, or by the name that older packages give it."""
    expression, name = (distribution.metadata.get(field) for field in ("License-Expression", "License"))
    if expression:
        return [LicenseExpression(expression)]
    return [DisjunctiveLicense(name=name)] if name else []


def text_of(bom: Bom) -> str:
    """CycloneDX 1.6 in JSON."""
    return make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2)


def main() -> None:
    """Build the layer and print what is in it."""
    with building():
        build()
        typer.echo(text_of(bill_of(BUILD / "ArrearsLayer" / "python")))


if __name__ == "__main__":
    main()
