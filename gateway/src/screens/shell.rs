//! The frame around every page: head, menu, the message of what was just done; and errors as pages.

use super::view::{View, list_path, word};
use super::visitor::Flash;
use crate::error::Problem;
use crate::http::assets;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use steward_kernel::catalogue::module_of;
use steward_kernel::labels::Labels;

/// What htmx may do under our content security policy: no inline style, nothing evaluated, answers with errors are shown.
const HTMX: &str = r#"{"includeIndicatorStyles":false,"allowEval":false,"selfRequestsOnly":true,"allowScriptTags":false,"historyCacheSize":0,"scrollIntoViewOnBoost":false,"responseHandling":[{"code":"204","swap":false},{"code":"...","swap":true}]}"#;

/// Stands in a flash for an undo, which is no command of its own.
pub(super) const UNDONE: &str = "screens.undone";

/// An outline of the icon set.
pub(super) fn icon(name: &str) -> Markup {
    let href = format!("{}#{name}", assets::url("vendor/tabler-icons/icons.svg"));
    html! { svg class="icon" width="24" height="24" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" { use href=(href) {} } }
}

fn head(language: &str, title: &str, body_class: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(language) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="htmx-config" content=(HTMX);
                title { (title) " · Steward" }
                link rel="icon" type="image/svg+xml" href=(assets::url("steward/mark.svg"));
                script src=(assets::url("steward/theme.js")) {}
                link rel="stylesheet" href=(assets::url("vendor/tabler/tabler.min.css"));
                link rel="stylesheet" href=(assets::url("steward/steward.css"));
                script src=(assets::url("vendor/htmx/htmx.min.js")) defer {}
                script type="module" src=(assets::url("steward/app.js")) {}
            }
            body class=(body_class) { (body) }
        }
    }
}

pub(super) fn html_headers() -> [(HeaderName, HeaderValue); 3] {
    [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
        (header::VARY, HeaderValue::from_static("HX-Request")),
    ]
}

/// A part of a page, for the script that asked for it.
pub(super) fn fragment(body: Markup) -> Response {
    (html_headers(), body.into_string()).into_response()
}

/// A page without the menu: the log-in.
pub(super) fn bare(language: &str, title: &str, body: &Markup) -> Markup {
    head(language, title, "d-flex flex-column", body)
}

/// A whole page. `title` is for the browser, the heading stands in `body`.
pub(super) fn page(view: &View, title: &str, body: Markup) -> Response {
    let skip = view.t("skip");
    let body = html! {
        a class="visually-hidden-focusable skip-link" href="#content" { (skip) }
        div class="page" {
            (menu(view))
            div class="page-wrapper" {
                header class="steward-head" { (super::search::form(view)) }
                main id="content" class="page-body" tabindex="-1" {
                    div class="container-xl" {
                        @if let Some(flash) = &view.flash { (told(view, flash)) }
                        (body)
                    }
                }
            }
        }
        dialog id="dialog" class="steward-dialog" aria-label=(view.t("action")) { div id="dialog-body" {} }
    };
    let mut response = (html_headers(), head(&view.language, title, "", &body).into_string()).into_response();
    if view.flash.is_some() {
        response.headers_mut().append(header::SET_COOKIE, Flash::gone());
    }
    response
}

/// What was just done, with the way back.
fn told(view: &View, flash: &Flash) -> Markup {
    let what = match view.catalogue.commands.get(&flash.command) {
        Some(spec) => format!("{}: {}", view.command(spec), view.t("done")),
        None if flash.command == UNDONE => view.t("undone"),
        None => return html! {},
    };
    html! {
        div class="alert alert-success d-flex align-items-center gap-2" role="status" id="flash" {
            (icon("circle-check"))
            div class="flex-fill" { (what) }
            @if let Some(execution) = flash.undo {
                form method="post" action=(format!("/app/undo/{execution}")) {
                    input type="hidden" name="_back" value=(view.uri.path());
                    button type="submit" class="btn btn-sm" id="undo" { (icon("arrow-back-up")) (view.t("undo")) }
                }
            }
        }
    }
}

fn symbol(module: &str) -> &'static str {
    // A module that has no picture of its own gets the common one.
    match module {
        "identity" => "users",
        "platform" => "settings",
        "ai" => "sparkles",
        "crm" => "building",
        "documents" => "file-text",
        "hr" => "id-badge-2",
        "inventory" => "package",
        "sales" => "shopping-cart",
        _ => "database",
    }
}

pub(super) fn module_icon(module: &str) -> Markup {
    icon(symbol(module))
}

fn menu(view: &View) -> Markup {
    let here = view.uri.path();
    let active = |path: &str| if here == path || here.starts_with(&format!("{path}/")) { "nav-link active" } else { "nav-link" };
    let current = |path: &str| (here == path).then_some("page");
    let reports = view.reports();
    let menu = view.menu();
    html! {
        aside class="navbar navbar-vertical navbar-expand-lg steward-menu" {
            div class="container-fluid" {
                button class="navbar-toggler" type="button" aria-controls="menu" aria-expanded="false" aria-label=(view.t("menu")) data-menu-toggle { span class="navbar-toggler-icon" {} }
                a class="navbar-brand" href="/" { img class="steward-mark" src=(assets::url("steward/mark.svg")) alt="" width="28" height="28"; "Steward" }
                nav class="collapse navbar-collapse" id="menu" aria-label=(view.t("menu")) {
                    ul class="navbar-nav pt-lg-2" {
                        li class="nav-item" { a class=(if here == "/" { "nav-link active" } else { "nav-link" }) aria-current=[current("/")] href="/" { span class="nav-link-icon" { (icon("home")) } (view.t("home")) } }
                        li class="nav-item" { a class=(active("/app/chat")) aria-current=[current("/app/chat")] href="/app/chat" { span class="nav-link-icon" { (icon("message-circle")) } (view.t("chat")) } }
                        @for (module, resources) in &menu {
                            li class="nav-item steward-group" { span class="nav-link steward-heading" { span class="nav-link-icon" { (module_icon(module)) } (view.labels.module(&view.language, module)) } }
                            @for resource in resources {
                                @let path = list_path(resource);
                                li class="nav-item steward-sub" { a class=(active(&path)) aria-current=[current(&path)] href=(path) { (view.plural(resource)) } }
                            }
                            @for spec in reports.iter().filter(|spec| module_of(&spec.name) == *module) {
                                @let path = format!("/app/reports/{}", spec.name);
                                li class="nav-item steward-sub" { a class=(active(&path)) aria-current=[current(&path)] href=(path) { (icon("chart-bar")) (view.labels.report(&view.language, &spec.name)) } }
                            }
                        }
                        @if super::models::may_see(view) {
                            @let path = super::models::PATH;
                            li class="nav-item" { a class=(active(path)) aria-current=[current(path)] href=(path) { span class="nav-link-icon" { (icon("database")) } (view.t("models")) } }
                        }
                        @if super::index::may_see(view) {
                            li class="nav-item" { a class=(active("/app/index")) aria-current=[current("/app/index")] href="/app/index" { span class="nav-link-icon" { (icon("search")) } (view.t("index")) } }
                        }
                    }
                    div class="steward-user mt-auto" {
                        div class="steward-user-name" { (icon("user")) span { (view.rights.user_name) } }
                        div class="d-flex gap-1" {
                            button type="button" class="btn btn-icon btn-ghost-secondary" data-theme-toggle aria-label=(view.t("theme")) title=(view.t("theme")) { (icon("moon")) }
                            form method="post" action="/logout" { button type="submit" class="btn btn-icon btn-ghost-secondary" aria-label=(view.t("logout")) title=(view.t("logout")) { (icon("logout")) } }
                        }
                    }
                }
            }
        }
    }
}

/// An error as a page, or as a message in one.
pub(super) fn failure(labels: &Labels, language: &str, problem: &Problem, correlation: Option<&str>, is_partial: bool) -> Markup {
    let heading = labels.text(language, &format!("kernel-error--{}", problem.code)).into_owned();
    let known = !heading.starts_with("kernel-error");
    let heading = if known { heading } else { word(labels, language, "failed") };
    // What broke is ours to know; the correlation id leads to it.
    let detail = if problem.status.is_server_error() { word(labels, language, "ours") } else { problem.detail.to_string() };
    let said = html! {
        h2 class="h2" { (heading) }
        p class="text-secondary" { (detail) }
        @if !problem.fields.is_empty() { ul class="text-start d-inline-block" { @for field in &problem.fields { li { code { (field.field) } ": " (field.message) } } } }
        p class="text-secondary small" { (word(labels, language, "code")) ": " code { (problem.reason.unwrap_or(problem.code)) } @if let Some(id) = correlation { " · " (word(labels, language, "correlation")) ": " code { (id) } } }
    };
    if is_partial {
        return html! {
            div class="modal-header" { h2 class="modal-title" { (heading) } button type="button" class="btn-close" data-close aria-label=(word(labels, language, "close")) {} }
            div class="modal-body" role="alert" { (said) }
        };
    }
    bare(
        language,
        &heading,
        &html! {
            main id="content" class="page page-center" {
                div class="container-tight py-4 text-center" {
                    div class="display-4 text-secondary mb-3" { (problem.status.as_u16()) }
                    (said)
                    a class="btn btn-primary" href="/" { (icon("home")) (word(labels, language, "home")) }
                }
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::modules;

    #[test]
    fn every_module_of_the_menu_has_a_picture_of_its_own() {
        let sprite = include_str!("../../assets/vendor/tabler-icons/icons.svg");
        let mut seen = std::collections::BTreeSet::new();
        for module in modules().into_iter().filter(|module| !module.resources.is_empty()) {
            let name = symbol(module.name);
            assert!(name != "database" && seen.insert(name), "{} has the picture of others", module.name);
            assert!(sprite.contains(&format!("<symbol id=\"{name}\" ")), "{name} is not in the sprite");
        }
        assert!(seen.len() > 5, "{seen:?}");
    }
}
