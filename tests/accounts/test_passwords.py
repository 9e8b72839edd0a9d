"""Which passwords are taken, and how they are kept."""

from __future__ import annotations

import pytest
from django.conf import global_settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher, get_hasher
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import override_settings

from accounts.models import User
from smsconsole import settings as written

MEILIN = User(email="mei.lin.tan@example.com", name="Mei Lin Tan")


@pytest.mark.parametrize(
    "password",
    [
        "correct horse",
        "only lower letters",
        "ONLYCAPITALSHERE",
        "938571046285",
        "x" * 11 + "é",
        "ひみつのあいことばはながい",
        "four words with spaces " * 6,
        "k" * 64 + "z" * 64,
        "long enough " * 80,
    ],
)
def test_twelve_characters_of_any_kind_are_enough_and_a_thousand_not_too_many(
    password: str,
) -> None:
    validate_password(password, MEILIN)


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("elevenchars", "password_too_short"),
        ("qwerty123456", "password_too_common"),
        ("Mei Lin Tan1", "password_too_similar"),
        ("mei.lin.tan@example.com", "password_too_similar"),
    ],
)
def test_short_common_and_own_names_are_refused(password: str, code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        validate_password(password, MEILIN)
    assert code in {error.code for error in refused.value.error_list}


def test_passwords_are_kept_as_the_framework_keeps_them_today() -> None:
    assert not hasattr(written, "PASSWORD_HASHERS")
    with override_settings(PASSWORD_HASHERS=global_settings.PASSWORD_HASHERS):
        hasher = get_hasher()
    assert type(hasher) is PBKDF2PasswordHasher
    assert hasher.iterations >= 1_000_000
