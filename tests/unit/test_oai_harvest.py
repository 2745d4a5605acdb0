"""The OAI-PMH adapter against a real provider, whole and with every fault at the first, a middle and the last page."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from builder.definitions.model import OaiPmhSource
from builder.errors import SourceError
from builder.findings import Finding, Severity
from builder.sources.http import HttpGate, Limits
from builder.sources.oai import OaiError, OaiSource, Provider
from builder.sources.protocol import Ask, Record, Source
from tests.servers.faults import FAULTS, Faulty, body, lasting, oai_error, once, slow, status
from tests.servers.local import Answer, LocalServer, wsgi
from tests.servers.oai_app import PAGE, SIZE, Document, deleted, documents_app, identifier, oai_app

GONE = {identifier(n) for n in range(SIZE) if deleted(n)}
ALL = [identifier(n) for n in range(SIZE)]


@pytest.fixture(scope="module")
def app():
    return wsgi(oai_app())


def source_for(server, limits=None, **fields):
    definition = OaiPmhSource(**{"type": "oai-pmh", "url": f"{server.url}/oai", "metadataPrefix": "oai_dc"} | fields)
    limits = limits or Limits(tries=3)
    gate = HttpGate(hosts=[server.host], delay_s=0, limits=limits, sleep=lambda _: None)
    return OaiSource(definition, gate)


def scan(source):
    got = list(source.scan())
    return [r for r in got if isinstance(r, Record)], [f for f in got if isinstance(f, Finding)]


def serve(answers):
    """Serve documents in turn, the last one again and again."""
    left = list(answers)
    return lambda _request: Answer(200, {"Content-Type": "text/xml"}, left.pop(0) if len(left) > 1 else left[0])


def page(*records, token="", size=None, verb="ListRecords"):
    attributes = f' completeListSize="{size}"' if size is not None else ""
    element = f"<resumptionToken{attributes}>{token}</resumptionToken>" if token or attributes else ""
    return (
        '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2024-01-01T00:00:00Z</responseDate>'
        f"<request>http://127.0.0.1/oai</request><{verb}>{''.join(records)}{element}</{verb}></OAI-PMH>"
    ).encode()


def record(name, stamp="2020-01-01", title="t", metadata=None, state=""):
    dc = f'<d:dc xmlns:d="http://www.openarchives.org/OAI/2.0/oai_dc/"><t>{title}</t></d:dc>'
    content = f"<metadata>{dc}</metadata>" if metadata is None else metadata
    return (
        f"<record><header{state}><identifier>{name}</identifier><datestamp>{stamp}</datestamp></header>"
        f"{'' if state else content}</record>"
    )


@pytest.mark.parametrize(("prefix", "format_"), [("oai_dc", "oai_dc"), ("pan_md", "pan_md")])
def test_everything_is_read_once_in_order(app, prefix, format_):
    with LocalServer(app) as server:
        source = source_for(server, metadataPrefix=prefix)
        records, findings = scan(source)
    assert isinstance(source, Source)
    assert findings == []
    assert [r.identifier for r in records] == ALL
    assert {r.identifier for r in records if r.deleted} == GONE
    assert all(r.body == b"" for r in records if r.deleted)
    assert {r.format for r in records if not r.deleted} == {format_}
    assert source.complete
    assert source.deleted_policy == "persistent"
    assert source.counts == {"headers": 250, "deleted": 14, "with_metadata": 236, "pages": 5}
    assert records[1].sets == ("odd",)
    assert records[1].datestamp == "2020-01-02T00:00:00Z"
    assert records[1].url == (
        f"{server.url}/oai?verb=GetRecord&metadataPrefix={prefix}&identifier=oai%3Aexample.org%3A0001"
    )
    assert "Tromsø, nummer 1".encode() in records[1].body


def test_a_token_goes_alone_with_the_verb_and_percent_encoded(app):
    with LocalServer(app) as server:
        scan(source_for(server, set="even"))
    first, second = server.requests[:2]
    assert first.args == {"verb": "ListRecords", "metadataPrefix": "oai_dc", "set": "even"}
    assert set(second.args) == {"verb", "resumptionToken"}
    assert re.fullmatch(r"[A-Za-z0-9%._~=&-]+", second.query)  # RFC 3986 unreserved, and our own separators


def test_repeat_prefix_sends_the_prefix_with_every_token():
    def demanding(request):
        """As pycsw: badArgument without metadataPrefix, even with a token."""
        if "metadataPrefix" not in request.args and request.args["verb"] == "ListRecords":
            return oai_error("badArgument")(request, Answer())
        if "resumptionToken" in request.args:
            return Answer(200, {}, page(record("b")))
        return Answer(200, {}, page(record("a"), token="t"))

    with LocalServer(demanding) as server:
        records, _ = scan(source_for(server, repeat_prefix=True))
        assert [r.identifier for r in records] == ["a", "b"]
        with pytest.raises(SourceError, match="badArgument"):
            scan(source_for(server))


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({"set": "odd"}, [n for n in range(SIZE) if n % 2]),
        ({"from": "2020-01-11"}, range(10, SIZE)),
        ({"until": "2020-01-10"}, range(10)),
        ({"from": "2020-01-11", "until": "2020-01-20", "set": "even"}, range(10, 20, 2)),
        ({"from": "2030-01-01"}, []),  # noRecordsMatch: an empty list, and complete
    ],
)
def test_selection(app, selection, expected):
    with LocalServer(app) as server:
        source = source_for(server, **selection)
        records, findings = scan(source)
    assert [r.identifier for r in records] == [identifier(n) for n in expected]
    assert findings == []
    assert source.complete


# What each fault may do: when it passes, and when it lasts.
COMPLETE, REFUSED, WARNED = "complete", "refused", "complete with a warning"
OUTCOMES = {
    "503, Retry-After in seconds": (COMPLETE, REFUSED),
    "503, Retry-After as a date": (COMPLETE, REFUSED),
    "503, Retry-After of 11 days": (COMPLETE, REFUSED),
    "503, Retry-After nonsense": (COMPLETE, REFUSED),
    "429": (COMPLETE, REFUSED),
    "500": (COMPLETE, REFUSED),
    "cut, true length": (COMPLETE, REFUSED),
    "cut, lying length": (COMPLETE, REFUSED),
    "HTML with 200": (COMPLETE, REFUSED),
    "empty body": (COMPLETE, REFUSED),
    "a byte now and then": (COMPLETE, REFUSED),
    "gzip cut": (COMPLETE, REFUSED),
    "gzip bomb": (COMPLETE, REFUSED),
    "redirect loop": (COMPLETE, REFUSED),
    "redirect to another host": (REFUSED, REFUSED),
    "bad UTF-8": (COMPLETE, WARNED),
    "repeated token": (COMPLETE, REFUSED),
    "expired token": (WARNED, REFUSED),
}
PAGES = {"first": 1, "middle": 3, "last": 5}


def expected_of(fault, where, how):
    outcome = OUTCOMES[fault][how is lasting]
    if where == "first" and fault == "repeated token":
        return COMPLETE if how is once else REFUSED  # no token was sent that could come back
    return outcome


def test_every_fault_is_in_the_table():
    assert set(OUTCOMES) == set(FAULTS)


@pytest.mark.parametrize("how", [once, lasting])
@pytest.mark.parametrize("where", PAGES)
@pytest.mark.parametrize("fault", FAULTS)
def test_fault(app, fault, where, how):
    with LocalServer(Faulty(app, how(PAGES[where], FAULTS[fault]))) as server:
        source = source_for(server, Limits(tries=2, response_s=0.8 if FAULTS[fault] is slow else 60))
        expected = expected_of(fault, where, how)
        if expected == REFUSED:
            with pytest.raises(SourceError) as caught:
                list(source.scan())
            assert not source.complete
            assert "\n" not in str(caught.value)
            assert len(str(caught.value)) < 400
            return
        records, findings = scan(source)
    assert source.complete
    assert {r.identifier for r in records} == set(ALL)
    assert {r.identifier for r in records if r.deleted} == GONE
    assert len(records) == SIZE
    warned = [f for f in findings if f.severity is Severity.WARNING]
    assert bool(warned) == (expected == WARNED)
    assert all("Tromsø".encode() in r.body for r in records if not r.deleted)


def test_a_provider_that_loops_by_a_fresh_token_over_the_same_page_is_stopped():
    answers = [page(record("a"), token=f"t{n}") for n in range(50)]
    with LocalServer(serve(answers)) as server:
        source = source_for(server)
        with pytest.raises(SourceError, match="same page"):
            scan(source)
    assert len(server.requests) == 2


def test_a_token_that_comes_back_later_ends_the_list():
    answers = [page(record(f"r{n}"), token=f"t{n % 3}") for n in range(50)]
    with LocalServer(serve(answers)) as server, pytest.raises(SourceError, match="same resumption token"):
        scan(source_for(server))
    assert len(server.requests) == 4


def test_empty_pages_here_and_there_are_no_end():
    answers = [page(*([record(f"r{n}")] if n % 2 else []), token=f"t{n}" if n < 60 else "") for n in range(61)]
    with LocalServer(serve(answers)) as server:
        source = source_for(server)
        records, _ = scan(source)
    assert ([r.identifier for r in records], source.complete) == ([f"r{n}" for n in range(1, 60, 2)], True)


def test_empty_pages_do_not_go_on_for_ever():
    answers = [page(token=f"t{n}") for n in range(500)]
    with LocalServer(serve(answers)) as server, pytest.raises(SourceError, match="no end"):
        scan(source_for(server))
    assert len(server.requests) <= 25


@pytest.mark.parametrize(("size", "complete"), [(2, True), (3, False), (1, False)])
def test_announced_size_is_checked_at_the_end(size, complete):
    answers = [page(record("a"), token="t", size=size), page(record("b"), size=size)]
    with LocalServer(serve(answers)) as server:
        source = source_for(server)
        records, findings = scan(source)
    assert len(records) == 2
    assert source.complete is complete
    assert source.counts["complete_list_size"] == size
    assert [f.code for f in findings if f.severity > Severity.NOTE] == ([] if complete else ["oai.list-size"])


def test_no_records_match_in_the_middle_is_not_an_end():
    handler = Faulty(serve([page(record("a"), token="t")]), once(2, oai_error("noRecordsMatch")))
    with LocalServer(handler) as server:
        source = source_for(server)
        records, findings = scan(source)
    assert len(records) == 1
    assert not source.complete
    assert "oai.list-broken-off" in {f.code for f in findings}


@pytest.mark.parametrize(
    "code", ["badArgument", "badVerb", "cannotDisseminateFormat", "noSetHierarchy", "undefinedError", "", "__class__"]
)
def test_other_errors_are_one_line(app, code):
    with LocalServer(Faulty(app, lasting(1, oai_error(code)))) as server:
        source = source_for(server)
        with pytest.raises(SourceError) as caught:
            scan(source)
    assert code in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(server.requests) == 1  # an answer, not a failure: asking again would not help
    assert not source.complete


@pytest.mark.parametrize("rest", [SIZE - PAGE * 2 + 1, SIZE], ids=["its own size", "the size of all"])
def test_an_expired_token_resumes_from_the_last_datestamp_where_the_size_proves_the_result(app, rest):
    def sized(request):
        answer = app(request)
        left = rest if "from" in request.query else SIZE
        return replace(
            answer, body=answer.body.replace(b"<resumptionToken>", b'<resumptionToken completeListSize="%d">' % left)
        )

    with LocalServer(Faulty(sized, once(3, oai_error("badResumptionToken")))) as server:
        source = source_for(server)
        records, findings = scan(source)
    assert server.requests[3].args["from"] == "2020-04-09T00:00:00Z"  # the 100th day, of record 99
    assert [r.identifier for r in records] == ALL
    assert source.complete
    assert [f.code for f in findings] == ["oai.token-expired"]
    assert sum("metadataPrefix" in request.args for request in server.requests) == 2, "no list is begun a third time"


@pytest.mark.parametrize("size", [None, 2])
def test_an_expired_token_loses_nothing_of_a_list_in_another_order(size):
    """The newest first: what comes after it is not to be had by asking from its datestamp."""
    new, old = record("new", "2022-01-01"), record("old", "2020-01-01")

    def unordered(request):
        if "from" in request.args:
            return Answer(200, {}, page(new, size=size and 1))
        if "resumptionToken" in request.args:
            return Answer(200, {}, page(old, size=size))
        return Answer(200, {}, page(new, token="t", size=size))

    with LocalServer(Faulty(unordered, once(2, oai_error("badResumptionToken")))) as server:
        source = source_for(server)
        records, findings = scan(source)
    assert [r.identifier for r in records] == ["new", "old"]
    assert source.complete
    assert [f.code for f in findings] == ["oai.token-expired", "oai.identify"]


def test_the_rest_of_a_rest_is_measured_against_the_whole_list():
    """Of 5 records in no order, the first rest announces 3, and as many are met when its token expires too."""
    early, *later = (
        record(name, f"{year}-01-01") for name, year in zip("pabcd", (2019, 2021, 2022, 2023, 2024), strict=True)
    )
    begun = []

    def unordered(request):
        if request.args["verb"] != "ListRecords":
            return oai_error("badVerb")(request, Answer())
        if "resumptionToken" in request.args:
            token = request.args["resumptionToken"]
            return (
                Answer(200, {}, page(*later[2:], early, size=5))
                if token == "3"
                else oai_error("badResumptionToken")(request, Answer())
            )
        begun.append(request.args.get("from"))
        if len(begun) == 1:
            return Answer(200, {}, page(*later[:2], token="1", size=5))
        if len(begun) == 2:
            return Answer(200, {}, page(*later[1:3], token="2", size=3))
        if len(begun) == 3:
            return Answer(200, {}, page(*later[2:3], size=1))
        return Answer(200, {}, page(*later[:2], token="3", size=5))

    with LocalServer(unordered) as server:
        source = source_for(server)
        records, _ = scan(source)
    assert begun == [None, "2022-01-01", "2023-01-01", None]
    assert sorted(r.identifier for r in records) == ["a", "b", "c", "d", "p"]
    assert source.complete


@pytest.mark.parametrize("order", [("2020-01-01", "2021-01-01"), ("2021-01-01", "2020-01-01")])
def test_of_duplicates_the_later_counts_whatever_the_order(order):
    twins = [record("dup", stamp, title=stamp) for stamp in order]
    with LocalServer(serve([page(*twins)])) as server:
        records, findings = scan(source_for(server))
    assert b"2021-01-01" in records[-1].body
    assert "oai.duplicate" in {f.code for f in findings}
    assert all(f.severity is Severity.NOTE for f in findings)


def test_what_cannot_be_taken_is_said_and_nothing_counts_as_withdrawn():
    broken = page(
        record("good"),
        record("bare", metadata=""),
        record("hollow", metadata="<metadata></metadata>"),
        "<record><header><datestamp>2020</datestamp></header><metadata><x/></metadata></record>",
        "<record></record>",
        record("gone", state=' status="deleted"'),
        record("other", metadata="<metadata><html><body/></html></metadata>"),
    )
    with LocalServer(serve([broken])) as server:
        source = source_for(server)
        records, findings = scan(source)
    assert [r.identifier for r in records] == ["good", "gone", "other"]
    assert [r.deleted for r in records] == [False, True, False]
    assert records[2].format == "oai_dc"  # the prefix, where the root says nothing
    assert [f.code for f in findings if f.severity > Severity.NOTE or f.code != "oai.identify"] == [
        "oai.no-metadata",
        "oai.no-metadata",
        "oai.no-identifier",
        "oai.no-identifier",
        "oai.unknown-format",
    ]
    assert not source.complete


@pytest.mark.parametrize(
    ("left_out", "complete"),
    [
        (record("bare", metadata=""), True),  # its name is known, so that it is not taken for absent
        ("<record><header><datestamp>2020</datestamp></header><metadata><x/></metadata></record>", False),
        ("<record></record>", False),
        ('<record><header status="deleted"></header></record>', True),  # withdraws nothing that could be named
    ],
)
def test_each_record_left_out_keeps_absence_from_meaning_withdrawal(left_out, complete):
    with LocalServer(serve([page(record("good"), left_out)])) as server:
        source = source_for(server)
        records, _ = scan(source)
    assert len(records) == 1
    assert source.complete is complete


@pytest.mark.parametrize(("old", "new"), [(b"OAI-PMH", b"html"), (b"OAI/2.0/", b"OAI/1.1/OAI_ListRecords")])
def test_a_list_inside_another_document_is_no_list(old, new):
    handler = serve([page(record("a")).replace(old, new)])
    with LocalServer(handler) as server, pytest.raises(SourceError, match=r"not OAI-PMH 2\.0"):
        scan(source_for(server))


def test_format_is_told_by_the_root_not_by_the_prefix():
    iso = '<metadata><g:MD_Metadata xmlns:g="http://www.isotc211.org/2005/gmd"/></metadata>'
    with LocalServer(serve([page(record("a", metadata=iso))])) as server:
        records, _ = scan(source_for(server, metadataPrefix="whatever"))
    assert records[0].format == "iso19139"


def test_named_records_are_read_one_by_one_past_the_broken(app):
    def troubled(request):
        if request.args.get("identifier", "").endswith("0003"):
            return status(500)(request, Answer())  # as DSpace at MIT for one record
        return app(request)

    wanted = (identifier(1), identifier(3), "oai:example.org:none", identifier(16), identifier(1))
    with LocalServer(troubled) as server:
        source = source_for(server, identifiers=wanted)
        records, findings = scan(source)
    assert [(r.identifier, r.deleted) for r in records] == [(identifier(1), False), (identifier(16), True)]
    assert [(f.code, f.where) for f in findings] == [
        ("oai.record-refused", identifier(3)),
        ("oai.record-refused", "oai:example.org:none"),
    ]
    assert "HTTP status 500" in findings[0].message
    assert "idDoesNotExist" in findings[1].message
    assert [f.identifier for f in findings] == [f.where for f in findings]
    assert source.complete  # all are accounted for: neither of the two is taken for absent
    assert source.counts["headers"] == 2


def test_a_named_record_is_taken_only_where_the_list_would_have_it():
    when = datetime(2020, 1, 5, 10)  # noqa: DTZ001
    records = {  # name: sets and date, and whether it is of set "a" and of 2020-01-05 to 2020-01-05
        "own": (("a",), when, True),
        "part": (("x", "a:b"), when, True),
        "alike": (("ab",), when, False),
        "none": ((), when, False),
        "early": (("a",), when - timedelta(days=1), False),
        "late": (("a",), when + timedelta(days=1), False),
    }
    documents = [Document(name, b"<x/>", stamp, sets) for name, (sets, stamp, _) in records.items()]
    with LocalServer(wsgi(documents_app(documents, "oai_dc"))) as server:
        source = source_for(server, set="a", **{"from": "2020-01-05", "until": "2020-01-05"})
        got = [one.identifier for one in source.named([*records, "unknown"])]
    assert got == [name for name, (_, _, wanted) in records.items() if wanted]


def test_changes_are_asked_for_in_the_granularity_of_the_definition(app):
    with LocalServer(app) as server:
        for given, since, asked in (
            ({"until": "2030-01-01"}, "2020-09-01T12:30:00Z", "2020-09-01"),
            ({}, "2020-09-01T12:30:00Z", "2020-09-01T12:30:00Z"),
            ({"from": "2020-09-02"}, "2020-09-01", "2020-09-02"),
            ({"from": "2020-08-02"}, "2020-09-01", "2020-09-01"),
        ):
            list(source_for(server, **given).scan(Ask(since)))
            assert [r.args["from"] for r in server.requests if "from" in r.args][-1] == asked


def test_named_records_stop_where_the_provider_refuses_everything(app):
    with LocalServer(Faulty(app, lasting(1, status(403)))) as server, pytest.raises(SourceError, match="403"):
        scan(source_for(server, identifiers=(identifier(1), identifier(2))))
    assert len(server.requests) == 1


def test_the_answer_to_another_verb_is_refused():
    with LocalServer(serve([page(verb="ListIdentifiers")])) as server, pytest.raises(SourceError, match="was asked"):
        scan(source_for(server))


def test_a_provider_without_identify_is_only_noted():
    with LocalServer(serve([page(record("a"))])) as server:
        source = source_for(server)
        _, findings = scan(source)
    assert source.complete
    assert source.deleted_policy is None
    assert [(f.code, f.severity) for f in findings] == [("oai.identify", Severity.NOTE)]


def test_scanning_twice_gives_the_same(app):
    with LocalServer(app) as server:
        source = source_for(server)
        first = list(source.scan())
        assert list(source.scan()) == first
        assert source.complete


def test_provider_tells_what_it_offers(app):
    with LocalServer(app) as server:
        provider = Provider(f"{server.url}/oai", HttpGate([server.host], delay_s=0))
        assert provider.identify().granularity == "YYYY-MM-DDThh:mm:ssZ"
        assert [f.prefix for f in provider.formats()] == ["oai_dc", "pan_md"]
        assert [s.spec for s in provider.sets()] == ["even", "odd"]


def test_a_refusal_is_asked_for_once_whatever_the_verb():
    with LocalServer(lambda r: oai_error("noSetHierarchy")(r, Answer())) as server:
        provider = Provider(f"{server.url}/oai", HttpGate([server.host], delay_s=0))
        for ask in (provider.sets, provider.formats, provider.identify):
            with pytest.raises(OaiError) as caught:
                ask()
            assert caught.value.oai_code == "noSetHierarchy"
    assert len(server.requests) == 3


def test_a_repeated_page_is_no_loop_while_the_announced_size_allows_it():
    twice = [page(record("a"), token="t", size=2), page(record("a"), size=2)]
    with LocalServer(serve(twice)) as server:
        source = source_for(server)
        records, _ = scan(source)
    assert [r.identifier for r in records] == ["a"]
    assert source.complete
    endless = [page(record("a"), token=f"t{n}", size=10**9) for n in range(500)]
    with LocalServer(serve(endless)) as server, pytest.raises(SourceError, match="no end"):
        scan(source_for(server))


def test_hostile_html_error_pages_never_reach_a_message_whole(app):
    long = b"<html>" + b"x" * 10_000
    with LocalServer(Faulty(app, lasting(1, body(long)))) as server, pytest.raises(SourceError) as caught:
        scan(source_for(server))
    assert len(str(caught.value)) < 400
