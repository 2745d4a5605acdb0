"""Asks CKAN's action API through ckanapi over the HTTP gate, and says in one line what went wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ckanapi.common import reverse_apicontroller_action
from ckanapi.errors import CKANAPIError, SearchError, SearchIndexError, ServerIncompatibleError

from builder.errors import FetchError, ProtocolError
from builder.sources.redact import one_line, redact
from builder.sources.retry import TRANSIENT
from builder.sources.strictjson import strict_json

if TYPE_CHECKING:
    from builder.sources.http import HttpGate


class CkanError(ProtocolError):
    """CKAN refused an action, or answered with something that is no CKAN answer.

    Attributes:
        status: HTTP status of the refusal; 200 where CKAN said ``success: false``.
        search_down: It is the search index that failed, not the request.
    """

    def __init__(self, message: str, *, where: str, status: int, search_down: bool = False) -> None:
        super().__init__(message, where=where)
        self.status = status
        self.search_down = search_down


@dataclass(frozen=True, slots=True)
class _Reply:
    status_code: int
    text: str


class Session:
    """The part of a requests session that ckanapi uses, over the HTTP gate."""

    def __init__(self, gate: HttpGate) -> None:
        self._gate = gate
        self.status = 200

    def get(self, url: str, *, params: Mapping[str, str], **_: Any) -> _Reply:
        """Ask; a refusal comes back as CKAN worded it."""
        address = f"{url}?{urlencode(params)}" if params else url
        accept = {"Accept": "application/json"}
        try:
            self.status, text = (
                200,
                self._gate.read(address, lambda r: _envelope(r.body, redact(r.url)), headers=accept),
            )
        except FetchError as trouble:
            if trouble.status is None:
                raise
            self.status, text = trouble.status, _failure(trouble.body)
        return _Reply(self.status, text)


def _envelope(body: bytes, where: str) -> str:
    content = strict_json(body, where)
    if not isinstance(content, dict) or (content.get("success") and "result" not in content):
        raise ProtocolError("not an answer of CKAN's action API", where=where)
    return body.decode("utf-8-sig")


def _failure(body: bytes) -> str:
    """Return the body of a refusal if ckanapi can be trusted with it."""
    try:
        content = strict_json(body, "")
    except ProtocolError:
        return ""
    return body.decode("utf-8-sig") if isinstance(content, dict) and not content.get("success") else ""


def unwrap(content: dict[str, Any], document: bytes, where: str) -> Any:
    """Return the result of a recorded answer.

    Raises:
        CkanError: CKAN says that it failed.
    """
    if content["success"]:
        return content.get("result")
    try:
        return reverse_apicontroller_action(where, 200, document.decode("utf-8-sig"))
    except (CKANAPIError, ServerIncompatibleError) as trouble:
        raise refusal(trouble, where, 200) from None


def refusal(trouble: Exception, where: str, status: int) -> CkanError:
    """Say in one line what ckanapi says with the whole answer in it."""
    down = isinstance(trouble, SearchError | SearchIndexError) or status >= 500
    kind = type(trouble).__name__
    said = "" if kind in {"CKANAPIError", "ServerIncompatibleError"} else f": {kind} {one_line(str(trouble))}".rstrip()
    error = CkanError(f"CKAN refuses, HTTP status {status}{said}", where=redact(where), status=status, search_down=down)
    error.passing = status in TRANSIENT
    return error
