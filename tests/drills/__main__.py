"""Runs every drill and writes one table of what each found (build/drills.json, build/drills.md).

    python -m tests.drills [NAME ...]

Names choose drills (``kill`` for drill_kill.py). Exit status 1 if one failed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
OUTCOMES = ("ok    ", "FAILED")


def run(script):
    """Run one drill; gives a row per line that states an outcome, or one row for the whole."""
    began = time.perf_counter()
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, cwd=HERE.parents[1], check=False)
    seconds = round(time.perf_counter() - began, 1)
    rows = [line for line in done.stdout.splitlines() if line.startswith(OUTCOMES)]
    parsed = [(line[:6] == "ok    ", line[7:33].strip(), line[34:].strip()) for line in rows]
    if not parsed or (done.returncode and all(ok for ok, _, _ in parsed)):
        said = (done.stdout if not done.returncode else done.stderr or done.stdout).strip().splitlines()
        parsed.append((done.returncode == 0, script.stem, "; ".join(line.strip() for line in said[-8:])))
    return [
        {"drill": script.stem, "what": what, "ok": ok, "figures": figures, "seconds": seconds}
        for ok, what, figures in parsed
    ]


def table(rows):
    """Return the rows as a Markdown table."""
    lines = ["| | drill | figures | seconds |", "| --- | --- | --- | ---: |"]
    for row in rows:
        figures = row["figures"].replace("|", "\\|")
        lines.append(f"| {'ok' if row['ok'] else '**failed**'} | {row['what']} | {figures} | {row['seconds']} |")
    return "\n".join(lines) + "\n"


def main(names):
    scripts = [s for s in sorted(HERE.glob("drill_*.py")) if not names or s.stem.removeprefix("drill_") in names]
    rows = [row for script in scripts for row in run(script)]
    folder = HERE.parents[1] / "build"
    folder.mkdir(exist_ok=True)
    (folder / "drills.json").write_text(json.dumps(rows, indent=2) + "\n")
    (folder / "drills.md").write_text(table(rows))
    sys.stdout.write(table(rows))
    return int(not rows or not all(row["ok"] for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
