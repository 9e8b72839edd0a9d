"""What the tests of teams do and read."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.test import Client

from accounts.models import AuditEvent, Membership, User

SignIn = Callable[[User], Client]
SERVER = "smtp://mail.example:25"


def person_of(member: Membership) -> Membership:
    return Membership.objects.get(pk=member.pk)


def invited(client: Client, email: str = "ann@example.com", role: str = "viewer") -> Any:
    given = {"email": email, "name": "Ann Lee", "role": role}
    return client.post("/team/invite/", given, follow=True)


def events(action: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=action))


def words(answer: Any) -> str:
    text = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return " ".join(text.split())
