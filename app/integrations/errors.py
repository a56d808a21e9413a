"""What can go wrong when we ask a provider: each error says whether and when a retry can help, and whether it is safe."""
from datetime import datetime
from typing import ClassVar

from app.errors import Problem


class ProviderError(Problem):
    """A call to a provider that came to nothing. Never carries a secret: `detail` is shown to people.

    `retryable`: the same call may succeed later, `retry_at`: not before then. `safe_to_repeat`: repeating it cannot do the
    thing twice, because it was never sent or the provider said that it did nothing.
    """

    status, title = 502, "The provider did not do what was asked"
    retryable: ClassVar[bool] = False
    refused: ClassVar[bool] = False        # the provider answered, and said that it did nothing

    def __init__(self, detail: str = "", *, title: str | None = None, sent: bool = True, retry_at: datetime | None = None,
                 provider_code: str = "", request_id: str = "", status_there: int | None = None) -> None:
        super().__init__(detail, title=title, retry=(retry_at or True) if self.retryable else False)
        self.sent = sent                       # whether a byte of the request may have left this machine
        self.retry_at = retry_at
        self.provider_code = provider_code     # its own word for what is wrong
        self.request_id = request_id           # its own number of the call, for its support
        self.status_there = status_there       # what it answered; None: nothing
        self.in_doubt = False                  # an earlier attempt of the same call may have done it, whatever this one says

    @property
    def safe_to_repeat(self) -> bool:
        return not self.in_doubt and (self.refused or not self.sent)

    @property
    def kind(self) -> str:
        """The name of the class: how the call log calls it."""
        return type(self).__name__


class AuthError(ProviderError):
    title, refused = "The provider does not accept our credentials", True


class PermissionDenied(ProviderError):
    title, refused = "Our credentials are valid, and do not allow this", True


class NotFoundThere(ProviderError):
    title, refused = "The provider has nothing under this address or ID", True


class ConflictThere(ProviderError):
    """Something else happens to the object right now, or did before us."""

    title, refused = "The provider says that this contradicts something it has", True


class UnderWayThere(ProviderError):
    """The same call is being carried out right now: by us, earlier, and its answer was lost or is still to come."""

    status, title, retryable = 503, "The provider is still busy with the same call", True


class RejectedThere(ProviderError):
    title, refused = "The provider refused what was sent", True


class RateLimited(ProviderError):
    """Nothing was done; from `retry_at` on it may be asked again."""

    status, title, refused, retryable = 503, "The provider wants fewer calls", True, True


class UnavailableThere(ProviderError):
    """No answer, or one that says it failed. `why`: dns, refused, unreachable, tls, reset, or 5xx."""

    status, title, retryable = 503, "The provider cannot be reached", True

    def __init__(self, detail: str = "", *, why: str = "5xx", title: str | None = None, sent: bool = True,
                 retry_at: datetime | None = None, provider_code: str = "", request_id: str = "",
                 status_there: int | None = None) -> None:
        super().__init__(detail, title=title, sent=sent, retry_at=retry_at, provider_code=provider_code, request_id=request_id,
                         status_there=status_there)
        self.why = why


class TimedOut(ProviderError):
    """No whole answer in time. `sent` says whether the provider may have heard us."""

    status, title, retryable = 504, "The provider did not answer in time", True


class AmbiguousOutcome(ProviderError):
    """It was sent, nothing came back, and repeating it could do it twice: look it up at the provider first."""

    title = "Nobody knows whether the provider did it"


class BadResponse(ProviderError):
    """An answer we cannot use: a redirect, one that is too large, not what its type says."""

    title = "The provider answered something we cannot read"


class Redirected(BadResponse):
    """It lies elsewhere, says the provider. Credentials follow nobody: the address has to be mended."""

    title, refused = "The provider wants another address", True


class CircuitOpen(ProviderError):
    """It failed so often that it is left alone until `retry_at`. Nothing was sent: a job waits for it without losing a try."""

    status, title, retryable, costs_a_try = 503, "The provider is left alone for a while", True, False


class BlockedTarget(ProviderError):
    """We do not call this address: it leads to our own network, or is not encrypted. Nothing was sent."""

    status, title = 422, "Backroom does not call this address"
