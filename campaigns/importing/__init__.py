"""From an uploaded file to checked recipients and a list of problems.

The half that touches files imports no Django: it runs in a guarded child process
(`child.py`) that has neither settings nor a database connection nor secrets.
"""
