//! Positions of writes: reading one's own writes means waiting until the text index has come past one.
//!
//! A position is a transaction's id. On the wire it is sealed for its tenant: an id tells how much the whole installation
//! writes, which is no tenant's business.

use crate::engine::Generation;
use crate::passage::Record;
use std::time::Duration;
use steward_kernel::Read;
use steward_kernel::bus::Kernel;
use steward_kernel::error::{During, Error, Result};
use uuid::Uuid;

/// The first pause before it is looked again whether the index has come far enough; each is twice the one before.
const PAUSE: Duration = Duration::from_millis(10);
const NONCE_BYTES: usize = 8;
const SEALED_BYTES: usize = 32;

/// Where a write stands in the order of the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(i64);

impl Position {
    /// Of the transaction with this id.
    pub fn of(xid: i64) -> Self {
        Self(xid)
    }

    /// For the client of a tenant; only [`Self::open`] makes sense of it.
    pub fn seal(self, kernel: &Kernel, tenant: Uuid) -> String {
        let plain = self.0.to_le_bytes();
        // The same position is always the same text, so that it tells nothing by changing.
        let nonce: [u8; NONCE_BYTES] = head(&mac(kernel, tenant, b"nonce", &plain));
        let hidden = xor(plain, head(&mac(kernel, tenant, b"hide", &nonce)));
        let check: [u8; 16] = head(&mac(kernel, tenant, b"check", &[nonce, hidden].concat()));
        [nonce.as_slice(), &hidden, &check].concat().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// A position that was sealed for this tenant; any other text is refused.
    pub fn open(kernel: &Kernel, tenant: Uuid, text: &str) -> Result<Self> {
        let refused = || Error::bad_request("the position was not given out here");
        if text.len() != 2 * SEALED_BYTES || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(refused());
        }
        let byte = |at: usize| u8::from_str_radix(&text[2 * at..2 * at + 2], 16);
        let bytes = (0..SEALED_BYTES).map(byte).collect::<Result<Vec<u8>, _>>().map_err(|_| refused())?;
        let (sealed, check) = bytes.split_at(16);
        let expected = mac(kernel, tenant, b"check", sealed);
        if head::<32>(&expected)[..16] != *check {
            return Err(refused());
        }
        let (nonce, hidden) = sealed.split_at(NONCE_BYTES);
        let hidden = <[u8; 8]>::try_from(hidden).map_err(|_| refused())?;
        Ok(Self(i64::from_le_bytes(xor(hidden, head(&mac(kernel, tenant, b"hide", nonce))))))
    }

    /// The records that this transaction changed in the reader's tenant, at most `most`. Which of them he may read is not said.
    pub(super) async fn changed(self, read: &mut Read, most: i64) -> Result<Vec<Record>> {
        let changed: Vec<(String, Uuid)> = sqlx::query_as(
            "SELECT DISTINCT name, entity_id FROM kernel.outbox WHERE xid = ($1::text)::xid8 AND tenant_id = (SELECT app.tenant()) AND kind = 'change' AND entity_id IS NOT NULL
              ORDER BY name, entity_id LIMIT $2",
        )
        .bind(self.0.to_string())
        .bind(most)
        .fetch_all(read.db())
        .await
        .during("look up what a write changed")?;
        Ok(changed.into_iter().map(|(resource, id)| Record { resource, id }).collect())
    }

    /// Whether the text index of a generation has read all that this transaction changed in the reader's tenant.
    pub(super) async fn is_indexed(self, read: &mut Read, generation: Generation) -> Result<bool> {
        sqlx::query_scalar("SELECT rag.is_indexed($1, ($2::text)::xid8)")
            .bind(generation.0)
            .bind(self.0.to_string())
            .fetch_one(read.db())
            .await
            .during("look how far the index has come")
    }
}

/// What is left of the time that a question may wait.
pub(super) struct Patience {
    left: Duration,
    pause: Duration,
}

impl Patience {
    pub(super) fn new(at_most: Duration) -> Self {
        Self { left: at_most, pause: PAUSE }
    }

    /// Waits before another look; `false` when the time is over.
    pub(super) async fn wait(&mut self) -> bool {
        if self.left.is_zero() {
            return false;
        }
        let pause = self.pause.min(self.left);
        tokio::time::sleep(pause).await;
        self.left -= pause;
        self.pause *= 2;
        true
    }
}

fn mac(kernel: &Kernel, tenant: Uuid, what: &[u8], payload: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_keyed(&kernel.cursor_key);
    for part in [b"position".as_slice(), what, tenant.as_bytes(), payload] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize()
}

fn head<const N: usize>(hash: &blake3::Hash) -> [u8; N] {
    std::array::from_fn(|at| hash.as_bytes()[at])
}

fn xor(one: [u8; 8], other: [u8; 8]) -> [u8; 8] {
    std::array::from_fn(|at| one[at] ^ other[at])
}
