"""Links of a built catalogue, asked of real servers night by night: there, unknown, dead, and back again."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from builder.checks.addresses import Address, Kind, collect
from builder.checks.asking import PATIENCE, Rules, ask, ask_all, choose
from builder.checks.links import STRIKES, Answer, Link, Verdict, after, of_status
from builder.cli import group
from builder.errors import UsageError
from builder.pages.linkhealth import LISTED, DeadLink, PartnerLinks
from builder.pages.render import Renderer
from builder.sources.http import HttpGate
from builder.sources.limits import Limits
from tests.servers import local
from tests.servers.local import LocalServer

FIRST = datetime(2024, 3, 3, 5, 47, tzinfo=UTC)
SHORT = Limits(connect_s=2, read_s=0.3, response_s=0.6, tries=1)

CAPABILITIES = b'<?xml version="1.0"?><WMS_Capabilities version="1.3.0"></WMS_Capabilities>'
"""Root element of WMS 1.3.0 (OGC 06-042, section 7.2.4)."""


class Partner:
    """Answers by path: a status, or what a test sets."""

    def __init__(self):
        self.answers = {}
        self.otherwise = local.Answer(200, {}, b"x" * 100)

    def __call__(self, request):
        answer = self.answers.get(request.path, self.otherwise)
        return answer(request) if callable(answer) else answer


@pytest.fixture
def partner():
    handler = Partner()
    with LocalServer(handler) as server:
        handler.server = server
        yield handler


def gate(server, limits=SHORT):
    return HttpGate([server.host], delay_s=0, limits=limits, anywhere=True)


# What one answer says


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(200, "ok"), (206, "ok"), (416, "ok"), (401, "unknown"), (403, "unknown"), (405, "unknown"), (429, "unknown"),
     (408, "unknown"), (404, "missed"), (410, "missed"), (500, "missed"), (503, "missed")],
)  # fmt: skip
def test_refusals_are_unknown_and_absence_is_a_miss(partner, status, verdict):
    partner.answers["/a"] = local.Answer(status, {}, b"said")
    with gate(partner.server) as asking:
        assert ask(asking, Address(f"{partner.server.url}/a")).verdict == verdict
    assert of_status(status).verdict == verdict


def test_head_is_asked_first_and_a_byte_only_where_head_is_refused(partner):
    partner.answers["/b"] = lambda r: local.Answer(
        405 if r.method == "HEAD" else 206, {}, b"" if r.method == "HEAD" else b"x"
    )
    with gate(partner.server) as asking:
        assert ask(asking, Address(f"{partner.server.url}/a")).verdict is Verdict.OK
        assert ask(asking, Address(f"{partner.server.url}/b")).verdict is Verdict.OK
    asked = [(r.method, r.path, r.headers.get("range")) for r in partner.server.requests]
    assert asked == [("HEAD", "/a", None), ("HEAD", "/b", None), ("GET", "/b", "bytes=0-0")]


def test_a_server_that_asks_for_peace_is_not_asked_again(partner):
    partner.answers["/a"] = local.Answer(429, {"Retry-After": "1"}, b"")
    with gate(partner.server) as asking:
        ask(asking, Address(f"{partner.server.url}/a"))
    assert [r.method for r in partner.server.requests] == ["HEAD"]


def test_a_large_file_without_ranges_is_not_read_to_its_end(partner):
    """At one byte per 0.05 s the whole would take 50 s, past every limit."""
    partner.answers["/a"] = lambda r: local.Answer(501 if r.method == "HEAD" else 200, {}, b"x" * 1000, pace_s=0.05)
    with gate(partner.server) as asking:
        assert ask(asking, Address(f"{partner.server.url}/a")).verdict is Verdict.OK


def test_slow_servers_are_unknown_and_absent_ones_a_miss(partner):
    partner.answers["/slow"] = local.Answer(200, {}, b"", declared=10)
    with gate(partner.server) as asking:
        slow = ask(asking, Address(f"{partner.server.url}/slow", Kind.WMS))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with HttpGate([f"127.0.0.1:{port}"], delay_s=0, limits=SHORT) as asking:
        refused = ask(asking, Address(f"http://127.0.0.1:{port}/a"))
    with HttpGate([], delay_s=0, limits=SHORT, anywhere=True) as asking:
        nowhere = ask(asking, Address("http://nothing.invalid/a"))
    assert (slow.verdict, slow.status) == (Verdict.UNKNOWN, None)
    assert (refused.verdict, refused.status) == (Verdict.MISSED, None)
    assert (nowhere.verdict, nowhere.status) == (Verdict.MISSED, None)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:{port}/a", "http://localhost:{port}/a", "http://[::1]:{port}/a", "http://10.0.0.1/a",
     "http://169.254.169.254/latest/meta-data", "ftp://example.org/a", "http://me:pw@example.org/a"],
)  # fmt: skip
def test_private_addresses_that_no_definition_lists_are_never_asked(partner, url):
    port = partner.server.host.partition(":")[2]
    with HttpGate(["example.org"], delay_s=0, limits=SHORT, anywhere=True) as asking:
        answer = ask(asking, Address(url.format(port=port)))
    assert (answer.verdict, answer.status) == (Verdict.UNKNOWN, None)
    assert partner.server.requests == []


def test_an_address_with_an_impossible_port_ends_no_run(partner):
    asked = [Address("http://x.example:99999/a"), Address(f"{partner.server.url}/a")]
    rules = Rules((partner.server.host,), {partner.server.host: 0.0}, SHORT)
    answers = ask_all(asked, rules, lambda task: None)
    assert [answers[one.key].verdict for one in asked] == ["unknown", "ok"]


def test_a_redirect_to_a_private_address_is_not_followed(partner):
    partner.answers["/a"] = local.Answer(302, {"Location": "http://localhost:1/secret"}, b"")
    with gate(partner.server) as asking:
        assert ask(asking, Address(f"{partner.server.url}/a")).reason == "address not allowed by the definition"


@pytest.mark.parametrize(
    ("kind", "body", "verdict"),
    [
        (Kind.WMS, CAPABILITIES, "ok"),
        (Kind.WMS, b"<WMT_MS_Capabilities version='1.1.1'/>", "ok"),
        (Kind.WMS, b"<ServiceExceptionReport/>", "missed"),
        (Kind.OPENDAP, b"Dataset {\n    Float32 sst[time = 1];\n} sst;\n", "ok"),
        (Kind.OPENDAP, b"<html>Maintenance</html>", "missed"),
        (Kind.OAI, b'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><Identify/></OAI-PMH>', "ok"),
        (Kind.OAI, b"<html>Maintenance</html>", "missed"),
        (Kind.CKAN, b'{"help": "x", "success": true, "result": {}}', "ok"),
        (Kind.CKAN, b'{"success": false}', "missed"),
    ],
)
def test_a_service_must_say_what_it_is(partner, kind, body, verdict):
    partner.answers["/s"] = local.Answer(200, {}, body + b" " * 200_000)
    with gate(partner.server) as asking:
        answer = ask(asking, Address(f"{partner.server.url}/s?x=1", kind))
    assert answer.verdict == verdict
    assert [r.method for r in partner.server.requests] == ["GET"]


# What is remembered

LINK = Link("https://example.org/a.nc", {"imr": "imr/ctd/a.json"})
MISS = Answer(Verdict.MISSED, "HTTP status 404", 404)
THERE = Answer(Verdict.OK, status=200)
REFUSED = Answer(Verdict.UNKNOWN, "HTTP status 403", 403)


def test_three_misses_on_separate_days_are_dead_and_recovery_clears_them():
    link = after(LINK, THERE, "2024-03-01")
    for day in ("2024-03-02", "2024-03-02", "2024-03-03"):
        link = after(link, MISS, day)
    assert (link.standing, link.strikes) == (Verdict.UNKNOWN, 2)
    link = after(link, REFUSED, "2024-03-04")
    assert (link.standing, link.strikes) == (Verdict.UNKNOWN, 2)
    link = after(link, MISS, "2024-03-05")
    assert (link.standing, link.since, link.seen) == (Verdict.DEAD, "2024-03-02", "2024-03-01")
    assert after(link, REFUSED, "2024-03-06").standing is Verdict.DEAD
    well = after(link, THERE, "2024-03-07")
    assert (well.standing, well.strikes, well.since, well.seen) == (Verdict.OK, 0, "", "2024-03-07")


@given(st.lists(st.tuples(st.sampled_from([MISS, THERE, REFUSED]), st.integers(0, 2)), max_size=30))
def test_dead_means_three_days_of_misses_since_it_was_last_there(told):
    """Against a count over the whole history."""
    link, day, history = LINK, FIRST.date(), []
    for answer, later in told:
        day += timedelta(days=later)
        history.append((answer, day.isoformat()))
        link = after(link, answer, day.isoformat())
    last = max((n for n, (answer, _) in enumerate(history) if answer is THERE), default=-1)
    days = sorted({when for answer, when in history[last + 1 :] if answer is MISS})
    assert (link.standing is Verdict.DEAD) == (len(days) >= STRIKES)
    assert (link.since, link.strikes) == (days[0] if days else "", len(days))


def test_sources_come_first_then_missed_addresses_then_the_oldest():
    names = {
        "s": "2024-03-09",
        "new": "",
        "old": "2024-03-01",
        "m1": "2024-03-08",
        "m2": "2024-03-08",
        "recent": "2024-03-08",
    }
    addresses = {name: Address(name, source=name == "s") for name in names}
    links = {name: Link(name, {}, asked=day, strikes=name.startswith("m")) for name, day in names.items()}
    assert choose(addresses, links, 6) == ["s", "m1", "m2", "new", "old", "recent"]
    assert choose(addresses, links, 2) == ["s", "m1"]
    assert choose(addresses, links, 3) == ["s", "m1", "new"]


# The command

ITEM = """\
    - id: {id}
      title: Seen {id}
      description: Told.
      start: 2018-07-01
      end: 2018-07-31
      point: [-51.0, 70.5]
      links: [{{rel: about, href: '{url}'}}]
"""


def definition(name, partner, records, fetch_hosts=()):
    hosts = "".join(f"'{host}', " for host in fetch_hosts)
    head = (
        f"id: {name}\ntitle: About {name}\ndescription: Told.\npartner: {{id: {partner}, name: The {partner}}}\n"
        f"license: CC-BY-4.0\nsource:\n  type: files\n  delay_s: 0\n  fetch_hosts: [{hosts}]\n  records:\n"
    )
    return head + "".join(ITEM.format(id=key, url=url) for key, url in records.items())


@pytest.fixture
def catalogue(tmp_path, monkeypatch, partner):
    """Two partners with links to one server; gives a command line at a number of days after the first run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "collections").mkdir()
    url = partner.server.url
    for name, owner, records in (
        ("seals", "imr", {"a": f"{url}/a?token=abc", "b": f"{url}/b", "both": f"{url}/both"}),
        ("ice", "nersc", {"both": f"{url}/both"}),
    ):
        text = definition(name, owner, records, [partner.server.host])
        (tmp_path / f"collections/{name}.yaml").write_text(text)

    def run(day, *words):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int((FIRST + timedelta(days=day)).timestamp())))
        done = CliRunner().invoke(group, list(words), standalone_mode=False, catch_exceptions=False)
        return done.return_value, done.output

    assert run(0, "-q", "build")[0] == 0
    return run


def contents(folder):
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_three_weeks_of_a_dead_link_and_its_recovery(catalogue, partner, tmp_path):
    built = contents(tmp_path / "catalog")
    status, said = catalogue(0, "links")
    total = len(json.loads((tmp_path / ".iaos/links.json").read_bytes())["links"])
    assert (status, said) == (0, f"{total} of {total} addresses asked; {total} there, 0 unknown, 0 dead\n")
    assert {"/a", "/b", "/both"} == {r.path for r in partner.server.requests}

    partner.answers["/both"] = local.Answer(404, {}, b"<html>gone</html>")
    partner.answers["/b"] = local.Answer(403, {}, b"")
    for week in (1, 2):
        assert catalogue(7 * week, "links")[0] == 0
        assert catalogue(7 * week, "links")[0] == 0, "twice a day is one miss"
    status, said = catalogue(21, "links")
    assert status == 1
    assert (
        f"error: {partner.server.url}/both: missed on 3 days since 2024-03-10 (HTTP status 404); last there 2024-03-03"
        in said
    )
    assert said.count("[link.dead]") == 1
    assert "1 unknown, 1 dead" in said
    assert "abc" not in (tmp_path / ".iaos/links.ndjson").read_text() + (tmp_path / ".iaos/links.md").read_text()
    assert "missed on 3 days" in (tmp_path / ".iaos/links.md").read_text()

    assert catalogue(22, "-q", "build")[0] == 0
    shown = contents(tmp_path / "catalog")
    changed = {path for path in shown if shown[path] != built.get(path)}
    assert changed == {"status.html", "status.json", "manifest.json"}
    told = {one["partner"]: one for one in json.loads(shown["status.json"])["links"]}
    dead = {"url": f"{partner.server.url}/both", "since": "2024-03-10", "reason": "HTTP status 404"}
    assert told["The imr"]["dead"] == [dead | {"href": "imr/seals/both.html"}]
    assert told["The nersc"]["dead"] == [dead | {"href": "nersc/ice/both.html"}]
    assert (told["The imr"]["unknown"], told["The imr"]["asked"]) == (1, "2024-03-24")
    page = shown["status.html"].decode()
    assert "<h3>Dead links of The nersc</h3>" in page
    assert '<a href="./nersc/ice/both.html">ice/both</a>' in page

    partner.answers.clear()
    assert catalogue(28, "links")[0] == 0
    assert catalogue(28, "-q", "build")[0] == 0
    assert "Dead links" not in (tmp_path / "catalog/status.html").read_text()


def test_options_choose_what_is_asked_and_where_it_is_told(catalogue, partner, tmp_path):
    for folder, name in (("collections", "defined"), ("catalog", "built"), (".iaos", "memory")):
        (tmp_path / folder).rename(tmp_path / name)
    asked = lambda: sorted({r.path for r in partner.server.requests})  # noqa: E731
    words = ("links", "--collections", "defined", "--out", "built", "--state", "memory", "--report", "told")
    status, said = catalogue(0, *words, "--most", "1")
    assert (status, len(asked())) == (0, 1)
    assert "1 of 3 addresses asked; 1 there, 2 unknown, 0 dead" in said
    assert (tmp_path / "told/links.md").exists()
    assert (tmp_path / "memory/links.ndjson").exists()
    catalogue(1, *words, "--most", "2")
    assert asked() == ["/a", "/b", "/both"], "what was never asked comes before what was"
    assert catalogue(2, "-q", *words)[1] == ""
    assert not (tmp_path / ".iaos").exists()


def test_no_catalogue_or_a_damaged_memory_is_one_line(catalogue, tmp_path):
    with pytest.raises(UsageError, match="there is no catalogue"):
        catalogue(0, "links", "--out", "nowhere")
    (tmp_path / ".iaos/links.ndjson").write_text('{"url": 1}\n')
    with pytest.raises(UsageError, match="memory of links is damaged"):
        catalogue(0, "links")
    with pytest.raises(UsageError, match="memory of links is damaged"):
        catalogue(0, "build")
    (tmp_path / "catalog/imr/seals/a.json").write_text("[]")
    with pytest.raises(UsageError, match="no STAC object"):
        catalogue(0, "links")


def test_a_host_that_answers_badly_is_left_alone_for_the_run(tmp_path, catalogue, partner):
    records = {f"r{n}": f"{partner.server.url}/r{n}" for n in range(9)}
    (tmp_path / "collections/seals.yaml").write_text(definition("seals", "imr", records, [partner.server.host]))
    assert catalogue(0, "-q", "build")[0] == 0
    partner.otherwise = local.Answer(429, {}, b"")
    _, said = catalogue(0, "links")
    assert len({r.path for r in partner.server.requests}) == PATIENCE
    assert f"{PATIENCE} of 10 addresses asked (7 left out: their hosts did not answer well)" in said


def test_a_machine_without_network_counts_nothing(tmp_path, catalogue):
    text = definition("seals", "imr", {f"r{n}": f"http://host{n}.invalid/a" for n in range(4)})
    (tmp_path / "collections/seals.yaml").write_text(text)
    (tmp_path / "collections/ice.yaml").unlink()
    assert catalogue(0, "-q", "build")[0] == 0
    for day in range(4):
        status, said = catalogue(day, "links")
        assert status == 0
        assert "none of 4 addresses answered" in said


def test_services_and_sources_are_asked_for_what_shows_that_they_work(tmp_path):
    (tmp_path / "imr/ctd").mkdir(parents=True)
    (tmp_path / "catalog.json").write_text('{"links": [{"rel": "about", "href": "https://iaos.example/"}]}')
    item = {
        "links": [
            {"rel": "self", "href": "https://iaos.example/a.json"},
            {"rel": "parent", "href": "./collection.json"},
            {"rel": "wms", "href": "https://one.example/wms/a.nc"},
            {"rel": "wms", "href": "https://one.example/ows?map=x"},
            {"rel": "about", "href": "https://one.example/page#part"},
        ],
        "assets": {
            "data": {"href": "https://one.example/a.nc"},
            "opendap": {"href": "https://one.example/dodsC/a.nc"},
            "preview": {"href": "./a.png"},
        },
    }
    for name in ("a", "b"):
        (tmp_path / f"imr/ctd/{name}.json").write_text(json.dumps(item))
    from builder.definitions.load import load

    sources = {
        "oai": "{type: oai-pmh, url: 'https://oai.example/oai', metadataPrefix: oai_dc}",
        "ckan": "{type: ckan, url: 'https://ckan.example/'}",
        "thredds": "{type: thredds, url: 'https://tds.example/catalog.xml'}",
    }
    definitions = []
    for name, source in sources.items():
        file = tmp_path / f"{name}.yaml"
        file.write_text(
            f"id: {name}\ntitle: T\ndescription: D.\npartner: {{id: p, name: P}}\nlicense: CC0-1.0\nsource: {source}\n"
        )
        definitions.append(load(file))
    found = collect(tmp_path, definitions)
    assert {url: (one.kind, one.source) for url, one in found.items()} == {
        "https://one.example/wms/a.nc?service=WMS&request=GetCapabilities": (Kind.WMS, False),
        "https://one.example/ows?map=x&service=WMS&request=GetCapabilities": (Kind.WMS, False),
        "https://one.example/page": (Kind.LINK, False),
        "https://one.example/a.nc": (Kind.LINK, False),
        "https://one.example/dodsC/a.nc.dds": (Kind.OPENDAP, False),
        "https://oai.example/oai?verb=Identify": (Kind.OAI, True),
        "https://ckan.example/api/3/action/package_search?rows=0": (Kind.CKAN, True),
        "https://tds.example/catalog.xml": (Kind.LINK, True),
    }
    assert found["https://one.example/a.nc"].places == {"imr": "imr/ctd/a.json"}
    assert found["https://tds.example/catalog.xml"].places == {"p": "p/thredds/collection.json"}


def test_the_page_escapes_and_lists_no_more_than_it_can_bear():
    dead = DeadLink("https://x.example/<b>", "2024-03-01", "<i>", "ctd/a", "imr/ctd/a.html")
    links = [PartnerLinks("IMR & co", "2024-03-20", 5, 2, (dead,) * (LISTED + 2))]
    from tests.unit.pages_samples import SOURCES

    page = Renderer().status(SOURCES, links).decode()
    assert page.count("https://x.example/&lt;b&gt;") == LISTED
    assert "and 2 more, in the data" in page
    assert "<i>" not in page
    assert "Dead links of IMR &amp; co" in page
