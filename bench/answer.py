"""One kind of answer in a process of its own: pages replayed from files, and the floor under it in the same run.

The floor is the least that any program in Python has to do for the answer: decode the same pages and the packed
attributes in them, and encode the same body. It is taken in turns with the answer, so that both see the same machine.
"""

import json
import pickle
import re
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from botocore.awsrequest import AWSRequest, AWSResponse

from bench import here
from bench.table import wire


class Replay:
    """Answers a client's requests as they were answered before, from files: what they hold costs no memory here."""

    def __init__(self, folder: Path) -> None:
        self._answers: dict[tuple[str, bytes], Path] = pickle.loads((folder / "requests").read_bytes())
        self.spent = 0.0
        self.pages: list[Path] = []

    def send(self, request: AWSRequest, event_name: str, **_: Any) -> AWSResponse:
        """The HTTP answer to a request as it leaves botocore."""
        started = time.process_time()
        body = request.body.encode() if isinstance(request.body, str) else request.body
        operation = event_name.rpartition(".")[2]
        path = self._answers[operation, body]
        if operation == "Query":
            self.pages.append(path)
        answer = wire(path.read_bytes())
        self.spent += time.process_time() - started
        return answer


def measure(folder: Path, function: str, event: dict[str, Any], rounds: int) -> dict[str, Any]:
    """Medians of some answers and of the floor under them."""
    here.set_environment()
    handler = here.handler(function)
    from arrears.runtime import services

    replay = Replay(folder)
    services().client.meta.events.register_first("before-send.dynamodb", replay.send)
    handler(event, None)
    answers, walls, floors = [], [], []
    peak = 0.0
    for _ in range(rounds):
        replay.spent, replay.pages = 0.0, []
        started, wall = time.process_time(), time.perf_counter()
        answer = handler(event, None)
        answers.append(time.process_time() - started - replay.spent)
        walls.append(time.perf_counter() - wall - replay.spent)
        peak = peak or _peak_mb()
        status, body = answer["statusCode"], json.loads(answer["body"])
        floors.append(floor(replay.pages, body))
    return {
        "status": status,
        "cpu_ms": statistics.median(answers) * 1000,
        "wall_ms": statistics.median(walls) * 1000,
        "floor_ms": statistics.median(floors) * 1000,
        "peak_mb": peak,
        "bytes": len(answer["body"]),
        "aging": {
            entry["currency"]: [bucket["count"] for bucket in entry["buckets"].values()]
            for entry in body.get("aging", ())
        },
    }


def _peak_mb() -> float:
    """Most memory that this process has had; not that of the one it was forked from, which getrusage would tell."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def floor(pages: list[Path], body: Any) -> float:
    """Seconds of processor time of the least work."""
    spent = 0.0
    for path in pages:
        page = path.read_bytes()
        started = time.process_time()
        items = json.loads(page)["Items"]
        if items and "p" in items[0]:
            json.loads("[" + ",".join([item["p"]["S"] for item in items]) + "]")
        spent += time.process_time() - started
        del items
    started = time.process_time()
    json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return spent + time.process_time() - started


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    figures = measure(Path(asked["folder"]), asked["function"], asked["event"], asked["rounds"])
    Path(asked["folder"], "figures.json").write_text(json.dumps(figures))
