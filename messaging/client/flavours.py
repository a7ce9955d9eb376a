"""How does a call become a method? Written once, it answers at once in one flavour, by `await` in the other.

A resource's methods say what is to be asked (`calls`). `once` and `many` hand that to whoever carries it out,
whose type decides what the method answers: `T` or an awaitable `T`, an iterator of `T` or an asynchronous one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import wraps
from types import MethodType
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

from messaging.client.awaiting import Awaiting
from messaging.client.blocking import Blocking
from messaging.client.calls import Call, Pages, Stream, Wait

P = ParamSpec("P")
T = TypeVar("T")
F = TypeVar("F", bound=Blocking | Awaiting)


class Resource(Generic[F]):
    """A part of the API, such as `Posthorn.messages`."""

    def __init__(self, carrier: F) -> None:
        self.carrier: F = carrier


class once(Generic[P, T]):  # noqa: N801 - it is a decorator
    """A method that is answered with one value."""

    def __init__(self, build: Callable[Concatenate[Any, P], Call[T] | Wait[T]]) -> None:
        self.build = build
        self.__doc__ = build.__doc__

    @overload
    def __get__(self, resource: None, owner: Any = None) -> Self: ...
    @overload
    def __get__(self, resource: Resource[Blocking], owner: Any = None) -> Callable[P, T]: ...
    @overload
    def __get__(
        self, resource: Resource[Awaiting], owner: Any = None
    ) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, resource: Any, owner: Any = None) -> Any:
        if resource is None:
            return self
        return _bound(self.build, resource, resource.carrier.once)


class many(Generic[P, T]):  # noqa: N801 - as above
    """A method that is answered with one item after the other."""

    def __init__(self, build: Callable[Concatenate[Any, P], Pages[T] | Stream[T]]) -> None:
        self.build = build
        self.__doc__ = build.__doc__

    @overload
    def __get__(self, resource: None, owner: Any = None) -> Self: ...
    @overload
    def __get__(
        self, resource: Resource[Blocking], owner: Any = None
    ) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(
        self, resource: Resource[Awaiting], owner: Any = None
    ) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, resource: Any, owner: Any = None) -> Any:
        if resource is None:
            return self
        return _bound(self.build, resource, resource.carrier.many)


def _bound(build: Any, resource: Any, carry_out: Callable[[Any], Any]) -> Callable[..., Any]:
    """The method, with the name, documentation and parameters of what was written down."""
    method = MethodType(build, resource)

    @wraps(method)
    def asked(*args: Any, **kwargs: Any) -> Any:
        return carry_out(method(*args, **kwargs))

    return asked
