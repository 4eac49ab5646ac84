module-platform = Verwaltung
    .synonyms = Plattform, Einstellungen, Administration

platform-custom_field = Eigenes Feld
    .plural = Eigene Felder
    .description = Ein Feld, das dieser Mandant einer Ressource hinzugefügt hat; es steht in Listen, Formularen, Antworten und der API.
    .synonyms = Zusatzfeld, Zusatzfelder, benutzerdefiniertes Feld, benutzerdefinierte Felder
platform-custom_field--resource = Ressource
platform-custom_field--name = Technischer Name
platform-custom_field--kind = Art
    .synonyms = Typ
platform-custom_field--kind--text = Text
platform-custom_field--kind--long_text = langer Text
platform-custom_field--kind--boolean = ja oder nein
platform-custom_field--kind--integer = ganze Zahl
platform-custom_field--kind--decimal = Dezimalzahl
platform-custom_field--kind--date = Datum
platform-custom_field--kind--choice = Auswahl
platform-custom_field--choices = Auswahl
platform-custom_field--required = Pflichtfeld
    .synonyms = erforderlich
platform-custom_field--label = Bezeichnung
platform-custom_field--label_de = Bezeichnung auf Deutsch
platform-custom_field--position = Reihenfolge
platform-custom_field--custom_field = Eigenes Feld

platform-custom_field-create = Eigenes Feld anlegen
    .description = Fügt einer Ressource ein Feld hinzu. Ein archiviertes mit gleichem Namen und gleicher Art kommt mit seinen Werten zurück.
    .examples = Füge crm.party ein Textfeld color hinzu | Lege ein Auswahlfeld region für sales.order an
platform-custom_field-archive = Eigenes Feld archivieren
    .description = Nimmt das Feld aus Listen, Formularen und Antworten. Seine Werte bleiben gespeichert.
    .examples = Archiviere das Feld color | Entferne das eigene Feld region

platform-command_risk = Einstufung eines Befehls
    .plural = Einstufungen von Befehlen
    .description = Ein Befehl, den dieser Mandant für gefährlicher hält, als sein Modul sagt.
    .synonyms = Risikoklasse, Risikoklassen, Risikoeinstufung
platform-command_risk--command = Befehl
platform-command_risk--risk = Einstufung
    .synonyms = Risiko
platform-command_risk--risk--high = hoch: nichts davon läuft ohne Bestätigung
platform-command_risk--risk--human_only = nur für Menschen: kein Assistent und kein Programm
platform-command_risk--command_risk = Einstufung eines Befehls

platform-command_risk-tighten = Befehl verschärfen
    .description = Stuft einen Befehl in diesem Mandanten strenger ein: als hoch oder nur für Menschen, sodass kein Assistent ihn vorschlagen und kein Programm ihn ausführen darf.
platform-command_risk-relax = Verschärfung aufheben
    .description = Gibt einem Befehl die Einstufung zurück, die sein Modul vorsieht.

platform-settings = Einstellungen
    .plural = Einstellungen
    .description = Zeitzone, Sprache und Geschäftsjahr dieses Mandanten.
    .synonyms = Konfiguration, Mandanteneinstellungen
platform-settings--name = Name
platform-settings--plan = Tarif
platform-settings--time_zone = Zeitzone
platform-settings--language = Sprache
platform-settings--language--en = Englisch
platform-settings--language--de = Deutsch
platform-settings--fiscal_year_month = Erster Monat des Geschäftsjahres
    .synonyms = Geschäftsjahr, Wirtschaftsjahr
platform-settings--settings = Einstellungen
platform-settings--delivery = Zustellung

platform-settings-update = Einstellungen ändern
    .description = Ändert Zeitzone, Sprache oder den ersten Monat des Geschäftsjahres für alle.
    .examples = Setze die Zeitzone auf Europe/Berlin | Das Geschäftsjahr beginnt im April

platform-delivery-retry = Zustellung wiederholen
    .description = Gibt der fehlgeschlagenen Zustellung eines Ereignisses neue Versuche.
    .examples = Wiederhole die Zustellung inventory.on_order_cancelled/1234/2 | Stelle inventory.on_order_cancelled/1234/2 noch einmal zu

platform-report-audit = Protokoll
    .description = Wer was wann durch welche Tür mit welchem Ausgang getan oder versucht hat; die neuesten 500 Einträge.
    .synonyms = Audit, Prüfprotokoll, Änderungsprotokoll
    .examples = Zeige das Protokoll | Was wurde heute verweigert? | Wer hat letzte Woche was getan?
platform-report-audit--from = Von
platform-report-audit--to = Bis
platform-report-audit--at = Wann
platform-report-audit--user = Benutzer
platform-report-audit--command = Befehl
platform-report-audit--outcome = Ausgang
platform-report-audit--outcome--done = erledigt
platform-report-audit--outcome--refused = verweigert
platform-report-audit--outcome--failed = fehlgeschlagen
platform-report-audit--code = Code
platform-report-audit--resource = Ressource
platform-report-audit--record = Datensatz
platform-report-audit--door = Tür
platform-report-audit--nested_in = Teil von
platform-report-audit--correlation = Korrelation

platform-report-deliveries = Fehlgeschlagene Zustellungen
    .description = Ereignisse, die nicht zugestellt werden konnten: solche, die noch versucht werden, und solche, die auf einen Menschen warten.
    .synonyms = fehlgeschlagene Ereignisse, Fehlzustellungen
    .examples = Welche Zustellungen sind fehlgeschlagen? | Zeige die fehlgeschlagenen Zustellungen
platform-report-deliveries--dead = Wartet auf einen Menschen
platform-report-deliveries--delivery = Zustellung
platform-report-deliveries--event = Ereignis
platform-report-deliveries--code = Code
platform-report-deliveries--attempts = Versuche
platform-report-deliveries--failed_at = Fehlgeschlagen
platform-report-deliveries--next_attempt_at = Nächster Versuch
platform-report-deliveries--dead_at = Aufgegeben

# Was das Modul ablehnt, nach seinen festen Gründen.
platform-refused--archived = Das Feld ist schon archiviert.
platform-refused--name_taken--field = Dieses Feld gibt es dort schon.
platform-refused--name_taken--archived = Ein Feld dieses Namens von der Art { $kind } wurde archiviert, und seine Werte sind noch da.
platform-refused--not_tighter = { $command } ist schon in dieser oder einer strengeren Klasse: eine Klasse kann nur verschärft, nie gelockert werden.
platform-refused--same_class = Der Befehl hat diese Klasse schon.
