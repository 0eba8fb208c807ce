"""deploy/compose as its schema, Prometheus and inboxwatch judge it. No engine runs it here."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from inboxwatch import config

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy/compose"
FILE = FOLDER / "compose.yaml"


@pytest.fixture(scope="module")
def compose() -> Any:
    return YAML(typ="safe").load(FILE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def services(compose: Any) -> dict[str, Any]:
    found: dict[str, Any] = compose["services"]
    return found


def test_the_file_is_what_the_specification_allows() -> None:
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*checker, FILE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_service_runs_confined(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name


def test_the_database_is_reached_by_inboxwatch_alone(compose: Any, services: dict[str, Any]) -> None:
    (network,) = services["postgresql"]["networks"]
    assert compose["networks"][network]["internal"]
    assert [name for name, service in services.items() if network in service["networks"]] == [
        "inboxwatch",
        "postgresql",
    ]


def test_every_file_that_is_mounted_is_there_and_every_secret_is_declared(
    compose: Any, services: dict[str, Any]
) -> None:
    for name, service in services.items():
        for mount in service.get("volumes", ()):
            source = mount.split(":")[0]
            assert source in compose["volumes"] or (FOLDER / source).exists(), f"{name}: {mount}"
        assert set(service.get("secrets", ())) <= compose["secrets"].keys(), name
        assert set(service["networks"]) <= compose["networks"].keys(), name


def test_its_config_holds_and_its_secrets_are_those_that_are_mounted(
    services: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    for name in services["inboxwatch"]["secrets"]:
        (tmp_path / name).write_text("postgresql://inboxwatch:0123456789abcdef@postgresql/inboxwatch")
    loaded = config.load(FOLDER / "config/inboxwatch.yaml")
    assert loaded.store_url.reveal().startswith("postgresql")
    (published,) = services["inboxwatch"]["ports"]
    assert published == f"127.0.0.1:{loaded.web.listen.port}:{loaded.web.listen.port}"


def test_prometheus_takes_its_config_with_the_rules_that_are_mounted(services: dict[str, Any], tmp_path: Path) -> None:
    for mount in services["prometheus"]["volumes"]:
        source, target = mount.split(":")[:2]
        if target.startswith("/etc/prometheus/"):
            shutil.copyfile(FOLDER / source, tmp_path / Path(target).name)
    # What it reads at start is there; the token it reads when it asks.
    done = subprocess.run(
        ["promtool", "check", "config", "--syntax-only", tmp_path / "prometheus.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    document = YAML(typ="safe").load((tmp_path / "prometheus.yml").read_text())
    assert all((tmp_path / name).exists() for name in document["rule_files"])
    (job,) = document["scrape_configs"]
    (target,) = job["static_configs"][0]["targets"]
    assert (job["job_name"], target.split(":")[0]) == ("inboxwatch", "inboxwatch")
    assert Path(job["authorization"]["credentials_file"]).name in services["prometheus"]["secrets"]


def test_grafana_finds_prometheus_and_the_dashboards(services: dict[str, Any]) -> None:
    (source,) = YAML(typ="safe").load((FOLDER / "datasource.yml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    provided = YAML(typ="safe").load((ROOT / "deploy/grafana/provisioning/dashboards/inboxwatch.yaml").read_text())
    place = provided["providers"][0]["options"]["path"]
    assert f"../grafana/dashboards:{place}:ro" in services["grafana"]["volumes"]


def test_the_secrets_are_made_once_and_nobody_else_reads_them(compose: Any, tmp_path: Path) -> None:
    shutil.copy(FOLDER / "prepare", tmp_path)
    made = tmp_path / "secrets"
    made.mkdir()
    (made / "mailbox_sales").write_text("asked-for-before\n")
    subprocess.run([tmp_path / "prepare"], check=True)
    assert {f"secrets/{path.name}" for path in made.iterdir()} == {one["file"] for one in compose["secrets"].values()}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o640 for path in made.iterdir())
    assert stat.S_IMODE(made.stat().st_mode) == 0o750
    before = {path.name: path.read_text() for path in made.iterdir()}
    assert before["database_password"].strip() in before["store_url"]
    subprocess.run([tmp_path / "prepare"], check=True)
    assert {path.name: path.read_text() for path in made.iterdir()} == before
