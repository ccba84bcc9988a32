"""What `assay dashboards` reads, sends and says of dashboards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluators.documents import DocumentError
from server.client import Client
from server.dashboards import Chart, Content
from server.told_entries import Told, read, set_each
from server.when import told_time

Row = dict[str, Any]


def row(board: Mapping[str, Any]) -> Row:
    """A dashboard as a row of a table."""
    return {
        "name": board["name"], "charts": board["charts"], "version": board["version"],
        "changed": told_time(board["changed_at"]), "by": board["changed_by"] or "unknown",
    }  # fmt: skip


def read_dashboards(path: Path) -> list[Told]:
    """The dashboards of a YAML file `dashboards: [...]`; see `told_entries.read`."""
    return read(path, "dashboards", Content)


def set_dashboards(client: Client, told: Sequence[Told], author: str | None) -> list[Row]:
    """Make each what the file says, by name; the dashboards as they are now. See `told_entries.set_each`."""
    held = {str(one["name"]): one for one in client.dashboards()}

    def put(one: Told) -> Row:
        known = held.get(one.name)
        if known is None:
            return client.add_dashboard(one.name, one.terms["charts"], author)
        return client.change_dashboard(known["dashboard_id"], known["version"], one.name, one.terms["charts"], author)

    return set_each(told, put, lambda one: f"{one.where}, dashboard {one.name!r}")


def document(client: Client, names: Sequence[str]) -> str:
    """Dashboards as YAML that `assay dashboards import` takes, all when none is named.

    Raises:
        DocumentError: there is none of a name.
    """
    import yaml  # noqa: PLC0415 - only where a text is written

    held = {str(one["name"]): str(one["dashboard_id"]) for one in client.dashboards()}
    for name in names:
        if name not in held:
            known = ", ".join(held) or "none"
            raise DocumentError(f"There is no dashboard {name!r}. There are: {known}.")
    boards = [client.dashboard(held[name]) for name in names or held]
    told = [{"name": one["name"], "charts": [_chart(chart) for chart in one["charts"]]} for one in boards]
    return yaml.dump({"dashboards": told}, Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=120)


def _chart(chart: Mapping[str, Any]) -> Row:
    """Without what every chart has that says nothing else."""
    usual = {name: field.get_default(call_default_factory=True) for name, field in Chart.model_fields.items()}
    return {name: value for name, value in chart.items() if name in {"name", "sql"} or value != usual[name]}


def _dumper() -> Any:
    """Writes texts of several lines as blocks, as people do."""
    import yaml  # noqa: PLC0415

    class Blocks(yaml.SafeDumper):
        pass

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Blocks.add_representer(str, text)
    return Blocks
