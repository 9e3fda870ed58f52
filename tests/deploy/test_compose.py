"""docker-compose.yml says what the code says: commands, variables, files, addresses, names. And everything is bounded."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from app.deploy import ports
from app.deploy.probe import main as probe
from app.deploy.secrets import Places, make_secrets
from app.services import all_services
from kernel.settings import PROJECT, Settings
from tests.deploy.read import COMPOSE_TLS, Process, Unknown, check_command, compose, compose_processes, setting_names

SERVICES = compose()["services"]
OURS = compose_processes()
TLS = "sslmode=verify-full&sslrootcert=/run/tls/ca.crt"
JOBS = {"migrate", "topology", "operator", "backup"}
PINNED = re.compile(r"^[a-z0-9./-]+:v?\d+\.\d+\.\d+?[a-z0-9.-]*$|^postgres:\d+\.\d+-[a-z]+$")


def test_every_service_of_the_code_is_started_under_its_name() -> None:
    run = {name: process.arguments[1] for name, process in OURS.items() if process.arguments[0] == "run"}
    assert run == {name: name for name in (*(s.name for s in all_services()), "gateway")}


@pytest.mark.parametrize("process", OURS.values(), ids=OURS.keys())
def test_the_command_line_knows_the_command(process: Process) -> None:
    check_command(process.arguments)


def test_a_command_that_is_not_there_would_be_noticed() -> None:
    for wrong in (["run", "orders", "--no-such-option"], ["migrait"], ["run"], ["audit"]):
        with pytest.raises(Unknown):
            check_command(wrong)


@pytest.mark.parametrize("process", OURS.values(), ids=OURS.keys())
def test_variables_and_files_of_secrets_are_settings(process: Process) -> None:
    assert process.variables <= setting_names()
    assert {name.upper() for name in process.files} <= setting_names()


@pytest.mark.parametrize("name", [name for name in OURS if name not in JOBS])
def test_every_process_is_asked_whether_it_is_alive_where_it_answers(name: str) -> None:
    port = ports.GATEWAY_PORT if name == "gateway" else ports.HTTP_PORT
    assert OURS[name].addresses == {(port, ports.LIVE)}


def test_the_gateway_listens_where_it_is_published_and_asked() -> None:
    arguments = OURS["gateway"].arguments
    assert arguments[arguments.index("--port") + 1] == str(ports.GATEWAY_PORT)
    assert SERVICES["gateway"]["ports"] == [f"127.0.0.1:{ports.GATEWAY_PORT}:{ports.GATEWAY_PORT}"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_pinned_bounded_and_started_again(name: str) -> None:
    said = SERVICES[name]
    assert PINNED.match(said["image"]), f"{said['image']} may be another tomorrow"
    limits = said["deploy"]["resources"]["limits"]
    assert float(limits["cpus"]) > 0 and re.fullmatch(r"\d+[MG]", limits["memory"])
    assert said["restart"] in ({"on-failure:3", "no"} if name in JOBS else {"unless-stopped"})
    assert ("test" in said["healthcheck"]) is (name not in JOBS)
    assert said["logging"]["options"]["max-size"]


@pytest.mark.parametrize("name", OURS)
def test_our_containers_can_change_nothing_but_their_own(name: str) -> None:
    said = SERVICES[name]
    assert said["read_only"] and said["cap_drop"] == ["ALL"] and "privileged" not in said
    assert said["security_opt"] == ["no-new-privileges:true"]


def test_what_is_published_is_published_on_this_machine_alone() -> None:
    published = [port for said in SERVICES.values() for port in said.get("ports", [])]
    assert published and all(port.startswith("127.0.0.1:") for port in published)
    assert compose()["networks"]["inside"] == {"internal": True}
    assert {n for n, said in SERVICES.items() if "outside" in said.get("networks", [])} == {
        *("gateway", "rabbitmq", "prometheus", "grafana")
    }


def test_no_password_stands_in_the_file() -> None:
    for name, said in SERVICES.items():
        for variable, value in said.get("environment", {}).items():
            assert "PASSWORD" not in variable or variable.endswith("_FILE"), f"{name}: {variable}"
            assert "://" not in str(value) or "@" not in str(value), f"{name}: {variable} holds a password"


def test_each_is_given_its_own_secrets_and_nobody_elses(tmp_path: Path) -> None:
    make_secrets(tmp_path, Places())
    files = {name: said["file"].removeprefix("./secrets/") for name, said in compose()["secrets"].items()}
    assert [file for file in files.values() if not (tmp_path / file).is_file()] == []
    for name in OURS:
        said = SERVICES[name]
        given = [files[secret["source"]] for secret in said.get("secrets", [])]
        given += [v.partition(":")[0].removeprefix("./secrets/") for v in said.get("volumes", []) if "secrets/" in v]
        owners = {path.partition("/")[0] for path in given}
        assert owners <= ({name, "migrate"} if name == "operator" else {name}), f"{name} is given {owners}"
        keys = [path for path in given if path.endswith("/keys")]
        assert all((tmp_path / path).is_dir() for path in keys) and (bool(keys) or name == "topology")


def test_jobs_end_before_the_services_start() -> None:
    for name, process in OURS.items():
        if process.arguments[0] == "run":
            assert SERVICES[name]["depends_on"] == {
                job: {"condition": "service_completed_successfully"} for job in ("migrate", "topology")
            }


def test_connections_of_all_processes_twice_over_fit_into_the_server() -> None:
    allowed = next(
        int(w.partition("=")[2]) for w in SERVICES["postgres"]["command"] if w.startswith("max_connections=")
    )
    pool = Settings.model_fields["pool_size"].default
    assert 2 * len(all_services()) * (pool + 1) <= allowed


def test_with_tls_everybody_is_given_the_authority_and_asks_over_tls_alone() -> None:
    said = yaml.safe_load(COMPOSE_TLS.read_text(encoding="utf-8"))["services"]
    ca = "./secrets/tls/ca.crt:/run/tls/ca.crt:ro"
    assert {name for name, one in said.items() if ca in one["volumes"]} == {*OURS, "backup", "rabbitmq"}
    for name, process in OURS.items():
        if "MARKET_DATABASE_URL" in process.variables:
            url = said[name]["environment"]["MARKET_DATABASE_URL"]
            assert url == f"{SERVICES[name]['environment']['MARKET_DATABASE_URL']}?{TLS}"
    options = {option.partition("=")[0].removeprefix("--") for option in said["postgres"]["command"][1:]}
    plain = {option.partition("=")[0] for option in SERVICES["postgres"]["command"] if "=" in option}
    assert plain <= options and {"ssl", "hba_file"} <= options


def test_prometheus_asks_every_process() -> None:
    said = yaml.safe_load((PROJECT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    jobs = {job["job_name"]: job for job in said["scrape_configs"]}
    (found,) = jobs["market"]["dns_sd_configs"]
    assert set(found["names"]) == {s.name for s in all_services()} and found["port"] == ports.HTTP_PORT
    (gateway,) = jobs["gateway"]["dns_sd_configs"]
    assert (gateway["names"], gateway["port"]) == (["gateway"], ports.GATEWAY_PORT)


def test_the_probe_tells_an_answer_from_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert probe(["http://127.0.0.1:1/healthz"]) == 1
    assert probe(["http://example.org/"]) == 2 and probe([]) == 2
    assert "usage" in capsys.readouterr().err
