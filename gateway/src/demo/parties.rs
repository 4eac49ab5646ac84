//! Customers and suppliers with addresses and contacts.

use super::organisation::{Person, sellers};
use super::random::Random;
use super::{Refer, batch, record};
use crate::import::record::Batch;
use serde_json::json;
use std::collections::HashSet;

const CUSTOMERS: usize = 176;
const SUPPLIERS: usize = 24;

pub(super) struct Party {
    pub(super) key: String,
    pub(super) name: String,
    place: &'static Place,
    street: String,
    contact: String,
    position: &'static str,
    phone: String,
    domain: String,
    /// Who looks after a customer; nobody in particular after a supplier.
    pub(super) seller: Option<&'static Person>,
    term: usize,
}

struct Place {
    city: &'static str,
    postal_code: &'static str,
    region: &'static str,
    country: &'static str,
    dial: &'static str,
}

const fn place(city: &'static str, postal_code: &'static str, region: &'static str, country: &'static str, dial: &'static str) -> Place {
    Place { city, postal_code, region, country, dial }
}

const EURO: &[Place] = &[
    place("Hamburg", "20457", "Hamburg", "Germany", "+49 40"),
    place("Kiel", "24103", "Schleswig-Holstein", "Germany", "+49 431"),
    place("Lübeck", "23552", "Schleswig-Holstein", "Germany", "+49 451"),
    place("Bremen", "28195", "Bremen", "Germany", "+49 421"),
    place("Hannover", "30159", "Niedersachsen", "Germany", "+49 511"),
    place("Berlin", "10969", "Berlin", "Germany", "+49 30"),
    place("Rostock", "18055", "Mecklenburg-Vorpommern", "Germany", "+49 381"),
    place("Leipzig", "04109", "Sachsen", "Germany", "+49 341"),
    place("Köln", "50667", "Nordrhein-Westfalen", "Germany", "+49 221"),
    place("Münster", "48143", "Nordrhein-Westfalen", "Germany", "+49 251"),
    place("Frankfurt am Main", "60311", "Hessen", "Germany", "+49 69"),
    place("Stuttgart", "70173", "Baden-Württemberg", "Germany", "+49 711"),
    place("München", "80331", "Bayern", "Germany", "+49 89"),
    place("Nürnberg", "90402", "Bayern", "Germany", "+49 911"),
    place("Wien", "1010", "Wien", "Austria", "+43 1"),
    place("Graz", "8010", "Steiermark", "Austria", "+43 316"),
    place("Rotterdam", "3011", "Zuid-Holland", "Netherlands", "+31 10"),
    place("Groningen", "9711", "Groningen", "Netherlands", "+31 50"),
];

const FRANC: &[Place] = &[
    place("Zürich", "8001", "Zürich", "Switzerland", "+41 44"),
    place("Winterthur", "8400", "Zürich", "Switzerland", "+41 52"),
    place("Bern", "3011", "Bern", "Switzerland", "+41 31"),
    place("Basel", "4051", "Basel-Stadt", "Switzerland", "+41 61"),
    place("Luzern", "6003", "Luzern", "Switzerland", "+41 41"),
    place("St. Gallen", "9000", "St. Gallen", "Switzerland", "+41 71"),
    place("Lausanne", "1003", "Vaud", "Switzerland", "+41 21"),
    place("Lugano", "6900", "Ticino", "Switzerland", "+41 91"),
];

const TRADES: &[&str] = &[
    "Tischlerei",
    "Bauunternehmen",
    "Elektrotechnik",
    "Malerbetrieb",
    "Metallbau",
    "Gartenbau",
    "Autohaus",
    "Bootswerft",
    "Hotel",
    "Druckerei",
    "Dachdeckerei",
    "Zimmerei",
    "Landtechnik",
    "Gebäudereinigung",
    "Spedition",
    "Maschinenbau",
    "Sanitärtechnik",
    "Messebau",
    "Baumarkt",
    "Schlosserei",
];
const MAKERS: &[&str] = &["Werkzeugfabrik", "Schraubenwerk", "Leuchten", "Arbeitsschutz", "Verpackungen", "Chemie", "Stahlhandel", "Textil"];
const FIRST: &[&str] = &[
    "Katrin", "Stefan", "Miriam", "Olaf", "Beate", "Thorsten", "Ingrid", "Marco", "Silke", "Daniel", "Hanna", "Rainer", "Petra", "Lars", "Nicole", "Kai",
    "Sabine", "Michael", "Carla", "Uwe",
];
const LAST: &[&str] = &[
    "Albers",
    "Bachmann",
    "Carstens",
    "Diekmann",
    "Eggers",
    "Feddersen",
    "Gerdes",
    "Hansen",
    "Iversen",
    "Jacobs",
    "Köhler",
    "Lehmann",
    "Möller",
    "Niemann",
    "Ohlsen",
    "Paulsen",
    "Quast",
    "Reimers",
    "Sievers",
    "Tietjen",
    "Ulrich",
    "Vogel",
    "Wagner",
    "Ziegler",
    "Böttcher",
    "Krüger",
    "Schröder",
    "Steffens",
    "Winkler",
    "Brunner",
    "Meier",
    "Hofer",
    "Steiner",
    "Wyss",
    "Keller",
];
const FORMS: &[&str] = &["GmbH", "GmbH & Co. KG", "KG", "OHG", "e. K."];
const STREETS: &[&str] =
    &["Hauptstraße", "Industriestraße", "Am Hafen", "Bahnhofstraße", "Gewerbering", "Lindenallee", "Mühlenweg", "Werkstraße", "Kanalstraße", "Marktplatz"];
const POSITIONS: &[&str] = &["Owner", "Purchasing", "Managing director", "Site manager", "Office"];

/// Customers first, then suppliers.
pub(super) fn make() -> Vec<Party> {
    let mut random = Random::new(11);
    let (euro, franc) = (sellers("EUR"), sellers("CHF"));
    let mut names = HashSet::new();
    let mut parties = Vec::with_capacity(CUSTOMERS + SUPPLIERS);
    while parties.len() < CUSTOMERS + SUPPLIERS {
        let at = parties.len();
        let supplier = at >= CUSTOMERS;
        // Every fourth customer is Swiss.
        let swiss = !supplier && at % 4 == 3;
        let family = *random.pick(LAST);
        let trade = *random.pick(if supplier { MAKERS } else { TRADES });
        let form = if swiss { "AG" } else { *random.pick(FORMS) };
        let name = format!("{trade} {family} {form}");
        if !names.insert(format!("{trade} {family}")) {
            continue;
        }
        let place = random.pick(if swiss { FRANC } else { EURO });
        let contact = format!("{} {}", random.pick(FIRST), if random.percent(40) { family } else { *random.pick(LAST) });
        let street = format!("{} {}", random.pick(STREETS), random.between(1, 140));
        let phone = format!("{} {}", place.dial, random.between(200_000, 9_999_999));
        let seller = (!supplier).then(|| *random.pick(if swiss { &franc } else { &euro }));
        let domain = format!("{}-{}.example", ascii(trade), ascii(family));
        let key = if supplier { format!("L{:04}", at - CUSTOMERS + 1) } else { format!("K{:04}", at + 1) };
        parties.push(Party {
            key,
            name,
            place,
            street,
            contact,
            position: random.pick::<&str>(POSITIONS),
            phone,
            domain,
            seller,
            term: *random.pick(&[10, 14, 30, 30, 30, 60]),
        });
    }
    parties
}

fn ascii(text: &str) -> String {
    text.to_lowercase().replace('ä', "ae").replace('ö', "oe").replace('ü', "ue").replace('ß', "ss")
}

pub(super) fn batches(parties: &[Party]) -> Vec<Batch> {
    let records = parties.iter().map(|party| {
        let mailbox = ascii(&party.contact).replace(' ', ".");
        let input = json!({
            "code": party.key, "name": party.name, "is_customer": party.seller.is_some(), "is_supplier": party.seller.is_none(),
            "email": format!("info@{}", party.domain), "phone": party.phone, "website": format!("www.{}", party.domain), "language": "de",
            "currency": party.seller.map_or("EUR", Person::sells_in), "payment_term_days": party.term, "allow_duplicate": true,
            "addresses": [{ "street": party.street, "postal_code": party.place.postal_code, "city": party.place.city, "region": party.place.region, "country": party.place.country }],
            "contacts": [{ "name": party.contact, "position": party.position, "email": format!("{mailbox}@{}", party.domain), "phone": party.phone }],
        });
        let record = record(party.key.clone(), input);
        match party.seller {
            Some(seller) => record.to("owner", "identity.user", seller.number),
            None => record,
        }
    });
    vec![batch("parties", "crm.party", "crm.party.create", records.collect())]
}

/// The external id of a supplier.
pub(super) fn supplier(at: usize) -> String {
    format!("L{:04}", at % SUPPLIERS + 1)
}
