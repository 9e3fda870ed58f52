"""Generating the contracts: events with their readers, commands and queries, refusals, subscriptions, AsyncAPI.

The text of every file is a pure function of the code, so that "fresh" can be checked by comparing bytes. Examples are
not made here: they are recorded from a real season and then never change (examples.py).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import yaml

from app.docs.refusals import all_refusals
from kernel.aggregate import Aggregate, CommandRule, Event
from kernel.bus.topology import exchange_of, queue_of
from kernel.service import Query, Service

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def contract_files(services: Sequence[Service]) -> dict[str, str]:
    """{path under contracts/: text}, without the HTTP contract, which the gateway makes."""
    files: dict[str, str] = {}
    readers: dict[str, str] = {}
    for service in _families(services):
        for name, (aggregate, event) in service.events.items():
            path = f"events/{service.family}/{name}.v{event.version}.json"
            files[path] = _json(event_schema(service, aggregate, event))
            readers[service.event_type(event)] = event.readers
        for name, (aggregate, rule, _) in service.rules_of.items():
            files[f"rpc/{service.family}/{name}.json"] = _json(_command(service, aggregate, rule))
        for question in service.queries:
            files[f"rpc/{service.family}/{question.name}.json"] = _json(_query(service, question))
    files["envelope.json"] = _json(ENVELOPE)
    files["readers.json"] = _json(dict(sorted(readers.items())))
    files["refusals.json"] = _json(refusals())
    files["subscriptions.yaml"] = _subscriptions(services)
    files["asyncapi.yaml"] = _asyncapi(services)
    return files


def refusals() -> dict[str, Any]:
    """Every code that the market may answer with: its kind, and what each part of the program says by it.

    One code is one kind everywhere, else a client could not rely on it; sentences and rules may differ by case.
    """
    found: dict[str, Any] = {}
    for owner, owned in sorted(all_refusals().items()):
        for refusal in owned:
            entry = found.setdefault(refusal.code, {"kind": refusal.kind, "cases": []})
            if entry["kind"] != refusal.kind:
                raise ValueError(f"the refusal {refusal.code} is of two kinds: {entry['kind']} and {refusal.kind}")
            entry["cases"].append({"by": owner, "ru": refusal.ru, "en": refusal.en, "rule": refusal.rule})
    return dict(sorted(found.items()))


def event_schema(service: Service, aggregate: Aggregate, event: type[Event]) -> dict[str, Any]:
    """The JSON Schema of an event's `data`, with where it comes from and who may read it."""
    schema = event.model_json_schema(mode="serialization")
    return {
        "$schema": DIALECT,
        "$id": f"events/{service.family}/{event.__name__}.v{event.version}.json",
        "x-type": service.event_type(event),
        "x-stream": f"{aggregate.name}/<id>",
        "x-readers": event.readers,
        "x-leads-to": aggregate.events[event.__name__].to,
        **schema,
    }


def _command(service: Service, aggregate: Aggregate, rule: CommandRule) -> dict[str, Any]:
    return {
        "service": service.family,
        "name": rule.name,
        "kind": "command",
        "summary": _summary(rule.type.__doc__),
        "aggregate": aggregate.name,
        "roles": sorted(rule.roles),
        "states": sorted(state or "(new)" for state in rule.states),
        "emits": [event.__name__ for event in rule.emits],
        "ground": rule.ground,
        "params": rule.type.model_json_schema(mode="validation"),
    }


def _query(service: Service, question: Query) -> dict[str, Any]:
    return {
        "service": service.family,
        "name": question.name,
        "kind": "query",
        "summary": _summary(question.ask.__doc__),
        "roles": sorted(question.roles),
        "params": question.params.model_json_schema(mode="validation"),
    }


def _summary(doc: str | None) -> str:
    return " ".join((doc or "").strip().split("\n\n")[0].split())


def subscriptions(services: Sequence[Service]) -> list[dict[str, Any]]:
    """Who reads whose log, which events it handles, and the queue that brings them."""
    found = []
    for service in services:
        for source in service.sources:
            names = {n for s, n in service.reactions.handlers if s == source}
            if source != service.name:
                names |= {n for p in service.projections for s, n in p.handlers if s == source}
            everything = service.deposit is not None and source in service.deposit.sources
            found.append(
                {
                    "consumer": service.name,
                    "source": source,
                    "exchange": exchange_of(source),
                    "queue": queue_of(service.name, source),
                    "events": ["*"] if everything else sorted(names),
                }
            )
    return found


def _subscriptions(services: Sequence[Service]) -> str:
    head = "# Who reads whose log. Generated from the code: ./market contracts\n"
    return head + yaml.safe_dump(subscriptions(services), sort_keys=False, allow_unicode=True)


def _asyncapi(services: Sequence[Service]) -> str:
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for service in _families(services):
        messages = {
            name: {
                "name": service.event_type(event),
                "contentType": "application/json",
                "payload": {"$ref": f"./events/{service.family}/{name}.v{event.version}.json"},
            }
            for name, (_, event) in sorted(service.events.items())
        }
        if not messages:
            continue
        channels[service.family] = {
            "address": f"{service.name}.events",
            "description": "Sealed entries of the service's log, at least once, in order.",
            "messages": messages,
            "bindings": {"amqp": {"is": "routingKey", "exchange": {"name": f"{service.name}.events", "type": "topic"}}},
        }
        operations[f"publish_{service.family}"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{service.family}"},
        }
    document = {
        "asyncapi": "3.0.0",
        "info": {"title": "Market events", "version": "1.0.0", "license": {"name": "Apache-2.0"}},
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def _families(services: Sequence[Service]) -> list[Service]:
    """One service of each package: the three custodians are one."""
    found: dict[str, Service] = {}
    for service in services:
        found.setdefault(service.family, service)
    return list(found.values())


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=False) + "\n"


ENVELOPE: dict[str, Any] = {
    "$schema": DIALECT,
    "$id": "envelope.json",
    "title": "The event's envelope: CloudEvents 1.0 in canonical JSON (RFC 8785)",
    "type": "object",
    "required": [
        "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "data",
        "streamversion", "actor", "correlationid", "receivedat",
    ],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "format": "uuid", "description": "UUIDv7"},
        "source": {"type": "string", "pattern": "^/services/[a-z_0-9]+$"},
        "type": {"type": "string", "pattern": "^market\\.[a-z_]+\\.[A-Za-z]+\\.v[0-9]+$"},
        "subject": {"type": "string", "description": "the stream: <Aggregate>/<id>"},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"const": "application/json"},
        "dataschema": {"type": "string"},
        "data": {"type": "object"},
        "streamversion": {"type": "integer", "minimum": 1},
        "actor": {"type": "string", "description": "account id, or system:<service>"},
        "correlationid": {"type": "string"},
        "causationid": {"type": "string", "description": "the event that this one follows from"},
        "receivedat": {"type": "string", "format": "date-time", "description": "when the gateway received the call"},
        "ground": {"type": "string", "description": "the legal ground"},
    },
    "additionalProperties": False,
}  # fmt: skip
