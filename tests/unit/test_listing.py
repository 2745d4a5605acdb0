"""Directory listings of the servers partners run."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from builder.errors import ProtocolError
from builder.sources.listing import Entry, read_listing

URL = "http://h/data/x/"
APACHE = b"""<html><head><title>Index of /data/x</title></head><body><table>
<tr><th><a href="?C=N;O=D">Name</a></th><th><a href="?C=M;O=A">Last modified</a></th><th>Size</th></tr>
<tr><td><a href="/data/">Parent Directory</a></td><td>&nbsp;</td><td>-</td></tr>
<tr><td><a href="2003/">2003/</a></td><td align="right">2020-01-02 03:04  </td><td>  - </td></tr>
<tr><td><a href="ctd%20a.nc">ctd a.nc</a></td><td>2020-01-02 03:04  </td><td>1.2M</td><td>2003 data</td></tr>
<tr><td><a href="b.nc">b.nc</a></td><td align="right">2020-01-02 03:04  </td><td>532 </td></tr>
<tr><td><a href="b.nc">again</a><a href="../other/c.nc">c</a><a href="http://evil/data/x/d.nc">d</a></td></tr>
<tr><td><a href="javascript:alert(1)">js</a><a href="//evil/e.nc">e</a><a href="..%2f..%2fetc">up</a></td></tr>
</table></body></html>"""
NGINX = b"""<html><head><title>Index of /data/x/</title></head>
<body><h1>Index of /data/x/</h1><hr><pre><a href="../">../</a>
<a href="2003/">2003/</a>                          01-Feb-2020 03:04       -
<a href="b.nc">b.nc</a>                           01-Feb-2020 03:04               83468497
</pre><hr></body></html>"""
NGINX_JSON = b"""[{"name":"2003","type":"directory","mtime":"Sat, 01 Feb 2020 03:04:05 GMT"},
{"name":"b c.nc","type":"file","mtime":"Sat, 01 Feb 2020 03:04:05 GMT","size":7}, {"name":"../x"}, 3]"""
S3 = b"""<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>
<Prefix>ice/</Prefix><IsTruncated>true</IsTruncated><NextContinuationToken>t+1</NextContinuationToken>
<Contents><Key>ice/</Key><Size>0</Size></Contents>
<Contents><Key>ice/a b.nc</Key><LastModified>2020-02-01T03:04:05.000Z</LastModified>
<ETag>"abc"</ETag><Size>9</Size></Contents>
<CommonPrefixes><Prefix>ice/2003/</Prefix></CommonPrefixes></ListBucketResult>"""


def test_apache():
    listing = read_listing(APACHE, URL)
    assert listing.folders == (f"{URL}2003/",)
    assert listing.files == (
        Entry("b.nc", f"{URL}b.nc", 532, "2020-01-02T03:04:00Z"),
        Entry("ctd a.nc", f"{URL}ctd%20a.nc", None, "2020-01-02T03:04:00Z"),
    )


def test_nginx():
    listing = read_listing(NGINX, URL)
    assert listing.folders == (f"{URL}2003/",)
    assert listing.files == (Entry("b.nc", f"{URL}b.nc", 83468497, "2020-02-01T03:04:00Z"),)
    said = read_listing(NGINX_JSON, URL)
    assert said.folders == (f"{URL}2003/",)
    assert said.files == (Entry("b c.nc", f"{URL}b%20c.nc", 7, "2020-02-01T03:04:05Z"),)


def test_names_of_disks_in_latin_1_are_told_apart():
    names = ["fj\u00e4ll", "fj\u00e5ll"]
    html = "".join(f'<a href="{quote(name, encoding="latin-1")}.nc">x</a>' for name in names)
    json = "[" + ",".join(f'{{"name": "{name}.nc", "type": "file", "size": 1}}' for name in [*names, "\\ud800"]) + "]"
    for body in (f"<title>Index of /</title>{html}".encode(), json.encode("latin-1")):
        listing = read_listing(body, URL)
        assert [(one.name, one.href) for one in listing.files] == [
            ("fj\u00e4ll.nc", f"{URL}fj%E4ll.nc"), ("fj\u00e5ll.nc", f"{URL}fj%E5ll.nc"),
        ]  # fmt: skip


def test_s3():
    listing = read_listing(S3, "https://b.s3.example.org/?list-type=2&prefix=ice/")
    assert listing.base == "https://b.s3.example.org/ice/"
    href = "https://b.s3.example.org/ice/a%20b.nc"
    assert listing.files == (Entry("a b.nc", href, 9, "2020-02-01T03:04:05.000Z", "abc"),)
    assert listing.folders == ("https://b.s3.example.org/?list-type=2&delimiter=%2F&prefix=ice%2F2003%2F",)
    assert listing.more == "https://b.s3.example.org/?list-type=2&prefix=ice%2F&continuation-token=t%2B1"


@pytest.mark.parametrize("name", ["root.html", "root_duplicates.html"])
def test_hyrax_with_broken_tables_and_duplicates(shared_data, name):
    body = (shared_data / "harvest" / "thredds" / "hyrax-nersc-tests" / name).read_bytes()
    listing = read_listing(body, "http://h/opendap/contents.html")
    assert listing.folders == ("http://h/opendap/folder/contents.html",)
    assert listing.files == (Entry("dataset.nc", "http://h/opendap/dataset.nc", 83468497, None, None, opendap=True),)


def test_hyrax_answers_of_one_dataset_are_one_file(shared_data):
    folder = shared_data / "harvest" / "thredds" / "hyrax-nersc-tests" / "folder"
    listing = read_listing((folder / "contents.html").read_bytes(), "http://h/folder/contents.html")
    assert [(e.name, e.size, e.modified) for e in listing.files] == [("dataset.nc", 83468497, "2020-01-01T21:28:38Z")]
    assert listing.folders == ("http://h/folder/2019/contents.html",)
    leaf = read_listing((folder / "2019/02/14/contents.html").read_bytes(), "http://h/folder/2019/02/14/contents.html")
    assert [e.name for e in leaf.files] == ["20190214000000_dataset.nc", "20190214120000_dataset.nc"]


@pytest.mark.parametrize(
    "body",
    [b"", b"<html><body><h1>Maintenance</h1><a href='/'></a></body></html>", b'{"a": 1}', b"[", b"<ListBucketResult>"],
)
def test_what_is_no_listing(body):
    with pytest.raises(ProtocolError):
        read_listing(body, "http://h/" if b"Maint" in body else URL)
