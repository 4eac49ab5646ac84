//! What tokens cost.
//!
//! Start at [`Prices`]: a table with dates, by provider and model, of which a built-in one comes along (`data/prices.toml`) and which
//! configuration can extend. Money is whole nano-dollars; products are taken in 128 bits and rounded up, so that what is spent is
//! never less than what a provider asks.
//!
//! What is absent: currencies and taxes, and prices of anything but tokens.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde::Deserialize;

use crate::chat::Usage;

/// Of an image that a request holds: no provider named here counts more for one.
const IMAGE_TOKENS_MAX: u64 = 50_000;
/// Prices are for so many tokens.
const UNIT: u128 = 1_000_000;
/// Decimals of a price in dollars that make a nano-dollar.
const DECIMALS: usize = 9;

const BUILT_IN: &str = include_str!("../data/prices.toml");

/// Tokens by what they cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Read, everything included.
    pub input: u64,
    /// Of these, read from the provider's cache.
    pub cache_read: u64,
    /// Of these, written to the provider's cache for minutes.
    pub cache_write: u64,
    /// Of these, written to the provider's cache for an hour.
    pub cache_write_long: u64,
    /// Written, reasoning included.
    pub output: u64,
}

impl From<Usage> for Tokens {
    fn from(usage: Usage) -> Self {
        Self {
            input: usage.input_tokens,
            cache_read: usage.cache_read_tokens,
            cache_write: usage.cache_write_tokens,
            cache_write_long: usage.cache_write_long_tokens,
            output: usage.output_tokens,
        }
    }
}

/// What a million tokens cost, in nano-dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// Input that is neither read from a cache nor written to one.
    pub input: u64,
    /// Input read from the cache.
    pub cache_read: u64,
    /// Input written to the cache for minutes.
    pub cache_write: u64,
    /// Input written to the cache for an hour.
    pub cache_write_long: u64,
    /// Output.
    pub output: u64,
}

/// A cost in nano-dollars, or that there is no price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// By the table.
    Priced(i64),
    /// The model has no price; configuration lets it count as free, and reports must say so.
    Unpriced,
}

impl Cost {
    /// What is counted.
    pub fn nano_dollars(self) -> i64 {
        match self {
            Self::Priced(nano_dollars) => nano_dollars,
            Self::Unpriced => 0,
        }
    }
}

/// What is done with models that have no price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unknown {
    /// They are not called.
    #[default]
    Refuse,
    /// They count as free and are reported as such.
    Free,
}

/// A model without a price is not called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the model has no price")]
pub struct NoPrice;

/// Why a table cannot take effect.
#[derive(Debug, thiserror::Error)]
pub enum Invalid {
    /// Not TOML of this form.
    #[error("the price table cannot be read")]
    Form(#[source] Box<toml::de::Error>),
    /// Not a decimal number of dollars.
    #[error("the price table has a price for {model} that is no decimal number of dollars: {price}")]
    Price {
        /// Whose.
        model: String,
        /// As it is written.
        price: String,
    },
    /// Two prices for the same day.
    #[error("the price table has two prices for {model} from the same day")]
    Twice {
        /// Whose.
        model: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    price: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    provider: String,
    model: String,
    from: NaiveDate,
    #[serde(default)]
    above: u64,
    input: String,
    cached: Option<String>,
    written: Option<String>,
    written_long: Option<String>,
    output: String,
}

#[derive(Clone, Copy, Debug)]
struct Dated {
    from: NaiveDate,
    above: u64,
    price: Price,
}

/// A table of prices.
#[derive(Clone, Debug, Default)]
pub struct Prices {
    /// By provider and model; of each the latest and widest first.
    entries: HashMap<(String, String), Vec<Dated>>,
    unknown: Unknown,
}

impl Prices {
    /// The built-in table.
    pub fn built_in(unknown: Unknown) -> Result<Self, Invalid> {
        Self { entries: HashMap::new(), unknown }.with(BUILT_IN)
    }

    /// No prices at all.
    pub fn empty(unknown: Unknown) -> Self {
        Self { entries: HashMap::new(), unknown }
    }

    /// Adds a table. An entry for the same provider, model, day and size replaces the one that was there.
    pub fn with(mut self, table: &str) -> Result<Self, Invalid> {
        let table: Table = toml::from_str(table).map_err(|error| Invalid::Form(Box::new(error)))?;
        let mut added = std::collections::HashSet::new();
        for entry in table.price {
            let dated = entry.dated()?;
            if !added.insert((entry.provider.clone(), entry.model.clone(), dated.from, dated.above)) {
                return Err(Invalid::Twice { model: entry.model });
            }
            let prices = self.entries.entry((entry.provider, entry.model)).or_default();
            prices.retain(|known| (known.from, known.above) != (dated.from, dated.above));
            prices.push(dated);
            prices.sort_by_key(|dated| std::cmp::Reverse((dated.from, dated.above)));
        }
        Ok(self)
    }

    /// Every provider and model that has a price on some day.
    pub fn models(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.keys().map(|(provider, model)| (provider.as_str(), model.as_str()))
    }

    /// The price of a model on a day, for a request with so many input tokens. The day in a model's name is not part of it.
    pub fn price(&self, provider: &str, model: &str, day: NaiveDate, input: u64) -> Option<Price> {
        self.dated(provider, model, day)
            .filter(|dated| dated.above == 0 || input > dated.above)
            .max_by_key(|dated| (dated.above, dated.from))
            .map(|dated| dated.price)
    }

    /// What these tokens cost.
    pub fn cost(&self, provider: &str, model: &str, day: NaiveDate, tokens: Tokens) -> Result<Cost, NoPrice> {
        match self.price(provider, model, day, tokens.input) {
            Some(price) => Ok(Cost::Priced(price.cost(tokens))),
            None => self.unpriced(),
        }
    }

    /// What a request can cost at most. A token is at least a byte, so bytes bound the input from above.
    pub fn ceiling(&self, provider: &str, model: &str, day: NaiveDate, request: Request) -> Result<Cost, NoPrice> {
        let input = request.tokens_max();
        // A smaller request may be dearer for a token, if a table says so.
        let costs = self
            .dated(provider, model, day)
            .filter(|dated| dated.above == 0 || input > dated.above)
            .map(|dated| dated.price.ceiling(input, request.output_max));
        match costs.max() {
            Some(cost) => Ok(Cost::Priced(cost)),
            None => self.unpriced(),
        }
    }

    fn unpriced(&self) -> Result<Cost, NoPrice> {
        match self.unknown {
            Unknown::Refuse => Err(NoPrice),
            Unknown::Free => Ok(Cost::Unpriced),
        }
    }

    /// Of each size the entry that holds on that day.
    fn dated(&self, provider: &str, model: &str, day: NaiveDate) -> impl Iterator<Item = &Dated> {
        let of = |model: &str| self.entries.get(&(provider.to_owned(), model.to_owned()));
        let known = of(model).or_else(|| undated(model).and_then(of)).map(Vec::as_slice).unwrap_or_default();
        let holds =
            move |dated: &&Dated| dated.from <= day && !known.iter().any(|later| later.above == dated.above && later.from <= day && later.from > dated.from);
        known.iter().filter(holds)
    }
}

/// A request before it is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The bytes of its body, without images.
    pub bytes: u64,
    /// How many images it holds.
    pub images: u64,
    /// The tokens that it may be answered with at most.
    pub output_max: u64,
}

impl Request {
    /// An upper bound of its input tokens.
    pub fn tokens_max(&self) -> u64 {
        self.bytes.saturating_add(self.images.saturating_mul(IMAGE_TOKENS_MAX))
    }
}

impl Price {
    /// What these tokens cost, in nano-dollars, rounded up.
    pub fn cost(&self, tokens: Tokens) -> i64 {
        let cached = tokens.cache_read.saturating_add(tokens.cache_write).saturating_add(tokens.cache_write_long);
        // A provider that counts parts beyond the whole is believed for the parts.
        let plain = tokens.input.saturating_sub(cached);
        rounded_up(&[
            (plain, self.input),
            (tokens.cache_read, self.cache_read),
            (tokens.cache_write, self.cache_write),
            (tokens.cache_write_long, self.cache_write_long),
            (tokens.output, self.output),
        ])
    }

    /// What so many tokens cost at most, however they are split.
    pub fn ceiling(&self, input: u64, output: u64) -> i64 {
        let dearest = self.input.max(self.cache_read).max(self.cache_write).max(self.cache_write_long);
        rounded_up(&[(input, dearest), (output, self.output)])
    }
}

fn rounded_up(parts: &[(u64, u64)]) -> i64 {
    let sum = parts.iter().fold(0_u128, |sum, (tokens, price)| sum.saturating_add(u128::from(*tokens) * u128::from(*price)));
    i64::try_from(sum.div_ceil(UNIT)).unwrap_or(i64::MAX)
}

impl Entry {
    fn dated(&self) -> Result<Dated, Invalid> {
        let read = |price: &str| nano_dollars(price).ok_or_else(|| Invalid::Price { model: self.model.clone(), price: price.to_owned() });
        let input = read(&self.input)?;
        let or_input = |price: &Option<String>| price.as_deref().map_or(Ok(input), read);
        let price = Price {
            input,
            cache_read: or_input(&self.cached)?,
            cache_write: or_input(&self.written)?,
            cache_write_long: or_input(&self.written_long)?,
            output: read(&self.output)?,
        };
        Ok(Dated { from: self.from, above: self.above, price })
    }
}

/// A decimal number of dollars, exactly, in nano-dollars.
fn nano_dollars(price: &str) -> Option<u64> {
    let (whole, decimals) = price.split_once('.').unwrap_or((price, ""));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !are_digits(whole) || !are_digits(decimals) || decimals.len() > DECIMALS {
        return None;
    }
    format!("{whole}{decimals:0<width$}", width = DECIMALS).parse().ok()
}

/// A model's name without the day at its end: `-2024-08-06` or `-20250929`.
fn undated(model: &str) -> Option<&str> {
    let is_day = |text: &str, form: &str| {
        text.len() == form.len() && text.bytes().zip(form.bytes()).all(|(byte, form)| if form == b'0' { byte.is_ascii_digit() } else { byte == form })
    };
    ["-0000-00-00", "-00000000"].iter().find_map(|form| {
        let at = model.len().checked_sub(form.len())?;
        is_day(model.get(at..)?, form).then(|| &model[..at])
    })
}

#[cfg(test)]
mod tests;
