"""OpenAI's own client, unchanged, at /v1/chat/completions, /v1/responses, /v1/embeddings and /v1/models."""

import json
import unittest

import openai
from place import BASE, CITIES, CITY, HELLO, KEY, LIMITED_KEY, MODELS, TOLD, cut, degrees, dropped, for_each_model, refusal
from pydantic import BaseModel


def client_of(key):
    # Retries are the client's own; what is tested is the first answer.
    return openai.OpenAI(api_key=key, base_url=f"{BASE}/v1", max_retries=0, timeout=30)


def say(content):
    return [{"role": "user", "content": content}]


class Person(BaseModel):
    name: str
    age: int


WEATHER = {"type": "function", "function": {"name": "weather", "description": "The weather in a city.", "parameters": CITY}}


class AtTheDoors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = client_of(KEY)
        cls.addClassCleanup(cls.client.close)

    @for_each_model
    def test_an_answer_in_one_piece_and_as_a_stream(self, model):
        answer = self.client.chat.completions.create(model=model, messages=say("Hello?"))
        self.assertEqual((answer.choices[0].message.content, answer.choices[0].finish_reason), (HELLO, "stop"))
        self.assertEqual((answer.usage.prompt_tokens, answer.usage.completion_tokens), (9, 4))
        options = {"include_usage": True}
        chunks = list(self.client.chat.completions.create(model=model, messages=say("Hello?"), stream=True, stream_options=options))
        self.assertEqual("".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices), HELLO)
        self.assertEqual([chunk.usage.total_tokens for chunk in chunks if chunk.usage], [13])

    @for_each_model
    def test_two_calls_of_a_tool_at_once_and_an_answer_from_their_results(self, model):
        messages = say("How warm is it?")
        asked = self.client.chat.completions.create(model=model, messages=messages, tools=[WEATHER]).choices[0]
        calls = asked.message.tool_calls
        self.assertEqual(asked.finish_reason, "tool_calls")
        self.assertEqual([json.loads(call.function.arguments)["city"] for call in calls], CITIES)
        results = [{"role": "tool", "tool_call_id": call.id, "content": text} for call, text in degrees(calls)]
        told = self.client.chat.completions.create(model=model, messages=[*messages, asked.message, *results], tools=[WEATHER])
        self.assertEqual(told.choices[0].message.content, TOLD)

    @for_each_model
    def test_an_answer_that_keeps_to_a_schema(self, model):
        answer = self.client.chat.completions.parse(model=model, messages=say("Who?"), response_format=Person)
        self.assertEqual(answer.choices[0].message.parsed, Person(name="Ada", age=36))

    @for_each_model
    def test_a_response_in_one_piece_and_as_a_stream(self, model):
        whole = self.client.responses.create(model=model, input="Hello?")
        self.assertEqual((whole.status, whole.output_text, whole.usage.output_tokens), ("completed", HELLO, 4))
        with self.client.responses.stream(model=model, input="Hello?") as stream:
            heard = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
            self.assertEqual((heard, stream.get_final_response().output_text), (HELLO, HELLO))

    @for_each_model
    def test_a_response_that_calls_tools_and_goes_on_from_their_results(self, model):
        tools = [{"type": "function", "name": "weather", "description": "The weather in a city.", "strict": False, "parameters": CITY}]
        messages = say("How warm is it?")
        asked = self.client.responses.create(model=model, input=messages, tools=tools)
        calls = [item for item in asked.output if item.type == "function_call"]
        self.assertEqual([json.loads(call.arguments)["city"] for call in calls], CITIES)
        results = [{"type": "function_call_output", "call_id": call.call_id, "output": text} for call, text in degrees(calls)]
        told = self.client.responses.create(model=model, input=[*messages, *calls, *results], tools=tools)
        self.assertEqual(told.output_text, TOLD)

    @for_each_model
    def test_a_stream_that_the_caller_leaves_is_dropped_at_the_provider(self, model):
        before = cut()
        with self.client.chat.completions.create(model=model, messages=say("Please wait for me."), stream=True) as stream:
            for chunk in stream:
                if chunk.choices and chunk.choices[0].delta.content:
                    break
        dropped(before)

    def test_vectors(self):
        answer = self.client.embeddings.create(model="scripted-vectors", input=["one", "two"])
        self.assertEqual([one.embedding for one in answer.data], [[0.25, -0.5, 1], [1, 0.5, -0.25]])

    def test_the_models_are_listed(self):
        names = {model.id for model in self.client.models.list()}
        self.assertLessEqual({*MODELS, "scripted-vectors"}, names)

    def test_each_mistake_is_the_exception_that_the_client_has_for_it(self):
        model, messages = MODELS[0], say("Hello?")
        cases = [
            (client_of("sk-nobody"), {"model": model, "messages": messages}, openai.AuthenticationError, 401, "invalid_api_key"),
            (self.client, {"model": "nobody", "messages": messages}, openai.NotFoundError, 404, "model_not_found"),
            (self.client, {"model": model, "messages": messages, "temperature": "hot"}, openai.BadRequestError, 400, "invalid_request"),
            (self.client, {"model": model, "messages": say("too much")}, openai.BadRequestError, 400, "context_length_exceeded"),
        ]
        for client, call, kind, status, code in cases:
            with self.subTest(code=code):
                with self.assertRaises(kind) as caught:
                    client.chat.completions.create(**call)
                self.assertEqual((caught.exception.status_code, caught.exception.code), (status, code))
        limited = client_of(LIMITED_KEY)
        refused = refusal(lambda: limited.chat.completions.create(model=model, messages=messages), openai.RateLimitError)
        self.assertEqual((refused.status_code, refused.code), (429, "rate_limit_exceeded"))


if __name__ == "__main__":
    unittest.main()
