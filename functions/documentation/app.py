"""GET /docs, /openapi.json and /problems/{code}: what the API is, for people and programs."""

from pathlib import Path

from arrears.api import documentation, problem, routes
from arrears.api.http import Endpoint, Page, Request

DOCUMENT = Path(__file__).with_name("openapi.json")
endpoint = Endpoint(problem.error_format)


@endpoint.get(routes.DOCS)
def page(_: Request) -> Page:
    """The page."""
    return documentation.page()


@endpoint.get(routes.DOCS_FILE)
def page_file(_: Request, name: str) -> Page:
    """A script or style of the page."""
    return documentation.page_file(name)


@endpoint.get(routes.OPENAPI)
def openapi(_: Request) -> Page:
    """The OpenAPI document, made from the code and checked in."""
    return documentation.openapi(DOCUMENT)


@endpoint.get(routes.PROBLEM)
def problem_page(_: Request, code: str) -> Page:
    """What a code means."""
    return documentation.problem_page(code)


handler = endpoint.answer
