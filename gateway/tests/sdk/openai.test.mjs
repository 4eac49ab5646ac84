// OpenAI's own client, unchanged, at /v1/chat/completions, /v1/responses, /v1/embeddings and /v1/models.

import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { base, cut, dropped, HELLO, key, limitedKey, MODELS, refusal } from "./place.mjs";

// Retries are the client's own; what is tested is the first answer.
const clientOf = (apiKey) => new OpenAI({ apiKey, baseURL: `${base}/v1`, maxRetries: 0, timeout: 30_000 });
const client = clientOf(key);
const say = (content) => [{ role: "user", content }];
const weather = { type: "function", function: { name: "weather", description: "The weather in a city.", parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] } } };
const person = { type: "object", properties: { name: { type: "string" }, age: { type: "integer" } }, required: ["name", "age"], additionalProperties: false };
const cities = (calls) => calls.map((call) => JSON.parse(call.arguments ?? call.function.arguments).city);
const is = (kind, status, code) => (error) => {
  assert.ok(error instanceof kind, `${error.constructor.name} instead of ${kind.name}: ${error.message}`);
  assert.deepEqual([error.status, error.code], [status, code]);
  assert.ok(error.message.length > 10, error.message);
  return true;
};

for (const model of MODELS) {
  test(`${model}: an answer in one piece`, async () => {
    const answer = await client.chat.completions.create({ model, messages: say("Hello?") });
    assert.equal(answer.choices[0].message.content, HELLO);
    assert.equal(answer.choices[0].finish_reason, "stop");
    assert.deepEqual([answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens], [9, 4, 13]);
  });

  test(`${model}: a stream, with usage only where it is asked for`, async () => {
    for (const include_usage of [true, false]) {
      const chunks = [];
      const stream = await client.chat.completions.create({ model, messages: say("Hello?"), stream: true, stream_options: { include_usage } });
      for await (const chunk of stream) chunks.push(chunk);
      assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta?.content ?? "").join(""), HELLO);
      assert.equal(chunks.filter((chunk) => chunk.choices[0]?.finish_reason === "stop").length, 1);
      assert.deepEqual(chunks.map((chunk) => chunk.usage?.total_tokens).filter(Boolean), include_usage ? [13] : []);
    }
  });

  test(`${model}: two calls of a tool at once, and an answer from their results`, async () => {
    const messages = say("How warm is it?");
    const asked = await client.chat.completions.create({ model, messages, tools: [weather], parallel_tool_calls: true });
    const { message, finish_reason } = asked.choices[0];
    assert.equal(finish_reason, "tool_calls");
    assert.deepEqual(cities(message.tool_calls), ["Paris", "Oslo"]);
    assert.equal(new Set(message.tool_calls.map((call) => call.id)).size, 2);
    const results = message.tool_calls.map((call, at) => ({ role: "tool", tool_call_id: call.id, content: `${18 - 11 * at} degrees` }));
    const told = await client.chat.completions.create({ model, messages: [...messages, message, ...results], tools: [weather] });
    assert.equal(told.choices[0].message.content, "The tools said: 18 degrees; 7 degrees.");
  });

  test(`${model}: calls of a tool in a stream, put together by the client`, async () => {
    const stream = client.chat.completions.stream({ model, messages: say("How warm is it?"), tools: [weather] });
    const { message, finish_reason } = (await stream.finalChatCompletion()).choices[0];
    assert.equal(finish_reason, "tool_calls");
    assert.deepEqual(cities(message.tool_calls), ["Paris", "Oslo"]);
  });

  test(`${model}: an answer that keeps to a schema`, async () => {
    const response_format = { type: "json_schema", json_schema: { name: "person", strict: true, schema: person } };
    const answer = await client.chat.completions.parse({ model, messages: say("Who?"), response_format });
    assert.deepEqual(JSON.parse(answer.choices[0].message.content), { name: "Ada", age: 36 });
  });

  test(`${model}: what the provider refuses is the caller's to mend`, async () => {
    await assert.rejects(client.chat.completions.create({ model, messages: say("too much") }), (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError, `${error}`);
      assert.equal(error.code, "context_length_exceeded");
      return true;
    });
  });

  test(`${model}: a stream that the caller leaves is dropped at the provider`, async () => {
    const before = await cut();
    const stream = await client.chat.completions.create({ model, messages: say("Please wait for me."), stream: true });
    let words = 0;
    for await (const chunk of stream) {
      words += chunk.choices[0]?.delta?.content ? 1 : 0;
      if (words === 3) break;
    }
    assert.equal(words, 3);
    await dropped(before);
  });

  test(`${model}: a response, in one piece and as a stream`, async () => {
    const whole = await client.responses.create({ model, input: "Hello?", instructions: "Be brief." });
    assert.deepEqual([whole.object, whole.status, whole.output_text], ["response", "completed", HELLO]);
    assert.deepEqual([whole.usage.input_tokens, whole.usage.output_tokens], [9, 4]);
    const events = [];
    for await (const event of await client.responses.create({ model, input: "Hello?", stream: true })) events.push(event);
    assert.equal(events[0].type, "response.created");
    assert.equal(events.filter((event) => event.type === "response.output_text.delta").map((event) => event.delta).join(""), HELLO);
    const last = events.at(-1);
    assert.deepEqual([last.type, last.response.status], ["response.completed", "completed"]);
    assert.equal(last.response.output.flatMap((item) => item.content ?? []).map((part) => part.text).join(""), HELLO);
    assert.deepEqual(events.map((event) => event.sequence_number), events.map((_, at) => at));
  });

  test(`${model}: a response that calls tools and goes on from their results`, async () => {
    const tools = [{ type: "function", name: "weather", description: "The weather in a city.", strict: false, parameters: weather.function.parameters }];
    const input = say("How warm is it?");
    const asked = await client.responses.create({ model, input, tools });
    const calls = asked.output.filter((item) => item.type === "function_call");
    assert.deepEqual(cities(calls), ["Paris", "Oslo"]);
    const results = calls.map((call, at) => ({ type: "function_call_output", call_id: call.call_id, output: `${18 - 11 * at} degrees` }));
    const told = await client.responses.create({ model, input: [...input, ...calls, ...results], tools });
    assert.equal(told.output_text, "The tools said: 18 degrees; 7 degrees.");
  });

  test(`${model}: a response that keeps to a schema`, async () => {
    const text = { format: { type: "json_schema", name: "person", strict: true, schema: person } };
    const answer = await client.responses.parse({ model, input: "Who?", text });
    assert.deepEqual(answer.output_parsed, { name: "Ada", age: 36 });
  });
}

test("who sets no bound for an answer is answered by a model that gives only short ones", async () => {
  const answer = await client.chat.completions.create({ model: "scripted-brief", messages: say("Hello?") });
  assert.equal(answer.choices[0].message.content, HELLO);
});

test("vectors come as numbers and as the client prefers them", async () => {
  const input = ["one", "two"];
  for (const rest of [{}, { encoding_format: "float" }]) {
    const answer = await client.embeddings.create({ model: "scripted-vectors", input, ...rest });
    assert.deepEqual(answer.data.map((one) => [...one.embedding]), [[0.25, -0.5, 1], [1, 0.5, -0.25]]);
    assert.deepEqual(answer.data.map((one) => one.index), [0, 1]);
    assert.equal(answer.usage.prompt_tokens, 5);
  }
});

test("the models are listed, and one that is not there is not found", async () => {
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  for (const name of [...MODELS, "scripted-vectors"]) assert.ok(names.includes(name), `${name} is missing in ${names}`);
  assert.equal((await client.models.retrieve(MODELS[0])).object, "model");
  await assert.rejects(client.models.retrieve("nobody"), is(OpenAI.NotFoundError, 404, "model_not_found"));
});

test("each mistake is the exception that the client has for it", async () => {
  const [model, messages] = [MODELS[0], say("Hello?")];
  await assert.rejects(clientOf("sk-nobody").chat.completions.create({ model, messages }), is(OpenAI.AuthenticationError, 401, "invalid_api_key"));
  await assert.rejects(client.chat.completions.create({ model: "nobody", messages }), is(OpenAI.NotFoundError, 404, "model_not_found"));
  await assert.rejects(client.chat.completions.create({ model: "nobody", messages, stream: true }), is(OpenAI.NotFoundError, 404, "model_not_found"));
  await assert.rejects(client.chat.completions.create({ model, messages, temperature: "hot" }), is(OpenAI.BadRequestError, 400, "invalid_request"));
  await assert.rejects(client.responses.create({ model: "nobody", input: "Hello?" }), is(OpenAI.NotFoundError, 404, "model_not_found"));
  await assert.rejects(client.embeddings.create({ model: "nobody", input: "one" }), is(OpenAI.NotFoundError, 404, "model_not_found"));
  const limited = clientOf(limitedKey);
  assert.ok(is(OpenAI.RateLimitError, 429, "rate_limit_exceeded")(await refusal(() => limited.chat.completions.create({ model, messages }))));
});
