//! The one application that this Discord knows, and its keys.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::id::Id;

/// The application under test, as the developer portal would show it. Everything follows from the seed.
#[derive(Clone, Debug, Serialize)]
pub struct Application {
    /// Application id. Differs from `bot_user_id`, as it does for applications made before 2016: code that mixes the
    /// two up is found out.
    pub id: Id,
    /// Hex of the ed25519 key that interactions are verified with.
    pub public_key: String,
    /// Hex of the 32-byte seed of the key that interactions are signed with; for tests that forge some.
    pub signing_key: String,
    /// What goes into `Authorization: Bot ...`.
    pub bot_token: String,
    /// The bot's user.
    pub bot_user_id: Id,
    #[serde(skip)]
    key: SigningKey,
}

impl Application {
    pub(crate) fn from_seed(seed: u64) -> Application {
        let key = SigningKey::from_bytes(&derive(seed, "interaction signing key"));
        // Fixed ids from January 2021: nothing may depend on when the simulator was started.
        let id = Id(794_000_000_000_000_000 + (seed % 1_000_000) * 8);
        let bot_user_id = Id(id.0 + 4_194_304);
        let secret = derive(seed, "bot token");
        let bot_token = format!(
            "{}.{}.{}",
            URL_SAFE_NO_PAD.encode(bot_user_id.to_string()),
            URL_SAFE_NO_PAD.encode(&secret[..4]),
            URL_SAFE_NO_PAD.encode(&secret[4..])
        );
        Application {
            id,
            public_key: hex::encode(key.verifying_key().as_bytes()),
            signing_key: hex::encode(key.to_bytes()),
            bot_token,
            bot_user_id,
            key,
        }
    }

    /// Signature over timestamp and body, in hex, as in `X-Signature-Ed25519`.
    pub(crate) fn sign(&self, timestamp: &str, body: &[u8]) -> String {
        let mut message = Vec::with_capacity(timestamp.len() + body.len());
        message.extend_from_slice(timestamp.as_bytes());
        message.extend_from_slice(body);
        hex::encode(self.key.sign(&message).to_bytes())
    }
}

/// 32 bytes for `purpose`, independent of those for any other purpose.
pub(crate) fn derive(seed: u64, purpose: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"discord-sim ");
    hash.update(seed.to_be_bytes());
    hash.update(purpose.as_bytes());
    hash.finalize().into()
}
