"""Figures against floors and goals: the table for people and results.json for programs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).with_name("results.json")


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


def write(results: Sequence[Result]) -> None:
    """Writes results.json."""
    told = [
        {
            "name": result.name,
            "unit": result.unit,
            "value": round(result.value, 4),
            "floor": None if result.floor is None else round(result.floor, 4),
            "ratio": None if result.ratio is None else round(result.ratio, 3),
            "goal": result.goal,
            "met": result.met,
        }
        for result in results
    ]
    RESULTS.write_text(json.dumps({"results": told}, indent=1) + "\n")


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
