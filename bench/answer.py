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
from support.dynamodb import wire

SECONDS = 3.0
"""About how long one kind of answer is measured."""

_COUNTED = b'{"Attributes": {"counted": {"N": "1"}}}'
"""What the counters table answers to every count of requests and note of a key's use."""


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
        if operation == "UpdateItem":
            return wire(200, _COUNTED)
        path = self._answers[operation, body]
        if operation == "Query":
            self.pages.append(path)
        answer = wire(200, path.read_bytes())
        self.spent += time.process_time() - started
        return answer


class Answers:
    """What a function's answers to one event take, its pages replayed from a folder."""

    def __init__(self, folder: Path, function: str, event: dict[str, Any]) -> None:
        self._handler, self._event = here.handler(function), event
        self._replay = Replay(folder)
        self.cpu: list[float] = []
        self.wall: list[float] = []
        self.floor: list[float] = []
        self.last: dict[str, Any] = {}

    def once(self, client: Any, with_floor: bool) -> None:
        """One more answer."""
        replay = self._replay
        replay.spent, replay.pages = 0.0, []
        client.meta.events.register_first("before-send.dynamodb", replay.send, unique_id="bench.replay")
        started, wall = time.process_time(), time.perf_counter()
        self.last = self._handler(self._event, None)
        self.cpu.append(time.process_time() - started - replay.spent)
        self.wall.append(time.perf_counter() - wall - replay.spent)
        client.meta.events.unregister("before-send.dynamodb", unique_id="bench.replay")
        if with_floor:
            self.floor.append(floor(replay.pages, json.loads(self.last["body"])))


def measure(folder: Path, against: Path | None, function: str, event: dict[str, Any]) -> dict[str, Any]:
    """Medians of some answers, of the floor under them, and of other answers taken in turns with them."""
    here.set_environment()
    from arrears.runtime import services

    client = services().client
    mine = Answers(folder, function, event)
    other = Answers(against, function, event) if against else None
    mine.once(client, with_floor=False)
    peak = _peak_mb()
    rounds = max(5, min(60, int(SECONDS / mine.cpu.pop())))
    for _ in range(rounds):
        mine.once(client, with_floor=True)
        if other is not None:
            other.once(client, with_floor=False)
    body = json.loads(mine.last["body"])
    return {
        "status": mine.last["statusCode"],
        "cpu_ms": statistics.median(mine.cpu) * 1000,
        "wall_ms": statistics.median(mine.wall[1:]) * 1000,
        "floor_ms": statistics.median(mine.floor) * 1000,
        "other_ms": None if other is None else statistics.median(other.cpu) * 1000,
        "peak_mb": peak,
        "bytes": len(mine.last["body"]),
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
    folder = Path(asked["folder"])
    against = folder / "against"
    figures = measure(folder / "own", against if against.exists() else None, asked["function"], asked["event"])
    (folder / "figures.json").write_text(json.dumps(figures))
