"""Texts arrive in the database as they are, whatever stands in them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns import bulk
from campaigns.models import ImportProblem, ImportState, Recipient, RecipientImport

WILD = [
    "plain", "", "a\tb", "a\nb", "a\r\nb", "back\\slash", "\\N", "\\.", "\\t", '"quoted"', "'",
    "陈", "😀", "\u2028", "\x7f", "\ufeff", "a\x0bb", "$1", "%s", "{}", "null", "\u00e9",
]  # fmt: skip
PLACE = ("source", "row", "number", "country", "values")


@pytest.fixture
def source(workspace: Any, operator: Any) -> RecipientImport:
    return RecipientImport.objects.create(
        workspace=workspace, created_by=operator, original_name="list.csv", size=1,
        state=ImportState.CHECKING,
    )  # fmt: skip


@pytest.mark.django_db
def test_any_value_is_stored_as_it_is(source: RecipientImport) -> None:
    values = [[text, f"{text}{text}"] for text in WILD]
    rows = [(source.pk, n, "+12025550123", "US", given) for n, given in enumerate(values, 1)]
    bulk.insert(Recipient, PLACE, rows)
    bulk.insert(Recipient, PLACE, [])
    bulk.insert(Recipient, PLACE, [(source.pk, 99, "+12025550123", "US", ("in", "a tuple"))])
    found = Recipient.objects.order_by("row").values_list("values", flat=True)
    assert list(found) == [*values, ["in", "a tuple"]]
    assert Recipient.objects.filter(values=["a\tb", "a\tba\tb"]).count() == 1


@pytest.mark.django_db
def test_any_problem_is_stored_as_it_is(source: RecipientImport) -> None:
    columns = ("source", "row", "column", "raw", "code", "sentence")
    rows = [(source.pk, n, text, text, "code", text) for n, text in enumerate(WILD, 1)]
    bulk.insert(ImportProblem, columns, rows)
    found = ImportProblem.objects.order_by("row").values_list("column", "raw", "sentence")
    assert list(found) == [(text, text, text) for text in WILD]


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inside: st.lists(inside) | st.tuples(inside) | st.dictionaries(st.text(), inside),
    )
    | st.lists(st.text())
)
def test_what_goes_into_a_digest_is_the_json_of_the_standard_library(values: Any) -> None:
    assert bulk.as_json(values) == json.dumps(values, ensure_ascii=False)
