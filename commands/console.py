"""rich, imported when it is first used: services print nothing in colours, and stay 2 MB smaller without it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def open_console(**options: Any) -> "Console":
    """A console of rich; the options are those of its class."""
    from rich.console import Console

    return Console(**options)


def make_table(*columns: str) -> "Table":
    """A table of rich without lines."""
    from rich.table import Table

    return Table(*columns, box=None, header_style="bold")


def escape(text: str) -> str:
    """Text that rich prints as it is."""
    from rich.markup import escape as escape_markup

    return escape_markup(text)
