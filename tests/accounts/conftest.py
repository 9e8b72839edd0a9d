"""People for the tests of teams."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User


@pytest.fixture
def boss(signed_in: Callable[[User], Client], admin: User) -> Client:
    return signed_in(admin)
