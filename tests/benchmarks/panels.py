"""Prints what every panel of the dashboards shows at the end of the monitored morning, and how long a scrape took."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.support.monitored_daemon import monitored_morning
from tests.support.panels import ALL, asked


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, monitored_morning(Path(folder)) as monitored:
        watcher = monitored.prometheus
        for one in asked(ALL):
            found = watcher.now(one.expr) if one.instant else watcher.over(one.expr, monitored.lasted)
            last = ", ".join(f"{values[-1]:.4g}" for _, values in found[:4]) + (" ..." if len(found) > 4 else "")
            print(f"{one.dashboard} | {one.panel} | {one.ref} | {len(found)} series | {last}")
        print(f"scrape: {1000 * watcher.value('max(scrape_duration_seconds)'):.1f} ms, "
              f"{watcher.value('max(scrape_samples_scraped)'):.0f} samples")  # fmt: skip


if __name__ == "__main__":
    main()
