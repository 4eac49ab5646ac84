// Where the doors are, and what opens them: told by the environment.

const told = (name) => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
};

/** The server's address, without a path. */
export const base = told("STEWARD_TEST_BASE_URL").replace(/\/$/, "");
/** A key that may use all models. */
export const key = told("STEWARD_TEST_MODELS_KEY");
/** A key that may call once in a minute. */
export const limitedKey = told("STEWARD_TEST_LIMITED_KEY");
/** A name for each kind of provider that answers by the script. */
export const MODELS = ["scripted", "scripted-anthropic"];
export const HELLO = "Hello from the script.";

export async function cut() {
  const answer = await fetch(`${told("STEWARD_TEST_UPSTREAM")}/seen`);
  return (await answer.json()).cut;
}

/** Waits until the provider saw that a stream was dropped. */
export async function dropped(before) {
  for (const end = Date.now() + 10_000; Date.now() < end; ) {
    if ((await cut()) > before) return;
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error("the provider was never told that the caller had gone");
}

/** Makes calls until one is refused: a minute can end between two of them, not between three. */
export async function refusal(call) {
  for (let calls = 0; calls < 3; calls += 1) {
    try {
      await call();
    } catch (error) {
      return error;
    }
  }
  throw new Error("three calls within a minute were allowed where one is");
}
