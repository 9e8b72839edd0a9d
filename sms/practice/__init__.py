"""The practice carrier: a small HTTP process of its own that behaves like a real one.

It takes messages, writes every one of them into an append-only ledger file before it answers,
and posts receipts until they are acknowledged, across its own restarts and kills. Nothing it
takes ever reaches a phone. It shares no code with the console, so that its ledger can witness
against the console.

Started with ``python -m sms.practice --port 0 --home DIR``.
"""
