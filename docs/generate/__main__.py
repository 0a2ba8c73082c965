"""Writes everything that is made from the code."""

from generate import openapi, tables

openapi.write()
tables.write()
