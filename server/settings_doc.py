"""The settings as a Markdown table, for the README. `python -m server.settings_doc` prints it."""

from __future__ import annotations

from pathlib import Path

from pydantic.fields import FieldInfo

from server.settings import MIB, Settings


def table() -> str:
    """One row a setting, in the order of the code: variable, default, meaning."""
    rows = (f"| `ASSAY_{name.upper()}` | {default(info)} | {info.description} |" for name, info in fields())
    return "\n".join(("| variable | default | meaning |", "|---|---|---|", *rows))


def fields() -> list[tuple[str, FieldInfo]]:
    return list(Settings.model_fields.items())


def default(info: FieldInfo) -> str:
    """As one would write it in the environment; an unset one is empty."""
    match info.default:
        case None:
            return ""
        case bool() as switch:
            return f"`{str(switch).lower()}`"
        case int() as size if size and size % MIB == 0:
            return f"`{size}` ({size // MIB} MiB)"
        case tuple() as items:
            return f"`{list(items)}`".replace("'", '"')
        case Path() | str() | int() | float() as value:
            return f"`{value}`"
        case other:
            raise TypeError(other)


if __name__ == "__main__":
    print(table())  # noqa: T201 - this is its purpose
