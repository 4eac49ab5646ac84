//! Where keys come from.

use secrecy::SecretString;

use super::provider::Credential;

/// Looks an environment variable up. A program passes its own environment, a test one that it made up.
pub type Environment<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// What is wrong with a key: the field that is to blame, and why, without anything of the key.
pub(crate) struct NoSecret {
    pub(crate) field: &'static str,
    pub(crate) message: String,
}

impl Credential {
    /// The key itself.
    pub(crate) fn secret(&self, environment: Environment<'_>) -> Result<SecretString, NoSecret> {
        let (field, text) = match (&self.key, &self.key_env, &self.key_file) {
            (Some(key), _, _) => return Ok(key.clone()),
            (None, Some(name), _) => {
                let not_set = || NoSecret { field: "key_env", message: format!("the environment variable {name} is not set") };
                ("key_env", environment(name).ok_or_else(not_set)?)
            }
            (None, None, Some(file)) => {
                let unreadable =
                    |error: std::io::Error| NoSecret { field: "key_file", message: format!("{} cannot be read: {}", file.display(), error.kind()) };
                ("key_file", std::fs::read_to_string(file).map_err(unreadable)?)
            }
            (None, None, None) => return Err(NoSecret { field: "key_env", message: "it is not said where the key stands".to_owned() }),
        };
        let key = text.trim();
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(NoSecret { field, message: "what stands there is no key: it is empty, or not one word of ASCII".to_owned() });
        }
        Ok(key.into())
    }
}
