//! The wordings, in English and German. In a pattern `_` is what stands between two words, and `~` is up to four further words.
//!
//! Matched against a folded text: small letters, no marks (`ü` is `u`, `ß` is `ss`), single spaces.

use std::sync::LazyLock;

use regex::Regex;

use super::Feature;

const WORDINGS: [(&str, u32, &[&str]); 17] = [
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

static ALL: LazyLock<Vec<(Feature, Regex)>> = LazyLock::new(|| {
    let compiled = |(name, weight, wordings): &(&'static str, u32, &[&str])| {
        let feature = Feature { name, weight: *weight };
        wordings.iter().filter_map(|wording| Some((feature, Regex::new(&spelt_out(wording)).ok()?))).collect::<Vec<_>>()
    };
    WORDINGS.iter().flat_map(compiled).collect()
});

fn spelt_out(wording: &str) -> String {
    wording.replace('~', "(?:[a-z0-9']{1,20}[^a-z0-9]{1,6}){0,4}").replace("_?", "[^a-z0-9]{0,6}").replace('_', "[^a-z0-9]{1,6}")
}

/// Every wording with what it tells.
pub(super) fn all() -> &'static [(Feature, Regex)] {
    &ALL
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wording_is_a_regular_expression() {
        assert_eq!(all().len(), WORDINGS.iter().map(|(.., wordings)| wordings.len()).sum::<usize>());
    }
}
