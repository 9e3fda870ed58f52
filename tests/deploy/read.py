"""What the deployment files say, in one form for both: processes with their arguments, variables, files and probes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import typer.main
import yaml

from app.cli import application
from kernel.settings import PROJECT, Settings

COMPOSE = PROJECT / "docker-compose.yml"
COMPOSE_TLS = PROJECT / "docker-compose.tls.yml"
BASE = PROJECT / "deploy" / "kubernetes" / "base"
IMAGES_OF_OURS = "market"
#: Read before the settings are: where their files lie.
BESIDE_SETTINGS = {"MARKET_SECRETS_DIR"}


@dataclass
class Process:
    """One of our processes as a deployment starts it."""

    name: str
    arguments: list[str]
    variables: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    addresses: set[tuple[int, str]] = field(default_factory=set)


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return loaded


def compose_processes() -> dict[str, Process]:
    """The processes of our image in docker-compose.yml, by name."""
    return {name: _of_compose(name, said) for name, said in compose()["services"].items() if _is_ours(said["image"])}


def _of_compose(name: str, said: dict[str, Any]) -> Process:
    tests = said["healthcheck"].get("test", [])
    urls = [word for word in tests if word.startswith("http://")]
    return Process(
        name,
        [str(word) for word in said["command"]],
        set(said["environment"]),
        {secret["target"] for secret in said.get("secrets", [])},
        {_address(url) for url in urls},
    )


def _address(url: str) -> tuple[int, str]:
    host, _, path = url.removeprefix("http://").partition("/")
    return int(host.partition(":")[2]), f"/{path}"


def manifests() -> list[dict[str, Any]]:
    """Every object of the Kubernetes base, as its files say."""
    paths = [BASE / name for name in yaml.safe_load((BASE / "kustomization.yaml").read_text())["resources"]]
    return [found for path in paths for found in yaml.safe_load_all(path.read_text(encoding="utf-8"))]


def of_kind(kind: str) -> Iterator[dict[str, Any]]:
    return (found for found in manifests() if found["kind"] == kind)


def cluster_processes() -> dict[str, Process]:
    """The processes of our image in the cluster, by the object's name."""
    found = [*of_kind("Deployment"), *of_kind("Job")]
    return {one["metadata"]["name"]: _of_cluster(one) for one in found}


def _of_cluster(one: dict[str, Any]) -> Process:
    (container,) = one["spec"]["template"]["spec"]["containers"]
    given = yaml.safe_load((BASE / "kustomization.yaml").read_text())["configMapGenerator"][0]["literals"]
    variables = {line.partition("=")[0] for line in given} if container.get("envFrom") else set()
    ports = {port["name"]: port["containerPort"] for port in container.get("ports", [])}
    probes = [container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness") if ports]
    return Process(
        one["metadata"]["name"],
        container["args"],
        variables | {variable["name"] for variable in container.get("env", [])},
        addresses={(ports[probe["port"]], probe["path"]) for probe in probes},
    )


class Unknown(Exception):
    """The command line doesn't know such a command or option."""


def check_command(arguments: list[str]) -> None:
    """Let the command line read `arguments` and run nothing. Raises Unknown."""
    command: Any = typer.main.get_command(application)
    if arguments == ["--help"]:
        return
    rest = list(arguments)
    while hasattr(command, "commands"):
        name = rest.pop(0) if rest else ""
        if name not in command.commands:
            raise Unknown(f"no command {name!r} in {arguments}")
        command = command.commands[name]
    try:
        command.make_context(command.name, rest)
    except Exception as problem:
        raise Unknown(f"{arguments}: {problem}") from problem


def setting_names() -> set[str]:
    """Every variable that the program hears."""
    return Settings.variables() | BESIDE_SETTINGS


def _is_ours(image: str) -> bool:
    return image.partition(":")[0] == IMAGES_OF_OURS
