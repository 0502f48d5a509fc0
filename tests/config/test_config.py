"""A config is read strictly: all mistakes at once, each with its place; secrets never show."""

# ruff: noqa: E501 - the exact messages are longer than a line
from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr

from syncd import model
from syncd.config import Config, load, options_of, parse
from syncd.errors import ConfigError

SECRET = "hunter2-hunter2"

GOOD = """
[syncd]
state_dir = "var"
[[sources]]
name = "council"
kind = "govcn"
url = "https://www.gov.cn/list.json"
[[sites]]
name = "county"
adapter = "static"
public_url = "https://www.county.example/"
options = { directory = "site" }
[[routes]]
sources = ["council"]
site = "county"
column = "要闻"
authority = "order no. 3"
"""

SIX_MISTAKES = """
[syncd]
lisen = "127.0.0.1:8377"
[[sources]]
name = "council"
kind = "govcn"
url = "https://www.gov.cn/list.json"
every = "5 minutes"
[[sites]]
name = "county"
adapter = "static"
public_url = "https://www.county.example"
options = { directory = "x", password = { credential = "county-wordpress" } }
[[routes]]
sources = ["counsil"]
site = "county"
column = "要闻"
form = "lnk"
"""


def read(text: str, environ: Mapping[str, str] | None = None, base: Path = Path("/base")) -> Config:
    return parse(text, where="config.toml", base=base, environ=environ or {})


def problems(text: str, environ: Mapping[str, str] | None = None, base: Path = Path("/base")) -> list[str]:
    with pytest.raises(ConfigError) as error:
        read(text, environ, base)
    assert error.value.where == "config.toml"
    return error.value.problems


@pytest.mark.guarantee(5)
def test_a_config_with_six_mistakes_prints_six_lines() -> None:
    assert problems(SIX_MISTAKES) == [
        '[syncd]: lisen: unknown key; did you mean "listen"?',
        '[[sources]] "council": every: "5 minutes" is not a duration; write seconds (300) or "5m", "12h", "30d"',
        '[[sites]] "county": options.password: no credential "county-wordpress": not started with systemd\'s '
        "LoadCredential=county-wordpress:…",
        '[[routes]] 1: form: "lnk" is not one of "full", "link"',
        '[[routes]] 1: sources: no source is called "counsil"; did you mean "council"?',
        '[[sites]] "county": options.password: unknown key; known are directory, base_path, lang, columns',
    ]


def test_a_wrong_kind_and_wrong_options_of_plug_ins_are_told_beside_the_other_mistakes() -> None:
    text = GOOD.replace('"govcn"', '"govcnn"').replace("directory", "directry").replace('column = "要闻"', 'column = " "')
    assert problems(text) == [
        '[[routes]] 1: column: must not be empty; write the name of the column where reposts appear',
        '[[sources]] "council": kind: "govcnn" is not installed; did you mean "govcn"?',
        '[[sites]] "county": options.directry: unknown key; did you mean "directory"?',
        '[[sites]] "county": options.directory: missing',
    ]


def test_a_state_directory_that_is_a_file_is_a_problem_of_the_config(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")
    with pytest.raises(ConfigError, match="is no directory"):
        read(GOOD.replace('"var"', '"var/state"'), base=tmp_path)


def test_the_hosts_of_a_reverse_proxy_can_be_named_and_nothing_else() -> None:
    good = read(GOOD.replace('state_dir = "var"', 'hosts = ["status.county.example"]'))
    assert good.syncd.hosts == ("status.county.example",)
    (told,) = problems(GOOD.replace('state_dir = "var"', 'hosts = ["https://a/b"]'))
    assert "is not the name of a host" in told


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (("[syncd]", "[sincd]"), "sincd: unknown table; did you mean [syncd]?"),
        (("[syncd]", "[qqq]"), "qqq: unknown table; known are [syncd], [network], [[sources]], [[sites]], [[routes]]"),
        (("[[sources]]", "[sources]"), "[sources]: write [[sources]] with two brackets, once for each"),
        (("[syncd]", "[[syncd]]"), "[syncd]: must be one table; write [syncd] with one bracket, once"),
        (('state_dir = "var"', 'token = "s"'), '[syncd]: token: a secret is never written here; use { credential = "name" },'
         ' { file = "path" } or { env = "NAME" }'),
        (('state_dir = "var"', 'listen = "8377"'), '[syncd]: listen: "8377" is not host:port; write "127.0.0.1:8377", or "" for none'),
        (('state_dir = "var"', 'listen = "x:99999"'), '[syncd]: listen: "x:99999" is not host:port; write "127.0.0.1:8377", or "" for none'),
        (('state_dir = "var"', 'timezone = "Asia/Shangai"'), '[syncd]: timezone: "Asia/Shangai" is not a time zone; write one such as "Asia/Shanghai"'),
        (('state_dir = "var"', "retention = { raw = 0 }"), "[syncd]: retention.raw: 0 is too short; at least 1 second"),
        (('state_dir = "var"', "retention = { row = 1 }"), '[syncd]: retention.row: unknown key; did you mean "raw"?'),
        (('state_dir = "var"', "state_dir = 7"), '[syncd]: state_dir: must be a path in quotes, such as "var"'),
        (('name = "council"', ""), "[[sources]] 1: name: missing"),
        (('name = "council"', 'name = "a b"'), '[[sources]] "a b": name: "a b" is not a name; letters, digits, - _ . only, at most 64'),
        (('kind = "govcn"', "kind = 3"), '[[sources]] "council": kind: must be text in quotes, such as "x"'),
        (('kind = "govcn"', 'kind = "govcn"\nallow_private = "yes"'), '[[sources]] "council": allow_private: must be true or false'),
        (('kind = "govcn"', 'kind = "govcn"\nevery = true'), '[[sources]] "council": every: true is not a duration; write seconds (300) or "5m", "12h", "30d"'),
        (('kind = "govcn"', 'kind = "govcn"\nrelook = []'), '[[sources]] "council": relook: must not be empty'),
        (('kind = "govcn"', 'kind = "govcn"\nlimits = { few = 1.5 }'), '[[sources]] "council": limits.few: must be a whole number'),
        (("https://www.gov.cn/list.json", "www.gov.cn"), '[[sources]] "council": url: not an address; write https://host/path'),
        (("https://www.gov.cn/list.json", "https://u:hunter2@www.gov.cn"), '[[sources]] "council": url: a log-in must not stand in an address; give it in options'),
        (("https://www.gov.cn/list.json", "https://[::1/"), '[[sources]] "council": url: not an address; write https://host/path'),
        (('column = "要闻"', 'column = "要闻"\nbackfill = "some"'), '[[routes]] 1: backfill: "some" is not a duration; write seconds (300) or "5m", "12h", "30d"'),
        (('column = "要闻"', 'column = "要闻"\nbackfill = -1'), '[[routes]] 1: backfill: -1 is not a backfill; write false, true, "30d" or a number of the newest'),
        (('column = "要闻"', 'column = "要闻"\nmatch = { issuer = "国务院" }'), '[[routes]] 1: match.issuer: must be a list, such as ["x"]'),
        (('site = "county"', 'site = "contry"'), '[[routes]] 1: site: no site is called "contry"; did you mean "county"?'),
        (('site = "county"', 'site = "zzz"'), '[[routes]] 1: site: no site is called "zzz"; known are "county"'),
        (('adapter = "static"', 'adapter = "static"\nlook = { vantage = "left" }'), '[[sites]] "county": look.vantage: "left" is not one of "outside", "inside"'),
        (('adapter = "static"', 'adapter = "static"\nlook = 1'), '[[sites]] "county": look: must be a table, such as { key = value }'),
        (('adapter = "static"', 'adapter = "static"\nnetwork = { ca_file = "no.pem" }'), '[[sites]] "county": network.ca_file: no such file: /base/no.pem'),
        (('adapter = "static"', 'adapter = "static"\nnetwork = { proxy = "socks5://h:1" }'), '[[sites]] "county": network.proxy: not a proxy; write http://host:port'),
        (('adapter = "static"', 'adapter = "observe"'), None),
        (("[[sites]]", '[[sources]]\nname = "council"\nkind = "feed"\nurl = "https://x.example/"\n[[sites]]'),
         '[[sources]] "council": name: used 2 times; names are unique'),
    ],
)
def test_each_mistake_is_one_line_that_says_where_and_what_to_do(change: tuple[str, str], line: str | None) -> None:
    text = GOOD.replace(*change)
    assert text != GOOD
    if line is None:
        read(text)
    else:
        assert line in problems(text)


def test_a_route_to_an_observed_site_may_not_promise_what_never_happens() -> None:
    text = GOOD.replace('"static"', '"observe"').replace('directory = "site"', 'list_url = "https://x.example"') + (
        'approve = "review"\npost_as = "draft"\n'
    )
    why = 'has no meaning here: the site "county" is only observed; remove it'
    assert problems(text) == [f'[[routes]] 1: approve: "review" {why}', f'[[routes]] 1: post_as: "draft" {why}']


def test_text_that_is_no_toml_says_the_line() -> None:
    assert problems("[syncd]\nstate_dir = var\n") == ["not TOML: Invalid value (at line 2, column 13)"]


def test_an_address_with_a_log_in_is_never_repeated() -> None:
    text = GOOD.replace('state_dir = "var"', f'database = "postgresql://u:{SECRET}@h/db"').replace(
        "https://www.county.example/", f"https://u:{SECRET}@h/"
    ) + f'[network]\nproxy = "http://u:{SECRET}@proxy:3128"\n'
    told = problems(text)
    assert len(told) == 3
    assert SECRET not in "\n".join(told)


def test_secrets_come_from_credentials_files_and_the_environment(tmp_path: Path) -> None:
    (tmp_path / "wp").write_text(SECRET + "\n")
    (tmp_path / "own").write_text("from-a-file")
    (tmp_path / "own").chmod(0o600)
    text = GOOD.replace('state_dir = "var"', 'token = { env = "TOKEN" }\ndatabase = { file = "own" }').replace(
        'options = { directory = "site" }',
        'options = { login = { user = "u", password = { credential = "wp" } }, more = [{ env = "TOKEN" }] }',
    )
    config = read(text, {"TOKEN": "from-the-environment", "CREDENTIALS_DIRECTORY": str(tmp_path)}, tmp_path)
    assert config.site("county").options["login"]["password"].get_secret_value() == SECRET
    assert config.syncd.token is not None
    assert config.syncd.token.get_secret_value() == "from-the-environment"
    assert config.syncd.database_url == "from-a-file"
    assert {s.get_secret_value() for s in config.secrets} == {SECRET, "from-a-file", "from-the-environment"}


@pytest.mark.guarantee(5)
@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ('{ env = "NO" }', "the environment has no NO"),
        ('{ file = "no" }', "the secret's file can't be read: /base/no: No such file or directory"),
        ('{ credential = "no" }', 'no credential "no": not started with systemd\'s LoadCredential=no:…'),
        ('{ env = "EMPTY" }', "the secret is empty"),
        ("{ env = 3 }", 'env must name one, such as { env = "name" }'),
    ],
)
def test_a_secret_that_is_not_there_is_one_line(reference: str, said: str) -> None:
    text = GOOD.replace('state_dir = "var"', f"token = {reference}")
    assert problems(text, {"EMPTY": ""}) == [f"[syncd]: token: {said}"]


def test_a_credential_cannot_lead_out_of_its_directory(tmp_path: Path) -> None:
    text = GOOD.replace('state_dir = "var"', 'token = { credential = "../x" }')
    told = problems(text, {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert told == ['[syncd]: token: "../x" is not the name of a credential']


def test_a_secret_that_others_may_read_or_that_is_short_is_warned_of(tmp_path: Path) -> None:
    (tmp_path / "own").write_text("short")
    (tmp_path / "own").chmod(0o644)
    config = read(GOOD.replace('state_dir = "var"', 'token = { file = "own" }'), base=tmp_path)
    assert config.warnings == (
        f"[syncd]: token: others may read this secret (mode 0644); run: chmod 600 {tmp_path / 'own'}",
        "[syncd]: token: the secret is shorter than 8 characters",
    )
    (tmp_path / "own").chmod(0o600)
    assert len(read(GOOD.replace('state_dir = "var"', 'token = { file = "own" }'), base=tmp_path).warnings) == 1


def test_secrets_never_print(tmp_path: Path) -> None:
    (tmp_path / "s").write_text(f"http://u:{SECRET}@proxy:3128")
    (tmp_path / "s").chmod(0o600)
    ref = '{ file = "s" }'
    text = GOOD.replace('state_dir = "var"', f"token = {ref}\ndatabase = {ref}").replace(
        'options = { directory = "site" }', f'options = {{ a = {ref} }}\nnetwork = {{ proxy = {ref} }}'
    )
    config = read(text, base=tmp_path)
    shown = [repr(config), str(config), f"{config.syncd}{config.sites}{config.secrets}", config.hash, str(config.warnings)]
    shown += [site.model_dump_json() for site in config.sites] + [config.syncd.model_dump_json(exclude={"options"})]
    assert SECRET not in "".join(shown)
    assert SECRET in config.network_of(config.sites[0].network).plain()["proxy"]  # it is there, though


def test_options_are_checked_by_the_plug_ins_own_model() -> None:
    place = '[[sites]] "county": options'
    valid, none = options_of(_Options, {"api_url": "x", "password": SecretStr(SECRET)}, where=place)
    assert isinstance(valid, _Options)
    assert none == []
    invalid, told = options_of(_Options, {"api_ulr": SECRET, "password": SECRET, "port": "many"}, where=place)
    assert invalid is None
    assert told == [
        f'{place}.password: a secret is never written here; use {{ credential = "name" }}, {{ file = "path" }} or '
        '{ env = "NAME" }',
        f'{place}.api_ulr: unknown key; did you mean "api_url"?',
        f"{place}.api_url: missing",
        f"{place}.port: should be a valid integer, unable to parse string as an integer",
    ]


def test_a_plug_in_that_quotes_a_secret_in_its_message_is_not_believed_to_be_discreet() -> None:
    given = {"api_url": "x", "password": SecretStr(SECRET), "checked": SecretStr(SECRET)}
    _, told = options_of(_Options, given, where="o")
    assert told == ["o.checked: not good: [hidden]"]


def test_paths_in_options_start_where_the_file_is() -> None:
    valid, _ = options_of(_Paths, {"directory": "var/site"}, where="o", base=Path("/etc/syncd"))
    assert valid == _Paths(directory=Path("/etc/syncd/var/site"))


def _refuse(value: SecretStr | None) -> SecretStr | None:
    if value:
        raise ValueError(f"not good: {value.get_secret_value()}")
    return value


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid")
    api_url: str
    password: SecretStr
    port: int = 1
    checked: Annotated[SecretStr | None, AfterValidator(_refuse)] = None


class _Paths(BaseModel):
    directory: Path


def test_routes_become_the_words_of_the_domain() -> None:
    text = GOOD + 'deadline = "12h"\nbasis = "b"\nbackfill = "30d"\nmatch = { issuer = ["国务院"] }\nreview_withdrawals = true\nhotlink = true\n'
    assert read(text).routes_model() == (
        model.Route(
            "county/要闻#1", ("council",), "county", "要闻", model.Match(("国务院",)), authority="order no. 3",
            deadline=model.DeadlineRule(43200.0, "b"), backfill=model.Backfill(span=2592000.0), review_withdrawals=True,
            hotlink=True,
        ),
    )


@pytest.mark.parametrize(
    ("value", "meant"),
    [("false", None), ("true", model.Backfill(everything=True)), ("100", model.Backfill(newest=100)),
     ('"1w"', model.Backfill(span=604800.0))],
)
def test_backfill_is_all_a_span_or_a_number(value: str, meant: model.Backfill | None) -> None:
    assert read(GOOD + f"backfill = {value}\n").routes_model()[0].backfill == meant


def test_a_routes_name_stays_when_another_sites_route_is_put_before_it() -> None:
    other = '[[sites]]\nname = "town"\nadapter = "static"\npublic_url = "https://t.example"\n'
    more = '[[routes]]\nsources = ["council"]\nsite = "town"\ncolumn = "要闻"\n'
    names = [route.name for route in read(GOOD.replace("[[routes]]", other + more + "[[routes]]")).routes_model()]
    assert names == ["town/要闻#1", "county/要闻#1"]


def test_route_names_are_unique_also_beside_chosen_ones() -> None:
    again = GOOD[GOOD.index("[[routes]]"):]
    text = GOOD + again + again + 'name = "county/要闻#2"\n'
    assert [r.name for r in read(text).routes_model()] == ["county/要闻#1", "county/要闻#3", "county/要闻#2"]
    assert '[[routes]] "a": name: used 2 times; names are unique' in problems(GOOD + 'name = "a"\n' + again + 'name = "a"\n')


def test_the_hash_follows_the_routing_and_nothing_else() -> None:
    before = read(GOOD).hash
    assert read(GOOD.replace('kind = "govcn"', 'kind = "govcn"\nevery = 7')).hash == before
    assert read(GOOD + "backfill = true\n").hash != before
    assert read(GOOD.replace('column = "要闻"', 'column = "公告"')).hash != before
    assert pickle.dumps(read(GOOD).routes_model())  # plain values only


def test_own_network_settings_go_over_the_common_ones(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("x")
    common = '[network]\nproxy = "http://p:1"\nca_file = "ca.pem"\n'
    own = GOOD.replace('adapter = "static"', 'adapter = "static"\nnetwork = { proxy = "" }\nlook = { proxy = "http://q:2" }')
    config = read(common + own, base=tmp_path)
    ca = str(tmp_path / "ca.pem")
    site = config.site("county")
    assert config.network_of(site.network).plain() == {"proxy": "", "ca_file": ca, "client_cert": ""}
    assert config.network_of(site.look).plain()["proxy"] == "http://q:2"
    assert config.network_of(config.source("council").network).plain()["proxy"] == "http://p:1"


def test_the_zone_of_a_source_says_where_it_comes_from() -> None:
    assert read(GOOD).zone_of(read(GOOD).sources[0]) == ("Asia/Shanghai", "default")
    set_ = read(GOOD.replace('state_dir = "var"', 'timezone = "Asia/Urumqi"'))
    assert set_.zone_of(set_.sources[0]) == ("Asia/Urumqi", "config")
    own = read(GOOD.replace('kind = "govcn"', 'kind = "govcn"\ntimezone = "Europe/Paris"'))
    assert own.zone_of(own.sources[0]) == ("Europe/Paris", "source")


def test_what_does_nothing_is_warned_of() -> None:
    extra = '[[sources]]\nname = "idle"\nkind = "feed"\nurl = "https://x.example/"\n'
    warned = read(GOOD.replace('authority = "order no. 3"\n', "") + extra).warnings
    assert warned == (
        '[[sources]] "idle": no route takes from it',
        "[[routes]] 1: authority: nobody is named who allows posting without review",
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("300", 300.0), ("1.5", 1.5), ('"5m"', 300.0), ('"12h"', 43200.0), ('"600s"', 600.0), ('"30d"', 2592000.0),
     ('"1w"', 604800.0), ('"1h30m"', 5400.0)],
)
def test_durations(text: str, seconds: float) -> None:
    assert read(GOOD.replace('kind = "govcn"', f'kind = "govcn"\nevery = {text}')).sources[0].every == seconds


@pytest.mark.parametrize("text", ['"5"', '"m"', '""', "-1", '"-5m"', "nan", "inf", "[]", '"٣m"', "2026-01-01"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    assert any("every" in line for line in problems(GOOD.replace('kind = "govcn"', f'kind = "govcn"\nevery = {text}')))


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    for data, said in ((b"\xff", "not UTF-8 at byte 0; save the file as UTF-8"), (None, "no such file; write one with: syncd init")):
        path.unlink(missing_ok=True) if data is None else path.write_bytes(data)
        with pytest.raises(ConfigError) as error:
            load(path, environ={})
        assert error.value.problems == [said]


def test_a_byte_order_mark_of_a_windows_editor_is_no_mistake_and_paths_start_at_the_file(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    config = load(tmp_path / "c.toml", environ={})
    assert config.syncd.state_dir == tmp_path / "var"
    assert config.syncd.database_url == f"sqlite:///{tmp_path}/var/syncd.sqlite3"


def test_the_credentials_directory_may_be_given_by_the_caller(tmp_path: Path) -> None:
    (tmp_path / "t").write_text(SECRET)
    (tmp_path / "c.toml").write_text(GOOD.replace('state_dir = "var"', 'token = { credential = "t" }'))
    assert load(tmp_path / "c.toml", environ={}, credentials_dir=tmp_path).secrets[0].get_secret_value() == SECRET


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=8,
)


@pytest.mark.guarantee(5)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 12), st.text(max_size=6))
def test_whatever_is_typed_into_it_gives_a_config_or_lines_and_never_a_traceback(at: int, cut: int, text: str) -> None:
    try:
        read(GOOD[:at] + text + GOOD[at + cut:])
    except ConfigError as error:
        told = error.problems
    else:
        return
    assert told
    assert all(line and "\n" not in line for line in told)


@given(st.sampled_from(["every", "timezone", "network", "limits", "relook", "options", "name"]), _JSON)
def test_any_value_of_any_type_gives_a_config_or_lines(key: str, value: object) -> None:
    try:
        written = json.dumps(value, ensure_ascii=True, allow_nan=False)
        read(GOOD.replace('kind = "govcn"', f'kind = "govcn"\n{key} = {written}'))
    except (ConfigError, ValueError):
        return


def sources_with(*options: str) -> str:
    return "".join(
        f'[[sources]]\nname = "s{n}"\nkind = "feed"\nurl = "https://s{n}.example/{n}"\noptions = {{ {told} }}\n'
        for n, told in enumerate(options)
    )


def test_thousands_of_sources_that_are_alike_share_all_but_name_and_address() -> None:
    config = read(GOOD.partition("[[sources]]")[0] + sources_with(*['full_text = "never"'] * 3))
    assert [(s.name, s.url) for s in config.sources] == [(f"s{n}", f"https://s{n}.example/{n}") for n in range(3)]
    first, *others = config.sources
    assert all(other.options is first.options for other in others)
    assert config.source("s2") == config.sources[2] != config.sources[1]
    assert config.sources.names() == ["s0", "s1", "s2"]
    assert [s.name for s in config.sources[1:]] == ["s1", "s2"]


def test_a_route_holds_the_very_names_of_its_sources() -> None:
    config = read(GOOD)
    assert config.routes[0].sources[0] is config.sources.names()[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('key = { env = "ONE" }', 'key = { env = "OTHER" }'),
        ("deep = true", "deep = 1"),
        ('full_text = "never"', 'full_text = "always"'),
    ],
)
def test_sources_whose_options_differ_in_value_secret_or_type_keep_their_own(one: str, other: str) -> None:
    head = GOOD.partition("[[sources]]")[0]
    told = {"ONE": "secret-of-one", "OTHER": "secret-of-other"}
    config = read(head + sources_with(one, other), told)
    for n, own in enumerate((one, other)):
        alone = read(head + sources_with(*[own] * (n + 1)), told).sources[n].options
        shown = config.sources[n].options
        assert shown == alone
        assert [type(value) for value in shown.values()] == [type(value) for value in alone.values()]
