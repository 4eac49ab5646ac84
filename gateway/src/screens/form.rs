//! A form: the inputs of a command as fields that a person fills in, each with its label, its hint and its error.

use super::decode::{Values, name_in};
use super::lines;
use super::picker::TYPED;
use super::shell::icon;
use super::view::{Of, View};
use maud::{Markup, html};
use std::collections::HashMap;
use std::sync::Arc;
use steward_kernel::{CommandSpec, Field, Kind, Resource};

/// The fields of a form with what stands in them.
pub(super) struct Form<'a> {
    pub(super) view: &'a View,
    pub(super) of: Of<'a>,
    pub(super) values: &'a Values,
    /// By the names of fields.
    pub(super) errors: &'a HashMap<String, String>,
    /// Offered where an amount has no currency yet.
    pub(super) currency: &'a str,
}

/// The id of an element for the name of a field.
pub(super) fn html_id(name: &str) -> String {
    format!("f-{}", name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '_', "-"))
}

/// The inputs of a command that a person fills in: without the target, which is the page's record, and what only other
/// programs say.
pub(super) fn inputs(view: &View, spec: &CommandSpec) -> Vec<Field> {
    let named = |field: &&Field| Some(field.name.as_ref()) != spec.target.as_deref() && field.name != "allow_duplicate";
    let mut fields: Vec<Field> = spec.inputs.iter().filter(named).filter(|field| view.sees(field)).cloned().collect();
    if spec.customizable
        && let Some(resource) = view.catalogue.resources.get(spec.resource.as_ref())
    {
        fields.extend(resource.fields.iter().filter(|field| field.custom && view.sees(field)).cloned());
    }
    fields
}

impl Form<'_> {
    /// All fields, lines last.
    pub(super) fn fields(&self, fields: &[Field]) -> Markup {
        let (grids, single): (Vec<&Field>, Vec<&Field>) = fields.iter().partition(|field| matches!(field.kind, Kind::Lines(_)));
        html! {
            div class="row g-3" { @for field in single { (self.field(field)) } }
            @for field in grids { (lines::grid(self, field)) }
        }
    }

    fn field(&self, field: &Field) -> Markup {
        let name = name_in("", field);
        let width = match field.kind {
            Kind::Text { multiline: true, .. } => "col-12",
            _ => "col-md-6 col-xl-4",
        };
        let id = html_id(&name);
        let label = self.view.label(self.of, field);
        let hint = self.view.hint(self.of, &field.name);
        let required = if field.required { "form-label required" } else { "form-label" };
        html! {
            div class=(width) {
                @if matches!(field.kind, Kind::Boolean) {
                    label class="form-check mt-md-4" { (self.control(field, &name, true)) span class="form-check-label" { (label) } }
                } @else {
                    label class=(required) for=(id) { (label) }
                    (self.control(field, &name, true))
                }
                @if let Some(hint) = hint { small class="form-hint" { (hint) } }
                (self.error(&name))
            }
        }
    }

    pub(super) fn error(&self, name: &str) -> Markup {
        html! { @if let Some(text) = self.errors.get(name) { div class="invalid-feedback d-block" id=(format!("{}-error", html_id(name))) { (text) } } }
    }

    /// The control for a value. In a line the label stands at the head of the column, and is said to screen readers here.
    pub(super) fn control(&self, field: &Field, name: &str, is_labelled: bool) -> Markup {
        let id = html_id(name);
        let wrong = self.errors.contains_key(name);
        let class = |base: &str| if wrong { format!("{base} is-invalid") } else { base.to_owned() };
        let told = wrong.then(|| format!("{id}-error"));
        let label = self.view.label(self.of, field);
        let aria = (!is_labelled).then_some(label.as_ref());
        let value = self.values.get(name);
        let required = field.required && is_labelled;
        match &field.kind {
            Kind::Text { multiline: true, max } => {
                html! { textarea class=(class("form-control")) id=(id) name=(name) rows="3" maxlength=(max) required[required] aria-label=[aria] aria-describedby=[told] { (value) } }
            }
            Kind::Text { max, .. } => {
                let is_secret = matches!(field.sensitivity, steward_kernel::catalogue::Sensitivity::Secret);
                html! { input class=(class("form-control")) type=(if is_secret { "password" } else { "text" }) id=(id) name=(name) value=(value) maxlength=(max) required[required] aria-label=[aria] aria-describedby=[told] autocomplete=(if is_secret { "new-password" } else { "off" }); }
            }
            Kind::Boolean => {
                html! { input class=(class("form-check-input")) type="checkbox" id=(id) name=(name) value="true" checked[value == "true"] aria-label=[aria]; }
            }
            Kind::Integer | Kind::Decimal => {
                html! { input class=(class("form-control steward-number")) type="text" inputmode="decimal" id=(id) name=(name) value=(value) required[required] aria-label=[aria] aria-describedby=[told] autocomplete="off"; }
            }
            Kind::Date => {
                html! { input class=(class("form-control")) type="date" id=(id) name=(name) value=(value) required[required] aria-label=[aria] aria-describedby=[told]; }
            }
            Kind::Timestamp => {
                html! { input class=(class("form-control")) type="datetime-local" id=(id) name=(name) value=(value) required[required] aria-label=[aria] aria-describedby=[told]; }
            }
            Kind::Choice(choices) => html! {
                select class=(class("form-select")) id=(id) name=(name) required[required] aria-label=[aria] aria-describedby=[told] {
                    @if !field.required || field.default.is_none() { option value="" {} }
                    @for choice in choices { option value=(choice) selected[value == choice] { (self.view.choice(self.of, &field.name, choice)) } }
                }
            },
            Kind::Money { .. } => {
                let (amount, currency) = (format!("{name}[amount]"), format!("{name}[currency]"));
                let known = self.values.get(&currency);
                html! {
                    div class="input-group flex-nowrap" {
                        input class=(class("form-control steward-number")) type="text" inputmode="decimal" id=(id) name=(amount) value=(self.values.get(&amount)) required[required] aria-label=[aria] aria-describedby=[told] autocomplete="off";
                        input class="form-control steward-unit" type="text" name=(currency) value=(if known.is_empty() { self.currency } else { known }) maxlength="3" aria-label=(format!("{label}: {}", self.view.t("currency"))) autocomplete="off";
                    }
                }
            }
            Kind::Quantity { .. } => {
                let (amount, unit) = (format!("{name}[value]"), format!("{name}[unit]"));
                html! {
                    div class="input-group flex-nowrap" {
                        input class=(class("form-control steward-number")) type="text" inputmode="decimal" id=(id) name=(amount) value=(self.values.get(&amount)) required[required] aria-label=[aria] aria-describedby=[told] autocomplete="off";
                        // In a line the unit is that of the record.
                        @if is_labelled { input class="form-control steward-unit" type="text" name=(unit) value=(self.values.get(&unit)) maxlength="20" placeholder=(self.view.t("unit")) aria-label=(format!("{label}: {}", self.view.t("unit"))) autocomplete="off"; }
                        @else if !self.values.get(&unit).is_empty() { input type="hidden" name=(unit) value=(self.values.get(&unit)); span class="input-group-text" { (self.values.get(&unit)) } }
                    }
                }
            }
            Kind::Reference(referred) => match self.view.readable(referred) {
                Some(referred) => reference_picker(self.view, referred, name, &id, value, self.values.typed(name), wrong, aria),
                None => {
                    html! { input class=(class("form-control")) type="text" id=(id) name=(name) value=(value) placeholder="ID" required[required] aria-label=[aria] aria-describedby=[told] autocomplete="off"; }
                }
            },
            Kind::Texts => {
                html! { input class=(class("form-control")) type="text" id=(id) name=(name) value=(value) placeholder=(self.view.t("separated")) aria-label=[aria] aria-describedby=[told] autocomplete="off"; }
            }
            Kind::Lines(_) => html! {},
        }
    }
}

/// A box to type the beginning of a title into, with the records that fit below it; the id is sent beside it. Without
/// the script the text alone is sent, and the server looks for the one record that it names.
#[expect(clippy::too_many_arguments, reason = "what a control needs to be drawn, from two kinds of forms")]
pub(super) fn reference_picker(
    view: &View,
    referred: &Arc<Resource>,
    name: &str,
    id: &str,
    value: &str,
    title: &str,
    is_wrong: bool,
    aria: Option<&str>,
) -> Markup {
    let options = format!("{id}-options");
    let class = if is_wrong { "form-control is-invalid" } else { "form-control" };
    html! {
        div class="steward-picker" data-picker {
            input type="hidden" name=(name) value=(value) data-picker-id;
            div class="input-icon" {
                input class=(class) type="text" id=(id) name=(format!("{TYPED}{name}")) value=(title) role="combobox" aria-autocomplete="list" aria-expanded="false" aria-controls=(options) aria-label=[aria]
                    autocomplete="off" spellcheck="false" placeholder=(view.t("type-to-search"))
                    hx-get=(format!("/app/pick/{}", referred.path())) hx-trigger="input changed delay:150ms, pick" hx-target="next [role=listbox]" hx-swap="innerHTML" hx-sync="this:replace" data-picker-text;
                span class="input-icon-addon" { (icon("search")) }
            }
            div class="dropdown-menu" role="listbox" id=(options) aria-label=(view.plural(referred)) {}
        }
    }
}
