"""WPS 1.0.0 with pywps, over the processors that are installed; products are told as a STAC item."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from builder.errors import UsageError
from processors.describe import Parameter, parameters_of, slots_of
from processors.registry import find_processors

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from builder.services.jobs import Jobs
    from builder.services.wpsjobs import Executions
    from processors.protocol import Processor

ITEM = "item"
"""Output of every process: its products as a STAC item, with their addresses."""
STATUS = "wps/status"
"""Path below which executions that are not waited for say how far they are."""
AT_ONCE = 32
"""Executions that wait or run; more are refused as too many (ServerBusy)."""
UNBOUNDED = 1000000
_KINDS = {"integer": "integer", "number": "float", "boolean": "boolean", "string": "string"}


class WpsService:
    """A WSGI application at ``wps``, with the status of executions below it.

    Args:
        jobs: Runs the processors.

    Raises:
        UsageError: pywps is not installed.
    """

    def __init__(self, jobs: Jobs) -> None:
        try:
            from pywps import Service

            from builder.services.wpsjobs import Executions
        except ImportError:
            raise UsageError(
                "processing services need pywps",
                where="iaos serve",
                hint="pip install 'iaos[serve]', or --no-processes",
            ) from None
        _configure(jobs)
        self._executions = Executions(f"{jobs.url}{STATUS}", AT_ONCE)
        processors = find_processors().processors.values()
        self._service = Service([_process(one, jobs, self._executions) for one in processors])

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer with a status document, or have pywps answer."""
        folder, _, name = environ.get("PATH_INFO", "").lstrip("/").rpartition("/")
        if not folder:
            answer: Iterable[bytes] = self._service(environ, start)
            return answer
        said = self._executions.documents.get(name) if folder == STATUS else None
        body, status = (b"", "404 Not Found") if said is None else (said.encode(), "200 OK")
        start(status, [("Content-Type", "text/xml"), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")])
        return [body]

    def close(self) -> None:
        """Wait for executions, whose jobs must have been ended."""
        self._executions.close()


def _configure(jobs: Jobs) -> None:
    """Tell pywps where it is, and keep its files and its list of requests in the folder of the jobs."""
    from pywps import configuration

    configuration.load_configuration()
    folder = jobs.folder / "wps"
    folder.mkdir()
    settings = {
        "url": f"{jobs.url}wps", "outputurl": f"{jobs.url}wps", "outputpath": str(folder), "workdir": str(folder),
        "maxrequestsize": "1mb", "maxsingleinputsize": "1mb", "parallelprocesses": str(AT_ONCE), "maxprocesses": "0",
    }  # fmt: skip
    for name, value in settings.items():
        configuration.CONFIG.set("server", name, value)
    configuration.CONFIG.set("metadata:main", "identification_title", "Processors of iAOS on this machine")
    configuration.CONFIG.set("logging", "level", "ERROR")
    configuration.CONFIG.set("logging", "database", f"sqlite:///{folder}/requests.sqlite")


def _process(processor: Processor, jobs: Jobs, executions: Executions) -> Any:
    from pywps import ComplexInput, ComplexOutput, Format

    from builder.services.wpsjobs import FollowedProcess

    named_slots = slots_of(processor)
    slots = [
        ComplexInput(
            identifier,
            slot.title,
            supported_formats=[Format(kind) for kind in slot.media_types],
            min_occurs=slot.least,
            max_occurs=slot.most or UNBOUNDED,
        )
        for identifier, slot in named_slots.items()
    ]
    item = ComplexOutput(
        ITEM, "The products as a STAC item", supported_formats=[Format("application/geo+json")], as_reference=False
    )

    def handle(request: Any, response: Any) -> Any:
        """Run the processor and wait for it."""
        asked = ((slot, one) for name, slot in named_slots.items() for one in request.inputs.get(name, ()))
        given = [(slot.name, _address(one)) for slot, one in asked]
        named = [one for one in parameters_of(processor) if one.name in request.inputs]
        parameters = {one.name: _value(one, request.inputs[one.name][0].data) for one in named}
        job = jobs.start(processor.name, given, parameters)
        if job.future is not None:
            job.future.result()
        if job.status != "successful":
            raise UsageError(job.message, where=processor.name)
        response.outputs[ITEM].data = json.dumps(job.item)
        return response

    return FollowedProcess(
        executions,
        _told(handle),
        processor.name,
        processor.title,
        abstract=processor.description,
        version=processor.version,
        inputs=[*slots, *map(_literal, parameters_of(processor))],
        outputs=[item],
    )


def _told(handle: Any) -> Any:
    """Say our own errors in pywps's way."""

    def wrapped(request: Any, response: Any) -> Any:
        """Handle a request of pywps."""
        from pywps.app.exceptions import ProcessError

        try:
            return handle(request, response)
        except UsageError as trouble:
            allowed = "".join(char if char.isalnum() or char in " .,:;!?()/_-'\"=" else " " for char in str(trouble))
            raise ProcessError(allowed[:300]) from trouble

    return wrapped


def _literal(parameter: Parameter) -> Any:
    from pywps import LiteralInput

    return LiteralInput(
        parameter.name,
        parameter.title,
        data_type=_KINDS[parameter.kind],
        abstract=parameter.description,
        min_occurs=int(parameter.required),
        allowed_values=list(parameter.choices) or None,
        default=None,
    )


def _address(given: Any) -> str:
    """Return the address of an input; pywps would fetch it itself, past our gate, if its content were asked for."""
    if given.prop != "url":
        raise UsageError("inputs are given by reference", where=given.identifier, hint="give an http(s) address")
    return str(given.url)


def _value(parameter: Parameter, text: Any) -> Any:
    if parameter.plain or not isinstance(text, str) or text[:1] not in {"[", "{"}:
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
