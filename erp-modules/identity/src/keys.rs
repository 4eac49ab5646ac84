//! The keys that sign tokens: Ed25519, in a folder that only the server's user can read.
//!
//! Each file `{kid}.pk8` is one key; names are ordered by time. The newest signs, all verify: putting a new file there
//! rotates, taking an old one away ends what it signed. Several processes share the folder; a token with an unknown key
//! makes them look again.

use aws_lc_rs::rand::fill;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};
use steward_kernel::error::{Error, Result};
use steward_kernel::ids;

/// A forged key id must not make the server read the folder for every request.
const RELOAD_PAUSE: Duration = Duration::from_secs(5);

/// 32 random bytes as text.
pub(crate) fn secret() -> Result<String> {
    let mut bytes = [0_u8; 32];
    fill(&mut bytes).map_err(|_| Error::internal("the random generator failed"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

struct Set {
    newest: String,
    signing: EncodingKey,
    verifying: HashMap<String, DecodingKey>,
    jwks: Value,
}

/// The keys of one folder, decoded once.
pub struct Keys {
    folder: PathBuf,
    set: RwLock<Arc<Set>>,
    reloaded: Mutex<Instant>,
}

impl Keys {
    /// Opens the folder, and makes it with a first key where there is none.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self> {
        let folder = folder.into();
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(|error| unusable(&folder, error))?;
        if names(&folder)?.is_empty() {
            generate(&folder)?;
        }
        let set = RwLock::new(Arc::new(load(&folder)?));
        Ok(Self { folder, set, reloaded: Mutex::new(Instant::now()) })
    }

    /// Makes a new key that signs from now on; the others go on verifying.
    pub fn rotate(&self) -> Result<()> {
        generate(&self.folder)?;
        self.reload()
    }

    /// The public keys, as a JSON Web Key Set.
    pub fn jwks(&self) -> Value {
        self.current().jwks.clone()
    }

    pub(crate) fn signing(&self) -> (String, EncodingKey) {
        let set = self.current();
        (set.newest.clone(), set.signing.clone())
    }

    pub(crate) fn verifying(&self, kid: &str) -> Option<DecodingKey> {
        if let Some(key) = self.current().verifying.get(kid) {
            return Some(key.clone());
        }
        let due = {
            let mut reloaded = self.reloaded.lock().unwrap_or_else(PoisonError::into_inner);
            let due = reloaded.elapsed() >= RELOAD_PAUSE;
            if due {
                *reloaded = Instant::now();
            }
            due
        };
        if due && let Err(error) = self.reload() {
            tracing::error!(error = %error, "the folder of signing keys cannot be read");
        }
        self.current().verifying.get(kid).cloned()
    }

    fn current(&self) -> Arc<Set> {
        Arc::clone(&self.set.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn reload(&self) -> Result<()> {
        let set = Arc::new(load(&self.folder)?);
        *self.set.write().unwrap_or_else(PoisonError::into_inner) = set;
        Ok(())
    }
}

fn unusable(folder: &Path, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::internal(format!("the folder of signing keys {} cannot be used", folder.display())).with_source(error)
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| unusable(folder, error))? {
        let path = entry.map_err(|error| unusable(folder, error))?.path();
        if path.extension().is_some_and(|extension| extension == "pk8")
            && let Some(name) = path.file_stem().and_then(|name| name.to_str())
        {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Written beside and renamed, so that another process never reads half a key.
fn generate(folder: &Path) -> Result<()> {
    let pair = Ed25519KeyPair::generate().map_err(|_| Error::internal("a signing key could not be made"))?;
    let document = pair.to_pkcs8().map_err(|_| Error::internal("a signing key could not be encoded"))?;
    let kid = ids::fresh().simple().to_string();
    let (fresh, done) = (folder.join(format!("{kid}.new")), folder.join(format!("{kid}.pk8")));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh).map_err(|error| unusable(folder, error))?;
    file.write_all(document.as_ref()).and_then(|()| file.sync_all()).map_err(|error| unusable(folder, error))?;
    fs::rename(&fresh, &done).map_err(|error| unusable(folder, error))
}

fn load(folder: &Path) -> Result<Set> {
    let mut verifying = HashMap::new();
    let mut public = Vec::new();
    let mut newest = None;
    for kid in names(folder)? {
        let der = fs::read(folder.join(format!("{kid}.pk8"))).map_err(|error| unusable(folder, error))?;
        let pair = Ed25519KeyPair::from_pkcs8(&der).map_err(|_| Error::internal(format!("{kid}.pk8 in {} is not an Ed25519 key", folder.display())))?;
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let key = DecodingKey::from_ed_components(&x).map_err(|error| Error::internal("a public key cannot be used").with_source(error))?;
        public.push(json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": x }));
        verifying.insert(kid.clone(), key);
        newest = Some((kid, EncodingKey::from_ed_der(&der)));
    }
    let (newest, signing) = newest.ok_or_else(|| Error::internal(format!("there is no signing key in {}", folder.display())))?;
    Ok(Set { newest, signing, verifying, jwks: json!({ "keys": public }) })
}
