//! Companies with texts: words drawn from a vocabulary with a fixed seed, common ones more often than rare ones.

use super::{Kind, Seeded, Size, empty, id, orders, people_and_things, run};
use crate::cli::Modules;
use anyhow::{Context, Result};
use std::collections::VecDeque;
use std::time::Instant;
use uuid::Uuid;

/// Sixty tokens of the model's are some fifty of its words; invented ones are cut into several, so that thirty are plenty.
const WORDS: usize = 30;
const VOCABULARY: u64 = 4_000;
/// Documents of one statement.
const CHUNK: u64 = 2_000;

/// With documents.
const LIBRARY: Size = Size { orders: 5_000, quotations: 100, lone: 0, customers: 1_000, items: 200, sellers: 10 };
/// With notes on its customers; what a model embeds in seconds.
const DESK: Size = Size { orders: 0, quotations: 0, lone: 0, customers: 400, items: 10, sellers: 1 };

/// SplitMix64.
pub(in crate::bench) struct Dice(u64);

impl Dice {
    pub(in crate::bench) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xD129_0B26_88BB_9CE3))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// The square of an even share: the first words of the vocabulary come often, the last seldom.
    fn word(&mut self) -> String {
        let share = self.next() >> 44;
        word((share * share * VOCABULARY) >> 40)
    }

    pub(in crate::bench) fn words(&mut self, count: usize) -> String {
        (0..count).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }
}

/// The n-th word: syllables, so that no two are alike.
fn word(n: u64) -> String {
    const SYLLABLES: [&str; 16] = ["ba", "den", "fi", "gol", "hu", "ja", "kel", "li", "mor", "nu", "pa", "ren", "si", "tol", "vu", "za"];
    let mut digits: VecDeque<&str> = VecDeque::new();
    let mut rest = n + 4096;
    while rest > 0 {
        digits.push_front(SYLLABLES[usize::try_from(rest % 16).unwrap_or_default()]);
        rest /= 16;
    }
    digits.into_iter().collect()
}

/// A text that nothing else has, and the one word in it that makes it so.
pub(in crate::bench) fn unique(n: u64) -> (String, String) {
    let own = format!("{}{:x}x", word(n * 7 % VOCABULARY), n.wrapping_mul(0x9E37_79B9) & 0xFFFF_FFFF);
    (format!("{own} {}", Dice::new(n ^ 0xBEEF).words(WORDS - 1)), own)
}

pub(in crate::bench) fn text(n: u64) -> String {
    Dice::new(n).words(WORDS)
}

/// So many documents beside a small company.
pub(in crate::bench) async fn library(url: &str, documents: u64, modules: Modules, progress: &dyn Fn(&str)) -> Result<Seeded> {
    let started = Instant::now();
    progress("making a library");
    let seeded = empty(url, modules).await?;
    let mut tx = seeded.begin().await?;
    for statement in people_and_things(&seeded.tenant, LIBRARY).iter().chain(&orders(&seeded.tenant, LIBRARY)) {
        run(&mut tx, statement).await?;
    }
    for first in (1..=documents).step_by(CHUNK as usize) {
        let numbers = first..=documents.min(first + CHUNK - 1);
        let ids: Vec<Uuid> = numbers.clone().map(|n| id(Kind::Document, n)).collect();
        let titles: Vec<String> = numbers.clone().map(|n| format!("Report {n:06}")).collect();
        let bodies: Vec<String> = numbers.map(text).collect();
        sqlx::query("INSERT INTO documents_document (tenant_id, id, title, body) SELECT $1, d.* FROM unnest($2::uuid[], $3::text[], $4::text[]) AS d")
            .bind(seeded.tenant.tenant)
            .bind(ids)
            .bind(titles)
            .bind(bodies)
            .execute(&mut *tx)
            .await
            .context("seed: documents")?;
    }
    tx.commit().await?;
    seeded.analyze(&["documents_document", "crm_party", "sales_order", "inventory_item"]).await?;
    progress(&format!("{documents} documents after {:.0} s", started.elapsed().as_secs_f32()));
    Ok(seeded)
}

/// Customers with a note each.
pub(in crate::bench) async fn desk(url: &str, modules: Modules) -> Result<Seeded> {
    let seeded = empty(url, modules).await?;
    let mut tx = seeded.begin().await?;
    for statement in people_and_things(&seeded.tenant, DESK) {
        run(&mut tx, &statement).await?;
    }
    let notes: Vec<String> = (1..=DESK.customers).map(text).collect();
    let ids: Vec<Uuid> = (1..=DESK.customers).map(|n| id(Kind::Party, n)).collect();
    sqlx::query("UPDATE crm_party p SET note = n.note FROM unnest($2::uuid[], $3::text[]) AS n (id, note) WHERE p.tenant_id = $1 AND p.id = n.id")
        .bind(seeded.tenant.tenant)
        .bind(ids)
        .bind(notes)
        .execute(&mut *tx)
        .await
        .context("seed: notes")?;
    tx.commit().await?;
    seeded.analyze(&["crm_party"]).await?;
    Ok(seeded)
}

/// Customers of the library, and of the desk.
pub(in crate::bench) const LIBRARY_CUSTOMERS: u64 = LIBRARY.customers;
pub(in crate::bench) const DESK_CUSTOMERS: u64 = DESK.customers;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn words_are_distinct_and_texts_the_same_in_every_run() {
        assert_eq!((0..VOCABULARY).map(word).collect::<HashSet<_>>().len() as u64, VOCABULARY);
        assert_eq!(text(7), text(7));
        assert_ne!(text(7), text(8));
        assert_eq!(text(7).split(' ').count(), WORDS);
    }

    #[test]
    fn a_text_of_its_own_has_a_word_that_no_other_has() {
        let own: HashSet<String> = (0..10_000).map(|n| unique(n).1).collect();
        assert_eq!(own.len(), 10_000);
        let (text, word) = unique(5);
        assert!(text.starts_with(&word));
    }
}
