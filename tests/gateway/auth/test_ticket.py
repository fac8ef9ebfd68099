"""Tickets against a plain list of those that are out."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from routewright.gateway.auth import ticket
from routewright.gateway.auth.identity import Denied, Identity
from routewright.gateway.auth.ticket import Tickets, owner
from routewright.table import Principal

ROUTES = st.sampled_from(["chat", "mail"])
ADDRESSES = st.sampled_from(["10.0.0.1", "10.0.0.2"])


class TicketMachine(RuleBasedStateMachine):
    """Tickets that are made, shown, shown again, and forgotten."""

    def __init__(self) -> None:
        super().__init__()
        self.tickets = Tickets(7)
        self.now = 0.0
        self.out: list[tuple[str, str, str, str, float]] = []
        self.used: list[str] = []

    @rule(seconds=st.floats(0, 40))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(route=ROUTES, address=ADDRESSES | st.just(""), ttl=st.floats(1, 60), name=st.text(min_size=1, max_size=5))
    def mint(self, route: str, address: str, ttl: float, name: str) -> None:
        identity = Identity(Principal(id=name), "jwt")
        text = self.tickets.mint(route, address, identity, ttl, self.now)
        self.out.append((text, route, address, name, self.now + ttl))

    @rule(data=st.data(), route=ROUTES, address=ADDRESSES)
    def show(self, data: st.DataObject, route: str, address: str) -> None:
        if not self.out:
            return
        shown = data.draw(st.sampled_from(self.out))
        self.out.remove(shown)
        text, wanted, only, name, until = shown
        self.used.append(text)
        if wanted == route and only in ("", address) and self.now < until:
            assert self.tickets.redeem(text, route, address, self.now).principal.id == name
        else:
            with pytest.raises(Denied):
                self.tickets.redeem(text, route, address, self.now)

    @rule(data=st.data(), route=ROUTES, address=ADDRESSES)
    def show_again(self, data: st.DataObject, route: str, address: str) -> None:
        if self.used:
            with pytest.raises(Denied):
                self.tickets.redeem(data.draw(st.sampled_from(self.used)), route, address, self.now)

    @invariant()
    def no_more_are_kept_than_are_out(self) -> None:
        assert len(self.tickets) <= len(self.out)


TestTickets = TicketMachine.TestCase


def test_there_is_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticket, "MOST", 3)
    tickets, identity = Tickets(1), Identity(Principal(id="ada"), "jwt")
    for _ in range(3):
        tickets.mint("chat", "", identity, 10.0, 0.0)
    with pytest.raises(Denied) as caught:
        tickets.mint("chat", "", identity, 10.0, 5.0)
    assert caught.value.status == 503
    assert tickets.mint("chat", "", identity, 10.0, 10.0)
    assert len(tickets) == 1


def test_nobody_takes_the_room_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticket, "EACH", 2)
    tickets, ada, bob = Tickets(1), Identity(Principal(id="ada"), "jwt"), Identity(Principal(id="bob"), "jwt")
    first, _ = (tickets.mint("chat", "", ada, 10.0, 0.0) for _ in range(2))
    with pytest.raises(Denied) as caught:
        tickets.mint("chat", "", ada, 10.0, 5.0)
    assert caught.value.status == 503
    assert tickets.mint("chat", "", bob, 10.0, 5.0)
    tickets.redeem(first, "chat", "", 5.0)
    assert tickets.mint("chat", "", ada, 10.0, 5.0)
    assert tickets.mint("chat", "", ada, 10.0, 10.0)


@pytest.mark.parametrize("text", ["", ".", "7", "7.", ".x", "x.y", "-7.x", "٧.x", "7" * 5000 + ".x"])
def test_what_is_no_ticket_has_no_owner(text: str) -> None:
    assert owner(text) is None
