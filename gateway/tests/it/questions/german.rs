//! German wordings.

use super::{COUNTRIES, Family, Figure, ITEMS, Names, ORDERS, PARTIES, Ranked, Says, USERS};

pub(super) const FAMILIES: &[Family] = &[
    (
        Figure("SELECT count(*) FROM sales_order o JOIN crm_party c ON c.id = o.customer_id WHERE c.code = 'ERNSH'"),
        &[
            "Wie viele Aufträge hat Ernst Handel?",
            "Wie oft hat Ernst Handel bestellt?",
            "Anzahl der Bestellungen von Ernst Handel",
            "Wie viele Bestellungen hat der Kunde Ernst Handel aufgegeben?",
        ],
    ),
    (
        Figure("SELECT round(sum(net_total), 2) FROM sales_order WHERE order_date BETWEEN '1997-01-01' AND '1997-12-31'"),
        &["Wie hoch war der Umsatz in 1997?", "Umsatz im Jahr 1997", "Wie viel haben wir 1997 verkauft?", "Umsatz vom 1.1.1997 bis 31.12.1997"],
    ),
    (
        Figure("SELECT round(sum(net_total), 2) FROM sales_order WHERE order_date BETWEEN '1997-04-01' AND '1997-06-30'"),
        &[
            "Umsatz im 2. Quartal 1997",
            "Wie hoch war der Umsatz im zweiten Quartal 1997?",
            "Umsatz Q2/1997",
            "Umsatz zwischen dem 1. April 1997 und dem 30. Juni 1997",
        ],
    ),
    (
        Figure("SELECT count(*) FROM sales_order WHERE order_date >= '1998-01-01'"),
        &["Wie viele Aufträge gab es seit 1998?", "Wie viele Aufträge gab es nach 1997?"],
    ),
    (
        Ranked("SELECT c.name FROM sales_order o JOIN crm_party c ON c.id = o.customer_id GROUP BY c.name ORDER BY sum(o.net_total) DESC LIMIT 3", PARTIES),
        &["Die drei Kunden mit dem höchsten Umsatz", "Top 3 Kunden nach Umsatz", "Welche drei Kunden haben den meisten Umsatz?"],
    ),
    (
        Ranked("SELECT c.name FROM sales_order o JOIN crm_party c ON c.id = o.customer_id GROUP BY c.name ORDER BY count(*) DESC, c.name LIMIT 1", PARTIES),
        &["Welcher Kunde hat die meisten Aufträge?", "Top 1 Kunden nach Anzahl der Aufträge"],
    ),
    (Names("SELECT DISTINCT c.country FROM sales_order o JOIN crm_party c ON c.id = o.customer_id", COUNTRIES), &["Umsatz nach Land", "Umsatz pro Land"]),
    (
        Names("SELECT DISTINCT u.name FROM sales_order o JOIN identity_user u ON u.id = o.owner_id", USERS),
        &["Aufträge pro Mitarbeiter", "Anzahl der Aufträge je Mitarbeiter"],
    ),
    (
        Figure("SELECT count(*) FROM sales_order o JOIN crm_party c ON c.id = o.customer_id WHERE c.country = 'Austria'"),
        &["Wie viele Aufträge kamen von Kunden in Austria?", "Wie viele Bestellungen aus Austria gibt es?"],
    ),
    (Names("SELECT name FROM inventory_item WHERE discontinued", ITEMS), &["Welche Artikel sind ausgelaufen?", "Zeige alle ausgelaufenen Produkte"]),
    (Names("SELECT name FROM inventory_item WHERE NOT discontinued", ITEMS), &["Welche Artikel sind nicht ausgelaufen?"]),
    (Says("SELECT 'Exotic Liquids'"), &["Wer ist der Lieferant von Chai?", "Wer liefert Chai?"]),
    (Says("SELECT phone FROM crm_party WHERE code = 'ERNSH'"), &["Wie ist die Telefonnummer von Ernst Handel?", "Telefonnummer von Ernst Handel"]),
    (Says("SELECT city FROM crm_party WHERE code = 'ERNSH'"), &["In welcher Stadt sitzt Ernst Handel?", "Wo ist Ernst Handel?"]),
    (Says("SELECT 'Andrew Fuller'"), &["Wer ist der Vorgesetzte von Nancy Davolio?", "Wer ist der Chef von Nancy Davolio?"]),
    (Figure("SELECT sales_price FROM inventory_item WHERE name = 'Chai'"), &["Was kostet Chai?", "Wie viel kostet Chai?", "Preis von Chai"]),
    (Figure("SELECT on_hand FROM inventory_item WHERE name = 'Chang'"), &["Wie viele Chang sind auf Lager?", "Wie hoch ist der Bestand von Chang?"]),
    (
        Says("SELECT max(order_date)::text FROM sales_order o JOIN crm_party c ON c.id = o.customer_id WHERE c.code = 'ERNSH'"),
        &["Wann war die letzte Bestellung von Ernst Handel?", "Wann hat Ernst Handel zuletzt bestellt?"],
    ),
    (
        Figure("SELECT count(*) FROM inventory_item i JOIN inventory_category c ON c.id = i.category_id WHERE c.name = 'Beverages'"),
        &["Wie viele Artikel hat die Warengruppe Beverages?"],
    ),
    (
        Ranked("SELECT number FROM sales_order ORDER BY net_total DESC LIMIT 3", ORDERS),
        &["Die drei größten Aufträge", "Die 3 größten Aufträge nach Nettosumme"],
    ),
    (
        Ranked("SELECT name FROM inventory_item ORDER BY sales_price DESC LIMIT 2", ITEMS),
        &["Die zwei teuersten Artikel", "Welche 2 Produkte sind am teuersten?"],
    ),
    (Ranked("SELECT name FROM inventory_item ORDER BY sales_price LIMIT 1", ITEMS), &["Welcher Artikel ist der billigste?", "Was ist das günstigste Produkt?"]),
    (
        Figure("SELECT count(*) FROM sales_order WHERE shipped_date IS NULL"),
        &["Wie viele Aufträge sind nicht erledigt?", "Wie viele offene Aufträge gibt es?", "Wie viele Aufträge sind noch nicht versandt?"],
    ),
    (
        Figure("SELECT sum(quantity) FROM sales_line l JOIN inventory_item i ON i.id = l.item_id WHERE i.name = 'Queso Cabrales'"),
        &["Wie viele Queso Cabrales haben wir verkauft?"],
    ),
    (Figure("SELECT count(*) FROM crm_party WHERE is_customer"), &["Wie viele Kunden haben wir?", "Anzahl Kunden"]),
];

pub(super) const UNANSWERABLE: &[&str] = &[
    "Wie viele lila Aufträge gibt es?",
    "Warum ist der Umsatz 1997 gestiegen?",
    "Wie viele Kunden haben noch nie bestellt?",
    "Wie viele Aufträge hat Zzyzx?",
    "Wer ist der beste Kunde?",
    "Wie wird das Wetter morgen?",
];
