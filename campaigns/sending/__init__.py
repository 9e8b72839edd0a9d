"""From a submitted campaign to messages at the carrier: expand, dispatch, recover.

The database is the queue. Whoever calls these, and how often, changes only the speed.
"""

from __future__ import annotations

from campaigns.sending.asking import ask
from campaigns.sending.ending import cancel_rest, finish
from campaigns.sending.expanding import expand
from campaigns.sending.recovering import recover
from campaigns.sending.starting import start_due
from campaigns.sending.wire import dispatch

__all__ = ["ask", "cancel_rest", "dispatch", "expand", "finish", "recover", "start_due"]
