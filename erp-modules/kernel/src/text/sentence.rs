//! Where sentences end. A doubtful place is no end: a sentence too long is better than one torn.

/// Words that a full stop follows within a sentence, in English and German, in small letters.
const ABBREVIATIONS: &[&str] = &[
    "abs", "approx", "art", "bspw", "bzw", "ca", "co", "dr", "etc", "evtl", "fa", "ggf", "hr", "inc", "inkl", "jr", "lfd", "ltd", "max", "min", "mio", "mr",
    "mrd", "mrs", "ms", "no", "nr", "prof", "resp", "sec", "sog", "st", "str", "tel", "usw", "vgl", "vs", "zzgl",
];

/// The ends of the sentences of a paragraph, as positions in it; the last one is its end.
pub(super) fn ends(text: &str) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut line = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        if c == '\n' {
            line = at + 1;
        }
        if !matches!(c, '.' | '!' | '?' | '…' | '。' | '！' | '？') {
            continue;
        }
        // What closes belongs to the sentence that it closes.
        let mut end = at + c.len_utf8();
        while let Some((at, c)) = characters.next_if(|(_, c)| matches!(c, '.' | '!' | '?' | ')' | ']' | '"' | '\'' | '”' | '“' | '’' | '»' | '*' | '_'))
        {
            end = at + c.len_utf8();
        }
        let wide = matches!(c, '。' | '！' | '？');
        let after = &text[end..];
        let begins = after.trim_start().chars().next();
        if (after.starts_with(char::is_whitespace) || wide) && begins.is_some_and(|c| !c.is_lowercase()) && (c != '.' || !is_abbreviated(&text[line..at])) {
            ends.push(end);
        }
    }
    ends.push(text.len());
    ends
}

/// Whether a full stop after `before`, the line up to it, ends a word rather than a sentence.
fn is_abbreviated(before: &str) -> bool {
    let word = before.rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | '[' | '"' | '„' | '/')).next().unwrap_or_default();
    let letters = word.chars().count();
    // `B.` of `z. B.`, `3.` of `3. Mai` and of a numbered line, `e.g`, `d.h`.
    let initial = letters == 1 && word.chars().all(char::is_alphabetic);
    let numbered = letters <= 2 && word.chars().all(|c| c.is_ascii_digit());
    letters == 0 || initial || numbered || word.contains('.') && letters <= 5 || ABBREVIATIONS.contains(&word.to_lowercase().as_str())
}
