"""A pytest plugin that shuffles the tests, always alike: what fails in many fails soon."""

import random

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    random.Random(1997).shuffle(items)
