"""Something to see on every page: campaigns in every state, lists, senders, rates, notices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone

from accounts import audit
from accounts.models import Job, JobState, Membership, Notice, User
from billing import tariffs, thresholds
from billing.models import Period
from campaigns import revealing
from campaigns.importing.reasons import DUPLICATE
from campaigns.models import Campaign, ImportProblem, ImportState, PauseReason, RecipientImport
from campaigns.states import CampaignState as S
from senders.models import (
    ENDED,
    OptOut,
    Registration,
    RegistrationState,
    SenderID,
    SenderState,
)
from tests.billing.building import charge
from tests.campaigns.building import EVERY_STATE, SENT_AT, make_sent_campaign

COUNTRIES = ("SG", "AU", "TR", "GB", "AE", "VN", "ZZ")  # one for each state of a registration
QUESTION = {"answer": "number_column", "choices": ["phone", "mobile"]}
OPTOUTS: dict[str, dict[str, Any]] = {
    "+12025550190": {"source": "typed", "reason": "Replied STOP to the opening of 3 May"},
    "+61491570156": {"source": "file", "reason": "Old system", "file_name": "a long name 2026.csv"},
    "+12025550191": {"source": "erased"},
}
IMPORT = {"found": {
    "read": 60, "valid": 40, "known": 3, "twice": 2, "refused": 20, "column": "phone_number",
    "notices": ["Blank rows skipped: 3."],
    "rows": [[n, "phone_number", "The number is too short for its country."] for n in range(2, 9)],
}}  # fmt: skip
IMPORTS: dict[str, tuple[str, JobState, dict[str, Any]]] = {
    "running": ("check", JobState.RUNNING, {}),
    "question": ("check", JobState.FAILED, {"question": QUESTION}),
    "preview": ("check", JobState.DONE, {}),
    "written": ("written", JobState.DONE, {}),
}


@dataclass(frozen=True)
class Case:
    """One page with one object; *author_id* decides for who may only touch their own."""

    name: str
    about: str = ""
    args: tuple[Any, ...] = ()
    query: str = ""
    author_id: int | None = None

    @property
    def path(self) -> str:
        return reverse(self.name, args=self.args) + self.query

    @property
    def label(self) -> str:
        return "-".join(filter(None, [self.name.replace(":", "-"), self.about]))


class World:
    """Made once for a test; ``cases()`` are the pages that show it."""

    def __init__(self, make: Callable[..., Campaign], carrier: Any, admin: User) -> None:
        self.make, self.carrier, self.admin = make, carrier, admin
        self.campaigns = self.every_state()
        self.author: User = self.campaigns["draft"].author
        self.workspace = self.campaigns["draft"].workspace
        self.lists()
        self.senders = self.every_sender()
        self.every_optout()
        self.members = self.every_member()
        self.rest()

    def every_state(self) -> dict[str, Campaign]:
        found = {"draft": self.make(name="Half an idea"), "scheduled": self.make(name="Opening")}
        later = timezone.now() + timedelta(days=2)
        Campaign.objects.filter(pk=found["scheduled"].pk).update(
            state=S.SCHEDULED, send_at=later, is_scheduled=True, submitted_at=timezone.now(),
            total=2, time_zone="Asia/Tokyo", carrier=self.carrier, sender_value="PARCELWAY",
        )  # fmt: skip
        found["cancelled"] = self.make(name="Called off")
        Campaign.objects.filter(pk=found["cancelled"].pk).update(
            state=S.CANCELLED, send_at=later, submitted_at=timezone.now(), ended_at=timezone.now(),
            total=2, carrier=self.carrier, sender_value="PARCELWAY",
        )  # fmt: skip
        for state in (S.SENDING, S.PAUSED, S.SUSPENDED, S.COMPLETED, S.STOPPED):
            extra: dict[str, Any] = {"state": state, "carrier": self.carrier}
            if state in (S.SENDING, S.PAUSED, S.SUSPENDED):
                extra["ended_at"] = None
            if state == S.PAUSED:
                extra["pause_reason"] = PauseReason.LATE_START
            template = self.make(name=f"Campaign {state}", content="Hi ${name}, ^ it’s on ${day}")
            found[str(state)] = make_sent_campaign(template, EVERY_STATE * 3, **extra)
        for campaign in found.values():
            campaign.refresh_from_db()
            audit.record("campaign.submit", campaign, campaign.author, total=campaign.total)
        revealing.reveal(found["stopped"], self.admin, "A customer complains", timezone.now())
        return found

    def lists(self) -> None:
        """Imports: being checked, with a question, refused, and read with refused rows."""
        about = {"question": QUESTION, "columns": ["phone", "mobile"]}
        self.with_list("checking", state=ImportState.CHECKING, rows_read=40, rows_total=90)
        self.with_list("question", state=ImportState.ASKING, about=about, error="Which one?")
        self.with_list("failed", state=ImportState.FAILED, error="The file is no workbook.")
        source = self.with_list(
            "list", state=ImportState.READY, rows_read=60, accepted=4, refused=56,
            countries={"US": 3, "AU": 1}, tally={DUPLICATE: 1, "not_valid": 55},
            finished_at=timezone.now(), variables=["name"],
            about={"notices": ["The column city is read as text."], "unused": ["city"],
                   "samples": [["0491570006", "+61491570006"]], "ask_country": True},
        )  # fmt: skip
        ImportProblem.objects.bulk_create(
            ImportProblem(
                source=source, row=row, column="phone_number", raw=f"1234{row}",
                code=DUPLICATE if row == 2 else "not_valid",
                sentence="The number is too short for its country. Check that it is whole.",
            )
            for row in range(2, 58)
        )  # fmt: skip

    def with_list(self, name: str, **fields: Any) -> RecipientImport:
        campaign = self.make(name=f"Draft: {name}", content="Hi ${name}", source="import")
        source = RecipientImport.objects.create(
            workspace=campaign.workspace, created_by=campaign.author, size=20_480,
            original_name="a rather long name of a list of customers 2026.xlsx", **fields,
        )  # fmt: skip
        Campaign.objects.filter(pk=campaign.pk).update(recipients=source, manual_numbers="")
        campaign.refresh_from_db()
        self.campaigns[name] = campaign
        return source

    def every_sender(self) -> dict[str, SenderID]:
        found = {}
        for at, state in enumerate(SenderState.values):
            found[state] = SenderID.objects.create(
                workspace=self.workspace, value=f"SHOP{at}", state=state, company="Parcelway Ltd",
                note="Order news", website="https://parcelway.example", requested_by=self.author,
                reason="Register the shop's own name." if state == SenderState.REJECTED else "",
            )  # fmt: skip
            audit.record("sender.register", found[state], self.author)
        today = thresholds.today(self.workspace)
        for country, state in zip(COUNTRIES, RegistrationState, strict=True):
            Registration.objects.create(
                sender=found["approved"], country=country, state=state, note="UEN 201912345K",
                reference="REG-2026-0017", expires_on=today + timedelta(days=200),
                reason="The letter is not signed." if state in ENDED else "",
            )  # fmt: skip
        said = {"country": "AE", "old": "submitted", "new": "rejected", "reason": "Not signed"}
        audit.record("registration.reject", found["approved"], self.admin, **said)
        return found

    def rest(self) -> None:
        today = thresholds.today(self.workspace)
        tariffs.enter(self.workspace, "US", 7_900, SENT_AT.date(), self.admin)
        tariffs.enter(self.workspace, "US", 8_100, today, self.admin)
        thresholds.set_limit(self.workspace, Period.DAY, 20_000, 80, self.admin)
        for country, price in (("US", 7_900), ("AU", 54_000), ("BR", None)):
            charge(self.workspace, today, 1_234, country=country, price=price, failed=56,
                   author=self.author)  # fmt: skip
        self.jobs = {}
        for person in (self.author, self.admin):
            Notice.objects.create(
                workspace=self.workspace, user=person, kind="completed",
                dedupe=f"pages {person.pk}",
                title="Delivery day is completed", body="3 of 3 are through.", path="/campaigns/",
            )  # fmt: skip
            self.jobs[person.pk] = Job.objects.create(
                workspace=self.workspace, user=person, kind="numbers", state=JobState.RUNNING,
                total=90, done=30, options={"campaign": self.campaigns["completed"].pk},
            )  # fmt: skip

    def cases(self, person: User) -> list[Case]:
        return [
            *self._plain(), *self._of_campaigns(), *self._of_senders(), *self._jobs(person),
            *self._of_optouts(person), *self._of_team(),
        ]  # fmt: skip

    def _plain(self) -> list[Case]:
        names = [
            "overview", "profile", "help_abuse", "search", "accounts:notices", "accounts:password",
            "accounts:sessions", "accounts:invitations", "accounts:team", "accounts:team_invite",
            "accounts:audit", "system", "workspace", "erase", "sending_off", "sending_on",
            "campaigns:list", "campaigns:create", "billing:thresholds", "billing:rates",
            "billing:rate_add", "billing:rate_import", "senders:list", "senders:register",
            "senders:rules",
        ]  # fmt: skip
        cases = [Case(name) for name in names]
        cases.append(Case("campaigns:list", "none", query="?q=nothing+is+called+this"))
        cases += [
            Case("billing:statement", about, query=query)
            for about, query in (
                ("", ""), ("narrow", "?country=US&sender=SHOP&by=day"), ("none", "?month=2020-02"),
            )
        ]  # fmt: skip
        cases += [Case("billing:threshold_edit", p, (p,)) for p in ("day", "hour-AU", "number")]
        return [*cases, Case("billing:threshold_remove", "day", ("day",))]

    def _of_campaigns(self) -> list[Case]:
        pairs = [("detail", str(state)) for state in S]
        pairs += [("edit", name) for name in ("draft", "list", "failed")]
        pairs += [("numbers", name) for name in ("checking", "question", "failed", "list")]
        pairs += [("review", name) for name in ("draft", "list")]
        pairs += [("switch", "draft"), ("switch", "list"), ("send_test", "draft")]
        pairs += [("cancel", "scheduled"), ("cancel", "draft"), ("take_back", "scheduled")]
        pairs += [("pause", "sending"), ("resume", "paused"), ("stop", "sending")]
        pairs += [("resume_suspended", "suspended"), ("duplicate", "completed")]
        pairs += [("resend", "completed"), ("resend", "paused"), ("cancel", "completed")]
        pairs += [("reveal", "completed"), ("resolve", "completed")]
        return [
            Case(f"campaigns:{page}", name, (self.campaigns[name].key,), author_id=self.author.pk)
            for page, name in pairs
        ]

    def _of_senders(self) -> list[Case]:
        found = self.senders
        cases = [Case("senders:detail", state, (sender.key,)) for state, sender in found.items()]
        asked = [("approve", "pending"), ("reject", "pending"), ("withdraw", "approved")]
        cases += [Case("senders:decide", act, (found[s].key, act)) for act, s in asked]
        key = found["approved"].key
        cases += [Case("senders:country_add", args=(key,))]
        cases += [Case("senders:country_submit", "draft", (key, COUNTRIES[0]))]
        asked = [("review", 1), ("approve", 2), ("reject", 2), ("renew", 3), ("revoke", 3)]
        for act, at in asked:
            cases.append(Case("senders:country_record", act, (key, COUNTRIES[at], act)))
        return [*cases, Case("senders:resubmit", "rejected", (found["rejected"].key,))]

    def every_member(self) -> dict[str, Membership]:
        """Somebody active, somebody invited and somebody deactivated."""
        found = {"active": Membership.objects.get(user=self.author, workspace=self.workspace)}
        for state in ("invited", "deactivated"):
            address = f"{state}.person.with.a.long.address.{self.workspace.pk}@example.com"
            user = User.objects.create_user(address, name=f"Ann {state.title()}")
            found[state] = Membership.objects.create(
                workspace=self.workspace, user=user, role="viewer", is_active=state == "invited"
            )
        return found

    def _of_team(self) -> list[Case]:
        asked = [("deactivate", "active"), ("end", "active"), ("reactivate", "deactivated")]
        cases = [Case("accounts:team_act", a, (self.members[s].pk, a)) for a, s in asked]
        cases.append(Case("accounts:team_role", args=(self.members["active"].pk,)))
        return [*cases, Case("accounts:team_invite_again", args=(self.members["invited"].pk,))]

    def every_optout(self) -> None:
        """Numbers of every source, and imports at every step."""
        for number, fields in OPTOUTS.items():
            OptOut.objects.create(
                workspace=self.workspace, number=number, added_by=self.author, **fields
            )
        OptOut.objects.filter(source="erased").update(number="", added_by=None)
        self.optout = OptOut.objects.filter(source="typed").first()
        self.imports = {
            (person.pk, about): Job.objects.create(
                workspace=self.workspace, user=person, kind="optouts.import", state=state,
                file_name="people who asked for no more messages, August 2026.xlsx", total=60,
                done=20, options={"step": step, "added": 1_204, **IMPORT, **more},
                error="The columns are named home and work." if more else "",
            )
            for person in (self.author, self.admin)
            for about, (step, state, more) in IMPORTS.items()
        }  # fmt: skip

    def _of_optouts(self, person: User) -> list[Case]:
        cases = [Case(f"optouts:{name}") for name in ("list", "add", "import", "export")]
        cases.append(Case("optouts:list", "none", query="?source=file&before=1"))
        cases.append(Case("optouts:remove", "typed", (self.optout.key,)))
        return cases + [
            Case("optouts:import_job", about, (job.key,), author_id=person.pk)
            for (owner, about), job in self.imports.items()
            if owner == person.pk
        ]

    def _jobs(self, person: User) -> list[Case]:
        job = self.jobs.get(person.pk)
        return [Case("campaigns:job", "running", (job.key,), author_id=person.pk)] if job else []
