//! The doors of records: lists, details, aggregates, exports, histories, reports, and the catalogue that announces them.

use super::{Finding, Prober, Table};
use anyhow::{Context, Result, ensure};
use reqwest::StatusCode;
use serde_json::Value;
use std::collections::BTreeSet;

/// An id that nothing has.
pub(super) const INVENTED: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
/// A field that nothing has.
const NO_FIELD: &str = "no_such_field";
/// What a list counts up to.
const COUNT_MAX: usize = 1_000;

impl Prober<'_> {
    /// What is announced is what may be read, and the other way round; masked fields are not announced.
    pub(super) async fn catalogue(&mut self) -> Result<()> {
        let (_, told) = self.get("catalogue").await?;
        let resources = told["resources"].as_array().context("the catalogue has no resources")?;
        for resource in resources {
            let name = resource["name"].as_str().unwrap_or_default();
            let table = self.world.table(name).with_context(|| format!("the resource {name} does not stand in evals/data/permissions/tables.toml"))?;
            let shown: BTreeSet<&str> = resource["fields"].as_array().into_iter().flatten().filter_map(|field| field["name"].as_str()).collect();
            let masked: Vec<&str> = self.person.masked_to(table).map(|masked| masked.field.as_str()).filter(|field| shown.contains(field)).collect();
            let finding = match self.person.grants.contains_key(&table.permission) {
                false => Finding::Leak("the resource is announced without the right to it".to_owned()),
                true if !masked.is_empty() => Finding::Leak(format!("announces {}", masked.join(", "))),
                true => Finding::Kept,
            };
            self.found(format_args!("catalogue/{name}"), "GET catalogue", finding);
        }
        Ok(())
    }

    pub(super) async fn records(&mut self) -> Result<()> {
        let world = self.world;
        for table in &world.tables {
            if !self.person.grants.contains_key(&table.permission) {
                self.refused(table).await?;
                continue;
            }
            self.list(table, &format!("{}?limit=200&count=true", table.path)).await?;
            self.list(table, &format!("{}?limit=200&sort=-created_at", table.path)).await?;
            self.count(table).await?;
            self.export(table).await?;
            for _ in 0..3 {
                self.hidden_record(table).await?;
            }
            for _ in 0..2 {
                self.seen_record(table).await?;
            }
            self.masked(table).await?;
        }
        Ok(())
    }

    /// Without the right to a resource nothing tells whether a record is there.
    async fn refused(&mut self, table: &Table) -> Result<()> {
        for path in [table.path.clone(), format!("{}/aggregate?measure=count", table.path), format!("{}/export", table.path)] {
            let (status, told) = self.get(&path).await?;
            let finding = if status.is_client_error() { Finding::Kept } else { Finding::Leak(format!("{status}: {}", short(&told))) };
            self.found(format_args!("refused/{}", table.resource), format!("GET {path}"), finding);
        }
        self.hidden_record(table).await
    }

    async fn list(&mut self, table: &Table, path: &str) -> Result<()> {
        let (status, told) = self.get(path).await?;
        let name = format!("list/{}", table.resource);
        let Some(items) = told["items"].as_array() else {
            // A resource that is not sorted like this says so.
            let finding = if status == StatusCode::BAD_REQUEST && path.contains("sort=") {
                Finding::Kept
            } else {
                Finding::Missing(format!("{status}: {}", short(&told)))
            };
            self.found(name, format!("GET {path}"), finding);
            return Ok(());
        };
        let visible = self.person.visible.get(&table.resource).cloned().unwrap_or_default();
        let finding = match items.iter().find_map(|item| self.too_much(table, item)) {
            Some(leak) => Finding::Leak(leak),
            None => match told["count"]["value"].as_u64().and_then(|count| usize::try_from(count).ok()) {
                Some(count) if count > visible.active.min(COUNT_MAX) => Finding::Leak(format!("counts {count} of {}", visible.active)),
                Some(count) if count < visible.active.min(COUNT_MAX) => Finding::Missing(format!("counts {count} of {}", visible.active)),
                _ if items.len() < visible.active.min(200) => Finding::Missing(format!("lists {} of {}", items.len(), visible.active)),
                _ => Finding::Kept,
            },
        };
        self.found(name, format!("GET {path}"), finding);
        Ok(())
    }

    /// A row, a field or a title that is not the person's to see.
    fn too_much(&self, table: &Table, item: &Value) -> Option<String> {
        let id = item["id"].as_str().unwrap_or_default();
        if !self.person.sees(&table.resource, id) {
            return Some(format!("shows {id}"));
        }
        self.person.masked_to(table).find(|masked| item.get(&masked.field).is_some()).map(|masked| format!("shows {} of {id}", masked.field))
    }

    async fn count(&mut self, table: &Table) -> Result<()> {
        let path = format!("{}/aggregate?measure=count", table.path);
        let (status, told) = self.get(&path).await?;
        let wanted = self.person.visible.get(&table.resource).map_or(0, |visible| visible.active);
        let finding = match told["items"][0]["count"].as_u64().and_then(|count| usize::try_from(count).ok()) {
            Some(count) if count > wanted => Finding::Leak(format!("counts {count} of {wanted}")),
            Some(count) if count < wanted => Finding::Missing(format!("counts {count} of {wanted}")),
            Some(_) => Finding::Kept,
            None => Finding::Missing(format!("{status}: {}", short(&told))),
        };
        self.found(format_args!("count/{}", table.resource), format!("GET {path}"), finding);
        Ok(())
    }

    async fn export(&mut self, table: &Table) -> Result<()> {
        let path = format!("{}/export", table.path);
        let (status, told) = self.get(&path).await?;
        let Some(text) = told.as_str().filter(|_| status.is_success()) else {
            self.found(format_args!("export/{}", table.resource), format!("GET {path}"), Finding::Missing(format!("{status}: {}", short(&told))));
            return Ok(());
        };
        let mut lines = text.lines();
        let columns: BTreeSet<&str> = lines.next().unwrap_or_default().split(',').collect();
        let masked = self.person.masked_to(table).find(|masked| columns.iter().any(|column| column.starts_with(masked.field.as_str())));
        // A text may hold line breaks: what begins with an id is a row.
        let ids: BTreeSet<&str> = lines.filter_map(|line| line.get(..36)).filter(|id| uuid::Uuid::try_parse(id).is_ok()).collect();
        let active = self.person.visible.get(&table.resource).map_or(0, |visible| visible.active);
        let finding = match (masked, ids.iter().find(|id| !self.person.sees(&table.resource, id))) {
            (Some(masked), _) => Finding::Leak(format!("has the column {}", masked.field)),
            (None, Some(id)) => Finding::Leak(format!("shows {id}")),
            (None, None) if ids.len() < active => Finding::Missing(format!("exports {} of {active}", ids.len())),
            (None, None) => Finding::Kept,
        };
        self.found(format_args!("export/{}", table.resource), format!("GET {path}"), finding);
        Ok(())
    }

    /// A record out of reach reads like one that does not exist.
    async fn hidden_record(&mut self, table: &Table) -> Result<()> {
        let Some((id, _)) = self.hidden(&table.resource) else { return Ok(()) };
        for tail in ["", "/history"] {
            let (path, invented) = (format!("{}/{id}{tail}", table.path), format!("{}/{INVENTED}{tail}", table.path));
            let (status, told) = self.get(&path).await?;
            let (status_of_none, told_of_none) = self.get(&invented).await?;
            let same = status == status_of_none && plain(&told, &id) == plain(&told_of_none, INVENTED);
            let finding = match status.is_client_error() && same {
                true => Finding::Kept,
                false => Finding::Leak(format!("{status}: {}\n  of one that does not exist: {status_of_none}: {}", short(&told), short(&told_of_none))),
            };
            self.found(format_args!("hidden/{}", table.resource), format!("GET {path}"), finding);
        }
        Ok(())
    }

    async fn seen_record(&mut self, table: &Table) -> Result<()> {
        let Some(id) = self.seen(&table.resource) else { return Ok(()) };
        let path = format!("{}/{id}", table.path);
        let (status, told) = self.get(&path).await?;
        let finding = match self.too_much(table, &told) {
            _ if !status.is_success() => Finding::Missing(format!("{status}: {}", short(&told))),
            Some(leak) => Finding::Leak(leak),
            None => Finding::Kept,
        };
        self.found(format_args!("detail/{}", table.resource), format!("GET {path}"), finding);
        let path = format!("{path}/history");
        let (_, told) = self.get(&path).await?;
        let changed: Vec<&str> = told["items"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|item| item["changes"].as_array().into_iter().flatten())
            .filter_map(|change| change["field"].as_str())
            .collect();
        let leak = self
            .person
            .masked_to(table)
            .find(|masked| changed.contains(&masked.field.as_str()))
            .map(|masked| Finding::Leak(format!("tells that {} changed", masked.field)));
        self.found(format_args!("history/{}", table.resource), format!("GET {path}"), leak.unwrap_or(Finding::Kept));
        Ok(())
    }

    /// A masked field cannot be named: it reads like a field that does not exist.
    async fn masked(&mut self, table: &Table) -> Result<()> {
        for masked in self.person.masked_to(table) {
            let field = masked.field.as_str();
            let mut pairs: Vec<(String, &str, &str)> = ["fields={}", "sort={}", "sort=-{}", "filter%5B{}%5D%5Bgt%5D=1", "filter%5B{}%5D%5Bnull%5D=false"]
                .iter()
                .map(|parameters| (format!("{}?{parameters}", table.path), field, NO_FIELD))
                .collect();
            pairs.push((format!("{}/aggregate?measure=count&group={{}}", table.path), field, NO_FIELD));
            pairs.push((format!("{}/export?fields={{}}", table.path), field, NO_FIELD));
            pairs.extend(masked.measures.iter().map(|measure| (format!("{}/aggregate?measure={{}}", table.path), measure.as_str(), NO_FIELD)));
            for (path, real, invented) in pairs {
                let (real_path, invented_path) = (path.replace("{}", real), path.replace("{}", invented));
                let (status, told) = self.get(&real_path).await?;
                let (status_of_none, told_of_none) = self.get(&invented_path).await?;
                let same = status == status_of_none && plain(&told, real) == plain(&told_of_none, invented);
                let finding = match status.is_client_error() && same {
                    true => Finding::Kept,
                    false => Finding::Leak(format!("{status}: {}\n  of one that does not exist: {status_of_none}: {}", short(&told), short(&told_of_none))),
                };
                self.found(format_args!("masked/{}", table.resource), format!("GET {real_path}"), finding);
            }
        }
        Ok(())
    }

    /// Reports: only with their permission, and with titles only of records that the person may see.
    pub(super) async fn reports(&mut self) -> Result<()> {
        for report in &self.world.reports {
            let (status, told) = self.get(&report.path).await?;
            let named: Vec<&Value> = told["rows"]
                .as_array()
                .into_iter()
                .flatten()
                .flat_map(|row| row.as_array().into_iter().flatten())
                .filter(|cell| cell.get("title").is_some())
                .collect();
            let finding = if self.person.grants.contains_key(&report.permission) {
                match named.iter().find(|cell| self.is_hidden_record(cell["id"].as_str().unwrap_or_default())) {
                    Some(cell) => Finding::Leak(format!("names {cell}")),
                    None if status.is_success() || status == StatusCode::UNPROCESSABLE_ENTITY => Finding::Kept,
                    None => Finding::Missing(format!("{status}: {}", short(&told))),
                }
            } else if status.is_client_error() {
                Finding::Kept
            } else {
                Finding::Leak(format!("{status}: {}", short(&told)))
            };
            self.found(format_args!("report/{}", report.path), format!("GET {}", report.path), finding);
        }
        ensure!(!self.world.reports.is_empty(), "there are no reports to ask for");
        Ok(())
    }

    /// A record of one of the tables that the person may not see.
    pub(super) fn is_hidden_record(&self, id: &str) -> bool {
        let resource = self.rows.iter().find(|(_, rows)| rows.binary_search_by(|(row, _)| row.as_str().cmp(id)).is_ok()).map(|(resource, _)| resource);
        resource.is_some_and(|resource| !self.person.sees(resource, id))
    }
}

/// A problem without what differs from request to request and without what was asked for.
pub(super) fn plain(told: &Value, asked: &str) -> String {
    let mut told = told.clone();
    if let Some(told) = told.as_object_mut() {
        told.remove("correlation_id");
        told.remove("instance");
    }
    told.to_string().replace(asked, "…")
}

pub(super) fn short(told: &Value) -> String {
    told.to_string().chars().take(300).collect()
}
