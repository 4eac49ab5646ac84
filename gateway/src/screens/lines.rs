//! The grid in which the lines of a document are typed. The script adds and removes rows; the template of a row is here.

use super::form::Form;
use super::shell::icon;
use maud::{Markup, html};
use steward_kernel::{Field, Kind};

/// Stands for the index of a row in the template.
const INDEX: &str = "__row__";

pub(super) fn grid(form: &Form<'_>, field: &Field) -> Markup {
    let Kind::Lines(inner) = &field.kind else { return html! {} };
    let name = field.name.as_ref();
    let rows = form.values.rows(name);
    // A new document begins with a row to type into.
    let shown = if rows == 0 && field.required { 1 } else { rows };
    let label = form.view.label(form.of, field);
    html! {
        fieldset class="steward-lines mt-4" data-lines=(name) data-next=(shown) {
            legend class=(if field.required { "h3 required" } else { "h3" }) { (label) }
            (form.error(name))
            table class="table table-vcenter steward-grid" {
                thead {
                    tr {
                        @for inner in inner { th scope="col" class=(if inner.required { "required" } else { "" }) { (form.view.label(form.of, inner)) } }
                        th scope="col" { span class="visually-hidden" { (form.view.t("remove")) } }
                    }
                }
                tbody data-lines-body { @for index in 0..shown { (row(form, name, inner, &index.to_string())) } }
            }
            template { (row(form, name, inner, INDEX)) }
            button type="button" class="btn btn-sm" data-lines-add { (icon("plus")) (form.view.t("add-line")) }
        }
    }
}

fn row(form: &Form<'_>, name: &str, inner: &[Field], index: &str) -> Markup {
    let prefix = format!("{name}[{index}]");
    html! {
        tr data-line {
            @for field in inner {
                @let cell = format!("{prefix}[{}]", field.name);
                td data-label=(form.view.label(form.of, field)) class=(width(&field.kind)) { (form.control(field, &cell, false)) (form.error(&cell)) }
            }
            td class="steward-remove" { button type="button" class="btn btn-icon btn-ghost-secondary" data-lines-remove aria-label=(form.view.t("remove")) title=(form.view.t("remove")) { (icon("trash")) } }
        }
    }
}

fn width(kind: &Kind) -> &'static str {
    match kind {
        Kind::Reference(_) => "steward-wide",
        Kind::Integer | Kind::Decimal | Kind::Quantity { .. } => "steward-narrow",
        Kind::Money { .. } => "steward-money",
        _ => "",
    }
}
