module-assistant = Assistant
assistant-degraded = The language model cannot be reached; this is answered without it.
assistant-limited = The limit for language models is used up; this is answered without one.
assistant-withheld = The rules of your company keep this from the language model; it is answered without it.
assistant-unpriced = There is a budget for language models and this one has no price; it is answered without one.
assistant-stand-in = The usual language model cannot be reached; another one answers.
assistant-left-out = (I left out a statement that I could not find in the data.)
assistant-gone = This answer is no longer available: you may not read everything any more that it was made from.
assistant-ended--internal = Something went wrong on our side.
assistant-ended--deadline = The answer took too long; ask again, or for less at a time.
assistant-ended--interrupted = The program is being stopped; ask again in a moment.
assistant-unknown = I don't know.
assistant-proposed = Please look at the preview and confirm.
assistant-too-many-steps = I could not work this out in the steps that I have. Please ask for one thing at a time.
assistant-opened = There you are.
assistant-index-behind = (Your last change was not in the search index yet; I looked it up directly.)
assistant-about = I answer questions about the records, figures and texts that you may read, and I say where each answer comes from. I prepare changes for you to confirm. I open records, lists and forms. I change nothing by myself.

# What is refused, by its stable reasons.
actions-refused--duplicate = this would probably make a duplicate; say that you want it all the same, or reject the proposal
actions-refused--decided = this proposal was decided already
actions-refused--rejected = this proposal was rejected
actions-refused--expired = this proposal has expired, ask again
actions-refused--executed = this proposal was executed already; undo it instead
actions-refused--not_executed = this proposal was not executed, there is nothing to undo
actions-refused--irreversible = nothing of what this proposal did can be undone
