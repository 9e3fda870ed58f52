"""The book of what was asked and what was answered: the side of the caller, against which the log is held.

A caller that got no answer knows nothing; it sends the same command with the same key again until it knows.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kernel.identity import Actor
from tests.faults.patience import PATIENCE_S

KEEPER = Actor("keeper", frozenset({"keeper"}))
"""Who sends every command here: a reply is kept per actor, so whoever settles must be the one who asked."""

Answer = dict[str, Any]


@dataclass(frozen=True)
class Sent:
    """A command as it was sent; its key is also its correlation id, so that its events can be found."""

    key: str
    name: str
    data: dict[str, Any]


@dataclass
class Book:
    """Commands by their keys, and the answers that were heard."""

    sent: dict[str, Sent] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)

    def send(self, sent: Sent, send: Callable[[Sent], Answer]) -> Answer:
        """Send a command, writing down that it was sent before, and the answer after."""
        self.sent[sent.key] = sent
        answer = send(sent)
        self.hear(sent.key, answer)
        return answer

    def hear(self, key: str, answer: Answer) -> None:
        if is_final(answer):
            self.answers[key] = answer

    def unknown(self) -> list[Sent]:
        """What was sent and never answered."""
        return [sent for key, sent in self.sent.items() if key not in self.answers]

    def settle(self, send: Callable[[Sent], Answer]) -> int:
        """Send what is unknown again, each until it is answered; how many that were."""
        unknown = self.unknown()
        deadline = time.monotonic() + PATIENCE_S
        for sent in unknown:
            while not is_final(self.send(sent, send)):
                assert time.monotonic() < deadline, f"{sent.key} can't be settled"
        return len(unknown)

    def accepted(self) -> dict[str, list[str]]:
        """{key: ids of its events} of every answer that names events (also refusals that are facts)."""
        return {key: answer["events"] for key, answer in self.answers.items() if answer.get("events")}


def is_final(answer: Answer) -> bool:
    """Whether an answer says what came of the command. "Busy" says: try again with the same key."""
    return answer.get("refused", {}).get("kind") != "busy"
