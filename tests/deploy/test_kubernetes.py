"""deploy/kubernetes as the schemas of Kubernetes judge it, and as its parts fit together. No cluster runs it here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from inboxwatch import config

FOLDER = Path(__file__).parents[2] / "deploy/kubernetes"
SECRETS = "/run/secrets/inboxwatch"


def read(name: str) -> Any:
    return YAML(typ="safe").load((FOLDER / name).read_text(encoding="utf-8"))


KUSTOMIZATION = read("kustomization.yaml")
PARTS = {name: read(name) for name in KUSTOMIZATION["resources"]}
OWN = [name for name, part in PARTS.items() if "monitoring.coreos.com" not in part["apiVersion"]]
"""Of Kubernetes itself; a ServiceMonitor is the Prometheus operator's, whose schema no package brings."""


@pytest.fixture
def pod() -> Any:
    return PARTS["statefulset.yaml"]["spec"]["template"]["spec"]


@pytest.mark.parametrize("name", OWN)
def test_every_part_is_what_the_schema_of_its_kind_allows(name: str) -> None:
    # Here, for its import builds grammars for seconds, and every worker of a test run collects this module.
    import kubernetes_validate  # type: ignore[import-untyped]  # it ships no types

    kubernetes_validate.validate(PARTS[name], kubernetes_validate.latest_version(), strict=True)


def test_nothing_lies_in_the_folder_that_is_not_applied() -> None:
    generated = {file for one in KUSTOMIZATION["configMapGenerator"] for file in one["files"]}
    assert {path.name for path in FOLDER.glob("*.yaml")} == {*PARTS, *generated, "kustomization.yaml"}


def test_every_selector_finds_the_pod_by_its_label() -> None:
    label = PARTS["statefulset.yaml"]["spec"]["template"]["metadata"]["labels"]
    assert PARTS["statefulset.yaml"]["spec"]["selector"]["matchLabels"] == label
    assert PARTS["service.yaml"]["spec"]["selector"] == label
    assert PARTS["networkpolicy.yaml"]["spec"]["podSelector"]["matchLabels"] == label
    assert PARTS["poddisruptionbudget.yaml"]["spec"]["selector"]["matchLabels"] == label
    monitor = PARTS["servicemonitor.yaml"]["spec"]
    assert monitor["selector"]["matchLabels"].items() <= PARTS["service.yaml"]["metadata"]["labels"].items()
    assert PARTS["service.yaml"]["metadata"]["labels"][monitor["jobLabel"]] == "inboxwatch", "the job's name"


def test_the_port_has_one_name_everywhere(pod: Any) -> None:
    (container,) = pod["containers"]
    (port,) = container["ports"]
    probes = [container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")]
    assert {probe["port"] for probe in probes} == {port["name"]}
    assert [probe["path"] for probe in probes] == ["/healthz", "/healthz", "/readyz"]
    (served,) = PARTS["service.yaml"]["spec"]["ports"]
    (scraped,) = PARTS["servicemonitor.yaml"]["spec"]["endpoints"]
    (let_in,) = PARTS["networkpolicy.yaml"]["spec"]["ingress"][0]["ports"]
    assert served["targetPort"] == scraped["port"] == let_in["port"] == port["name"]
    assert port["containerPort"] == config.load(FOLDER / "inboxwatch.yaml", secrets=False).web.listen.port


def test_the_pod_is_one_that_the_restricted_standard_admits(pod: Any) -> None:
    assert PARTS["namespace.yaml"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["initContainers"] + pod["containers"]:
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"]
        assert not context["allowPrivilegeEscalation"]
        assert context["capabilities"] == {"drop": ["ALL"]}


def test_its_config_holds_and_its_secrets_are_those_that_are_mounted(
    pod: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (container,) = pod["containers"]
    assert {"name": "CREDENTIALS_DIRECTORY", "value": SECRETS} in container["env"]
    assert {"name": "secrets", "mountPath": SECRETS, "readOnly": True} in container["volumeMounts"]
    (generated,) = KUSTOMIZATION["secretGenerator"]
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    for file in generated["files"]:
        (tmp_path / Path(file).name).write_text("postgresql://inboxwatch:0123456789abcdef@db.acme.test/inboxwatch")
    assert config.load(FOLDER / "inboxwatch.yaml").store_url.reveal().startswith("postgresql")
    (scraped,) = PARTS["servicemonitor.yaml"]["spec"]["endpoints"]
    token = scraped["authorization"]["credentials"]
    assert (token["name"], f"secrets/{token['key']}") in [(generated["name"], file) for file in generated["files"]]
    assert generated["options"]["disableNameSuffixHash"], (
        "a name with a suffix would not be found in the ServiceMonitor"
    )
