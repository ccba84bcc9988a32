"""What a caller may do. Sign-in comes later; until then everyone who reaches the port may do everything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal, Protocol

from fastapi import APIRouter, Depends, Request
from fastapi.params import Depends as Dependency
from fastapi.routing import APIRoute

from server.api.problems import ProblemError

Right = Literal["public", "ingest", "read", "label", "edit", "admin"]
RIGHTS: tuple[Right, ...] = ("public", "ingest", "read", "label", "edit", "admin")
"""`public` is what needs none: it shows nothing of the data. `label` appends scores, `edit` changes prompts, datasets
and the like, `admin` changes projects and settings, or reads across projects."""


class Policy(Protocol):
    """Decides whether a request may do something."""

    def allows(self, request: Request, right: Right) -> bool: ...


class OpenPolicy:
    """Grants every right: the port is the fence, and it is bound to this machine unless the operator opens it."""

    def allows(self, request: Request, right: Right) -> bool:  # noqa: ARG002 - the protocol fixes the signature
        return True


@dataclass(frozen=True)
class Needs:
    """The dependency that checks one right."""

    right: Right

    def __call__(self, request: Request) -> None:
        policy: Policy = request.app.state.policy
        if not policy.allows(request, self.right):
            detail = f"This needs the right {self.right!r}, which you do not have. Ask an admin of the project."
            raise ProblemError(HTTPStatus.FORBIDDEN, "forbidden", detail)


def needs(right: Right) -> Any:
    """Declare the right that a route needs: `dependencies=[needs("read")]`."""
    return Depends(Needs(right))


def declared(dependencies: list[Dependency]) -> list[Right]:
    """The rights among a route's dependencies."""
    return [one.dependency.right for one in dependencies if isinstance(one.dependency, Needs)]


class GuardedRoute(APIRoute):
    """A route that cannot be made without its right, and that shows it in the API's description."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """Raises ValueError when there is not exactly one right among the dependencies."""
        rights = declared(list(options.get("dependencies") or []))
        if len(rights) != 1:
            raise ValueError(f"Route {path} must declare one right with needs(), and declares {rights}.")
        options["openapi_extra"] = {**(options.get("openapi_extra") or {}), "x-assay-right": rights[0]}
        super().__init__(path, endpoint, **options)
        self.right: Right = rights[0]


def router() -> APIRouter:
    """A router whose routes must declare their right."""
    return APIRouter(route_class=GuardedRoute)
