"""Anthropic's own client, unchanged, at /v1/messages and /v1/models."""

import json
import unittest

import anthropic
from place import BASE, CITIES, CITY, HELLO, KEY, LIMITED_KEY, MODELS, TOLD, cut, degrees, dropped, for_each_model, refusal

TOOLS = [{"name": "weather", "description": "The weather in a city.", "input_schema": CITY}]
PERSON = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}, "required": ["name", "age"], "additionalProperties": False}


def client_of(key):
    return anthropic.Anthropic(api_key=key, base_url=BASE, max_retries=0, timeout=30)


def ask(content):
    return {"max_tokens": 64, "messages": [{"role": "user", "content": content}]}


def text_of(message):
    return "".join(part.text for part in message.content if part.type == "text")


class AtTheDoor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = client_of(KEY)
        cls.addClassCleanup(cls.client.close)

    @for_each_model
    def test_a_message_in_one_piece_and_by_the_helper_for_streams(self, model):
        message = self.client.messages.create(model=model, **ask("Hello?"))
        self.assertEqual((message.stop_reason, text_of(message), message.usage.output_tokens), ("end_turn", HELLO, 4))
        with self.client.messages.stream(model=model, **ask("Hello?")) as stream:
            self.assertEqual("".join(stream.text_stream), HELLO)
            final = stream.get_final_message()
        self.assertEqual((final.stop_reason, text_of(final), final.usage.output_tokens), ("end_turn", HELLO, 4))

    @for_each_model
    def test_two_uses_of_a_tool_at_once_and_a_message_from_their_results(self, model):
        question = ask("How warm is it?")
        asked = self.client.messages.create(model=model, tools=TOOLS, **question)
        with self.client.messages.stream(model=model, tools=TOOLS, **question) as stream:
            streamed = stream.get_final_message()
        for message in (asked, streamed):
            self.assertEqual(message.stop_reason, "tool_use")
            self.assertEqual([part.input["city"] for part in message.content if part.type == "tool_use"], CITIES)
        calls = [part for part in asked.content if part.type == "tool_use"]
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": text} for call, text in degrees(calls)]
        messages = [*question["messages"], {"role": "assistant", "content": asked.content}, {"role": "user", "content": results}]
        told = self.client.messages.create(model=model, tools=TOOLS, max_tokens=64, messages=messages)
        self.assertEqual(text_of(told), TOLD)

    @for_each_model
    def test_a_message_that_keeps_to_a_schema(self, model):
        message = self.client.messages.create(model=model, output_config={"format": {"type": "json_schema", "schema": PERSON}}, **ask("Who?"))
        self.assertEqual(json.loads(text_of(message)), {"name": "Ada", "age": 36})

    @for_each_model
    def test_a_stream_that_the_caller_leaves_is_dropped_at_the_provider(self, model):
        before = cut()
        with self.client.messages.stream(model=model, **ask("Please wait for me.")) as stream:
            next(iter(stream.text_stream))
        dropped(before)

    def test_the_models_are_listed_in_the_vendors_form(self):
        names = {model.id for model in self.client.models.list()}
        self.assertLessEqual(set(MODELS), names)

    def test_each_mistake_is_the_exception_that_the_client_has_for_it(self):
        model, question = MODELS[0], ask("Hello?")
        cases = [
            (client_of("sk-nobody"), {"model": model, **question}, anthropic.AuthenticationError, 401, "authentication_error"),
            (self.client, {"model": "nobody", **question}, anthropic.NotFoundError, 404, "not_found_error"),
            (self.client, {"model": model, **question, "max_tokens": "many"}, anthropic.BadRequestError, 400, "invalid_request_error"),
        ]
        for client, call, kind, status, code in cases:
            with self.subTest(code=code):
                with self.assertRaises(kind) as caught:
                    client.messages.create(**call)
                self.assertEqual((caught.exception.status_code, caught.exception.body["error"]["type"]), (status, code))
        limited = client_of(LIMITED_KEY)
        refused = refusal(lambda: limited.messages.create(model=model, **question), anthropic.RateLimitError)
        self.assertEqual((refused.status_code, refused.body["error"]["type"]), (429, "rate_limit_error"))


if __name__ == "__main__":
    unittest.main()
