"""What happens: campaigns made, imported, submitted and sent as people do it."""

from __future__ import annotations

import csv
import hashlib
import http.client
import io
import json
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from billing import thresholds
from billing.models import Period
from campaigns import drafting, submitting, tasks
from campaigns.announcing import announce
from campaigns.forms import CampaignForm
from campaigns.models import Campaign, CampaignTally, ImportState, PauseReason
from campaigns.states import CampaignState, MessageState
from senders.models import SenderID
from sheets.store import Received
from smsconsole.demoing.cast import DAY_LIMIT, Cast
from smsconsole.demoing.numbers import numbers, of_every_fate

WAIT_SECONDS = 120.0
SLOW, SLOWER = 60, 20  # segments a second at the practice carrier
RUNNING_ROWS = 8_000  # at the slower speed some seven minutes: time to look at a running campaign
NAMES = ("Ann", "Bruno", "Chidi", "Dana", "Emre", "Fatima", "Goran", "Hanna", "Irene", "Jun")


class Stuck(Exception):
    """A step did not come about in time; the text says which."""


class Story:
    """Plays the campaigns one after another. *pause* is called while it waits."""

    def __init__(self, cast: Cast, say: Callable[[str], None], pause: Callable[[], None]) -> None:
        self.cast, self.say, self.pause = cast, say, pause

    def play(self) -> None:
        """A campaign in every state, the running one last."""
        self.completed()
        self.waiting_and_over()
        self.set_speed(SLOW)
        self.interrupted()
        self.suspended()
        self.running()

    # --- the campaigns ------------------------------------------------------------------------

    def completed(self) -> None:
        offer = self.draft(
            "Autumn collection", "marketing", "PWAYCARE",
            "Hi ${name}, the autumn collection is here. Your code ${code} takes 15 % off until "
            "Sunday: parcelway.example/a Reply STOP to opt out.",
            cost_centre="MKT-3",
        )  # fmt: skip
        self.import_rows(offer, self.rows(900, 1, with_values=True, with_mistakes=True))
        self.send(offer)
        parcels = self.draft(
            "Parcel on its way", "notification", "PARCELWAY",
            "Your parcel has left our warehouse and arrives within two days. Track it: "
            "parcelway.example/t",
            cost_centre="LOG-7",
        )  # fmt: skip
        self.import_rows(parcels, self.rows(600, 2))
        self.send(parcels)
        codes = self.draft(
            "Sign-in codes by hand", "otp", "PARCELWAY",
            "482913 is your sign-in code for Parcelway. It is valid for 10 minutes.",
            manual="\n".join(of_every_fate()),
        )  # fmt: skip
        self.send(codes)
        for campaign in (offer, parcels, codes):
            self.wait(campaign, CampaignState.COMPLETED)
        self.say("Three campaigns are completed.")

    def waiting_and_over(self) -> None:
        opening = "The new shop in your street opens on Saturday at ten. Coffee is on us."
        later = timezone.now() + timedelta(days=2)
        soon = self.draft("Store opening", "marketing", "PWAYCARE", opening, at=later)
        self.import_rows(soon, self.rows(400, 3))
        self.send(soon)
        next_week = timezone.now() + timedelta(days=7)
        teaser = self.draft("Winter sale teaser", "marketing", "PWAYCARE", opening, at=next_week)
        self.import_rows(teaser, self.rows(250, 4))
        self.send(teaser)
        with transaction.atomic():
            said = {"reason": "The shop moved the date"}
            teaser.move("cancel", by=self.cast.operator, ended_at=timezone.now(), audit=said)
        half = self.draft(
            "Customer survey", "notification", "PARCELWAY",
            "Bonjour ${name}, how was your delivery? Answer three questions: parcelway.example/q",
        )  # fmt: skip
        self.import_rows(half, self.rows(120, 5, with_values=True))
        self.draft("New idea", "", "", "Free delivery this weekend – ask for it!")
        self.say("One campaign is scheduled, one cancelled, two are drafts.")

    def interrupted(self) -> None:
        paused = self.draft(
            "Loyalty points", "notification", "PARCELWAY",
            "You collected new loyalty points this month. See them in your account.",
        )  # fmt: skip
        self.import_rows(paused, self.rows(700, 6))
        self.send(paused)
        self.wait_until_some_left(paused)
        with transaction.atomic():
            said = {"reason": "A wrong link was found"}
            by = self.cast.admin
            paused.move("pause", by=by, pause_reason=PauseReason.PERSON, audit=said)
            announce(paused, "paused")
        stopped = self.draft(
            "Warehouse closed", "notification", "PARCELWAY",
            "Our warehouse is closed today because of the storm. Your parcel comes tomorrow.",
        )  # fmt: skip
        self.import_rows(stopped, self.rows(600, 8))
        self.send(stopped)
        self.wait_until_some_left(stopped)
        with transaction.atomic():
            said = {"reason": "The storm has passed"}
            stopped.move("stop", by=self.cast.operator, ended_at=timezone.now(), audit=said)
            transaction.on_commit(lambda: tasks.ring.delay(stopped.pk))
        rest = stopped.batches.left()
        self.until(lambda: not rest.exists(), "the rest of the stopped campaign to be cancelled")
        self.say("One campaign is paused, one stopped on its way.")

    def suspended(self) -> None:
        """The day's threshold is lowered, met in the middle of a campaign and raised again."""
        campaign = self.draft(
            "Members' evening", "marketing", "PWAYCARE",
            "You are invited to our members' evening on Thursday at seven. Reply STOP to opt out.",
        )  # fmt: skip
        self.import_rows(campaign, self.rows(500, 9))
        used = next(u.used for u in thresholds.usage(self.cast.workspace) if u.period == Period.DAY)
        self.limit(used + 150)
        self.send(campaign, partial_ok=True)
        self.wait(campaign, CampaignState.SUSPENDED)
        self.limit(DAY_LIMIT)
        self.say("One campaign is suspended by a threshold.")

    def running(self) -> None:
        campaign = self.draft(
            "Delivery day", "notification", "PARCELWAY",
            "Hi ${name}, your parcel ${code} arrives today between 9 and 12.",
        )  # fmt: skip
        self.set_speed(SLOWER)
        self.import_rows(campaign, self.rows(RUNNING_ROWS, 10, with_values=True))
        self.send(campaign)
        self.wait(campaign, CampaignState.SENDING)
        minutes = RUNNING_ROWS // SLOWER // 60
        self.say(
            f"One campaign is sending {RUNNING_ROWS:,} messages, {SLOWER} a second: "
            f"for at least {minutes} minutes there is a campaign in every state."
        )

    # --- the steps --------------------------------------------------------------------------

    def draft(
        self, name: str, scenario: str, sender: str, content: str, *,
        manual: str = "", cost_centre: str = "", at: Any = None,
    ) -> Campaign:  # fmt: skip
        """What the person types into the form, kept as a draft."""
        operator = self.cast.operator
        campaign = drafting.open_draft(operator, uuid.uuid4())
        row = SenderID.objects.filter(workspace=self.cast.workspace, value=sender).first()
        typed = {
            "name": name, "scenario": scenario, "sender": str(row.key) if row else "",
            "content": content, "source": "manual" if manual else "import",
            "manual_numbers": manual, "cost_centre": cost_centre,
        }  # fmt: skip
        if at is not None:
            typed |= {"is_scheduled": "on", "date": f"{at:%Y-%m-%d}", "time": "09:30"}
            typed |= {"time_zone": "America/New_York"}
        form = CampaignForm(typed, campaign=campaign)
        drafting.save(campaign, form.kept())
        return campaign

    def import_rows(self, campaign: Campaign, rows: list[list[str]]) -> None:
        """Upload the rows as a file and wait for the worker to check it."""
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        stored = _received(text.getvalue().encode(), f"{campaign.name}.csv").keep()
        with transaction.atomic():
            source = drafting.start_import(campaign, stored, self.cast.operator)
            transaction.on_commit(lambda: tasks.check_import.delay(source.pk))
        self.until(lambda: _has_left(source, ImportState.CHECKING), f"the import of {campaign}")
        source.refresh_from_db()
        campaign.refresh_from_db()
        if source.needs_confirmation:
            drafting.confirm(campaign, self.cast.operator)

    def rows(
        self, count: int, seed: int, *, with_values: bool = False, with_mistakes: bool = False
    ) -> list[list[str]]:
        """A header and *count* lines; with mistakes, some more that are refused."""
        header, found = ["phone_number"], [[number] for number in numbers(count, seed)]
        if with_values:
            header += ["name", "code"]
            found = [
                [*row, NAMES[place % len(NAMES)], f"AC{place * 7919 % 100_000:05}"]
                for place, row in enumerate(found)
            ]
        if with_mistakes:
            opted_out, values = numbers(3, 7)[0], found[0][1:]
            wrong = ["12345", "+1 202 555 01", "+44 20 7946 0018", opted_out]
            found[40:40] = [*([number, *values] for number in wrong), found[3], found[7]]
        return [header, *found]

    def send(self, campaign: Campaign, *, partial_ok: bool = False) -> None:
        """Review and submit, as the operator."""
        campaign.refresh_from_db()
        found = submitting.review(campaign)
        operator: User = self.cast.operator
        with transaction.atomic():
            submitting.submit(campaign, operator, partial_ok=partial_ok, seen=found.token)
            transaction.on_commit(tasks.start_due.delay)

    def limit(self, segments: int) -> None:
        thresholds.set_limit(self.cast.workspace, Period.DAY, segments, 80, self.cast.admin)

    def set_speed(self, rate: int) -> None:
        """Ask the practice carrier for another speed; its next start brings back the usual one."""
        options = self.cast.workspace.carriers.practice().get().options
        place = urlsplit(options["url"])
        call = http.client.HTTPConnection(str(place.hostname), place.port, timeout=5)
        headers = {"Authorization": f"Bearer {options['token']}"}
        call.request("POST", "/faults", json.dumps({"rate": rate}), headers)
        call.getresponse().read()
        call.close()

    # --- waiting ------------------------------------------------------------------------------

    def wait(self, campaign: Campaign, state: CampaignState) -> None:
        def came() -> bool:
            campaign.refresh_from_db()
            return campaign.state == state

        self.until(came, f"{campaign.name}: {state}")

    def wait_until_some_left(self, campaign: Campaign) -> None:
        waiting = MessageState.QUEUED
        gone = CampaignTally.objects.filter(campaign=campaign, messages__gt=0).exclude(
            state=waiting
        )
        self.until(gone.exists, f"the first messages of {campaign.name}")

    def until(self, is_so: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not is_so():
            if time.monotonic() > deadline:
                raise Stuck(what)
            self.pause()


def _has_left(source: Any, state: ImportState) -> bool:
    source.refresh_from_db(fields=["state"])
    return bool(source.state != state)


def _received(content: bytes, name: str) -> Received:
    """The file as an upload leaves it."""
    settings.UPLOADS.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = settings.UPLOADS / f"{uuid.uuid4().hex}.part"
    path.touch(mode=0o600)
    path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return Received(path, name, len(content), digest, too_large=False)
