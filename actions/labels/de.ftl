module-assistant = Assistent
assistant-degraded = Das Sprachmodell ist nicht erreichbar; diese Antwort kommt ohne es aus.
assistant-limited = Das Kontingent für Sprachmodelle ist aufgebraucht; diese Antwort kommt ohne Sprachmodell aus.
assistant-withheld = Die Regeln Ihres Unternehmens halten dies vom Sprachmodell fern; diese Antwort kommt ohne es aus.
assistant-unpriced = Für Sprachmodelle gilt ein Budget, und dieses Modell hat keinen Preis; diese Antwort kommt ohne Sprachmodell aus.
assistant-stand-in = Das übliche Sprachmodell ist nicht erreichbar; ein anderes antwortet.
assistant-left-out = (Eine Aussage, die ich in den Daten nicht gefunden habe, habe ich weggelassen.)
assistant-gone = Diese Antwort ist nicht mehr verfügbar: Sie dürfen nicht mehr alles lesen, woraus sie entstanden ist.
assistant-ended--internal = Bei uns ist etwas schiefgegangen.
assistant-ended--deadline = Die Antwort hat zu lange gedauert; fragen Sie noch einmal, oder nach weniger auf einmal.
assistant-ended--interrupted = Das Programm wird gerade beendet; fragen Sie gleich noch einmal.
assistant-unknown = Das weiß ich nicht.
assistant-proposed = Bitte die Vorschau ansehen und bestätigen.
assistant-too-many-steps = Das konnte ich in den Schritten, die ich habe, nicht klären. Bitte frage nach einer Sache.
assistant-opened = Bitte sehr.
assistant-index-behind = (Deine letzte Änderung stand noch nicht im Suchindex; ich habe sie unmittelbar nachgesehen.)
assistant-about = Ich beantworte Fragen zu den Datensätzen, Zahlen und Texten, die du lesen darfst, und sage, woher jede Antwort kommt. Ich bereite Änderungen vor, die du bestätigst. Ich öffne Datensätze, Listen und Formulare. Von selbst ändere ich nichts.

# What is refused, by its stable reasons.
actions-refused--duplicate = Das ergäbe wahrscheinlich eine Dublette; sagen Sie, dass Sie es trotzdem wollen, oder lehnen Sie den Vorschlag ab.
actions-refused--decided = Über diesen Vorschlag wurde schon entschieden.
actions-refused--rejected = Dieser Vorschlag wurde abgelehnt.
actions-refused--expired = Dieser Vorschlag ist abgelaufen; fragen Sie noch einmal.
actions-refused--executed = Dieser Vorschlag wurde schon ausgeführt; machen Sie ihn stattdessen rückgängig.
actions-refused--not_executed = Dieser Vorschlag wurde nicht ausgeführt; es gibt nichts rückgängig zu machen.
actions-refused--irreversible = Nichts von dem, was dieser Vorschlag getan hat, lässt sich rückgängig machen.
