"""The documents say what is there: generated ones are fresh, and commands, addresses, links and settings exist."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main
from cryptography.exceptions import InvalidSignature
from typer.testing import CliRunner

from app import cli
from app.docs.generate import doc_files, stale_files, write_files
from app.docs.refusals import constants_in, modules_with_refusals
from app.services import domain_services
from kernel.settings import PROJECT, Settings
from services.gateway.api.table import TABLE
from services.gateway.web.links import ROUTES
from services.orders.rules import DAYS, LIMITS
from tests.contract.checked_entry import Tree, check_entry

LEFT_OUT = {".venv", ".market", "node_modules", ".pytest_cache", ".hypothesis", ".git"}
PAGES = sorted(p for p in PROJECT.rglob("*.md") if not LEFT_OUT & set(p.relative_to(PROJECT).parts))
GUIDES = [PROJECT / "README.md", PROJECT / "README.ru.md", PROJECT / "CONTRIBUTING.md", PROJECT / "SECURITY.md"]
GUIDES += sorted((PROJECT / "docs").rglob("*.md"))
#: Addresses that aren't lines of the API's table or of the pages' table: for operators and programs.
SERVICE_ADDRESSES = {"/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/register"}
#: Read by tests alone (app/machine.py); names the folder of settings' files.
NOT_SETTINGS = {"MARKET_CONFORMANCE_DIR", "MARKET_SECRETS_DIR"}


def name_of(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def blocks(path: Path, language: str) -> list[str]:
    """The code blocks of a language in a page."""
    return re.findall(rf"^\s*```{language}\n(.*?)^\s*```", text_of(path), re.MULTILINE | re.DOTALL)


# -- what is made from the code ---------------------------------------------------------------------------------------


def test_documents_made_from_the_code_are_fresh() -> None:
    assert stale_files(domain_services()) == [], "run python -m app.docs and commit what it changes"


def test_a_changed_missing_or_surplus_document_is_found_and_repaired(tmp_path: Path) -> None:
    services = domain_services()
    every = sorted(doc_files(services))
    assert write_files(services, tmp_path) == every and stale_files(services, tmp_path) == []
    (tmp_path / "events.md").write_text("something else")
    (tmp_path / "refusals.md").unlink()
    (tmp_path / "states" / "gone.md").write_text("a service that is no more")
    wrong = ["events.md", "refusals.md", "states/gone.md"]
    assert stale_files(services, tmp_path) == wrong and write_files(services, tmp_path) == wrong
    assert stale_files(services, tmp_path) == []


def test_every_event_command_and_state_has_its_place_in_a_document() -> None:
    files = doc_files(domain_services())
    for service in domain_services():
        page = files[f"states/{service.family}.md"]
        for aggregate in service.aggregates:
            assert f"## {aggregate.name}\n" in page
            for rule in aggregate.events.values():
                assert f"| `{rule.type.__name__}`" in files["events.md"]
                assert rule.to is None or f"--> {rule.to} :" in page or f"`{rule.to}`" in page
        assert all(f"| `{name}` |" in page for name in service.rules_of)


def test_every_refusal_is_a_constant_that_the_catalogue_finds() -> None:
    """One made inside a function would be missing from the catalogue."""
    page = doc_files(domain_services())["refusals.md"]
    for module in modules_with_refusals():
        path = PROJECT.joinpath(*module.split(".")).with_suffix(".py")
        calls = [n for n in ast.walk(ast.parse(text_of(path))) if isinstance(n, ast.Call) and is_refusal(n)]
        assert len(calls) == len(constants_in(path)), f"{module} makes a Refusal that isn't a constant of the module"
        for call in calls:
            assert f"| `{code_of(call)}` |" in page


def is_refusal(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "Refusal"


def code_of(call: ast.Call) -> Any:
    given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "code")]
    return ast.literal_eval(given[0])


# -- commands ---------------------------------------------------------------------------------------------------------


@cache
def commands() -> dict[str, Any]:
    """Every command of the command line by its full name, groups opened."""

    def walk(prefix: str, group: Any) -> Iterator[tuple[str, Any]]:
        for name, command in group.commands.items():
            full = f"{prefix} {name}".strip()
            yield from walk(full, command) if hasattr(command, "commands") else [(full, command)]

    return dict(walk("", typer.main.get_command(cli.application)))


def lines_with_market(path: Path) -> list[list[str]]:
    """Arguments of every `./market …` in a page's shell blocks."""
    found = []
    for block in blocks(path, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r"&&|\|\|?|;", line.partition(" #")[0]):
                words = shlex.split(part) if "./market" in part else []
                if "./market" in words:
                    found.append(words[words.index("./market") + 1 :])
    return found


def command_in(words: list[str]) -> tuple[str, list[str]]:
    """The command that words name, and its arguments."""
    for length in (2, 1):
        name = " ".join(words[:length])
        if name in commands():
            return name, words[length:]
    raise AssertionError(f"there is no command ./market {' '.join(words)}")


@pytest.mark.parametrize("path", GUIDES, ids=name_of)
def test_commands_in_code_blocks_parse(path: Path) -> None:
    for words in lines_with_market(path):
        name, arguments = command_in(words)
        command = commands()[name]
        context = command.context_class(command, info_name=name)
        given, surplus, _ = command.make_parser(context).parse_args(list(arguments))  # raises for unknown options
        assert not surplus, f"./market {name} takes no {surplus}"
        missing = [p.name for p in command.params if p.required and given.get(p.name) in (None, ())]
        assert not missing, f"./market {' '.join(words)} lacks {missing}"


@pytest.mark.parametrize("path", GUIDES, ids=name_of)
def test_commands_in_sentences_exist(path: Path) -> None:
    groups = {name.split()[0] for name in commands() if " " in name}
    for said in re.findall(r"`\./market ([a-z][^`]*)`", text_of(path)):
        words = said.split()
        assert words[0] in groups or words[0] in commands(), f"./market {said}"
        assert words[0] not in groups or len(words) == 1 or " ".join(words[:2]) in commands(), f"./market {said}"


def test_every_command_is_in_a_guide() -> None:
    told = "\n".join(text_of(path) for path in GUIDES)
    assert [name for name in commands() if f"./market {name}" not in told] == []


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_has_help(name: str) -> None:
    shown = CliRunner().invoke(cli.application, [*name.split(), "--help"])
    assert shown.exit_code == 0 and "Usage" in shown.output


# -- links, addresses, names ------------------------------------------------------------------------------------------


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    outside = re.sub(r"^```.*?^```", "", text_of(path), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ +(.+?) *$", outside, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_relative_links_lead_somewhere(path: Path) -> None:
    outside = re.sub(r"^```.*?^```", "", text_of(path), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", outside):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        found = (path.parent / file).resolve() if file else path
        assert found.exists(), f"{target}: no such file"
        assert not anchor or anchor in anchors(found), f"{target}: no such heading"


@pytest.mark.parametrize("path", GUIDES, ids=name_of)
def test_files_that_are_named_exist(path: Path) -> None:
    named = re.findall(r"`((?:app|bench|contracts|docs|kernel|region|services|tests)/[\w./-]+)`", text_of(path))
    assert [name for name in named if not (PROJECT / name).exists()] == []


def fits(pattern: str, address: str) -> bool:
    """Whether an address as documents write it (`/orders/$ORDER`, `/log/leaves/12`) fits a route's pattern."""
    wanted, given = pattern.strip("/").split("/"), address.strip("/").split("/")
    return len(wanted) == len(given) and all(w == g or w.startswith("{") for w, g in zip(wanted, given, strict=True))


@pytest.mark.parametrize("path", GUIDES, ids=name_of)
def test_addresses_of_the_api_exist(path: Path) -> None:
    for method, address in re.findall(r"(?:(GET|POST|PUT|PATCH|DELETE) )?(/api/v1/[\w/{}$.-]+)", text_of(path)):
        routes = [route for route in TABLE if fits(route.address, address.rstrip("."))]
        assert routes, f"{address} is no address of the API"
        assert not method or method in {route.method for route in routes}, f"{method} {address}"


@pytest.mark.parametrize("path", GUIDES[:2], ids=name_of)
def test_pages_of_the_tour_exist(path: Path) -> None:
    known = {*ROUTES.values(), *SERVICE_ADDRESSES}
    for address in re.findall(r"`(?:http://127\.0\.0\.1:8000)?(/[a-z][\w/{}.-]*)`", text_of(path)):
        if not address.startswith("/api/"):
            assert any(fits(pattern, address) for pattern in known), f"{address} is no page"


def test_settings_are_described_and_exist() -> None:
    fields = Settings.variables()
    described = set(re.findall(r"^\| `([A-Z]+_\w+)` \|", text_of(PROJECT / "docs/operator.md"), re.MULTILINE))
    assert described == fields
    for path in GUIDES:
        assert set(re.findall(r"MARKET_[A-Z_]+[A-Z]", text_of(path))) <= fields | NOT_SETTINGS, name_of(path)


def test_metrics_are_described_and_exist() -> None:
    declared = re.compile(r'(Counter|Gauge|Histogram)\(\s*"(market_\w+)"')
    sources = [PROJECT / "kernel/metrics.py", PROJECT / "services/gateway/metrics.py"]
    known = {name for path in sources for _, name in declared.findall(text_of(path))}
    assert known == set(re.findall(r"`(market_\w+)`", text_of(PROJECT / "docs/operator.md"))) - {
        "market_orders",
        "market_owner",
    }


def test_the_regions_page_names_every_number_that_is_read() -> None:
    page = text_of(PROJECT / "docs/region.md")
    assert [name for name in (*DAYS, *LIMITS) if f"`{name}`" not in page] == []


def outline(path: Path) -> list[int]:
    """The levels of a page's headings, in order."""
    outside = re.sub(r"^```.*?^```", "", text_of(path), flags=re.MULTILINE | re.DOTALL)
    return [len(marks) for marks in re.findall(r"^(#+) ", outside, re.MULTILINE)]


def test_both_readmes_have_the_same_parts_and_commands() -> None:
    english, russian = GUIDES[:2]
    assert outline(english) == outline(russian) and len(outline(english)) > 5
    assert [without_comments(b) for b in blocks(english, "sh")] == [without_comments(b) for b in blocks(russian, "sh")]


def without_comments(block: str) -> list[str]:
    return [line.partition(" #")[0].rstrip() for line in block.splitlines()]


# -- the auditor's own program ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 13, 64, 65])
def test_the_auditors_program_agrees_with_the_market(size: int) -> None:
    tree = Tree(size)
    assert check_entry.signed_tree(tree.checkpoint, tree.key) == (size, tree.root)
    for index in range(size):
        assert check_entry.root_of(tree.entries[index], index, size, tree.proof(index)) == tree.root


def test_the_auditors_program_refuses_what_is_changed() -> None:
    tree = Tree(13)
    entry, proof = tree.entries[5], tree.proof(5)
    assert check_entry.root_of(entry + b" ", 5, 13, proof) != tree.root
    assert check_entry.root_of(entry, 4, 13, proof) != tree.root
    assert check_entry.root_of(entry, 5, 13, [*proof[:-1], proof[0]]) != tree.root
    for broken in (proof[:-1], [*proof, proof[0]]):
        with pytest.raises(ValueError, match="the proof is too"):
            check_entry.root_of(entry, 5, 13, broken)
    with pytest.raises(InvalidSignature):
        check_entry.signed_tree(tree.checkpoint.replace("\n13\n", "\n12\n"), tree.key)
    with pytest.raises(ValueError, match="no signature"):
        check_entry.signed_tree(tree.checkpoint, Tree(1).key)
