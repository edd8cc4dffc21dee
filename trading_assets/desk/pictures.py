"""Pictures inside text: a PNG as a `data:` URI, and as the Markdown that the web UI shows.

Both carry the bytes themselves, so that an event or a page needs no second file.
"""

import base64


def data_uri(png: bytes) -> str:
    """Encode a PNG as a `data:` URI (RFC 2397)."""
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def as_markdown_image(png: bytes, alt: str) -> str:
    """Write a PNG as a Markdown image with a `data:` URI.

    Brackets and backslashes of the alternative text are escaped, its line breaks become spaces.
    """
    text = " ".join(alt.split()).replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    return f"![{text}]({data_uri(png)})"
