//! What a reference picker offers: the records whose titles begin with what was typed.

use super::shell::fragment;
use super::visitor::{At, Visitor};
use super::{format, view::View};
use crate::error::Problem;
use crate::http::extract::Parameters;
use crate::state::AppState;
use axum::extract::State;
use axum::response::Response;
use maud::html;
use serde_json::Value;
use std::sync::Arc;
use steward_kernel::query::{Filter, ListQuery, Op};
use steward_kernel::{Code, Read, Resource};
use uuid::Uuid;

const OPTIONS: u32 = 10;

/// The names of visible texts of pickers begin with this; what follows is the name of the hidden id.
pub(super) const TYPED: &str = "_t:";

pub(super) async fn options(State(state): State<AppState>, visitor: Visitor, At((module, plural)): At<(String, String)>, parameters: Parameters) -> Response {
    visitor.answer(build(&state, &visitor, &module, &plural, &parameters).await)
}

async fn build(state: &AppState, visitor: &Visitor, module: &str, plural: &str, parameters: &Parameters) -> Result<Response, Problem> {
    let (mut read, view) = visitor.open(state).await?;
    let resource = Arc::clone(read.catalogue().resource_at(module, plural)?);
    let typed = parameters.0.iter().find(|(name, _)| name.starts_with(TYPED)).map_or("", |(_, value)| value.trim());
    let found = matching(&mut read, &view, &resource, typed, OPTIONS).await?;
    read.finish().await?;
    Ok(fragment(html! {
        @for (id, title, beside) in &found {
            div class="dropdown-item" role="option" id=(format!("o-{id}")) data-id=(id) data-title=(title) { span { (title) } @if let Some(beside) = beside { span class="text-secondary ms-2 small" { (beside) } } }
        }
        @if found.is_empty() { div class="dropdown-item disabled" { (view.t("nothing-found")) } }
    }))
}

/// Records by the beginning of their titles: id, title, and another field of the list to tell them apart.
pub(super) async fn matching(
    read: &mut Read,
    view: &View,
    resource: &Resource,
    typed: &str,
    limit: u32,
) -> Result<Vec<(Uuid, String, Option<String>)>, Problem> {
    let Some(title) = view.fields(resource).find(|field| field.name == resource.title) else { return Ok(Vec::new()) };
    let beside = view.fields(resource).find(|field| field.in_list && field.name != title.name && matches!(field.kind, steward_kernel::Kind::Text { .. }));
    let mut query = ListQuery { limit, ..ListQuery::new(resource.name.as_ref()) };
    query.fields = Some([Some(title), beside].into_iter().flatten().map(|field| field.name.to_string()).collect());
    let ops = steward_kernel::query::ops_of(&view.catalogue, title);
    if !typed.is_empty() {
        let op = if ops.contains(&Op::Starts) { Op::Starts } else { Op::Eq };
        if !ops.contains(&op) {
            return Ok(Vec::new());
        }
        query.filters.push(Filter::new(title.name.as_ref(), op, typed));
    }
    if title.sortable {
        query.sort = steward_kernel::query::SortKey::parse_list(&title.name);
    }
    let page = match read.list(&query).await {
        Ok(page) => page,
        // What was typed is no value of such a title, a moment for example: nothing begins so.
        Err(error) if !typed.is_empty() && error.code == Code::InvalidInput => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let text = |item: &Value, name: &str| item.get(name).and_then(format::plain);
    Ok(page
        .items
        .iter()
        .filter_map(|item| {
            let id = super::view::id_of(item)?;
            Some((id, text(item, &title.name)?, beside.and_then(|field| text(item, &field.name))))
        })
        .collect())
}

/// The title of one record, where the reader may see it.
pub(super) async fn title_of(read: &mut Read, view: &View, resource: &str, id: Uuid) -> Option<String> {
    let resource = view.readable(resource)?;
    let fields = [resource.title.to_string()];
    let record = read.detail(&resource.name, id, Some(&fields)).await.ok()?;
    record.get(resource.title.as_ref()).and_then(format::plain)
}
