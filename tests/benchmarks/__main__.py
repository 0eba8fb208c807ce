"""Every benchmark in turn, then one table: the last released figures beside today's, and what is worse by a tenth.

python -m tests.benchmarks [NAME...]  (without names all)
--release  writes today's figures down as the released ones: on a quiet machine, before a release

Figures depend on the machine: whoever compares measures the released version on their own first.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.figures import FILE, WORSE, noted, table

HERE = Path(__file__).parent
RELEASED = HERE / "released.json"


def main() -> None:
    every = sorted(one.stem for one in HERE.glob("[a-z]*.py"))
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("name", nargs="*", choices=[*every, []], help="which benchmarks; without any, all")
    parser.add_argument("--release", action="store_true", help="write the figures down as the released ones")
    asked = parser.parse_args()
    released: dict[str, float] = json.loads(RELEASED.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "figures"
        file.touch()
        failed = [
            name
            for name in asked.name or every
            if subprocess.run(
                [sys.executable, "-m", f"tests.benchmarks.{name}"], env=os.environ | {FILE: str(file)}, check=False
            ).returncode
        ]
        today = noted(file)
    print()
    print("\n".join(table(today, released)))
    if asked.release:
        released |= {one.name: one.value for one in today}
        RELEASED.write_text(json.dumps(released, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    worse = [one.name for one in today if one.name in released and one.worse(released[one.name]) > WORSE]
    if worse:
        print(f"\nWorse by more than a tenth: {'; '.join(worse)}")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
