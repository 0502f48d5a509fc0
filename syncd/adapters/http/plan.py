"""The options compiled: each template and place of an answer, or every fault of them by its option, and what they add up to."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import model_validator

from syncd.adapters.api import Capabilities, How
from syncd.adapters.http import bodies
from syncd.adapters.http.answers import at_fault, where_fault
from syncd.adapters.http.bodies import Outgoing, Shape
from syncd.adapters.http.options import SECRETS, Auth, Declared, Fields, Kind, Op, Request, Search, Where
from syncd.adapters.http.templates import Context, Fault, Template, compiled
from syncd.adapters.http.values import FILE, FOUND, IN_FILE, POST, REF, SEARCH, SITE, STORED, sample
from syncd.adapters.multipart import File
from syncd.errors import Rejected

READS: frozenset[Op] = frozenset({"check", "find", "read"})
NAMES: Mapping[Op, frozenset[str]] = {
    "check": frozenset(), "find": SEARCH, "read": REF, "create": POST, "publish": POST | REF, "update": POST | REF,
    "withdraw": STORED | REF, "upload": FILE,
}
"""What a request may name beside the site and the log-in."""
SIGNED = frozenset({
    "method", "url", "path", "query", "host", "body", "body_sha256", "body_md5", "timestamp", "timestamp_ms", "date", "nonce",
    "content_type",
})
"""What may be signed of a request."""
_STRONG = ("sha256", "sha384", "sha512", "sha3_", "sm3")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TYPES: Mapping[Shape, str] = {
    "json": "application/json; charset=utf-8", "form": "application/x-www-form-urlencoded",
    "xml": "text/xml; charset={charset}", "text": "text/plain; charset={charset}",
}
Tree = Any
"""A body of JSON whose texts are templates."""


@dataclass(frozen=True, slots=True)
class Found:
    """One place of an answer, or a template in its stead."""

    where: Where
    made: Template | None = None


@dataclass(frozen=True)
class Step:
    """A request, compiled. op: what it is for; place: its option."""

    op: Op
    place: str
    method: str
    url: Template
    query: tuple[tuple[str, Template], ...]
    headers: tuple[tuple[str, Template], ...]
    shape: Shape
    body: Any
    file: str
    content_type: str
    charset: str
    kind: Kind
    fields: Mapping[str, Found]
    keep: Mapping[str, Where]
    search: Search | None = None
    looks: bool = False

    @property
    def by_column(self) -> bool:
        """True for a look-up that looks at one column at a time."""
        return "column" in self.names

    @cached_property
    def names(self) -> frozenset[str]:
        """What its templates speak of."""
        return frozenset(name for each in _templates(self) for name in each.names)

    @property
    def writes(self) -> bool:
        """Whether it may change something: each request of a write, whatever its method, unless it is declared to look."""
        return self.op not in READS and not self.looks

    def outgoing(self, base: str, context: Context, files: tuple[File, ...] = ()) -> Outgoing:
        """The request for these values. Raises Rejected("template")."""
        body, content_type = self._body(context, files)
        told = {name: _one_line(str(each.text(context))) for name, each in self.headers}
        headers = {name: text for name, text in told.items() if text}
        kind = self.content_type or content_type
        if kind and not any(name.lower() == "content-type" for name in headers):
            headers["content-type"] = kind
        return Outgoing(self.method, self._url(base, context), headers, body, self.shape, self.charset, kind)

    def _url(self, base: str, context: Context) -> str:
        whole = str(self.url.value(context)) if self.url.source.strip().startswith("{{") else self.url.text(context)
        url = whole if whole.startswith(("http://", "https://")) else f"{base}/{whole.lstrip('/')}" if whole else base
        asked = bodies.form_body([(name, str(_flat(each.value(context)))) for name, each in self.query], self.charset).decode()
        return f"{url}{'&' if '?' in url else '?'}{asked}" if asked else url

    def _body(self, context: Context, files: tuple[File, ...]) -> tuple[bytes, str]:
        told = _TYPES.get(self.shape, "").format(charset=self.charset)
        if self.shape == "json":
            return bodies.json_body(_filled(self.body, context)), told
        if self.shape == "form":
            return bodies.form_body(_pairs(self.body, context), self.charset), told
        if self.shape == "multipart":
            return bodies.multipart_body(_pairs(self.body, context), files, self.charset)
        if self.shape == "xml":
            return bodies.xml_body(self.body.text(context), self.charset), told
        if self.shape == "text":
            return self.body.text(context).encode(bodies.codec(self.charset), "replace"), told
        return b"", ""


def _filled(tree: Tree, context: Context) -> Any:
    if isinstance(tree, Template):
        return tree.value(context)
    if isinstance(tree, Mapping):
        return {name: _filled(each, context) for name, each in tree.items()}
    return [_filled(each, context) for each in tree] if isinstance(tree, (list, tuple)) else tree


def _pairs(body: tuple[tuple[str, Template], ...], context: Context) -> list[tuple[str, str]]:
    """A value that is a list gives as many fields."""
    pairs: list[tuple[str, str]] = []
    for name, each in body:
        value = each.value(context)
        pairs += [(name, str(_flat(one))) for one in (value if isinstance(value, (list, tuple)) else [value])]
    return pairs


def _flat(value: Any) -> Any:
    if value is None:
        return ""
    return ("true" if value else "false") if isinstance(value, bool) else value


def _one_line(text: str) -> str:
    return " ".join(text.split())


@dataclass(frozen=True)
class Login:
    """How one logs in, compiled. words: templates of values that requests may name."""

    auth: Auth
    words: Mapping[str, Template]
    headers: Mapping[str, Template]
    sign: Template | None
    page: Template | None
    step: Step | None
    tokens: Mapping[str, Template]

    def secrets(self) -> dict[str, str]:
        return secrets_of(self.auth)


@dataclass(frozen=True)
class Plan:
    """All requests of a site, compiled."""

    options: Declared
    login: Login
    check: Step | None
    find: Step | None
    listed: Step | None
    read: tuple[Step, ...]
    create: tuple[Step, ...]
    publish: tuple[Step, ...]
    update: tuple[Step, ...]
    withdraw: Mapping[How, tuple[Step, ...]]
    upload: Step | None
    address: Template | None
    capabilities: Capabilities


def secrets_of(auth: Auth) -> dict[str, str]:
    """The log-in's own values by name."""
    found = {name: getattr(auth, name) for name in SECRETS if getattr(auth, name) is not None}
    return {name: value if isinstance(value, str) else value.get_secret_value() for name, value in found.items()}


def auth_names(auth: Auth) -> frozenset[str]:
    """What requests may say after `auth.`."""
    kept = auth.login.keep if auth.login else {}
    return frozenset({*secrets_of(auth), *auth.values, *auth.tokens, *kept})


def faults(options: Declared) -> list[str]:
    """What is wrong with the options, each with its option's place; [] when they can be used."""
    compiler = _Compiler(options)
    compiler.plan()
    return compiler.faults


class Options(Declared):
    """Options that can be used: every template and place is compiled when they are read."""

    @model_validator(mode="after")
    def _compiles(self) -> Self:
        if found := faults(self):
            raise ValueError("; ".join(found))
        return self


def plan(options: Options) -> Plan:
    """Options that were validated, compiled."""
    made = _Compiler(options, tries=False).plan()
    assert made is not None  # the options were refused otherwise
    return made


@dataclass
class _Compiler:
    options: Declared
    tries: bool = True
    faults: list[str] = field(default_factory=list)
    _sample: dict[str, Any] = field(default_factory=sample)

    def plan(self) -> Plan | None:
        options = self.options
        login = self._login(options.auth)
        read, create = self._steps("read", "read", options.read or ()), self._steps("create", "create", options.create)
        publish = self._steps("publish", "publish", options.publish or ())
        update = self._steps("update", "update", options.update or ())
        withdraw = {how: self._steps("withdraw", f"withdraw.{how}", steps) for how, steps in options.withdraw.items()}
        find = self._one("find", "find", options.find)
        listed = self._one("find", "listed", options.listed, {"title", "column", "column_name"})
        check, upload = self._one("check", "check", options.check), self._one("upload", "upload", options.upload)
        self._one_writes("upload", (upload,) if upload is not None else ())
        address = self._template("address", options.address, FOUND | SITE) if options.address else None
        self._rules()
        self._charsets()
        self._whole(_Steps(read, create, tuple(step for step in (find, listed) if step is not None), upload))
        self._guards(update, withdraw)
        if self.faults or login is None:
            return None
        can = _capabilities(options, find, create)
        return Plan(options, login, check, find, listed, read, create, publish, update, withdraw, upload, address, can)

    # One template, one place

    def _template(self, place: str, source: str, known: Collection[str], use: str = "plain", *, tried: bool = True,
                  within: Mapping[str, Collection[str]] | None = None) -> Template:
        inner = {"auth": auth_names(self.options.auth), "file": IN_FILE} if within is None else within
        try:
            made = compiled(source, place, known, use, inner)
        except Fault as fault:
            self.faults.append(f"{place}: {fault}")
            return compiled("", place, ())
        if tried and self.tries:
            self._try(made, place)
        return made

    def _try(self, made: Template, place: str) -> None:
        """Fill it in once: what can't be filled in for any post is found when the config is read, not at the first post."""
        marks = {name: "x" for name in auth_names(self.options.auth)}
        try:
            made.text(self._sample | {"auth": marks})
        except Rejected as error:
            self.faults.append(f"{place}: {error.message.rpartition(': ')[2]}")

    def _place(self, place: str, where: Where, kind: Kind, known: Collection[str]) -> Found:
        if fault := where_fault(where, kind):
            self.faults.append(f"{place}: {fault}")
        return Found(where, self._template(f"{place}.made", where.made, known, tried=False) if where.made else None)

    # Requests

    def _one(self, op: Op, place: str, request: Request | None, more: Collection[str] = ()) -> Step | None:
        return self._step(op, place, request, NAMES[op] | SITE | {"auth", *more}, frozenset()) if request is not None else None

    def _steps(self, op: Op, place: str, requests: tuple[Request, ...]) -> tuple[Step, ...]:
        known, kept, made = NAMES[op] | SITE | {"auth"}, frozenset[str](), []
        for number, request in enumerate(requests):
            spot = place if len(requests) == 1 else f"{place}[{number}]"
            made.append(self._step(op, spot, request, known | kept, kept))
            kept |= {*request.keep, *REF}
        self._one_writes(place, tuple(made))
        return tuple(made)

    def _one_writes(self, place: str, steps: tuple[Step, ...]) -> None:
        self._need(not steps or steps[0].op in READS or any(step.writes for step in steps),
                   f"{place}: looks is said of all its requests; leave it out where something is changed")

    def _step(self, op: Op, place: str, request: Request, known: frozenset[str], kept: frozenset[str]) -> Step:
        text = self._texts(known, kept)
        charset = request.charset or self.options.charset
        kind = request.answer or self.options.answer
        shape, body = self._body(place, request, text)
        method = request.method.upper() or ("GET" if shape == "none" and op in READS else "POST")
        headers = self.options.headers | request.headers
        self._keeps(place, request, kind)
        return Step(
            op, place, method, text(f"{place}.url", request.url, "url"),
            tuple((name, text(f"{place}.query.{name}", each)) for name, each in request.query.items()),
            tuple((name, text(f"{place}.headers.{name}", each)) for name, each in headers.items()),
            shape, body, request.file, request.content_type, charset, kind, self._fields(place, request.fields, kind, known),
            request.keep, self._search(place, request, kind), request.looks,
        )

    def _texts(self, known: frozenset[str], kept: frozenset[str]) -> Callable[..., Template]:
        """Compiles what a request may say. What it keeps of an answer nobody knows beforehand, so that is not tried."""

        def text(place: str, source: str, use: str = "plain") -> Template:
            tried = not any(re.search(rf"\b{name}\b", source) for name in kept - REF)
            return self._template(place, source, known, use, tried=tried)

        return text

    def _body(self, place: str, request: Request, text: Callable[..., Template]) -> tuple[Shape, Any]:
        if request.json_ is not None:
            return "json", self._tree(f"{place}.json", request.json_, text)
        if request.form is not None:
            return "form", tuple(_fields_of(f"{place}.form", request.form, text))
        if request.multipart is not None or request.file:
            return "multipart", tuple(_fields_of(f"{place}.multipart", request.multipart or {}, text))
        if request.xml:
            return "xml", text(f"{place}.xml", request.xml, "xml")
        return ("text", text(f"{place}.text", request.text)) if request.text else ("none", None)

    def _tree(self, place: str, tree: Any, text: Callable[..., Template]) -> Tree:
        if isinstance(tree, str):
            return text(place, tree)
        if isinstance(tree, Mapping):
            return {name: self._tree(f"{place}.{name}", each, text) for name, each in tree.items()}
        if isinstance(tree, (list, tuple)):
            return [self._tree(f"{place}[{n}]", each, text) for n, each in enumerate(tree)]
        if tree is None or isinstance(tree, (bool, int, float)):
            return tree
        told = "JSON has texts, numbers, true, false, lists and tables only; secrets are named {{ auth.NAME }}"
        self.faults.append(f"{place}: {told}")
        return None

    def _keeps(self, place: str, request: Request, kind: Kind) -> None:
        for name, where in request.keep.items():
            self._place(f"{place}.keep.{name}", where, kind, ())
            if not _NAME.fullmatch(name) or name in SITE | {"auth"}:
                self.faults.append(f"{place}.keep.{name}: call it otherwise, with letters, digits and _ only")

    def _fields(self, place: str, own: Fields | None, kind: Kind, known: frozenset[str]) -> dict[str, Found]:
        """Where the facts stand in this answer: as the request says, or else as is said of all answers of this kind."""
        general = self.options.fields if kind == self.options.answer else Fields()
        told, spot = (general, "fields") if own is None else (own, f"{place}.fields")
        names = (known | FOUND) - {"auth"}
        return {name: self._place(f"{spot}.{name}", each, kind, names) for name, each in told.said().items()}

    def _search(self, place: str, request: Request, kind: Kind) -> Search | None:
        if not isinstance(request, Search):
            return None
        for name, at in (("rows", request.rows), ("shows", request.shows)):
            if at and (fault := at_fault(at, kind)):
                self.faults.append(f"{place}.{name}: {fault}")
        return request

    # The log-in

    def _login(self, auth: Auth) -> Login | None:
        own = frozenset(secrets_of(auth))
        kept = frozenset(auth.login.keep) if auth.login else frozenset[str]()
        words = {name: self._secretly(f"auth.values.{name}", each, own) for name, each in auth.values.items()}
        extra = SIGNED | {"signature"} if auth.kind == "hmac" else kept
        headers = {name: self._secretly(f"auth.headers.{name}", each, own | extra) for name, each in auth.headers.items()}
        sign = self._secretly("auth.sign", auth.sign, (own - {"secret"}) | SIGNED) if auth.sign else None
        self._check_algorithm(auth)
        scraped = frozenset(auth.scrape)
        for name, where in auth.scrape.items():
            self._place(f"auth.scrape.{name}", where, "html", ())
        page = self._secretly("auth.page", auth.page, frozenset(), "url") if auth.page else None
        step = self._login_step(auth.login, own | scraped) if auth.login else None
        for name, token in auth.tokens.items():
            self._place(f"auth.tokens.{name}.at", token.at, token.answer, ())
        tokens = {
            name: self._secretly(f"auth.tokens.{name}.url", each.url, frozenset(), "url") for name, each in auth.tokens.items()
        }
        return Login(auth, words, headers, sign, page, step, tokens)

    def _secretly(self, place: str, source: str, known: Collection[str], use: str = "plain") -> Template:
        return self._template(place, source, {*known, "now"}, use, tried=False, within={})

    def _login_step(self, request: Request, known: frozenset[str]) -> Step:
        def text(place: str, source: str, use: str = "plain") -> Template:
            return self._secretly(place, source, known, use)

        place, kind = "auth.login", request.answer or "html"
        shape, body = self._body(place, request, text)
        self._keeps(place, request, kind)
        return Step(
            "check", place, request.method.upper() or "POST", text(f"{place}.url", request.url, "url"),
            tuple((name, text(f"{place}.query.{name}", each)) for name, each in request.query.items()),
            tuple((name, text(f"{place}.headers.{name}", each)) for name, each in request.headers.items()),
            shape, body, "", request.content_type, request.charset or self.options.charset, kind, {}, request.keep,
        )

    def _check_algorithm(self, auth: Auth) -> None:
        known = sorted(name for name in hashlib.algorithms_available if name.startswith(_STRONG))
        if auth.kind == "hmac" and auth.algorithm not in known:
            self.faults.append(f"auth.algorithm: {auth.algorithm!r} is not to be had here; known are {', '.join(known)}")

    # What must be there

    def _rules(self) -> None:
        for number, rule in enumerate(self.options.answers):
            fault = at_fault(rule.when, rule.answer or self.options.answer) if rule.when else ""
            if fault:
                self.faults.append(f"answers[{number}].when: {fault}")
        if self.options.message and (fault := where_fault(self.options.message, self.options.answer)):
            self.faults.append(f"message: {fault}")

    def _charsets(self) -> None:
        own = ((f"{place}.charset", each.charset) for place, each in _requests(self.options) if each.charset)
        for place, charset in [("charset", self.options.charset), *own]:
            try:
                fits = "a".encode(bodies.codec(charset)) == b"a"
            except LookupError:
                fits = False
            if not fits:
                self.faults.append(f"{place}: {charset!r} is no charset that forms are written in; such as utf-8 or gbk")

    def _whole(self, steps: _Steps) -> None:
        """What must be told somewhere."""
        told, shown = _named(steps.create), _named(steps.read)
        everywhere = told | shown | _named(steps.searches)
        self._need("id" in told or bool(steps.searches),
                   "create.fields.id: say where the answer tells the id, or how it is found: find or listed")
        self._need(not steps.read or {"title", "html"} <= shown,
                   "read.fields: say where title and html stand; without them nobody can tell if the text is ours")
        self._need(steps.upload is None or "url" in steps.upload.fields,
                   "upload.fields.url: say where the answer tells the file's address")
        self._need("url" in everywhere or bool(self.options.address),
                   "address: say a post's public address as a template, or where an answer tells it (fields.url)")
        self._need("modified_by" not in everywhere or bool(self.options.account),
                   "account: say our own name in fields.modified_by, else we are taken for an editor")
        self._searched(steps.searches, "key" in shown)

    def _searched(self, searches: tuple[Step, ...], key_is_read: bool) -> None:
        for step in searches:
            search = step.search
            self._need("id" in step.fields, f"{step.place}.fields.id: say where the id stands")
            self._need(step.kind != "html" or bool(search and search.shows),
                       f"{step.place}.shows: say what every good page has (a selector), or an error page is an empty list")
            if step.place == "find":
                self._need("key" in step.fields or key_is_read,
                           "find.fields.key: say where our key stands, so that no other post is ever taken for ours")
            else:
                self._need("title" in step.fields and bool(search and search.rows),
                           "listed: say where its rows are, and fields.title in them")

    def _need(self, there: bool, fault: str) -> None:
        if not there:
            self.faults.append(fault)

    def _guards(self, update: tuple[Step, ...], withdraw: Mapping[How, tuple[Step, ...]]) -> None:
        if self.options.conditional == "none":
            return
        for place, steps in (("update", update), *((f"withdraw.{how}", steps) for how, steps in withdraw.items())):
            if steps and not any("version" in step.names for step in steps):
                wants = f'conditional = "{self.options.conditional}" needs a request that names {{{{ version }}}}'
                self.faults.append(f"{place}: {wants}")


@dataclass(frozen=True, slots=True)
class _Steps:
    """The compiled requests whose fields must tell something."""

    read: tuple[Step, ...]
    create: tuple[Step, ...]
    searches: tuple[Step, ...]
    upload: Step | None


def _named(steps: tuple[Step, ...]) -> set[str]:
    return {name for step in steps for name in step.fields}


def _fields_of(
    place: str, told: Mapping[str, str | list[str]], text: Callable[..., Template],
) -> Iterator[tuple[str, Template]]:
    for name, value in told.items():
        for each in value if isinstance(value, list) else [value]:
            yield name, text(f"{place}.{name}", each)


def _requests(options: Declared) -> Iterator[tuple[str, Request]]:
    for name in ("check", "find", "listed", "read", "create", "publish", "update", "upload"):
        found = getattr(options, name)
        for request in () if found is None else found if isinstance(found, tuple) else (found,):
            yield name, request
    for how, steps in options.withdraw.items():
        yield from ((f"withdraw.{how}", request) for request in steps)


def _templates(step: Step) -> Iterator[Template]:
    yield step.url
    yield from (each for _, each in (*step.query, *step.headers))
    yield from _leaves(step.body)


def _leaves(body: Any) -> Iterator[Template]:
    if isinstance(body, Template):
        yield body
    elif isinstance(body, Mapping):
        for each in body.values():
            yield from _leaves(each)
    elif isinstance(body, (list, tuple)):
        for each in body:
            yield from _leaves(each)


def _capabilities(options: Declared, find: Step | None, create: tuple[Step, ...]) -> Capabilities:
    """What is declared can be done, and nothing else."""
    saves = options.publish is not None or any(step.names & {"state", "public"} for step in create)
    return Capabilities(
        drafts=saves if options.drafts is None else options.drafts,
        unpublish="unpublish" in options.withdraw, delete="delete" in options.withdraw, notice="notice" in options.withdraw,
        taxonomy="fixed" if options.columns else "free", media=_media(options), lookup=_lookup(find), unique=options.unique,
        conditional_update=_conditional(options), version_grain=options.version_grain, atomic_publish=options.publish is None,
        html=options.html, max_title=options.max_title, max_body=options.max_body, max_concurrency=options.max_concurrency,
        rate=options.rate, reads=options.read is not None,
    )


def _media(options: Declared) -> Literal["none", "inline", "endpoint"]:
    if options.media:
        return options.media
    return "endpoint" if options.upload is not None else "none"


def _lookup(find: Step | None) -> Literal["pk", "unique_field", "path", "none"]:
    if find is None or find.search is None:
        return "none"
    if not find.search.rows:
        return "pk"
    return "path" if find.kind == "html" else "unique_field"


def _conditional(options: Declared) -> Literal["server", "compare_and_set", "check_then_act", "none"]:
    if options.conditional != "none":
        return options.conditional
    return "check_then_act" if options.read is not None else "none"
