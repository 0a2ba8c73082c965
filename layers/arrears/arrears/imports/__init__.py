"""Turns files into records: files of any size, row by row, in the memory of a few rows."""
