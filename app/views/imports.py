"""Import: files of traces taken in, by what they look like; what became of those before."""

from __future__ import annotations

from app import imports, widgets

if import_id := imports.chosen():
    widgets.guarded(
        "The import did not come.", "What is stored of it stays; the list of imports may still answer.",
        lambda: imports.page(import_id),
    )  # fmt: skip
else:
    widgets.guarded("The imports did not come.", "What was imported stays.", imports.overview)
