"""What the documentation holds that is made from the code: `make docs` writes it, tests compare it."""
