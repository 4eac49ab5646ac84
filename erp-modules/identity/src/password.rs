//! Passwords: Argon2id, off the async threads, and never more at once than there are processors, so that a flood of
//! log-ins neither stalls requests nor fills the memory (19 MiB for each hash).

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use std::sync::{Arc, LazyLock};
use steward_kernel::error::{Error, Result};
use tokio::sync::Semaphore;

/// Characters.
pub const LENGTH_MIN: usize = 10;
/// Longer ones only cost time.
pub const LENGTH_MAX: usize = 200;

static RUNNING: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from))));

/// The hash of a password that nobody has: an unknown user costs as much time as a known one.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c3Rld2FyZC1ub2JvZHktMA$0vT0Rqwe8vx6tMlzOUuUcVL5AE4yKDQb2FGnZc7PPbM";

/// Refuses passwords that are too short; `field` names the input.
pub fn check(password: &str, field: &str) -> Result<()> {
    match password.chars().count() {
        LENGTH_MIN..=LENGTH_MAX => Ok(()),
        _ => Err(Error::field(field, format!("a password has {LENGTH_MIN} to {LENGTH_MAX} characters"))),
    }
}

/// The hash to store, with its own salt.
pub async fn hash(password: &str) -> Result<String> {
    let password = password.to_owned();
    busy(move || {
        let mut salt = [0_u8; 16];
        aws_lc_rs::rand::fill(&mut salt).map_err(|_| Error::internal("the random generator failed"))?;
        let salt = SaltString::encode_b64(&salt).map_err(|error| Error::internal(format!("could not encode a salt: {error}")))?;
        let hash = Argon2::default().hash_password(password.as_bytes(), &salt);
        hash.map(|hash| hash.to_string()).map_err(|error| Error::internal(format!("could not hash a password: {error}")))
    })
    .await
}

/// Whether the password belongs to the hash. Without a hash the same work is done and the answer is no.
pub(crate) async fn verify(password: &str, hash: Option<String>) -> Result<bool> {
    if password.chars().count() > LENGTH_MAX {
        return Ok(false);
    }
    let password = password.to_owned();
    busy(move || {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODY.to_owned());
        let parsed = PasswordHash::new(&hash).map_err(|error| Error::internal(format!("a stored hash cannot be read: {error}")))?;
        Ok(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok() && known)
    })
    .await
}

async fn busy<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let permit = Arc::clone(&RUNNING).acquire_owned().await.map_err(|error| Error::internal("password hashing has ended").with_source(error))?;
    let task = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work()
    });
    task.await.map_err(|error| Error::internal("password hashing has failed").with_source(error))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_belongs_to_its_own_hash_only() {
        let hash = hash("correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(verify("correct horse", Some(hash.clone())).await.unwrap());
        assert!(!verify("correct horsf", Some(hash)).await.unwrap());
    }

    #[tokio::test]
    async fn nobody_has_no_password_but_costs_the_same_work() {
        assert!(!verify("correct horse", None).await.unwrap());
        assert!(PasswordHash::new(NOBODY).is_ok());
    }
}
