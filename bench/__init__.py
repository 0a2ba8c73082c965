"""What answers and records cost, measured against a floor in the same run: `make bench`."""
