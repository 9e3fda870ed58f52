"""A social certificate: a volume of a service that one beneficiary takes to a provider of their own choice.

    requested → funding → issued → provider_chosen → in_use → used
        └─────────┴─────────┴────────────┴─────────────┴──▶ expired | annulled

It is issued out of the part of a social order that was given to certificates, for a pseudonymous beneficiary and
programme: who that is, the vault knows and this log doesn't. While `funding` it waits for billing's answer, by attempts,
as an agreement does. What is issued is at every moment redeemed, still there, or given back, and these three add up.

A redemption is a record that the holder's key has signed at the moment of the service; the provider sends it at once or
later. Its number is the provider's own, and is answered once and for ever: a repeated record gets the first answer. What
counts for whether a certificate was good is when the record was made; it has to come before the certificate is closed,
which is some working days after its end, and then what is unused goes back.
"""

from services.orders.domain.certificate import choosing, ending, issuing, redeeming
from services.orders.domain.certificate.issuing import SHARE_SPENT
from services.orders.domain.certificate.state import Certificate, certificate

__all__ = ["SHARE_SPENT", "Certificate", "certificate", "choosing", "ending", "issuing", "redeeming"]
