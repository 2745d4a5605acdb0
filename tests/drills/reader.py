"""A reader who follows every link from the root, again and again, and counts what no reader should meet."""

from __future__ import annotations

import http.client
import json
import posixpath
import threading
from urllib.parse import urlsplit


class Reader(threading.Thread):
    """Walks a website until `stop`, or so many times.

    Counts walks, documents, answers other than 200 (``missing``) and documents that are no JSON of
    their kind (``invalid``).
    """

    def __init__(self, url, walks=None):
        super().__init__(daemon=True)
        parts = urlsplit(url)
        self.host, self.prefix = parts.netloc, parts.path
        self.limit = walks
        self.walks = self.documents = 0
        self.missing, self.invalid = [], []
        self.ended = threading.Event()

    def run(self):
        while not self.ended.is_set() and self.walks != self.limit:
            connection = http.client.HTTPConnection(self.host, timeout=30)
            for _ in range(50):
                self._walk(connection, "catalog.json")
                self.walks += 1
                if self.ended.is_set() or self.walks == self.limit:
                    break
            connection.close()

    def stop(self):
        self.ended.set()
        self.join()

    def _walk(self, connection, path):
        connection.request("GET", f"{self.prefix}/{path}")
        answer = connection.getresponse()
        body = answer.read()
        self.documents += 1
        if answer.status != 200:
            self.missing.append(path)
            return
        if not path.endswith(".json"):
            if not body.startswith(b"CDF"):
                self.invalid.append(path)
            return
        try:
            content = json.loads(body)
            links = [link["href"] for link in content["links"] if link["rel"] in {"child", "item"}]
            links += [asset["href"] for asset in content.get("assets", {}).values()]
        except (ValueError, KeyError, TypeError):
            self.invalid.append(path)
            return
        for href in links:
            self._walk(connection, posixpath.normpath(posixpath.join(posixpath.dirname(path), href)))
