"""The contracts that answers are given in: parameters, credentials, bodies and errors of each."""
