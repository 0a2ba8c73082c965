"""Writes everything that is made from the code."""

from generate import bruno, openapi, tables

openapi.write()
tables.write()
bruno.write()
