# Verkauf: Aufträge, ihre Positionen, und was Kunden bestellt haben.
module-sales = Verkauf
role-sales-representative = Verkäufer
role-sales-manager = Verkaufsleitung
role-warehouse = Lager

sales-order = Auftrag
    .plural = Aufträge
    .description = Ein Auftrag eines Kunden, vom Entwurf bis zum Abschluss.
    .synonyms = Bestellung, Bestellungen, Kundenauftrag, Kundenaufträge, Verkaufsauftrag, Verkaufsaufträge, Order, Angebot, Angebote, Aufträgen, Auftrags
sales-order--order = Auftrag
    .synonyms = Bestellung, Angebot
sales-order--number = Nummer
    .synonyms = Auftragsnummer, Bestellnummer, Nr.
sales-order--customer = Kunde
    .synonyms = Kunden, Kundin, Abnehmer, Käufer, Auftraggeber
sales-order--status = Status
    .synonyms = Zustand, Stand
sales-order--status--draft = Entwurf
sales-order--status--quotation = Angebot
sales-order--status--confirmed = bestätigt
sales-order--status--processing = in Arbeit
sales-order--status--done = erledigt
sales-order--status--cancelled = storniert
sales-order--order_date = Auftragsdatum
    .synonyms = Bestelldatum, bestellt, bestellt am, Datum, aufgegeben
sales-order--required_date = Wunschtermin
    .synonyms = Liefertermin, benötigt bis, gewünscht bis, fällig, Termin
sales-order--shipped_date = Versanddatum
    .synonyms = versandt, versendet, verschickt, geliefert am, Lieferdatum, ausgeliefert
sales-order--completed_date = Abschlussdatum
    .synonyms = abgeschlossen am, erledigt am
sales-order--confirmed_at = Bestätigt am
    .synonyms = Bestätigungsdatum
sales-order--net_total = Nettosumme
    .synonyms = Summe, Wert, Auftragswert, Betrag, Nettobetrag, Gesamtwert
    .description = Die Summe der Positionen nach Rabatt, ohne Fracht und Steuern.
sales-order--currency = Währung
sales-order--freight = Fracht
    .synonyms = Frachtkosten, Versandkosten, Porto
sales-order--line_count = Anzahl Positionen
    .synonyms = Positionen, Zeilen
sales-order--backordered = Im Rückstand
    .synonyms = wartet auf Ware, Lieferrückstand
    .description = Mindestens eine Position wartet auf Ware.
sales-order--owner = Zuständig
    .synonyms = Verkäufer, Verkäuferin, Vertreter, Vertriebsmitarbeiter, Mitarbeiter, Mitarbeiterin, Verantwortlicher, verkauft von, Bearbeiter, betreut, bearbeitet von, bearbeitet
sales-order--department = Abteilung
sales-order--company = Gesellschaft
sales-order--reference = Zeichen des Kunden
    .synonyms = Referenz, Kundenreferenz, Bestellzeichen, Bestellnummer des Kunden
sales-order--ship_via = Versandart
    .synonyms = Spediteur, Spediteure, Versender, Frachtführer, versandt mit
sales-order--ship_name = Lieferung an
    .synonyms = Empfänger, Warenempfänger
sales-order--ship_street = Lieferstraße
    .synonyms = Lieferadresse, Lieferanschrift
sales-order--ship_city = Lieferort
    .synonyms = Lieferstadt
sales-order--ship_region = Lieferregion
sales-order--ship_postal_code = Lieferpostleitzahl
    .synonyms = Liefer-PLZ
sales-order--ship_country = Lieferland
    .synonyms = Zielland, Bestimmungsland, Empfängerland
sales-order--note = Notiz
    .synonyms = Bemerkung, Kommentar
sales-order--cancel_reason = Stornogrund
    .synonyms = Grund der Stornierung
sales-order-measure--count = Aufträge
    .synonyms = Anzahl Aufträge, Anzahl der Aufträge, wie viele Aufträge, Auftragszahl, bestellt
sales-order-measure--revenue = Umsatz
    .synonyms = Umsätze, Erlös, Erlöse, Umsatzerlöse, Einnahmen, Verkäufe, Auftragsvolumen, verkauft, verkaufen, eingenommen, ausgegeben, eingebracht, gebracht, erzielt, gekauft, bestellt
    .description = Nettosummen der Aufträge, die bestätigt, in Arbeit oder erledigt sind, nach Auftragsdatum, ohne Fracht.
sales-order-measure--average_order_value = Durchschnittlicher Auftragswert
    .synonyms = mittlerer Auftragswert, Durchschnittsauftrag, durchschnittliche Bestellung, Durchschnittswert
    .description = Die mittlere Nettosumme der Aufträge, die bestätigt, in Arbeit oder erledigt sind.
sales-order-measure--freight = Fracht
    .synonyms = Frachtkosten, Versandkosten, Porto
    .description = Fracht der Aufträge, die bestätigt, in Arbeit oder erledigt sind, nach Auftragsdatum.
sales-order-measure--open_orders = Offene Aufträge
    .synonyms = offene Bestellungen, Anzahl offener Aufträge, wie viele offene Aufträge
    .description = Aufträge, die bestätigt oder in Arbeit sind.
sales-order-measure--open_value = Wert der offenen Aufträge
    .synonyms = offener Wert, offener Auftragswert, Auftragsbestand
    .description = Nettosummen der Aufträge, die bestätigt oder in Arbeit sind.
sales-order-measure--earliest_required = Frühester Wunschtermin
    .synonyms = nächster Wunschtermin, frühester Liefertermin
sales-order-measure--last_order_date = Letzter Auftrag
    .synonyms = letzte Bestellung, jüngster Auftrag, zuletzt bestellt
sales-order-measure--first_order_date = Erster Auftrag
    .synonyms = erste Bestellung, ältester Auftrag
sales-order-filter--open = Offen
    .synonyms = offene, offenen, offene Aufträge, nicht erledigt, ausstehend, unversandt
sales-order-filter--overdue = Überfällig
    .synonyms = überfällige, überfälligen, verspätet, in Verzug
sales-order-filter--late = Zu spät versandt
    .synonyms = verspätet geliefert, zu spät geliefert
sales-order-filter--awaiting_stock = Wartet auf Ware
    .synonyms = im Rückstand, Lieferrückstand, nicht vorrätig

sales-line = Auftragsposition
    .plural = Auftragspositionen
    .description = Ein Artikel eines Auftrags mit Menge und Preis.
    .synonyms = Position, Positionen, Zeile, Zeilen, verkaufte Artikel, verkaufte Produkte
sales-line--order = Auftrag
sales-line--position = Position
    .synonyms = Positionsnummer
sales-line--item = Artikel
    .synonyms = Produkt, Produkte, Produkten, Artikeln, Ware, Waren
sales-line--description = Beschreibung
sales-line--quantity = Menge
    .synonyms = Stück, Stückzahl
sales-line--unit = Einheit
sales-line--unit_price = Einzelpreis
    .synonyms = Preis, Stückpreis
sales-line--discount = Rabatt
    .synonyms = Nachlass
    .description = Ein Anteil: 0,05 sind fünf Prozent.
sales-line--amount = Betrag
    .synonyms = Positionswert, Zeilensumme, Wert
    .description = Einzelpreis × Menge × (1 − Rabatt), ungerundet.
sales-line--currency = Währung
sales-line--reserved = Reserviert
    .synonyms = reservierte Menge
sales-line--backordered = Im Rückstand
    .synonyms = fehlende Menge
sales-line-measure--count = Auftragspositionen
    .synonyms = Anzahl Positionen, wie viele Positionen
sales-line-measure--revenue = Umsatz
    .synonyms = Umsätze, Erlös, Erlöse, Umsatzerlöse, Einnahmen, Verkäufe, verkauft, verkaufen, eingebracht, gebracht, erzielt
    .description = Beträge der Positionen, deren Aufträge bestätigt, in Arbeit oder erledigt sind, nach Auftragsdatum.
sales-line-measure--units = Verkaufte Menge
    .synonyms = Absatz, verkaufte Stück, abgesetzte Menge, meistverkauft, meistverkaufte, bestverkauft, verkauft, verkaufen, Stück
    .description = Mengen der Positionen, deren Aufträge bestätigt, in Arbeit oder erledigt sind, nach Auftragsdatum.
sales-line-measure--average_price = Durchschnittspreis
    .synonyms = mittlerer Preis, durchschnittlicher Preis
sales-line-measure--units_backordered = Menge im Rückstand
    .synonyms = rückständige Menge, fehlende Menge
sales-line-filter--short = Fehlmenge
    .synonyms = wartet auf Ware, im Rückstand

# Eingaben für die Positionen eines Auftrags.
sales-order_line--item = Artikel
    .synonyms = Produkt, Ware
sales-order_line--quantity = Menge
    .synonyms = Stück, Stückzahl
sales-order_line--unit_price = Einzelpreis
    .synonyms = Preis, zu, je
    .description = Der Verkaufspreis des Artikels, wenn keiner genannt ist.
sales-order_line--discount = Rabatt
    .synonyms = Nachlass
    .description = Ein Anteil: 0,05 sind fünf Prozent.
sales-order_line--description = Beschreibung

sales-customer_summary = Kundenübersicht
    .plural = Kundenübersichten
    .description = Was ein Kunde bisher bestellt hat; wird aus den Aufträgen fortgeschrieben.
    .synonyms = Übersicht je Kunde, Kundenstatistik
sales-customer_summary--customer = Kunde
    .synonyms = Abnehmer
sales-customer_summary--orders = Aufträge bisher
sales-customer_summary--open_orders = Offene Aufträge bisher
sales-customer_summary--revenue = Umsatz bisher
sales-customer_summary--currency = Währung
sales-customer_summary--first_order_date = Erster Auftrag
sales-customer_summary--last_order_date = Letzter Auftrag
sales-customer_summary-measure--count = Kundenübersichten
sales-customer_summary-measure--total_orders = Aufträge bisher
sales-customer_summary-measure--latest_order = Letzter Auftrag bisher

sales-order-create = Auftrag anlegen
    .description = Legt einen Auftrag als Entwurf an und gibt ihm eine Nummer.
    .examples = Lege einen Auftrag für Ernst Handel an: 10 Chai | Neuer Auftrag für QUICK-Stop mit 5 Tofu und 2 Konbu | Bestelle 20 Chang für Save-a-lot Markets bis nächsten Freitag | Erfasse einen Auftrag für Around the Horn
sales-order-update = Auftrag ändern
    .description = Ändert einen Entwurf oder ein Angebot: Termine, Anschrift, Zeichen oder alle Positionen.
    .examples = Ändere den Wunschtermin von SO-2026-00042 auf den 1. März | Setze die Referenz von Auftrag SO-2026-00042 auf PO 4711 | Setze die Fracht von Auftrag SO-2026-00042 auf 12,50
sales-order-quote = Angebot machen
    .description = Macht aus einem Entwurf ein Angebot.
    .examples = Mache aus Auftrag SO-2026-00042 ein Angebot | Biete SO-2026-00042 an
sales-order-redraft = Zurück zum Entwurf
    .description = Macht aus einem Angebot wieder einen Entwurf.
    .examples = Setze Angebot SO-2026-00042 auf Entwurf zurück | Mache SO-2026-00042 wieder zum Entwurf
sales-order-confirm = Auftrag bestätigen
    .description = Bestätigt einen Entwurf oder ein Angebot: friert die Preise ein, reserviert, was da ist, und stellt den Rest zurück.
    .examples = Bestätige Angebot SO-2026-00042 | Bestätige Auftrag SO-2026-00042 | Der Kunde hat SO-2026-00042 angenommen, bestätige es
sales-order-reserve = Ware neu reservieren
    .description = Reserviert für einen offenen Auftrag neu, sodass wartende Positionen bekommen, was eingegangen ist.
    .examples = Reserviere Ware für Auftrag SO-2026-00042 | Versuche noch einmal, für SO-2026-00042 zu reservieren
sales-order-start = Bearbeitung beginnen
    .description = Beginnt die Arbeit an einem bestätigten Auftrag.
    .examples = Beginne mit Auftrag SO-2026-00042 | Starte die Bearbeitung von SO-2026-00042
sales-order-hold = Zurückstellen
    .description = Setzt einen Auftrag in Arbeit auf bestätigt zurück.
    .examples = Stelle Auftrag SO-2026-00042 zurück | Halte SO-2026-00042 an
sales-order-complete = Auftrag abschließen
    .description = Schließt einen Auftrag ab: was reserviert war, verlässt das Lager. Geht nicht, solange Positionen auf Ware warten.
    .examples = Schließe Auftrag SO-2026-00042 ab | Auftrag SO-2026-00042 ist versandt | Melde SO-2026-00042 als erledigt
sales-order-cancel = Auftrag stornieren
    .description = Storniert einen Auftrag, der nicht erledigt ist, und gibt seine Reservierungen frei.
    .examples = Storniere Auftrag SO-2026-00042 | Storniere SO-2026-00042, weil der Kunde abgesagt hat
sales-order-cancel--reason = Grund
    .synonyms = weil, wegen, Begründung
sales-order-reopen = Auftrag wieder öffnen
    .description = Macht aus einem bestätigten oder stornierten Auftrag wieder ein Angebot und gibt seine Reservierungen frei.
    .examples = Öffne Auftrag SO-2026-00042 wieder | Nimm die Bestätigung von SO-2026-00042 zurück
sales-order-put_back = Auftrag zurückversetzen
sales-order-assign = Auftrag zuweisen
    .description = Übergibt einen Auftrag an jemand anderen.
    .examples = Weise Auftrag SO-2026-00042 Nancy Davolio zu | Übergib SO-2026-00042 an Andrew Fuller
sales-order-bring_in = Auftrag übernehmen
    .description = Übernimmt einen früheren Auftrag aus einem Altsystem in seinem Zustand, ohne den Bestand zu bewegen.
    .examples = Übernimm Auftrag 10248 von Vins et alcools Chevalier als erledigt

sales-report-backlog = Auftragsbestand
    .description = Offene Aufträge je Kunde, mit Wert und frühestem Wunschtermin.
    .examples = Zeige den Auftragsbestand | Wie hoch ist der Auftragsbestand? | Offene Aufträge je Kunde | Auftragsbestand bis Monatsende
    .synonyms = offene Aufträge je Kunde, Auftragsrückstand
sales-report-backlog--until = Wunschtermin bis
    .synonyms = bis, bis zum
sales-report-backlog--customer = Kunde
sales-report-backlog--orders = Offene Aufträge
sales-report-backlog--overdue = Überfällig
sales-report-backlog--value = Wert
sales-report-backlog--earliest_required = Frühester Wunschtermin

# Was der Verkauf ablehnt, nach seinen festen Gründen, und wovor er warnt.
sales-refused--not_editable--changed = Auftrag { $order } ist { $status ->
    [draft] ein Entwurf
    [quotation] ein Angebot
    [confirmed] bestätigt
    [processing] in Arbeit
    [done] erledigt
    [cancelled] storniert
   *[other] { $status }
  }: Nur ein Entwurf oder ein Angebot lässt sich ändern.
sales-refused--not_reopenable--reopened = Auftrag { $order } ist { $status ->
    [draft] ein Entwurf
    [quotation] ein Angebot
    [confirmed] bestätigt
    [processing] in Arbeit
    [done] erledigt
    [cancelled] storniert
   *[other] { $status }
  }: Nur ein bestätigter oder stornierter Auftrag lässt sich wieder öffnen.
sales-refused--not_a_quotation--confirmed = Auftrag { $order } ist { $status ->
    [draft] ein Entwurf
    [quotation] ein Angebot
    [confirmed] bestätigt
    [processing] in Arbeit
    [done] erledigt
    [cancelled] storniert
   *[other] { $status }
  }: Nur ein Entwurf oder ein Angebot lässt sich bestätigen.
sales-refused--not_a_quotation--taken_back_to_draft = Auftrag { $order } ist { $status ->
    [draft] ein Entwurf
    [quotation] ein Angebot
    [confirmed] bestätigt
    [processing] in Arbeit
    [done] erledigt
    [cancelled] storniert
   *[other] { $status }
  }: Nur ein Angebot lässt sich auf Entwurf zurücksetzen.
sales-refused--not_a_draft--quoted = Auftrag { $order } ist { $status ->
    [draft] ein Entwurf
    [quotation] ein Angebot
    [confirmed] bestätigt
    [processing] in Arbeit
    [done] erledigt
    [cancelled] storniert
   *[other] { $status }
  }: Nur aus einem Entwurf wird ein Angebot.
sales-refused--not_confirmed--reserved_for = Auftrag { $order } ist { $status ->
    [draft] ein Entwurf
    [quotation] ein Angebot
    [confirmed] bestätigt
    [processing] in Arbeit
    [done] erledigt
    [cancelled] storniert
   *[other] { $status }
  }: Nur für einen bestätigten Auftrag oder einen in Arbeit lässt sich reservieren.
sales-refused--not_confirmed--completed = Auftrag { $order } ist { $status ->
    [draft] ein Entwurf
    [quotation] ein Angebot
    [confirmed] bestätigt
    [processing] in Arbeit
    [done] erledigt
    [cancelled] storniert
   *[other] { $status }
  }: Nur ein bestätigter Auftrag oder einer in Arbeit lässt sich abschließen.
sales-refused--not_confirmed--started = Auftrag { $order } ist { $status ->
    [draft] ein Entwurf
    [quotation] ein Angebot
    [confirmed] bestätigt
    [processing] in Arbeit
    [done] erledigt
    [cancelled] storniert
   *[other] { $status }
  }: Nur ein bestätigter Auftrag lässt sich beginnen.
sales-refused--not_processing--put_on_hold = Auftrag { $order } ist { $status ->
    [draft] ein Entwurf
    [quotation] ein Angebot
    [confirmed] bestätigt
    [processing] in Arbeit
    [done] erledigt
    [cancelled] storniert
   *[other] { $status }
  }: Nur ein Auftrag in Arbeit lässt sich anhalten.
sales-refused--not_cancellable--cancelled = Auftrag { $order } ist { $status ->
    [draft] ein Entwurf
    [quotation] ein Angebot
    [confirmed] bestätigt
    [processing] in Arbeit
    [done] erledigt
    [cancelled] storniert
   *[other] { $status }
  }: Nur ein Auftrag, der noch nicht erledigt ist, lässt sich stornieren.
sales-refused--backordered = Positionen des Auftrags { $order } warten auf Ware, er lässt sich daher nicht abschließen.
sales-refused--another_state = Auftrag { $order } hat seither andere Zustände durchlaufen.
sales-refused--stock_gone = { $lines ->
    [one] Die Ware, die für Auftrag { $order } reserviert war, ist für eine Position nicht mehr da; öffnen Sie ihn stattdessen wieder.
   *[other] Die Ware, die für Auftrag { $order } reserviert war, ist für { $lines } Positionen nicht mehr da; öffnen Sie ihn stattdessen wieder.
  }
sales-refused--no_lines = Auftrag { $order } hat keine Positionen.
sales-refused--credit_limit = Auftrag { $order } würde das Kreditlimit von { $customer } überschreiten.
sales-refused--number_of_the_series = Nummern dieser Form vergibt der Nummernkreis der Aufträge; ohne Angabe wird eine vergeben.
sales-refused--duplicate_order--same_reference = { $order ->
    [none] Ein anderer Auftrag hat denselben Kunden und dieselbe Referenz; mit allow_duplicate wird er trotzdem angelegt.
   *[other] Auftrag { $order } hat denselben Kunden und dieselbe Referenz; mit allow_duplicate wird er trotzdem angelegt.
  }
sales-refused--duplicate_order--alike = { $order ->
    [none] Ein anderer Auftrag des letzten Tages stimmt in Kunde, Datum, Positionen und Summe überein; mit allow_duplicate wird er trotzdem angelegt.
   *[other] Auftrag { $order } des letzten Tages stimmt in Kunde, Datum, Positionen und Summe überein; mit allow_duplicate wird er trotzdem angelegt.
  }
sales-warning-wait_for_stock = { $short } von { $lines } Positionen des Auftrags { $order } warten auf Ware
sales-warning-credit_limit_not_checked = Das Kreditlimit von { $customer } wurde nicht geprüft, weil es in einer anderen Währung ist als der Auftrag.
