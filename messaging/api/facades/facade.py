"""How does a facade know its caller, read a request, and refuse in the words of its own document?

Every error is first answered as `/v1` would answer it, and then put into the facade's shape: so there
is no error without one, and none that the facade has to know.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeVar

import orjson
from fastapi import FastAPI
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from messaging import __version__
from messaging.api import reading
from messaging.api.desk import Desk, desk_of
from messaging.api.errors import HANDLERS, MEDIA_TYPE
from messaging.api.facades.waiting import Watch
from messaging.domain.errors import FieldProblem, InvalidRequestError
from messaging.domain.request import problems_of
from messaging.store.tenants import Tenant

_PASSED_ON = ("retry-after", "allow", "www-authenticate")


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error, before it has a facade's shape; nothing in it repeats what was sent."""

    status: int
    """The HTTP status that `/v1` would give it."""
    code: str
    """Of `messaging.api.errors.PROBLEMS`: also every reason of compliance."""
    title: str
    detail: str
    problems: list[FieldProblem]
    headers: Mapping[str, str]
    """What belongs on the answer in any shape, such as Retry-After."""

    @property
    def sentences(self) -> list[str]:
        """Each problem as "field: what to do"; the detail, if no field is to blame."""
        said = [
            f"{p.pointer[2:].replace('/', '.')}: {p.detail}".lstrip(": ") for p in self.problems
        ]
        return said or [self.detail]


Shape = Callable[[Trouble], Response]
"""How a facade writes an error."""
Handler = Callable[[Request, Any], Coroutine[Any, Any, Response]]
Model = TypeVar("Model", bound=BaseModel)


def build(desk: Desk, watch: Watch, module: ModuleType) -> FastAPI:
    """A facade as an application: its routes, and every error in its shape.

    Of its module it takes `router` and `shape`; and `FIELDS`, if fields of ours have other names there:
    their names by ours, as a pointer has them ("body": "message").
    """
    title, _, rest = (module.__doc__ or "").partition("\n")
    shape, fields = module.shape, getattr(module, "FIELDS", {})
    app = FastAPI(
        title=title.rstrip("."),
        version=__version__,
        description=rest.strip(),
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers={
            kind: _shaped(handler, shape, fields) for kind, handler in HANDLERS.items()
        },
    )
    app.state.desk, app.state.watch = desk, watch
    app.include_router(module.router)
    return app


def _shaped(handler: Handler, shape: Shape, fields: Mapping[str, str]) -> Handler:
    async def answer(request: Request, error: Exception) -> Response:
        response = await handler(request, error)
        if response.media_type != MEDIA_TYPE:
            return response
        return shape(trouble_of(response, fields))

    return answer


def trouble_of(response: Response, fields: Mapping[str, str]) -> Trouble:
    """A problem document of `/v1` as what a facade shapes; `fields` as `build` has them."""
    body = orjson.loads(response.body)
    return Trouble(
        response.status_code,
        body["code"],
        body["title"],
        body["detail"],
        [_renamed(problem, fields) for problem in body["errors"]],
        {k: v for k, v in response.headers.items() if k in _PASSED_ON},
    )


def _renamed(problem: Mapping[str, str], fields: Mapping[str, str]) -> FieldProblem:
    name, slash, rest = problem["pointer"].removeprefix("#/").partition("/")
    pointer = f"#/{fields[name]}{slash}{rest}" if name in fields else problem["pointer"]
    return FieldProblem(pointer, problem["code"], problem["detail"])


async def caller(request: Request, header: str | None = None) -> Tenant:
    """Whose request this is; `header` is where its key stands, if that is no header of `/v1`.

    Raises:
        PosthornError: as `Desk.tenant`.
    """
    if header is None:
        return await desk_of(request).tenant(request)
    name = header.lower().encode()
    found = [(b"x-api-key", value) for key, value in request.scope["headers"] if key == name]
    return await desk_of(request).tenant(Request({**request.scope, "headers": found}))


async def asked(request: Request, model: type[Model], many: str | None = None) -> Model:
    """The body as what the document says it is, whatever its Content-Type claims.

    With the field `many` it may be as long as a list. Fields the document does not have are ignored
    unless `model` forbids them.

    Raises:
        TooLargeError, MalformedJsonError: as `reading`.
        InvalidRequestError: some fields are not as documented.
    """
    limit = reading.OBJECT_LIMIT if many is None else reading.LIST_LIMIT
    value = reading.decode(await reading.body(request, limit), many)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise InvalidRequestError(problems_of(error)) from None


def watch_of(request: Request) -> Watch:
    """What can wait for messages of the application a request came to."""
    watch: Watch = request.app.state.watch
    return watch
