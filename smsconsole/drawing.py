"""Bars, rings and donuts as SVG. Geometry stands in attributes, so the strict policy allows it."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

BUCKETS = ("sent", "failed", "other")
# A part that exists is never too thin to see.
THINNEST = 0.8
# A circle of this radius has a circumference of 100, so lengths on it are percentages.
RADIUS = "15.9155"


def share(part: float, whole: float) -> float:
    """*part* of *whole* in percent; nothing of nothing is nothing."""
    return 100 * part / whole if whole else 0.0


def _strips(total: int, parts: tuple[int, int, int]) -> Iterator[tuple[str, str, str]]:
    x = 0.0
    for bucket, count in zip(BUCKETS, parts, strict=True):
        if not count or not total:
            continue
        width = max(share(count, total), THINNEST)
        yield bucket, f"{x:.2f}", f"{max(width - 0.4, 0.4):.2f}"
        x += width


def stack(total: int, sent: int, failed: int, other: int, *, thin: bool = False) -> SafeString:
    """Sent, Failed and Other as one bar; the rest of *total* stays empty track."""
    strips = format_html_join(
        "",
        '<rect class="f-{}" x="{}" y="0" width="{}" height="8"/>',
        _strips(total, (sent, failed, other)),
    )
    return format_html(
        '<svg class="bar{}" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        "{}</svg>",
        " bar-thin" if thin else "",
        strips,
    )


def limit(used: int, cap: int, label: str, warn: int = 80) -> SafeString:
    """Use against a suspension threshold, with the warning mark drawn on the track."""
    percent = share(used, cap) if cap else 100.0
    level = "stop" if percent >= 100 else "warn" if percent >= warn else "brand"
    return format_html(
        '<svg class="limit-bar" viewBox="0 0 100 10" preserveAspectRatio="none" role="meter" '
        'aria-valuemin="0" aria-valuemax="{}" aria-valuenow="{}" aria-label="{}">'
        '<rect class="f-{}" width="{}" height="10"/>'
        '<rect class="f-line" x="{}" width=".45" height="10" opacity=".55"/></svg>',
        cap,
        min(used, cap),
        label,
        level,
        f"{min(percent, 100):.1f}",
        warn,
    )


def _arcs(total: int, parts: tuple[int, int, int]) -> Iterator[tuple[str, str, str, str]]:
    turned = 0.0
    for bucket, count in zip(BUCKETS, parts, strict=True):
        if not count:
            continue
        percent = share(count, total)
        gap = 0.6 if 2 < percent < 100 else 0.0
        length = max(percent - gap, 0.3)
        yield bucket, f"{length:.2f}", f"{100 - length:.2f}", f"{-turned:.2f}"
        turned += percent


def donut(sent: int, failed: int, other: int, label: str = "") -> SafeString:
    """Sent, Failed and Other as a ring around the share that was sent."""
    total = sent + failed + other
    arcs = format_html_join(
        "",
        '<circle class="s-{}" cx="21" cy="21" r="' + RADIUS + '" fill="none" stroke-width="4.6" '
        'pathLength="100" stroke-dasharray="{} {}" stroke-dashoffset="{}" '
        'transform="rotate(-90 21 21)"/>',
        _arcs(total, (sent, failed, other)),
    )
    figure = f"{share(sent, total):.1f}%" if total else "–"
    return format_html(
        '<svg class="donut" viewBox="0 0 42 42" role="img" aria-label="{}">'
        '<circle class="s-track" cx="21" cy="21" r="' + RADIUS + '" fill="none" '
        'stroke-width="4.6"/>{}<text x="21" y="22.2">{}</text>'
        '<text class="donut-sub" x="21" y="27">{}</text></svg>',
        label or _("Share of messages sent: %(share)s") % {"share": figure},
        arcs,
        figure,
        _("sent"),
    )


def ring(value: float, total: float) -> SafeString:
    """How much of something is through; the number stands beside it."""
    return format_html(
        '<svg class="ring" viewBox="0 0 42 42" aria-hidden="true">'
        '<circle class="s-track" cx="21" cy="21" r="18" fill="none" stroke-width="4"/>'
        '<circle class="s-live" cx="21" cy="21" r="18" fill="none" stroke-width="4" '
        'stroke-linecap="round" pathLength="100" stroke-dasharray="{} 100" '
        'transform="rotate(-90 21 21)"/></svg>',
        f"{min(share(value, total), 100):.1f}",
    )
