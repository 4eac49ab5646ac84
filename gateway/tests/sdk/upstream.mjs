// A provider that plays by a script, in OpenAI's format and in Anthropic's: what it says follows from what it is asked.
//
//   with tools, before their results     two calls of the first tool at once, for Paris and for Oslo
//   after results of tools               "The tools said: …", with all results
//   with a schema to keep to             {"name":"Ada","age":36}
//   "wait for me"                        words without an end, until the caller goes away
//   "too much"                           400, as for a question that is longer than the window
//   anything else                        "Hello from the script."
//
// GET /seen tells what it saw: {"cut": streams that were dropped by the caller, "asked": requests}. Started with a port; says
// "ready" once it listens.

import http from "node:http";
import { setTimeout as wait } from "node:timers/promises";

const seen = { cut: 0, asked: 0 };
const HELLO = ["Hello ", "from ", "the ", "script."];
const CITIES = ["Paris", "Oslo"];
const VECTORS = [[0.25, -0.5, 1], [1, 0.5, -0.25]];

/** What a request asks for, whatever it is written in. */
function plan(texts, results, tool, schema) {
  const last = texts.at(-1) ?? "";
  if (results.length) return { words: [`The tools said: ${results.join("; ")}.`] };
  if (tool) return { calls: CITIES.map((city, at) => ({ id: `call_${at + 1}`, name: tool, input: { city } })) };
  if (schema) return { words: ['{"name":"Ada",', '"age":36}'] };
  if (last.includes("wait for me")) return { endless: true };
  if (last.includes("too much")) return { tooLong: true };
  return { words: HELLO };
}

const textOf = (content) => (typeof content === "string" ? content : (content ?? []).map((part) => part.text ?? "").join(""));

async function* endless() {
  for (;;) {
    yield "and ";
    await wait(20);
  }
}

/** Sends events until they end or the caller goes away. */
async function send(response, events) {
  response.writeHead(200, { "content-type": "text/event-stream" });
  let gone = false;
  response.on("close", () => (gone = !response.writableFinished));
  for await (const event of events) {
    if (gone) break;
    response.write(event);
  }
  if (gone) seen.cut += 1;
  response.end();
}

function reply(response, status, body) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

function chat(request, response) {
  const of = (role) => request.messages.filter((message) => message.role === role).map((message) => textOf(message.content));
  const since = request.messages.slice(request.messages.findLastIndex((message) => message.role === "user"));
  const results = since.filter((message) => message.role === "tool").map((message) => textOf(message.content));
  const { words, calls, endless: runs, tooLong } = plan(of("user"), results, request.tools?.[0]?.function.name, request.response_format?.json_schema);
  if (tooLong) {
    const error = { message: "This model's maximum context length is 10 tokens.", type: "invalid_request_error", param: "messages", code: "context_length_exceeded" };
    return reply(response, 400, { error });
  }
  const head = { id: "chatcmpl-script", created: 1767225600, model: request.model };
  const usage = { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 };
  const toolCalls = calls?.map(({ id, name, input }) => ({ id, type: "function", function: { name, arguments: JSON.stringify(input) } }));
  const end = calls ? "tool_calls" : "stop";
  if (!request.stream) {
    const message = { role: "assistant", content: words?.join("") ?? null, ...(calls && { tool_calls: toolCalls }) };
    return reply(response, 200, { ...head, object: "chat.completion", choices: [{ index: 0, message, finish_reason: end }], usage });
  }
  const event = (body) => `data: ${JSON.stringify({ ...head, object: "chat.completion.chunk", ...body })}\n\n`;
  const delta = (delta, finish_reason = null) => event({ choices: [{ index: 0, delta, finish_reason }] });
  async function* events() {
    yield delta({ role: "assistant", content: "" });
    for await (const word of runs ? endless() : (words ?? [])) yield delta({ content: word });
    for (const [index, call] of (toolCalls ?? []).entries()) {
      const text = call.function.arguments;
      yield delta({ tool_calls: [{ index, ...call, function: { name: call.function.name, arguments: "" } }] });
      for (const part of [text.slice(0, 5), text.slice(5)]) yield delta({ tool_calls: [{ index, function: { arguments: part } }] });
    }
    yield delta({}, end);
    if (request.stream_options?.include_usage) yield event({ choices: [], usage });
    yield "data: [DONE]\n\n";
  }
  return send(response, events());
}

function messages(request, response) {
  const parts = (message) => (typeof message.content === "string" ? [{ type: "text", text: message.content }] : message.content);
  const users = request.messages.filter((message) => message.role === "user");
  const results = parts(users.at(-1)).filter((part) => part.type === "tool_result").map((part) => textOf(part.content));
  const { words, calls, endless: runs, tooLong } = plan(users.map((message) => textOf(message.content)), results, request.tools?.[0]?.name, request.output_config?.format?.schema);
  if (tooLong) {
    return reply(response, 400, { type: "error", error: { type: "invalid_request_error", message: "prompt is too long: 20 tokens > 10 maximum" } });
  }
  const [stop_reason, usage] = [calls ? "tool_use" : "end_turn", { input_tokens: 9, output_tokens: 4 }];
  const head = { id: "msg_script", type: "message", role: "assistant", model: request.model, stop_sequence: null };
  if (!request.stream) {
    const content = calls?.map((call) => ({ type: "tool_use", ...call })) ?? [{ type: "text", text: words.join("") }];
    return reply(response, 200, { ...head, content, stop_reason, usage });
  }
  const event = (body) => `event: ${body.type}\ndata: ${JSON.stringify(body)}\n\n`;
  async function* events() {
    yield event({ type: "message_start", message: { ...head, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } } });
    yield event({ type: "ping" });
    for (const [index, call] of (calls ?? []).entries()) {
      const text = JSON.stringify(call.input);
      yield event({ type: "content_block_start", index, content_block: { type: "tool_use", ...call, input: {} } });
      for (const part of [text.slice(0, 5), text.slice(5)]) yield event({ type: "content_block_delta", index, delta: { type: "input_json_delta", partial_json: part } });
      yield event({ type: "content_block_stop", index });
    }
    if (!calls) {
      yield event({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } });
      for await (const text of runs ? endless() : words) yield event({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } });
      yield event({ type: "content_block_stop", index: 0 });
    }
    yield event({ type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 4 } });
    yield event({ type: "message_stop" });
  }
  return send(response, events());
}

function embeddings(request, response) {
  const inputs = Array.isArray(request.input) ? request.input : [request.input];
  const write = (vector) => (request.encoding_format === "base64" ? Buffer.from(new Float32Array(vector).buffer).toString("base64") : vector);
  const data = inputs.map((_, index) => ({ object: "embedding", index, embedding: write(VECTORS[index % VECTORS.length]) }));
  reply(response, 200, { object: "list", data, model: request.model, usage: { prompt_tokens: 5, total_tokens: 5 } });
}

const ROUTES = { "/v1/chat/completions": chat, "/v1/messages": messages, "/v1/embeddings": embeddings };

const server = http.createServer(async (request, response) => {
  const path = request.url.split("?")[0];
  if (path === "/seen") return reply(response, 200, seen);
  const route = ROUTES[path];
  if (!route) return reply(response, 404, { error: { message: `there is no ${path}`, type: "invalid_request_error" } });
  seen.asked += 1;
  let text = "";
  for await (const chunk of request) text += chunk;
  return route(JSON.parse(text), response);
});
server.listen(Number(process.argv[2]), "127.0.0.1", () => console.log("ready"));
