"""The Kubernetes base: every object has the shape of its kind, and says what the code and docker-compose.yml say.

Kubernetes' own kinds are checked by its published schemas (kubernetes-validate), strictly: unknown fields are mistakes.
Custom resources are checked by the shapes in tests/deploy/shapes.py.
"""

from __future__ import annotations

import base64
import copy
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from app.deploy import ports
from app.deploy.broker import broker_services
from app.deploy.secrets import Places, kubernetes_name, make_secrets
from app.services import all_services
from kernel.bus.wire import queue_of
from kernel.settings import PROJECT
from tests.deploy.read import (
    BASE,
    Process,
    check_command,
    cluster_processes,
    compose,
    compose_processes,
    manifests,
    of_kind,
    setting_names,
)
from tests.deploy.shapes import SHAPES

VERSION = "1.30"
PROCESSES = cluster_processes()
BROKER, AUTHORITY = "rabbitmq.market.svc", "/run/broker-ca"
WORKLOADS = [*of_kind("Deployment"), *of_kind("Job")]


def name_of(one: dict[str, Any]) -> str:
    return f"{one['kind']}/{one['metadata']['name']}"


def check(one: dict[str, Any]) -> None:
    """Raises when `one` isn't what its kind may be."""
    shape = SHAPES.get((one["apiVersion"], one["kind"]))
    if shape is None:
        kubernetes_validate.validate(one, VERSION, strict=True)
    else:
        jsonschema.Draft202012Validator(shape).validate(one)


# -- shapes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("one", manifests(), ids=name_of)
def test_every_object_has_the_shape_of_its_kind(one: dict[str, Any]) -> None:
    check(one)


@pytest.mark.parametrize(
    "one", {one["kind"]: one for one in manifests() if one["kind"] != "Namespace"}.values(), ids=name_of
)
def test_a_misspelt_field_is_noticed_in_every_kind(one: dict[str, Any]) -> None:
    wrong = copy.deepcopy(one)
    wrong["spec"]["replicaz"] = 3
    with pytest.raises((kubernetes_validate.ValidationError, jsonschema.ValidationError)):
        check(wrong)


@pytest.mark.needs("kubectl")
def test_the_base_is_put_together_with_one_namespace_and_a_pinned_image() -> None:
    objects = kustomized(BASE)
    assert sorted(map(name_of, objects)) == sorted([*map(name_of, manifests()), "ConfigMap/market"])
    assert {one["metadata"].get("namespace") for one in objects if one["kind"] != "Namespace"} == {"market"}
    release = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    images = {c["image"] for one in objects for c in containers(one)}
    assert images == {f"registry.example/market:{release}"}
    assert {said["image"] for name, said in compose()["services"].items() if name in compose_processes()} == {
        f"market:{release}"
    }


@pytest.mark.needs("kubectl")
def test_secrets_become_what_the_pods_mount(tmp_path: Path) -> None:
    make_secrets(
        tmp_path / "secrets",
        Places("postgres-rw.market.svc", BROKER, "/run/database-ca/ca.crt", f"{AUTHORITY}/ca.crt"),
    )
    made = {one["metadata"]["name"]: one.get("data", {}) for one in kustomized(tmp_path / "secrets")}
    made["postgres-ca"] = {"ca.crt": ""}  # by the database's operator
    made["rabbitmq-tls"] = {"ca.crt": "", "tls.crt": "", "tls.key": ""}  # by the cluster's authority
    for one in WORKLOADS:
        for volume in one["spec"]["template"]["spec"]["volumes"]:
            secret = volume.get("secret")
            if secret:
                assert {item["key"] for item in secret.get("items", [])} <= set(made[secret["secretName"]])
    assert "definitions.json" in made["rabbitmq-definitions"] and {"username", "password"} <= set(
        made["postgres-superuser"]
    )
    (scaler,) = of_kind("TriggerAuthentication")
    assert base64.b64decode(made["scaler"]["tls"]) == b"enable"
    assert all(ref["key"] in made[ref["name"]] for ref in scaler["spec"]["secretTargetRef"])


def kustomized(folder: Path) -> list[dict[str, Any]]:
    kubectl = shutil.which("kubectl")
    assert kubectl is not None
    done = subprocess.run([kubectl, "kustomize", str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def containers(one: dict[str, Any]) -> list[dict[str, Any]]:
    pod = one.get("spec", {}).get("template", {}).get("spec", {}) if one["kind"] in ("Deployment", "Job") else {}
    return [*pod.get("containers", []), *pod.get("initContainers", [])]


# -- against the code -------------------------------------------------------------------------------------------------


def test_the_cluster_runs_what_docker_compose_runs() -> None:
    local = {kubernetes_name(n): p.arguments for n, p in compose_processes().items() if n != "operator"}
    assert {name: process.arguments for name, process in PROCESSES.items()} == local


@pytest.mark.parametrize("process", PROCESSES.values(), ids=PROCESSES.keys())
def test_the_command_line_knows_commands_and_variables(process: Process) -> None:
    check_command(process.arguments)
    assert process.variables <= setting_names()


@pytest.mark.parametrize("service", [*(s.name for s in all_services()), "gateway"])
def test_every_process_is_probed_where_it_answers(service: str) -> None:
    found = PROCESSES[kubernetes_name(service)].addresses
    if service == "gateway":
        assert found == {(ports.GATEWAY_PORT, ports.LIVE)}
    else:
        assert found == {(ports.HTTP_PORT, ports.LIVE), (ports.HTTP_PORT, ports.READY)}


@pytest.mark.parametrize("one", WORKLOADS, ids=name_of)
def test_every_container_is_bounded_and_locked(one: dict[str, Any]) -> None:
    pod = one["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"]
    for container in containers(one):
        assert set(container["resources"]["limits"]) == {"cpu", "memory"}
        locked = container["securityContext"]
        assert locked["readOnlyRootFilesystem"] and not locked["allowPrivilegeEscalation"]
        assert locked["capabilities"] == {"drop": ["ALL"]}


def test_every_service_has_a_budget_and_grows_with_its_own_queue_but_the_signer() -> None:
    scaled = {one["metadata"]["name"]: one["spec"] for one in of_kind("ScaledObject")}
    several = {kubernetes_name(name): queue_of(name) for name in broker_services() if name != "audit"}
    assert {name: spec["triggers"][0]["metadata"]["queueName"] for name, spec in scaled.items()} == several
    assert all(spec["scaleTargetRef"]["name"] == name for name, spec in scaled.items())
    budgets = {one["metadata"]["name"]: one["spec"] for one in of_kind("PodDisruptionBudget")}
    assert set(budgets) == {*several, "gateway", "rabbitmq"}
    for name, budget in budgets.items():
        assert budget["selector"]["matchLabels"] == {"app.kubernetes.io/name": name}
    (audit,) = (one for one in of_kind("Deployment") if one["metadata"]["name"] == "audit")
    assert audit["spec"]["replicas"] == 1 and audit["spec"]["strategy"] == {"type": "Recreate"}


def test_selectors_and_labels_agree() -> None:
    for one in of_kind("Deployment"):
        labels = one["spec"]["template"]["metadata"]["labels"]
        assert one["spec"]["selector"]["matchLabels"].items() <= labels.items()
        assert labels["app.kubernetes.io/part-of"] == "market"  # what the network's rules go by
    for one in of_kind("Job"):
        assert one["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/part-of"] == "market"


def test_connections_of_all_replicas_fit_into_the_server() -> None:
    (cluster,) = of_kind("Cluster")
    allowed = int(cluster["spec"]["postgresql"]["parameters"]["max_connections"])
    replicas = sum(one["spec"]["maxReplicaCount"] for one in of_kind("ScaledObject")) + 1
    assert replicas * 5 <= allowed


def test_the_brokers_configuration_is_that_of_one_machine_but_for_what_a_cluster_adds() -> None:
    (cluster,) = of_kind("RabbitmqCluster")
    here = settings_in(cluster["spec"]["rabbitmq"]["additionalConfig"])
    there = settings_in((PROJECT / "deploy" / "rabbitmq" / "rabbitmq.conf").read_text())
    for name in ("auth_mechanisms.1", "heartbeat", "connection_max", "channel_max"):
        assert here[name] == there[name]
    mounted = cluster["spec"]["override"]["statefulSet"]["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
    assert here["load_definitions"] == f"{mounted[0]['mountPath']}/definitions.json"


def test_the_broker_is_asked_over_tls_alone_by_everybody(tmp_path: Path) -> None:
    (cluster,) = of_kind("RabbitmqCluster")
    assert cluster["spec"]["tls"] == {"secretName": "rabbitmq-tls", "disableNonTLSListeners": True}
    make_secrets(tmp_path, Places(broker=BROKER, broker_ca=f"{AUTHORITY}/ca.crt"))
    asking = {kubernetes_name(path.parent.name): path.read_text() for path in tmp_path.glob("*/market_amqp_url")}
    assert all(f"@{BROKER}/market?cafile={AUTHORITY}/ca.crt" in url for url in asking.values())
    assert all(url.startswith("amqps://") for url in asking.values())
    for one in WORKLOADS:
        name, pod = one["metadata"]["name"], one["spec"]["template"]["spec"]
        mounted = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
        given = {volume["name"]: volume.get("secret", {}) for volume in pod["volumes"]}
        assert (mounted.get("broker-ca") == AUTHORITY) == (name in asking)
        if name in asking:  # the server's private key is in the same Secret, and in no other pod
            assert given["broker-ca"]["items"] == [{"key": "ca.crt", "path": "ca.crt"}]
    ports = [port["port"] for one in of_kind("NetworkPolicy") for rule in rules(one) for port in rule.get("ports", [])]
    assert 5671 in ports and not {5672, 15672, 15692} & set(ports)


def rules(policy: dict[str, Any]) -> list[dict[str, Any]]:
    return [*policy["spec"].get("ingress", []), *policy["spec"].get("egress", [])]


def settings_in(text: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}
