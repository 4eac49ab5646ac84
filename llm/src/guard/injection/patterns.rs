//! The wordings, in English and German. In a pattern `_` is what stands between two words, and `~` is up to four further words.
//!
//! Matched against a folded text: small letters, no marks (`ü` is `u`, `ß` is `ss`), single spaces.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use regex_automata::meta::Regex;
use regex_automata::{Anchored, Input};
use regex_syntax::hir::Hir;
use regex_syntax::hir::literal::Extractor;

use super::Feature;

const LISTED: [(&str, u32, &[&str]); 17] = [
    (
        "override_instructions",
        600,
        &[
            r"\b(?:ignore|disregard|forget|override|bypass)_~(?:previous|prior|above|earlier|preceding|former|all|any|your|my)_~(?:instructions?|prompts?|rules|directions|guidelines|commands|guardrails|constraints|restrictions|programming)\b",
            r"\byou_have_no_(?:more_)?(?:rules|restrictions|guidelines|filters)\b",
            r"\bdo_not_(?:follow|obey)_~(?:previous|prior|your|the|system)_~(?:instructions?|rules|prompt|guidelines)\b",
            r"\b(?:ignorier(?:e|en|t)?|vergiss|vergessen|missachten?|ubergehen?|uberschreiben?|umgehen?)_~(?:vorherigen?|bisherigen?|obigen?|fruheren?|vorangegangenen?|vorstehenden?|alle|samtlichen?|deine|ihre)_~(?:anweisung(?:en)?|instruktion(?:en)?|regeln|vorgaben|befehle|prompts?|systemprompts?|richtlinien|einschrankungen)\b",
            r"\bbeachten?_~(?:vorherigen?|bisherigen?|obigen?|deine)_~(?:anweisung(?:en)?|regeln|vorgaben)_~nicht\b",
        ],
    ),
    (
        "new_instructions",
        350,
        &[
            r"\b(?:new|real|actual|true|updated)_(?:instructions?|objective|goal|task|orders)_?(?:are|is|follow|:)",
            r"\b(?:just_)?(?:follow|obey|execute)_(?:these|the_following|my|this)_~(?:instructions?|commands?|orders)\b",
            r"\binstead_(?:of_that_)?(?:do|you_(?:must|should|will))_(?:the_following|this)\b",
            r"\b(?:neue|eigentliche|aktualisierte)_(?:anweisung(?:en)?|aufgabe|instruktion(?:en)?)_?(?:lautet|lauten|:)",
            r"\b(?:befolge|folge)_(?:nur_)?(?:diesen?|den_folgenden|stattdessen)_~(?:anweisung(?:en)?|instruktion(?:en)?|befehlen?)\b",
        ],
    ),
    (
        "before_the_task",
        450,
        &[
            r"\b(?:before|prior_to|until)_you_(?:can_|may_|could_)?(?:solv|complet|finish|answer|continu|start|do|proceed|respond)[a-z]*_~(?:task|question|request|work)\b",
            r"\b(?:bevor|ehe)_du_~(?:aufgabe|frage|anfrage|arbeit)_~(?:losen|bearbeiten|beantworten|erledigen|fortfahren)\b",
        ],
    ),
    (
        "do_this_first",
        250,
        &[
            r"\b(?:please_)?(?:do|perform|execute|complete)_(?:the_following|this)_(?:first|immediately|now|before)\b",
            r"\bafter_you_(?:do|did|have_done)_(?:that|this|it)_~(?:solve|task|continue|answer)\b",
            r"\b(?:fuhre|erledige|mache?)_(?:zuerst|zunachst|sofort|vorher)_(?:folgendes|das_folgende|diese)\b",
        ],
    ),
    (
        "message_to_the_model",
        350,
        &[
            r"\bmessage_from_~to_you\b",
            r"\b(?:attention|dear|hey|hello|note_to|instructions?_for|message_(?:to|for)|notice_to|addressed_to)_(?:the_|any_|all_)?(?:ai|llms?|chatbots?|language_models?|assistants?|agents?|model)\b",
            r"\bif_you_are_(?:an_?)_?(?:ai|llm|language_model|automated|assistant|agent|chatbot)\b",
            r"\b(?:hinweis|nachricht|anweisung(?:en)?|achtung|mitteilung)_(?:an|fur)_(?:die_|das_|den_|alle_)?(?:ki|llms?|sprachmodelle?|chatbots?|assistent(?:en)?|modelle?)\b",
            r"\b(?:falls|wenn)_du_(?:eine?_)?(?:ki|sprachmodell|assistent|chatbot)_bist\b",
        ],
    ),
    (
        "role_change",
        450,
        &[
            r"\byou_are_(?:now|no_longer|from_now_on)_(?:a|an|the|in|my|bound|restricted|limited|free|acting|[a-z]+gpt|dan)\b",
            r"\bfrom_now_on_you_(?:are|will|must|act|answer|respond)\b",
            r"\b(?:act|behave|respond|answer)_as_(?:if_you_(?:were|are|have)|an?_(?:unrestricted|uncensored|administrator|developer|root|system)|dan|root)\b",
            r"\bpretend_(?:to_be|you_are|you're|that_you)\b",
            r"\b(?:developer|debug|god|admin|dan|jailbreak|maintenance)_mode_(?:is_)?(?:on|enabled|activated|active|now)\b",
            r"\bdu_bist_(?:jetzt|ab_jetzt|ab_sofort|von_nun_an|nicht_mehr|nicht_langer)_(?:ein|eine|der|die|das|mein|im|an|frei|nicht)\b",
            r"\b(?:verhalte_dich|antworte|handle)_(?:ab_jetzt_|ab_sofort_)?(?:so_)?als_(?:wenn|ob|warst|administrator|entwickler)\b",
            r"\b(?:entwickler|debug|admin|administrator|wartungs)modus_(?:ist_)?(?:aktiv|aktiviert|an|ein)\b",
        ],
    ),
    (
        "reveal_the_prompt",
        500,
        &[
            r"\b(?:reveal|print|show|repeat|output|display|tell_me|leak|expose|write_out)_~(?:system|hidden|initial|secret|developer)_~(?:prompts?|instructions?|messages?)\b",
            r"\b(?:reveal|print|show|repeat|output|display|tell_me|leak|expose|write_out)_~(?:original|full|entire)_prompts?\b",
            r"\b(?:zeige?|nenne|wiederhole|gib|verrate|drucke)_~(?:system|geheimen?|versteckten?|ursprunglichen?)_?~?(?:prompts?|anweisung(?:en)?|instruktion(?:en)?)\b",
        ],
    ),
    (
        "conceal",
        300,
        &[
            r"\b(?:do_not|don't|never)_(?:tell|inform|mention_(?:this|it)_to|notify|alert|show|reveal_(?:this|it)_to)_(?:the_|this_to_the_|anything_to_the_)?(?:user|human|operator|anyone|anybody)\b",
            r"\bwithout_(?:telling|informing|asking|notifying|alerting)_(?:the_)?(?:user|human|me|anyone|operator|owner)\b",
            r"\b(?:sage?|teile|erwahne|verrate|zeige)_(?:es_|das_|dies_|davon_)?(?:dem|der|den)_(?:nutzer|benutzer|anwender|menschen)(?:in|n)?_~(?:nicht|nichts|niemals)\b",
            r"\bohne_(?:den_|die_|das_)?(?:nutzer|benutzer|anwender|mich)(?:in)?_~zu_(?:fragen|informieren|benachrichtigen)\b",
            r"\bohne_(?:ruckfrage|nachzufragen|bestatigung_(?:auszufuhren|einzuholen))\b",
        ],
    ),
    (
        "instructs_tools",
        350,
        &[
            r"\b(?:call|invoke|execute|run|trigger|use)_(?:the_|your_|this_)?(?:[a-z0-9\x5f]+_)?(?:tools?|functions?|plugin|action)\b",
            r"\b(?:call|invoke|use|run|execute)[^a-z0-9]{1,4}[a-z]+(?:\x5f[a-z]+)+\b",
            r"\b(?:rufe?|verwende|benutze|nutze|starte|fuhre)_~(?:werkzeug|tool|funktion|schnittstelle)\b",
        ],
    ),
    (
        "demands_an_action",
        200,
        &[
            r"\b(?:send|transfer|wire|forward|upload|email|post|submit)_~(?:money|password|passwords|credentials|api_keys?|secrets?|transaction|data|database|customer_list|conversation|history)_~to\b",
            r"\b(?:change|reset|modify|update)_the_(?:password|recipient|iban|account|bank_details)_(?:of|to|for)\b",
            r"\bsend_~(?:transaction|as_much|money)_~(?:to|possible|account)\b",
            r"\btransfer_[^a-z0-9]{0,2}[0-9][0-9.,]*_~to_~account\b",
            r"\bmodify_the_recipient\b",
            r"\b(?:uberweise|sende|schicke|leite)_~(?:geld|passworter|passwort|zugangsdaten|kundenliste|kundendaten|daten|verlauf)_~(?:an|auf)\b",
        ],
    ),
    (
        "chat_markup",
        600,
        &[
            r"<\|(?:im_?start|im_?end|im\x5fstart|im\x5fend|system|user|assistant|endoftext|start\x5fheader\x5fid|eot\x5fid|begin\x5fof\x5ftext)\|>",
            r"\[/?inst\]",
            r"<</?sys>>",
            r"(?m)^#{2,3} ?(?:instructions?|system|response)\b ?:?",
            r#""role" ?: ?"(?:system|developer)""#,
        ],
    ),
    ("role_lines", 350, &[r"(?m)^ ?(?:system|developer)(?: message| prompt| nachricht)? ?:", r"(?m)^ ?(?:human|user) ?: [^\n]*\n+ ?(?:assistant|ai) ?:"]),
    (
        "framed_as_instructions",
        350,
        &[
            r"</?(?:information|system|instructions?|important|admin|assistant|prompt|secret|override|anweisung(?:en)?)>",
            r"(?m)^ ?[-=*]{3,} ?(?:begin|end|start|ende|beginn)_~(?:instructions?|prompt|system|document|dokument|anweisung(?:en)?)\b",
        ],
    ),
    (
        "claims_authority",
        250,
        &[
            r"\b(?:i_am|this_is)_(?:your|the)_(?:developer|administrator|creator|system|operator)\b",
            r"\b(?:override|authori[sz]ation)_code\b",
            r"\b(?:authori[sz]ed|approved)_by_(?:openai|anthropic|google|the_system|your_developers?)\b",
            r"\bich_bin_(?:dein|der)_(?:entwickler|administrator|betreiber|systemverwalter)\b",
        ],
    ),
    ("shouts", 150, &[r"\bimportant ?!{2,}", r"\bwichtig ?!{2,}", r"\bthis_is_an_important_message\b"]),
    (
        "skips_confirmation",
        250,
        &[
            r"\b(?:skip|bypass|without|no_need_for|do_not_(?:wait_for|ask_for)|don't_ask_for)_~(?:confirmation|approval|permission)\b",
            r"\b(?:fill|do|decide)_~without_asking\b",
            r"\bohne_(?:weitere_|jede_|vorherige_)?(?:bestatigung|zustimmung|freigabe)_(?:sofort|ausfuhren|durchfuhren|loschen|andern|uberweisen)\b",
        ],
    ),
    ("leads_data_out", 350, &[r"!\[[^\]\n]*\]\(https?://[^)\s]*[?&][^)\s]*=", r"https?://\S*[?&/=](?:\{|\[|<|%7b)[a-z _-]+(?:\}|\]|>|%7d)"]),
];

struct Wording {
    feature: Feature,
    pattern: Regex,
    /// It may match over any length, so it is looked for once and not from each of its beginnings.
    is_long: bool,
}

/// The wordings, and which texts they can begin with: most of a text begins none, and is read once instead of once for each.
struct Wordings {
    all: Vec<Wording>,
    beginnings: AhoCorasick,
    /// For each of the beginnings the places in `all` of those that begin so.
    begun: Vec<Vec<usize>>,
    /// The places of those that may begin with anything.
    anywhere: Vec<usize>,
}

static WORDINGS: LazyLock<Option<Wordings>> = LazyLock::new(|| Wordings::compile().ok());

impl Wordings {
    fn compile() -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let mut all = Vec::new();
        let mut begun: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
        let mut anywhere = Vec::new();
        for (name, weight, wordings) in LISTED {
            for wording in wordings {
                let wording = spelt_out(wording);
                let parsed = regex_syntax::parse(&wording)?;
                match beginnings(&parsed) {
                    Some(literals) => literals.into_iter().for_each(|literal| begun.entry(literal).or_default().push(all.len())),
                    None => anywhere.push(all.len()),
                }
                all.push(Wording { feature: Feature { name, weight }, pattern: Regex::new(&wording)?, is_long: parsed.properties().maximum_len().is_none() });
            }
        }
        Ok(Self { all, beginnings: AhoCorasick::new(begun.keys())?, begun: begun.into_values().collect(), anywhere })
    }
}

/// What a match of a pattern begins with; `None` if that is not a few letters at least.
fn beginnings(pattern: &Hir) -> Option<Vec<Vec<u8>>> {
    let begins = Extractor::new().extract(pattern);
    let literals: Vec<Vec<u8>> = begins.literals()?.iter().map(|literal| literal.as_bytes().to_vec()).collect();
    literals.iter().all(|literal| literal.len() >= BEGINNING_BYTES_MIN).then_some(literals)
}

/// With shorter beginnings every other word would be one.
const BEGINNING_BYTES_MIN: usize = 2;

fn spelt_out(wording: &str) -> String {
    wording.replace('~', "(?:[a-z0-9']{1,20}[^a-z0-9]{1,6}){0,4}").replace("_?", "[^a-z0-9]{0,6}").replace('_', "[^a-z0-9]{1,6}")
}

/// The features of a folded text, each once.
pub(super) fn find(folded: &str) -> Vec<Feature> {
    let mut found: Vec<Feature> = Vec::new();
    let Some(wordings) = &*WORDINGS else { return found };
    let mut looked_for = vec![false; wordings.all.len()];
    let mut look = |at: usize, start: usize| {
        let (Some(wording), Some(is_done)) = (wordings.all.get(at), looked_for.get_mut(at)) else { return };
        if *is_done || found.contains(&wording.feature) {
            return;
        }
        *is_done = wording.is_long;
        let input = Input::new(folded);
        let input = if wording.is_long { input } else { input.range(start..).anchored(Anchored::Yes) };
        if wording.pattern.is_match(input) {
            found.push(wording.feature);
        }
    };
    for begins in wordings.beginnings.find_overlapping_iter(folded) {
        for at in wordings.begun.get(begins.pattern().as_usize()).into_iter().flatten() {
            look(*at, begins.start());
        }
    }
    for wording in wordings.anywhere.iter().filter_map(|at| wordings.all.get(*at)) {
        if !found.contains(&wording.feature) && wording.pattern.is_match(folded) {
            found.push(wording.feature);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_wording_is_a_regular_expression_and_nearly_all_are_looked_for_by_their_beginnings() {
        let wordings = Wordings::compile().unwrap();
        assert_eq!(wordings.all.len(), LISTED.iter().map(|(.., wordings)| wordings.len()).sum::<usize>());
        assert!(wordings.anywhere.len() <= 2, "{:?}", wordings.anywhere.iter().map(|at| wordings.all[*at].feature.name).collect::<Vec<_>>());
    }

    /// Words that occur in the wordings, and some that do not.
    fn word() -> impl Strategy<Value = String> {
        let words = LISTED.iter().flat_map(|(.., wordings)| wordings.iter()).flat_map(|wording| wording.split(|c: char| !c.is_ascii_lowercase()));
        let words: Vec<String> = words.filter(|word| !word.is_empty()).map(str::to_owned).collect();
        prop_oneof![proptest::sample::select(words), "[a-z0-9']{1,6}", "[!#<>|:=*/\\[\\]\n]{1,3}"]
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_every_wording_by_itself_finds(words in proptest::collection::vec((word(), " |, | - |\n"), 0..40)) {
            let text: String = words.into_iter().map(|(word, gap)| word + &gap).collect();
            let mut found: Vec<_> = find(&text).into_iter().map(|feature| feature.name).collect();
            found.sort_unstable();
            let wordings = WORDINGS.as_ref().unwrap();
            let mut wanted: Vec<_> = wordings.all.iter().filter(|wording| wording.pattern.is_match(&text)).map(|wording| wording.feature.name).collect();
            wanted.sort_unstable();
            wanted.dedup();
            prop_assert_eq!(found, wanted);
        }
    }
}
