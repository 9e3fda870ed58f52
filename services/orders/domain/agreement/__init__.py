"""An agreement: from an award to work under a signed paper, never active without its money and places.

    draft → reserving → sent → signed_by_provider → active ⇄ suspended → completed | terminated
      └────────┴─────────┴────────────┴──▶ void

While `reserving` the agreement is its own process manager: it asks billing (`ReservationRequested`), then providers
(`PlacesRequested`), and waits for each answer until a deadline. Every asking has a number (`attempt`) that the answers
carry. An attempt ends well with `AgreementSent`, or badly with `ReservationFailed`, `ReservationTimedOut` or
`AgreementVoided`: whoever holds something for that attempt lets it go on these, so that an answer that comes after the
attempt was given up needs nothing more, it has been compensated already. Places are held for the agreement and not for
an attempt: places that come late are kept for the next one, and go back when the agreement is void.
"""

from services.orders.domain.agreement.reserving import ALREADY_DRAFTED, VOLUME_SPENT
from services.orders.domain.agreement.signing import FOUR_EYES
from services.orders.domain.agreement.state import Agreement, AwardNow, agreement

__all__ = ["ALREADY_DRAFTED", "FOUR_EYES", "VOLUME_SPENT", "Agreement", "AwardNow", "agreement"]
