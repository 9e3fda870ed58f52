"""Access on a real database: from the first account to a revoked token, and what a dump tells of it all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from kernel.identity import Actor, TokenChecker
from kernel.ids import new_id
from kernel.keys import PublicKeys
from kernel.rebuild import Rebuild
from services.access.domain.account import account
from services.access.projections.accounts import accounts
from services.access.projections.sessions import sessions
from services.access.safe import token_hash
from services.access.service import service
from services.access.verify import check_secrets
from tests.support import Market, market, person

PASSWORD = "канарейка поёт в шахте"
CANARY = "Канарейкина Аврора"


class Staff:
    """An installation with two administrators, and people made by them."""

    def __init__(self, region: Market) -> None:
        self.region = region
        self.checker = TokenChecker(PublicKeys(region.settings.keys).of("access"))
        first, second = new_id(), new_id()
        region.do("access.bootstrap", {"id": first, **self.person("first")}, person("operator"))
        self.first = self.actor("first")
        data = {"id": second, **self.person("second"), "roles": ["administrator"]}
        assert region.do("access.create_account", data, self.first)["reply"] == {"waiting": []}
        self.second = self.actor("second")

    @staticmethod
    def person(login: str) -> dict[str, Any]:
        return {"login": login, "password": PASSWORD, "display_name": CANARY}

    def create(self, login: str, *roles: str, organisation: str | None = None) -> str:
        data = {"id": new_id(), **self.person(login), "roles": list(roles), "organisation": organisation}
        return str(self.region.do("access.create_account", data, self.first)["id"])

    def sign_in(self, login: str, password: str = PASSWORD) -> dict[str, Any]:
        return self.region.answer("access.sign_in", {"id": new_id(), "login": login, "password": password})

    def token(self, login: str) -> str:
        return str(self.sign_in(login)["reply"]["token"])

    def actor(self, login: str) -> Actor:
        return self.checker.actor(self.token(login))


@pytest.fixture(scope="module")
def staff(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staff]:
    with market([service()], module_database, tmp_path_factory.mktemp("home")) as region:
        yield Staff(region)


def differences(staff: Staff, edit: str = "SELECT 1") -> list[str]:
    """What check_secrets says after a superuser's edit, which is undone."""
    rows = staff.region.sql("SELECT id::text, state FROM access.account")
    states = {"Account": {account_id: account.load(state) for account_id, state in rows}}
    with staff.region._admin.connect() as connection:
        connection.exec_driver_sql(edit)
        return [" ".join(found) for found in check_secrets(connection, states, staff.region.settings.keys)]


def test_a_second_first_account_is_impossible(staff: Staff) -> None:
    data = {"id": new_id(), **staff.person("third")}
    assert staff.region.refused("access.bootstrap", data, person("operator")) == "already_begun"
    assert staff.region.refused("access.bootstrap", data, staff.first) == "forbidden_role"
    assert staff.region.refused("access.bootstrap", data, None) == "unauthenticated"


def test_a_token_carries_account_roles_and_organisation(staff: Staff) -> None:
    organisation = new_id()
    account_id = staff.create("npo", "provider", organisation=organisation)
    actor = staff.actor("npo")
    assert actor == Actor(account_id, frozenset({"provider"}), organisation)
    told = staff.region.ask("access.me", {}, actor)
    assert told["login"] == "npo" and told["display_name"] == CANARY and told["organisation"] == organisation
    assert staff.region.asked("access.me")["refused"]["code"] == "unauthenticated"
    assert staff.region.asked("access.me", {}, person("officer"))["refused"]["code"] == "unauthenticated"


def test_a_weighty_role_comes_with_the_second_administrator(staff: Staff) -> None:
    account_id = staff.create("clerk", "registrar")
    grant = {"id": account_id, "role": "registrar"}
    assert staff.actor("clerk").roles == frozenset()
    assert staff.region.refused("access.grant_role", grant, staff.first) == "four_eyes"
    assert staff.region.refused("access.grant_role", grant, staff.actor("clerk")) == "forbidden_role"
    staff.region.do("access.grant_role", grant, staff.second)
    assert staff.actor("clerk").roles == {"registrar"}
    listed = staff.region.ask("access.accounts", {"role": "registrar"}, staff.first)["items"]
    assert [(item["id"], item["login"]) for item in listed] == [(account_id, "clerk")]
    unnamed = staff.region.ask("access.accounts", {"role": "registrar"}, person("auditor"))["items"]
    assert "login" not in unnamed[0] and "sealed" not in unnamed[0]
    assert staff.region.asked("access.accounts", {}, person("provider"))["refused"]["code"] == "forbidden_role"


def test_one_login_is_one_account_whoever_makes_it_first(staff: Staff) -> None:
    def create(_: int) -> dict[str, Any]:
        data = {"id": new_id(), **staff.person("twice")}
        return staff.region.answer("access.create_account", data, staff.first)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(create, range(6)))
    assert [a["refused"]["code"] for a in answers if "refused" in a] == ["login_taken"] * 5
    assert staff.sign_in("twice")["reply"]["token"]


@pytest.mark.parametrize(
    "changes", [{"password": "короткий"}, {"login": "С Пробелом"}, {"roles": ["system"]}, {"roles": ["operator"]}, {"x": 1}]
)  # fmt: skip
def test_bad_input_is_refused(staff: Staff, changes: dict[str, Any]) -> None:
    data = {"id": new_id(), **staff.person("bad"), **changes}
    answer = staff.region.answer("access.create_account", data, staff.first)
    assert answer["refused"]["code"] == "invalid_input"
    assert changes.get("password", "нет такого") not in str(answer)


def test_failed_sign_ins_are_five_facts_however_many_come_at_once(staff: Staff) -> None:
    account_id = staff.create("target", "evaluator")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda n: staff.sign_in("target", f"неверный пароль {n}"), range(12)))
    told = {str(answer["refused"]) for answer in answers}
    assert len(told) == 1 and answers[0]["refused"]["code"] == "sign_in_failed"
    assert staff.sign_in("target")["refused"] == answers[0]["refused"]  # also with the right password now
    assert staff.sign_in("nobody-has-this")["refused"] == answers[0]["refused"]
    staff.region.work()
    [(count,)] = staff.region.sql("SELECT count(*) FROM access.sign_in_failure WHERE account_id = %s", (account_id,))
    assert count == 5
    # When the time has passed, the right password is taken again, and counting begins anew.
    staff.region.sql("UPDATE access.sign_in_failure SET at = at - interval '15 minutes'")
    assert staff.sign_in("target")["reply"]["roles"] == ["evaluator"]


def test_a_stored_answer_holds_no_token_and_a_repeated_sign_in_makes_no_second_session(staff: Staff) -> None:
    staff.create("repeat")
    data = {"id": new_id(), "login": "repeat", "password": PASSWORD}
    first = staff.region.do("access.sign_in", data, key="again")
    again = staff.region.do("access.sign_in", data, key="again")
    assert first["reply"]["token"] and again["reply"] == {} and again["events"] == first["events"]


def test_rights_that_are_lost_revoke_the_tokens_from_before(staff: Staff) -> None:
    organisation = new_id()
    account_id = staff.create("leaver", "provider", "evaluator", organisation=organisation)
    before = staff.token("leaver")
    actor = staff.checker.actor(before)

    def revoked() -> set[str]:
        return set(staff.region.ask("access.revoked_tokens")["token_hashes"])

    assert token_hash(before) not in revoked()
    staff.region.do("access.revoke_role", {"id": account_id, "role": "evaluator"}, staff.first)
    after = staff.token("leaver")
    assert token_hash(before) in revoked() and token_hash(after) not in revoked()
    [current] = [s for s in staff.region.ask("access.sessions", {}, actor)["items"] if not s["revoked"]]
    stranger = staff.actor("repeat-2") if staff.create("repeat-2", "evaluator") else None
    assert staff.region.refused("access.revoke_session", {"id": current["id"]}, stranger) == "not_yours"
    staff.region.do("access.revoke_session", {"id": current["id"]}, actor)
    assert token_hash(after) in revoked()
    last = staff.token("leaver")
    staff.region.do("access.disable_account", {"id": account_id, "reason": "уволен"}, staff.second)
    assert token_hash(last) in revoked() and staff.sign_in("leaver")["refused"]["code"] == "sign_in_failed"


def test_passwords_change_by_the_owner_or_by_an_administrator(staff: Staff) -> None:
    account_id = staff.create("changer", "evaluator")
    actor = staff.actor("changer")
    change = {"id": account_id, "old": PASSWORD, "new": "совсем новый пароль"}
    assert staff.region.refused("access.change_password", {**change, "old": "не тот"}, actor) == "wrong_password"
    assert staff.region.refused("access.change_password", change, staff.first) == "not_yours"
    staff.region.do("access.change_password", change, actor)
    assert "refused" in staff.sign_in("changer") and staff.sign_in("changer", change["new"])["reply"]
    staff.region.do("access.reset_password", {"id": account_id, "password": "третий длинный пароль"}, staff.first)
    assert "refused" in staff.sign_in("changer", change["new"])
    assert staff.sign_in("changer", "третий длинный пароль")["reply"]["roles"] == ["evaluator"]
    assert differences(staff) == []


def test_a_program_has_a_token_with_some_roles_for_days(staff: Staff) -> None:
    staff.create("program", "evaluator", "provider", organisation=new_id())
    actor = staff.actor("program")

    def ask(**changes: Any) -> dict[str, Any]:
        return {"id": new_id(), "password": PASSWORD, "roles": ["provider"], "days": 30, **changes}

    for data, who, code in (
        (ask(password="не тот"), actor, "sign_in_failed"),
        (ask(roles=["auditor"]), actor, "roles_not_held"),
        (ask(), person("provider"), "sign_in_failed"),
        (ask(), None, "unauthenticated"),
        (ask(days=400), actor, "invalid_input"),
    ):
        assert staff.region.refused("access.issue_api_token", data, who) == code
    made = staff.region.do("access.issue_api_token", ask(), actor)["reply"]
    assert staff.checker.actor(made["token"]) == Actor(actor.id, frozenset({"provider"}), actor.organisation)


def test_the_last_administrator_stays_though_two_go_at_once(staff: Staff) -> None:
    """Both take the role from the other at the same moment: one of them is the last."""

    def revoke(by: Actor, of: Actor) -> dict[str, Any]:
        return staff.region.answer("access.revoke_role", {"id": of.id, "role": "administrator"}, by)

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(revoke, (staff.first, staff.second), (staff.second, staff.first)))
    assert sorted(a.get("refused", {}).get("code", "done") for a in answers) == ["done", "last_administrator"]
    gone, stays = (staff.second, staff.first) if "refused" not in answers[0] else (staff.first, staff.second)
    staff.region.do("access.grant_role", {"id": gone.id, "role": "administrator"}, stays)
    if stays is staff.second:  # only the first account may make the other administrator alone
        third = person("administrator")
        staff.region.do("access.grant_role", {"id": gone.id, "role": "administrator"}, third)
    assert staff.region.sql(
        "SELECT count(*) FROM access.account_view WHERE roles @> ARRAY['administrator']"
    ) == [(2,)]  # fmt: skip


def test_a_dump_tells_neither_logins_nor_names_nor_passwords_nor_tokens(staff: Staff) -> None:
    staff.create("kanarejkina", "evaluator")
    token = staff.token("kanarejkina")
    staff.region.work()
    tables = staff.region.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'access'")
    rows = [str(row[0]) for (name,) in tables for row in staff.region.sql(f"SELECT t::text FROM access.{name} t")]
    text = "\n".join(rows)
    readable = [bytes.fromhex(one).decode("utf-8", "replace") for one in re.findall(r"\\x((?:[0-9a-f]{2})+)", text)]
    dump = "\n".join([text, *readable])
    assert "SessionStarted" in dump and token_hash(token) in dump
    for secret in ("kanarejkina", CANARY, PASSWORD, token, token.split(".")[2]):
        assert secret not in dump
    assert (staff.region.settings.keys / "access.kek").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (
            "UPDATE access.credential SET password_hash = '$argon2id$another'",
            " password_hash what its commitment fixes",
        ),
        ("UPDATE access.credential SET sealed = sealed || 'x'", " sealed what its commitment fixes"),
        ("UPDATE access.credential SET login_mac = login_mac || 'x'", " login_mac what its commitment fixes"),
        ("DELETE FROM access.credential", " a row no row"),
        ("UPDATE access.credential SET account_id = gen_random_uuid()", " no such account a row"),
    ],
)
def test_an_edited_credential_is_named_by_table_key_and_field(staff: Staff, edit: str, said: str) -> None:
    assert differences(staff) == []
    assert any(said in line and line.startswith("access.credential ") for line in differences(staff, edit))


def test_without_the_key_file_nothing_is_claimed(staff: Staff, tmp_path: Path) -> None:
    with staff.region._admin.connect() as connection:
        [found] = check_secrets(connection, {}, tmp_path)
    assert found[1:3] == (str(tmp_path / "access.kek"), "(file)")


def test_the_read_tables_come_back_from_the_log(staff: Staff) -> None:
    staff.region.sql("DELETE FROM access.sign_in_failure")  # a test above moved these in time
    staff.sign_in("repeat", "неверный пароль")
    staff.region.work()
    look = (
        "SELECT to_jsonb(t) FROM access.account_view t ORDER BY id",
        "SELECT to_jsonb(t) FROM access.session_view t ORDER BY id",
    )
    before = [staff.region.sql(sql) for sql in look]
    Rebuild(service(), staff.region._admin, [accounts, sessions]).run()
    assert [staff.region.sql(sql) for sql in look] == before and all(before)
