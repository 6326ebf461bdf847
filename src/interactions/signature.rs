//! Proof that a request comes from Discord.
//! <https://docs.discord.com/developers/interactions/overview#setting-up-an-endpoint-validating-security-request-headers>

use ed25519_dalek::{Signature, VerifyingKey};

use crate::host::UnixMillis;
use crate::limits::TIMESTAMP_TOLERANCE_MS;

/// Why a request is not from Discord, or not from now. The caller answers 401 to all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    MissingHeader,
    MalformedSignature,
    MalformedTimestamp,
    /// Further from now than [`TIMESTAMP_TOLERANCE_MS`].
    StaleTimestamp,
    WrongSignature,
}

impl Rejection {
    pub fn reason(self) -> &'static str {
        match self {
            Rejection::MissingHeader => "a signature header is missing",
            Rejection::MalformedSignature => "the signature is not 128 hexadecimal digits",
            Rejection::MalformedTimestamp => "the timestamp is not a number",
            Rejection::StaleTimestamp => "the timestamp is more than 5 minutes off",
            Rejection::WrongSignature => "the signature does not match",
        }
    }
}

/// Checks the signature over `timestamp` and the raw `body`.
///
/// # Errors
/// A [`Rejection`]; nothing of the body was looked at before the signature matched.
pub fn verify(
    public_key: &[u8; 32],
    signature: Option<&str>,
    timestamp: Option<&str>,
    body: &[u8],
    now: UnixMillis,
) -> Result<(), Rejection> {
    let (Some(signature), Some(timestamp)) = (signature, timestamp) else {
        return Err(Rejection::MissingHeader);
    };
    let mut bytes = [0; 64];
    hex::decode_to_slice(signature, &mut bytes).map_err(|_| Rejection::MalformedSignature)?;
    // Digits only: `parse` alone would take a sign.
    let digits = !timestamp.is_empty() && timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let seconds: u64 = timestamp
        .parse()
        .ok()
        .filter(|_| digits)
        .ok_or(Rejection::MalformedTimestamp)?;
    if seconds.saturating_mul(1_000).abs_diff(now) > TIMESTAMP_TOLERANCE_MS {
        return Err(Rejection::StaleTimestamp);
    }
    // The configuration was refused if this is no key.
    let key = VerifyingKey::from_bytes(public_key).map_err(|_| Rejection::WrongSignature)?;
    let signed = [timestamp.as_bytes(), body].concat();
    key.verify_strict(&signed, &Signature::from_bytes(&bytes))
        .map_err(|_| Rejection::WrongSignature)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::{Signer, SigningKey};

    const NOW: UnixMillis = 1_800_000_000_000;

    fn sign(timestamp: &str, body: &[u8]) -> ([u8; 32], String) {
        let key = SigningKey::from_bytes(&[7; 32]);
        let signature = key.sign(&[timestamp.as_bytes(), body].concat());
        (
            key.verifying_key().to_bytes(),
            hex::encode(signature.to_bytes()),
        )
    }

    #[test]
    fn the_real_thing_passes_and_any_change_does_not() {
        let (key, good) = sign("1800000000", b"{}");
        let check = |signature, timestamp, body: &[u8]| {
            verify(&key, signature, timestamp, body, NOW).map_err(Rejection::reason)
        };
        assert_eq!(check(Some(&good), Some("1800000000"), b"{}"), Ok(()));
        assert!(check(Some(&good), Some("1800000001"), b"{}").is_err());
        assert!(check(Some(&good), Some("1800000000"), b"{} ").is_err());
        assert!(check(None, Some("1800000000"), b"{}").is_err());
        assert!(check(Some(&good), None, b"{}").is_err());
        assert!(check(good.get(..126), Some("1800000000"), b"{}").is_err());
        assert!(check(Some(&"g".repeat(128)), Some("1800000000"), b"{}").is_err());
        let other = SigningKey::from_bytes(&[8; 32]).verifying_key().to_bytes();
        assert_eq!(
            verify(&other, Some(&good), Some("1800000000"), b"{}", NOW),
            Err(Rejection::WrongSignature)
        );
    }

    #[test]
    fn every_bit_of_signature_and_body_counts() {
        let body = br#"{"type":1}"#;
        let (key, good) = sign("1800000000", body);
        let good = hex::decode(good).unwrap();
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let bad = hex::encode(bad);
            assert!(verify(&key, Some(&bad), Some("1800000000"), body, NOW).is_err());
        }
    }

    #[test]
    fn timestamps_hold_within_five_minutes_either_way() {
        for (timestamp, fine) in [
            ("1799999700", true),
            ("1799999699", false),
            ("1800000300", true),
            ("1800000301", false),
            ("+1800000000", false),
            ("", false),
            ("18000000000000000000000000", false),
        ] {
            let (key, good) = sign(timestamp, b"x");
            let result = verify(&key, Some(&good), Some(timestamp), b"x", NOW);
            assert_eq!(result.is_ok(), fine, "{timestamp}: {result:?}");
        }
    }
}
