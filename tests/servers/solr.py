"""As much of Solr as a CKAN needs: documents in memory, a small part of the Lucene query language.

CKAN's search is tied to Solr and Debian has none. This stands in for it so that tests can run a real CKAN; it does no
scoring and no stemming.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from urllib.parse import parse_qs

from lxml import etree

TOKEN = re.compile(
    r'\s*(?:(?P<op>\+|-|\(|\)|&&|\|\|)|(?P<field>[\w*.]+):|(?P<range>\[[^\]]*\])|"(?P<phrase>(?:\\.|[^"\\])*)"|(?P<word>[^\s()]+))'
)
SCHEMA = '<schema name="ckan-2.12" version="1.6"/>'


def tokens(text):
    place = 0
    while place < len(text.rstrip()):
        found = TOKEN.match(text, place)
        yield found.lastgroup, found[found.lastgroup]
        place = found.end()


class Query:
    """Compiles a query into a predicate over documents; clauses without an operator are joined by AND, as CKAN asks."""

    def __init__(self, text):
        self.tokens = [*tokens(text), ("end", "")]
        self.place = 0
        self.matches = self.disjunction()

    def peek(self):
        return self.tokens[self.place]

    def take(self):
        self.place += 1
        return self.tokens[self.place - 1]

    def disjunction(self, field="text"):
        parts = [self.conjunction(field)]
        while self.peek() in {("word", "OR"), ("op", "||")}:
            self.take()
            parts.append(self.conjunction(field))
        return lambda doc: any(part(doc) for part in parts)

    def conjunction(self, field):
        parts = []
        while self.peek()[0] != "end" and self.peek() not in {("op", ")"), ("word", "OR"), ("op", "||")}:
            if self.peek() in {("word", "AND"), ("op", "&&"), ("op", "+")}:
                self.take()
                continue
            negated = self.peek() in {("op", "-"), ("word", "NOT")}
            if negated:
                self.take()
            part = self.clause(field)
            parts.append((lambda doc, p=part: not p(doc)) if negated else part)
        return lambda doc: all(part(doc) for part in parts)

    def clause(self, field):
        kind, value = self.take()
        if kind == "field":
            return self.clause(value)
        if (kind, value) == ("op", "("):
            inner = self.disjunction(field)
            self.take()
            return inner
        if kind == "range":
            low, high = re.fullmatch(r"\[\s*(\S+)\s+TO\s+(\S+)\s*\]", value).groups()
            return lambda doc: any((low == "*" or v >= low) and (high == "*" or v <= high) for v in values(doc, field))
        wanted = re.sub(r"\\(.)", r"\1", value)
        if wanted == "*":
            return lambda doc: field == "*" or bool(values(doc, field))
        if field == "text":
            return lambda doc: wanted.lower() in json.dumps(doc, ensure_ascii=False).lower()
        pattern = re.compile(".*".join(map(re.escape, wanted.split("*"))), re.IGNORECASE)
        return lambda doc: any(pattern.fullmatch(v) for v in values(doc, field))


def values(doc, field):
    value = doc.get(field, [])
    return [str(v) for v in (value if isinstance(value, list) else [value]) if v is not None]


class Solr:
    """A WSGI application."""

    def __init__(self):
        self.docs = {}

    def __call__(self, environ, start):
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        asked = parse_qs(environ["QUERY_STRING"])
        path = environ["PATH_INFO"]
        if path.rstrip("/").endswith("/update"):
            self.update(body)
            answer = {"responseHeader": {"status": 0}}
        elif "/schema" in path:
            answer = SCHEMA
        else:
            if "form" in environ.get("CONTENT_TYPE", ""):
                asked |= parse_qs(body.decode())
            answer = self.select(asked)
        data = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
        start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(data)))])
        return [data]

    def update(self, body):
        if body.lstrip()[:1] in {b"[", b"{"}:
            for doc in json.loads(body):
                self.docs[doc["index_id"]] = doc
        elif body.strip():
            root = etree.fromstring(body)
            for doc in root.iter("doc"):
                fields = {}
                for field in doc:
                    fields.setdefault(field.get("name"), []).append(field.text or "")
                self.docs[fields["index_id"][0]] = {k: v[0] if len(v) == 1 else v for k, v in fields.items()}
            for query in root.iter("query"):
                matches = Query(query.text).matches
                self.docs = {key: doc for key, doc in self.docs.items() if not matches(doc)}

    def select(self, asked):
        first = {key: value[0] for key, value in asked.items()}
        queries = [first.get("q", "*:*"), *asked.get("fq", [])]
        predicates = [Query(text).matches for text in queries]
        hits = [doc for doc in self.docs.values() if all(matches(doc) for matches in predicates)]
        for clause in reversed([c for c in first.get("sort", "").split(",") if c.strip()]):
            field, direction = clause.split()
            if field != "score":
                hits.sort(key=lambda doc, f=field: values(doc, f)[:1], reverse=direction.lower() == "desc")
        begin, rows = int(first.get("start", 0)), int(first.get("rows", 10))
        facets = {
            f: [x for pair in Counter(v for d in hits for v in values(d, f)).items() for x in pair]
            for f in asked.get("facet.field", [])
        }
        return {
            "responseHeader": {"status": 0},
            "response": {"numFound": len(hits), "start": begin, "docs": hits[begin : begin + rows]},
            "facet_counts": {"facet_fields": facets, "facet_queries": {}},
        }
