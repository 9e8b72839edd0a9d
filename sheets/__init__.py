"""Sheets that people bring and take away: recipients, opt-outs, rates, statements.

The half that reads files imports no Django: it runs in a guarded child process (`child.py`)
that has neither settings nor a database connection nor secrets.
"""
