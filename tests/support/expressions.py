"""DynamoDB's expressions: conditions, filters, projections, key ranges and updates, as far as Arrears writes any."""

import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Context, Decimal, Inexact
from functools import cache
from operator import eq, ge, gt, le, lt, ne
from typing import Any, NamedTuple

_NUMBERS = Context(prec=38, traps=[Inexact])
"""DynamoDB's numbers have so many digits, and are never rounded."""

type Item = dict[str, dict[str, Any]]
type Test = Callable[[Item, "Bindings"], bool]

_TOKEN = re.compile(r"\s*(<>|<=|>=|[=<>(),]|[#:]?[\w.#]+)")
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {"=": eq, "<>": ne, "<": lt, "<=": le, ">": gt, ">=": ge}


class Bindings(NamedTuple):
    """What the names (`#n`) and values (`:v`) of a request stand for."""

    names: dict[str, str]
    values: Item

    @classmethod
    def of(cls, asked: Any) -> "Bindings":
        """Those of a request."""
        return cls(asked.get("ExpressionAttributeNames", {}), asked.get("ExpressionAttributeValues", {}))

    def name(self, token: str) -> str:
        """The attribute that is meant."""
        return self.names[token] if token.startswith("#") else token

    def value(self, token: str, item: Item) -> dict[str, Any] | None:
        """The value of an operand; None where the item has no such attribute."""
        if token.startswith(":"):
            return self.values[token]
        outer, *inner = token.split(".")
        found = item.get(self.name(outer))
        for part in inner:
            found = None if found is None else found["M"].get(self.name(part))
        return found


def check(asked: Any, item: Item, which: str) -> bool:
    """Whether a condition or filter of a request holds for an item; one that is not there does."""
    expression = asked.get(which)
    return expression is None or _parsed(expression)(item, Bindings.of(asked))


def project(item: Item, asked: Any) -> Item:
    """The attributes of an item that a request asks for."""
    wanted = asked.get("ProjectionExpression")
    if wanted is None:
        return item
    bindings = Bindings.of(asked)
    names = [bindings.name(token) for token in _tokens(wanted) if token != ","]
    return {name: item[name] for name in names if name in item}


# Conditions


@cache
def _tokens(expression: str) -> tuple[str, ...]:
    tokens: list[str] = []
    position = 0
    while position < len(expression.rstrip()):
        found = _TOKEN.match(expression, position)
        if found is None:
            raise NotImplementedError(expression)
        tokens.append(found[1])
        position = found.end()
    return tuple(tokens)


@cache
def _parsed(expression: str) -> Test:
    reader = _Reader(_tokens(expression))
    test = reader.either()
    if reader.tokens:
        raise NotImplementedError(expression)
    return test


class _Reader:
    """Reads a condition by recursive descent."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = [*reversed(tokens)]

    def _take(self, *wanted: str) -> str:
        token = self.tokens.pop()
        if wanted and token not in wanted:
            raise NotImplementedError(token)
        return token

    def _next(self) -> str:
        return self.tokens[-1] if self.tokens else ""

    def either(self) -> Test:
        tests = [self._both()]
        while self._next() == "OR":
            self._take()
            tests.append(self._both())
        return tests[0] if len(tests) == 1 else lambda item, bound: any(test(item, bound) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._next() == "AND":
            self._take()
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda item, bound: all(test(item, bound) for test in tests)

    def _one(self) -> Test:
        token = self._take()
        if token == "NOT":
            test = self._one()
            return lambda item, bound: not test(item, bound)
        if token == "(":
            inner = self.either()
            self._take(")")
            return inner
        if self._next() == "(":
            return self._function(token)
        if self._next() == "BETWEEN":
            self._take()
            low = self._take()
            self._take("AND")
            high = self._take()
            return lambda item, bound: (
                _compared(">=", token, low, item, bound) and _compared("<=", token, high, item, bound)
            )
        comparison, other = self._take(*_COMPARISONS), self._take()
        return lambda item, bound: _compared(comparison, token, other, item, bound)

    def _function(self, name: str) -> Test:
        self._take("(")
        operand = self._take()
        if name in ("attribute_exists", "attribute_not_exists"):
            self._take(")")
            wanted = name == "attribute_exists"
            return lambda item, bound: (bound.value(operand, item) is not None) is wanted
        if name == "begins_with":
            self._take(",")
            prefix = self._take()
            self._take(")")
            return lambda item, bound: _begins(bound.value(operand, item), bound.value(prefix, item))
        raise NotImplementedError(name)


def _compared(comparison: str, left: str, right: str, item: Item, bound: Bindings) -> bool:
    """Values of different types are unequal and in no order; an attribute that is not there is neither."""
    one, other = bound.value(left, item), bound.value(right, item)
    if one is None or other is None:
        return comparison == "<>" and one is not other
    [(kind, content)], [(other_kind, other_content)] = one.items(), other.items()
    if kind != other_kind:
        return comparison == "<>"
    if kind == "N":
        content, other_content = Decimal(content), Decimal(other_content)
    return _COMPARISONS[comparison](content, other_content)


def _begins(value: dict[str, Any] | None, prefix: dict[str, Any] | None) -> bool:
    return value is not None and prefix is not None and value.get("S", "").startswith(prefix["S"])


# Keys


class Bound(NamedTuple):
    """An end of a range of sort keys."""

    text: str
    included: bool = True


_END = "\U0010ffff" * 3


def range_of(asked: Any, names: tuple[str, str]) -> tuple[str, Bound, Bound]:
    """The partition that a query asks for, and the ends of its range."""
    tokens, bound = _tokens(asked["KeyConditionExpression"]), Bindings.of(asked)
    partition, order = names
    if [bound.name(tokens[0]), tokens[1]] != [partition, "="]:
        raise NotImplementedError(asked["KeyConditionExpression"])
    key = bound.values[tokens[2]]["S"]
    match tokens[3:]:
        case ():
            return key, Bound(""), Bound(_END)
        case ["AND", "begins_with", "(", name, ",", prefix, ")"] if bound.name(name) == order:
            text = bound.values[prefix]["S"]
            return key, Bound(text), Bound(text + _END)
        case ["AND", name, "BETWEEN", low, "AND", high] if bound.name(name) == order:
            return key, Bound(bound.values[low]["S"]), Bound(bound.values[high]["S"])
        case ["AND", name, ("=" | "<" | "<=" | ">" | ">=") as comparison, value] if bound.name(name) == order:
            text = bound.values[value]["S"]
            low = Bound(text, comparison != ">") if comparison in ("=", ">", ">=") else Bound("")
            high = Bound(text, comparison != "<") if comparison in ("=", "<", "<=") else Bound(_END)
            return key, low, high
    raise NotImplementedError(asked["KeyConditionExpression"])


# Updates


def update(change: Any, before: Item | None) -> Item:
    """What an update makes of an item: SET to a value, ADD to a number, REMOVE."""
    stored = before or change["Key"]
    after, bound = dict(stored), Bindings.of(change)
    for clause, name, value in _clauses(change["UpdateExpression"]):
        outer, *inner = name.split(".")
        attribute = bound.name(outer)
        if clause == "REMOVE" and inner:
            [member] = map(bound.name, inner)
            after[attribute] = {"M": {key: value for key, value in stored[attribute]["M"].items() if key != member}}
        elif clause == "REMOVE":
            after.pop(attribute, None)
        elif clause == "SET":
            after[attribute] = bound.values[value]
        else:
            sum_ = _NUMBERS.add(Decimal(stored.get(attribute, {"N": "0"})["N"]), Decimal(bound.values[value]["N"]))
            after[attribute] = {"N": format(sum_, "f")}
    return after


def updated(change: Any) -> list[str]:
    """The attributes that an update names."""
    bound = Bindings.of(change)
    return [bound.name(name.split(".")[0]) for _, name, _ in _clauses(change["UpdateExpression"])]


_UPDATE = re.compile(r"(SET|ADD|REMOVE)? *(#?\w+(?:\.#?\w+)?)(?: *=)?(?: *(:\w+))?")


def _clauses(expression: str) -> Iterator[tuple[str, str, str]]:
    """Verb, name and value of each part."""
    verb = ""
    for part in re.sub(r" +(?=(SET|ADD|REMOVE) )", ",", expression).split(","):
        found = _UPDATE.fullmatch(part.strip())
        if found is None or (found[1] or verb) not in ("SET", "ADD", "REMOVE"):
            raise NotImplementedError(expression)
        verb = found[1] or verb
        yield verb, found[2], found[3]
