use proptest::prelude::*;

use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn built_in() -> Prices {
    Prices::built_in(Unknown::Refuse).unwrap()
}

#[test]
fn tokens_cost_what_the_list_says() {
    let tokens = Tokens { input: 1_000_000, output: 100_000, ..Tokens::default() };
    assert_eq!(built_in().cost("openai", "gpt-4o-mini", day("2025-01-01"), tokens).unwrap(), Cost::Priced(150_000_000 + 60_000_000));
}

#[test]
fn parts_of_the_input_have_prices_of_their_own() {
    let tokens = Tokens { input: 1_000, cache_read: 500, cache_write: 200, cache_write_long: 100, output: 10 };
    let cost = built_in().cost("anthropic", "claude-haiku-4-5", day("2025-11-01"), tokens).unwrap();
    assert_eq!(cost, Cost::Priced(200 * 1_000 + 500 * 100 + 200 * 1_250 + 100 * 2_000 + 10 * 5_000));
}

#[test]
fn the_price_of_the_day_holds() {
    let prices = built_in();
    let input = |when| prices.price("deepseek", "deepseek-chat", day(when), 0).map(|price| price.input);
    assert_eq!(input("2025-02-07"), None);
    assert_eq!(input("2025-02-08"), Some(270_000_000));
    assert_eq!(input("2025-09-28"), Some(560_000_000));
    assert_eq!(input("2026-01-01"), Some(280_000_000));
}

#[test]
fn large_requests_have_the_price_for_large_requests() {
    let prices = built_in();
    let input = |tokens, when| prices.price("anthropic", "claude-sonnet-4", day(when), tokens).map(|price| price.input);
    assert_eq!(input(200_000, "2025-12-01"), Some(3_000_000_000));
    assert_eq!(input(200_001, "2025-12-01"), Some(6_000_000_000));
    assert_eq!(input(200_001, "2025-06-01"), Some(3_000_000_000));
}

#[test]
fn the_day_in_a_models_name_is_no_part_of_it() {
    let prices = built_in();
    for model in ["claude-sonnet-4-5-20250929", "claude-sonnet-4-5"] {
        assert!(prices.price("anthropic", model, day("2025-12-01"), 0).is_some(), "{model}");
    }
    assert!(prices.price("openai", "gpt-4o-2024-08-06", day("2025-12-01"), 0).is_some());
    assert!(prices.price("openai", "gpt-4o-audio", day("2025-12-01"), 0).is_none());
    assert!(prices.price("anthropic", "gpt-4o", day("2025-12-01"), 0).is_none());
}

#[test]
fn a_model_without_a_price_is_refused_or_counts_as_free_and_says_so() {
    let cost = |unknown| Prices::built_in(unknown).unwrap().cost("local", "llama", day("2025-12-01"), Tokens::default());
    assert_eq!(cost(Unknown::Refuse), Err(NoPrice));
    assert_eq!(cost(Unknown::Free), Ok(Cost::Unpriced));
    assert_eq!(Cost::Unpriced.nano_dollars(), 0);
}

#[test]
fn a_table_of_ones_own_adds_and_replaces() {
    let own = "[[price]]\nprovider = 'openai'\nmodel = 'gpt-4o'\nfrom = '2024-10-01'\ninput = '2'\noutput = '8'\n";
    let prices = built_in().with(own).unwrap();
    assert_eq!(prices.price("openai", "gpt-4o", day("2025-01-01"), 0).unwrap().input, 2_000_000_000);
    assert_eq!(prices.price("openai", "gpt-4o", day("2025-01-01"), 0).unwrap().cache_read, 2_000_000_000);
}

#[test]
fn a_table_that_is_wrong_does_not_take_effect() {
    let entry = |input: &str| format!("[[price]]\nprovider = 'p'\nmodel = 'm'\nfrom = '2024-10-01'\ninput = '{input}'\noutput = '8'\n");
    let with = |table: &str| Prices::empty(Unknown::Refuse).with(table);
    for price in ["", "-1", "1,5", "1.0000000001", "x", ".5", "99999999999999999999"] {
        assert!(matches!(with(&entry(price)), Err(Invalid::Price { .. })), "{price}");
    }
    assert!(matches!(with(&(entry("1") + &entry("2"))), Err(Invalid::Twice { .. })));
    assert!(matches!(with("[[price]]\nmodel = 'm'"), Err(Invalid::Form(_))));
    assert!(matches!(with(&(entry("1") + "unknown = 1")), Err(Invalid::Form(_))));
}

#[test]
fn costs_are_rounded_up_and_never_wrap() {
    let price = Price { input: 1, cache_read: 1, cache_write: 1, cache_write_long: 1, output: u64::MAX };
    assert_eq!(price.cost(Tokens { input: 1, ..Tokens::default() }), 1);
    assert_eq!(price.cost(Tokens::default()), 0);
    assert_eq!(price.cost(Tokens { output: u64::MAX, ..Tokens::default() }), i64::MAX);
}

proptest! {
    /// Whatever a request turns out to use, its ceiling covered it.
    #[test]
    fn no_usage_costs_more_than_the_ceiling(
        bytes in 0_u64..1_000_000, images in 0_u64..3, output_max in 0_u64..100_000, shares in proptest::array::uniform4(0_u64..=100), of_input in 0_u64..=100, of_output in 0_u64..=100,
    ) {
        let prices = built_in();
        let request = Request { bytes, images, output_max };
        let input = request.tokens_max() * of_input / 100;
        let whole = shares.iter().sum::<u64>().max(1);
        let part = |share: u64| input * share / whole;
        let tokens = Tokens { input, cache_read: part(shares[0]), cache_write: part(shares[1]), cache_write_long: part(shares[2]), output: output_max * of_output / 100 };
        for (provider, model) in prices.models() {
            let when = day("2026-01-01");
            let ceiling = prices.ceiling(provider, model, when, request).unwrap().nano_dollars();
            let cost = prices.cost(provider, model, when, tokens).unwrap().nano_dollars();
            prop_assert!(cost <= ceiling, "{} {}: {} > {}", provider, model, cost, ceiling);
        }
    }
}
