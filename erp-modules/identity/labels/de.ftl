module-identity = Personen und Rechte
    .synonyms = Benutzer, Organisation, Verwaltung

role-administrator = Administrator
role-employee = Mitarbeiter

# Benutzer
identity-user = Benutzer
    .plural = Benutzer
    .description = Eine Person, die mit Steward arbeitet: wo sie in der Organisation steht und wem sie berichtet.
    .synonyms = Mitarbeiter, Mitarbeiterin, Mitarbeiterinnen, Kollege, Kollegin, Kollegen, Person, Personen, Leute, Personal, Angestellte
identity-user--number = Personalnummer
    .synonyms = Nummer, Mitarbeiternummer
identity-user--name = Name
    .synonyms = heißt, genannt
identity-user--email = E-Mail-Adresse
    .synonyms = E-Mail, Mail, Anmeldename
identity-user--position = Stelle
    .synonyms = Position, Funktion, Berufsbezeichnung
identity-user--language = Sprache
identity-user--language--en = Englisch
identity-user--language--de = Deutsch
identity-user--company = Firma
identity-user--department = Abteilung
    .synonyms = Bereich
identity-user--manager = Berichtet an
    .synonyms = Vorgesetzter, Vorgesetzte, Chef, Chefin, Leiter, Manager
identity-user--active = Aktiv
    .synonyms = arbeitet hier, freigeschaltet
identity-user--user = Benutzer
identity-user--password = Passwort
identity-user--role = Rolle
identity-user-filter--has_reports = Hat Mitarbeiter unter sich
    .synonyms = Vorgesetzter, führt ein Team

identity-user-create = Benutzer anlegen
    .description = Legt eine Person an. Was sie darf, kommt durch Rollen, die danach zugewiesen werden.
    .examples = Lege einen Benutzer Nancy Davolio mit der E-Mail-Adresse nancy@example.com an | Neuer Benutzer für Anne Dodsworth
identity-user-update = Benutzer ändern
    .description = Ändert, was von einer Person bekannt ist: Name, Adresse, Stelle, Sprache, Firma oder Abteilung.
    .examples = Ändere die Stelle von Nancy Davolio auf Vertriebsleiterin | Versetze Anne Dodsworth in die Abteilung Vertrieb
identity-user-deactivate = Benutzer deaktivieren
    .description = Die Person kann sich nicht mehr anmelden; Anmeldungen und Schlüssel enden sofort. Was sie getan hat, bleibt.
    .examples = Deaktiviere den Benutzer Nancy Davolio | Sperre Anne Dodsworth
identity-user-reactivate = Benutzer reaktivieren
    .description = Die Person kann sich wieder anmelden.
    .examples = Reaktiviere den Benutzer Nancy Davolio | Lass Anne Dodsworth wieder herein
identity-user-set_password = Passwort setzen
    .description = Setzt ein neues Passwort von mindestens zehn Zeichen und beendet die anderen Anmeldungen der Person.
identity-user-set_manager = Vorgesetzten festlegen
    .description = Sagt, wem eine Person berichtet. Rechte der Breite Team folgen diesen Linien.
    .examples = Nancy Davolio berichtet an Andrew Fuller | Andrew Fuller ist der Vorgesetzte von Janet Leverling
identity-user-assign_role = Rolle zuweisen
    .description = Gibt einer Person eine Rolle mit allem, was sie gewährt, ab der nächsten Anfrage.
identity-user-withdraw_role = Rolle entziehen
    .description = Nimmt einer Person eine Rolle, ab der nächsten Anfrage.
identity-user-add_company = Firma zuordnen
    .description = Die Person arbeitet auch für diese Firma.
identity-user-remove_company = Firma entziehen
    .description = Die Person arbeitet nicht mehr für diese Firma; die eigene Firma bleibt.

identity-user_company = Weitere Firma
    .plural = Weitere Firmen
    .description = Eine Firma, für die eine Person neben der eigenen arbeitet.
identity-user_company--user = Benutzer
identity-user_company--company = Firma

identity-user_role = Rolle eines Benutzers
    .plural = Rollen von Benutzern
    .description = Dass eine Person eine Rolle hat.
    .synonyms = zugewiesene Rollen
identity-user_role--user = Benutzer
identity-user_role--role = Rolle

# Rollen
identity-role = Rolle
    .plural = Rollen
    .description = Eine benannte Menge von Rechten, jedes mit einer Breite.
    .synonyms = Berechtigung, Berechtigungen, Rechte
identity-role--name = Name
identity-role--builtin = Vom Haus gepflegt
    .description = Diese Rolle hat immer jedes Recht und kann nicht geändert werden.
identity-role--role = Rolle
identity-role--permission = Recht
    .synonyms = Berechtigung
identity-role--scope = Breite
    .synonyms = Umfang, Reichweite
identity-role--scope--own = eigene
identity-role--scope--team = Team
identity-role--scope--department = Abteilung
identity-role--scope--company = Firma
identity-role--scope--tenant = alles

identity-role-create = Rolle anlegen
    .description = Legt eine Rolle an, die noch nichts gewährt.
    .examples = Lege eine Rolle namens Prüfer an | Neue Rolle Lagerleitung
identity-role-grant = Recht gewähren
    .description = Gibt der Rolle ein Recht in einer Breite. Niemand kann gewähren, was er nicht selbst hat.
identity-role-revoke = Recht entziehen
    .description = Nimmt der Rolle ein Recht und damit allen, die sie haben.

identity-role_grant = Gewährtes Recht
    .plural = Gewährte Rechte
    .description = Ein Recht einer Rolle mit seiner Breite.
    .synonyms = Rechte, Berechtigungen
identity-role_grant--role = Rolle
identity-role_grant--permission = Recht
identity-role_grant--scope = Breite
identity-role_grant--scope--own = eigene
identity-role_grant--scope--team = Team
identity-role_grant--scope--department = Abteilung
identity-role_grant--scope--company = Firma
identity-role_grant--scope--tenant = alles

# Firmen und Abteilungen
identity-company = Firma
    .plural = Firmen
    .description = Eine rechtliche Einheit des Mandanten mit ihrer Währung.
    .synonyms = Unternehmen, Gesellschaft, Gesellschaften, unsere Firma
identity-company--code = Kürzel
identity-company--name = Name
identity-company--currency = Währung
identity-company--country = Land
identity-company--company = Firma

identity-company-create = Firma anlegen
    .description = Legt eine rechtliche Einheit an. Ihre Währung kann später nicht geändert werden.
    .examples = Lege eine Firma Steward France mit der Währung EUR an | Neue Firma Northwind Ltd in GBP
identity-company-update = Firma ändern
    .description = Ändert Namen, Kürzel oder Land einer Firma.
    .examples = Benenne die Firma Steward France in Steward SAS um | Ändere das Land von Northwind Ltd auf GB

identity-department = Abteilung
    .plural = Abteilungen
    .description = Ein Teil einer Firma; Abteilungen bilden einen Baum.
    .synonyms = Bereich, Bereiche, Einheit
identity-department--name = Name
identity-department--company = Firma
identity-department--parent = Gehört zu
    .synonyms = übergeordnet, oberhalb
identity-department--department = Abteilung

identity-department-create = Abteilung anlegen
    .description = Legt eine Abteilung in einer Firma an.
    .examples = Lege eine Abteilung Vertrieb an | Neue Abteilung Einkauf unter Betrieb
identity-department-update = Abteilung ändern
    .description = Benennt eine Abteilung um oder stellt sie unter eine andere.
    .examples = Benenne die Abteilung Vertrieb in Vertrieb Europa um | Stelle die Abteilung Einkauf unter Betrieb

# Anmeldungen und Schlüssel
identity-session = Anmeldung
    .plural = Anmeldungen
    .description = Eine Anmeldung einer Person, die gilt, bis sie abläuft oder beendet wird.
    .synonyms = Sitzung, Sitzungen, Session
identity-session--user = Benutzer
identity-session--session = Anmeldung
identity-session--expires_at = Läuft ab
identity-session--revoked_at = Beendet

identity-session-revoke = Anmeldung beenden
    .description = Beendet die Anmeldung sofort, was auch immer ihr Token noch sagt.

identity-api_key = API-Schlüssel
    .plural = API-Schlüssel
    .description = Der Zugang eines Programms mit den Rechten seines Benutzers. Er bestätigt nie eine Aktion.
    .synonyms = Schlüssel, Token
identity-api_key--name = Name
identity-api_key--user = Benutzer
identity-api_key--api_key = API-Schlüssel
identity-api_key--purpose = Zweck
identity-api_key--purpose--erp = ERP
identity-api_key--purpose--models = Sprachmodelle
identity-api_key--purpose--assistant = Sprachmodelle und Assistent
identity-api_key--expires_at = Läuft ab
identity-api_key--revoked_at = Beendet

identity-api_key-create = API-Schlüssel anlegen
    .description = Macht einen Schlüssel, der einmal gezeigt wird. Ohne Benutzer ist es der eigene.
identity-api_key-make_for_models = Schlüssel für Sprachmodelle anlegen
identity-api_key-revoke = API-Schlüssel beenden
    .description = Beendet den Schlüssel sofort.

# Berichte
identity-report-access = Wer was darf
    .description = Jeder aktive Benutzer mit seinen Rollen und was sie in welcher Breite gewähren.
    .synonyms = Zugriff, Rechte, Berechtigungen
    .examples = Wer darf was? | Was darf Nancy Davolio? | Zeige die Zugriffsrechte
identity-report-access--user = Benutzer
identity-report-access--role = Rolle
identity-report-access--permission = Recht
identity-report-access--scope = Breite
identity-report-access--scope--own = eigene
identity-report-access--scope--team = Team
identity-report-access--scope--department = Abteilung
identity-report-access--scope--company = Firma
identity-report-access--scope--tenant = alles

# Was das Modul ablehnt, nach seinen festen Gründen.
identity-refused--not_assigned--company = Das ist keine der weiteren Firmen des Benutzers.
identity-refused--not_assigned--role = Der Benutzer hat diese Rolle nicht.
identity-refused--reporting_cycle = Niemand kann sich selbst oder jemandem unter sich unterstellt sein.
identity-refused--self = Sie können sich nicht selbst deaktivieren.
identity-refused--not_active = Der Benutzer ist nicht aktiv.
identity-refused--active = Der Benutzer ist aktiv.
identity-refused--department_cycle = Eine Abteilung kann nicht unter sich selbst stehen.
identity-refused--not_granted = Die Rolle hat diese Berechtigung nicht.
identity-refused--last_administrator = Das ist der letzte Administrator, und einer muss bleiben.
identity-refused--escalation--not_held = Sie haben { $permission } in der Reichweite { $scope } selbst nicht.
identity-refused--escalation--beyond_area = { $permission } in der Reichweite { $scope } ginge hier über Ihren eigenen Bereich hinaus.
identity-refused--escalation--administrator_role = Nur ein Administrator darf diese Rolle vergeben oder entziehen.
identity-refused--escalation--administrator = Nur ein Administrator darf etwas an einem Administrator ändern.
identity-refused--escalation--company = Sie arbeiten selbst nicht für diese Firma.
identity-refused--escalation--widens = Das würde Ihren eigenen Bereich erweitern.
identity-refused--escalation--superiors = Sie können nicht ändern, wem Sie oder Ihre Vorgesetzten unterstellt sind.
identity-refused--escalation--own_place = Sie können sich nicht selbst versetzen.
identity-refused--builtin_role = Die Rolle { $role } gehört zum Haus und lässt sich nicht ändern.
identity-refused--email_taken = Einen Benutzer mit dieser E-Mail-Adresse gibt es schon.
identity-refused--number_taken = Einen Benutzer mit dieser Nummer gibt es schon.
identity-refused--code_taken = Eine Firma mit diesem Kürzel gibt es schon.
identity-refused--name_taken--department = Die Firma hat schon eine Abteilung dieses Namens.
identity-refused--name_taken--role = Eine Rolle dieses Namens gibt es schon.
