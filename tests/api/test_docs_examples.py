"""The worked examples of the documentation: their records written, their questions asked."""

import json
import re
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from api.conftest import Api
from template import ROOT

TEXT = "".join((ROOT / "docs" / name).read_text() for name in ("contract.md", "on-account.md", "parties.md"))
EXAMPLES = [json.loads(block) for block in re.findall(r"```json example\n(.*?)```", TEXT, re.DOTALL)]


def shown(body: Any, position: str) -> Any:
    """What stands at a position such as customers.0.tier."""
    for part in position.split("."):
        body = body[int(part)] if isinstance(body, list) else body[part]
    return body


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_answered_as_shown(api: Api, example: dict[str, Any]) -> None:
    assert example.keys() == {"records", "asks"}
    api.record(*example["records"])
    for ask in example["asks"]:
        method, address = ("GET", ask["get"]) if "get" in ask else ("POST", ask["post"])
        body = json.dumps(ask["body"]) if method == "POST" else None
        url = urlsplit(address)
        answer = api.call(method, url.path, {"Authorization": f"Bearer {api.key}"}, dict(parse_qsl(url.query)), body)
        assert answer.status == 200
        assert {position: shown(answer.body, position) for position in ask["shows"]} == ask["shows"]


def test_all_examples_are_found() -> None:
    assert len(EXAMPLES) == TEXT.count("```json")


KNOWN_AT = (ROOT / "docs" / "known-at.md").read_text()
STORIES = [json.loads(block) for block in re.findall(r"```json story\n(.*?)```", KNOWN_AT, re.DOTALL)]


@pytest.mark.parametrize("story", STORIES)
def test_a_story_happens_as_told(api: Api, story: list[dict[str, Any]]) -> None:
    """Records and policies at their moments, and answers at others."""
    for step in story:
        api.clock.now = datetime.fromisoformat(step["at"])
        if "records" in step:
            api.stored(*step["records"])
        elif "policy" in step:
            api.services.organisations().set_policy(api.organisation.id, step["policy"])
            api.forget()
        else:
            url = urlsplit(step["get"])
            answer = api.call("GET", url.path, {"Authorization": f"Bearer {api.key}"}, dict(parse_qsl(url.query)))
            assert {position: shown(answer.body, position) for position in step["shows"]} == step["shows"]
            if "knownAt" in step:
                assert answer.headers["X-Arrears-Known-At"] == step["knownAt"]


def test_all_stories_are_found() -> None:
    assert len(STORIES) == KNOWN_AT.count("```json") > 0
