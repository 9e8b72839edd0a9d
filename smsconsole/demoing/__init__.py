"""Sample data through the real code: people, senders, rates and a campaign in every state.

Every number is reserved for fiction, and everything leaves through the practice carrier: the
filling refuses to begin while an account at a real carrier is in use.
"""

from __future__ import annotations
