//! The words of a question, and which of them are explained.

use crate::lexicon::{Lexicon, Meaning, fold, stem, words};

/// Words that carry no condition of their own, in English and German. What is neither here nor explained is named to the
/// person instead of being ignored. Verbs among them may be declared as the wording of a measure ("sell"): they say
/// which is meant where nothing else does, see [`Span::is_weak`].
const SILENT: &str = "a an the of in on at to into onto from for with and or by per is are was were be been being has have had having do does did done doing what whats which who whom whose \
    how many much me my we our ours us i you your can could would will should may please show list give tell find get display see name all there that this these those it its their \
    them his her any every each number count total totals sum amount overall altogether place placed make made buy bought buying purchase purchased sell sold selling order ordered \
    ordering book booked booking handle handled take took taken receive received charge charged bring brought brings earn earned generate generated contribute pay paid spend spent \
    come came coming go went worth carry carries carried stock stocked offer offered keep own owned belong belongs located based situated live lives currently now so far still yet \
    today ever about as than then existing exist value within during while where when often times time date units unit pieces piece copies responsible mean use used using send sent deliver delivered \
    der die das den dem des ein eine einen einem einer eines und oder von vom zu zum zur im in am an auf aus fur mit bei nach je pro ist sind war waren wird wurde wurden werden hat haben \
    hatte hatten gibt gab es was welche welcher welches welchen welchem wer wem wen wie viele viel wieviel wieviele mir uns ich wir sie er man bitte zeige zeig zeigen liste nenne nenn \
    alle allen aller anzahl zahl summe gesamt insgesamt betrag wert bestellt bestellte bestellten verkauft verkauften verkaufen gekauft kaufte kaufen getatigt aufgegeben bearbeitet \
    betreut erhalten bekommen eingegangen eingebracht gebracht brachte erzielt erzielte ausgegeben eingenommen berechnet hoch gross high large kommt kam kamen kommen machte gemacht \
    machen derzeit aktuell jetzt noch ihre ihr ihren deren dies diese dieser dieses diesen wo wann oft haufig wohnt sitzt liegt befindet sich stuck einheiten fuhren unser unsere \
    unserer unserem unseren dabei davon denn eigentlich mal jahr jahre year years";

/// Words before a noun that a phrase of the catalogue leaves out.
const DETERMINERS: [&str; 22] = [
    "a", "an", "the", "its", "their", "his", "her", "our", "my", "der", "die", "das", "dem", "den", "des", "ihr", "ihre", "ihrem", "ihren", "ihrer", "seinem",
    "seiner",
];

#[derive(Clone, Debug)]
pub(crate) struct Token {
    /// Without a possessive ending.
    pub(crate) text: String,
    /// As it was written.
    pub(crate) raw: String,
    pub(crate) fold: String,
    pub(crate) stem: String,
    pub(crate) used: bool,
    /// Where it stands in the source, in bytes.
    pub(crate) at: usize,
    pub(crate) end: usize,
    /// A text in quotation marks: a value as it stands.
    pub(crate) is_quoted: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) len: usize,
    pub(crate) meanings: Vec<Meaning>,
    /// Nothing but silent words: it hints at what is meant and need not be explained.
    pub(crate) is_weak: bool,
}

impl Span {
    pub(crate) fn end(&self) -> usize {
        self.start + self.len
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) tokens: Vec<Token>,
    pub(crate) spans: Vec<Span>,
    source: String,
}

/// `offset` is where `text` begins in its source.
fn tokens(text: &str, offset: usize) -> impl Iterator<Item = Token> {
    words(text).map(move |word| {
        let at = offset + (word.as_ptr().addr() - text.as_ptr().addr());
        let bare = word.strip_suffix("'s").or_else(|| word.strip_suffix("’s")).unwrap_or(word);
        let fold = fold(bare);
        Token { text: bare.to_owned(), raw: word.to_owned(), stem: stem(&fold), fold, used: false, at, end: at + word.len(), is_quoted: false }
    })
}

/// What stands between quotation marks, without them: those that begin a word and are closed again.
fn quotations(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some((at, open)) = text.get(from..).and_then(|rest| rest.char_indices().find(|(_, c)| matches!(c, '"' | '“' | '„' | '«' | '»'))) {
        let (at, inner) = (from + at, from + at + open.len_utf8());
        let closes = |c: char| match open {
            '"' => c == '"',
            '“' => c == '”',
            '„' => matches!(c, '“' | '”' | '"'),
            '«' => c == '»',
            _ => c == '«',
        };
        let begins = text.get(..at).is_none_or(|before| before.chars().next_back().is_none_or(|c| !c.is_alphanumeric()));
        match text.get(inner..).and_then(|rest| rest.find(closes)).map(|length| inner + length) {
            Some(end) if begins && text.get(inner..end).is_some_and(|inside| !inside.trim().is_empty()) => {
                found.push((inner, end));
                from = end + text.get(end..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
            }
            _ => from = inner,
        }
    }
    found
}

impl Reading {
    pub(crate) fn of(text: &str) -> Self {
        Self { tokens: tokens(text, 0).collect(), spans: Vec::new(), source: text.to_owned() }
    }

    /// The same, but what stands in quotation marks is one token.
    pub(crate) fn quoting(text: &str) -> Self {
        let mut all = Vec::new();
        let mut from = 0;
        for (at, end) in quotations(text) {
            all.extend(tokens(text.get(from..at).unwrap_or_default(), from));
            let inner = text.get(at..end).unwrap_or_default();
            // Folded it begins with a mark, so that nothing takes it for a word of the sentence.
            let fold = format!("\u{1}{}", fold(inner));
            all.push(Token { text: inner.to_owned(), raw: inner.to_owned(), stem: fold.clone(), fold, used: false, at, end, is_quoted: true });
            from = end;
        }
        all.extend(tokens(text.get(from..).unwrap_or_default(), from));
        Self { tokens: all, spans: Vec::new(), source: text.to_owned() }
    }

    /// The words from one position to another, of the same source.
    pub(crate) fn part(&self, from: usize, to: usize) -> Self {
        Self { tokens: self.tokens.get(from..to).unwrap_or_default().to_vec(), spans: Vec::new(), source: self.source.clone() }
    }

    /// The words as they were written, with what stands between them and a bracket behind them that they opened.
    pub(crate) fn written(&self, start: usize, len: usize) -> &str {
        let (Some(first), Some(last)) = (self.tokens.get(start), self.tokens.get((start + len).saturating_sub(1))) else { return "" };
        // "+49 40 123" begins with its sign.
        let at = if self.source.get(..first.at).is_some_and(|before| before.ends_with('+')) { first.at - 1 } else { first.at };
        let text = self.source.get(at..last.end).unwrap_or_default();
        let is_open = text.matches('(').count() > text.matches(')').count() && self.source.get(last.end..).is_some_and(|rest| rest.starts_with(')'));
        if is_open { self.source.get(at..=last.end).unwrap_or(text) } else { text }
    }

    /// What stands between a word and the one before it.
    pub(crate) fn gap(&self, i: usize) -> &str {
        let from = i.checked_sub(1).and_then(|before| self.tokens.get(before)).map_or(0, |token| token.end);
        self.tokens.get(i).and_then(|token| self.source.get(from..token.at)).unwrap_or_default()
    }

    /// What stands behind a word, up to the end of the source.
    pub(crate) fn written_behind(&self, i: usize) -> &str {
        self.tokens.get(i).and_then(|token| self.source.get(token.end..)).unwrap_or_default()
    }

    pub(crate) fn is_quoted(&self, i: usize) -> bool {
        self.tokens.get(i).is_some_and(|token| token.is_quoted)
    }

    pub(crate) fn is_free(&self, i: usize) -> bool {
        self.tokens.get(i).is_some_and(|token| !token.used)
    }

    /// Finds the phrases that the lexicon knows among the words that nothing explained yet.
    pub(crate) fn mark(&mut self, lexicon: &Lexicon) {
        let mut i = 0;
        while i < self.tokens.len() {
            let free = self.tokens[i..].iter().take_while(|token| !token.used).enumerate();
            let exact: Vec<&str> = free.clone().map(|(_, token)| token.stem.as_str()).collect();
            // "Below their reorder level" is "below reorder level".
            let bare: Vec<(usize, &str)> =
                free.filter(|(at, token)| *at == 0 || !DETERMINERS.contains(&token.fold.as_str())).map(|(at, token)| (at, token.stem.as_str())).collect();
            let found = lexicon.longest(&exact);
            // "Is the supplier of" is not "is supplier": what begins with a silent word is meant to the letter.
            let bare = if self.tokens[i].used || Self::is_silent(&self.tokens[i].fold) { Vec::new() } else { bare };
            let loose =
                lexicon.longest(&bare.iter().map(|(_, stem)| *stem).collect::<Vec<_>>()).filter(|(len, _)| found.as_ref().is_none_or(|(known, _)| len > known));
            let loose = loose.and_then(|(len, meanings)| Some((bare.get(len.checked_sub(1)?)?.0 + 1, meanings)));
            match loose.or(found) {
                Some((len, meanings)) => {
                    let is_weak = len == 1 && Self::is_silent(&self.tokens[i].fold) && !self.is_noun(i);
                    self.spans.push(Span { start: i, len, meanings, is_weak });
                    i += len;
                }
                None => i += 1,
            }
        }
    }

    /// A word that is a verb elsewhere ("order") stands as a noun: behind an article, an adjective or a question word, or
    /// with a capital inside a German sentence.
    fn is_noun(&self, i: usize) -> bool {
        const BEFORE: [&str; 16] = ["which", "what", "the", "a", "an", "this", "each", "every", "per", "by", "of", "der", "die", "das", "welcher", "welche"];
        let Some(before) = i.checked_sub(1) else { return false };
        let is_verb = matches!(self.tokens[i].fold.as_str(), "order" | "book" | "purchase" | "offer");
        is_verb && (BEFORE.contains(&self.fold_at(before)) || self.tokens[before].used)
    }

    pub(crate) fn fold_at(&self, i: usize) -> &str {
        self.tokens.get(i).map_or("", |token| token.fold.as_str())
    }

    pub(crate) fn take(&mut self, start: usize, len: usize) {
        self.tokens.iter_mut().skip(start).take(len).for_each(|token| token.used = true);
    }

    pub(crate) fn is_article(fold: &str) -> bool {
        DETERMINERS.contains(&fold)
    }

    pub(crate) fn is_silent(fold: &str) -> bool {
        SILENT.split_ascii_whitespace().any(|word| word == fold)
    }

    /// Runs of words that nothing explains: names, or what the planner does not understand. A silent word inside a run
    /// that has capitals on both sides belongs to it ("Save a lot").
    pub(crate) fn runs(&self) -> Vec<(usize, usize)> {
        let free = |i: usize| self.tokens.get(i).is_some_and(|token| !token.used && !Self::is_silent(&token.fold));
        let inner = |i: usize| {
            self.tokens.get(i).is_some_and(|token| !token.used) && free(i + 1) && self.tokens[i + 1].text.chars().next().is_some_and(char::is_uppercase)
        };
        let mut runs = Vec::new();
        let mut i = 0;
        while i < self.tokens.len() {
            if !free(i) {
                i += 1;
                continue;
            }
            let start = i;
            while free(i) || (i > start && inner(i)) {
                i += 1;
            }
            runs.push((start, i - start));
        }
        runs
    }

    pub(crate) fn text_of(&self, start: usize, len: usize) -> String {
        self.tokens.iter().skip(start).take(len).map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// A number as people write it: `1,000.50`, `1.000,50`, `12`, or a small number word.
pub(crate) fn number(fold: &str) -> Option<rust_decimal::Decimal> {
    const SMALL: [&[&str]; 13] = [
        &["zero", "null"],
        &["one", "eins"],
        &["two", "zwei"],
        &["three", "drei"],
        &["four", "vier"],
        &["five", "funf"],
        &["six", "sechs"],
        &["seven", "sieben"],
        &["eight", "acht"],
        &["nine", "neun"],
        &["ten", "zehn"],
        &["eleven", "elf"],
        &["twelve", "zwolf"],
    ];
    if let Some(n) = SMALL.iter().position(|names| names.contains(&fold)) {
        return Some(rust_decimal::Decimal::from(n));
    }
    if !fold.starts_with(|c: char| c.is_ascii_digit()) || fold.chars().any(|c| !(c.is_ascii_digit() || c == '.' || c == ',')) {
        return None;
    }
    let (comma, dot) = (fold.rfind(','), fold.rfind('.'));
    let decimal = match (comma, dot) {
        (Some(c), Some(d)) => Some(c.max(d)),
        // One separator with three digits after it groups thousands, else it is the decimal one.
        (Some(at), None) | (None, Some(at)) => (fold.len() - at - 1 != 3).then_some(at),
        (None, None) => None,
    };
    let plain: String = fold
        .char_indices()
        .filter_map(|(i, c)| {
            if c.is_ascii_digit() {
                Some(c)
            } else if Some(i) == decimal {
                Some('.')
            } else {
                None
            }
        })
        .collect();
    plain.parse().ok()
}
