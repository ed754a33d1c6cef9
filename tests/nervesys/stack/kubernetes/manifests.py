"""The committed manifests, read as Kustomize reads them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[4] / "provisioning/kubernetes"
Manifest = dict[str, Any]


def rendered(folder: Path) -> list[Manifest]:
    """The objects of a kustomization, which has resources only."""
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    assert kustomization.keys() == {"apiVersion", "kind", "resources"}
    found: list[Manifest] = []
    for name in kustomization["resources"]:
        place = (folder / name).resolve()
        found += rendered(place) if place.is_dir() else yaml.safe_load_all(place.read_text())
    return found


def of_kind(manifests: list[Manifest], *kinds: str) -> dict[str, Manifest]:
    """The objects of some kinds, by name."""
    return {each["metadata"]["name"]: each for each in manifests if each["kind"] in kinds}


def pod_specs(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Each workload's name, and the specification of its pods."""
    for name, workload in of_kind(manifests, "StatefulSet", "Deployment").items():
        yield name, workload["spec"]["template"]["spec"]
