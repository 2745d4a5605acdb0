"""WPS 1.0.0 with pywps, over the processors that are installed; products are told as a STAC item."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from builder.errors import UsageError
from processors.describe import Parameter, parameters_of, slots_of
from processors.registry import find_processors

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from builder.services.jobs import Jobs
    from processors.protocol import Processor

ITEM = "item"
"""Output of every process: its products as a STAC item, with their addresses."""
UNBOUNDED = 1000000
_KINDS = {"integer": "integer", "number": "float", "boolean": "boolean", "string": "string"}


def wps_service(jobs: Jobs) -> WSGIApplication:
    """Return a WPS for all processors.

    Raises:
        UsageError: pywps is not installed.
    """
    try:
        from pywps import Service, configuration
    except ImportError:
        raise UsageError(
            "processing services need pywps", where="iaos serve", hint="pip install 'iaos[serve]', or --no-processes"
        ) from None
    configuration.load_configuration()
    folder = jobs.folder / "wps"
    folder.mkdir()
    settings = {
        "url": f"{jobs.url}wps", "outputurl": f"{jobs.url}wps", "outputpath": str(folder), "workdir": str(folder),
        "maxrequestsize": "1mb", "maxsingleinputsize": "1mb", "parallelprocesses": "4",
    }  # fmt: skip
    for name, value in settings.items():
        configuration.CONFIG.set("server", name, value)
    configuration.CONFIG.set("metadata:main", "identification_title", "Processors of iAOS on this machine")
    configuration.CONFIG.set("logging", "level", "ERROR")
    service: WSGIApplication = Service([_process(one, jobs) for one in find_processors().processors.values()])
    return service


def _process(processor: Processor, jobs: Jobs) -> Any:
    from pywps import ComplexInput, ComplexOutput, Format, Process

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

    return Process(
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
