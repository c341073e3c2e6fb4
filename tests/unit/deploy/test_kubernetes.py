"""The Kubernetes manifests, without a cluster: valid, confined, and in step with the images and settings."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from shared.settings import Settings
from tests.unit.deploy.manifests import (
    FOLDER,
    ROOT,
    Manifest,
    containers,
    of_kind,
    pod_of,
    read,
    rendered,
    resources,
)
from tests.unit.deploy.scaled_object import SCALED_OBJECT
from worker.__main__ import ROLES
from worker.stages.inference import LONGEST_SHARE

VALIDATE = Path(sys.executable).parent / "kubernetes-validate"
WORKERS = ("media", "express", "inference")
OVERLAYS = ("overlays/cpu", "overlays/gpu")
SCALED = resources(FOLDER / "keda")
# What is neither KEDA's nor kustomize's.
PLAIN = sorted(path for path in FOLDER.glob("base/*.yaml") if path.name != "kustomization.yaml")


@pytest.fixture(scope="module")
def base() -> list[Manifest]:
    return resources(FOLDER / "base")


@pytest.fixture(scope="module")
def settings(base: list[Manifest]) -> Settings:
    """The settings of every pod."""
    data: dict[str, str] = of_kind(base, "ConfigMap")["avemotion-settings"]["data"]
    values: Any = {
        name.removeprefix("AVEMOTION_").lower(): value
        for name, value in data.items()
        if name.startswith("AVEMOTION_")
    }
    return Settings(**values)


def validate(path: Path) -> None:
    if not VALIDATE.exists():
        pytest.skip("kubernetes-validate is not installed beside this Python")
    done = subprocess.run([VALIDATE, "--strict", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def workloads(manifests: list[Manifest]) -> dict[str, Manifest]:
    return of_kind(manifests, "Deployment", "Job")


def environment(container: Manifest) -> dict[str, Any]:
    return {each["name"]: each for each in container.get("env", [])}


@pytest.mark.parametrize("path", PLAIN, ids=lambda path: path.name)
def test_each_manifest_is_valid(path: Path) -> None:
    """Kubernetes knows every field of the base."""
    validate(path)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_overlay_is_valid(overlay: str, tmp_path: Path) -> None:
    """So it does once kustomize has put an overlay together; KEDA's resources have a schema of their own."""
    manifests = rendered(overlay)
    scaled = [each for each in manifests if each["kind"] == "ScaledObject"]
    assert {each["metadata"]["name"] for each in scaled} == {"media", "inference"}
    for each in scaled:
        jsonschema.validate(each, SCALED_OBJECT)
    file = tmp_path / "rendered.yaml"
    file.write_text(yaml.safe_dump_all([each for each in manifests if each not in scaled]))
    validate(file)


def test_every_file_is_applied() -> None:
    """No manifest lies about that no kustomization lists."""
    for folder in ("base", "keda"):
        there = {path.name for path in (FOLDER / folder).glob("*.yaml")} - {"kustomization.yaml"}
        assert there == set(read(FOLDER / folder / "kustomization.yaml")[0]["resources"])


def test_each_process_of_compose_is_there(base: list[Manifest]) -> None:
    """The same images run the same commands, and their health is asked for in the same way."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    for name, workload in workloads(base).items():
        main = pod_of(workload)["containers"][0]
        assert main["image"] == compose[name]["image"]
        assert main.get("command") == compose[name].get("command")
    assert set(of_kind(base, "Deployment")) == {"api", *ROLES}
    assert set(of_kind(base, "Job")) == {"migrate"}


def test_orphans_are_buried(base: list[Manifest]) -> None:
    """What a killed process leaves behind has somebody to wait for it: our processes are not the first."""
    for name, deployment in of_kind(base, "Deployment").items():
        assert pod_of(deployment)["shareProcessNamespace"] is True, name


def test_health_is_asked_for_as_the_images_do(base: list[Manifest]) -> None:
    """Workers by their sign of life, the API by its addresses; a slow start is no reason to be killed."""
    for name, workload in of_kind(base, "Deployment").items():
        main = pod_of(workload)["containers"][0]
        probes = {kind: main[f"{kind}Probe"] for kind in ("startup", "readiness", "liveness")}
        if name == "api":
            assert {kind: probe["httpGet"]["path"] for kind, probe in probes.items()} == {
                "startup": "/healthz",
                "readiness": "/readyz",
                "liveness": "/healthz",
            }
        else:
            for probe in probes.values():
                assert probe["exec"]["command"] == ["python", "-m", "worker", "check", name]


@pytest.mark.parametrize("overlay", ["base", *OVERLAYS])
def test_every_container_is_confined(base: list[Manifest], overlay: str) -> None:
    """No root, no rights, nothing written to the image, bounded memory, and no token for the cluster."""
    for name, workload in workloads(base if overlay == "base" else rendered(overlay)).items():
        pod = pod_of(workload)
        assert pod["securityContext"] == {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "fsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        }, name
        assert pod["automountServiceAccountToken"] is False, name
        # A Service's variables would pass for settings.
        assert pod["enableServiceLinks"] is False, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod), name
        for container in containers(workload):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert container["resources"]["limits"]["memory"], name
            assert container["resources"]["requests"]["cpu"], name


def test_what_is_written_is_a_bounded_scratch(base: list[Manifest]) -> None:
    """Pods write into folders that end with them, which are no larger than said."""
    for name, workload in workloads(base).items():
        for volume in pod_of(workload)["volumes"]:
            assert set(volume) == {"name", "emptyDir"}, name
            assert volume["emptyDir"]["sizeLimit"], name
        mounts = {each["mountPath"] for each in pod_of(workload)["containers"][0]["volumeMounts"]}
        assert "/tmp" in mounts, name  # noqa: S108 - the container's own
        assert ("/cache" in mounts) == (name in {"media", "express"}), name


def test_a_worker_has_time_to_end_its_stage(base: list[Manifest], settings: Settings) -> None:
    """The grace period is longer than the longest stage and the patience with which its result is written."""
    deployments = of_kind(base, "Deployment")
    patience_s = 2 * settings.lease_s
    for name in WORKERS:
        longest_s = settings.stage_hard_limit_s + patience_s
        if name == "inference":
            # A worker that is told to stop may claim batches until then.
            longest_s += LONGEST_SHARE * settings.stage_time_limit_s
        assert pod_of(deployments[name])["terminationGracePeriodSeconds"] > longest_s, name
    assert pod_of(deployments["api"])["terminationGracePeriodSeconds"] > settings.max_wait_s + 5


def test_each_deployment_is_disrupted_one_pod_at_a_time(base: list[Manifest]) -> None:
    """Each has a PodDisruptionBudget that selects its pods, and its own alone."""
    budgets = of_kind(base, "PodDisruptionBudget")
    deployments = of_kind(base, "Deployment")
    assert set(budgets) == set(deployments)
    for name, budget in budgets.items():
        assert budget["spec"]["selector"] == deployments[name]["spec"]["selector"]
        rule = {key: value for key, value in budget["spec"].items() if key != "selector"}
        assert rule in ({"minAvailable": 1}, {"maxUnavailable": 1})
        if "minAvailable" in rule:
            # With one pod it would never let a node go.
            assert deployments[name]["spec"]["replicas"] > 1, name


def test_secrets_are_named_and_never_written(base: list[Manifest]) -> None:
    """No manifest holds a secret; each comes from one Secret, and only to those who need it."""
    assert not of_kind(base, "Secret")
    having: dict[str, set[str]] = {}
    for name, workload in workloads(base).items():
        for variable, entry in environment(pod_of(workload)["containers"][0]).items():
            if "value" in entry:
                assert not re.search("URL|PASSWORD|SECRET|KEY|TOKEN", variable), variable
                continue
            assert entry["valueFrom"]["secretKeyRef"]["name"] == "avemotion"
            having.setdefault(variable, set()).add(name)
    # Workers that decode hostile media do not have what webhooks are signed with.
    assert having["AVEMOTION_WEBHOOK_SECRET"] == {"api", "janitor"}
    assert "migrate" not in having["AVEMOTION_BROKER_URL"] | having["AWS_SECRET_ACCESS_KEY"]


def test_every_variable_is_a_setting(base: list[Manifest]) -> None:
    """No name is misspelt."""
    names = {f"AVEMOTION_{name}".upper() for name in Settings.model_fields}
    used = set(of_kind(base, "ConfigMap")["avemotion-settings"]["data"])
    for workload in workloads(base).values():
        used |= set(environment(pod_of(workload)["containers"][0]))
    assert {name for name in used if name.startswith("AVEMOTION_")} <= names


def test_metrics_are_read_where_they_are(base: list[Manifest], settings: Settings) -> None:
    """Prometheus is told the port at which each process answers."""
    assert settings.metrics_host == "0.0.0.0"  # noqa: S104 - inside a pod
    for name, deployment in of_kind(base, "Deployment").items():
        port = 8000 if name == "api" else settings.metrics_port
        annotations = deployment["spec"]["template"]["metadata"]["annotations"]
        assert annotations == {"prometheus.io/scrape": "true", "prometheus.io/port": str(port)}
        assert pod_of(deployment)["containers"][0]["ports"] == [
            {"name": "http" if name == "api" else "metrics", "containerPort": port}
        ]


def test_nobody_is_reached_who_is_not_named(base: list[Manifest]) -> None:
    """Everything is forbidden first; the janitor alone gets out into the world, and not back inside."""
    policies = of_kind(base, "NetworkPolicy")
    assert policies["nothing"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    worldwide = {
        name: policy["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
        for name, policy in policies.items()
        if "0.0.0.0/0" in str(policy)
    }
    assert worldwide == {"webhooks": "janitor"}
    blocked = policies["webhooks"]["spec"]["egress"][0]["to"][0]["ipBlock"]["except"]
    assert {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"} <= set(blocked)


@pytest.mark.parametrize("scaled", SCALED, ids=lambda each: each["metadata"]["name"])
def test_workers_are_scaled_by_length_and_age_of_their_queues(scaled: Manifest) -> None:
    """KEDA asks Prometheus for both, and never the broker."""
    jsonschema.validate(scaled, SCALED_OBJECT)
    name = scaled["metadata"]["name"]
    assert scaled["spec"]["scaleTargetRef"]["name"] == name
    queries = [trigger["metadata"]["query"] for trigger in scaled["spec"]["triggers"]]
    assert any("avemotion_queue_ready" in query for query in queries)
    assert sum("avemotion_queue_oldest_seconds" in query for query in queries) == 2
    for query in queries:
        assert re.search(rf'queue=~"{name}\[\.\]', query)


def test_gpu_workers_get_a_card_and_the_image_for_it() -> None:
    """The overlay changes where the model runs, and with what; whoever scales sets the number of pods."""
    deployments = of_kind(rendered("overlays/gpu"), "Deployment")
    pod = pod_of(deployments["inference"])
    assert pod["containers"][0]["image"].startswith("avemotion-inference-gpu:")
    assert pod["containers"][0]["resources"]["limits"] == {"memory": "4Gi", "nvidia.com/gpu": 1}
    assert pod["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    assert pod["tolerations"][0]["key"] == "nvidia.com/gpu"
    for name, deployment in deployments.items():
        assert ("replicas" in deployment["spec"]) == (name not in {"media", "inference"})


@pytest.mark.parametrize("overlay", ["base", *OVERLAYS])
def test_images_have_a_version(overlay: str) -> None:
    """What runs does not change by itself."""
    for workload in workloads(rendered(overlay)).values():
        for container in containers(workload):
            assert re.fullmatch(r"avemotion-[a-z-]+:\d+\.\d+\.\d+", container["image"])
