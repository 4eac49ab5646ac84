# Wörter, die alle Module teilen. Eine eigene Nachricht des Moduls geht vor.

# Felder, die jede Ressource hat.
kernel--id = ID
    .synonyms = Kennung, Schlüssel
kernel--version = Version
    .synonyms = Fassung
kernel--created_at = Erstellt
    .synonyms = angelegt, erfasst, Erstellungsdatum
kernel--updated_at = Geändert
    .synonyms = letzte Änderung, aktualisiert, bearbeitet
kernel--archived_at = Archiviert am
kernel--archived = Archiviert
    .synonyms = gelöscht, entfernt, inaktiv
kernel--custom = Eigene Felder
    .synonyms = Zusatzfelder
kernel--count = Anzahl
    .synonyms = wie viele, wieviele, Zahl
kernel--allow_duplicate = Dublette zulassen
    .synonyms = trotzdem anlegen

# Wer und wo.
kernel--owner = Zuständig
    .synonyms = Verantwortlicher, Verantwortliche, Besitzer, Bearbeiter
kernel--company = Gesellschaft
    .synonyms = Firma, Buchungskreis
kernel--department = Abteilung
    .synonyms = Bereich
kernel--user = Benutzer
    .synonyms = Anwender, Person
kernel--role = Rolle
kernel--team = Team
kernel--contact = Kontakt
    .synonyms = Ansprechpartner, Ansprechpartnerin
kernel--customer = Kunde
    .synonyms = Kundin, Abnehmer
kernel--supplier = Lieferant
    .synonyms = Lieferantin, Zulieferer

# Was ein Datensatz von sich sagt.
kernel--name = Name
    .synonyms = Bezeichnung
kernel--title = Titel
kernel--code = Kürzel
    .synonyms = Code
kernel--number = Nummer
    .synonyms = Nr.
kernel--kind = Art
    .synonyms = Typ
kernel--type = Typ
    .synonyms = Art
kernel--status = Status
    .synonyms = Zustand, Stand
kernel--category = Kategorie
    .synonyms = Gruppe, Warengruppe
kernel--description = Beschreibung
kernel--note = Notiz
    .synonyms = Bemerkung, Kommentar, Anmerkung
kernel--text = Text
kernel--label = Bezeichnung
kernel--reason = Grund
    .synonyms = weil, Begründung
kernel--reference = Referenz
    .synonyms = Verweis, Zeichen
kernel--position = Position
    .synonyms = Reihenfolge
kernel--active = Aktiv
    .synonyms = eingeschaltet
kernel--enabled = Eingeschaltet
    .synonyms = an
kernel--priority = Priorität
    .synonyms = Dringlichkeit
kernel--tags = Schlagwörter
kernel--synonyms = Synonyme
kernel--language = Sprache
kernel--time_zone = Zeitzone
kernel--lines = Positionen
    .synonyms = Zeilen
kernel--line = Position
    .synonyms = Zeile
kernel--resource = Ressource
    .synonyms = Datensatzart
kernel--command = Befehl
    .synonyms = Aktion
kernel--source = Quelle
    .synonyms = Herkunft
kernel--external_id = Externe ID
    .synonyms = Fremdschlüssel

# Wo jemand wohnt und wie er zu erreichen ist.
kernel--email = E-Mail
    .synonyms = Mail, E-Mail-Adresse, Mailadresse
kernel--phone = Telefon
    .synonyms = Telefonnummer, Rufnummer
kernel--fax = Fax
    .synonyms = Faxnummer
kernel--website = Webseite
    .synonyms = Homepage, Internetseite
kernel--address = Adresse
    .synonyms = Anschrift
kernel--street = Straße
kernel--postal_code = Postleitzahl
    .synonyms = PLZ
kernel--city = Ort
    .synonyms = Stadt
kernel--region = Region
    .synonyms = Bundesland
kernel--country = Land
    .synonyms = Staat

# Beträge.
kernel--amount = Betrag
    .synonyms = Summe
kernel--price = Preis
kernel--unit_price = Einzelpreis
    .synonyms = Stückpreis
kernel--currency = Währung
kernel--quantity = Menge
    .synonyms = Stück, Stückzahl
kernel--unit = Einheit
    .synonyms = Mengeneinheit
kernel--total = Summe
    .synonyms = Gesamtbetrag
kernel--net = Netto
kernel--tax = Steuer
    .synonyms = Umsatzsteuer, Mehrwertsteuer
kernel--discount = Rabatt
    .synonyms = Nachlass
kernel--rate = Satz
    .synonyms = Kurs
kernel--share = Anteil
    .synonyms = Prozent

# Zeiten.
kernel--date = Datum
    .synonyms = Tag
kernel--day = Tag
kernel--week = Woche
kernel--month = Monat
kernel--quarter = Quartal
kernel--year = Jahr
kernel--from = Von
    .synonyms = ab, seit
kernel--to = Bis
kernel--valid_from = Gültig ab
kernel--valid_to = Gültig bis
kernel--due_date = Fällig am
    .synonyms = fällig, Fälligkeit
kernel--as_of = Stichtag
    .synonyms = zum
kernel--started_at = Begonnen
kernel--finished_at = Beendet
kernel--expires_at = Läuft ab
    .synonyms = Ablauf

# Antworten und Zustände, die in eigenen Sätzen stehen.
kernel-yes = ja
kernel-no = nein
kernel-none = keine
kernel-unknown = unbekannt
kernel-system = System

# Weiten eines Rechts.
kernel-scope--own = eigene Datensätze
kernel-scope--team = eigene und Team
kernel-scope--department = Abteilung
kernel-scope--company = Gesellschaft
kernel-scope--tenant = alles

# Türen, durch die eine Anfrage kommt.
kernel-door--rest = API
kernel-door--screen = Oberfläche
kernel-door--assistant = Assistent
kernel-door--import = Import
kernel-door--job = Hintergrundaufgabe
kernel-door--cli = Befehlszeile

# Wie ein Befehl endete und was dabei schiefgehen kann.
kernel-outcome--done = ausgeführt
kernel-outcome--refused = abgelehnt
kernel-outcome--failed = fehlgeschlagen
kernel-risk--low = geringes Risiko
kernel-risk--high = hohes Risiko
kernel-risk--human_only = nur durch einen Menschen

# Was mit einer Zeile geschah.
kernel-operation--i = angelegt
kernel-operation--u = geändert
kernel-operation--d = gelöscht

# Vergleiche der Filter.
kernel-op--eq = ist
kernel-op--ne = ist nicht
kernel-op--lt = kleiner als
kernel-op--lte = höchstens
kernel-op--gt = größer als
kernel-op--gte = mindestens
kernel-op--in = eines von
kernel-op--starts = beginnt mit
kernel-op--null = ist leer

# Zeiträume, von heute aus benannt.
kernel-period--today = heute
kernel-period--yesterday = gestern
kernel-period--tomorrow = morgen
kernel-period--this_week = diese Woche
kernel-period--last_week = letzte Woche
kernel-period--next_week = nächste Woche
kernel-period--this_month = dieser Monat
kernel-period--last_month = letzter Monat
kernel-period--next_month = nächster Monat
kernel-period--this_quarter = dieses Quartal
kernel-period--last_quarter = letztes Quartal
kernel-period--next_quarter = nächstes Quartal
kernel-period--this_year = dieses Jahr
kernel-period--last_year = letztes Jahr
kernel-period--next_year = nächstes Jahr
kernel-period--month_to_date = laufender Monat bis heute
kernel-period--year_to_date = laufendes Jahr bis heute

# Die festen Codes der Fehler, als Überschrift.
kernel-error--invalid_input = Die Eingabe ist nicht gültig
kernel-error--bad_request = Die Anfrage ist nicht lesbar
kernel-error--unauthenticated = Bitte melden Sie sich an
kernel-error--forbidden = Dazu fehlt Ihnen das Recht
kernel-error--not_entitled = Nicht Teil Ihres Vertrags
kernel-error--not_found = Nicht gefunden
kernel-error--unknown_name = Das gibt es nicht
kernel-error--conflict = Der Zustand des Datensatzes lässt das nicht zu
kernel-error--duplicate = Einen solchen Datensatz gibt es schon
kernel-error--idempotency_mismatch = Derselbe Schlüssel wurde für etwas anderes verwendet
kernel-error--version_mismatch = Der Datensatz wurde inzwischen geändert
kernel-error--confirmation_required = Das muss ein Mensch bestätigen
kernel-error--interactive_session_required = Das darf nur ein angemeldeter Mensch tun
kernel-error--too_large = Zu groß
kernel-error--rate_limited = Zu viele Anfragen
kernel-error--busy = Ausgelastet, bitte noch einmal versuchen
kernel-error--moved = Wird gerade umgezogen, bitte noch einmal versuchen
kernel-error--internal = Bei uns ist etwas schiefgegangen

# Was das Modul ablehnt, nach seinen festen Gründen.
kernel-warning-would_fail = { $name } würde scheitern ({ $reason })
kernel-refused--already_undone = Das wurde schon rückgängig gemacht.
kernel-refused--changed_since = Der Datensatz wurde seither geändert; das Rückgängigmachen würde das überschreiben.
kernel-refused--effects_changed = Was das bewirken würde, hat sich seit der Vorschau geändert; sehen Sie es noch einmal an.
kernel-refused--foreign_company = Dafür wäre ein Datensatz einer anderen Firma als der des Belegs nötig.
kernel-refused--out_of_scope--create = Sie dürfen diesen Datensatz nicht für den Bereich anderer anlegen.
kernel-refused--out_of_scope--area = Das liegt außerhalb des Bereichs, den Sie verwalten.
kernel-refused--external_id_taken = Eine externe Kennung wurde schon übernommen.
actions-refused--human_only = Das kann nur ein Mensch in den Masken tun.
