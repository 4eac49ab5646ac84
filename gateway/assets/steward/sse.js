// Server-sent events over fetch: a question is a POST, which EventSource cannot send.

/** Reads the events of a response and calls `take(id, name, data)` for each, and `note(text)` for each comment. */
export async function readEvents(response, take, note) {
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let event = { id: "", name: "message", data: [] };
  for (;;) {
    const { done, value } = await reader.read();
    rest += done ? decoder.decode() : decoder.decode(value, { stream: true });
    const lines = rest.split(/\r\n|\n|\r/);
    rest = done ? "" : lines.pop();
    for (const line of lines) {
      if (line === "") {
        if (event.data.length > 0) take(event.id, event.name, event.data.join("\n"));
        event = { id: event.id, name: "message", data: [] };
        continue;
      }
      const colon = line.indexOf(":");
      if (colon === 0) {
        note?.(line.slice(1).trim());
        continue;
      }
      const field = colon < 0 ? line : line.slice(0, colon);
      const text = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "id") event.id = text;
      else if (field === "event") event.name = text;
      else if (field === "data") event.data.push(text);
    }
    if (done) return;
  }
}
