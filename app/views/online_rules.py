"""Online rules: what scores new traces as they come, how far it is, and what of it failed."""

from __future__ import annotations

from app import data, data_rules, rule_form, rules, widgets

try:
    found = data_rules.rules()
except data.ApiError as error:
    widgets.failed("The rules did not come.", error, "They go on without this page; scores stand on the Trace page.")
    widgets.end()

if rules.chosen(rules.MAKE):
    rule_form.form(None)
elif name := rules.chosen(rules.EDIT):
    rule_form.form(next((rule for rule in found if rule["name"] == name), None))
elif name := rules.chosen(rules.NAME):
    rules.one(found, name)
else:
    rules.overview(found)
