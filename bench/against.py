"""Costs of this tree and another checkout, in turns: python -m bench.against CHECKOUT [rounds] [part ...].

Each tree is measured by its own bench, in processes of their own with the same packages, so that only the trees differ.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import median

from bench import here

MEASURE = {
    "warm": """
book = warm.Book("invoice", 1_000)
book.grow(10)
for name in ("receivables_overdue", "overdue_balance"):
    one = book.measure(name)
    found[f"warm, {name}"] = one.cpu_ms, one.floor_ms
""",
    "balance": """
for size in (10_000, 100_000):
    one = warm.Book("invoice", size).measure("overdue_balance")
    found[f"balance, {size:,} open"] = one.cpu_ms, one.floor_ms
""",
    "cold": """
cold.ROUNDS = 3
starts = cold.measured(lambda _: None)
floor = starts.pop("floor")
for name, one in starts.items():
    found[f"cold, {name}"] = one.wall_ms, floor.wall_ms
    found[f"cold, {name}, processor"] = one.cpu_ms, floor.cpu_ms
""",
    "writes": """
from bench.__main__ import _recorded
for customers in (200, 2_000):
    one = _recorded(500, 3_000, 2_000, customers)
    found[f"writes, {customers:,} customers, CPU microseconds"] = 1e6 / one["records_per_cpu_second"], 1
    found[f"writes, {customers:,} customers, write units"] = one["write_units_per_record"], 1
""",
}
PROGRAM = """
import json, sys
from pathlib import Path
from bench import cold, here, warm
here.set_environment()
found = {}
%s
Path(sys.argv[1]).write_text(json.dumps(found))
"""

type Figures = dict[str, tuple[float, float]]
"""By what was measured: the value, and the floor of the same run; 1 for what has none."""


def measured(tree: Path, part: str) -> Figures:
    """The figures of a tree, by its own bench."""
    packages = [tree, tree / "layers" / "arrears", tree / "cli"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, packages))}
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "figures.json")
        command = [sys.executable, "-c", PROGRAM % MEASURE[part], str(target)]
        subprocess.run(command, cwd=tree, env=environment, check=True, stdout=subprocess.DEVNULL)
        figures: Figures = json.loads(target.read_text())
        return figures


def main(other: str, rounds: int = 5, *parts: str) -> None:
    """Prints medians of the ratios to the floor, of the other tree and of this one, for what both have."""
    trees = {"other": Path(other).resolve(), "this": here.ROOT}
    ratios: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in trees}
    for _ in range(rounds):
        for part in parts or MEASURE:
            for name, tree in trees.items():
                for what, (value, floor) in measured(tree, part).items():
                    ratios[name][what].append(value / floor)
    print(f"{'':48} {'other':>8} {'this':>8} {'this to other':>14}")
    for what, theirs in ratios["other"].items():
        if ours := ratios["this"].get(what):
            before, after = median(theirs), median(ours)
            print(f"{what:48} {before:8.2f} {after:8.2f} {after / before:14.3f}")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:3]), *sys.argv[3:])
