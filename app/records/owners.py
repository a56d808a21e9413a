"""Which accounts are live: whose records are kept by a provider and read-only here. Rooms above say so."""
from collections.abc import Callable

from sqlalchemy.orm import Session

Check = Callable[[Session, str], bool]
_checks: list[Check] = []


def register(check: Check) -> Check:
    """Ask `check(session, account)` whether something reports for this account; it reads in the caller's transaction."""
    _checks.append(check)
    return check


def is_live(session: Session, account: str) -> bool:
    """Whether somebody keeps the records of this account. As long as no room has registered: every account that has a name."""
    if not account:
        return False
    return not _checks or any(check(session, account) for check in _checks)
