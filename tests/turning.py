"""Turn the hands of a PostgreSQL server's clock, for whoever does not ask pg_catalog by name."""

from __future__ import annotations

NAMES = ("clock_timestamp", "statement_timestamp", "now")
PATH = "public, test_clock, pg_catalog"
CLOCK = [
    "CREATE SCHEMA test_clock",
    "CREATE TABLE test_clock.shift (seconds double precision)",
    "INSERT INTO test_clock.shift VALUES (0)",
    *(
        f"CREATE FUNCTION test_clock.{name}() RETURNS timestamptz LANGUAGE sql AS $$SELECT"
        f" pg_catalog.{name}() + seconds * interval '1 second' FROM test_clock.shift$$"
        for name in NAMES
    ),
]
TURN = "UPDATE test_clock.shift SET seconds = %s"
TAKE_AWAY = ["RESET search_path", "DROP SCHEMA test_clock CASCADE"]
