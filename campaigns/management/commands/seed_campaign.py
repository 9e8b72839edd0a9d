"""Make a campaign for load and fault tests, through the real code."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from campaigns import tasks
from campaigns.seeding import seed_campaign
from carriers.models import Carrier


class Command(BaseCommand):
    help = "Submit campaigns of made-up recipients to the practice carrier and print their ids."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rows", type=int, required=True)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--campaigns", type=int, default=1, help="how many, seeds apart")
        parser.add_argument("--at", default="", help="start, UTC: 2026-11-27T19:00")
        parser.add_argument("--carrier", default="Practice carrier", help="its name")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, **options: Any) -> None:
        if settings.PRODUCTION or not (settings.DEBUG or settings.ALLOW_FAILPOINTS):
            raise CommandError("Only for tests: set DEBUG=1 or SMSCONSOLE_ALLOW_FAILPOINTS=1.")
        carrier = Carrier.objects.filter(name=options["carrier"]).first()
        if carrier is None or not carrier.is_practice:
            raise CommandError("There is no practice carrier of this name.")
        for number in range(options["campaigns"]):
            seed = options["seed"] + number
            campaign = seed_campaign(options["rows"], seed, carrier, options["at"])
            answer = {"campaign": campaign.pk, "key": str(campaign.key), "rows": campaign.total}
            self.stdout.write(json.dumps(answer) if options["json"] else str(campaign.pk))
        tasks.start_due.delay()
