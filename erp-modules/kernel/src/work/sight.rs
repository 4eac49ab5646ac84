//! What the user of a unit of work may read. A write itself reads at the width of the tenant, so a handler that is told of a
//! record by a name that the bus did not check asks here.

use super::Work;
use crate::audit::OutOfReach;
use crate::error::{Error, Result};
use crate::query::scope;
use std::collections::HashSet;
use std::sync::Arc;
use uuid::Uuid;

impl Work {
    /// Which of these records the user may read. A nested command has its caller's authority, not the user's: it sees the
    /// tenant. A resource that is not there has no records.
    pub async fn visible(&mut self, resource: &str, ids: &[Uuid]) -> Result<HashSet<Uuid>> {
        let (catalogue, rights) = (Arc::clone(&self.catalogue), Arc::clone(&self.rights));
        if !catalogue.resources.contains_key(resource) {
            return Ok(HashSet::new());
        }
        let reader = if self.depth > 0 {
            crate::Principal::system(self.principal.tenant, self.principal.door, Arc::clone(&self.principal.correlation))
        } else {
            self.principal.clone()
        };
        scope::visible_ids(&mut self.tx, &catalogue, &rights, &reader, resource, ids).await
    }

    /// A record of a resource that hangs on others is out of reach for who may not read it: the width of a command says
    /// nothing of the record that this one hangs on.
    pub(super) async fn check_sight(&mut self, resource: &str, id: Uuid) -> Result<()> {
        let hangs = self.catalogue.resources.get(resource).is_some_and(|resource| resource.subject.is_some());
        if !hangs || self.depth > 0 || self.principal.is_system() || self.visible(resource, &[id]).await?.contains(&id) {
            return Ok(());
        }
        Err(Error::not_found(resource).with_source(OutOfReach))
    }
}
