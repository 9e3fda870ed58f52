"""An entry of the provider register (442-FZ art. 25), one file per stage of its life.

    new ─▶ applied ⇄ returned          applied ─▶ active ⇄ suspended ─▶ excluded
               └─▶ refused             applied, returned, active, suspended ─▶ withdrawn

application: applying, correcting, the formal check, the decision on it · standing: suspending, the remedy, restoring,
excluding, leaving, changing the card · deadlines: what becomes of a term that nobody kept · licences: recorded, warned of,
ended · dossier: staff, experience, inspections, flags, documents. `state` is what they share.

Kept here: who applied does not include (four eyes); nothing is included before a formal check that is met; every
decision names its ground, day, reasons and term; a refused, excluded or withdrawn provider may apply again. That two
living entries can't have one INN is kept by the database.
"""

from __future__ import annotations

from services.registry.domain.register_entry import application, deadlines, dossier, licences, standing
from services.registry.domain.register_entry.state import RegisterEntry, register_entry

__all__ = ["RegisterEntry", "application", "deadlines", "dossier", "licences", "register_entry", "standing"]
