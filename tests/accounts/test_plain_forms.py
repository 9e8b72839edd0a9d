"""No form answers in the framework's words: each sentence names the field and says what to do."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.test import Client

from accounts.models import User
from accounts.plain_forms import Plain, say
from tests.house.reading import APPS, ROOT, python_files

THEIRS = (
    "This field", "Enter a", "Select a valid", "Ensure this value", "Ensure that",
    "Null characters", "No file was submitted", "The submitted", "Please submit",
    "Please enter", "is not a valid",
    "is not one of the available", "The two password fields",
)  # fmt: skip
BAD: tuple[Any, ...] = (
    "", None, " ", "x", "-1", "999999999999999999999", "1.123456789", "a\0b", "x" * 5000,
    "NaN", "2026-13-45", "\ud800",
)  # fmt: skip


def _below(kind: type) -> Iterator[type]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def _ours() -> list[type[forms.BaseForm]]:
    for path in python_files(*APPS):
        if "plain_forms" in (ROOT / path).read_text("utf-8") or path.endswith("forms.py"):
            importlib.import_module(path.removesuffix(".py").replace("/", "."))
    found = {one for one in _below(forms.BaseForm) if one.__module__.split(".")[0] in APPS}
    return sorted(found, key=lambda one: f"{one.__module__}.{one.__name__}")


FORMS = _ours()


@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form.__module__}.{form.__name__}")
def test_no_field_of_a_form_speaks_the_frameworks_words(form: Any) -> None:
    assert issubclass(form, Plain)
    fields = copy.deepcopy(form.base_fields)
    say(fields)
    for name, field in fields.items():
        many = isinstance(field, forms.MultipleChoiceField)
        for value in (["x"], [], "x") if many else BAD:
            try:
                field.clean(value)
            except ValidationError as error:
                said = " ".join(error.messages)
                assert not any(words in said for words in THEIRS), (name, value, said)
                assert "{field}" not in said


def test_there_is_no_form_that_is_not_walked() -> None:
    assert len(FORMS) > 25
    for path in python_files(*APPS):
        if path != "accounts/plain_forms.py":
            text = (ROOT / path).read_text("utf-8")
            assert "(forms.Form)" not in text, path
            assert "(forms.ModelForm)" not in text, path


def test_an_error_names_its_field_and_says_what_to_do(
    signed_in: Callable[..., Client], admin: User
) -> None:
    client = signed_in(admin)
    given = {"name": "", "time_zone": "UTC", "date_language": "xx", "test_numbers": ""}
    page = client.post("/profile/", given).content.decode()
    assert "Name is missing. Fill it in." in page
    assert "Language of dates is not one of the list. Choose one of it." in page
    given["name"] = "x" * 101
    page = client.post("/profile/", given).content.decode()
    assert "Name has 101 characters; at most 100 are kept. Shorten it." in page


def test_two_passwords_that_differ_are_told_in_our_words(
    signed_in: Callable[..., Client], admin: User
) -> None:
    given = {"old_password": "wrong", "new_password1": "a b c d e f g h", "new_password2": "x"}
    page = signed_in(admin).post("/password/", given).content.decode()
    assert "The two new passwords differ" in page
    assert "The present password is not right" in page
