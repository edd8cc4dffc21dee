"""A broker to copy: `brokers/_template` becomes `brokers/<vendor>`, and books can name its kinds.

What lives here: an adapter that runs as it stands, at a broker that keeps an account in a JSON file. To add a vendor,
copy the folder to a name without the underscore, give the kind its own name and facts (`NAME`, `KINDS`), and let
`_read` and `_change` of the adapter call the vendor; its methods say what the desk relies on. Nothing else changes: the
folder is found by listing.
What not: a broker that books can name; a leading underscore hides a package.
"""

from .adapter import KINDS

__all__ = ["KINDS"]
