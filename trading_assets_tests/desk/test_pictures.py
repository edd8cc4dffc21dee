"""A picture inside text carries its own bytes and cannot break the text around it."""

import base64

import pytest

from trading_assets.desk.pictures import as_markdown_image, data_uri

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def test_a_data_uri_carries_the_bytes():
    head, _, payload = data_uri(PNG).partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(payload) == PNG


@pytest.mark.parametrize(
    ("alt", "written"), [("a [b]\nc", r"a \[b\] c"), ("back\\slash", r"back\\slash"), ("  plain  ", "plain")]
)
def test_a_markdown_image_carries_its_bytes_and_escapes_its_text(alt, written):
    head, _, payload = as_markdown_image(PNG, alt).partition("](data:image/png;base64,")
    assert head == f"![{written}"
    assert base64.b64decode(payload.removesuffix(")")) == PNG
