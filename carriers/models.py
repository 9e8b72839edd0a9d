"""Which gateways are configured, and with which accounts."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.db import models
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace, WorkspaceQuerySet
from sms.gateways.base import CarrierClass, Gateway


def _token() -> str:
    return secrets.token_urlsafe(24)


class CarrierQuerySet(WorkspaceQuerySet):
    def practice(self) -> CarrierQuerySet:
        """Accounts at the practice carrier, which reaches no phone."""
        return self.filter(gateway="loopback")


class Carrier(models.Model):
    """One account at one carrier. ``window`` is how many calls may be open at once.

    ``resting_until`` is set while it gives no certain answers: until then nobody calls it, and
    then one dispatcher does.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="carriers")
    name = models.CharField(_("name"), max_length=60)
    gateway = models.CharField(_("gateway"), max_length=40)
    options = models.JSONField(default=dict)
    rate = models.PositiveIntegerField(_("segments per second"), default=1000)
    window = models.PositiveIntegerField(_("open calls"), default=64)
    validity_hours = models.PositiveIntegerField(_("validity in hours"), default=24)
    receipts_token = models.CharField(max_length=64, unique=True, default=_token)
    is_on = models.BooleanField(_("in use"), default=True)
    resting_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CarrierQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @property
    def is_practice(self) -> bool:
        """True for the practice carrier: its rows never leave through a real one."""
        return self.gateway == "loopback"

    @property
    def carrier_class(self) -> CarrierClass:
        return self.open().carrier_class

    @property
    def gives_receipts(self) -> bool:
        return self.gateway_class().gives_receipts

    def gateway_class(self) -> type[Gateway]:
        return import_string(settings.SMS_GATEWAYS[self.gateway])

    def open(self) -> Gateway:
        """The gateway with this account's options."""
        return self.gateway_class()(self.options)
