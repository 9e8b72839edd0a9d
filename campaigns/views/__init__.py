"""Views, one file per page family."""
