"""Places: what is promised to agreements is there, and every request gets one answer."""

from __future__ import annotations

from kernel.ids import new_id
from services.providers.domain.workspace import (
    CloseWorkspace,
    GiveBackPlaces,
    OpenWorkspace,
    PlacesGivenBack,
    PlacesRefused,
    PlacesReserved,
    PlacesSet,
    ReservePlaces,
    SetPlaces,
    SuspendWorkspace,
    WorkspaceClosed,
    WorkspaceOpened,
    WorkspaceSuspended,
    workspace,
)
from tests.unit.providers.story import NPO, OFFICER, PROVIDER, SYSTEM, Story, somebody


def opened(funded: int = 10, maximum: int = 12) -> Story:
    story = Story(workspace, WorkspaceOpened(provider_id=PROVIDER), id=PROVIDER)
    story.when(SetPlaces(id=PROVIDER, form="home", maximum=maximum, funded=funded), NPO).then(PlacesSet)
    return story


def asking(places: int, agreement_id: str | None = None, attempt: int = 1) -> ReservePlaces:
    agreement = agreement_id or new_id()
    return ReservePlaces(id=PROVIDER, agreement_id=agreement, form="home", places=places, attempt=attempt)


def test_places_are_reserved_while_they_are_free() -> None:
    story = opened(funded=10)
    [first] = story.when(asking(7), SYSTEM).then(PlacesReserved)
    assert (first.reserved, first.free) == (7, 3)
    [second] = story.when(asking(4), SYSTEM).then(PlacesRefused)
    assert (second.reason, second.free) == ("not_enough", 3)
    [third] = story.when(asking(3), SYSTEM).then(PlacesReserved)
    assert (third.reserved, third.free) == (10, 0)


def test_only_funded_places_are_promised() -> None:
    [answer] = opened(funded=2, maximum=50).when(asking(3), SYSTEM).then(PlacesRefused)
    assert answer.reason == "not_enough"


def test_a_second_request_of_an_agreement_is_answered_again_and_holds_nothing_more() -> None:
    story, agreement = opened(), new_id()
    story.when(asking(7, agreement), SYSTEM).then(PlacesReserved)
    [again] = story.when(asking(7, agreement, attempt=2), SYSTEM).then(PlacesReserved)
    assert (again.attempt, again.reserved, again.free) == (2, 7, 3)
    [other] = story.when(asking(2, agreement), SYSTEM).then(PlacesRefused)
    assert other.reason == "differs" and story.state.reserved("home") == 7


def test_a_refused_agreement_may_ask_again_when_places_are_free() -> None:
    story, holder, waiting = opened(funded=5), new_id(), new_id()
    story.when(asking(5, holder), SYSTEM).then(PlacesReserved)
    story.when(asking(1, waiting), SYSTEM).then(PlacesRefused)
    [back] = story.when(GiveBackPlaces(id=PROVIDER, agreement_id=holder, reason="voided"), SYSTEM).then(PlacesGivenBack)
    assert (back.places, back.reserved, back.free) == (5, 0, 5)
    story.when(asking(1, waiting), SYSTEM).then(PlacesReserved)


def test_what_is_not_held_is_not_given_back() -> None:
    story, agreement = opened(), new_id()
    back = GiveBackPlaces(id=PROVIDER, agreement_id=agreement, reason="voided")
    story.when(back, SYSTEM).then()
    story.when(asking(1, agreement), SYSTEM).then(PlacesReserved)
    story.when(back, SYSTEM).then(PlacesGivenBack)
    story.when(back, SYSTEM).then()


def test_a_request_that_its_void_has_overtaken_is_refused() -> None:
    story = opened()
    [answer] = story.when(asking(1), SYSTEM, facts="voided").then(PlacesRefused)
    assert answer.reason == "voided" and story.state.held == {}


def test_a_workspace_that_is_not_open_gives_no_places() -> None:
    nobody = Story(workspace, id=PROVIDER)
    assert nobody.when(asking(0), SYSTEM).then(PlacesRefused)[0].reason == "no_workspace"
    story, held = opened(), new_id()
    story.when(asking(2, held), SYSTEM).then(PlacesReserved)
    story.when(SuspendWorkspace(id=PROVIDER, reason="check"), SYSTEM).then(WorkspaceSuspended)
    assert story.when(asking(1), SYSTEM).then(PlacesRefused)[0].reason == "suspended"
    story.when(OpenWorkspace(id=PROVIDER), SYSTEM).then(WorkspaceOpened)
    story.when(CloseWorkspace(id=PROVIDER, reason="excluded"), SYSTEM).then(WorkspaceClosed)
    assert story.when(asking(1), SYSTEM).then(PlacesRefused)[0].reason == "closed"
    story.when(asking(2, held), SYSTEM).then(PlacesReserved)  # what an agreement holds it goes on holding
    story.when(SetPlaces(id=PROVIDER, form="home", maximum=9, funded=9), NPO).refused("wrong_state")


def test_opening_closing_and_suspending_twice_is_said_once() -> None:
    story = Story(workspace, id=PROVIDER)
    story.when(SuspendWorkspace(id=PROVIDER), SYSTEM).then()
    story.when(CloseWorkspace(id=PROVIDER), SYSTEM).then()
    story.when(OpenWorkspace(id=PROVIDER), SYSTEM).then(WorkspaceOpened)
    story.when(OpenWorkspace(id=PROVIDER), SYSTEM).then()
    story.when(CloseWorkspace(id=PROVIDER), SYSTEM).then(WorkspaceClosed)
    story.when(CloseWorkspace(id=PROVIDER), SYSTEM).then()


def test_a_provider_sets_its_own_places_within_bounds() -> None:
    story = opened(funded=10)
    story.when(asking(6), SYSTEM).then(PlacesReserved)
    story.when(SetPlaces(id=PROVIDER, form="home", maximum=9, funded=5), NPO).refused("places_below_reserved")
    story.when(SetPlaces(id=PROVIDER, form="home", maximum=6, funded=7), NPO).refused("places_above_maximum")
    [event] = story.when(SetPlaces(id=PROVIDER, form="home", maximum=6, funded=6), NPO).then(PlacesSet)
    assert (event.reserved, event.free) == (6, 0)
    command = SetPlaces(id=PROVIDER, form="urgent", maximum=1, funded=1)
    story.when(command, somebody("provider", new_id())).refused("not_yours")
    story.when(command, OFFICER).refused("forbidden_role")
