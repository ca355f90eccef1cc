"""Python source under construction: indentation, fresh names, and what has been computed already."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

MAX_INDENT = 60
Mark = tuple[int, int, list[dict[tuple[object, ...], Any]]]


class NotGeneratedError(Exception):
    """No source can be written for this part of a view; closures evaluate it."""


@dataclass(slots=True)
class Source:
    """Lines of a function body, and the objects its names refer to."""

    lines: list[str] = field(default_factory=list)
    names: dict[str, Any] = field(default_factory=dict)
    _indent: int = 1
    _count: int = 0
    _computed: list[dict[tuple[object, ...], Any]] = field(default_factory=lambda: [{}])
    _shared: dict[tuple[object, ...], str] = field(default_factory=dict)

    def mark(self) -> Mark:
        """The current position, for `rewind`."""
        return len(self.lines), self._indent, [dict(level) for level in self._computed]

    def rewind(self, mark: Mark) -> None:
        """Remove what was written since the mark."""
        lines, self._indent, computed = mark
        del self.lines[lines:]
        self._computed = [dict(level) for level in computed]

    def add(self, line: str) -> None:
        """Append a line, indented as the block it belongs to."""
        self.lines.append("    " * self._indent + line)

    def fresh(self) -> str:
        """A local variable not used before."""
        self._count += 1
        return f"v{self._count}"

    def set(self, expression: str) -> str:
        """Assign to a fresh variable."""
        name = self.fresh()
        self.add(f"{name} = {expression}")
        return name

    def refer(self, value: Any, key: tuple[object, ...] | None = None) -> str:
        """A global name for an object; the same name for the same key."""
        if key is not None and key in self._shared:
            return self._shared[key]
        name = f"g{len(self.names)}"
        self.names[name] = value
        if key is not None:
            self._shared[key] = name
        return name

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """An indented block; values computed inside are not reused after it."""
        self.add(head)
        if self._indent >= MAX_INDENT:
            raise NotGeneratedError("nested too deeply for one function")
        self._indent += 1
        self._computed.append({})
        yield
        self._computed.pop()
        self._indent -= 1

    def known(self, key: tuple[object, ...]) -> Any:
        """The value computed earlier under this key in this block or one around it."""
        return next((level[key] for level in reversed(self._computed) if key in level), None)

    def remember(self, key: tuple[object, ...], value: Any) -> None:
        """Keep a computed value under a key for `known`, until the block ends."""
        self._computed[-1][key] = value

    def function(self, head: str) -> Any:
        """Compile the body under `head`; NotGeneratedError if Python finds it nested too deeply."""
        text = "\n".join([head, *self.lines, "    return None"])
        try:
            code = compile(text, "<compiled view>", "exec")
        except (SyntaxError, RecursionError, MemoryError) as fault:
            raise NotGeneratedError("nested too deeply for one function") from fault
        space = dict(self.names)
        exec(code, space)  # noqa: S102 - the source is made here, from names and constants passed by reference
        return space[head.split("(")[0].removeprefix("def ")]
