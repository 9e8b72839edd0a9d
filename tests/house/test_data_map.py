"""SR52: every column that can hold words is in the data map, personal or not."""

from __future__ import annotations

import re

import pytest
from django.apps import apps
from django.db import models

from tests.house.reading import APPS, ROOT

WORDS = (models.CharField, models.TextField, models.JSONField, models.BinaryField)
MAP = (ROOT / "docs" / "privacy.md").read_text("utf-8")


def columns() -> list[str]:
    return [
        f"{model._meta.db_table}.{field.column}"
        for app in APPS
        if apps.is_installed(app)
        for model in apps.get_app_config(app).get_models()
        for field in model._meta.local_fields
        if isinstance(field, WORDS)
    ]


def mapped() -> list[str]:
    """`table.a`, `.b`: a name that begins with a point belongs to the table before it."""
    found, table = [], ""
    for name in re.findall(r"`([a-z0-9_]*\.[a-z0-9_]+)`", MAP):
        table = name.partition(".")[0] or table
        found.append(f"{table}.{name.partition('.')[2]}")
    return found


@pytest.mark.parametrize("column", columns())
def test_a_column_of_words_is_in_the_data_map(column: str) -> None:
    assert column in mapped()


def test_the_data_map_names_no_column_that_is_gone() -> None:
    tables = {column.partition(".")[0] for column in columns()}
    named = {name for name in mapped() if name.partition(".")[0] in tables}
    assert named - set(columns()) == set()


def test_no_column_is_named_twice() -> None:
    assert len(mapped()) == len(set(mapped()))
