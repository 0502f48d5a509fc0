"""Errors by what to do about them; each carries a low-cardinality reason (a metric label) and a hint for the operator."""

from __future__ import annotations


class SyncdError(Exception):
    """The base of all expected failures.

    reason: a short snake_case word, one of few, used as a metric label and in the API.
    hint: one plain sentence for the operator: what to do.
    where: the URL, file or TOML path that it is about; never holds a secret.
    """

    def __init__(self, reason: str, message: str = "", *, hint: str = "", where: str = "") -> None:
        super().__init__(message or reason)
        self.reason = reason
        self.message = message or reason
        self.hint = hint
        self.where = where

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.message} [{self.reason}]"


class ConfigError(SyncdError):
    """The configuration can't be used; `problems` holds one line for each mistake."""

    def __init__(self, problems: list[str], *, where: str = "") -> None:
        super().__init__("config", "\n".join(problems), where=where, hint="correct the lines above and run syncd check")
        self.problems = problems


class AlreadyRunning(SyncdError):
    """Another daemon holds the state directory (exit code 75)."""


class StoreError(SyncdError):
    """The state can't be written or read: disk full, read-only, damaged. No call to a CMS may follow."""


class Stale(StoreError):
    """The row was changed by somebody else since it was read; read it again."""


class ReadFailed(SyncdError):
    """A list or page could not be read well; nothing was learned from it. It never means "nothing new"."""

    def __init__(
        self,
        reason: str,
        message: str = "",
        *,
        hint: str = "",
        where: str = "",
        after: float | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(reason, message, hint=hint, where=where)
        self.after = after
        """Seconds that the server asked to be left alone for (Retry-After), or None."""
        self.status = status
        """The HTTP status that was received, or None."""


class AdapterError(SyncdError):
    """What an adapter may raise, by what the engine does next. Anything else is a bug and counts as Unknown."""


class NotApplied(AdapterError):
    """The CMS certainly did nothing; the engine tries again with back-off. `after`: seconds to wait at least."""

    def __init__(self, reason: str, message: str = "", *, hint: str = "", where: str = "", after: float = 0.0) -> None:
        super().__init__(reason, message, hint=hint, where=where)
        self.after = after


class Unknown(AdapterError):
    """The CMS may or may not have acted: the engine looks before it repeats."""


class AdapterBug(Unknown):
    """Told of an adapter, never raised by one: it raised what no adapter may, or returned what the contract does not know."""


class RateLimited(AdapterError):
    """The CMS asked to be left alone for `after` seconds; the whole site pauses. Nothing was applied.

    said: False when the CMS did not say for how long; `after` is then the longest pause that makes sense.
    """

    def __init__(
        self, reason: str = "rate_limited", message: str = "", *, after: float, said: bool = True, hint: str = "",
        where: str = "",
    ) -> None:
        super().__init__(reason, message, hint=hint, where=where)
        self.after, self.said = after, said


class AuthFailed(AdapterError):
    """Credentials or rights are refused: the site stops, its queue is kept, an alarm is raised. Nothing was applied."""


class Conflict(AdapterError):
    """The CMS refused because of its present state. kind: "exists", "version" (changed since if_version) or "locked"."""

    def __init__(self, kind: str, message: str = "", *, hint: str = "", where: str = "") -> None:
        super().__init__(f"conflict_{kind}", message, hint=hint, where=where)
        self.kind = kind


class NotFound(AdapterError):
    """The remote ref leads to nothing: somebody deleted it at the site."""


class Rejected(AdapterError):
    """The CMS refuses this content for good; a person must act. field: the field that it named, or ""."""

    def __init__(self, field: str, reason: str, message: str = "", *, hint: str = "", where: str = "") -> None:
        super().__init__(reason, message, hint=hint, where=where)
        self.field = field
