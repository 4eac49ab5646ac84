module-assistant = Assistent
assistant-degraded = Das Sprachmodell ist nicht erreichbar; diese Antwort kommt ohne es aus.
assistant-stand-in = Das übliche Sprachmodell ist nicht erreichbar; ein anderes antwortet.
assistant-left-out = (Eine Aussage, die ich in den Daten nicht gefunden habe, habe ich weggelassen.)
assistant-gone = Diese Antwort ist nicht mehr verfügbar: Sie dürfen nicht mehr alles lesen, woraus sie entstanden ist.
assistant-unknown = Das weiß ich nicht.
assistant-proposed = Bitte die Vorschau ansehen und bestätigen.
assistant-too-many-steps = Das konnte ich in den Schritten, die ich habe, nicht klären. Bitte frage nach einer Sache.
