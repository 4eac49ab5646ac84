//! The words of a text that say something, in a form in which inflected words find each other.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Words that hold a sentence together and claim nothing by themselves, in English and German.
const SILENT: &str = "a about above according all also altogether am an and any are as at be been being below between both but by can could currently did do does each either else every \
    few following for from had has have having he her here hers him his how however i if in including into is it its itself just largest last latest least less listed list lists many may me \
    might more most much must my next now of on one ones only or other our ours out over overall own per respectively same see shall she should shown shows since so some such table than \
    that the their theirs them then there these they this those through to together too top total totals under until up us was we were what when where whether which while who whom whose why will \
    with within would you your yours first second third two three four five six seven eight nine ten \
    aber alle allem allen aller alles als also am an ander andere anderen andrer auch auf aus bei beide beiden beim bis da dabei dafür damit dann darf darin das dass davon dazu dein deine dem \
    den denn der deren des dessen deutlich die dies diese diesem diesen dieser dieses dir doch dort du durch ein eine einem einen einer eines er erste ersten es etwa folgende folgenden für \
    gesamt gibt habe haben hat hatte hatten hier hierbei höchste höchsten ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im in insgesamt ist je jede jedem jeden jeder jedes kann können könnte \
    letzte letzten liste man mehr mein meine mit mögliche nach noch nun nur oder ohne pro sehr sein seine seinem seinen seiner seit sich sie sind so sowie soll sollen sollte tabelle um und uns \
    unser unsere unseren unter viele vom von vor war waren was weil weitere weiteren welche welchem welchen welcher welches wenn wer werden wie wird wir wo worden wurde wurden zu zum zur zusammen \
    zwei drei vier fünf sechs sieben acht neun zehn über \
    today heute january february march april june july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec \
    januar februar märz mai juni juli oktober dezember okt dez year quarter month jahr quartal monat";

static SILENCE: LazyLock<HashSet<&str>> = LazyLock::new(|| SILENT.split_ascii_whitespace().collect());

/// Endings that English and German bend words with.
const ENDINGS: [&str; 9] = ["ing", "es", "en", "er", "em", "ed", "s", "e", "n"];
const STEM_MIN: usize = 3;
const STEM_MAX: usize = 7;

/// Words in lower case as they are written: letters and digits in a row.
pub(super) fn plain(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

pub(super) fn is_silent(word: &str) -> bool {
    word.chars().count() < 3 && !matches!(word, "no") || SILENCE.contains(word)
}

/// Words that say something, as they are written. Figures are none: they are looked for by their values.
pub(super) fn content(text: &str) -> impl Iterator<Item = String> {
    plain(text).filter(|word| !word.contains(|c: char| c.is_numeric()) && !is_silent(word))
}

/// What the forms of a word have in common, roughly: `orders`, `ordered` and `order` are one, `Lieferanten` and `Lieferant` too.
pub(super) fn stem(word: &str) -> String {
    let mut stem = word;
    while let Some(rest) = ENDINGS.iter().find_map(|ending| stem.strip_suffix(ending)).filter(|rest| rest.chars().count() >= STEM_MIN) {
        stem = rest;
    }
    stem.chars().take(STEM_MAX).collect()
}

/// Stems of the words of a text that say something.
pub(super) fn stems(text: &str) -> HashSet<String> {
    content(text).map(|word| stem(&word)).collect()
}
