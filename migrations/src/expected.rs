//! Whether the database is as new as the program, asked by those who serve: with no right on the bookkeeping itself.

use crate::Contents;
use crate::contents::FIXED;
use sqlx::PgPool;
use steward_kernel::error::{During, Result};

/// The migrations that this program was built with.
#[derive(Clone, Debug)]
pub struct Expected {
    database: Vec<i64>,
    placements: Vec<i64>,
}

impl Expected {
    pub fn of(contents: &Contents) -> Self {
        Self {
            database: FIXED.iter().map(|migration| migration.version).collect(),
            placements: contents.placement().iter().map(|migration| migration.version).collect(),
        }
    }

    /// How many of them are not applied, over the database and all placements. A newer database lacks none.
    pub async fn missing(&self, db: &PgPool) -> Result<i64> {
        sqlx::query_scalar("SELECT control.missing_migrations($1, $2)")
            .bind(&self.database)
            .bind(&self.placements)
            .fetch_one(db)
            .await
            .during("count the missing migrations")
    }
}
