"""A/B tests: variants on live traffic, with intervals that may be looked at every day."""

from __future__ import annotations

from app import ab_form, ab_list, ab_tests, data_ab, widgets


def draw() -> None:
    found = data_ab.tests()
    if ab_tests.chosen(ab_tests.MAKE):
        ab_form.form()
    elif name := ab_tests.chosen(ab_tests.NAME):
        ab_tests.one(found, name)
    else:
        ab_list.overview(found)


widgets.guarded("The A/B tests did not come.", "Assignment goes on in clients that compute the hash themselves.", draw)
