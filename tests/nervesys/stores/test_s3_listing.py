"""Our parser of listings against botocore's: what it takes out is what botocore would have parsed.

Covers: nervesys.stores.s3_listing.
"""

import pytest

from nervesys.stores import s3_listing
from nervesys.stores.objects import Listing
from tests.nervesys.stores.test_s3 import ETAG, SIZE, TIME, answering, page

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
ENTRY = f"<Key>a/1</Key>{TIME}{ETAG}{SIZE}<StorageClass>STANDARD</StorageClass>"
FOLDER = "<CommonPrefixes><Prefix>a/b%20c/</Prefix></CommonPrefixes>"
URL = "<IsTruncated>false</IsTruncated><EncodingType>url</EncodingType>"


def list_page(body: bytes) -> Listing:
    with answering(body) as store:
        listing = store.list("a/", recursive=False)
    return Listing(tuple(sorted(listing.objects, key=lambda info: info.key)), listing.folders)


@pytest.mark.parametrize(
    ("body", "quick"),
    [
        pytest.param(page(ENTRY, ENTRY), True, id="plain"),
        pytest.param(HEAD.encode() + page(ENTRY), True, id="with a declaration"),
        pytest.param(page(f"{SIZE}{ETAG}{TIME}<Key>a/1</Key>"), True, id="another order"),
        pytest.param(page(f"<Key>a/1</Key>{SIZE}{TIME}"), True, id="no ETag"),
        pytest.param(page(f"<Key>a/1</Key>{TIME}{SIZE}<ETag>&quot;ab&amp;c&quot;</ETag>"), True, id="entities"),
        pytest.param(page(f"\n  <Key>a/1</Key>\n {TIME} {SIZE}\n"), True, id="indented"),
        pytest.param(page(ENTRY + "<Owner><ID>me</ID><DisplayName>Me</DisplayName></Owner>"), True, id="an owner"),
        pytest.param(page(f"<Key>a/%C3%A9+b%2Bc</Key>{TIME}{SIZE}{FOLDER}", more=URL), False, id="a folder within"),
        pytest.param(page(f"<Key>a/%C3%A9+b%2Bc</Key>{TIME}{SIZE}", more=URL + FOLDER), True, id="URL encoding"),
        pytest.param(page(f"<Key>a/%41+b</Key>{TIME}{SIZE}"), True, id="not encoded"),
        pytest.param(page(f"<Key>a/\u00e9\u4e2d</Key>{TIME}{SIZE}"), True, id="other letters"),
        pytest.param(page(f"<Key>a/1&#x41;</Key>{TIME}{SIZE}"), False, id="a character by number"),
        pytest.param(page(f"<Key><![CDATA[a/<1]]></Key>{TIME}{SIZE}"), False, id="CDATA"),
        pytest.param(page(ENTRY, more=f"<!-- <Contents>{ENTRY}</Contents> -->{URL}"), False, id="a comment"),
        pytest.param(page(ENTRY).replace(b"<Contents>", b'<Contents a="b">'), False, id="an attribute"),
        pytest.param(page(ENTRY, ENTRY).replace(b"<Contents>", b'<Contents a="b">', 1), False, id="one attribute"),
        pytest.param(page(f"<Key>a/1</Key>{SIZE}<LastModified>1769854500</LastModified>"), False, id="Unix seconds"),
        pytest.param(page(f"<Key>a/1</Key><Size> 2 </Size>{TIME}"), False, id="a size with spaces"),
        pytest.param(page(), False, id="nothing in it"),
    ],
)
def test_the_result_is_that_of_botocore(body: bytes, quick: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (s3_listing.split(body) is not None) == quick
    ours = list_page(body)
    monkeypatch.setattr(s3_listing, "split", lambda _: None)
    assert ours == list_page(body)


def test_tokens_and_folders_are_left_to_botocore() -> None:
    found = s3_listing.split(page(ENTRY, more=URL + FOLDER))
    assert found is not None
    assert found[0] == page(more=URL + FOLDER)
