//! The report as a page of its own, without scripts and without anything from elsewhere.

use super::{Report, shown, sign, wanted};
use maud::{DOCTYPE, PreEscaped, html};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1b2430}
table{border-collapse:collapse;margin:.5rem 0 1.5rem}td,th{border:1px solid #d5dbe3;padding:.25rem .6rem;text-align:left;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums}pre{margin:0;white-space:pre-wrap;font:13px/1.45 ui-monospace,monospace}
.good{color:#1a7f37}.abstained{color:#9a6700}.WRONG{color:#b3261e;font-weight:600}";

pub fn page(report: &Report) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; meta name="viewport" content="width=device-width, initial-scale=1"; title { "Steward evaluation" } style { (PreEscaped(STYLE)) } }
            body {
                h1 { "Steward evaluation" }
                @if report.passed() { p.good { "Every bound is kept." } } @else {
                    h2 { "Missed" }
                    ul {
                        @for missed in &report.missed {
                            li.WRONG { (missed.suite) "." (missed.metric) ": " (missed.value.map_or_else(|| "not measured".to_owned(), shown)) ", wanted " (wanted(&missed.bound)) }
                        }
                        @for suite in &report.unmeasured { li.WRONG { (suite) ": not measured" } }
                    }
                }
                @for outcome in &report.outcomes {
                    h2 { (outcome.suite) }
                    @if let Some(why) = &outcome.skipped { p { "Skipped: " (why) } }
                    table { tbody { @for (metric, value) in &outcome.metrics { tr { th { (metric) } td.n { (shown(*value)) } } } } }
                    @if !outcome.cases.is_empty() {
                        details {
                            summary { (outcome.cases.len()) " cases" }
                            table {
                                thead { tr { th { "case" } th { "verdict" } th { "ms" } th { "detail" } } }
                                tbody { @for case in &outcome.cases {
                                    tr { td { (case.name) } td class=(sign(case.verdict)) { (sign(case.verdict)) } td.n { (case.milliseconds) } td { pre { (case.detail) } } }
                                } }
                            }
                        }
                    }
                }
            }
        }
    };
    page.into_string()
}
