module-assistant = Assistant
assistant-degraded = The language model cannot be reached; this is answered without it.
assistant-stand-in = The usual language model cannot be reached; another one answers.
assistant-left-out = (I left out a statement that I could not find in the data.)
assistant-gone = This answer is no longer available: you may not read everything any more that it was made from.
assistant-unknown = I don't know.
assistant-proposed = Please look at the preview and confirm.
assistant-too-many-steps = I could not work this out in the steps that I have. Please ask for one thing at a time.
