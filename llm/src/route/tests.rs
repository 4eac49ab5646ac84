use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use proptest::prelude::*;
use proptest::sample::Index;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::json;

use super::*;
use crate::chat::{ChatRequest, Dialect, Format, ImageSource, Message, Part, Schema, Tool, Wire};
use crate::config::{self, Capability, Config, Credential, ProviderKind};
use crate::error::Error;
use crate::health::{BreakerConfig, Health};
use crate::price::Request;
use crate::provider::{Answer, Attempt, Provider};
use crate::snapshot::{Live, Snapshot};

struct Silent(Option<Dialect>);

impl Provider for Silent {
    fn name(&self) -> &str {
        "silent"
    }

    fn dialect(&self) -> Option<Dialect> {
        self.0
    }

    fn chat<'a>(&'a self, _: Attempt<'a>) -> BoxFuture<'a, Result<Answer, Error>> {
        Box::pin(async { Err(Kind::Unavailable.into()) })
    }
}

const ALL: config::Model = config::Model {
    context_window: 100_000,
    max_output: 10_000,
    chat: true,
    tools: true,
    vision: true,
    structured_output: true,
    embeddings: false,
    vectors: None,
    price: None,
};

/// A target of a test: provider, model, weight, keys with their weights, and what the model can do.
#[derive(Clone, Debug)]
struct At {
    provider: usize,
    model: usize,
    weight: u32,
    keys: Vec<u32>,
    can: config::Model,
}

fn at(provider: usize, model: usize, keys: usize) -> At {
    At { provider, model, weight: 1, keys: vec![1; keys], can: ALL }
}

fn snapshot(tiers: &[Vec<At>], policy_fallback: bool) -> Arc<Snapshot> {
    let mut providers: BTreeMap<String, config::Provider> = BTreeMap::new();
    for target in tiers.iter().flatten() {
        let provider = providers.entry(format!("p{}", target.provider)).or_insert_with(|| config::Provider {
            kind: ProviderKind::Compatible,
            base_url: Some("http://localhost/v1".to_owned()),
            credentials: Vec::new(),
            quirks: config::Quirks::default(),
            timeouts: crate::Timeouts::default(),
            proxy_url: None,
            models: BTreeMap::new(),
        });
        if provider.credentials.is_empty() {
            let key =
                |(at, weight): (usize, &u32)| Credential { name: format!("k{at}"), weight: *weight, key_env: None, key_file: None, key: Some("k".into()) };
            provider.credentials = target.keys.iter().enumerate().map(key).collect();
        }
        provider.models.insert(format!("m{}", target.model), target.can.clone());
    }
    let target = |target: &At| config::Target { provider: format!("p{}", target.provider), model: format!("m{}", target.model), weight: target.weight };
    let alias = config::Alias {
        tiers: tiers.iter().map(|tier| config::Tier { targets: tier.iter().map(target).collect() }).collect(),
        content_policy_fallback: policy_fallback,
        ..config::Alias::default()
    };
    let config = Config { providers, aliases: BTreeMap::from([("x".to_owned(), alias)]), ..Config::default() };
    let clock: crate::limit::Clock = Arc::new(|| 0);
    let health = Health::new(BreakerConfig::default(), Arc::clone(&clock));
    // Providers of odd numbers speak Anthropic's dialect.
    let factory = |name: &str, _: &config::Provider| {
        let is_odd = name.ends_with(['1', '3', '5']);
        Ok(Arc::new(Silent(Some(if is_odd { Dialect::Anthropic } else { Dialect::OpenAiChat }))) as Arc<dyn Provider>)
    };
    Live::new(&config, &|_| None, factory, health, clock).unwrap().snapshot()
}

fn request() -> ChatRequest {
    ChatRequest::new(vec![Message::user("How many orders?")], 100, Instant::now() + Duration::from_secs(60))
}

fn needs() -> Needs {
    Needs::of_chat(&request())
}

/// The candidates as (provider, model, key), in order.
fn order(snapshot: &Snapshot, needs: &Needs, seed: u64) -> Result<Vec<(String, String, String)>, Shortfall> {
    let alias = snapshot.alias("x").unwrap();
    let mut route = Route::new(alias, needs, &mut StdRng::seed_from_u64(seed))?;
    Ok(std::iter::from_fn(|| route.take().map(|at| told(&route.get(at)))).collect())
}

fn told(candidate: &Candidate<'_>) -> (String, String, String) {
    let site = &candidate.choice.site;
    (site.name.to_string(), site.model.to_string(), candidate.key.name.to_string())
}

fn names(route: &Route<'_>) -> Vec<String> {
    route.pending().map(|candidate| format!("{}{}{}", candidate.choice.site.name, candidate.choice.site.model, candidate.key.name)).collect()
}

#[test]
fn tiers_stand_and_weights_are_shares_within_them() {
    let heavy = At { weight: 3, ..at(0, 0, 1) };
    let snapshot = snapshot(&[vec![heavy, at(1, 0, 1)], vec![at(2, 0, 1)]], false);
    let orders: Vec<_> = (0..4_000).map(|seed| order(&snapshot, &needs(), seed).unwrap()).collect();
    assert!(orders.iter().all(|order| order.len() == 3 && order[2].0 == "p2"));
    let first = orders.iter().filter(|order| order[0].0 == "p0").count();
    assert!((2_850..3_150).contains(&first), "three quarters of 4,000, within five standard deviations: {first}");
}

#[test]
fn keys_share_their_targets_requests_by_weight() {
    let snapshot = snapshot(&[vec![At { keys: vec![1, 4], ..at(0, 0, 2) }]], false);
    let second = (0..4_000).filter(|seed| order(&snapshot, &needs(), *seed).unwrap()[0].2 == "k1").count();
    assert!((3_070..3_330).contains(&second), "four fifths of 4,000, within five standard deviations: {second}");
}

#[test]
fn a_target_that_lacks_something_is_no_candidate() {
    let lacking = |can: config::Model| snapshot(&[vec![At { can, ..at(0, 0, 1) }]], false);
    let with_tool = ChatRequest { tools: vec![Arc::new(Tool::new("count", "", json!({})))], ..request() };
    let image = Part::Image { source: ImageSource::Url { url: "https://example.com/a.png".to_owned() }, detail: None };
    let with_image = ChatRequest { messages: vec![Message::User { content: vec![image] }], ..request() };
    let schema = Schema { name: "s".to_owned(), description: None, schema: json!({}), strict: None };
    let with_schema = ChatRequest { format: Format::JsonSchema(schema), ..request() };
    let wire = Wire { dialect: Dialect::Anthropic, body: "{}".into(), shows_usage: true, betas: Vec::new() };
    let with_beyond = ChatRequest { wire: Some(Arc::new(wire)), beyond: vec!["thinking".to_owned()], ..request() };
    let long = ChatRequest { messages: vec![Message::user("x".repeat(7 * 6_000))], ..request() };
    let small = config::Model { context_window: 6_500, max_output: 6_500, ..ALL };
    let cases = [
        (config::Model { tools: false, ..ALL }, with_tool, "tools", Kind::Unsupported),
        (config::Model { vision: false, ..ALL }, with_image, "vision", Kind::Unsupported),
        (config::Model { structured_output: false, ..ALL }, with_schema, "structured_output", Kind::Unsupported),
        (ALL, with_beyond, "dialect", Kind::Unsupported),
        (config::Model { max_output: 99, ..ALL }, request(), "max_output", Kind::Unsupported),
        (small.clone(), long, "context_window", Kind::ContextLength),
    ];
    for (can, request, code, kind) in cases {
        let shortfall = order(&lacking(can), &Needs::of_chat(&request), 0).unwrap_err();
        let error = Error::from(shortfall);
        assert_eq!((shortfall.code(), error.kind(), error.reason()), (code, kind, Some(code)));
        assert_eq!(order(&snapshot(&[vec![at(1, 0, 1)]], false), &Needs::of_chat(&request), 0).map(|order| order.len()), Ok(1), "{code}");
    }
    let near = ChatRequest { messages: vec![Message::user("x".repeat(6 * 6_000))], ..request() };
    assert!(order(&lacking(small), &Needs::of_chat(&near), 0).is_ok(), "what may fit is tried");
}

#[test]
fn a_sibling_key_comes_first_after_a_rate_limit_and_last_after_what_it_shares() {
    let snapshot = snapshot(&[vec![at(0, 0, 2)], vec![At { model: 1, ..at(0, 1, 2) }], vec![at(1, 0, 1)]], false);
    let after = |kind| {
        let mut route = Route::new(snapshot.alias("x").unwrap(), &needs(), &mut StdRng::seed_from_u64(7)).unwrap();
        let failed = route.take().unwrap();
        assert_eq!(route.after(failed, kind), Onward::Others);
        names(&route).iter().map(|name| name[..4].to_owned()).collect::<Vec<_>>()
    };
    let (sibling, other, elsewhere) = ("p0m0".to_owned(), "p0m1".to_owned(), "p1m0".to_owned());
    for kind in [Kind::RateLimited, Kind::Unauthorized, Kind::QuotaExhausted] {
        assert_eq!(after(kind), [&sibling, &other, &other, &elsewhere].map(Clone::clone), "{kind:?}");
    }
    for kind in [Kind::Upstream, Kind::FirstTokenTimeout, Kind::ModelUnavailable] {
        assert_eq!(after(kind), [&other, &other, &elsewhere, &sibling].map(Clone::clone), "{kind:?}");
    }
    assert_eq!(after(Kind::Connect), [&elsewhere, &sibling, &other, &other].map(Clone::clone));
}

#[test]
fn a_conversation_that_is_too_long_goes_to_larger_windows_only() {
    let window = |tokens| config::Model { context_window: tokens, ..ALL };
    let tiers =
        [vec![At { can: window(50_000), ..at(0, 0, 1) }], vec![At { can: window(50_000), ..at(1, 0, 1) }], vec![At { can: window(60_000), ..at(2, 0, 1) }]];
    let snapshot = snapshot(&tiers, false);
    let mut route = Route::new(snapshot.alias("x").unwrap(), &needs(), &mut StdRng::seed_from_u64(0)).unwrap();
    let first = route.take().unwrap();
    assert_eq!(route.after(first, Kind::ContextLength), Onward::Others);
    assert_eq!(names(&route), ["p2m0k0"]);
    let last = route.take().unwrap();
    assert_eq!(route.after(last, Kind::ContextLength), Onward::LastResort);
}

#[test]
fn refused_content_goes_elsewhere_only_where_that_is_allowed_and_never_to_the_same_model() {
    let tiers = [vec![at(0, 0, 2)], vec![at(1, 0, 1)]];
    for (allowed, onward, left) in [(false, Onward::Caller, 2), (true, Onward::Others, 1)] {
        let snapshot = snapshot(&tiers, allowed);
        let mut route = Route::new(snapshot.alias("x").unwrap(), &needs(), &mut StdRng::seed_from_u64(0)).unwrap();
        let first = route.take().unwrap();
        assert_eq!(route.after(first, Kind::ContentPolicy), onward);
        assert_eq!(route.pending().count(), left);
    }
}

#[test]
fn the_size_of_a_request_bounds_its_tokens_from_above_and_below() {
    let words = "wörter ".repeat(100);
    let request = ChatRequest {
        messages: vec![Message::user(words.clone())],
        tools: vec![Arc::new(Tool::new("count", "counts", json!({"type": "object"})))],
        ..request()
    };
    let size = Request::of_chat(&request);
    assert!(size.bytes >= (words.len() + "countcounts".len() + r#"{"type":"object"}"#.len()) as u64);
    assert_eq!((size.images, size.output_max), (0, 100));
    assert_eq!(Needs::of_chat(&request).input_tokens, words.len() as u64 / 6);

    let image = Part::Image { source: ImageSource::Base64 { media_type: "image/png".to_owned(), data: "A".repeat(90_000) }, detail: None };
    let body = "x".repeat(100_000);
    let wire = Wire { dialect: Dialect::OpenAiChat, body: body.into(), shows_usage: true, betas: Vec::new() };
    let request = ChatRequest { messages: vec![Message::User { content: vec![image] }], wire: Some(Arc::new(wire)), ..request };
    let size = Request::of_chat(&request);
    assert!((10_000..13_000).contains(&size.bytes), "an image counts as one, not by its bytes: {}", size.bytes);
    assert_eq!(size.images, 1);
}

fn model() -> impl Strategy<Value = config::Model> {
    (1_000..200_000_u64, any::<[bool; 3]>()).prop_map(|(context_window, [tools, vision, structured_output])| config::Model {
        context_window,
        max_output: context_window / 2,
        tools,
        vision,
        structured_output,
        ..ALL
    })
}

/// Up to three tiers of up to three targets, each a provider of its own.
fn tiers() -> impl Strategy<Value = Vec<Vec<At>>> {
    let target = (1..5_u32, prop::collection::vec(1..5_u32, 1..4), model());
    prop::collection::vec(prop::collection::vec(target, 1..4), 1..4).prop_map(|tiers| {
        let mut provider = 0;
        let mut number = |(weight, keys, can)| {
            provider += 1;
            At { provider, model: 0, weight, keys, can }
        };
        tiers.into_iter().map(|tier| tier.into_iter().map(&mut number).collect()).collect()
    })
}

fn any_needs() -> impl Strategy<Value = Needs> {
    (any::<[bool; 3]>(), 0..150_000_u64, 1..50_000_u64).prop_map(|([tools, vision, structured], input_tokens, output_tokens)| {
        let mut needs = Needs { input_tokens, output_tokens, ..needs() };
        let wanted = [(tools, Capability::Tools), (vision, Capability::Vision), (structured, Capability::StructuredOutput)];
        needs.capabilities.extend(wanted.into_iter().filter(|(is_wanted, _)| *is_wanted).map(|(_, capability)| capability));
        needs
    })
}

fn can_serve(target: &At, needs: &Needs) -> bool {
    let fits = needs.input_tokens + needs.output_tokens <= target.can.context_window && needs.output_tokens <= target.can.max_output;
    fits && needs.capabilities.iter().all(|capability| target.can.can(*capability))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// The candidates are just those who can do it, each once, tier by tier.
    #[test]
    fn candidates_can_do_it_and_all_who_can_are_candidates(tiers in tiers(), needs in any_needs(), seed in any::<u64>()) {
        let snapshot = snapshot(&tiers, false);
        let able: Vec<Vec<String>> = tiers.iter().map(|tier| {
            let keys = |target: &At| (0..target.keys.len()).map(|key| format!("p{}m0k{key}", target.provider)).collect::<Vec<_>>();
            let mut able: Vec<_> = tier.iter().filter(|target| can_serve(target, &needs)).flat_map(keys).collect();
            able.sort();
            able
        }).collect();
        match Route::new(snapshot.alias("x").unwrap(), &needs, &mut StdRng::seed_from_u64(seed)) {
            Err(_) => prop_assert!(able.iter().all(Vec::is_empty)),
            Ok(route) => {
                let mut names = names(&route).into_iter();
                for tier in able {
                    let mut these: Vec<_> = names.by_ref().take(tier.len()).collect();
                    these.sort();
                    prop_assert_eq!(these, tier);
                }
                prop_assert_eq!(names.next(), None);
            }
        }
    }

    /// However candidates fail, none is asked twice, and after a failure that leads anywhere none is lost.
    #[test]
    fn failures_reorder_and_lose_nobody(tiers in tiers(), kinds in prop::collection::vec(any::<Index>(), 30), seed in any::<u64>()) {
        const KINDS: [Kind; 9] = [
            Kind::Connect, Kind::Upstream, Kind::HeaderTimeout, Kind::RateLimited, Kind::QuotaExhausted, Kind::Unauthorized, Kind::ModelUnavailable, Kind::Unsupported, Kind::Malformed,
        ];
        let snapshot = snapshot(&tiers, false);
        let Ok(mut route) = Route::new(snapshot.alias("x").unwrap(), &needs(), &mut StdRng::seed_from_u64(seed)) else { return Ok(()) };
        let mut left: Vec<usize> = (0..route.all().len()).collect();
        for kind in kinds {
            let Some(position) = route.take() else { break };
            let at = left.iter().position(|known| *known == position);
            prop_assert!(at.is_some(), "asked twice");
            left.remove(at.unwrap());
            prop_assert_eq!(route.after(position, KINDS[kind.index(KINDS.len())]), Onward::Others);
            prop_assert_eq!(route.pending().count(), left.len());
        }
    }
}
