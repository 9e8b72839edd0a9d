"""Each stage beside its physical limit in the same run: ``make bench``."""
