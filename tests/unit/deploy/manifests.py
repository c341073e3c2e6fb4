"""The manifests of deploy/kubernetes as a cluster would get them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "deploy" / "kubernetes"
KUBECTL = Path(sys.executable).parent / "kubectl"

Manifest = dict[str, Any]


def read(path: Path) -> list[Manifest]:
    """Return the documents of one file."""
    return [each for each in yaml.safe_load_all(path.read_text(encoding="utf-8")) if each]


def resources(folder: Path) -> list[Manifest]:
    """Return what a kustomization lists, from files of its own folder."""
    listed = read(folder / "kustomization.yaml")[0]["resources"]
    return [each for name in listed if name.endswith(".yaml") for each in read(folder / name)]


def rendered(overlay: str) -> list[Manifest]:
    """Return an overlay as kustomize makes it; skip where there is no kubectl."""
    # The extra `dev` brings it where it has a wheel.
    beside = KUBECTL if KUBECTL.exists() else None
    kubectl = beside or shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl, which brings kustomize, is not installed")
    done = subprocess.run(
        [kubectl, "kustomize", str(FOLDER / overlay)], capture_output=True, text=True, check=True
    )
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def of_kind(manifests: list[Manifest], *kinds: str) -> dict[str, Manifest]:
    """Return the manifests of some kinds by name."""
    return {each["metadata"]["name"]: each for each in manifests if each["kind"] in kinds}


def pod_of(manifest: Manifest) -> Manifest:
    """Return the pod of a Deployment or a Job."""
    return cast("Manifest", manifest["spec"]["template"]["spec"])


def containers(manifest: Manifest) -> list[Manifest]:
    """Return all containers of a Deployment or a Job."""
    pod = pod_of(manifest)
    return [*pod.get("initContainers", []), *pod["containers"]]
