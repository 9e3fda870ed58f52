"""The shapes of the custom resources that deploy/kubernetes uses, as far as it uses them, and not a field more.

Their definitions are their operators' (rabbitmq.com/v1beta1, postgresql.cnpg.io/v1, keda.sh/v1alpha1) and are in no
package that tests could ask. So a misspelt or misplaced field is caught here; a field that is new to deploy/kubernetes is
looked up in the operator's definition first and then written down here.
"""

from __future__ import annotations

from typing import Any

Shape = dict[str, Any]
TEXT: Shape = {"type": "string", "minLength": 1}
COUNT: Shape = {"type": "integer", "minimum": 0}
QUANTITY: Shape = {"type": "string", "pattern": r"^\d+(\.\d+)?(m|Mi|Gi)?$"}
FLAG: Shape = {"type": "boolean"}
#: Objects whose fields are Kubernetes' own: checked where they are used in an object of its own kinds.
ANY: Shape = {"type": "object"}


def fields(needed: Shape, more: Shape | None = None) -> Shape:
    """An object with `needed`, perhaps `more`, and nothing else."""
    properties = {**needed, **(more or {})}
    return {"type": "object", "properties": properties, "required": list(needed), "additionalProperties": False}


def resource(api: str, kind: str, spec: Shape) -> Shape:
    metadata = fields({"name": TEXT}, {"labels": {"type": "object", "additionalProperties": TEXT}})
    return fields({"apiVersion": {"const": api}, "kind": {"const": kind}, "metadata": metadata, "spec": spec})


def listed(item: Shape) -> Shape:
    return {"type": "array", "items": item, "minItems": 1}


NAMED = fields({"name": TEXT})
AMOUNTS = fields({"cpu": QUANTITY, "memory": QUANTITY})
RESOURCES = fields({"requests": AMOUNTS, "limits": AMOUNTS})

SHAPES: dict[tuple[str, str], Shape] = {
    ("rabbitmq.com/v1beta1", "RabbitmqCluster"): resource(
        "rabbitmq.com/v1beta1",
        "RabbitmqCluster",
        fields(
            {
                "replicas": COUNT,
                "image": TEXT,
                "persistence": fields({"storage": QUANTITY}),
                "resources": RESOURCES,
                "rabbitmq": fields({"additionalConfig": TEXT}),
                "affinity": ANY,
                "override": fields({"statefulSet": fields({"spec": fields({"template": fields({"spec": ANY})})})}),
            },
            {"tls": fields({"secretName": TEXT}, {"caSecretName": TEXT, "disableNonTLSListeners": FLAG})},
        ),
    ),
    ("postgresql.cnpg.io/v1", "Cluster"): resource(
        "postgresql.cnpg.io/v1",
        "Cluster",
        fields(
            {
                "instances": COUNT,
                "imageName": TEXT,
                "enableSuperuserAccess": FLAG,
                "superuserSecret": NAMED,
                "bootstrap": fields(
                    {
                        "initdb": fields(
                            {"database": TEXT, "owner": TEXT},
                            {
                                "dataChecksums": FLAG,
                                "encoding": TEXT,
                                "localeProvider": {"enum": ["builtin", "icu", "libc"]},
                                "builtinLocale": TEXT,
                                "localeCollate": TEXT,
                                "localeCType": TEXT,
                            },
                        )
                    }
                ),
                "postgresql": fields(
                    {
                        "synchronous": fields({"method": {"enum": ["any", "first"]}, "number": COUNT}),
                        "parameters": {"type": "object", "additionalProperties": TEXT},
                        "pg_hba": listed(TEXT),
                    }
                ),
                "storage": fields({"size": QUANTITY}),
                "walStorage": fields({"size": QUANTITY}),
                "resources": RESOURCES,
                "affinity": fields({"enablePodAntiAffinity": FLAG, "topologyKey": TEXT}),
            }
        ),
    ),
    ("keda.sh/v1alpha1", "ScaledObject"): resource(
        "keda.sh/v1alpha1",
        "ScaledObject",
        fields(
            {
                "scaleTargetRef": NAMED,
                "minReplicaCount": COUNT,
                "maxReplicaCount": COUNT,
                "pollingInterval": COUNT,
                "cooldownPeriod": COUNT,
                "fallback": fields({"failureThreshold": COUNT, "replicas": COUNT}),
                "triggers": listed(
                    fields(
                        {
                            "type": {"const": "rabbitmq"},
                            "metadata": fields(
                                {
                                    "protocol": {"enum": ["amqp", "http"]},
                                    "queueName": TEXT,
                                    "mode": {"enum": ["QueueLength", "MessageRate"]},
                                    "value": {"type": "string", "pattern": r"^\d+$"},
                                }
                            ),
                            "authenticationRef": NAMED,
                        }
                    )
                ),
            }
        ),
    ),
    ("keda.sh/v1alpha1", "TriggerAuthentication"): resource(
        "keda.sh/v1alpha1",
        "TriggerAuthentication",
        fields({"secretTargetRef": listed(fields({"parameter": TEXT, "name": TEXT, "key": TEXT}))}),
    ),
}
