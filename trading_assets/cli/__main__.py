"""`python -m trading_assets.cli` is `trading-assets`."""

from trading_assets.cli import main

main()
