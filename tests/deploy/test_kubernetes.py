"""The Kubernetes files: rendered by kustomize, held against the API's schemas, and against what we promise."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import kubernetes_validate
import pytest
import yaml
from kubernetes_validate import utils as validator
from prefect_kubernetes.settings import KubernetesSettings

from flows.settings import load_settings
from tests.deploy.files import (
    DEPLOY,
    K8S,
    compose,
    environment,
    is_setting,
    kubectl,
    pods,
    render,
    require_real,
)

VERSIONS = ("1.30", "1.37")
"""The oldest API that is meant, and the newest that the validator knows."""
SECRETS = {
    "parquetry": {"PARQUETRY_DATABASE", "PREFECT_API_AUTH_STRING", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
                  "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "PARQUETRY_METRICS_TOKEN"},
    "parquetry-prefect": {"PREFECT_SERVER_DATABASE_CONNECTION_URL", "PREFECT_SERVER_API_AUTH_STRING",
                          "PREFECT_API_AUTH_STRING"},
    "parquetry-admin": {"password"},
}  # fmt: skip
"""What README.md tells to make."""
FILL = K8S / "fill-model.yaml"
VLLM = K8S / "components" / "vllm"
Objects = list[dict[str, Any]]

needs_kubectl = pytest.mark.skipif(
    kubectl() is None and os.environ.get("CI") != "true", reason="kubectl is not installed"
)


def files() -> list[Path]:
    return sorted(K8S.rglob("*.yaml"))


@pytest.fixture(scope="module", params=["cpu", "gpu", "all"])
def objects(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Objects:
    """An overlay as it would be applied; ``all`` is the GPU's with every component."""
    if request.param != "all":
        return render(K8S / "overlays" / request.param)
    copy = tmp_path_factory.mktemp("k8s") / "k8s"
    shutil.copytree(K8S, copy)
    overlay = copy / "overlays" / "all"
    overlay.mkdir()
    components = sorted(f"../../components/{one.name}" for one in (K8S / "components").iterdir())
    said = {"resources": ["../gpu"], "components": components, "namespace": "parquetry"}
    (overlay / "kustomization.yaml").write_text(yaml.safe_dump(said), encoding="utf-8")
    return render(overlay)


pytestmark = needs_kubectl


@pytest.fixture(scope="module", autouse=True)
def schemas_are_read_once() -> Iterator[None]:
    """The validator reads the megabytes of the API's definitions anew for every object."""
    once = cache(validator.schema_contents)
    with patch.object(validator, "schema_contents", once):
        yield


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_one_of_the_api(objects: Objects, version: str) -> None:
    for one in objects:
        kubernetes_validate.validate(one, version, strict=True)


def test_a_wrong_object_is_found() -> None:
    wrong = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"prots": []}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


def test_every_file_belongs_to_a_kustomization() -> None:
    named: set[Path] = set()
    for file in files():
        if file.name == "kustomization.yaml":
            said = yaml.safe_load(file.read_text(encoding="utf-8"))
            paths = [*said.get("resources", []), *(p["path"] for p in said.get("patches", []) if "path" in p)]
            named |= {(file.parent / path).resolve() for path in paths}
    assert {file for file in files() if file.name != "kustomization.yaml"} - {FILL} <= named
    assert "deploy/k8s/fill-model.yaml" in (DEPLOY / "README.md").read_text(encoding="utf-8")


def test_the_pod_that_takes_a_model_is_confined_and_reaches_nothing() -> None:
    pod = yaml.safe_load(FILL.read_text(encoding="utf-8"))
    for version in VERSIONS:
        kubernetes_validate.validate(pod, version, strict=True)
    served = next(
        spec
        for name, _, spec in pods(list(yaml.safe_load_all((VLLM / "vllm.yaml").read_text(encoding="utf-8"))))
        if name == "Deployment vllm"
    )
    assert pod["spec"]["securityContext"] == served["securityContext"]
    one, other = pod["spec"]["containers"][0], served["containers"][0]
    assert (one["image"], one["securityContext"]) == (other["image"], other["securityContext"])
    claims = [
        volume["persistentVolumeClaim"]["claimName"]
        for spec in (pod["spec"], served)
        for volume in spec["volumes"]
        if "persistentVolumeClaim" in volume
    ]
    assert claims == ["parquetry-model"] * 2


def test_names_are_once_and_in_one_namespace(objects: Objects) -> None:
    names = [(one["kind"], one["metadata"]["name"]) for one in objects]
    assert len(names) == len(set(names))
    assert all(
        one["metadata"].get("namespace") == "parquetry" for one in objects if one["kind"] != "Namespace"
    )
    assert not [one for one in objects if one["kind"] == "Secret"], (
        "secrets are made by hand, or by an operator"
    )


def test_pods_pass_the_restricted_profile(objects: Objects) -> None:
    namespace = next(one for one in objects if one["kind"] == "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for name, _, spec in pods(objects):
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), name
        context = spec["securityContext"]
        assert context["runAsNonRoot"] is True and context["runAsUser"] == 10001, name
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        kinds = {kind for volume in spec["volumes"] for kind in volume.keys() - {"name"}}
        assert kinds <= {"emptyDir", "configMap", "secret", "persistentVolumeClaim"}, name
        for one in [*spec["containers"], *spec.get("initContainers", [])]:
            inside = one["securityContext"]
            assert inside["allowPrivilegeEscalation"] is False and inside["capabilities"] == {"drop": ["ALL"]}
            assert inside["readOnlyRootFilesystem"] is True and "privileged" not in inside
            assert all("hostPort" not in port for port in one.get("ports", []))
            assert {"cpu", "memory"} <= one["resources"]["requests"].keys() & one["resources"][
                "limits"
            ].keys()


def test_images_are_pinned(objects: Objects) -> None:
    for name, _, spec in pods(objects):
        for one in spec["containers"]:
            pinned = re.fullmatch(
                r"parquetry-(cpu|gpu|review):0\.1\.0|[\w./-]+:[\w.]+@sha256:[0-9a-f]{64}", one["image"]
            )
            assert pinned, (name, one["image"])


def test_long_pods_are_probed(objects: Objects) -> None:
    for one in objects:
        if one["kind"] != "Deployment":
            continue
        for container in one["spec"]["template"]["spec"]["containers"]:
            assert {"startupProbe", "livenessProbe"} <= container.keys(), one["metadata"]["name"]
            ports = {port["name"]: port["containerPort"] for port in container["ports"]}
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                how = container.get(probe, {})
                assert (how.get("httpGet") or how.get("tcpSocket") or {"port": "http"})[
                    "port"
                ] in ports or not how
    review = next(
        one for one in objects if one["metadata"]["name"] == "review" and one["kind"] == "Deployment"
    )
    container = review["spec"]["template"]["spec"]["containers"][0]
    hosts = [container[p]["httpGet"]["httpHeaders"][0] for p in ("startupProbe", "readinessProbe")]
    assert hosts == [{"name": "Host", "value": "localhost"}] * 2, "the page answers to names that it knows"


def test_what_is_named_exists(objects: Objects) -> None:
    def of(kind: str) -> set[str]:
        return {one["metadata"]["name"] for one in objects if one["kind"] == kind}

    for name, _, spec in pods(objects):
        assert spec["serviceAccountName"] in of("ServiceAccount"), name
        for volume in spec["volumes"]:
            if "configMap" in volume:
                assert volume["configMap"]["name"] in of("ConfigMap")
            if "persistentVolumeClaim" in volume:
                assert volume["persistentVolumeClaim"]["claimName"] in of("PersistentVolumeClaim")
            if "secret" in volume:
                assert volume["secret"]["secretName"] in SECRETS
        mounted = {one["name"] for container in spec["containers"] for one in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in spec["volumes"]}, name
        for container in spec["containers"]:
            for source in container.get("envFrom", []):
                assert source["secretRef"]["name"] in SECRETS
            for variable in container.get("env", []):
                key = variable.get("valueFrom", {}).get("secretKeyRef")
                assert key is None or key["key"] in SECRETS[key["name"]]


def test_the_secrets_are_those_that_the_readme_makes() -> None:
    text = (DEPLOY / "README.md").read_text(encoding="utf-8")
    for name, keys in SECRETS.items():
        found = re.search(rf"create secret generic {name}( \\\n.*)+?\n(?!  )", text)
        assert found, name
        assert set(re.findall(r"--from-(?:literal|file)=(\w+)=", found[0])) == keys
    assert all(is_setting(key) for keys in SECRETS.values() for key in keys if key.startswith("PARQUETRY_"))


def test_settings_and_commands_are_real(objects: Objects) -> None:
    for name, _, spec in pods(objects):
        for container in spec["containers"]:
            variables = [one["name"] for one in container.get("env", [])]
            assert all(is_setting(one) for one in variables if one.startswith("PARQUETRY_")), name
            if container["image"].startswith("parquetry-"):
                require_real(container["args"])
    config = next(one for one in objects if one["kind"] == "ConfigMap")["data"]["parquetry.toml"]
    assert config == (K8S / "base" / "parquetry.toml").read_text(encoding="utf-8")
    settings = load_settings(K8S / "base" / "parquetry.toml")
    assert settings.review.host == "0.0.0.0" and settings.source is not None


def test_ports_are_the_codes_and_services_reach_them(objects: Objects) -> None:
    settings = load_settings()
    wanted = {
        "prefect": settings.serve.prefect_port,
        "review": settings.review_port,
        "worker": 8080,
        "vllm": 8000,
    }
    for one in objects:
        if one["kind"] == "Deployment":
            container = one["spec"]["template"]["spec"]["containers"][0]
            assert container["ports"][0]["containerPort"] == wanted[one["metadata"]["name"]]
        if one["kind"] == "Service":
            target = one["spec"]["ports"][0]["targetPort"]
            reached = [
                spec for _, labels, spec in pods(objects) if one["spec"]["selector"].items() <= labels.items()
            ]
            assert len(reached) == 1 and reached[0]["containers"][0]["ports"][0]["name"] == target


def test_compose_and_kubernetes_run_the_same(objects: Objects) -> None:
    services = compose()["services"]
    for name, _, spec in pods(objects):
        service = services.get(name.split()[1])
        job_per_run = "kubernetes" in spec["containers"][0].get("args", [])
        if service is None or name.endswith("prepare") or job_per_run:
            continue
        assert spec["containers"][0]["args"] == service["command"], name


def test_nothing_is_reached_but_what_is_named(objects: Objects) -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in objects if one["kind"] == "NetworkPolicy"}
    assert policies["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    labels = {given["app.kubernetes.io/name"] for _, given, _ in pods(objects)} | {"run"}

    def names(selector: dict[str, Any]) -> set[str]:
        found = set(selector.get("matchLabels", {}).values())
        return found | {value for one in selector.get("matchExpressions", []) for value in one["values"]}

    for policy in policies.values():
        assert names(policy["podSelector"]) <= labels
        for rule in [*policy.get("ingress", []), *policy.get("egress", [])]:
            assert rule.get("ports"), "no rule without its ports"
            for peer in [*rule.get("from", []), *rule.get("to", [])]:
                assert names(peer.get("podSelector", {})) <= labels
    reached = [names(one["podSelector"]) for one in policies.values() if "Ingress" in one["policyTypes"]]
    assert {"prefect"} in reached


def test_accounts_have_no_rights_unless_they_start_jobs(objects: Objects) -> None:
    rights = [
        one for one in objects if one["kind"] in ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
    ]
    jobs = any("kubernetes" in spec["containers"][0].get("args", []) for _, _, spec in pods(objects))
    assert {one["kind"] for one in rights} == ({"Role", "RoleBinding"} if jobs else set())
    for name, _, spec in pods(objects):
        assert spec["automountServiceAccountToken"] is (jobs and name == "Deployment worker"), name
    for one in rights:
        for rule in one.get("rules", []):
            assert "*" not in [*rule["verbs"], *rule["resources"], *rule["apiGroups"]]


def test_a_worker_that_starts_jobs_looks_at_its_namespace_only(objects: Objects) -> None:
    """By itself Prefect's worker watches the whole cluster, which its role forbids, and puts the password into jobs."""
    for _, _, spec in pods(objects):
        container = spec["containers"][0]
        if "kubernetes" not in container.get("args", []):
            continue
        said = {one["name"]: one.get("value", "") for one in container["env"]}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in said.items():
                patch.setenv(name, value)
            read = KubernetesSettings()
        assert read.observer.namespaces == {"parquetry"}
        assert read.worker.api_auth_string_secret_key in SECRETS[str(read.worker.api_auth_string_secret_name)]


def test_a_gpu_is_asked_for_where_the_overlay_says(objects: Objects) -> None:
    asked = {
        name
        for name, _, spec in pods(objects)
        if "nvidia.com/gpu" in spec["containers"][0]["resources"].get("limits", {})
    }
    tolerant = {name for name, _, spec in pods(objects) if spec.get("tolerations")}
    assert asked == tolerant
    images = {spec["containers"][0]["image"] for name, _, spec in pods(objects) if name in asked}
    assert all("gpu" in image or "vllm" in image for image in images)


def test_disruptions_leave_a_review_page(objects: Objects) -> None:
    budgets = [one["spec"] for one in objects if one["kind"] == "PodDisruptionBudget"]
    replicas = {
        one["metadata"]["name"]: one["spec"]["replicas"] for one in objects if one["kind"] == "Deployment"
    }
    assert budgets
    for budget in budgets:
        name = budget["selector"]["matchLabels"]["app.kubernetes.io/name"]
        assert budget["minAvailable"] < replicas[name], "or no node could ever be drained"


def test_images_bring_what_pods_do_not_say() -> None:
    for image in ("cpu", "gpu", "review"):
        assert environment(image)["PARQUETRY_HOME"] == "/var/lib/parquetry"


def test_pods_that_prefect_makes_find_what_they_name(objects: Objects) -> None:
    """The template of deploy/work_pools names an account, a claim and settings of ours; its label is let through."""
    template = json.loads((DEPLOY / "work_pools" / "kubernetes.json").read_text(encoding="utf-8"))
    given = {name: one.get("default") for name, one in template["variables"]["properties"].items()}
    names = {(one["kind"], one["metadata"]["name"]) for one in objects}
    assert ("ServiceAccount", given["service_account_name"]) in names
    assert ("PersistentVolumeClaim", given["home_claim_name"]) in names
    assert ("ConfigMap", given["config_map_name"]) in names and given["secret_name"] in SECRETS
    assert given["namespace"] == "parquetry" and given["image"] == "parquetry-cpu:0.1.0"
    pod = template["job_configuration"]["job_manifest"]["spec"]["template"]
    assert pod["metadata"]["labels"]["app.kubernetes.io/name"] == "run"
