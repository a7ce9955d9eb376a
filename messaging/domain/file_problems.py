"""What is wrong with an imported file? Told line by line, and no more of it than a person reads."""

from __future__ import annotations

from collections.abc import Iterable

from messaging.domain.errors import FieldProblem, InvalidRequestError

MOST = 100
"""How many problems of a file are told at once."""


class FileProblems:
    """The problems of one file, in the order of its lines."""

    def __init__(self) -> None:
        self._told: list[FieldProblem] = []
        self._count = 0

    def add(self, line: int, problems: Iterable[FieldProblem]) -> None:
        """Note what is wrong with a line (the first is 1); each sentence is made to name it."""
        for problem in problems:
            self._count += 1
            if self._count <= MOST:
                detail = f"line {line}: {problem.detail}"
                self._told.append(FieldProblem(problem.pointer, problem.code, detail))

    def refuse(self) -> None:
        """End the import if anything was wrong.

        Raises:
            InvalidRequestError: the first hundred problems, and how many more there are.
        """
        more = self._count - len(self._told)
        if more:
            rest = FieldProblem("#", "more_problems", f"and {more:,} more; nothing was imported")
            raise InvalidRequestError([*self._told, rest])
        if self._told:
            raise InvalidRequestError(self._told)


def refused(code: str, detail: str) -> InvalidRequestError:
    """The error for a file that cannot be taken as a whole."""
    return InvalidRequestError([FieldProblem("#", code, detail)])


def text_of(content: bytes) -> str:
    """The text of a file, without the mark some programs put before it.

    Raises:
        InvalidRequestError: it is not UTF-8.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise refused("not_text", "the file must be UTF-8; save it in that encoding") from None
