//! Cursors of keyset pages: the sort values of the last row, signed and bound to the list they belong to.
//!
//! A cursor names no rights: the next page is read under the rights of its own moment.

use crate::error::{Error, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const MAC_BYTES: usize = 32;
/// A longer one was not made here.
const CURSOR_MAX: usize = 8_192;

fn mac(key: &[u8; 32], bound_to: &[u8], payload: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(&(bound_to.len() as u64).to_le_bytes());
    hasher.update(bound_to);
    hasher.update(payload);
    hasher.finalize()
}

pub(crate) fn seal(key: &[u8; 32], bound_to: &[u8], values: &[String]) -> Result<String> {
    let payload = serde_json::to_vec(values).map_err(|error| Error::internal("could not make a cursor").with_source(error))?;
    let mut bytes = mac(key, bound_to, &payload).as_bytes().to_vec();
    bytes.extend_from_slice(&payload);
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The values of a cursor that was made here for the same list. A forged or a foreign one is refused alike.
pub(crate) fn open(key: &[u8; 32], bound_to: &[u8], cursor: &str) -> Result<Vec<String>> {
    let refused = || Error::bad_request("the cursor does not belong to this list");
    if cursor.len() > CURSOR_MAX {
        return Err(refused());
    }
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refused())?;
    let (given, payload) = bytes.split_first_chunk::<MAC_BYTES>().ok_or_else(refused)?;
    // `Hash` compares in constant time.
    if mac(key, bound_to, payload) != blake3::Hash::from_bytes(*given) {
        return Err(refused());
    }
    serde_json::from_slice(payload).map_err(|_| refused())
}
