"""Registrations by country: every move, who hears of it, and what time does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts import dates
from accounts.models import AuditEvent, Notice, User
from accounts.roles import Role
from senders import registering, reviewing
from senders.models import (
    ENDED,
    REGISTRATION_MOVES,
    Registration,
    RegistrationState,
    SenderID,
    SenderState,
    WrongSenderState,
)

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
DAY = NOW.date()


@pytest.fixture
def sender(make_sender: Any, operator: User) -> SenderID:
    return make_sender(requested_by=operator)


@pytest.fixture
def register(sender: SenderID) -> Any:
    def make(state: str = "approved", country: str = "SG", **more: Any) -> Registration:
        return Registration.objects.create(sender=sender, country=country, state=state, **more)

    return make


@pytest.mark.parametrize("action", sorted(REGISTRATION_MOVES))
@pytest.mark.parametrize("state", RegistrationState.values)
def test_every_move_from_every_state(
    register: Any, admin: User, sender: SenderID, action: str, state: str
) -> None:
    origins, target = REGISTRATION_MOVES[action]
    registration = register(state)
    if state not in origins:
        with pytest.raises(WrongSenderState):
            registration.move(action, admin, NOW, reason="Why")
        registration.refresh_from_db()
        assert registration.state == state
        assert not AuditEvent.objects.exists()
        return
    registration.move(action, admin, NOW, reason="Why")
    assert (registration.state, registration.changed_by) == (target, admin)
    event = AuditEvent.objects.get()
    assert (event.action, event.object_id) == (f"registration.{action}", str(sender.pk))
    said = {"country": "SG", "old": state, "new": target, "reason": "Why"}
    assert event.data == said


def test_a_stale_twin_loses(register: Any, admin: User) -> None:
    registration = register("submitted")
    twin = Registration.objects.get(pk=registration.pk)
    registration.move("approve", admin, NOW)
    with pytest.raises(WrongSenderState):
        twin.move("reject", admin, NOW, reason="No")
    assert AuditEvent.objects.count() == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_admins_at_the_same_moment_record_one_answer(register: Any, admin: User) -> None:
    registration = register("submitted")
    barrier, lost = Barrier(2), []

    def decide(action: str) -> None:
        mine = Registration.objects.select_related("sender").get(pk=registration.pk)
        barrier.wait()
        try:
            mine.move(action, admin, NOW, reason="At once")
        except WrongSenderState:
            lost.append(action)
        finally:
            connection.close()

    threads = [Thread(target=decide, args=(action,)) for action in ("approve", "reject")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lost) == 1
    assert AuditEvent.objects.count() == 1


def test_a_no_can_be_submitted_again_and_the_history_stays(
    register: Any, admin: User, operator: User, sender: SenderID
) -> None:
    registration = register("submitted")
    registering.move(registration, "reject", admin, reason="The letter is not signed")
    registering.move(registration, "submit", operator)
    registering.move(registration, "approve", admin, reference="REG-7", expires_on=date(2027, 5, 1))
    assert (registration.state, registration.reason) == ("approved", "")
    assert (registration.reference, registration.expires_on) == ("REG-7", date(2027, 5, 1))
    told = [
        e.data.get("reason") or e.data.get("reference") for e in AuditEvent.objects.order_by("pk")
    ]
    assert told == ["The letter is not signed", None, "REG-7"]


def test_countries_are_asked_for_with_the_sender_id(
    operator: User, admin: User, workspace: Any
) -> None:
    sender = SenderID(value="SHOP", company="Shop Ltd", note="News", state=SenderState.PENDING)
    reviewing.register(sender, workspace, operator, ["SG", "AU"])
    assert dict(sender.registrations.values_list("country", "state")) == {
        "SG": "submitted", "AU": "submitted",
    }  # fmt: skip
    assert registering.add(sender, ["SG"], operator) == 0
    assert Notice.objects.filter(user=admin, kind="sender.review").count() == 1


@pytest.mark.parametrize("action", ["approve", "reject", "revoke"])
def test_the_requester_hears_what_the_registry_said(
    register: Any, operator: User, admin: User, action: str
) -> None:
    registration = register("approved" if action == "revoke" else "submitted")
    registering.move(registration, action, admin, reason="As they wrote")
    notice = Notice.objects.get(user=operator)
    assert "PARCELWAY" in notice.title
    assert "Singapore" in notice.title
    assert not Notice.objects.filter(user=admin).exists(), "whoever wrote it down knows"


class TestTime:
    @pytest.mark.parametrize(("days", "expected"), [(-1, "expired"), (0, "approved")])
    def test_the_last_day_counts_whole(self, register: Any, days: int, expected: str) -> None:
        registration = register(expires_on=DAY + timedelta(days=days))
        assert registration.state_on(DAY) == expected
        registering.sweep(NOW)
        registration.refresh_from_db()
        assert registration.state == expected

    @pytest.mark.parametrize(
        ("zone", "expected"), [("Pacific/Kiritimati", "expired"), ("Pacific/Pago_Pago", "approved")]
    )
    def test_the_day_is_the_workspace_s(
        self, register: Any, workspace: Any, zone: str, expected: str
    ) -> None:
        workspace.time_zone = zone
        workspace.save()
        registration = register(expires_on=DAY)
        registering.sweep(NOW.replace(hour=23))
        registration.refresh_from_db()
        assert registration.state == expected

    def test_what_ran_out_says_so_once(self, register: Any, admin: User, operator: User) -> None:
        register(expires_on=DAY - timedelta(days=3))
        for _ in range(2):
            registering.sweep(NOW)
        assert Notice.objects.filter(kind="registration.expire").count() == 2
        assert AuditEvent.objects.get().actor is None

    @pytest.mark.parametrize(("left", "told"), [(31, 0), (30, 1), (12, 1), (7, 1), (1, 1), (0, 1)])
    def test_admins_are_told_ahead(self, register: Any, admin: User, left: int, told: int) -> None:
        register(expires_on=DAY + timedelta(days=left))
        for _ in range(2):
            registering.sweep(NOW)
        assert Notice.objects.filter(user=admin, kind="registration.expires").count() == told

    def test_every_admin_reads_the_day_as_they_have_dates_written(
        self, register: Any, admin: User, make_person: Any, workspace: Any
    ) -> None:
        other = make_person(Role.ADMIN, workspace, "Olga Other")
        User.objects.filter(pk=other.pk).update(date_language="de")
        until = DAY + timedelta(days=7)
        register(expires_on=until)
        registering.sweep(NOW)
        said = dict(Notice.objects.values_list("user", "body"))
        assert f"until {dates.MANNERS['en'].write(until, 'date')}." in said[admin.pk]
        assert f"until {dates.MANNERS['de'].write(until, 'date')}." in said[other.pk]
        assert said[admin.pk] != said[other.pk]

    def test_30_and_7_days_ahead_are_two_notices(
        self, register: Any, admin: User, operator: User
    ) -> None:
        register(expires_on=DAY + timedelta(days=30))
        for days in range(25):
            registering.sweep(NOW + timedelta(days=days))
        titles = list(Notice.objects.order_by("pk").values_list("user", "title"))
        assert titles == [
            (admin.pk, "PARCELWAY expires in Singapore in 30 days"),
            (admin.pk, "PARCELWAY expires in Singapore in 7 days"),
        ]

    def test_a_renewed_one_is_told_of_again(self, register: Any, admin: User) -> None:
        registration = register(expires_on=DAY + timedelta(days=5))
        registering.sweep(NOW)
        registering.move(registration, "renew", admin, expires_on=DAY + timedelta(days=20))
        registering.sweep(NOW)
        assert Notice.objects.filter(kind="registration.expires").count() == 2

    def test_reading_knows_before_the_sweep(self, register: Any) -> None:
        today = timezone.now().date()
        register(expires_on=today - timedelta(days=1))
        register("revoked", "AU")
        register("approved", "VN", expires_on=today)
        register("submitted", "TR", expires_on=today - timedelta(days=1))
        found = Registration.objects.all().ended(today)
        assert set(found.values_list("country", flat=True)) == {"SG", "AU"}

    def test_what_ran_out_unswept_can_be_renewed_and_its_end_is_in_the_history(
        self, register: Any, admin: User
    ) -> None:
        registration = register(expires_on=timezone.now().date() - timedelta(days=2))
        assert "revoke" not in registering.offered(registration, timezone.now().date())
        registering.move(registration, "renew", admin, expires_on=None)
        actions = list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))
        assert actions == ["registration.expire", "registration.renew"]


def test_a_state_that_ended_is_left_only_by_submitting_or_renewing() -> None:
    ways = {a for a, (origins, _to) in REGISTRATION_MOVES.items() if origins & ENDED}
    assert ways == {"submit", "renew"}
