"""Options of the declared adapter: what requests a CMS takes, how one logs in, and what its answers say."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator, model_validator

from syncd.adapters.api import How
from syncd.web.failure import Failure
from syncd.web.urls import parse, without_login

Kind = Literal["json", "html", "xml", "text"]
Means = Literal[
    "done", "already", "exists", "changed", "locked", "missing", "refused", "throttled", "busy", "not_logged_in",
    "forbidden",
]
Op = Literal["check", "find", "read", "create", "publish", "update", "withdraw", "upload"]


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Where(Table):
    """Where a value stands. at: in the answer, JMESPath, CSS (css@attribute) or XPath by what the answer is. header: in a
    header of it. take: a regular expression, its group or all of the match counts. made: a template, in their place."""

    at: str = ""
    header: str = ""
    take: str = ""
    made: str = ""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if sum(map(bool, (self.at, self.header, self.made))) > 1:
            raise ValueError("say one of at, header and made")
        if not (self.at or self.header or self.made or self.take):
            raise ValueError("say where it stands: at, header, take or made")
        return self


def _where(value: Any) -> Any:
    return {"at": value} if isinstance(value, str) else value


Place = Annotated[Where, BeforeValidator(_where)]


class Fields(Table):
    """Where the facts of a post stand in an answer. html: the markup. modified_by: who changed it last."""

    id: Place | None = None
    key: Place | None = None
    url: Place | None = None
    version: Place | None = None
    state: Place | None = None
    title: Place | None = None
    html: Place | None = None
    modified_by: Place | None = None

    def said(self) -> dict[str, Where]:
        """The places that are set, by field."""
        return {name: value for name in type(self).model_fields if (value := getattr(self, name)) is not None}


class Request(Table):
    """One request; every text in it is a template. url: absolute, or below api_url. One of json (a table or list whose
    texts are templates), form, multipart, xml and text is its body. file: the part of a multipart body that holds a
    file. fields: where the facts of a post stand in its answer, in place of options.fields. keep: values of the answer for
    the requests that follow. looks: it changes nothing, though it is one of the requests of a write."""

    url: str
    method: str = ""
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    json_: Any = Field(default=None, alias="json")
    form: dict[str, str | list[str]] | None = None
    multipart: dict[str, str] | None = None
    file: str = ""
    xml: str = ""
    text: str = ""
    content_type: str = ""
    charset: str = ""
    answer: Kind | None = None
    fields: Fields | None = None
    keep: dict[str, Place] = {}
    looks: bool = False

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        bodies = [self.json_ is not None, self.form is not None, self.multipart is not None or bool(self.file),
                  bool(self.xml), bool(self.text)]
        if sum(bodies) > 1:
            raise ValueError("say one of json, form, multipart, xml and text")
        return self


def _several(value: Any) -> Any:
    return value if isinstance(value, (list, tuple)) else [value]


Steps = Annotated[tuple[Request, ...], BeforeValidator(_several), Field(min_length=1)]


class Search(Request):
    """A look-up. rows: where the rows stand, "" where the answer is the post itself. pages: how many are looked through,
    by {{ page }}, which counts from `first` by `step`. shows: what is there on every good page, rows or not: without it a
    firewall's page would be a list without rows."""

    rows: str = ""
    shows: str = ""
    pages: int = Field(default=1, ge=1, le=1000)
    first: int = 1
    step: int = Field(default=1, ge=1)


class Rule(Table):
    """What an answer means. All that is said of it must hold: status, when (an expression that finds something that is not
    false, in an answer of this kind), contains (a text), location (a text in the redirect's address). on: for which
    requests, all if empty. field, after, hint: of refused, of throttled (seconds), for the operator."""

    means: Means
    on: tuple[Op, ...] = ()
    status: Annotated[tuple[int, ...], BeforeValidator(_several)] = ()
    answer: Kind | None = None
    when: str = ""
    contains: str = ""
    location: str = ""
    field: str = ""
    after: float = Field(default=60.0, gt=0)
    hint: str = ""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.status or self.when or self.contains or self.location):
            raise ValueError("say by what it is known: status, when, contains or location")
        return self


class Token(Table):
    """A value that each session is given: where it is asked for, and where it stands there."""

    url: str
    at: Place
    answer: Kind = "html"


class Auth(Table):
    """How one logs in; the one place whose templates are given the secrets.

    user, password, token, client_id, client_secret, key_id, secret: requests may name them as {{ auth.NAME }}, as they may
    `values` (templates made of them), `tokens` (scraped once a session) and what the log-in request keeps.
    name: the header of kind "header". token_url, scope, style: of "oauth2" (client credentials). algorithm, sign, encoding:
    of "hmac"; sign is what is signed. headers: added to each request, of "hmac" and "form". page, scrape, login: of "form":
    a page and what is taken from it, and the log-in request itself. login_page: a text by which the log-in page is known
    when it comes in another page's place; a field for a password is known anyway. lifetime: seconds after which a session
    is renewed before it ends, 0: when it has ended.
    """

    kind: Literal["none", "basic", "bearer", "header", "oauth2", "hmac", "form"] = "none"
    user: str | SecretStr | None = None
    password: SecretStr | None = None
    token: SecretStr | None = None
    client_id: str | SecretStr | None = None
    client_secret: SecretStr | None = None
    key_id: str | SecretStr | None = None
    secret: SecretStr | None = None
    name: str = ""
    token_url: str = ""
    scope: str = ""
    style: Literal["basic", "body"] = "basic"
    algorithm: str = "sha256"
    sign: str = ""
    encoding: Literal["hex", "base64"] = "hex"
    headers: dict[str, str] = {}
    page: str = ""
    scrape: dict[str, Place] = {}
    login: Request | None = None
    login_page: str = ""
    lifetime: float = Field(default=0.0, ge=0)
    values: dict[str, str] = {}
    tokens: dict[str, Token] = {}

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        missing = [name for name in _NEEDED[self.kind] if not getattr(self, name)]
        if missing:
            raise ValueError(f'kind = "{self.kind}" needs {", ".join(missing)}')
        return self


_NEEDED: dict[str, tuple[str, ...]] = {
    "none": (), "basic": ("user", "password"), "bearer": ("token",), "header": ("name", "token"),
    "oauth2": ("token_url", "client_id", "client_secret"), "hmac": ("secret", "sign", "headers"), "form": ("login",),
}
SECRETS = ("user", "password", "token", "client_id", "client_secret", "key_id", "secret")


class States(Table):
    """The CMS's words for where a post stands, by ours."""

    public: Annotated[tuple[str, ...], BeforeValidator(_several)] = ()
    draft: Annotated[tuple[str, ...], BeforeValidator(_several)] = ()
    withdrawn: Annotated[tuple[str, ...], BeforeValidator(_several)] = ()


class Declared(Table):
    """api_url: where the CMS is; addresses of requests start from it. answer, charset, headers: of all requests.

    columns: our name of a column to the CMS's. check, find, read, create, publish, update, withdraw (by what is left of
    the post), upload: the requests; what is left out can't be done. listed: where a new post stands on a page that shows
    titles, if nothing else tells its id. fields: where the facts of a post stand, unless a request says otherwise.
    address: a template of a post's public address, where no answer tells it. states: see States. account: our own name in
    modified_by. answers: what answers mean, the first that fits counts. message: where the CMS says what is wrong.
    unique, conditional: what the CMS itself guards. drafts: it has drafts. media: files go by `upload`, pictures inside
    the text ("inline"), or stay at the source. unencodable: what becomes of a character that the charset lacks, in plain
    texts; in HTML it becomes an entity.
    """

    api_url: str
    answer: Kind = "json"
    charset: str = "utf-8"
    headers: dict[str, str] = {}
    timeout: float = Field(default=60.0, gt=0, le=600)
    auth: Auth = Auth()
    columns: dict[str, str | int] = {}
    check: Request | None = None
    find: Search | None = None
    listed: Search | None = None
    read: Steps | None = None
    create: Steps
    publish: Steps | None = None
    update: Steps | None = None
    withdraw: dict[How, Steps] = {}
    upload: Request | None = None
    fields: Fields = Fields()
    address: str = ""
    states: States = States()
    account: Annotated[tuple[str, ...], BeforeValidator(_several)] = ()
    answers: tuple[Rule, ...] = ()
    message: Place | None = None
    unique: Literal["server", "app", "none"] = "none"
    conditional: Literal["server", "compare_and_set", "none"] = "none"
    drafts: bool | None = None
    media: Literal["", "inline", "none"] = ""
    html: Literal["raw", "filtered", "plain"] = "filtered"
    unencodable: Literal["reject", "entity", "replace"] = "reject"
    version_grain: float = Field(default=0.0, ge=0)
    max_title: int | None = Field(default=None, ge=1)
    max_body: int | None = Field(default=None, ge=1)
    max_concurrency: int = Field(default=1, ge=1, le=64)
    rate: float | None = Field(default=None, gt=0)

    @field_validator("api_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        try:
            _, login = without_login(parse(value))
        except Failure as failure:
            raise ValueError(f"write the CMS's address, such as https://cms.county.example ({failure.message})") from None
        if login:
            raise ValueError("write no log-in into the address: use auth")
        return value.rstrip("/")
