"""A THREDDS server of one root and some catalogues with one dataset each."""

from __future__ import annotations

from tests.servers.local import Answer, Handler, Request

SPACE = "http://www.unidata.ucar.edu/namespaces/thredds/InvCatalog/v1.0"


def catalogues(number: int = 12, *, conditional: bool = False) -> Handler:
    """Serve ``catalog.xml``, which leads to ``c0.xml``, ``c1.xml`` and so on.

    Args:
        number: How many there are below the root.
        conditional: Answers have an ETag, and 304 says that one still stands.
    """
    head = f'<catalog xmlns="{SPACE}" xmlns:xlink="http://www.w3.org/1999/xlink">'
    refs = "".join(f'<catalogRef xlink:title="Tromsø {n}" xlink:href="c{n}.xml"/>' for n in range(number))

    def answer(request: Request) -> Answer:
        name = request.path.strip("/")
        if conditional and request.headers.get("if-none-match") == f'"{name}"':
            return Answer(304, {"ETag": f'"{name}"'})
        dataset = (
            '<service name="all" serviceType="HTTPServer" base="/files/"/>'
            f'<dataset name="Tromsø {name}" urlPath="{name}.nc" serviceName="all"/>'
        )
        content = f"{head}{refs if name == 'catalog.xml' else dataset}</catalog>"
        headers = {"Content-Type": "application/xml"} | ({"ETag": f'"{name}"'} if conditional else {})
        return Answer(200, headers, content.encode())

    return answer
