//! Items in their categories, warehouses, and what lies there at the beginning.

use super::organisation::FIRST_COMPANY;
use super::parties::supplier;
use super::random::Random;
use super::{Refer, batch, record};
use crate::import::record::Batch;
use serde_json::json;

pub(super) struct Item {
    pub(super) key: String,
    name: &'static str,
    category: &'static str,
    unit: &'static str,
    /// Cents.
    pub(super) price: usize,
    reorder: usize,
    on_hand: usize,
    at: usize,
}

/// Name, unit, the lowest and the highest price in euros, and ten items.
type Range = (&'static str, &'static str, usize, usize, [&'static str; 10]);

const RANGES: [Range; 8] = [
    (
        "Hand tools",
        "pcs",
        6,
        60,
        [
            "Claw hammer 600 g",
            "Screwdriver set, 6 parts",
            "Combination pliers 180 mm",
            "Hex key set",
            "Folding rule 2 m",
            "Spirit level 60 cm",
            "Utility knife",
            "Adjustable spanner",
            "Hand saw 500 mm",
            "Tape measure 5 m",
        ],
    ),
    (
        "Power tools",
        "pcs",
        70,
        420,
        [
            "Cordless drill 18 V",
            "Impact driver 18 V",
            "Angle grinder 125 mm",
            "Circular saw 190 mm",
            "Random orbital sander",
            "Rotary hammer SDS-plus",
            "Jigsaw 650 W",
            "Heat gun 2000 W",
            "Wet and dry vacuum 30 l",
            "Battery 18 V 5 Ah",
        ],
    ),
    (
        "Fasteners",
        "box",
        4,
        35,
        [
            "Wood screws 4 × 40, 500 pcs",
            "Wood screws 5 × 60, 200 pcs",
            "Drywall screws 3.5 × 35, 1000 pcs",
            "Wall plugs 8 mm, 100 pcs",
            "Hex bolts M8 × 40, 50 pcs",
            "Hex nuts M8, 100 pcs",
            "Washers M8, 200 pcs",
            "Cable ties 200 mm, 100 pcs",
            "Anchor bolts M10, 25 pcs",
            "Blind rivets 4 × 10, 250 pcs",
        ],
    ),
    (
        "Work wear",
        "pcs",
        15,
        140,
        [
            "Work trousers",
            "Softshell jacket",
            "High-visibility vest",
            "Bib overalls",
            "Winter parka",
            "Rain suit",
            "Polo shirt",
            "Knee pads",
            "Work socks, 5 pairs",
            "Beanie",
        ],
    ),
    (
        "Safety",
        "pcs",
        3,
        95,
        [
            "Safety helmet",
            "Safety glasses, clear",
            "Ear defenders",
            "Nitrile gloves, 100 pcs",
            "Cut resistant gloves",
            "Dust mask FFP2, 20 pcs",
            "Safety shoes S3",
            "First aid kit DIN 13157",
            "Fall arrest harness",
            "Fire extinguisher 6 kg",
        ],
    ),
    (
        "Lighting",
        "pcs",
        5,
        180,
        [
            "LED work light 50 W",
            "Head torch",
            "LED tube 120 cm",
            "LED panel 62 × 62 cm",
            "Cable reel 40 m",
            "Extension lead 10 m",
            "Emergency exit light",
            "LED bulb E27 9 W",
            "Tripod for work lights",
            "Motion detector",
        ],
    ),
    (
        "Storage",
        "pcs",
        6,
        260,
        [
            "Shelf rack 180 × 90 cm",
            "Stacking box 40 l",
            "Small parts cabinet, 44 drawers",
            "Tool trolley, 7 drawers",
            "Pallet 1200 × 800 mm",
            "Stretch film 500 mm",
            "Cardboard box 60 × 40, 20 pcs",
            "Packing tape, 6 rolls",
            "Hand truck 200 kg",
            "Tool case",
        ],
    ),
    (
        "Cleaning",
        "pcs",
        3,
        75,
        [
            "All-purpose cleaner 10 l",
            "Hand cleaner 3 l",
            "Cleaning rags 10 kg",
            "Paper towels, 2 rolls",
            "Push broom 60 cm",
            "Bin bags 120 l, 25 pcs",
            "Mop set",
            "Degreaser 5 l",
            "Window squeegee",
            "Absorbent granules 20 kg",
        ],
    ),
];

pub(super) fn make() -> Vec<Item> {
    let mut random = Random::new(23);
    let ranges = RANGES.iter().flat_map(|(category, unit, low, high, names)| names.iter().map(move |name| (*category, *unit, *low, *high, *name)));
    ranges
        .enumerate()
        .map(|(at, (category, unit, low, high, name))| {
            let price = random.between(low * 10, high * 10) * 10 - if random.percent(60) { 1 } else { 0 };
            let reorder = random.between(2, 20) * 5;
            // Some items are below their reorder level, a few are out of stock.
            let on_hand = if random.percent(4) { 0 } else { random.between(reorder / 2, reorder * 8) };
            Item { key: format!("{}", 1001 + at), name, category, unit, price, reorder, on_hand, at }
        })
        .collect()
}

pub(super) fn categories() -> Vec<Batch> {
    let records = RANGES.iter().map(|(category, ..)| record(*category, json!({ "name": category })));
    vec![batch("categories", "inventory.category", "inventory.category.create", records.collect())]
}

/// Cents as an amount.
pub(super) fn amount(cents: usize) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

pub(super) fn batches(items: &[Item]) -> Vec<Batch> {
    let warehouse = |key: &str, name: &str, company: &str| record(key, json!({ "code": key, "name": name })).by("company", "identity.company", "code", company);
    let warehouses = vec![warehouse("HAM", "Hamburg", FIRST_COMPANY), warehouse("ZRH", "Zürich", "NS")];
    let goods = items.iter().map(|item| {
        let input = json!({
            "code": item.key, "name": item.name, "unit": item.unit, "sales_price": { "amount": amount(item.price), "currency": "EUR" },
            "reorder_level": item.reorder.to_string(), "discontinued": item.at % 27 == 26, "allow_duplicate": true,
        });
        record(item.key.clone(), input).to("category", "inventory.category", item.category).to("supplier", "crm.party", supplier(item.at))
    });
    let stock = items.iter().flat_map(|item| {
        let open = |warehouse: &str, quantity: usize, on_order: usize| {
            record(format!("{}-{warehouse}", item.key), json!({ "quantity": quantity.to_string(), "on_order": on_order.to_string() }))
                .to("item", "inventory.item", item.key.clone())
                .to("warehouse", "inventory.warehouse", warehouse)
        };
        let on_order = if item.on_hand < item.reorder { item.reorder * 4 } else { 0 };
        // Every third item lies in Zürich as well.
        [Some(open("HAM", item.on_hand, on_order)), (item.at % 3 == 0).then(|| open("ZRH", item.on_hand / 3, 0))].into_iter().flatten()
    });
    vec![
        batch("warehouses", "inventory.warehouse", "inventory.warehouse.create", warehouses),
        batch("items", "inventory.item", "inventory.item.create", goods.collect()),
        batch("stock", "inventory.stock.open", "inventory.stock.open", stock.collect()),
    ]
}
