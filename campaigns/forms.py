"""The form of a campaign: everything typed is kept, and only a review asks for all of it."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from functools import lru_cache
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import plain_forms
from accounts.forms import ZoneSelect
from accounts.free_words import no_number_in_cost_centre, no_number_in_task_name
from campaigns import clock
from campaigns.models import Campaign, ImportState, RecipientImport
from campaigns.models.campaign import MANUAL_MAX, NAME_MAX, ScenarioType, Source
from senders.models import SenderID
from sheets.spoken import LABEL_FEWEST, holds_number
from sms import schedule
from sms.display import hide_entry, hide_numbers
from sms.numbers import BadNumber, parse_number, split_numbers
from sms.template import TemplateError, compile
from sms.text import (
    MAX_SEGMENTS,
    TEMPLATE_MAX,
    BadText,
    clean_name,
    is_blank,
    measure,
    normalise,
    unwanted,
)

COST_CENTRE_MAX = 40
ZONE_MAX = 64
LONGEST = {"cost_centre": COST_CENTRE_MAX, "date": 10, "time": 5, "time_zone": ZONE_MAX}
NUMBERS_SHOWN = 5
WALL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}")
UNREADY = {
    ImportState.RECEIVING: gettext_lazy("The file has not arrived yet. Wait a moment."),
    ImportState.CHECKING: gettext_lazy("The file is still being checked. Wait a moment."),
    ImportState.ASKING: gettext_lazy("The file needs an answer. Open the import result."),
    ImportState.FAILED: gettext_lazy(
        "The file was refused. Open the import result, or replace it."
    ),
}


def _text(label: Any, *, strip: bool = True, css: str = "form-control", **attrs: Any) -> Any:
    widget = forms.TextInput(attrs={"class": css, "autocomplete": "off", **attrs})
    return forms.CharField(label=label, required=False, strip=strip, widget=widget)


class CampaignForm(plain_forms.Form):
    """Create campaign. ``kept`` is what a draft stores of any input, valid or not.

    ``campaign`` is the draft the input belongs to, for the list it already has; a form made
    by ``of`` asks the stored draft the same questions. *is_masked* says that the person may not
    see the numbers somebody typed: no sentence about the stored ones shows them.
    """

    scenario = forms.ChoiceField(
        label=gettext_lazy("Scenario Type"),
        choices=ScenarioType.choices,
        widget=forms.RadioSelect,
        error_messages={
            "required": gettext_lazy("Choose what kind of message this is."),
            "invalid_choice": gettext_lazy("Choose one of the three scenario types."),
        },
    )
    name = _text(gettext_lazy("Task Name"))
    sender = plain_forms.RowField(
        label=gettext_lazy("Sender ID"),
        queryset=SenderID.objects.none(),
        to_field_name="key",
        empty_label=gettext_lazy("Choose a sender ID"),
        widget=forms.Select(attrs={"class": "form-select"}),
        error_messages={
            "required": gettext_lazy("Choose an approved sender ID."),
            "invalid_choice": gettext_lazy("This sender ID is not approved. Choose another one."),
        },
    )
    content = forms.CharField(
        label=gettext_lazy("Message Content"), required=False, strip=False, widget=forms.Textarea
    )
    source = forms.ChoiceField(
        label=gettext_lazy("Recipient Numbers"), choices=Source.choices, widget=forms.RadioSelect
    )
    file = forms.FileField(label=gettext_lazy("Import Data"), required=False)
    manual_numbers = forms.CharField(
        label=gettext_lazy("Mobile numbers"), required=False, strip=False, widget=forms.Textarea
    )
    cost_centre = _text(gettext_lazy("Cost centre"))
    is_scheduled = forms.BooleanField(label=gettext_lazy("Schedule Campaign"), required=False)
    date = _text(gettext_lazy("Date"), type="date")
    time = _text(gettext_lazy("Time"), type="time")
    time_zone = forms.CharField(
        label=gettext_lazy("Time zone"),
        required=False,
        widget=ZoneSelect(),
    )
    fold = forms.ChoiceField(
        label=gettext_lazy("Which of the two"), choices=(("0", "0"), ("1", "1")), required=False
    )

    def __init__(
        self, *args: Any, campaign: Campaign, is_masked: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.campaign = campaign
        self.is_masked = is_masked
        senders = SenderID.objects.filter(workspace_id=campaign.workspace_id).usable()
        self.fields["sender"].queryset = senders.order_by("value")  # type: ignore[attr-defined]
        zone = self.data.get("time_zone") or campaign.time_zone
        self.fields["time_zone"].widget.choices = zone_choices(zone)
        self.send_at: datetime | None = None
        self.gap: tuple[datetime, datetime] | None = None
        self.twice: tuple[datetime, datetime] | None = None

    @classmethod
    def of(cls, campaign: Campaign, *, is_masked: bool = False) -> CampaignForm:
        """The stored draft as if it had just been typed: its errors are what it lacks."""
        return cls(typed(campaign), campaign=campaign, is_masked=is_masked)

    # --- one field at a time ------------------------------------------------------------

    def clean_name(self) -> str:
        try:
            name = clean_name(self.cleaned_data["name"], NAME_MAX)
        except BadText as bad:
            raise forms.ValidationError(_(bad.message), code=bad.problem) from bad
        no_number_in_task_name(name)
        return name

    def clean_cost_centre(self) -> str:
        label = self.cleaned_data["cost_centre"]
        if len(label) > COST_CENTRE_MAX or len(label.splitlines()) > 1:
            text = _("A cost centre is one line of at most %(n)d characters.")
            raise forms.ValidationError(text, code="too_long", params={"n": COST_CENTRE_MAX})
        no_number_in_cost_centre(label)
        return label

    def clean_content(self) -> str:
        content = normalise(self.cleaned_data["content"])
        if len(content) > TEMPLATE_MAX:
            text = _("The text has %(n)d characters, at most %(most)d are allowed. Shorten it.")
            params = {"n": len(content), "most": TEMPLATE_MAX}
            raise forms.ValidationError(text, code="too_long", params=params)
        if is_blank(content):
            raise forms.ValidationError(_("Write the text of the message."), code="required")
        for found in unwanted(content):
            if found.kind == "refused":
                text = _("Character %(at)d is %(name)s, which cannot be sent. Remove it.")
                where = {"at": found.position + 1, "name": found.name}
                raise forms.ValidationError(text, code="control", params=where)
        self._check_template(content)
        return content

    def _check_template(self, content: str) -> None:
        try:
            names = compile(content).names
        except TemplateError as bad:
            text = _("At character %(at)d: %(said)s")
            where = {"at": bad.position + 1, "said": _(bad.message)}
            raise forms.ValidationError(text, code="template", params=where) from bad
        segments = measure(content).segments
        if not names and segments > MAX_SEGMENTS:
            text = _("The text needs %(n)d segments, at most %(most)d are allowed. Shorten it.")
            params = {"n": segments, "most": MAX_SEGMENTS}
            raise forms.ValidationError(text, code="too_long", params=params)

    # --- fields together ------------------------------------------------------------------

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("source") == Source.MANUAL:
            self._check_manual(cleaned)
        else:
            self._check_import(cleaned)
        if cleaned.get("is_scheduled"):
            self._check_schedule(cleaned)
        return cleaned

    def _check_manual(self, cleaned: dict[str, Any]) -> None:
        entries = split_numbers(self._words()["manual_numbers"])
        if has_variables := bool(self._names(cleaned)):
            text = _(
                "Typed numbers have no values for variables. Remove the variables from the"
                " content, or choose Import Data."
            )
            self.add_error("manual_numbers", forms.ValidationError(text, code="variables"))
        if not entries:
            if not has_variables and "manual_numbers" not in self.errors:
                self.add_error("manual_numbers", _("Type at least one number, or import a file."))
        elif len(entries) > MANUAL_MAX:
            text = _(
                "There are %(n)d numbers; at most %(most)d can be typed. Choose Import Data for"
                " more: Download Sample, fill it in and import it."
            )
            params = {"n": len(entries), "most": MANUAL_MAX}
            error = forms.ValidationError(text, code="too_many", params=params)
            self.add_error("manual_numbers", error)
        else:
            self._check_numbers(entries)

    def _check_numbers(self, entries: list[str]) -> None:
        hidden = self.is_masked and self._words()["manual_numbers"] == self.campaign.manual_numbers
        shown, said = (hide_entry, hide_numbers) if hidden else (str, str)
        refused = []
        for place, entry in enumerate(entries, 1):
            try:
                parse_number(entry)
            except BadNumber as bad:
                params = {"at": place, "entry": shown(entry)[:40], "said": said(_(bad.hint))}
                text = _("Number %(at)d, %(entry)s: %(said)s")
                refused.append(forms.ValidationError(text, code=bad.problem, params=params))
        for error in refused[:NUMBERS_SHOWN]:
            self.add_error("manual_numbers", error)
        if more := len(refused[NUMBERS_SHOWN:]):
            text = ngettext(
                "%(n)d more number is refused.", "%(n)d more numbers are refused.", more
            )
            self.add_error("manual_numbers", forms.ValidationError(text, params={"n": more}))

    def _check_import(self, cleaned: dict[str, Any]) -> None:
        source = self.campaign.recipients
        if source is None or source.is_manual:
            self.add_error("file", _("Import a file with the numbers, or type up to 100."))
        elif not source.is_ready:
            self.add_error("file", UNREADY[ImportState(source.state)])
        elif not source.accepted:
            self.add_error("file", _("The file holds no valid number. Import another one."))
        else:
            self._check_columns(cleaned, source)

    def _check_columns(self, cleaned: dict[str, Any], source: RecipientImport) -> None:
        missing = [n for n in self._names(cleaned) if n not in source.variables]
        if missing:
            named = ", ".join(f"${{{name}}}" for name in missing)
            columns = ", ".join(source.about.get("columns", ())) or "–"
            text = _(
                "The file has no column for %(names)s. Its columns are: %(columns)s. Correct the"
                " content, or import a file with these columns."
            )
            params = {"names": named, "columns": columns}
            self.add_error("content", forms.ValidationError(text, code="unknown", params=params))

    def _names(self, cleaned: dict[str, Any]) -> tuple[str, ...]:
        """The variables of the content, as far as it can be read."""
        try:
            return compile(normalise(cleaned.get("content") or self._raw("content"))).names
        except TemplateError:
            return ()

    def _check_schedule(self, cleaned: dict[str, Any]) -> None:
        if not {"date", "time", "time_zone"} <= cleaned.keys():
            return  # the field itself has said what is wrong with it
        try:
            wall = schedule.wall_time(cleaned["date"], cleaned["time"])
            fold = cleaned.get("fold")
            at = schedule.resolve(wall, cleaned["time_zone"], int(fold) if fold else None)
            schedule.check_ahead(at, clock.now(), settings.SCHEDULE_MAX_DAYS)
            self.send_at = at
            if fold:
                self._note_twice(wall, cleaned["time_zone"])
        except schedule.WallTimeMissing as bad:
            self.gap = (bad.before, bad.after)
            self.add_error("time", _(bad.message))
        except schedule.WallTimeTwice as bad:
            self.twice = (bad.first_utc, bad.second_utc)
            self.add_error("fold", _(bad.message))
        except schedule.UnknownZone as bad:
            self.add_error("time_zone", _(bad.message))
        except schedule.ScheduleError as bad:
            self.add_error("date", _(bad.message))

    def _note_twice(self, wall: datetime, zone: str) -> None:
        """The question stays on the page after it was answered."""
        try:
            schedule.resolve(wall, zone)
        except schedule.WallTimeTwice as bad:
            self.twice = (bad.first_utc, bad.second_utc)

    # --- what a draft keeps -----------------------------------------------------------------
    def _raw(self, name: str) -> str:
        text = str(self.data.get(name) or "").replace("\x00", "")
        return text.replace("\r\n", "\n")  # as scripts send it, too: one text, one draft

    def kept(self) -> dict[str, Any]:
        """Columns for the draft, from any input: what is not yet right is kept as it is.

        What no column can hold whole is not kept at all, so that no cut value is ever sent.
        """
        self.full_clean()
        words = self._words()
        date, time = words["date"].strip(), words["time"].strip()
        return {
            "scenario": words["scenario"] if words["scenario"] in ScenarioType.values else "",
            "name": short(words["name"], NAME_MAX),
            "sender": self.cleaned_data.get("sender"),
            "content": normalise(words["content"]),
            "source": words["source"] if words["source"] in Source.values else self.campaign.source,
            "manual_numbers": words["manual_numbers"],
            "cost_centre": short(words["cost_centre"], COST_CENTRE_MAX),
            "is_scheduled": bool(self.cleaned_data.get("is_scheduled")),
            "wall_time": f"{date}T{time}" if date or time else "",
            "time_zone": words["time_zone"].strip(),
            "fold": int(words["fold"]) if words["fold"] in ("0", "1") else None,
            "send_at": self.send_at,
        }

    def _words(self) -> dict[str, str]:
        """What was typed, and what the draft holds already where that does not fit."""
        words = typed(self.campaign)
        lost = set(self.lost()) | ({"manual_numbers"} - self.data.keys())
        if lost & {"date", "time"}:  # half of a new moment and half of the old one are neither
            lost |= {"date", "time"}
        return words | {name: self._raw(name) for name in words if name not in lost}

    def only(self, *names: str) -> None:
        """Keep the errors of *names*: nobody asked for the others yet."""
        for name in [name for name in self.errors if name not in names]:
            del self.errors[name]

    def lost(self) -> list[str]:
        """Fields whose input a draft cannot hold as it is; their errors must be seen now."""
        return [name for name in typed(self.campaign) if not self._fits(name)]

    def _fits(self, name: str) -> bool:
        text = str(self.data.get(name) or "")
        if "\x00" in text:
            return False
        if name in ("name", "cost_centre") and holds_number(text, LABEL_FEWEST):
            return False
        if name == "name":
            return _fault_of_name(text) in ("", "empty")
        if name not in LONGEST:
            return True
        line = _nfc(text)
        return len(line) <= LONGEST[name] and len(line.splitlines()) <= 1


def typed(campaign: Campaign) -> dict[str, Any]:
    """A stored draft in the words of the form."""
    date, _t, time = campaign.wall_time.partition("T")
    return {
        "scenario": campaign.scenario,
        "name": campaign.name,
        "sender": str(campaign.sender.key) if campaign.sender else "",
        "content": campaign.content,
        "source": campaign.source,
        "manual_numbers": campaign.manual_numbers,
        "cost_centre": campaign.cost_centre,
        "is_scheduled": campaign.is_scheduled,
        "date": date,
        "time": time,
        "time_zone": campaign.time_zone,
        "fold": "" if campaign.fold is None else str(campaign.fold),
    }


def zone_choices(chosen: str) -> list[tuple[str, str]]:
    """The zones with their present distance from UTC; *chosen* is offered even if it is old."""
    now = clock.now()
    offered = _offered(now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0))
    if not chosen or chosen in schedule.zones():
        return offered
    try:
        schedule.find_zone(chosen)
    except schedule.UnknownZone:
        return [(chosen[:ZONE_MAX], chosen[:ZONE_MAX]), *offered]
    return [(chosen, f"{chosen} ({schedule.offset_label(chosen, now)})"), *offered]


@lru_cache(maxsize=2)
def _offered(quarter: datetime) -> list[tuple[str, str]]:
    """Every zone in this quarter of an hour: clocks change on none but its border."""
    return [(name, f"{name} ({schedule.offset_label(name, quarter)})") for name in schedule.zones()]


def _fault_of_name(text: str) -> str:
    try:
        clean_name(text, NAME_MAX)
    except BadText as bad:
        return bad.problem
    return ""


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def short(text: str, longest: int) -> str:
    """One line of at most *longest* characters, for a column that holds no more."""
    return " ".join(_nfc(text).splitlines())[:longest]
