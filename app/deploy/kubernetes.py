"""`deploy/kubernetes/base/services.yaml`: what a cluster runs of each service, one shape for all of them.

Per service a Deployment (probes, limits, not root, nothing writable but /tmp), a budget that keeps one replica through
the maintenance of nodes, and scaling on the length of its RPC queue. The audit service is the exception: it remembers
what it signed last outside the database, on a volume that mostly only one node may hold, so it has one replica and is
replaced rather than rolled; the others go on without it, and it catches up from the logs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from app.deploy.ports import HEALTHY, HTTP_PORT, LIVE, READY
from app.deploy.secrets import NAMESPACE, kubernetes_name
from kernel.service import Service

HEAD = "# What a cluster runs of each service. Generated from the code: python -m app.deploy\n"
IMAGE = "market"  # its tag is named once, in kustomization.yaml
USER = 10001
REPLICAS, REPLICAS_AT_MOST = 2, 6
WAITING_CALLS = "50"  # more than these in its queue, and a service gets another replica
SINGLE = "audit"
HOME, SECRETS = "/var/lib/market", "/run/secrets/market"

Manifest = dict[str, Any]


def manifests(services: Sequence[Service]) -> dict[str, str]:
    """File under deploy/kubernetes/base/ → text."""
    found: list[Manifest] = []
    for service in services:
        found.append(deployment(service.name))
        if service.name == SINGLE:
            found.append(_memory())
        else:
            found += [_budget(service.name), _scaling(service.name)]
    return {"services.yaml": HEAD + yaml.safe_dump_all(found, sort_keys=False)}


def deployment(service: str) -> Manifest:
    """The Deployment of one service."""
    name = kubernetes_name(service)
    single = service == SINGLE
    spec: Manifest = {
        "strategy": {"type": "Recreate"}
        if single
        else {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
        "template": {"metadata": {"labels": _labels(name), "annotations": _scraped()}, "spec": _pod(service)},
    }
    if single:
        spec = {"replicas": 1, **spec}  # the others' number is the scaler's to set
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": _metadata(name), "spec": spec}


def _pod(service: str) -> Manifest:
    name = kubernetes_name(service)
    volumes: list[Manifest] = [
        {"name": "secrets", "secret": {"secretName": name}},
        {
            "name": "database-ca",
            "secret": {"secretName": "postgres-ca", "items": [{"key": "ca.crt", "path": "ca.crt"}]},
        },
        {
            "name": "broker-ca",
            "secret": {"secretName": "rabbitmq-tls", "items": [{"key": "ca.crt", "path": "ca.crt"}]},
        },
        {"name": "keys", "secret": {"secretName": f"{name}-keys"}},
        {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}},
    ]
    mounts: list[Manifest] = [
        {"name": "secrets", "mountPath": SECRETS, "readOnly": True},
        {"name": "database-ca", "mountPath": "/run/database-ca", "readOnly": True},
        {"name": "broker-ca", "mountPath": "/run/broker-ca", "readOnly": True},
        {"name": "keys", "mountPath": f"{HOME}/keys", "readOnly": True},
        {"name": "tmp", "mountPath": "/tmp"},
    ]
    pod: Manifest = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 30,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {"app.kubernetes.io/name": name}},
            }
        ],
    }
    if service == SINGLE:
        volumes.append({"name": "memory", "persistentVolumeClaim": {"claimName": f"{name}-memory"}})
        mounts.append({"name": "memory", "mountPath": f"{HOME}/signed"})
    container: Manifest = {
        "name": "service",
        "image": IMAGE,
        "args": ["run", service],
        "envFrom": [{"configMapRef": {"name": "market"}}],
        "env": [
            {"name": "MARKET_SECRETS_DIR", "value": SECRETS},
            {"name": "MARKET_METRICS_PORT", "value": str(HTTP_PORT)},
            *([{"name": "MARKET_SIGNED", "value": f"{HOME}/signed/log.signed"}] if service == SINGLE else []),
        ],
        "ports": [{"name": "http", "containerPort": HTTP_PORT}],
        "startupProbe": _probe(HEALTHY, every_s=2, failures=60),
        "livenessProbe": _probe(LIVE, every_s=10, failures=3),
        "readinessProbe": _probe(READY, every_s=5, failures=3),
        "resources": {"requests": {"cpu": "100m", "memory": "192Mi"}, "limits": {"cpu": "1", "memory": "512Mi"}},
        "securityContext": _locked(),
        "volumeMounts": mounts,
    }
    return {**pod, "containers": [container], "volumes": volumes}


def _probe(path: str, every_s: int, failures: int) -> Manifest:
    return {
        "httpGet": {"path": path, "port": "http"},
        "periodSeconds": every_s,
        "timeoutSeconds": 3,
        "failureThreshold": failures,
    }


def _locked() -> Manifest:
    return {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


def _memory() -> Manifest:
    name = kubernetes_name(SINGLE)
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": _metadata(f"{name}-memory", name),
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }


def _budget(service: str) -> Manifest:
    name = kubernetes_name(service)
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": _metadata(name),
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app.kubernetes.io/name": name}}},
    }


def _scaling(service: str) -> Manifest:
    name = kubernetes_name(service)
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": _metadata(name),
        "spec": {
            "scaleTargetRef": {"name": name},
            "minReplicaCount": REPLICAS,
            "maxReplicaCount": REPLICAS_AT_MOST,
            "pollingInterval": 15,
            "cooldownPeriod": 300,
            # Without an answer of the broker nothing is learnt from its queues: stay as many as in good times.
            "fallback": {"failureThreshold": 3, "replicas": REPLICAS},
            "triggers": [
                {
                    "type": "rabbitmq",
                    "metadata": {
                        "protocol": "amqp",
                        "queueName": f"rpc-{service}",
                        "mode": "QueueLength",
                        "value": WAITING_CALLS,
                    },
                    "authenticationRef": {"name": "broker"},
                }
            ],
        },
    }


def _labels(name: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": NAMESPACE}


def _metadata(name: str, of: str | None = None) -> Manifest:
    return {"name": name, "labels": _labels(of or name)}


def _scraped() -> dict[str, str]:
    return {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(HTTP_PORT),
        "prometheus.io/path": "/metrics",
    }
