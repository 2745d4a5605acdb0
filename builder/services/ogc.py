"""OGC API - Processes, Part 1 (OGC 18-062r2), over the processors that are installed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import orjson

from builder.errors import UsageError
from builder.media import media_type
from builder.services.jobs import Job, Jobs
from processors.describe import as_ogc, slots_of
from processors.errors import Refusal
from processors.registry import find_processor, find_processors

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from processors.protocol import Slot

CLASSES = [
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/ogc-process-description",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/json",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/job-list",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/dismiss",
]
MAX_REQUEST = 1 << 20
ITEM = "item"
"""Output of every process: its products as a STAC item."""
_REASONS = {
    200: "OK", 201: "Created", 204: "No Content", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 413: "Content Too Large", 415: "Unsupported Media Type", 500: "Internal Server Error",
}  # fmt: skip
_EXCEPTION = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"


class HttpError(Exception):
    """An answer that is no result: status, type of the exception, and words."""

    def __init__(self, status: int, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail = status, kind, detail


class OgcApi:
    """A WSGI application below ``ogc/``.

    Args:
        jobs: Runs the processors.
    """

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs
        self.root = f"{jobs.url}ogc"
        self._routes: tuple[tuple[str, str, Callable[..., Any]], ...] = (
            ("GET", r"/?", self._landing),
            ("GET", r"/conformance", lambda _: {"conformsTo": CLASSES}),
            ("GET", r"/processes", self._processes),
            ("GET", r"/processes/([\w.-]+)", self._process),
            ("POST", r"/processes/([\w.-]+)/execution", self._execute),
            ("GET", r"/jobs", lambda _: {"jobs": list(map(self._status, self.jobs.known.values())), "links": []}),
            ("GET", r"/jobs/([\w-]+)", lambda _, name: self._status(self._job(name))),
            ("DELETE", r"/jobs/([\w-]+)", self._dismiss),
            ("GET", r"/jobs/([\w-]+)/results", lambda _, name: self._results(self._done(name))),
            ("GET", r"/jobs/([\w-]+)/item\.json", lambda _, name: self._done(name).item),
        )

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path, method = environ.get("PATH_INFO", "").removeprefix("/ogc"), environ["REQUEST_METHOD"]
        if found := re.fullmatch(r"/jobs/([\w-]+)/files/([^/]+)", path):
            return self._file(environ, start, found[1], found[2])
        status, headers = 200, [("Content-Type", "application/json"), ("Access-Control-Allow-Origin", "*")]
        try:
            answer = self._answer(environ, method, path)
        except HttpError as trouble:
            status = trouble.status
            answer = {"type": _EXCEPTION + trouble.kind, "title": trouble.kind, "status": status}
            answer |= {"detail": trouble.detail}
            headers[0] = ("Content-Type", "application/problem+json")
        if isinstance(answer, tuple):
            status, more, answer = answer
            headers += more
        body = orjson.dumps(answer, option=orjson.OPT_INDENT_2) + b"\n"
        start(f"{status} {_REASONS[status]}", [*headers, ("Content-Length", str(len(body)))])
        return [body]

    def _answer(self, environ: WSGIEnvironment, method: str, path: str) -> Any:
        matched = [(verb, make, found) for verb, route, make in self._routes if (found := re.fullmatch(route, path))]
        for verb, make, found in matched:
            if verb == method:
                return make(environ, *found.groups())
        if matched:
            raise HttpError(405, "method-not-allowed", f"allowed: {', '.join(verb for verb, _, _ in matched)}")
        raise HttpError(404, "not-found", f"there is nothing at {path}")

    def _landing(self, environ: WSGIEnvironment) -> Any:
        del environ
        links = [
            {"rel": "self", "href": f"{self.root}/", "type": "application/json"},
            {"rel": "http://www.opengis.net/def/rel/ogc/1.0/conformance", "href": f"{self.root}/conformance"},
            {"rel": "http://www.opengis.net/def/rel/ogc/1.0/processes", "href": f"{self.root}/processes"},
            {"rel": "http://www.opengis.net/def/rel/ogc/1.0/job-list", "href": f"{self.root}/jobs"},
        ]
        return {"title": "Processing services", "description": "Processors of iAOS on this machine", "links": links}

    def _processes(self, environ: WSGIEnvironment) -> Any:
        del environ
        listed = []
        for processor in find_processors().processors.values():
            described = as_ogc(processor, served=True)
            own = {"rel": "self", "href": f"{self.root}/processes/{processor.name}", "type": "application/json"}
            listed.append({k: v for k, v in described.items() if k not in {"inputs", "outputs"}} | {"links": [own]})
        return {"processes": listed, "links": [{"rel": "self", "href": f"{self.root}/processes"}]}

    def _process(self, environ: WSGIEnvironment, name: str) -> Any:
        del environ
        try:
            described = as_ogc(find_processor(name), served=True)
        except Refusal as refusal:
            raise HttpError(404, "no-such-process", refusal.message) from refusal
        item = {"type": "object", "contentMediaType": "application/geo+json"}
        described["outputs"][ITEM] = {"title": "The products as a STAC item", "schema": item}
        run = {
            "rel": "http://www.opengis.net/def/rel/ogc/1.0/execute",
            "href": f"{self.root}/processes/{name}/execution",
        }
        return described | {"links": [run]}

    def _execute(self, environ: WSGIEnvironment, name: str) -> Any:
        self._process(environ, name)
        given, parameters = _asked(_body(environ), slots_of(find_processor(name)))
        try:
            job = self.jobs.start(name, given, parameters)
        except UsageError as trouble:
            raise HttpError(400, "invalid-input", str(trouble)) from trouble
        if "respond-async" in environ.get("HTTP_PREFER", ""):
            headers = [("Location", f"{self.root}/jobs/{job.id}"), ("Preference-Applied", "respond-async")]
            return 201, headers, self._status(job)
        if job.future is not None:
            job.future.result()
        return self._results(job)

    def _job(self, name: str) -> Job:
        if name not in self.jobs.known:
            raise HttpError(404, "no-such-job", f"there is no job {name}")
        return self.jobs.known[name]

    def _done(self, name: str) -> Job:
        job = self._job(name)
        if job.status in {"accepted", "running"}:
            raise HttpError(404, "result-not-ready", f"the job is {job.status}")
        return job

    def _dismiss(self, environ: WSGIEnvironment, name: str) -> Any:
        del environ
        job = self._job(name)
        self.jobs.dismiss(job)
        return self._status(job)

    def _status(self, job: Job) -> dict[str, Any]:
        own = f"{self.root}/jobs/{job.id}"
        links = [{"rel": "self", "href": own, "type": "application/json"}]
        if job.status == "successful":
            links.append({"rel": "http://www.opengis.net/def/rel/ogc/1.0/results", "href": f"{own}/results"})
        told = {"jobID": job.id, "processID": job.processor, "type": "process", "status": job.status, "links": links}
        return told | ({"message": job.message} if job.message else {})

    def _results(self, job: Job) -> dict[str, Any]:
        if job.status == "failed":
            raise HttpError(400, "failed", job.message)
        own = f"{self.root}/jobs/{job.id}"
        named = {name: {"href": f"{own}/files/{name}", "type": media_type(name)} for name in job.files}
        return named | {ITEM: {"href": f"{own}/item.json", "type": "application/geo+json"}}

    def _file(self, environ: WSGIEnvironment, start: StartResponse, job: str, name: str) -> Iterable[bytes]:
        from builder.serve import send_file

        known = self.jobs.known.get(job)
        if known is None or name not in known.files:
            start("404 Not Found", [("Content-Length", "0")])
            return []
        return send_file(
            start, known.files[name], environ.get("HTTP_RANGE", ""), body=environ["REQUEST_METHOD"] == "GET"
        )


def _body(environ: WSGIEnvironment) -> Any:
    """Return the JSON of a request.

    A page of another origin may not post JSON without asking first, which is answered with no.

    Raises:
        HttpError: It is too large, or no JSON.
    """
    if environ.get("CONTENT_TYPE", "").partition(";")[0].strip() != "application/json":
        raise HttpError(415, "unsupported-media-type", "send application/json")
    size = int(environ.get("CONTENT_LENGTH") or 0)
    if size > MAX_REQUEST:
        raise HttpError(413, "too-large", f"at most {MAX_REQUEST} bytes")
    try:
        return orjson.loads(environ["wsgi.input"].read(size))
    except orjson.JSONDecodeError as trouble:
        raise HttpError(400, "invalid-json", str(trouble)) from trouble


def _asked(body: Any, slots: Mapping[str, Slot]) -> tuple[list[tuple[str, str]], dict[str, Any]]:
    """Return the inputs and parameters of an execute request (section 7.11)."""
    inputs = body.get("inputs", {}) if isinstance(body, dict) else None
    if not isinstance(inputs, dict):
        raise HttpError(400, "invalid-input", "`inputs` must be an object")
    given: list[tuple[str, str]] = []
    for slot in sorted(inputs.keys() & slots.keys()):
        for one in inputs[slot] if isinstance(inputs[slot], list) else [inputs[slot]]:
            if not (isinstance(one, dict) and isinstance(one.get("href"), str)):
                raise HttpError(400, "invalid-input", f'`{slot}` is given by reference: {{"href": "https://…"}}')
            given.append((slots[slot].name, one["href"]))
    return given, {name: value for name, value in inputs.items() if name not in slots}
