"""Tiny models and made-up data that the tests and the quickstart share."""
