"""The contract of an adapter as tests: subclass AdapterContract with an adapter and an editor, and every promise is attacked.

Capabilities are asked from the running adapter, after its check(), and decide which cases apply: what is declared and fails
is a failure, what works without being declared is a CapabilityWarning, and each skip says why.
"""

# ruff: noqa: PT018 - these are tests, kept where adapters can import them

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import re
import time
import uuid
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any, ClassVar, Concatenate, Literal, NoReturn, ParamSpec, Protocol, TypeVar, cast
from urllib.parse import urljoin

import pytest

from syncd import config, plugins
from syncd.adapters.api import VERSION, Adapter, Capabilities, CheckReport, How, Tools
from syncd.adapters.markup import decode
from syncd.adapters.registry import GROUP, MEMBERS
from syncd.content.text import shown_by, text_of, title_of
from syncd.core import abridge, visible
from syncd.engine.send import print_of
from syncd.errors import (
    AdapterError,
    AuthFailed,
    Conflict,
    NotApplied,
    NotFound,
    RateLimited,
    Rejected,
    StoreError,
    SyncdError,
    Unknown,
)
from syncd.model import Instant, Media, Post, Precision, RemoteDoc, RemoteRef, RemoteState, WriteResult, Wrote
from syncd.testing.faults import Crash
from syncd.testing.wire import (
    DEATHS,
    DOUBTFUL,
    PAUSE,
    PAUSE_DATE,
    REFUSALS,
    SAFE,
    WITHOUT_HTTP,
    LossyClient,
    Step,
    Wire,
)
from syncd.web.api import Answer, Client, Guard, Network
from syncd.web.client import Web

Write = Literal["create", "update", "withdraw"]
Act = Literal["create", "update", "withdraw", "find", "read"]
Writing = Callable[..., Awaitable[WriteResult]]
C = TypeVar("C", bound="AdapterContract")
P = ParamSpec("P")
T = TypeVar("T")

PUBLIC, DRAFT, WITHDRAWN = RemoteState.PUBLIC, RemoteState.DRAFT, RemoteState.WITHDRAWN
WRITES: tuple[Write, ...] = ("create", "update", "withdraw")
LOOKS: tuple[Act, ...] = ("find", "read")
HOWS: tuple[How, ...] = ("notice", "unpublish", "delete")
TITLE = "关于做好春季农业生产工作的通知"
FIRST = "<p>各县（市、区）人民政府：</p><p>一、抓紧春耕备耕，确保不误农时。</p>"
SECOND = "<p>各县（市、区）人民政府：</p><p>一、抓紧春耕备耕，并做好防汛准备，本通知第二版。</p>"
EDITED = "<p>各县（市、区）人民政府：</p><p>本县编辑补充：具体安排由县农业农村局另行通知。</p>"
TEXTS = {
    "Chinese": (TITLE, "<p>各省、自治区、直辖市人民政府，国务院各部委：“十五五”期间……特此通知。</p>"),
    "emoji": ("防汛提示🌊👨‍👩‍👧", "<p>请注意安全🌧️，远离河道👍🏽。</p>"),
    "entities": ("A&B <甲> \"乙\" '丙'", "<p>1 &lt; 2 &amp;&amp; 3 &gt; 2，&quot;引号&quot;，&amp;amp; 和 &#169; 原样。</p>"),
    "bidi": ("关于مرحبا与שלום的说明", "<p>阿拉伯语 مرحبا بالعالم，希伯来语 שלום עולם，完。</p>"),
    "rare characters": ("关于𠮷野家与䶮字𰻝面的通知", "<p>生僻字：𠮷、𡈽、䶮、㮾、𰻝；地名：𬇙河、𬍛。</p>"),
    "tables": (TITLE, "<table><thead><tr><th>项目</th><th>数量</th></tr></thead><tbody><tr><td colspan=\"2\">合计 1,024</td>"
                      "</tr><tr><td>化肥</td><td>50%</td></tr></tbody></table>"),
    "lists and headings": (TITLE, "<h2>一、总体要求</h2><ol><li>第一条</li><li>第二条<ul><li>（一）</li></ul></li></ol>"),
    "links": (TITLE, "<p>见<a href=\"https://www.gov.cn/search?a=1&amp;b=%E4%B8%AD#f\">国务院通知</a>，<strong>务必</strong>落实。</p>"),
    "code of sites": (TITLE, "<p>[gallery ids=\"1\"] {{ x }} {% if %} ${y} &lt;?php echo 1 ?&gt; '' \\n %20 :) 3x4 -- #标</p>"),
}
"""What texts are made of: (title, html)."""
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c636060600000000400"
    "01f61738550000000049454e44ae426082"
)
FILE = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"

_MEGA = 1024 * 1024
_LONG_TITLE = 100
_MOST_CALLS = 80
_ANSWERS = 60
"""Seconds, about, that the other side of a drop may take to answer."""
_WORD = re.compile(r"[a-z][a-z0-9_]{1,40}")
_BLANKS = re.compile(r"\s+")
_BARE = re.compile(r"[^A-Za-z0-9]")


class CapabilityWarning(UserWarning):
    """Something works that the adapter does not declare, or could not be looked at."""


class Editor(Protocol):
    """A person at the site, with an account of their own, who works with the CMS's own means and not through the adapter.

    Optional: `count(key)`, how many posts bear this key or were made for it, in every state but deleted.
    """

    async def edit(self, ref: RemoteRef, html: str) -> None:
        """Put another text into the post."""
        ...

    async def remove(self, ref: RemoteRef) -> None:
        """Delete the post."""
        ...


@dataclass(frozen=True, slots=True)
class Subject:
    """A post that a case writes. ref: where it lies, None before it is made. how: of a withdrawal."""

    post: Post
    ref: RemoteRef | None = None
    how: How = "unpublish"


@dataclass(frozen=True, slots=True)
class Struck:
    """What came of a call of the adapter in which a fault met one step. before: steps that wrote before it."""

    subject: Subject
    step: Step
    before: int
    result: Any = None
    error: BaseException | None = None

    def __str__(self) -> str:
        return f"at call {self.step.n} ({self.step.name}): {self.error or self.result!r}"


def case(test: Callable[Concatenate[C, P], Awaitable[None]]) -> Callable[Concatenate[C, P], None]:
    """A case written as a coroutine, run to its end on an open adapter."""

    @functools.wraps(test)
    def run(self: C, /, *args: P.args, **named: P.kwargs) -> None:
        self.skip_excused(test.__name__)

        async def played() -> None:
            await self.play(lambda: test(self, *args, **named))

        asyncio.run(played())

    return run


class AdapterContract:
    """What every adapter must do. A subclass gives `make_adapter`, `make_editor`, and what else applies.

    pytest makes an instance for each case; the CMS may be the same for all: each case uses keys of its own.
    """

    column: ClassVar[str] = "要闻"
    """A column that the site has."""
    prefix: ClassVar[str] = "syncd-test-"
    """How the keys of the cases begin."""
    hosts: ClassVar[frozenset[tuple[str, int]]] = frozenset()
    """(host, port) of a real CMS that may be at a private address."""
    secrets: ClassVar[tuple[str, ...]] = ()
    """Words that may stand in no error, log or repr: passwords, tokens, and their encoded forms."""
    has_pages: ClassVar[bool] = False
    """True where `fetch` can get the public pages without credentials."""
    speaks_http: ClassVar[bool] = True
    """False for an adapter that doesn't reach its CMS by tools.client: `attach` may then put the wire into it."""
    skips: ClassVar[dict[str, str]] = {}
    """Names of cases (without test_) that can't be run on this CMS, each with the reason."""

    # --- what the author gives ---------------------------------------------------------------------------------------

    def make_adapter(self, tools: Tools) -> Adapter:
        """The adapter, made anew as after a restart; what it needs of the network is tools.client."""
        raise NotImplementedError("give make_adapter(tools)")

    def make_editor(self, tools: Tools) -> Editor | None:
        """A second account at the site. tools.client goes past the faults."""
        return None

    def make_stranger(self, tools: Tools) -> Adapter | None:
        """The adapter with credentials that are wrong."""
        return None

    def make_client(self) -> Client:
        """The client to the CMS, made inside the running loop; the real network to `hosts` unless given."""
        self._web = Web(now=self.now, monotonic=time.monotonic, user_agent="syncd-contract", gap=0.0)  # noqa: TID251
        return self._web.client("contract", Network(), Guard(self.hosts))

    def attach(self, adapter: Adapter, wire: Wire) -> bool:
        """Lead every call of an adapter without HTTP through `wire.call`; True where that was done."""
        return False

    def writes(self, method: str, url: str, body: bytes) -> bool:
        """Whether a request changes something in the CMS. Give it where even looks are POSTs."""
        return method not in SAFE

    def now(self) -> datetime:
        """The time, UTC."""
        return datetime.now(UTC)  # noqa: TID251 - the clock of a test, outside the daemon

    async def pause(self, seconds: float) -> None:
        """Let time pass, as for a version whose grain is a second."""
        await asyncio.sleep(seconds)

    async def fetch(self, url: str) -> Answer:
        """A public page as anybody gets it."""
        return await self.client.get(url)

    async def arrive(self) -> None:
        """Let the other side take what was handed over and answer; only where awaits is declared."""

    async def clean_up(self, keys: list[str]) -> None:
        """Leave nothing behind of these keys; what fails here fails nothing. By default they are withdrawn."""
        await self.withdraw_all(keys)

    # --- how a case is played ----------------------------------------------------------------------------------------

    adapter: Adapter
    wire: Wire
    client: Client
    tools: Tools
    editor: Editor | None
    report: CheckReport
    can: Capabilities
    _web: Web | None = None

    async def play(self, test: Callable[[], Awaitable[None]]) -> None:
        """Open an adapter, run a case, leave nothing behind, and look whether a secret was told."""
        self._keys: list[str] = []
        self._told: list[str] = []
        self._log = Told()
        self.wire, self.client = Wire(), self.make_client()
        self.tools = Tools(LossyClient(self.client, self.wire, self.now, self.writes), self.now, Shelf(), self._log)
        try:
            await self._open()
            await test()
        finally:
            self.wire.restart()
            await self._close()
        self._check_secrets()

    async def _open(self) -> None:
        self.adapter = self.again()
        self.report = await self.adapter.check()
        assert self.report.ok, f"check() says: {self._problems()}"
        self.can = self.adapter.capabilities
        self.editor = self.make_editor(replace(self.tools, client=self.client))
        self.wire.restart()

    def _problems(self) -> str:
        return "; ".join(f"{item.name}: {item.detail} -> {item.hint}" for item in self.report.items if not item.ok)

    async def _close(self) -> None:
        if hasattr(self, "can"):
            try:
                await self.clean_up(self._keys)
            except AdapterError as error:
                self.warn(f"not everything was cleaned up: {error}")
            await self.adapter.aclose()
        if self._web is not None:
            await self._web.aclose()

    def again(self) -> Adapter:
        """The adapter of a new process."""
        adapter = self.make_adapter(self.tools)
        self._attached = self.attach(adapter, self.wire)
        if adapter.capabilities.awaits:
            for name in WRITES:
                setattr(adapter, name, self._answered(adapter, getattr(adapter, name)))
        return adapter

    def _answered(self, adapter: Adapter, write: Writing) -> Writing:
        """A write whose outcome is waited for: then a drop is judged as any CMS."""

        async def written(*args: Any, **named: Any) -> WriteResult:
            result = await write(*args, **named)
            return replace(result, ref=await self._outcome_of(adapter, result.ref))

        return written

    async def _outcome_of(self, adapter: Adapter, ref: RemoteRef) -> RemoteRef:
        for _ in range(_ANSWERS if ref.state is RemoteState.PENDING else 0):
            await self.arrive()
            try:
                told = await adapter.standing(ref)  # type: ignore[attr-defined]  # declared
            except AdapterError:  # it was handed over all the same
                return ref
            if not told.waits:
                return cast(RemoteRef, told.ref)
            await self.pause(1.0)
        return ref

    async def reopen(self) -> None:
        """The process has died and another one is there."""
        self.wire.restart()
        self.adapter = self.again()
        await self.adapter.check()
        self.wire.restart()

    async def withdraw_all(self, keys: list[str]) -> None:
        how = self.strongest()
        if self.can.lookup == "none" or how is None:
            return
        for key in keys:
            found = await self.adapter.find(key)
            if found is not None:
                await self.adapter.withdraw(found, how)

    # --- words for cases ---------------------------------------------------------------------------------------------

    def post(self, **changes: Any) -> Post:
        """A post with a key that nothing else has."""
        key = f"{self.prefix}x{uuid.uuid4().hex[:19]}"
        self._keys.append(key)
        made = Post(
            key=key, title=TITLE, html=FIRST, column=self.column, revision=1, issuer="国务院办公厅",
            document_number="国办发〔2026〕1号", written="2026-11-20", origin_name="中国政府网",
            source_url="https://www.gov.cn/zhengce/content/2026-11/20/content_1.htm",
            published=Instant(self.now() - timedelta(hours=2)), sent=self.now(), site_name="某县人民政府",
        )
        return replace(made, **changes)

    def skip(self, reason: str) -> NoReturn:
        pytest.skip(reason)

    def skip_excused(self, name: str) -> None:
        """Skip what the author says can't be run here; without a reason that is a failure."""
        if name in self.skips:
            assert self.skips[name].strip(), f"say in skips why {name} can't be run"
            self.skip(self.skips[name])

    def warn(self, text: str) -> None:
        warnings.warn(text, CapabilityWarning, stacklevel=2)

    def needs(self, declared: bool, reason: str) -> None:
        """Go on only if the adapter declares what the case is about."""
        if not declared:
            self.skip(reason)

    def needs_key(self) -> None:
        self.needs(self.can.lookup != "none", "lookup is none: what is in doubt is parked, and a person looks")

    def needs_faults(self, *faults: str) -> None:
        if self.speaks_http:
            return
        self.needs(self._attached, "it does not speak HTTP, and attach() gives no wire to let faults strike")
        self.needs(all(fault in WITHOUT_HTTP for fault in faults), f"only HTTP knows {', '.join(faults)}")

    def needs_editor(self) -> Editor:
        if self.editor is None:
            self.skip("make_editor gives no second account")
        return self.editor

    def needs_pages(self) -> None:
        self.needs(self.has_pages, "has_pages is not set: the public pages can't be fetched here")

    def strongest(self) -> How | None:
        """The way to withdraw that leaves least."""
        return next((how for how in reversed(HOWS) if getattr(self.can, how)), None)

    def gentlest(self) -> How:
        """The way that syncd uses: a notice, unpublished, or deleted."""
        how = next((how for how in HOWS if getattr(self.can, how)), None)
        if how is None:
            self.skip("it declares no way to withdraw")
        return how

    async def made(self, **changes: Any) -> Subject:
        """A post that lies in the CMS, public."""
        post = self.post(**changes)
        result = await self.adapter.create(post, PUBLIC)
        return Subject(post, result.ref, next((how for how in HOWS if getattr(self.can, how)), "unpublish"))

    async def grain(self) -> None:
        """Wait so long that the next change gets another version."""
        if self.can.version_grain:
            await self.pause(self.can.version_grain * 1.1)

    async def failed(self, work: Awaitable[Any]) -> AdapterError:
        """The error of a call that must fail, in good order."""
        error = await self.outcome(work)
        assert isinstance(error, AdapterError), f"it must fail, and gave {error!r}"
        return error

    async def outcome(self, work: Awaitable[T]) -> T | AdapterError:
        """What a call gives, or its AdapterError; any other exception is a bug."""
        try:
            return await work
        except AdapterError as error:
            self.heard(error)
            return error

    def heard(self, error: SyncdError) -> None:
        """Remember what an error says, and check that it says what to do."""
        causes = (error, error.__cause__, error.__context__)
        self._told += [f"{each!s} {each!r} {each.args!r}" for each in causes if each is not None]
        self._told += [f"{error.hint} {error.where} {error.message}"]
        assert _WORD.fullmatch(error.reason), f"a reason is one word of few: {error.reason!r}"
        assert error.hint or isinstance(error, Conflict | NotFound), f"an error says what to do: {error!r}"

    def _check_secrets(self) -> None:
        told = "\n".join((*self._told, *self._log.lines, repr(self.adapter), repr(self.report)))
        leaked = [f"{secret[:2]}…" for secret in self.secrets if secret in told]
        assert not leaked, f"a secret ({', '.join(leaked)}) stands in an error, a log line or a repr"

    # --- how it looks at what is there -------------------------------------------------------------------------------

    async def there(self, key: str) -> RemoteRef | None:
        if self.can.awaits:
            await self.arrive()
        return await self.adapter.find(key)

    async def doc(self, ref: RemoteRef, result: WriteResult | None = None) -> RemoteDoc | None:
        """What is stored, None where nobody can tell."""
        if self.can.reads:
            return cast(RemoteDoc, await self.adapter.read(ref))  # type: ignore[attr-defined]  # declared
        return result.stored if result is not None else None

    async def shows(self, ref: RemoteRef, post: Post) -> bool:
        """Whether the post's title and text are what is stored, or what its page shows; True where nobody can tell."""
        doc = await self.doc(ref)
        if doc is not None:
            return print_of(doc.title, doc.html) == print_of(post.title, post.html)
        if self.has_pages and ref.url:
            return await self.is_visible(ref.url, post)
        self.warn("reads is not declared and pages can't be fetched: nobody can tell which text is stored")
        return True

    async def is_visible(self, url: str, post: Post) -> bool:
        """Whether an anonymous reader sees title and text at this address."""
        answer = await self.fetch(url)
        if answer.status != 200:
            return False
        page = decode(answer.body, answer.header("content-type"))
        return visible.compare(post.title, text_of(post.html), title_of(page), self._seen(page)).ok

    def _seen(self, page: str) -> str:
        return shown_by(page, scripted=self.can.scripted)

    async def count(self, key: str) -> int | None:
        """How many posts were made for a key, None where nobody can tell."""
        counts = getattr(self.editor, "count", None)
        if counts is not None:
            return cast(int, await counts(key))
        if self.can.lists:
            return len([doc async for doc in self.adapter.list(key)])  # type: ignore[attr-defined]  # declared
        return None

    async def settle(self, key: str) -> None:
        """What the engine does after a doubt: sweep what late requests made."""
        found = await self.there(key)
        if self.can.sweeps and found is not None:
            await self.adapter.sweep(key, found)  # type: ignore[attr-defined]  # declared

    async def is_the_only_one(self, subject: Subject) -> RemoteRef:
        """Exactly one post of the key is there, public, with the right text."""
        await self.settle(subject.post.key)
        found = await self.there(subject.post.key)
        assert found is not None, "the post is not there"
        assert found.state is PUBLIC, f"the post is {found.state}"
        assert await self.shows(found, subject.post), "the post's text is not what was sent"
        count = await self.count(subject.post.key)
        assert count in (1, None), f"there are {count} posts of one key"
        return found

    async def is_done(self, act: Write, subject: Subject) -> bool:
        """Whether what was wanted stands there, as far as `find` and `read` can tell."""
        found = await self.there(subject.post.key)
        if act == "withdraw":
            return found is None or found.state is WITHDRAWN
        return found is not None and found.state is PUBLIC and await self.shows(found, subject.post)

    # --- faults ------------------------------------------------------------------------------------------------------

    async def ready(self, act: Act) -> Subject:
        """What an act needs to be there before it."""
        if act == "create":
            return Subject(self.post())
        if act == "withdraw":
            self.gentlest()
        subject = await self.made()
        if act == "update":
            await self.grain()
            return replace(subject, post=replace(subject.post, html=SECOND, revision=2))
        return subject

    async def do(self, act: Act, subject: Subject) -> Any:
        """One call of the adapter, as the engine makes it."""
        ref = subject.ref
        if act == "create":
            return await self.adapter.create(subject.post, PUBLIC)
        if act == "find":
            return await self.adapter.find(subject.post.key)
        assert ref is not None
        if act == "read":
            return await self.adapter.read(ref)  # type: ignore[attr-defined]  # declared
        if act == "update":
            return await self.adapter.update(ref, subject.post, PUBLIC, ref.version or None)
        return await self.adapter.withdraw(ref, subject.how, ref.version or None)

    async def strikes(self, act: Act, fault: str, *, lasting: bool = False, writes: bool = False) -> AsyncIterator[Struck]:
        """Play an act again and again, each time with the fault at its next call. lasting: and at all calls after it.
        writes: only at calls that write."""
        self.needs_faults(fault)
        met = False
        for n in range(1, _MOST_CALLS):
            subject = await self.ready(act)
            struck = await self._strike(act, subject, fault, n, lasting=lasting, writes=writes)
            if struck is None:
                break
            met = True
            yield struck
        self.needs(met, f"{act} makes no call that {fault} could meet")

    async def _strike(
        self, act: Act, subject: Subject, fault: str, n: int, *, lasting: bool, writes: bool
    ) -> Struck | None:
        """None when the act has no n-th call."""
        seen = 0

        def plan(step: Step) -> str:
            nonlocal seen
            seen += step.writes or not writes
            meets = seen == n or (lasting and seen > n)
            return fault if meets and (step.writes or not writes) else ""

        self.wire.restart(plan)
        try:
            outcome = await self.outcome(self.do(act, subject))
        finally:
            steps, hit = self.wire.steps, self.wire.hit
            self.wire.restart()
        if not hit:
            return None
        before = sum(step.writes for step in steps if step.n < hit[0].n)
        error = outcome if isinstance(outcome, AdapterError) else None
        return Struck(subject, hit[0], before, None if error else outcome, error)

    async def recover(self, act: Write, subject: Subject) -> None:
        """What the engine does after a doubt, by find and read."""
        found = await self.there(subject.post.key)
        if act == "withdraw":
            if found is not None and found.state is not WITHDRAWN:
                await self.adapter.withdraw(found, subject.how, found.version or None)
        elif found is None:
            await self.adapter.create(subject.post, PUBLIC)
        elif found.state is not PUBLIC or not await self.shows(found, subject.post):
            await self.adapter.update(found, subject.post, PUBLIC, found.version or None)

    async def is_recovered(self, act: Write, subject: Subject) -> None:
        """The engine goes on, and then exactly what was wanted is there."""
        if self.can.lookup == "none":
            return
        await self.recover(act, subject)
        if act == "withdraw":
            assert await self.is_done(act, subject), "it is not withdrawn"
        else:
            await self.is_the_only_one(subject)

    # --- what it is --------------------------------------------------------------------------------------------------

    @case
    async def test_syncd_would_load_it(self) -> None:
        kind = type(self.adapter)
        plugins.refuse_unfit(GROUP, kind.kind, kind, version=VERSION, members=MEMBERS)
        assert _WORD.fullmatch(kind.kind), "its kind is the word that an operator writes"

    @case
    async def test_an_option_that_it_does_not_know_is_told(self) -> None:
        _, problems = config.options_of(type(self.adapter).Options, {"no_such_option": 1}, where="options")
        assert any("no_such_option" in line for line in problems), "a word that it does not know must not be passed over"

    @case
    async def test_check_tells_what_it_tried(self) -> None:
        assert self.report.items, "check() says what it looked at"
        assert all(item.ok or item.hint for item in self.report.items), "what is not well says what to do"
        assert self.report.capabilities == self.can, "what check() found is what the adapter says from then on"

    @case
    async def test_what_it_declares_is_there(self) -> None:
        for member, method in {"reads": "read", "lists": "list", "sweeps": "sweep", "awaits": "standing"}.items():
            declared = getattr(self.can, member)
            has = callable(getattr(self.adapter, method, None))
            assert has or not declared, f"{member} is declared, and there is no {method}()"
            if has and not declared and member == "reads":
                self.warn("there is a read() that the capabilities do not declare")
        assert self.can.max_concurrency >= 1 and self.can.version_grain >= 0

    @case
    async def test_it_can_be_closed_twice(self) -> None:
        await self.adapter.aclose()
        await self.adapter.aclose()

    # --- create and find ---------------------------------------------------------------------------------------------

    @case
    async def test_what_was_created_is_found(self) -> None:
        post = self.post()
        made = await self.adapter.create(post, PUBLIC)
        assert made.outcome is Wrote.CREATED
        assert made.ref.id and made.ref.url, "a public post has a number and an address"
        self.needs_key()
        found = await self.there(post.key)
        assert found is not None
        assert (found.id, found.url, found.version, found.state) == (
            made.ref.id, made.ref.url, made.ref.version, PUBLIC), f"find gives {found}, create gave {made.ref}"
        assert found.modified_by is None, "we made it, and nobody else"
        assert await self.shows(found, post)

    @case
    async def test_what_is_not_there_is_none(self) -> None:
        self.needs_key()
        assert await self.there(self.post().key) is None

    @case
    async def test_another_key_is_not_taken_for_it(self) -> None:
        """A look-up that ignores a parameter, matches beginnings or searches gives somebody else's post."""
        self.needs_key()
        key = (await self.made()).post.key
        for other in (f"{key}0", key[:-1], key[1:], f"{key}-2"):
            assert await self.there(other) is None, f"{other} is taken for {key}"

    @case
    async def test_a_second_post_of_a_key_is_refused(self) -> None:
        subject = await self.made()
        outcome = await self.outcome(self.adapter.create(replace(subject.post, html=SECOND), PUBLIC))
        refused = isinstance(outcome, Conflict) and outcome.kind == "exists"
        if self.can.unique == "none":
            if refused:
                self.warn("a second post of a key is refused, and unique is declared none")
            self.skip("unique is none: the CMS takes a second post of a key, so that syncd looks before it creates")
        assert refused, f'a second post of a key must be Conflict("exists"): {outcome!r}'
        await self.is_the_only_one(subject)

    @case
    async def test_four_creates_at_once_make_one_post(self) -> None:
        """Of four processes: a key belongs to one post, whoever comes first."""
        self.needs(self.can.unique != "none", "unique is none: the CMS takes every post of a key")
        post = self.post()
        several = [self.again() for _ in range(4)]
        outcomes = await asyncio.gather(*(self.outcome(each.create(post, PUBLIC)) for each in several))
        await asyncio.gather(*(each.aclose() for each in several))
        good = [each for each in outcomes if isinstance(each, WriteResult)]
        assert all(isinstance(each, Conflict | NotApplied | Unknown) for each in outcomes if each not in good), outcomes
        if self.can.unique == "server":
            assert len(good) == 1, f"{len(good)} of four were told that they made the post"
        if await self.there(post.key) is None:  # each may have given way to another one
            await self.recover("create", Subject(post))
        await self.is_the_only_one(Subject(post))

    @case
    async def test_a_draft_is_seen_by_nobody_until_it_is_published(self) -> None:
        post = self.post()
        if not self.can.drafts:
            await self._warn_of_drafts(post)
            self.skip("drafts are not declared")
        made = await self.adapter.create(post, DRAFT)
        assert (made.ref.state, made.ref.url) == (DRAFT, "")
        found = await self.there(post.key) if self.can.lookup != "none" else made.ref
        assert found is not None and found.state is DRAFT, "find sees every state"
        published = await self.adapter.update(found, post, PUBLIC, found.version or None)
        assert published.ref.id == found.id and published.ref.state is PUBLIC and published.ref.url
        if self.has_pages:
            assert await self.is_visible(published.ref.url, post)

    async def _warn_of_drafts(self, post: Post) -> None:
        made = await self.outcome(self.adapter.create(post, DRAFT))
        if isinstance(made, WriteResult) and made.ref.state is DRAFT:
            self.warn("a draft was made, and drafts are not declared")

    # --- update ------------------------------------------------------------------------------------------------------

    @case
    async def test_an_update_keeps_number_and_address(self) -> None:
        subject = await self.ready("update")
        assert subject.ref is not None
        done = cast(WriteResult, await self.do("update", subject))
        assert done.outcome is Wrote.UPDATED
        assert (done.ref.id, done.ref.url) == (subject.ref.id, subject.ref.url), "an update keeps the post's address"
        assert not subject.ref.version or done.ref.version != subject.ref.version, "another text is another version"
        assert await self.shows(done.ref, subject.post)
        if self.can.lookup != "none":
            found = await self.there(subject.post.key)
            assert found is not None and (found.id, found.version) == (done.ref.id, done.ref.version)

    @case
    async def test_another_title_keeps_the_address(self) -> None:
        subject = await self.made()
        assert subject.ref is not None
        newer = replace(subject.post, title=f"{TITLE}（更正）", revision=2)
        await self.grain()
        done = await self.adapter.update(subject.ref, newer, PUBLIC, subject.ref.version or None)
        assert (done.ref.id, done.ref.url) == (subject.ref.id, subject.ref.url)
        assert await self.shows(done.ref, newer)

    @case
    async def test_our_own_last_version_is_no_conflict(self) -> None:
        subject = await self.ready("update")
        ref = cast(WriteResult, await self.do("update", subject)).ref
        for n in (3, 4):
            await self.grain()
            post = replace(subject.post, html=f"{FIRST}<p>第{n}版。</p>", revision=n)
            ref = (await self.adapter.update(ref, post, PUBLIC, ref.version or None)).ref
            assert await self.shows(ref, post)

    @case
    async def test_the_same_text_again_does_no_harm(self) -> None:
        subject = await self.made()
        assert subject.ref is not None
        done = await self.adapter.update(subject.ref, subject.post, PUBLIC, subject.ref.version or None)
        assert done.outcome in (Wrote.UNCHANGED, Wrote.UPDATED)
        assert done.outcome is Wrote.UPDATED or done.ref.version == subject.ref.version
        assert done.ref.url == subject.ref.url and await self.shows(done.ref, subject.post)

    @case
    async def test_what_is_gone_is_not_found_and_not_made_again(self) -> None:
        subject = await self.made()
        ref = subject.ref
        assert ref is not None
        if self.editor is not None:
            await self.editor.remove(ref)
        else:
            self.needs(self.can.delete, "delete is not declared, and there is no editor to remove a post")
            await self.adapter.withdraw(ref, "delete", ref.version or None)
        found = await self.there(subject.post.key) if self.can.lookup != "none" else None
        assert found is None or found.state is WITHDRAWN, "it is deleted, and found as if it were there"
        if found is None:
            error = await self.failed(self.adapter.update(ref, subject.post, PUBLIC, None))
            assert isinstance(error, NotFound), f"a post that is gone is NotFound: {error!r}"
            assert self.can.lookup == "none" or await self.there(subject.post.key) is None, "an update made a post"

    # --- withdraw ----------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("how", HOWS)
    @case
    async def test_what_is_withdrawn_is_gone_from_view_and_again_is_already(self, how: How) -> None:
        self.needs(getattr(self.can, how), f"{how} is not declared")
        subject = await self.made()
        assert subject.ref is not None
        done = await self.adapter.withdraw(subject.ref, how, subject.ref.version or None)
        assert (done.outcome, done.ref.state) == (Wrote.WITHDRAWN, WITHDRAWN)
        assert self.can.lookup == "none" or await self.is_done("withdraw", subject), "it says so, and the post is public"
        again = await self.adapter.withdraw(done.ref, how)
        assert again.outcome is Wrote.ALREADY, "a second time is ALREADY"
        late = await self.adapter.withdraw(subject.ref, how)  # by the ref of before, as after a lost answer
        assert late.outcome in (Wrote.ALREADY, Wrote.WITHDRAWN) and late.ref.state is WITHDRAWN
        if self.has_pages:
            await self._is_out_of_view(subject, how)

    async def _is_out_of_view(self, subject: Subject, how: How) -> None:
        assert subject.ref is not None
        answer = await self.fetch(subject.ref.url)
        page = decode(answer.body, answer.header("content-type"))
        assert not await self.is_visible(subject.ref.url, subject.post), "the text is still to be read at its address"
        assert how == "notice" or answer.status in (404, 410), f"the address answers {answer.status}"
        assert how != "notice" or answer.status != 200 or visible.shows_withdrawn(
            subject.post.title, text_of(subject.post.html), title_of(page), self._seen(page)).ok, "there is no notice"

    @pytest.mark.parametrize("how", ["notice", "unpublish"])
    @case
    async def test_what_was_withdrawn_comes_back_at_its_address(self, how: How) -> None:
        self.needs(getattr(self.can, how), f"{how} is not declared")
        subject = await self.made()
        assert subject.ref is not None
        gone = await self.adapter.withdraw(subject.ref, how, subject.ref.version or None)
        await self.grain()
        back = await self.adapter.update(gone.ref, subject.post, PUBLIC, gone.ref.version or None)
        assert (back.ref.id, back.ref.url, back.ref.state) == (subject.ref.id, subject.ref.url, PUBLIC)
        assert await self.shows(back.ref, subject.post)

    @case
    async def test_what_was_deleted_can_be_made_again(self) -> None:
        self.needs(self.can.delete, "delete is not declared")
        subject = await self.made()
        assert subject.ref is not None
        await self.adapter.withdraw(subject.ref, "delete", subject.ref.version or None)
        if self.can.lookup != "none":
            await self.recover("create", subject)
            await self.is_the_only_one(subject)

    # --- people at the site ------------------------------------------------------------------------------------------

    async def edited(self) -> Subject:
        """A post of ours that an editor has changed since."""
        editor, subject = self.needs_editor(), await self.made()
        assert subject.ref is not None
        await self.grain()
        await editor.edit(subject.ref, EDITED)
        return subject

    async def is_the_editors(self, subject: Subject) -> bool:
        """Whether the editor's text is still there."""
        assert subject.ref is not None
        found = await self.there(subject.post.key) if self.can.lookup != "none" else subject.ref
        return found is not None and await self.shows(found, replace(subject.post, html=EDITED))

    def needs_condition(self) -> None:
        self.needs(self.can.conditional_update != "none", "conditional_update is none: the CMS can't say no")

    @case
    async def test_an_edit_is_seen(self) -> None:
        self.needs_key()
        subject = await self.edited()
        found = await self.there(subject.post.key)
        assert found is not None and subject.ref is not None
        assert found.id == subject.ref.id
        assert found.version != subject.ref.version, "an editor's change must change the version"
        assert await self.is_the_editors(subject), "what the editor wrote is what is stored"
        if found.modified_by is None:
            self.warn("modified_by does not tell that somebody else has changed the post: only the version does")

    @case
    async def test_an_edit_before_an_update_is_kept(self) -> None:
        subject = await self.edited()
        assert subject.ref is not None
        newer = replace(subject.post, html=SECOND, revision=2)
        outcome = await self.outcome(self.adapter.update(subject.ref, newer, PUBLIC, subject.ref.version))
        is_refused = isinstance(outcome, Conflict) and outcome.kind == "version"
        if self.can.conditional_update == "none" and is_refused:
            self.warn("an update after an edit is refused, and conditional_update is declared none")
        self.needs_condition()
        assert is_refused, f'an update of what an editor changed must be Conflict("version"): {outcome!r}'
        assert await self.is_the_editors(subject), "the editor's text is overwritten"

    @case
    async def test_an_edit_before_a_withdrawal_is_told(self) -> None:
        self.gentlest()
        self.needs_condition()
        subject = await self.edited()
        error = await self.failed(self.do("withdraw", subject))
        assert isinstance(error, Conflict) and error.kind == "version", f'it must be Conflict("version"): {error!r}'
        assert await self.is_the_editors(subject)

    @case
    async def test_an_edit_is_overwritten_only_when_asked_to(self) -> None:
        subject = await self.edited()
        assert subject.ref is not None
        newer = replace(subject.post, html=SECOND, revision=2)
        await self.grain()
        done = await self.adapter.update(subject.ref, newer, PUBLIC, None)
        assert done.ref.id == subject.ref.id and await self.shows(done.ref, newer)

    @case
    async def test_an_edit_in_the_middle_of_an_update_is_kept(self) -> None:
        """Before each call of the update once: whichever comes last, the editor's text is there in the end."""
        self.needs_faults()
        self.needs_editor()
        lost, edits = [], 0
        for n in range(1, _MOST_CALLS):
            subject = await self.ready("update")
            if not await self._edited_at(n, subject):
                break
            edits = n
            if not await self.is_the_editors(subject):
                lost.append(n)
        self.needs(edits > 0, "update makes no call before which an edit could come")
        if self.can.conditional_update in ("server", "compare_and_set"):
            assert not lost, f"an edit right before call {lost} was overwritten"
        elif lost:
            self.skip(f"conditional_update is {self.can.conditional_update}: an edit in the very moment is overwritten")
        else:
            self.warn(f"no edit was overwritten, and conditional_update is declared {self.can.conditional_update}")

    async def _edited_at(self, n: int, subject: Subject) -> bool:
        """Play the update with an edit right before its n-th call; False when it has no such call."""
        editor, met = self.needs_editor(), False

        async def meanwhile(step: Step) -> None:
            nonlocal met
            if step.n == n and subject.ref is not None:
                met = True
                await editor.edit(subject.ref, EDITED)

        self.wire.restart(before=meanwhile)
        outcome = await self.outcome(self.do("update", subject))
        self.wire.restart()
        assert not isinstance(outcome, AdapterError) or isinstance(outcome, Conflict), f"{outcome!r}"
        return met

    @case
    async def test_an_edit_after_an_update_is_told_from_ours(self) -> None:
        self.needs_key()
        editor, subject = self.needs_editor(), await self.ready("update")
        ours = cast(WriteResult, await self.do("update", subject)).ref
        await self.grain()
        await editor.edit(ours, EDITED)
        found = await self.there(subject.post.key)
        assert found is not None and found.version != ours.version
        assert await self.is_the_editors(subject)

    # --- what is posted ----------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("name", TEXTS)
    @case
    async def test_a_text_is_stored_as_it_is_or_the_loss_is_told(self, name: str) -> None:
        title, html = TEXTS[name]
        await self.holds(self.post(title=title, html=html))

    async def holds(self, post: Post) -> WriteResult:
        """The post is created; what is stored is what was sent, or losses say that it is not."""
        made = await self.adapter.create(post, PUBLIC)
        doc = await self.doc(made.ref, made)
        if doc is None:
            self.skip("neither reads nor stored tell what is stored")
        same = (doc.title, shape(doc.html)) == (post.title, shape(post.html))
        assert same or made.losses, f"it was changed, and no loss is told: {doc.title!r} {doc.html[:2000]!r}"
        if self.can.html == "raw":
            assert same, f"html is declared raw, and the text was changed: {made.losses}"
        elif not same and print_of(doc.title, doc.html) != print_of(post.title, post.html):
            self.warn(f"the visible text was changed: {'; '.join(made.losses)}")
        if self.has_pages:
            assert made.losses or await self.is_visible(made.ref.url, post), "its page does not show it"
        return made

    @case
    async def test_what_the_cms_drops_is_told(self) -> None:
        await self.holds(self.post(html='<p class="a" id="b" style="text-align:center">居中</p><p>二</p><hr><p>三</p>'))

    @case
    async def test_the_longest_title_is_whole_and_one_more_is_refused_or_told(self) -> None:
        longest = self.can.max_title or _LONG_TITLE
        post = self.post(title=("关于进一步做好有关工作的通知" * longest)[:longest])
        made = await self.holds(post)
        assert not (made.losses and made.stored and made.stored.title != post.title), "max_title is not what it takes"
        if self.can.max_title is not None:
            await self.is_refused_or_told(self.post(title=f"{post.title}长"))

    async def is_refused_or_told(self, post: Post) -> None:
        outcome = await self.outcome(self.adapter.create(post, PUBLIC))
        if isinstance(outcome, AdapterError):
            assert isinstance(outcome, Rejected), f"what is too long is Rejected: {outcome!r}"
            assert self.can.lookup == "none" or await self.there(post.key) is None, "it was refused, and is there"
        else:
            doc = await self.doc(outcome.ref, outcome)
            whole = doc is not None and (doc.title, shape(doc.html)) == (post.title, shape(post.html))
            assert whole or outcome.losses, "it was cut, and nobody is told"
            if whole:
                self.warn("more is taken than the declared limit")

    @case
    async def test_what_is_too_long_is_cut_as_the_engine_looks_for_it(self) -> None:
        """A channel with few characters shows the beginning of a document, and its page is compared with just that."""
        if self.can.max_shown is None:
            self.skip("max_shown is not declared: a document is shown whole")
        lines = [f"{n}、抓紧春耕备耕，确保不误农时。" for n in range(self.can.max_shown)]
        post = self.post(title=TITLE * self.can.max_shown, html=abridge.paragraphs(lines))
        title, shown = abridge.abridged(post.title, lines, self.can.max_shown)
        made = await self.adapter.create(post, PUBLIC)
        assert made.losses, "it was cut, and nobody is told"
        short = replace(post, title=title, html=abridge.paragraphs(shown))
        assert await self.shows(made.ref, short)
        if self.has_pages:
            assert await self.is_visible(made.ref.url, short)

    @case
    async def test_an_empty_text_is_taken_or_refused(self) -> None:
        outcome = await self.outcome(self.adapter.create(self.post(html=""), PUBLIC))
        assert isinstance(outcome, WriteResult | Rejected), f"{outcome!r}"

    @case
    async def test_a_text_of_a_megabyte_is_whole_or_refused(self) -> None:
        """Or as large as is declared; one byte more is Rejected, or the loss is told."""
        most = min(self.can.max_body or _MEGA, _MEGA)
        line = "<p>各县（市、区）人民政府，市政府各部门：现将有关事项通知如下。</p>"
        text = line * (most // len(line.encode()))
        outcome = await self.outcome(self.adapter.create(self.post(html=text), PUBLIC))
        assert isinstance(outcome, WriteResult), f"a text of {len(text.encode())} bytes is refused, max_body is " \
                                                 f"{self.can.max_body}: {outcome}"
        doc = await self.doc(outcome.ref, outcome)
        assert doc is None or outcome.losses or text_of(doc.html) == text_of(text), "it was cut, and nobody is told"
        if self.can.max_body is not None:
            await self.is_refused_or_told(self.post(html=text + "<p>" + "长" * (self.can.max_body // 3) + "</p>"))

    @pytest.mark.parametrize("zone", [timedelta(hours=8), timedelta(0), timedelta(hours=-10)], ids=str)
    @pytest.mark.parametrize("precision", [Precision.DAY, Precision.SECOND])
    @case
    async def test_a_date_holds_nothing_back(self, zone: timedelta, precision: Precision) -> None:
        """Whatever zone the source's date is in: a CMS that takes it for the future would schedule the post."""
        local = self.now() + zone
        at = local.replace(hour=0, minute=0, second=0, microsecond=0) - zone if precision is Precision.DAY else self.now()
        made = await self.adapter.create(self.post(published=Instant(at, precision)), PUBLIC)
        assert made.ref.state is PUBLIC and made.ref.url
        if self.has_pages:
            assert (await self.fetch(made.ref.url)).status == 200

    @case
    async def test_an_embargo_is_kept_by_syncd_or_by_the_cms(self) -> None:
        """The engine sends nothing before its time. A CMS that schedules itself must then hide the page, too."""
        later = Instant(self.now() + timedelta(days=2))
        made = await self.adapter.create(self.post(published=later), PUBLIC)
        if self.can.schedule == "native" and made.ref.state is not PUBLIC:
            self.needs_pages()
            assert not made.ref.url or (await self.fetch(made.ref.url)).status in (401, 403, 404, 410)
            return
        assert made.ref.state is PUBLIC, "it was sent now, so it is to be public now"
        if self.has_pages:
            assert (await self.fetch(made.ref.url)).status == 200

    @case
    async def test_a_column_that_is_not_there_is_refused_made_or_told(self) -> None:
        column = f"没有的栏目{uuid.uuid4().hex[:6]}"
        outcome = await self.outcome(self.adapter.create(self.post(column=column), PUBLIC))
        if self.can.taxonomy == "fixed":
            assert isinstance(outcome, Rejected | NotApplied), f"columns are fixed, and {column} was taken: {outcome}"
        else:
            assert isinstance(outcome, WriteResult | Rejected), f"{outcome!r}"

    # --- files -------------------------------------------------------------------------------------------------------

    def with_files(self, *kinds: str) -> Post:
        """A post whose text shows a picture and links a file, both fetched."""
        media = tuple(MEDIA[kind] for kind in kinds)
        shown = {"picture": f'<p><img src="{MEDIA["picture"].url}" alt="图一"></p>',
                 "file": f'<p><a href="{MEDIA["file"].url}">附件1</a></p>'}
        return self.post(html=FIRST + "".join(shown[kind] for kind in kinds), media=media)

    @pytest.mark.parametrize("kind", ["picture", "file"])
    @case
    async def test_a_file_is_copied_or_it_is_told_that_it_is_not(self, kind: str) -> None:
        post = self.with_files(kind)
        made = await self.adapter.create(post, PUBLIC)
        doc = await self.doc(made.ref, made)
        if self.can.media == "none":
            assert made.losses, "it takes no files, and nobody is told that the file stays at its source"
            self.skip("media is none: files stay at their source, and that is told")
        if self.has_pages:
            await self._is_copied(made.ref.url, MEDIA[kind])
        elif doc is not None:
            assert made.losses or post.media[0].url not in doc.html, "the text still leads to the source"

    async def _is_copied(self, page: str, media: Media) -> None:
        answer = await self.fetch(page)
        text = decode(answer.body, answer.header("content-type"))
        links = [link for link in links_of(text, page) if link != media.url]
        stem = _BARE.sub("", media.name.rpartition(".")[0])
        copies = [link for link in links if stem in _BARE.sub("", link)]  # many a CMS writes the signs of a name otherwise
        assert copies, f"no link of the page leads to a copy of {media.name}"
        got = await self.fetch(copies[0])
        assert got.status == 200 and got.body == Shelf.files[media.sha256], "the copy is not the file"

    @case
    async def test_a_file_that_is_not_there_stops_the_post_before_anything_is_made(self) -> None:
        self.needs(self.can.media != "none", "media is none: no file is asked for")
        lost = replace(MEDIA["file"], sha256="0" * 64)
        post = self.post(media=(lost,), html=f'{FIRST}<p><a href="{lost.url}">附件</a></p>')
        error = await self.failed(self.adapter.create(post, PUBLIC))
        assert isinstance(error, NotApplied), f"nothing was made, so that it is NotApplied: {error!r}"
        assert self.can.lookup == "none" or await self.there(post.key) is None

    @case
    async def test_an_update_changes_files(self) -> None:
        self.needs(self.can.media != "none", "media is none")
        post = self.with_files("picture", "file")
        made = await self.adapter.create(post, PUBLIC)
        await self.grain()
        done = await self.adapter.update(made.ref, replace(post, html=SECOND, media=(), revision=2), PUBLIC,
                                         made.ref.version or None)
        assert (done.ref.id, done.ref.url) == (made.ref.id, made.ref.url)
        await self.grain()
        back = await self.adapter.update(done.ref, replace(post, revision=3), PUBLIC, done.ref.version or None)
        assert back.ref.url == made.ref.url
        if self.has_pages:
            await self._is_copied(back.ref.url, MEDIA["file"])

    @pytest.mark.parametrize("fault", ["lost_before", "lost_after", "page200", "die_after"])
    @case
    async def test_a_post_with_files_is_whole_in_the_end_whatever_call_fails(self, fault: str) -> None:
        """A file, or the answer to it, may be lost as well as the text."""
        self.needs(self.can.media != "none", "media is none")
        self.needs_key()
        self.needs_faults(fault)
        for n in range(1, _MOST_CALLS):
            subject = Subject(self.with_files("picture", "file"))
            if not await self._fails_at(n, subject, fault):
                break
            await self.recover("create", subject)
            found = await self.is_the_only_one(subject)
            if self.has_pages:
                await self._is_copied(found.url, MEDIA["picture"])
                await self._is_copied(found.url, MEDIA["file"])

    async def _fails_at(self, n: int, subject: Subject, fault: str) -> bool:
        """Create it with the fault at the n-th call; False when there is none."""
        if fault in DEATHS:
            return await self._dies_at(n, "create", subject, fault)
        struck = await self._strike("create", subject, fault, n, lasting=False, writes=False)
        if struck is None:
            return False
        done = await self.is_done("create", subject)
        assert struck.error is not None or done, f"it says that it is done, {struck}"
        assert isinstance(struck.error, Unknown | None) or not done, f"it is done, and it says no, {struck}"
        return True

    # --- errors ------------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("fault", DOUBTFUL)
    @pytest.mark.parametrize("act", WRITES)
    @case
    async def test_an_answer_that_tells_nothing_is_unknown(self, act: Write, fault: str) -> None:
        """At each call that writes: never NotApplied, and success only where it is there. Then the engine goes on."""
        self.needs(self.speaks_http, "without HTTP a step may be known to have failed: it is judged by what stands there")
        async for struck in self.strikes(act, fault, writes=True):
            assert struck.error is None or isinstance(struck.error, Unknown), f"it may have been done, {struck}"
            if struck.error is None and self.can.lookup != "none":
                assert await self.is_done(act, struck.subject), f"it says that it is done, {struck}"
                found = await self.there(struck.subject.post.key)
                assert found is None or struck.result.ref.id == found.id, f"it names another post, {struck}"
            await self.is_recovered(act, struck.subject)

    @pytest.mark.parametrize("fault", DOUBTFUL)
    @pytest.mark.parametrize("act", WRITES)
    @case
    async def test_nothing_is_called_not_applied_that_was_done(self, act: Write, fault: str) -> None:
        """At each call, looks among them."""
        self.needs_key()
        async for struck in self.strikes(act, fault):
            is_done = await self.is_done(act, struck.subject)
            assert struck.error is not None or is_done, f"it says that it is done, {struck}"
            assert isinstance(struck.error, Unknown | None) or not is_done, f"it is done, and it says no, {struck}"
            await self.is_recovered(act, struck.subject)

    @pytest.mark.parametrize("fault", [fault for fault in DOUBTFUL if fault != "lost_after"])
    @pytest.mark.parametrize("act", LOOKS)
    @case
    async def test_a_look_that_fails_is_not_nothing_there(self, act: Act, fault: str) -> None:
        self.needs(self.can.lookup != "none" if act == "find" else self.can.reads, f"there is no {act}")
        async for struck in self.strikes(act, fault):
            assert not isinstance(struck.error, NotFound | Conflict | Rejected), f"a failed look says nothing, {struck}"
            assert struck.error is not None or struck.result is not None, f"a failed look is taken for none, {struck}"

    @pytest.mark.parametrize("fault", REFUSALS)
    @pytest.mark.parametrize("act", [*WRITES, *LOOKS])
    @case
    async def test_a_refusal_is_told_as_what_it_is(self, act: Act, fault: str) -> None:
        """From each call on: the CMS has done nothing, and says why."""
        self.needs(act != "read" or self.can.reads, "reads is not declared")
        self.needs(act == "read" or self.can.lookup != "none", "lookup is none")
        async for struck in self.strikes(act, fault, lasting=True):
            if struck.error is None:
                assert await self._is_true(act, struck), f"it says that all is well, {struck}"
                continue
            _check_refusal(fault, struck, looks=act in LOOKS)
            if act in WRITES:
                done = await self.is_done(act, struck.subject)
                assert isinstance(struck.error, Unknown) or not done, f"it is done, and it says no, {struck}"
                await self.is_recovered(act, struck.subject)

    async def _is_true(self, act: Act, struck: Struck) -> bool:
        if act in LOOKS:
            return struck.result is not None
        return await self.is_done(cast(Write, act), struck.subject)

    @pytest.mark.parametrize("act", WRITES)
    @case
    async def test_a_slow_answer_is_waited_for(self, act: Write) -> None:
        self.needs_faults("slow")
        subject = await self.ready(act)
        self.wire.restart(lambda step: "slow")
        await self.do(act, subject)
        met = bool(self.wire.hit)
        self.wire.restart()
        self.needs(met, f"{act} makes no call that could be slow")
        assert self.can.lookup == "none" or await self.is_done(act, subject)

    @case
    async def test_wrong_credentials_are_never_nothing_there(self) -> None:
        """Many a CMS answers them with the little that anybody may see."""
        stranger = self.make_stranger(self.tools)
        if stranger is None:
            self.skip("make_stranger gives no adapter with wrong credentials")
        subject = await self.made()
        assert subject.ref is not None
        report = await stranger.check()
        assert not report.ok and any(item.hint for item in report.items if not item.ok), "check() must say it"
        acts: dict[str, Awaitable[Any]] = {
            "create": stranger.create(self.post(), PUBLIC),
            "update": stranger.update(subject.ref, subject.post, PUBLIC, None),
        }
        if self.can.lookup != "none":
            acts["find"] = stranger.find(subject.post.key)
        for name, act in acts.items():
            error = await self.failed(act)
            assert isinstance(error, AuthFailed), f"{name} with wrong credentials is AuthFailed: {error!r}"
        self._told.append(repr(report))
        await stranger.aclose()

    @case
    async def test_no_secret_is_told(self) -> None:
        """Every case looks for that; this one makes errors of all sorts."""
        self.needs(bool(self.secrets), "the author names no secrets")
        faults = (*REFUSALS, *DOUBTFUL) if self.speaks_http else WITHOUT_HTTP[:3]
        self.needs_faults(*(() if self.speaks_http else faults))
        met = False
        for fault in faults:
            self.wire.restart(lambda step, fault=fault: fault)  # type: ignore[misc]
            report = await self.again().check()
            self._told += [repr(report), repr(await self.outcome(self.adapter.create(self.post(), PUBLIC)))]
            met = met or bool(self.wire.hit)
            self.wire.restart()
        self.needs(met, "neither check nor create makes a call that could fail")

    # --- requests that arrive late -----------------------------------------------------------------------------------

    @case
    async def test_a_create_that_arrives_late_makes_no_second_post(self) -> None:
        """Each writing request of a create once: the engine has looked, found nothing, created, and then it arrives."""
        self.needs_key()
        self.needs(self.can.unique != "none" or self.can.sweeps,
                   "unique is none and nothing sweeps: a request that arrives late makes a second post")
        async for struck in self.strikes("create", "late", writes=True):
            await self.recover("create", struck.subject)
            await self.wire.arrive()
            await self.is_the_only_one(struck.subject)

    @case
    async def test_an_update_that_arrives_late_overwrites_no_editor(self) -> None:
        editor = self.needs_editor()
        self.needs(self.can.conditional_update == "server",
                   f"conditional_update is {self.can.conditional_update}: no request carries its own condition")
        async for struck in self.strikes("update", "late", writes=True):
            assert struck.subject.ref is not None
            await editor.edit(struck.subject.ref, EDITED)
            await self.wire.arrive()
            assert await self.is_the_editors(struck.subject), "a late request has overwritten the editor's text"

    # --- the process dies --------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("death", DEATHS)
    @pytest.mark.parametrize("act", WRITES)
    @case
    async def test_the_process_may_die_at_any_call(self, act: Write, death: str) -> None:
        """Right before and right after each call; then a new process goes on, and exactly what was wanted is there."""
        self.needs_key()
        self.needs_faults(death)
        died = 0
        for n in range(1, _MOST_CALLS):
            subject = await self.ready(act)
            if not await self._dies_at(n, act, subject, death):
                break
            died += 1
            await self.is_recovered(act, subject)
        self.needs(died > 0, f"{act} makes no call at which it could die")

    async def _dies_at(self, n: int, act: Write, subject: Subject, death: str) -> bool:
        """False when the act has no n-th call."""
        self.wire.restart(lambda step: death if step.n == n else "")
        with contextlib.suppress(Crash):
            await self.do(act, subject)
        died = bool(self.wire.hit)
        if died:
            await self.reopen()
        return died

    # --- what else is declared ---------------------------------------------------------------------------------------

    @case
    async def test_the_list_holds_what_was_posted_and_only_ours(self) -> None:
        self.needs(self.can.lists, "lists is not declared")
        first, second = await self.made(), await self.made()
        for wanted in (first, second):
            found = [doc async for doc in self.adapter.list(wanted.post.key)]  # type: ignore[attr-defined]  # declared
            assert [(doc.key, doc.ref.id) for doc in found] == [(wanted.post.key, cast(RemoteRef, wanted.ref).id)]
        every = {doc.key async for doc in self.adapter.list(self.prefix)}  # type: ignore[attr-defined]  # declared
        assert {first.post.key, second.post.key} <= every
        assert all(key.startswith(self.prefix) for key in every)

    @case
    async def test_what_was_handed_over_stands_somewhere(self) -> None:
        """Of its post and of no other; a refusal says what to do."""
        self.needs(self.can.awaits, "awaits is not declared")
        subject = await self.made()
        told = await self.adapter.standing(subject.ref)  # type: ignore[attr-defined]  # declared
        assert told.ref.id == cast(RemoteRef, subject.ref).id
        assert not (told.waits and told.refused), f"it waits, and it is refused: {told}"
        assert not told.refused or told.hint, f"a refusal says why: {told}"
        error = await self.failed(self.adapter.standing(RemoteRef(f"{self.prefix}nothing")))  # type: ignore[attr-defined]
        assert isinstance(error, NotFound), f"what was never handed over is NotFound: {error!r}"

    @case
    async def test_a_sweep_leaves_the_one_post(self) -> None:
        self.needs(self.can.sweeps, "sweeps is not declared")
        subject = await self.made()
        assert await self.adapter.sweep(subject.post.key, subject.ref) == ()  # type: ignore[attr-defined]  # declared
        await self.is_the_only_one(subject)

    @case
    async def test_an_anonymous_reader_sees_the_post_and_no_draft(self) -> None:
        self.needs_pages()
        subject = await self.ready("update")
        assert subject.ref is not None
        assert await self.is_visible(subject.ref.url, replace(subject.post, html=FIRST))
        done = cast(WriteResult, await self.do("update", subject))
        assert await self.is_visible(done.ref.url, subject.post)


def _check_refusal(fault: str, struck: Struck, *, looks: bool) -> None:
    """The error says what the CMS said; after a write of the same act Unknown says so, too."""
    error = struck.error
    wanted: tuple[type[AdapterError], ...] = {
        "refused": (NotApplied,), "limited": (RateLimited,), "limited_date": (RateLimited,), "limited_unsaid": (RateLimited,),
        "unavailable": (NotApplied, RateLimited) if looks else (NotApplied, RateLimited, Unknown),
        "unauthorized": (AuthFailed,), "login_redirect": (AuthFailed,),
        "forbidden": (AuthFailed, Rejected, NotFound), "too_large": (Rejected,),
        "no_such_page": (NotApplied, Rejected, NotFound, AuthFailed),
    }[fault]
    allowed = (*wanted, Unknown) if struck.before else wanted
    assert isinstance(error, allowed), f"{fault} must be one of {[each.__name__ for each in allowed]}, {struck}"
    if isinstance(error, RateLimited) and fault in ("limited", "limited_date"):
        asked = PAUSE if fault == "limited" else PAUSE_DATE
        assert error.said and abs(error.after - asked) <= 2, f"it asked for {asked} seconds, not {error.after}"
    if isinstance(error, RateLimited) and fault == "limited_unsaid":
        assert not error.said, "it did not say for how long"


# --- what cases are made of -------------------------------------------------------------------------------------------------


class Shelf:
    """adapters.api.Blobs with a picture and a file."""

    files: ClassVar[dict[str, bytes]] = {hashlib.sha256(data).hexdigest(): data for data in (PICTURE, FILE)}

    def read(self, sha256: str) -> bytes:
        if sha256 not in self.files:
            raise StoreError("blob_missing", hint="wait until it is fetched")
        return self.files[sha256]


def _media(name: str, kind: str, data: bytes, title: str) -> Media:
    sha256 = hashlib.sha256(data).hexdigest()
    name = name.replace("*", sha256[:8])
    return Media(f"https://www.gov.cn/zhengce/{name}?a=1&b=2", name, kind, len(data), sha256, title)


MEDIA = {
    "picture": _media("tupian-1-*.png", "image/png", PICTURE, ""),
    "file": _media("fujian-1-*.pdf", "application/pdf", FILE, "附件1：<方案>"),
}


class Told:
    """A log that remembers every line, whatever it is called with."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def bind(self, **fields: Any) -> Told:
        self.lines.append(repr(fields))
        return self

    def __getattr__(self, level: str) -> Callable[..., None]:
        def told(*args: Any, **fields: Any) -> None:
            self.lines.append(f"{level} {args!r} {fields!r}")

        return told


class _Shape(HTMLParser):
    """The elements, attributes and words of a text, in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[Any] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.pieces.append((tag, tuple(sorted((name, value or "") for name, value in attrs))))
        self.links += [value for name, value in attrs if name in ("href", "src") and value]

    def handle_endtag(self, tag: str) -> None:
        self.pieces.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        words = _BLANKS.sub(" ", data).strip()
        if words:
            self.pieces.append(words)


def shape(html: str) -> list[Any]:
    """What an HTML text is made of, whatever its spelling: blanks and the form of entities don't matter."""
    parser = _Shape()
    parser.feed(html)
    parser.close()
    return parser.pieces


def links_of(page: str, base: str) -> list[str]:
    """Every address that a page leads to or shows, absolute."""
    parser = _Shape()
    parser.feed(page)
    parser.close()
    return [urljoin(base, link) for link in parser.links]
