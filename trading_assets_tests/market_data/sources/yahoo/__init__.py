"""The source Yahoo: the real yfinance against a server on loopback that answers as Yahoo does, well and badly."""
