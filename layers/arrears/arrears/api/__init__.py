"""The published contracts: the parameters, credentials, bodies and errors of each API."""
