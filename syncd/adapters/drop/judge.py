"""What is known of a package and its answer, made into where the post stands: pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import quote

from syncd.adapters.api import Standing
from syncd.adapters.drop.acknowledgement import Answer
from syncd.adapters.drop.options import Options
from syncd.adapters.drop.package import package_name
from syncd.adapters.drop.records import History, Record
from syncd.model import RemoteRef, RemoteState

_DRAFT = RemoteState.DRAFT.value


@dataclass(frozen=True, slots=True)
class Known:
    """A key's last package with what was answered to it. unclear: why the answer that is there is none."""

    history: History
    head: Record
    answer: Answer | None
    unclear: str = ""

    @property
    def result(self) -> str:
        """The importer's word, "" while there is none."""
        return self.answer.result if self.answer is not None else ""


@dataclass(frozen=True, slots=True)
class Judge:
    """Says where posts stand. public_url: of the site, without a slash at its end."""

    options: Options
    public_url: str

    def package(self, head: Record) -> str:
        """What a package is called."""
        return f"{package_name(head.key)}-{head.sequence:06d}"

    def column(self, column: str) -> str:
        """What the CMS calls a column."""
        return self.options.columns.get(column, column)

    def url(self, known: Known) -> str:
        """As answered, by the template, as found on the column's page, as it was before; "" while it is not known."""
        answer, head = known.answer, known.head
        if answer is not None and answer.url:
            return answer.url
        id = (answer.id if answer is not None else "") or head.id
        if self.options.url and (id or "{id}" not in self.options.url):
            return self._by_template(head, id)
        return known.history.page or head.url

    def _by_template(self, head: Record, id: str) -> str:
        told = {"id": id, "key": head.key, "package": self.package(head), "column": self.column(head.column)}
        path = self.options.url.format(**{name: quote(value, safe="") for name, value in told.items()})
        return path if path.startswith(("http://", "https://")) else f"{self.public_url}/{path.lstrip('/')}"

    def ref(self, known: Known) -> RemoteRef:
        """The post: public where the importer said so, or where nobody is asked and the page itself must show it."""
        state = self._state(known)
        url = "" if state is RemoteState.DRAFT else self.url(known)
        return RemoteRef(known.history.name, url, str(known.head.sequence), state)

    def _state(self, known: Known) -> RemoteState:
        draft = known.head.state == _DRAFT
        if known.head.action == "withdraw":
            return RemoteState.WITHDRAWN
        if self.options.ack is None:
            public = RemoteState.PUBLIC if self.url(known) else RemoteState.PENDING
            return RemoteState.DRAFT if draft else public
        if known.result == "published":
            return RemoteState.PUBLIC
        return RemoteState.DRAFT if known.result == "accepted" and draft else RemoteState.PENDING

    def standing(self, known: Known, now: datetime) -> Standing:
        """What the importer's answer, or its silence, means."""
        ref, done = self.ref(known), bool(self.url(known)) or known.head.action == "withdraw"
        if self.options.ack is None:
            return self._unasked(known, ref) if self.url(known) else self._unfound(known, ref)
        match known.result:
            case "refused":
                reason = known.answer.reason if known.answer is not None else ""
                return Standing(ref, "", "importer_refused", f"the importer says: {reason or 'no reason'}")
            case "published":
                return Standing(ref) if done else Standing(ref, "address_unknown", "", "the importer told no address")
            case "accepted":
                waits = ref.state is not RemoteState.DRAFT and not ref.url
                return Standing(ref, "accepted_not_published", "", "the importer took it") if waits else Standing(ref)
        return self._silent(known, ref, now, self.options.ack.within)

    def _unfound(self, known: Known, ref: RemoteRef) -> Standing:
        """Nobody answers and no page is known: that there is none now does not show that none will come."""
        if known.head.action == "withdraw":
            hint = "it is on no column page, and nobody says that it was withdrawn: look into the CMS"
            return Standing(ref, "withdrawal_unconfirmed", "", hint)
        return Standing(ref, "address_unknown", "", "it is on no column page yet")

    def _unasked(self, known: Known, ref: RemoteRef) -> Standing:
        """Nobody answers: whether an editor has published a draft, only a look at its page can tell."""
        draft = ref.state is RemoteState.DRAFT
        return Standing(replace(ref, url=self.url(known), state=RemoteState.PENDING) if draft else ref)

    def _silent(self, known: Known, ref: RemoteRef, now: datetime, within: float) -> Standing:
        unclear = f"its answer is not understood: {known.unclear}" if known.unclear else ""
        if now - known.head.at <= timedelta(seconds=within):
            return Standing(ref, "waiting_for_importer", "", unclear or "the importer has not answered yet")
        reason = "answer_not_understood" if unclear else "not_acknowledged"
        told = unclear or f"no answer came within {within:.0f} s"
        hint = f"package {self.package(known.head)}: {told}; look at the importer; `syncd retry ID` drops it again"
        return Standing(ref, "", reason, hint)

    def is_done(self, known: Known) -> bool:
        """Whether nothing is left for the importer to say; what it refused it may still publish."""
        return known.result == "published" and (bool(self.url(known)) or known.head.action == "withdraw")

    def was_taken(self, known: Known | None) -> bool:
        """Whether the importer may have the document: only what was refused from the first on it has not."""
        return known is not None and (known.head.taken or known.result != "refused")

    def was_published(self, known: Known | None) -> bool:
        """Whether the importer ever said so: what is public is never made a draft again, unless it was withdrawn."""
        if known is None or known.head.action == "withdraw":
            return known is not None and known.head.published and known.result == "refused"
        return known.head.published or known.result == "published"

    def was_withdrawn(self, known: Known | None) -> bool:
        """Whether the last package took it back, as far as the importer didn't refuse that."""
        return known is not None and known.head.action == "withdraw" and known.result != "refused"
