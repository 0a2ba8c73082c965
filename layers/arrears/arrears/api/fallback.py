"""Addresses and methods that nothing else answers, in the words of the face that they belong to."""

import re
from typing import NoReturn

from arrears.api import docusign, lago, problem, routes
from arrears.api.http import Endpoint, Request, Wording
from arrears.ledger.problems import METHOD_NOT_ALLOWED, NOT_FOUND, Refusal

_WORDINGS = (
    ("/analytics", lago.WORDING),
    (routes.LAGO_PREFIX, lago.WORDING),
    ("/restapi", docusign.WORDING),
)
_ADDRESSES = [(re.compile(re.sub("<.*?>", "[^/]+", path) + "/*"), method) for path, method in routes.METHODS.items()]


def endpoint() -> Endpoint:
    """An endpoint that refuses everything."""
    refusing = Endpoint(_wording)
    refusing.otherwise(_refuse)
    return refusing


def _wording(request: Request) -> Wording:
    for prefix, wording in _WORDINGS:
        if request.path == prefix or request.path.startswith(f"{prefix}/"):
            return wording
    return problem.WORDING


def _refuse(request: Request) -> NoReturn:
    for address, method in _ADDRESSES:
        if address.fullmatch(request.path):
            allowed = {"Allow": method}
            raise Refusal(METHOD_NOT_ALLOWED, f"This address takes {method}, not {request.method}.", headers=allowed)
    raise Refusal(NOT_FOUND, "There is no such address.")
