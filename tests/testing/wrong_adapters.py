"""One wrong adapter for each promise of the contract: the right one of the fake CMS with one thing done badly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from syncd.adapters.api import CheckReport, How, SiteConfig, Standing, Tools
from syncd.errors import AdapterError, AuthFailed, Conflict, NotApplied, NotFound, RateLimited, Rejected, Unknown
from syncd.model import Post, Precision, RemoteDoc, RemoteRef, RemoteState, WriteResult, Wrote
from syncd.testing.fakecms import FakeAdapter, FakeOptions

PUBLIC, DRAFT, WITHDRAWN = RemoteState.PUBLIC, RemoteState.DRAFT, RemoteState.WITHDRAWN
Headers = Mapping[str, str]


class Declares(FakeAdapter):
    """Declares something else than it can."""

    claim: ClassVar[dict[str, Any]] = {}

    def __init__(self, site: SiteConfig, tools: Tools) -> None:
        super().__init__(site, tools)
        self.capabilities = replace(self.capabilities, **self.claim)


# --- what it is ----------------------------------------------------------------------------------------------------


class OfAnotherContract(FakeAdapter):
    api_version = 2


class Loose(FakeOptions):
    model_config = ConfigDict(extra="allow")


class PassesOverOptions(FakeAdapter):
    Options: ClassVar[type[BaseModel]] = Loose


class ChecksNothing(FakeAdapter):
    async def check(self) -> CheckReport:
        return CheckReport(True, self.capabilities)


class HasNoList(FakeAdapter):
    list = None  # type: ignore[assignment]


class ClosesOnce(FakeAdapter):
    async def aclose(self) -> None:
        self._tools.client.x  # type: ignore[attr-defined]  # noqa: B018 - fails


# --- create and find -----------------------------------------------------------------------------------------------


class FindsNoAddress(FakeAdapter):
    async def find(self, key: str) -> RemoteRef | None:
        found = await super().find(key)
        return replace(found, url="") if found else None


class RaisesForNothing(FakeAdapter):
    async def find(self, key: str) -> RemoteRef | None:
        found = await super().find(key)
        if found is None:
            raise NotFound("not_found", "it is not there")
        return found


class MatchesBeginnings(FakeAdapter):
    async def find(self, key: str) -> RemoteRef | None:
        told = await self._ask("GET", f"/posts?prefix={key}")
        return self._ref(told["posts"][0]) if told["posts"] else None


class AcceptsAnotherKey(FakeAdapter):
    async def create(self, post: Post, state: RemoteState) -> WriteResult:
        body = {"key": post.key, "title": post.title, "html": post.html, "state": state.value}
        return self._result(await self._ask("POST", "/posts", body=body), Wrote.CREATED, post, post.html)


class SwallowsConflicts(FakeAdapter):
    async def create(self, post: Post, state: RemoteState) -> WriteResult:
        try:
            return await super().create(post, state)
        except Conflict:
            found = await self.find(post.key)
            assert found is not None
            return WriteResult(found, Wrote.CREATED)


class PublishesDrafts(FakeAdapter):
    async def create(self, post: Post, state: RemoteState) -> WriteResult:
        return await super().create(post, PUBLIC)


# --- update ----------------------------------------------------------------------------------------------------------


class ChangesAddress(FakeAdapter):
    async def update(self, ref: RemoteRef, post: Post, state: RemoteState, if_version: str | None) -> WriteResult:
        await super().withdraw(ref, "delete", if_version)
        return replace(await super().create(post, state), outcome=Wrote.UPDATED)


class NamesByTitle(FakeAdapter):
    def _ref(self, told: Mapping[str, Any]) -> RemoteRef:
        ref = super()._ref(told)
        return replace(ref, url=f"{ref.url}?{len(told['title'])}" if ref.url else "")


class ToldTheVersionBefore(FakeAdapter):
    async def update(self, ref: RemoteRef, post: Post, state: RemoteState, if_version: str | None) -> WriteResult:
        done = await super().update(ref, post, state, if_version)
        return replace(done, ref=replace(done.ref, version=ref.version))


class RefusesTheSame(FakeAdapter):
    async def update(self, ref: RemoteRef, post: Post, state: RemoteState, if_version: str | None) -> WriteResult:
        if (await self.read(ref)).html == post.html:
            raise Rejected("html", "unchanged", "it is the same", hint="change it")
        return await super().update(ref, post, state, if_version)


class MakesAgain(FakeAdapter):
    async def update(self, ref: RemoteRef, post: Post, state: RemoteState, if_version: str | None) -> WriteResult:
        try:
            return await super().update(ref, post, state, if_version)
        except NotFound:
            return await super().create(post, state)


class LeavesADraft(FakeAdapter):
    """An update takes the post from public view, and says nothing of it."""

    async def update(self, ref: RemoteRef, post: Post, state: RemoteState, if_version: str | None) -> WriteResult:
        done = await super().update(ref, post, DRAFT, if_version)
        return replace(done, ref=replace(done.ref, state=PUBLIC, url=ref.url))


# --- withdraw --------------------------------------------------------------------------------------------------------


class FailsTheSecondTime(FakeAdapter):
    async def withdraw(self, ref: RemoteRef, how: How, if_version: str | None = None) -> WriteResult:
        done = await super().withdraw(ref, how, if_version)
        if done.outcome is Wrote.ALREADY:
            raise Rejected("state", "withdrawn", "it is withdrawn", hint="nothing")
        return done


class OnlySaysThatItWithdrew(FakeAdapter):
    async def withdraw(self, ref: RemoteRef, how: How, if_version: str | None = None) -> WriteResult:
        done = Wrote.ALREADY if ref.state is WITHDRAWN else Wrote.WITHDRAWN
        return WriteResult(replace(ref, state=WITHDRAWN), done)


class StaysWithdrawn(FakeAdapter):
    async def update(self, ref: RemoteRef, post: Post, state: RemoteState, if_version: str | None) -> WriteResult:
        before = (await self.read(ref)).ref.state
        return await super().update(ref, post, before if before is WITHDRAWN else state, if_version)


class KeepsTheKey(FakeAdapter):
    """Deleted is only hidden: the key is never free again."""

    async def withdraw(self, ref: RemoteRef, how: How, if_version: str | None = None) -> WriteResult:
        return await super().withdraw(ref, "unpublish", if_version)

    async def find(self, key: str) -> RemoteRef | None:
        found = await super().find(key)
        return None if found is None or found.state is WITHDRAWN else found


# --- people at the site ------------------------------------------------------------------------------------------------


class BlindToEdits(FakeAdapter):
    def _ref(self, told: Mapping[str, Any]) -> RemoteRef:
        return replace(super()._ref(told), version=f"v-{told['id']}")


class IgnoresVersions(FakeAdapter):
    async def _condition(self, ref: RemoteRef, if_version: str | None) -> dict[str, str]:
        return {}


class OverwritesNothing(FakeAdapter):
    async def _condition(self, ref: RemoteRef, if_version: str | None) -> dict[str, str]:
        return await super()._condition(ref, ref.version)


class LooksThenWrites(FakeAdapter):
    """Declares what the server does, and does it itself."""

    async def _condition(self, ref: RemoteRef, if_version: str | None) -> dict[str, str]:
        if if_version is not None and (await self._ask("GET", f"/posts/{ref.id}"))["version"] != if_version:
            raise Conflict("version", "it was changed")
        return {}


# --- what is posted ------------------------------------------------------------------------------------------------------


class Cleans(FakeAdapter):
    """Sends another text than it was given, and takes it for what it was given."""

    def cleaned(self, post: Post) -> Post:
        return post

    async def create(self, post: Post, state: RemoteState) -> WriteResult:
        return await super().create(self.cleaned(post), state)


class DropsRareCharacters(Cleans):
    def cleaned(self, post: Post) -> Post:
        return replace(post, html="".join(each for each in post.html if ord(each) < 0x10000))


class DecodesEntities(Cleans):
    def cleaned(self, post: Post) -> Post:
        return replace(post, html=post.html.replace("&amp;", "&"))


class CutsTitles(Cleans):
    def cleaned(self, post: Post) -> Post:
        return replace(post, title=post.title[:80])


class CutsTexts(Cleans):
    def cleaned(self, post: Post) -> Post:
        return replace(post, html=post.html[:100_000])


class StumblesOverNothing(Cleans):
    def cleaned(self, post: Post) -> Post:
        return replace(post, summary=post.html[0])


class HidesLosses(FakeAdapter):
    def _result(self, told: Mapping[str, Any], outcome: Wrote, post: Post, html: str) -> WriteResult:
        return replace(super()._result(told, outcome, post, html), losses=())


class HoldsDaysBack(FakeAdapter):
    async def create(self, post: Post, state: RemoteState) -> WriteResult:
        whole = post.published is not None and post.published.precision is Precision.DAY
        return await super().create(post, DRAFT if whole else state)


class PlansWhatIsAhead(FakeAdapter):
    async def create(self, post: Post, state: RemoteState) -> WriteResult:
        ahead = post.published is not None and post.published.at > self._tools.now()
        return await super().create(post, DRAFT if ahead else state)


class TakesAnyColumn(Declares):
    claim: ClassVar = {"taxonomy": "fixed"}


class LeavesFilesAtTheirSource(Declares):
    claim: ClassVar = {"media": "endpoint"}

    def _result(self, told: Mapping[str, Any], outcome: Wrote, post: Post, html: str) -> WriteResult:
        return replace(super()._result(told, outcome, post, html), losses=())


class PostsBeforeItHasTheFiles(FakeAdapter):
    async def create(self, post: Post, state: RemoteState) -> WriteResult:
        made = await super().create(replace(post, media=()), state)
        await self._with_files(post)
        return made


class ForgetsFiles(FakeAdapter):
    async def update(self, ref: RemoteRef, post: Post, state: RemoteState, if_version: str | None) -> WriteResult:
        return await super().update(ref, replace(post, media=()), state, if_version)


# --- errors ----------------------------------------------------------------------------------------------------------------


class CallsEverythingNotApplied(FakeAdapter):
    async def _call(self, method: str, path: str, data: bytes, headers: Headers) -> dict[str, Any]:
        try:
            return await super()._call(method, path, data, headers)
        except Unknown as error:
            raise NotApplied(error.reason, error.message, hint=error.hint) from error


class TakesAnyAnswerForSuccess(FakeAdapter):
    """A page with status 200 is taken for "done"."""

    async def create(self, post: Post, state: RemoteState) -> WriteResult:
        try:
            return await super().create(post, state)
        except Unknown as error:
            if error.reason not in ("wrong_content_type", "not_json"):
                raise
            return WriteResult(RemoteRef("0", "http://cms.example/p/0", "1"), Wrote.CREATED)


class RetriesByItself(FakeAdapter):
    """The second request may come before the first has landed, and what it is told is taken for the truth."""

    async def create(self, post: Post, state: RemoteState) -> WriteResult:
        try:
            return await super().create(post, state)
        except Unknown:
            return await super().create(post, state)


class TakesFailureForNone(FakeAdapter):
    async def find(self, key: str) -> RemoteRef | None:
        try:
            return await super().find(key)
        except NotApplied:
            return None


class IgnoresRetryAfter(FakeAdapter):
    async def _call(self, method: str, path: str, data: bytes, headers: Headers) -> dict[str, Any]:
        try:
            return await super()._call(method, path, data, headers)
        except RateLimited as error:
            raise RateLimited(after=1.0, hint=error.hint) from error


class IsImpatient(FakeAdapter):
    async def _call(self, method: str, path: str, data: bytes, headers: Headers) -> dict[str, Any]:
        return await asyncio.wait_for(super()._call(method, path, data, headers), 0.05)


class TakesStrangersForNobody(FakeAdapter):
    async def find(self, key: str) -> RemoteRef | None:
        try:
            return await super().find(key)
        except AuthFailed:
            return None


class TellsSecrets(FakeAdapter):
    async def _call(self, method: str, path: str, data: bytes, headers: Headers) -> dict[str, Any]:
        try:
            return await super()._call(method, path, data, headers)
        except AdapterError as error:
            error.where = f"{path}?token={self._options.token.get_secret_value()}"
            raise


class LogsSecrets(FakeAdapter):
    async def create(self, post: Post, state: RemoteState) -> WriteResult:
        self._tools.log.info("creating", key=post.key, login=self._options.token.get_secret_value())
        return await super().create(post, state)


class SaysNotWhatToDo(FakeAdapter):
    async def _call(self, method: str, path: str, data: bytes, headers: Headers) -> dict[str, Any]:
        try:
            return await super()._call(method, path, data, headers)
        except AdapterError as error:
            error.hint = ""
            raise


# --- late requests, deaths, the rest ------------------------------------------------------------------------------------------


class SweepsNothing(FakeAdapter):
    async def sweep(self, key: str, keep: RemoteRef) -> tuple[RemoteRef, ...]:
        return ()


class PublishesWhatItCannotFind(FakeAdapter):
    """A draft first, published then; and it looks only for what is public."""

    async def create(self, post: Post, state: RemoteState) -> WriteResult:
        made = await super().create(post, DRAFT)
        return replace(await super().update(made.ref, post, state, None), outcome=Wrote.CREATED)

    async def find(self, key: str) -> RemoteRef | None:
        found = await super().find(key)
        return found if found is not None and found.state is not DRAFT else None


class ListsEverything(FakeAdapter):
    async def list(self, prefix: str) -> AsyncIterator[RemoteDoc]:
        async for doc in super().list(""):
            yield doc


class ShowsItWhole(Declares):
    """Is to show no more than a few characters, and cuts nothing."""

    claim: ClassVar = {"max_shown": 12}


class StandsNowhere(Declares):
    """Takes every ref for one that was handed over."""

    claim: ClassVar = {"awaits": True}

    async def standing(self, ref: RemoteRef) -> Standing:
        return Standing(ref, "waiting_for_importer", "", "wait")


class SweepsTooMuch(FakeAdapter):
    async def sweep(self, key: str, keep: RemoteRef) -> tuple[RemoteRef, ...]:
        await self.withdraw(keep, "delete")
        return (keep,)
