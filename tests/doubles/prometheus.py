"""Debian's Prometheus and Alertmanager on loopback, with our rules and routes sped up from minutes to a second."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.support.ports import free_port
from tests.support.waiting import PATIENCE

DEPLOY = Path(__file__).parents[2] / "deploy" / "prometheus"
Series = tuple[dict[str, str], list[float]]
"""Labels, and values in the order of time."""


class LoopbackServer:
    """A process that answers HTTP on loopback."""

    def __init__(self, folder: Path, *words: str, ready: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / f"{words[0]}.log"
        with self._log.open("wb") as log:
            told = [word.format(port=self.port) for word in words]
            self._process = subprocess.Popen(told, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        self.wait(lambda: self._up(ready), "is not ready")

    def _up(self, path: str) -> bool:
        with urllib.request.urlopen(self.url + path, timeout=PATIENCE) as answer:
            return bool(answer.status == 200)

    def get(self, path: str, **values: Any) -> Any:
        address = f"{self.url}{path}?{urllib.parse.urlencode(values, doseq=True)}"
        try:
            with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{values}: {error.read().decode()}") from error

    def wait(self, met: Callable[[], Any], what: str, timeout: float = PATIENCE) -> Any:
        deadline = time.monotonic() + timeout
        while True:
            with contextlib.suppress(OSError):
                if answer := met():
                    return answer
            log = self._log.read_text(encoding="utf-8", errors="replace")[-3000:]
            assert self._process.poll() is None, log
            assert time.monotonic() < deadline, f"{what}\n{log}"
            time.sleep(0.1)

    def end(self) -> None:
        self._process.kill()
        self._process.wait(PATIENCE)


class Prometheus(LoopbackServer):
    def now(self, expr: str) -> list[Series]:
        """An instant query; numbers that are none (NaN) are left out."""
        result = self.get("/api/v1/query", query=expr)["data"]
        assert result["resultType"] == "vector", expr
        return _series((one["metric"], [one["value"]]) for one in result["result"])

    def over(self, expr: str, seconds: float, step: float = 1) -> list[Series]:
        """A range query up to now."""
        end = time.time()
        asked = {"query": expr, "start": end - seconds, "end": end, "step": step}
        result = self.get("/api/v1/query_range", **asked)["data"]["result"]
        return _series((one["metric"], one["values"]) for one in result)

    def evaluate(self) -> None:
        """Waits until each group of rules was evaluated once more, from its start to its end."""
        begun = datetime.now(UTC)

        def done() -> bool:
            groups = self.get("/api/v1/rules")["data"]["groups"]
            return all(
                datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", one["lastEvaluation"])) > begun for one in groups
            )

        self.wait(done, "the rules are not evaluated")

    def value(self, expr: str) -> float:
        """The one number that an expression yields."""
        ((_, (number,)),) = self.now(expr)
        return number

    def values_of(self, label: str, selector: str) -> list[str]:
        """The values of a label among the series that a selector finds, as Grafana's `label_values` asks."""
        found: list[str] = self.get(f"/api/v1/label/{label}/values", **{"match[]": selector})["data"]
        return found

    def firing(self) -> dict[str, list[dict[str, str]]]:
        """The labels of firing alerts, by name."""
        found: dict[str, list[dict[str, str]]] = {}
        for alert in self.get("/api/v1/alerts")["data"]["alerts"]:
            if alert["state"] == "firing":
                found.setdefault(alert["labels"]["alertname"], []).append(alert["labels"])
        return found

    def broken_rules(self) -> dict[str, str]:
        """Rules whose last evaluation failed, with the error."""
        groups = self.get("/api/v1/rules")["data"]["groups"]
        return {
            rule["name"]: rule["lastError"] for group in groups for rule in group["rules"] if rule["health"] == "err"
        }


def _series(found: Any) -> list[Series]:
    kept = []
    for labels, points in found:
        numbers = [number for _, text in points if (number := float(text)) == number]
        if numbers:
            kept.append((labels, numbers))
    return kept


@contextlib.contextmanager
def prometheus(folder: Path, target: str) -> Iterator[tuple[Prometheus, LoopbackServer]]:
    """Prometheus that reads a daemon every second, and the Alertmanager that it tells."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "alertmanager.yml").write_text(_faster((DEPLOY / "alertmanager.yml").read_text("utf-8")), "utf-8")
    words = ["--config.file=alertmanager.yml", "--storage.path=alerts", "--cluster.listen-address="]
    manager = LoopbackServer(
        folder, "prometheus-alertmanager", *words, "--web.listen-address=127.0.0.1:{port}", ready="/-/ready"
    )
    try:
        for name in ("inboxwatch.rules.yml", "inboxwatch.alerts.yml"):
            (folder / name).write_text(_faster((DEPLOY / name).read_text("utf-8")), "utf-8")
        config = _faster((DEPLOY / "prometheus.yml").read_text("utf-8"))
        config = config.replace("127.0.0.1:9842", target).replace("127.0.0.1:9093", f"127.0.0.1:{manager.port}")
        (folder / "prometheus.yml").write_text(config, "utf-8")
        words = ["--config.file=prometheus.yml", "--storage.tsdb.path=data", "--log.level=warn"]
        server = Prometheus(folder, "prometheus", *words, "--web.listen-address=127.0.0.1:{port}", ready="/-/ready")
        try:
            yield server, manager
        finally:
            server.end()
    finally:
        manager.end()


def _faster(text: str) -> str:
    """The same file with every interval a second and no alert held back."""
    text = re.sub(r"\b(scrape_interval|evaluation_interval|interval|group_wait|group_interval): \w+", r"\1: 1s", text)
    return re.sub(r"\bfor: \w+", "for: 0s", text)
