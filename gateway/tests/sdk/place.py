"""Where the doors are, and what opens them: told by the environment."""

import functools
import json
import os
import time
import urllib.request

BASE = os.environ["STEWARD_TEST_BASE_URL"].rstrip("/")
KEY = os.environ["STEWARD_TEST_MODELS_KEY"]
LIMITED_KEY = os.environ.get("STEWARD_TEST_LIMITED_KEY")
# A name for each kind of provider that answers by the script.
MODELS = ["scripted", "scripted-anthropic"]
HELLO = "Hello from the script."
CITIES = ["Paris", "Oslo"]
TOLD = "The tools said: 18 degrees; 7 degrees."
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def for_each_model(test):
    """The test, once with each of the names."""

    @functools.wraps(test)
    def run(self):
        for model in MODELS:
            with self.subTest(model=model):
                test(self, model)

    return run


def degrees(calls):
    """What the tool answers to each of its calls."""
    return [(call, f"{18 - 11 * at} degrees") for at, call in enumerate(calls)]


def cut():
    with urllib.request.urlopen(f"{os.environ['STEWARD_TEST_UPSTREAM']}/seen") as answer:
        return json.load(answer)["cut"]


def dropped(before):
    """Waits until the provider saw that a stream was dropped."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if cut() > before:
            return
        time.sleep(0.02)
    raise AssertionError("the provider was never told that the caller had gone")


def refusal(call, kind):
    """Makes calls until one is refused: a minute can end between two of them, not between three."""
    for _ in range(3):
        try:
            call()
        except kind as error:
            return error
    raise AssertionError("three calls within a minute were allowed where one is")
