// Anthropic's own client, unchanged, at /v1/messages and /v1/models.

import assert from "node:assert/strict";
import { test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { base, cut, dropped, HELLO, key, limitedKey, MODELS, refusal } from "./place.mjs";

const clientOf = (apiKey) => new Anthropic({ apiKey, baseURL: base, maxRetries: 0, timeout: 30_000 });
const client = clientOf(key);
const max_tokens = 64;
const say = (content) => [{ role: "user", content }];
const tools = [{ name: "weather", description: "The weather in a city.", input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] } }];
const person = { type: "object", properties: { name: { type: "string" }, age: { type: "integer" } }, required: ["name", "age"], additionalProperties: false };
const textOf = (message) => message.content.filter((part) => part.type === "text").map((part) => part.text).join("");
const callsOf = (message) => message.content.filter((part) => part.type === "tool_use");
const is = (kind, status, type, code) => (error) => {
  assert.ok(error instanceof kind, `${error.constructor.name} instead of ${kind.name}: ${error.message}`);
  assert.deepEqual([error.status, error.error?.type, error.error?.error?.type], [status, "error", type]);
  assert.ok(error.error.error.message.includes(code), error.message);
  return true;
};

for (const model of MODELS) {
  test(`${model}: a message in one piece`, async () => {
    const message = await client.messages.create({ model, max_tokens, system: "Be brief.", messages: say("Hello?") });
    assert.deepEqual([message.type, message.role, message.stop_reason, textOf(message)], ["message", "assistant", "end_turn", HELLO]);
    assert.deepEqual([message.usage.input_tokens, message.usage.output_tokens], [9, 4]);
  });

  test(`${model}: the events of a stream, in the order that the protocol asks for`, async () => {
    const events = [];
    for await (const event of await client.messages.create({ model, max_tokens, messages: say("Hello?"), stream: true })) events.push(event);
    const kinds = events.map((event) => event.type).filter((kind) => kind !== "ping");
    assert.deepEqual([...new Set(kinds)], ["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop"]);
    assert.equal(events.filter((event) => event.type === "content_block_delta").map((event) => event.delta.text).join(""), HELLO);
    assert.equal(events.find((event) => event.type === "message_delta").usage.output_tokens, 4);
  });

  test(`${model}: the helper for streams puts the message together`, async () => {
    const stream = client.messages.stream({ model, max_tokens, messages: say("Hello?") });
    let heard = "";
    stream.on("text", (text) => (heard += text));
    const message = await stream.finalMessage();
    assert.deepEqual([heard, textOf(message), message.stop_reason], [HELLO, HELLO, "end_turn"]);
  });

  test(`${model}: two uses of a tool at once, and a message from their results`, async () => {
    const messages = say("How warm is it?");
    const asked = await client.messages.create({ model, max_tokens, messages, tools });
    assert.equal(asked.stop_reason, "tool_use");
    const calls = callsOf(asked);
    assert.deepEqual(calls.map((call) => call.input.city), ["Paris", "Oslo"]);
    assert.equal(new Set(calls.map((call) => call.id)).size, 2);
    const content = calls.map((call, at) => ({ type: "tool_result", tool_use_id: call.id, content: `${18 - 11 * at} degrees` }));
    const told = await client.messages.create({ model, max_tokens, tools, messages: [...messages, { role: "assistant", content: asked.content }, { role: "user", content }] });
    assert.equal(textOf(told), "The tools said: 18 degrees; 7 degrees.");
  });

  test(`${model}: uses of a tool in a stream, put together by the helper`, async () => {
    const message = await client.messages.stream({ model, max_tokens, messages: say("How warm is it?"), tools }).finalMessage();
    assert.deepEqual(callsOf(message).map((call) => [call.name, call.input.city]), [["weather", "Paris"], ["weather", "Oslo"]]);
    assert.equal(message.stop_reason, "tool_use");
  });

  test(`${model}: a message that keeps to a schema`, async () => {
    const message = await client.messages.create({ model, max_tokens, messages: say("Who?"), output_config: { format: { type: "json_schema", schema: person } } });
    assert.deepEqual(JSON.parse(textOf(message)), { name: "Ada", age: 36 });
  });

  test(`${model}: a stream that the caller leaves is dropped at the provider`, async () => {
    const before = await cut();
    const stream = client.messages.stream({ model, max_tokens, messages: say("Please wait for me.") });
    let words = 0;
    for await (const event of stream) {
      words += event.type === "content_block_delta" ? 1 : 0;
      if (words === 3) break;
    }
    assert.equal(words, 3);
    await dropped(before);
  });
}

test("the models are listed in the vendor's form", async () => {
  const found = [];
  for await (const model of client.models.list()) found.push(model);
  for (const name of MODELS) assert.ok(found.some((model) => model.id === name && model.type === "model"), `${name} is missing`);
});

test("each mistake is the exception that the client has for it", async () => {
  const [model, messages] = [MODELS[0], say("Hello?")];
  await assert.rejects(clientOf("sk-nobody").messages.create({ model, max_tokens, messages }), is(Anthropic.AuthenticationError, 401, "authentication_error", "invalid_api_key"));
  await assert.rejects(client.messages.create({ model: "nobody", max_tokens, messages }), is(Anthropic.NotFoundError, 404, "not_found_error", "model_not_found"));
  await assert.rejects(client.messages.create({ model, max_tokens: "many", messages }), is(Anthropic.BadRequestError, 400, "invalid_request_error", "invalid_request"));
  await assert.rejects(client.messages.create({ model, max_tokens, messages: say("too much") }), is(Anthropic.BadRequestError, 400, "invalid_request_error", "context_length"));
  const limited = clientOf(limitedKey);
  assert.ok(is(Anthropic.RateLimitError, 429, "rate_limit_error", "rate_limit_exceeded")(await refusal(() => limited.messages.create({ model, max_tokens, messages }))));
});
