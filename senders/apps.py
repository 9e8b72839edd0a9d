from __future__ import annotations

from django.apps import AppConfig


class SendersConfig(AppConfig):
    name = "senders"
    verbose_name = "Sender IDs"
