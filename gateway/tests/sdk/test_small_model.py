"""A real model behind the doors. It is too weak for facts: what is looked at is the shape of its answers, never their words."""

import json
import unittest

import anthropic
import openai
from place import BASE, KEY

MODEL = "small"
SCHEMA = {"type": "object", "properties": {"friendly": {"type": "boolean"}, "words": {"type": "integer", "minimum": 1, "maximum": 9}}, "required": ["friendly", "words"], "additionalProperties": False}


def say(content):
    return [{"role": "user", "content": content}]


class ARealModel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # It is slow, and nothing is tried twice.
        cls.openai = openai.OpenAI(api_key=KEY, base_url=f"{BASE}/v1", max_retries=0, timeout=120)
        cls.anthropic = anthropic.Anthropic(api_key=KEY, base_url=BASE, max_retries=0, timeout=120)
        cls.addClassCleanup(cls.openai.close)
        cls.addClassCleanup(cls.anthropic.close)

    def test_a_stream_has_words_one_end_and_its_usage(self):
        stream = self.openai.chat.completions.create(model=MODEL, messages=say("Say hello."), max_tokens=16, stream=True, stream_options={"include_usage": True})
        chunks = list(stream)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        ends = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason]
        usage = [chunk.usage for chunk in chunks if chunk.usage]
        self.assertTrue(text.strip())
        self.assertEqual(len(ends), 1)
        self.assertIn(ends[0], ("stop", "length"))
        self.assertEqual(len(usage), 1)
        self.assertTrue(0 < usage[0].completion_tokens <= 16 and usage[0].prompt_tokens > 0, usage)

    def test_an_answer_keeps_to_a_schema(self):
        response_format = {"type": "json_schema", "json_schema": {"name": "greeting", "strict": True, "schema": SCHEMA}}
        answer = self.openai.chat.completions.create(model=MODEL, messages=say("Say hello."), max_tokens=128, temperature=0, response_format=response_format)
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        found = json.loads(answer.choices[0].message.content)
        self.assertEqual(set(found), {"friendly", "words"})
        self.assertEqual((type(found["friendly"]), type(found["words"])), (bool, int))

    def test_a_question_beyond_the_window_is_the_callers_to_mend(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            self.openai.chat.completions.create(model=MODEL, messages=say("word " * 4000), max_tokens=16)
        self.assertEqual(caught.exception.code, "context_length_exceeded")

    def test_a_message_and_a_stream_of_one(self):
        message = self.anthropic.messages.create(model=MODEL, max_tokens=16, messages=say("Say hello."))
        with self.anthropic.messages.stream(model=MODEL, max_tokens=16, messages=say("Say hello.")) as stream:
            heard = "".join(stream.text_stream)
            streamed = stream.get_final_message()
        self.assertTrue(heard.strip())
        for one in (message, streamed):
            self.assertEqual([part.type for part in one.content], ["text"])
            self.assertIn(one.stop_reason, ("end_turn", "max_tokens"))
            self.assertTrue(one.usage.input_tokens > 0 and one.usage.output_tokens > 0, one.usage)

    def test_a_response(self):
        answer = self.openai.responses.create(model=MODEL, input="Say hello.", max_output_tokens=16)
        self.assertIn(answer.status, ("completed", "incomplete"))
        self.assertTrue(answer.output_text.strip())


if __name__ == "__main__":
    unittest.main()
