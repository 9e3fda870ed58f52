"""The gateway over RabbitMQ: its pages' and API's calls, its readiness and the market's clock, without a database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import httpx
import pytest

from app.contracts.generate import contract_files
from app.gateway_process import BusClock
from kernel.ids import new_id
from services.gateway.app import create_app
from services.gateway.options import UNLIMITED, Options
from tests.component.gateway.conftest import BOXES
from tests.integration.rpc.street import KEEPER, Street
from tests.rabbit import NewVhost, declare_for
from tests.support import market
from tests.toy.services import box_service, mirror_service


@pytest.fixture
def contracts(tmp_path: Path) -> Path:
    folder = tmp_path / "contracts"
    for path, content in contract_files([box_service(), mirror_service()]).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content, encoding="utf-8")
    return folder


def test_commands_queries_and_readiness(own_street: Street, contracts: Path) -> None:
    headers = {"Authorization": f"Bearer {own_street.market.token(KEEPER)}", "Idempotency-Key": new_id()}
    replica = own_street.start()

    async def story() -> None:
        async with own_street.bus() as bus:
            options = Options(rates=UNLIMITED)
            app = create_app(bus, own_street.market.settings, routes=BOXES, contracts=contracts, options=options)
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://market.test") as client:
                assert (await client.get("/readyz")).json() == {"status": "ready", "parts": {"box": "ok"}}
                body = {"id": new_id(), "colour": "green"}
                opened = await client.post("/api/v1/boxes", json=body, headers=headers)
                assert opened.status_code == 201, opened.text
                again = await client.post("/api/v1/boxes", json=body, headers=headers)
                assert again.json() == opened.json()
                assert (await client.get("/api/v1/totals/green", headers=headers)).json() == {"amount": 0}
                replica.process.send_signal(signal.SIGSTOP)
                started = time.monotonic()
                assert (await client.get("/readyz")).json()["parts"] == {"box": "no answer"}
                assert time.monotonic() - started < 5
                replica.process.send_signal(signal.SIGCONT)

    anyio.run(story)


def test_the_sandboxs_clock_comes_over_the_bus(new_vhost: NewVhost, fresh_database: str, tmp_path: Path) -> None:
    begins = datetime(2027, 1, 11, 9, 0, tzinfo=UTC)
    url = new_vhost()
    declare_for(url, [box_service(), mirror_service()])
    with market([box_service(), mirror_service()], fresh_database, tmp_path / "home", begins) as toys:
        street = Street(toys, url, tmp_path)

        async def story() -> None:
            async with street.bus() as bus:
                clock = await BusClock.found(bus, ("nobody", "box"))
                assert clock.sandbox and await anyio.to_thread.run_sync(clock.now) == begins
                toys.move_clock(begins + timedelta(days=1))
                with anyio.fail_after(5):
                    while await anyio.to_thread.run_sync(clock.now) != begins + timedelta(days=1):
                        await anyio.sleep(0.1)

        try:
            street.start()
            anyio.run(story)
        finally:
            street.close()


def test_market_run_says_what_is_missing() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "MARKET_AMQP_URL"}
    done = subprocess.run(
        [sys.executable, "-m", "app", "run", "gateway"], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1 and "MARKET_AMQP_URL" in done.stderr
