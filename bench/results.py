"""Figures against floors and goals: the table for people and results.json for programs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).with_name("results.json")
DOCUMENT = Path(__file__).parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


@dataclass(frozen=True, slots=True)
class Result:
    """One figure. floor: what it is held against, in the same unit. goal: of the ratio, or of the value without floor.

    least: the goal is a lower bound.
    """

    name: str
    unit: str
    value: float
    floor: float | None = None
    goal: float | None = None
    least: bool = False

    @property
    def ratio(self) -> float | None:
        """Of the value to the floor."""
        return self.value / self.floor if self.floor else None

    @property
    def met(self) -> bool | None:
        """Whether the goal is; None without one."""
        if self.goal is None:
            return None
        reached = self.value if self.ratio is None else self.ratio
        return reached >= self.goal if self.least else reached <= self.goal

    def to_json(self) -> dict[str, Any]:
        """The figure as it is in results.json."""
        return {
            "name": self.name,
            "unit": self.unit,
            "value": round(self.value, 4),
            "floor": None if self.floor is None else round(self.floor, 4),
            "ratio": None if self.ratio is None else round(self.ratio, 3),
            "goal": self.goal,
            "met": self.met,
        }


def write(results: Sequence[Result], keep: bool) -> None:
    """Writes results.json. keep: also the figures that are there already, unless they were measured again."""
    told = {(one["name"], one["unit"]): one for one in read()} if keep else {}
    told |= {(result.name, result.unit): result.to_json() for result in results}
    RESULTS.write_text(json.dumps({"results": list(told.values())}, indent=1) + "\n")


def read() -> list[dict[str, Any]]:
    """The figures of results.json; none where there is none."""
    found: list[dict[str, Any]] = json.loads(RESULTS.read_text())["results"] if RESULTS.exists() else []
    return found


def markdown(told: Sequence[dict[str, Any]]) -> str:
    """A table for the documentation."""
    lines = ["| figure | unit | value | floor | ratio | goal | |", "|---|---|--:|--:|--:|--:|---|"]
    for one in told:
        bound = "" if one["goal"] is None else f"{'≥' if one['unit'].startswith('per ') else '≤'} {one['goal']:,g}"
        ratio = "" if one["ratio"] is None else f"{one['ratio']:.2f}"
        met = {None: "", True: "met", False: "**missed**"}[one["met"]]
        cells = (one["name"], one["unit"], _text(one["value"]), _text(one["floor"]), ratio, bound, met)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def show(results: Sequence[Result], console: Console) -> None:
    """Prints the table."""
    table = Table("figure", "unit", title="Arrears, measured")
    for title in ("value", "floor", "ratio", "goal"):
        table.add_column(title, justify="right")
    table.add_column("met")
    for result in results:
        bound = "" if result.goal is None else f"{'≥' if result.least else '≤'} {result.goal:g}"
        met = {None: "", True: "[green]met[/green]", False: "[red]missed[/red]"}[result.met]
        ratio = "" if result.ratio is None else f"{result.ratio:.2f}"
        table.add_row(result.name, result.unit, _text(result.value), _text(result.floor), ratio, bound, met)
    console.print(table)


def _text(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 1_000 or value == int(value) else f"{value:,.2f}"


def document(told: Sequence[dict[str, Any]]) -> None:
    """Puts the figures into docs/performance.md: first those that have a goal."""
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    goals = markdown([one for one in told if one["goal"] is not None])
    others = markdown([one for one in told if one["goal"] is None])
    tables = f"### Goals\n\n{goals}\n### The rest\n\n{others}"
    DOCUMENT.write_text(f"{before}{BEGIN}\n{tables}{END}{after}")


if __name__ == "__main__":
    document(read())
